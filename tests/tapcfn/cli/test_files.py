"""A file is written whole, or stays as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tapcfn.cli.files import write_whole
from tapcfn.errors import TapcfnError


def test_a_file_is_replaced(tmp_path: Path) -> None:
    """Nothing else is left in the folder."""
    file = tmp_path / "outputs.json"
    file.write_text("old")

    write_whole(file, {"a": 1})

    assert json.loads(file.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """As an error of ours, with the path."""
    with pytest.raises(TapcfnError, match="nowhere/outputs.json: cannot be written"):
        write_whole(tmp_path / "nowhere" / "outputs.json", {})
