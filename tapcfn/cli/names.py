"""The names in a rollout, kept for shell completion: to ask the rollout itself takes too long.

One small file for each blueprint and stage, `.tapcfn/names/<stage>-<blueprint>.json`, written by
the commands that have made the rollout anyway.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tapcfn.cli.files import write_text_whole
from tapcfn.errors import TapcfnError

if TYPE_CHECKING:
    from tapcfn.cli.workplace import Workplace

FOLDER = Path("names")


def keep(state: Path, place: Workplace) -> None:
    """Write down what a rollout has, if that is news; what can't be written is not missed."""
    path = state / FOLDER / f"{place.stage}-{place.blueprint}.json"
    text = json.dumps(_names_of(place), indent=1, sort_keys=True) + "\n"
    with contextlib.suppress(OSError, TapcfnError):
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text_whole(path, text)


def _names_of(place: Workplace) -> dict[str, Any]:
    from tapcfn.variants import everything

    rollout = everything(place.rollout)
    return {
        "blueprint": place.blueprint,
        "stage": place.stage,
        "plain": str(Path(place.plain).resolve()) if place.plain else None,
        "phases": [each.name for each in place.rollout.phases],
        "stacks": [each.name for each in rollout.stacks],
        "sets": [each.name for each in rollout.stack_sets],
        "moves": [each.name for each in rollout.moves],
        "points": [each.confirm for each in rollout.moves if each.confirm],
        "actions": [each.name for each in rollout.actions],
    }


def known(state: Path, kinds: tuple[str, ...], blueprint: str, stage: str) -> Iterator[str]:
    """Yield the names of these kinds, of the rollouts that may be meant; an empty name is any."""
    for path in sorted((state / FOLDER).glob("*.json")):
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(found, Mapping) and _is_meant(found, blueprint, stage):
            yield from (str(each) for kind in kinds for each in found.get(kind) or ())


def _folder(place: Path) -> Path:
    """Return what stands for a folder's own file."""
    return place.parent if place.name == "tapcfn.toml" else place


def _is_meant(found: Mapping[str, Any], blueprint: str, stage: str) -> bool:
    if not blueprint:
        return True
    if found.get("plain"):
        return _folder(Path(str(found["plain"]))) == _folder(Path(blueprint).resolve())
    return bool(blueprint == found.get("blueprint") and stage in {"", found.get("stage")})
