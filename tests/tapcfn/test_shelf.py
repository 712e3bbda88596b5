"""Kept bundles: which one is the last good, and which ones are dropped."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapcfn.bundle import read
from tapcfn.bundle.shelf import GONE, KEPT, Shelf
from tapcfn.errors import UsageError
from tapcfn.model import Rollout
from tapcfn.plan import digest
from tests.fakes import a_rollout, a_stack, a_template


def version(number: int) -> Rollout:
    return a_rollout(a_stack(template=a_template(version=str(number))))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "bundles" / "test-blue")


def keep(shelf: Shelf, *numbers: int) -> None:
    for number in numbers:
        shelf.begin(digest(version(number)))
        shelf.keep(version(number), digest(version(number)), {})


def wanted(shelf: Shelf) -> str | None:
    return shelf.last_good.wants if shelf.last_good else None


def test_the_one_before_what_is_deployed_is_the_last_good(shelf: Shelf) -> None:
    keep(shelf, 1, 2)

    assert digest(version(1)) == wanted(shelf)


def test_with_one_deployment_there_is_nothing_to_go_back_to(shelf: Shelf) -> None:
    """Nor with the same one twice."""
    keep(shelf, 1, 1)

    assert None is wanted(shelf)
    assert 1 == len(shelf.good)


def test_after_a_deployment_that_failed_the_last_whole_one_is_it(shelf: Shelf) -> None:
    """And it stays so, if going back fails as well."""
    keep(shelf, 1, 2)
    shelf.begin(digest(version(3)))
    assert digest(version(2)) == wanted(shelf)

    shelf.begin(digest(version(2)))

    assert digest(version(2)) == wanted(shelf)


def test_after_a_destruction_the_last_one_is_it(shelf: Shelf) -> None:
    keep(shelf, 1, 2)
    shelf.begin(GONE)

    assert digest(version(2)) == wanted(shelf)


def test_going_back_and_forth(shelf: Shelf) -> None:
    """What was gone back to is deployed now, so the other one comes next."""
    keep(shelf, 1, 2, 1)

    assert digest(version(2)) == wanted(shelf)


def test_a_few_are_kept_and_each_can_be_read_and_verified(shelf: Shelf) -> None:
    keep(shelf, *range(KEPT + 3))

    folders = {path.name for path in shelf.folder.iterdir() if path.is_dir()}
    assert folders == {each.bundle for each in shelf.good}
    assert [digest(version(number)) for number in range(KEPT + 2, 2, -1)] == [
        digest(read(shelf.folder / each.bundle).rollout) for each in shelf.good
    ]
    assert all(read(shelf.folder / each.bundle).digest == each.bundle for each in shelf.good)


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", '{"good": 3}', '{"good": [{}], "begun": ""}']
)
def test_an_index_that_is_gone_or_torn_says_nothing(shelf: Shelf, text: str | None) -> None:
    keep(shelf, 1, 2)
    index = shelf.folder / "index"
    index.unlink()
    if text is not None:
        index.write_text(text)

    assert ((), None) == (shelf.good, wanted(shelf))


def test_a_bundle_is_found_by_how_its_digest_starts(shelf: Shelf) -> None:
    keep(shelf, 1, 2)
    bundle = shelf.good[1].bundle

    assert shelf.good[1] == shelf.find(bundle[:12])
    with pytest.raises(UsageError, match=f"no such bundle is kept .*{bundle[:12]}"):
        shelf.find("xyz")
    with pytest.raises(UsageError, match="more than one"):
        shelf.find("")
