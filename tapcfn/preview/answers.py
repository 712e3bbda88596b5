"""What came of asking about one stack: an answer, why it can't be asked yet, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from tapcfn.model import Change, ChangeSet, Finding, OutputOf
from tapcfn.offline import expected
from tapcfn.plan import Step, Verb
from tapcfn.ports import Cloud
from tapcfn.preview.staging import Staged, objections


@dataclass(frozen=True, slots=True)
class Previewed:
    """CloudFormation's own answer, and our objections to it.

    `provisional` lists inputs from stacks that change in the same run: should they come out
    different, the change set is made again before it is carried out.
    """

    step: Step
    staged: Staged
    findings: tuple[Finding, ...] = ()
    provisional: tuple[OutputOf, ...] = ()

    @property
    def later(self) -> tuple[Change, ...]:
        """What provisional inputs may change besides, as the templates tell it."""
        if not self.provisional:
            return ()
        there = {each.logical_id for each in self.staged.change_set.changes}
        told = expected(self.step.stack, self.step.deployed, self.provisional)
        return tuple(
            change
            for change in told.changes
            if change.logical_id not in there
            and any(each.evaluation == "Dynamic" for each in change.details)
        )

    @property
    def told(self) -> ChangeSet:
        """All that was shown of the stack: what CloudFormation said, and what may come later."""
        asked = self.staged.change_set
        return replace(asked, changes=(*asked.changes, *self.later))


@dataclass(frozen=True, slots=True)
class Deferred:
    """Cannot be asked yet: these inputs are known only after other stacks are deployed.

    What is `expected` comes from the templates alone, and so do the objections to it.
    """

    step: Step
    unknown: tuple[OutputOf, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def expected(self) -> ChangeSet:
        """What the templates tell of the change; a stack that is made anew is all additions."""
        deployed = None if self.step.verb is Verb.RECREATE else self.step.deployed
        return expected(self.step.stack, deployed, self.unknown)


@dataclass(frozen=True, slots=True)
class Refused:
    """CloudFormation would not write the change set; `details` is each thing that it said.

    `alone` says that a call for this stack was refused or got no answer, which tells nothing of the
    others: they need not wait for it. (X-13, X-34)
    """

    step: Step
    finding: Finding
    details: tuple[Finding, ...] = ()
    alone: bool = False


Preview: TypeAlias = Previewed | Deferred | Refused


def deferred(
    step: Step, unknown: tuple[OutputOf, ...], cloud: Cloud, allowed: frozenset[str]
) -> Deferred:
    """Return a step that can't be asked about yet, judged by what is certain about it already.

    A removal that the templates show stops a plan before work is done upstream for it. (D-15)
    """
    plain = Deferred(step, unknown)
    if step.verb is Verb.RECREATE or step.deployed is None or not step.deployed.template:
        return plain
    told = plain.expected
    certain = tuple(each for each in told.changes if each.action == "Remove")
    certain_set = replace(told, changes=certain)
    found = objections(certain_set, step.stack, step.deployed, cloud, allowed)
    return replace(plain, findings=found)
