"""Where services that the emulator lacks keep what they have.

The store is saved, loaded and reset with the stacks. Records are plain JSON values. They are read
and written on the emulator's loop, where the services answer.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from tapcfn.local import emulator

Record = dict[str, Any]

_records: MutableMapping[str, Record] = emulator.add_store("records")


@dataclass(frozen=True, slots=True)
class Shelf:
    """What one service has of one kind, by id, in the current account and Region."""

    service: str
    kind: str

    def get(self, identifier: str) -> Record | None:
        """Return a record, or None."""
        return _records.get(self._prefix + identifier)

    def put(self, identifier: str, record: Record) -> Record:
        """Keep a record under its id, and return it."""
        _records[self._prefix + identifier] = record
        return record

    def remove(self, identifier: str) -> None:
        """Forget a record, if there is one."""
        _records.pop(self._prefix + identifier, None)

    def everything(self) -> list[Record]:
        """Return all records, in the order in which they came."""
        return [record for key, record in _records.items() if key.startswith(self._prefix)]

    @property
    def _prefix(self) -> str:
        return f"{self.service}/{self.kind}/"
