"""The promotion: how the replica becomes a database of its own, and takes its first write. (S4-10)

By an update of its stack (L-14), or by a call while no stack has it. Until the first write there is
a way back: another replica.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tapcfn.model import Action, Move, Stack
from templates.blueprints.region_migration import copying, data
from templates.blueprints.region_migration.settings import Settings
from templates.layers import databases

if TYPE_CHECKING:
    from templates.blueprints.region_migration.stacks import System

# The name by which a person agrees to what has no way back, and why there is none.
FIRST_WRITE = "first-write-in-target"
LOST = "customers' rows are in the target alone; to serve from the source again would lose them"


@dataclass(frozen=True, slots=True)
class Promotion:
    """The moves of a system's database, with the actions of `copies`."""

    system: System
    copies: copying.Copies

    @property
    def settings(self) -> Settings:
        """What the migration begins with."""
        return self.system.settings

    @property
    def by_call(self) -> bool:
        """Whether RDS is asked while no stack has the replica."""
        return self.settings.promotion == "call" and not self.settings.promoted

    def detach(self) -> Iterator[Move]:
        """Yield what takes the replica out of its stack, which then knows nothing of the call.

        A stack that owns a replica which others promote can't be updated any more. (O-15, L-14)
        """
        replica = self._replica(read_only=True)
        kept = self._kept(replica, "kept")
        yield Move(
            "keep",
            "let the stack leave the replica behind when it gives it up",
            (kept,),
            allow=(self._may(kept, "policy"),),
            look="nothing changes of the replica itself",
            minutes=1,
        )
        away = data.build_away(self.settings)
        yield Move(
            "detach",
            "take the replica out of its stack; it goes on replicating",
            (self.system.replica_of(away, replica.parameters, "detached"),),
            look="the replica is there, and its stack does not know it",
            minutes=1,
        )

    def promote(self) -> Move:
        """Return the promotion, which no update takes back: the way back is another replica.

        Before a customer's write the promoted database is worth nothing that the source has not.
        """
        stack = self._replica(read_only=True, variant="promoted", promoted=True)
        losses, call = ["replace", "remove"], list[Action]()
        if self.by_call:
            stack = self._kept(stack, "promoted-kept", promoted=True)
            losses.append("policy")
            call.append(self.copies.promote())
        return Move(
            "promote",
            "let the replica stand alone, once no object is missing; it takes no writes yet",
            (stack,),
            before=(self.copies.compare("compare-objects-again"), *call),
            allow=tuple(self._may(stack, each) for each in losses),
            undone_by=self._without_database(stack),
            look='the change set says "Conditional" of the database, and nothing else of it',
            minutes=10,
        )

    def password(self) -> Move:
        """Return the password of the target's own secret, in an update of its own. (S4-11)"""
        stack = self._stands_alone(read_only=not self.settings.promoted)
        return Move(
            "password",
            "give the database the password of its secret",
            (stack,),
            allow=(self._may(stack, "policy"),) if self.by_call else (),
            look="the secret says host, port and password of the target",
            minutes=5,
        )

    def open(self) -> Move:
        """Return the point of no return: the first customer's write in the target."""
        return Move(
            "open",
            "let the target take writes: from its first one on there is no way back",
            (self._stands_alone(read_only=False),),
            forever=LOST,
            confirm=FIRST_WRITE,
            look="write a row through the application, and read it",
            minutes=1,
            writes=True,
        )

    # The stack ------------------------------------------------------------------------------------

    def _replica(self, *, read_only: bool, variant: str = "", **keys: bool) -> Stack:
        return self.system.with_settings(self.settings.model_copy(update=keys)).replica(
            read_only=read_only, variant=variant
        )

    def _stands_alone(self, *, read_only: bool) -> Stack:
        return self._replica(
            read_only=read_only, variant="with-password", promoted=True, password_reset=True
        )

    def _kept(self, stack: Stack, variant: str, **keys: bool) -> Stack:
        """Return a stack of the database that takes over the one which is there, and leaves it."""
        template = data.build_kept(self.settings.model_copy(update=keys))
        return replace(self.system.replica_of(template, stack.parameters, variant), adopt=True)

    @staticmethod
    def _may(stack: Stack, what: str) -> str:
        return f"{stack.name}/{databases.DATABASE}:{what}"

    def _without_database(self, promoted: Stack) -> tuple[Stack, ...]:
        """Return the promoted stack that lets go of the database, and then without it."""
        settings, templates = self.settings, []
        if settings.termination_protection or self.by_call:
            bare = settings.model_copy(update={"promoted": True, "termination_protection": False})
            templates.append(("unprotected", data.build(bare)))
        templates.append(("away", data.build_away(settings)))
        return tuple(
            self.system.replica_of(template, promoted.parameters, variant)
            for variant, template in templates
        )
