"""The bundles of one blueprint and stage that were deployed whole, by their digests.

An index beside them names the good ones, the last first, and what was begun since: a deployment
that did not get to its end, or a destruction. What is deployed is told apart by the digest of what
it wants: two bundles that differ in the lines of their sources only are one.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tapcfn.bundle.written import MANIFEST, files_of, write
from tapcfn.errors import UsageError
from tapcfn.model import Rollout, digest_of

KEPT = 5
GONE = "destroyed"
_INDEX = "index"
_REFUSAL = "not-kept"


@dataclass(frozen=True, slots=True)
class Good:
    """One bundle that was deployed whole: its digest, and that of what it wants."""

    bundle: str
    wants: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder with a bundle in each folder."""

    folder: Path

    @property
    def good(self) -> tuple[Good, ...]:
        """What was deployed whole, the last first."""
        return tuple(each for each in self._index()[0] if (self.folder / each.bundle).is_dir())

    @property
    def last_good(self) -> Good | None:
        """What was deployed whole before that which is, half or whole; or None."""
        good, begun = self.good, self._index()[1]
        now = begun or (good[0].wants if good else "")
        return next((each for each in good if each.wants != now), None)

    def begin(self, wants: str) -> None:
        """Note that something is about to be deployed, unless it is the last good one again."""
        good = self.good
        if not good or good[0].wants != wants:
            self._note(good, wants)

    def keep(self, rollout: Rollout, wants: str, about: Mapping[str, Any]) -> None:
        """Keep what has been deployed whole, and drop what was so long ago."""
        (self.folder / _REFUSAL).unlink(missing_ok=True)
        bundle = digest_of(files_of(rollout, about)[MANIFEST])
        write(rollout, self.folder / bundle, about)
        others = (each for each in self.good if each.wants != wants)
        good = (Good(bundle, wants), *others)[:KEPT]
        self._note(good, "")
        names = {each.bundle for each in good}
        for path in self.folder.iterdir():
            if path.is_dir() and path.name not in names:
                shutil.rmtree(path, ignore_errors=True)

    @property
    def refusal(self) -> str:
        """Why what was deployed last was not kept, if it was not."""
        with suppress(OSError):
            return (self.folder / _REFUSAL).read_text(encoding="utf-8").strip()
        return ""

    def refuse(self, why: str) -> None:
        """Note why what has been deployed is not kept; what was kept before stays."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / _REFUSAL).write_text(why + "\n", encoding="utf-8")

    def find(self, start: str) -> Good:
        """Return the bundle whose digest starts so; raise `UsageError` if that is not just one."""
        found = [each for each in self.good if each.bundle.startswith(start)]
        if len(found) != 1:
            there = ", ".join(each.bundle[:12] for each in self.good) or "none"
            which = "no such bundle is kept" if not found else "more than one bundle starts so"
            raise UsageError(f"--to {start}: {which} (there are: {there})")
        return found[0]

    def _index(self) -> tuple[tuple[Good, ...], str]:
        """Return what was good and what was begun; an index that is gone or torn says nothing."""
        with suppress(OSError, ValueError, TypeError, KeyError):
            index = json.loads((self.folder / _INDEX).read_text(encoding="utf-8"))
            good = (Good(str(each["bundle"]), str(each["wants"])) for each in index["good"])
            return tuple(good), str(index["begun"])
        return (), ""

    def _note(self, good: tuple[Good, ...], begun: str) -> None:
        """Write the index whole, or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        new = self.folder / f"{_INDEX}.new"
        listed = [{"bundle": each.bundle, "wants": each.wants} for each in good]
        new.write_text(json.dumps({"good": listed, "begun": begun}, indent=2) + "\n", "utf-8")
        os.replace(new, self.folder / _INDEX)
