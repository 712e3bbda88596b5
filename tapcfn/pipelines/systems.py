"""A system as its pipeline needs it: what it is called, where it goes, its moves as jobs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from tapcfn.model import ApprovalCheck, Move, Rollout

# Minutes of a job whose moves do not say how long they take, and the most that GitHub gives one.
_USUAL_MINUTES = 60.0
_MOST_MINUTES = 350

# What a job has besides its moves: it is installed, and change sets are made.
_AROUND_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Leg:
    """One job of a journey: the moves up to `until`, in an environment that is asked first.

    `back_to` is the move to go back to where it fails; empty where what failed is left to people.
    """

    name: str
    title: str
    after: str
    until: str
    environment: str
    options: str
    limit: int
    back_to: str = ""


@dataclass(frozen=True, slots=True)
class System:
    """One blueprint, or folder of templates, at one stage, and who approves of it."""

    blueprint: str
    stage: str
    environment: str
    region: str
    title: str
    legs: tuple[Leg, ...] = ()

    @property
    def slug(self) -> str:
        """Its name where only letters, digits and hyphens are allowed."""
        return re.sub(r"[^A-Za-z0-9]+", "-", self.blueprint).strip("-")

    @property
    def journey(self) -> str:
        """What its moves are, as a file's name: nothing where it has none."""
        if not self.legs:
            return ""
        return "blue-green" if any(each.name == "shift" for each in self.legs) else "migration"


def system(
    rollout: Rollout, blueprint: str, stage: str, environment: str, second: str = ""
) -> System:
    """Return a system's pipeline.

    What cannot be taken back has its own environment, `second`; else `<environment>-for-good`.
    """
    return System(
        blueprint,
        stage,
        environment,
        _home(rollout),
        f"{rollout.blueprint}, stage {rollout.stage}",
        tuple(_legs(rollout.moves, environment, second or f"{environment}-for-good")),
    )


def _home(rollout: Rollout) -> str:
    """Return the Region to ask for credentials in: that of what is deployed first."""
    for phase in rollout.phases:
        for stack in phase.stacks:
            return stack.target.region
        for each in phase.stack_sets:
            return each.home.region
    return "us-east-1"


def _legs(moves: Sequence[Move], environment: str, second: str) -> Iterator[Leg]:
    after, safe = "green", "base"
    for name, found in groupby(moves, key=_name):
        group = tuple(found)
        for_good = any(move.confirm or move.forever for move in group)
        falls_back = all(move.falls_back for move in group)
        yield Leg(
            name,
            group[0].says if len(group) == 1 else f"{group[0].name} to {group[-1].name}",
            after,
            group[-1].name,
            second if any(move.confirm for move in group) else environment,
            shlex.join(_options(group)),
            _limit(group),
            safe if falls_back and not for_good else "",
        )
        after = name
        if not falls_back:
            safe = group[-1].name


def _name(move: Move) -> str:
    """Return the job that a move belongs to: steps of one shift share one, so do those that end."""
    if move.confirm:
        return f"for-good-{move.confirm}"
    return re.sub(r"-[0-9]+$", "", move.name)


def _options(group: Sequence[Move]) -> Iterator[str]:
    """Yield what the command must be told besides: agreement, needs, and answers."""
    for name in dict.fromkeys(move.confirm for move in group if move.confirm):
        yield from ("--confirm-point-of-no-return", name)
    for words in dict.fromkeys(word for move in group for word in move.needs):
        yield from shlex.split(words)
    for move in group:
        for gate in move.gates:
            if isinstance(gate.check, ApprovalCheck):
                yield from ("--approve", gate.name)


def _limit(group: Sequence[Move]) -> int:
    """Return after how many minutes GitHub stops the job: twice what its moves should take."""
    known = sum(_USUAL_MINUTES if move.minutes is None else move.minutes for move in group)
    return min(_MOST_MINUTES, round(2 * known) + _AROUND_MINUTES)
