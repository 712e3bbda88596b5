"""The migration itself, move by move, from copies that fill up to a source that goes. (S4)

Each move is the stacks of other settings, so that template and reality stay equal. Until the target
takes its first write every move leads back; traffic moves before that, while nobody can write, so
that a target that is not well costs readers little and writers nothing. (O-13 to O-16, S4-1)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tapcfn.model import STATEFUL, Later, Move, OutputOf, SetReadOnly, Stack
from templates.blueprints.region_migration import (
    app,
    copying,
    foundation,
    gates,
    monitoring,
    source,
)
from templates.blueprints.region_migration.promoting import FIRST_WRITE, LOST, Promotion
from templates.blueprints.region_migration.settings import Settings

if TYPE_CHECKING:
    from templates.blueprints.region_migration.stacks import System

# The name by which a person agrees to the end.
GIVE_UP = "give-up-the-source"

# How long traffic is watched after each step, and the target once it takes writes.
STEP_BAKE = 300.0
WATCH_BAKE = 1800.0


def of(system: System) -> tuple[Move, ...]:
    """Return the moves that are still to come from where the settings begin.

    Without the image there is nobody to lead anywhere: its copy is the only one. (O-14)
    """
    moves = _Moves(system)
    if not system.settings.ami_id:
        return (moves.copy_image(),)
    return tuple(moves.all())


@dataclass(frozen=True, slots=True)
class _Moves:
    """The moves of a system, each with the settings that are in force by then."""

    system: System

    @property
    def settings(self) -> Settings:
        """What the migration begins with."""
        return self.system.settings

    @property
    def copies(self) -> copying.Copies:
        """What is saved and copied."""
        key = self.system.output("security", foundation.Out.DATABASE_KEY_ARN)
        return copying.Copies(self.settings, self.system.key, key, self._role)

    @property
    def _role(self) -> OutputOf:
        return self.system.output("source", source.Out.BATCH_ROLE_ARN)

    @property
    def watched(self) -> gates.Watched:
        """What gates look at."""
        system, settings = self.system, self.settings
        return gates.Watched(
            target=self.copies.target,
            database=settings.names.target_database,
            bucket=settings.copied_bucket,
            copies=settings.target_bucket,
            rule=source.RULE,
            targets=system.output("app", app.Out.TARGET_GROUP_ARN),
            alarms=system.output("monitoring", monitoring.Out.ALARMS),
            noticed_within=monitoring.noticed_within(settings),
        )

    def all(self) -> Iterator[Move]:
        """Yield every move from the first copy to the last look back."""
        settings = self.settings
        promotion = Promotion(self.system, self.copies)
        if not settings.promoted:
            yield from self._until_frozen()
        if settings.reverse_replication:
            yield self._reverse()
        if not settings.promoted:
            yield from self._freeze()
            if promotion.by_call:
                yield from promotion.detach()
            yield promotion.promote()
        if not settings.password_reset:
            yield promotion.password()
        yield from self._dials()
        if not settings.promoted:
            yield promotion.open()
        yield self._watch()
        yield from self._leave()

    # Before anybody is disturbed ------------------------------------------------------------------

    def copy_image(self) -> Move:
        """Return the copy of the image, whose id the settings are then told."""
        return Move(
            "copy-image",
            "copy the instances' image; put the id of the copy into the settings as ami_id",
            before=(self.copies.image(),),
            look="the id of the image stands where the action has ended, as a fact",
            minutes=10,
        )

    def _until_frozen(self) -> Iterator[Move]:
        if self.settings.source_bucket == "existing":
            yield Move(
                "put-rule",
                "put the replication rule on the source bucket, beside those that it has",
                before=(
                    self.copies.put_rule(self.system.output("source", source.Out.REPLICATION)),
                ),
                look="the bucket's replication rules in the console: the others are as they were",
                minutes=1,
            )
        yield Move(
            "backfill",
            "take backups of the source, and copy what is older than the replication rule",
            before=(*self.copies.before(), self.copies.replicate()),
            look="the report of the job, in the source bucket under batch-replication/",
            minutes=30,
        )
        yield Move(
            "verify",
            "compare buckets and databases, but for rows, and see that both keep up",
            before=(
                self.copies.prove(),
                self.copies.compare("compare-objects"),
                self.copies.compare_databases(),
            ),
            gates=tuple(self.watched.keeps_up()),
            look="ReplicaLag of the replica, and OperationsPendingReplication",
            minutes=35,
        )

    def _reverse(self) -> Move:
        """Return the way back of objects, in place before the target takes the first one. (S4-1)

        The rule that leads there stays: S3 replicates no replica, so that nothing goes in circles.
        """
        system = self.system
        role = system.output("storage", foundation.Out.BATCH_ROLE_ARN)
        return Move(
            "reverse",
            "copy what is written to the target's bucket back to the source's; rows of the "
            "database have no such way",
            (system.storage(back=True),),
            after=tuple(self.copies.back(role)),
            gates=(self.watched.comes_back(foundation.RULE_BACK, self.copies.source),),
            look="RDS makes no replica of a database that exists: what is written to the target's "
            "is in its backups alone",
            minutes=20,
        )

    # While nobody can write -----------------------------------------------------------------------

    def _freeze(self) -> Iterator[Move]:
        """Yield what stops writes, and sees that the last of them has arrived.

        The stack changes first and the source last, so that a freeze that stood is always seen.
        """
        group = self._parameter_group
        if group is None:
            yield Move(
                "stop-writes",
                "let the application refuse writes, and say so",
                gates=(self.watched.stopped(),),
                look="nobody can write from now on: be quick",
                minutes=1,
                writes=False,
            )
        stop = () if group is None else (SetReadOnly("freeze-source", self.copies.source, group),)
        yield Move(
            "freeze",
            "stop writes at the source, and wait until the last of them has arrived",
            (self.system.replica(read_only=True),),
            after=stop,
            gates=tuple(self.watched.drained()),
            falls_back=True,
            look="nobody can write from now on: be quick",
            minutes=6,
            writes=False,
        )

    @property
    def _parameter_group(self) -> Later | None:
        if self.settings.small_db:
            return self.system.output("source-data", source.Out.PARAMETER_GROUP)
        return self.settings.source_db_parameter_group or None

    def _with(self, **keys: object) -> System:
        return self.system.with_settings(self.settings.model_copy(update=keys))

    # Traffic --------------------------------------------------------------------------------------

    def _dials(self) -> Iterator[Move]:
        """Yield the steps by which the target gets the traffic, none of it writes. (S4-16)

        A target that takes writes already gets them with the first of them.
        """
        settings = self.settings
        if not settings.global_accelerator or not settings.source_alb_arn:
            return
        writes = settings.promoted and not settings.dial_target
        for percent in (each for each in settings.dial_steps if each > settings.dial_target):
            yield self._dial(percent, writes=writes)
            writes = False

    def _dial(self, percent: int, *, writes: bool) -> Move:
        moved = self._with(dial_source=100 - percent, dial_target=percent)
        return Move(
            f"dial-{percent}",
            f"lead {percent} % of the traffic to the target",
            (moved.accelerator(),),
            gates=tuple(self.watched.well()),
            bake=STEP_BAKE,
            falls_back=not writes,
            forever=LOST if writes else "",
            confirm=FIRST_WRITE if writes else "",
            look="HealthyHostCount, 2xx and response times on the dashboard",
            minutes=12,
        )

    # Afterwards -----------------------------------------------------------------------------------

    def _watch(self) -> Move:
        """Return the backups of the target, and a long look at it. (S4-21)"""
        return Move(
            "watch",
            "take backups of the target, and see that it stays well",
            before=tuple(self.copies.after()),
            gates=tuple(self.watched.well()),
            bake=WATCH_BAKE,
            look="the alarms, and the dashboard of the target",
            minutes=35,
        )

    def _leave(self) -> Iterator[Move]:
        """Yield what ends the source: first its way in, and then what the migration made there.

        Its data stays as it is, and read-only, until a person gives it up by name. (O-13)
        """
        settings = self.settings
        end = self._with(dial_source=0, dial_target=100, source_alb_arn="")
        if settings.global_accelerator and settings.source_alb_arn:
            yield Move(
                "single-group",
                "take the source's endpoint group off: one group, all of the traffic",
                (end.accelerator("single"),),
                look="the accelerator has one endpoint group, and it is healthy",
                minutes=2,
            )
        stacks = [each.name for each in self._of_the_source()]
        rule = (self.copies.remove_rule(),) if settings.source_bucket == "existing" else ()
        yield Move(
            "retire",
            "take a last snapshot, and remove what the migration made in the source, copies too",
            (self.system.storage(),) if settings.reverse_replication else (),
            removes=tuple(stacks),
            before=(*self.copies.final(), *rule),
            forever="the source gets no copies any more, and what the migration made there is gone",
            confirm=GIVE_UP,
            look="the data of a bucket and a database of others stay until somebody deletes them",
            minutes=10,
            needs=tuple(self._needed_to_leave()),
        )

    def _of_the_source(self) -> Iterator[Stack]:
        """Yield what the migration made in the source Region."""
        yield self.system.source()
        if self.settings.small_db:
            yield self.system.small_database()
        if self.settings.has_return_key:
            yield self.system.return_key()

    def _needed_to_leave(self) -> Iterator[str]:
        """Yield what the command that deletes the source's stacks has to be told besides."""
        settings = self.settings
        if settings.termination_protection:
            yield "--lift-protection"
        if settings.keep_data:
            return
        if settings.source_bucket == "create":
            yield f"--empty-buckets {settings.copied_bucket}"
        for stack in self._of_the_source():
            for title, kind in stack.template.resources.items():
                stays = kind == "AWS::S3::Bucket" and settings.source_bucket == "import"
                if kind in STATEFUL and not stays:
                    yield f"--allow-loss {stack.name}/{title}:delete"
