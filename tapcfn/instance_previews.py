"""What a new template would do to each instance of a stack set. (D-1)

CloudFormation has no change sets for stack sets. So each instance's own stack is asked, in its
account and Region, and the change set is removed at once; where that is refused, the two
templates are compared, and it is said that nobody was asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TypeAlias

from tapcfn.errors import CloudError, StackError, StaleError
from tapcfn.guard import allowance_asked, review
from tapcfn.model import (
    ChangeSet,
    Deployed,
    Finding,
    Instance,
    Severity,
    Stack,
    StackStatus,
    Target,
    TemplateBody,
    canonical,
    digest_of,
)
from tapcfn.offline import expected
from tapcfn.ports import Cloud, Ledger
from tapcfn.preview import discard, stage
from tapcfn.stack_sets.spread import Spread, value_of

_NOTHING = TemplateBody("", canonical({"Resources": {}}))


@dataclass(frozen=True, slots=True)
class InstancePreview:
    """What would become of one instance. `unasked` says why only the templates tell it."""

    target: Target
    change_set: ChangeSet
    findings: tuple[Finding, ...] = ()
    unasked: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class SetPreview:
    """The previews of a set's instances: those that change, and those that go.

    `left_out` are instances that were not asked about, because a sample was wanted.
    """

    name: str
    instances: tuple[InstancePreview, ...] = ()
    removals: tuple[InstancePreview, ...] = ()
    left_out: int = 0

    @property
    def findings(self) -> tuple[tuple[Target, Finding], ...]:
        """Every objection, with the pair that it is about."""
        return tuple(
            (each.target, finding)
            for each in (*self.instances, *self.removals)
            for finding in each.findings
        )


_Asked: TypeAlias = tuple[Target, Instance]


def preview_set(
    spread: Spread,
    cloud: Cloud,
    ledger: Ledger,
    pool: Executor,
    *,
    allowed: frozenset[str] = frozenset(),
    sample: int | None = None,
) -> SetPreview:
    """Ask about every instance that would change, or about `sample` of them in each Region."""
    found = spread.found.instances
    touched = sorted(spread.update | spread.override)
    chosen = _sampled(touched, sample)
    closed = closed_accounts(chosen, cloud, pool)

    def preview(pair: Target) -> InstancePreview:
        if why := closed.get(pair.account):
            return _untold(spread, found[pair], allowed, why)
        return _preview(spread, found[pair], cloud, ledger, allowed)

    previews = pool.map(preview, chosen)
    removals = () if spread.stack_set.retain else sorted(spread.remove)
    return SetPreview(
        spread.stack_set.name,
        tuple(previews),
        tuple(_removal(spread, found[pair], allowed) for pair in removals),
        len(touched) - len(chosen),
    )


def closed_accounts(pairs: Iterable[Target], cloud: Cloud, pool: Executor) -> Mapping[str, str]:
    """Return the accounts in which nobody can be asked, each with why.

    Without credentials of its own an account is spoken for by the default ones, which are another
    account's: what they find, and do, would be there.
    """
    one_of_each = {pair.account: pair for pair in pairs}

    def why(pair: Target) -> str:
        try:
            caller = cloud.caller(pair)
        except CloudError as error:
            if error.passing:
                raise
            return str(error)
        return "" if caller == pair.account else f"the credentials are for account {caller}"

    told = zip(one_of_each, pool.map(why, one_of_each.values()), strict=True)
    return {account: reason for account, reason in told if reason}


def _sampled(pairs: Iterable[Target], sample: int | None) -> list[Target]:
    """Return the first few pairs of each Region, or all."""
    taken: dict[str, int] = {}
    chosen = []
    for pair in pairs:
        taken[pair.region] = taken.get(pair.region, 0) + 1
        if sample is None or taken[pair.region] <= sample:
            chosen.append(pair)
    return chosen


def _preview(
    spread: Spread, instance: Instance, cloud: Cloud, ledger: Ledger, allowed: frozenset[str]
) -> InstancePreview:
    pair = instance.target
    stack = _stack_of(spread, pair)
    if not instance.stack_id:
        return InstancePreview(pair, expected(stack, None, ()), (), "it has no stack yet")
    try:
        deployed = cloud.stack(instance.stack_id, pair)
        if deployed.status.is_absent:
            return InstancePreview(pair, expected(stack, None, ()), (), "its stack is gone")
        deployed = replace(deployed, template=cloud.template(instance.stack_id, pair))
        change_set = _asked(replace(stack, name=deployed.name), deployed, cloud, ledger)
    except StackError as error:
        return InstancePreview(pair, ChangeSet("", stack.name, ""), refused=str(error))
    except (CloudError, StaleError) as error:
        if isinstance(error, CloudError) and error.passing:
            raise
        return _untold(spread, instance, allowed, str(error))
    told = replace(change_set, stack=stack.name)
    findings = review(told, stack, allowed, deployed=deployed, by_region=True)
    return InstancePreview(pair, told, findings)


def _untold(
    spread: Spread, instance: Instance, allowed: frozenset[str], why: str
) -> InstancePreview:
    """Return what the templates tell of an instance whose stack can't be asked."""
    stack, deployed = _stack_of(spread, instance.target), _as_the_set_says(spread, instance)
    told = replace(expected(stack, deployed, ()), stack=stack.name)
    findings = review(told, stack, allowed, deployed=deployed, by_region=True)
    return InstancePreview(instance.target, told, findings, why)


def _asked(stack: Stack, deployed: Deployed, cloud: Cloud, ledger: Ledger) -> ChangeSet:
    """Return the service's own answer, and leave nothing behind."""
    values = {key: str(value) for key, value in stack.parameters.items()}
    staged = stage(stack, values, deployed, cloud, ledger)
    discard(staged, stack.target, cloud, ledger)
    return staged.change_set


def _stack_of(spread: Spread, pair: Target) -> Stack:
    """Return what an instance's stack is to be, under the set's name: allowances name that."""
    stack_set = spread.stack_set
    told: Mapping[str, str] = {
        key: value_of(spread.wanted, key) for key in stack_set.template.parameters
    }
    effective = {**told, **spread.wanted.overrides_of(pair)}
    return Stack(stack_set.name, pair, stack_set.template, effective, stack_set.tags)


def _as_the_set_says(spread: Spread, instance: Instance) -> Deployed:
    """Return an instance's stack as the set knows it: nobody may look at the stack itself."""
    deployed = spread.found.deployed
    template = deployed.template if deployed else ""
    return Deployed(
        spread.stack_set.name,
        instance.stack_id,
        StackStatus.UPDATE_COMPLETE,
        parameters={**(deployed.parameters if deployed else {}), **(instance.overrides or {})},
        template_digest=digest_of(template),
        template=template,
    )


def _removal(spread: Spread, instance: Instance, allowed: frozenset[str]) -> InstancePreview:
    """Return what goes with an instance's stack, from the template that it was made of."""
    gone = Stack(spread.stack_set.name, instance.target, _NOTHING)
    change_set = expected(gone, _as_the_set_says(spread, instance), ())
    findings = review(change_set, gone, allowed, by_region=True)
    return InstancePreview(instance.target, change_set, findings, "its stack is deleted")


def offline_note(preview: SetPreview) -> str:
    """Say for how many instances only the templates tell, and why for the first; or nothing."""
    unasked = [each for each in preview.instances if each.unasked]
    if not unasked:
        return ""
    return (
        f"{len(unasked)} of {len(preview.instances)} instances could not be asked, so only the "
        f"templates tell (first {unasked[0].target}: {unasked[0].unasked})"
    )


def allowances_asked(preview: SetPreview) -> tuple[str, ...]:
    """Return the options that would settle the set's findings, one for each Region."""
    asked = (allowance_asked(finding) for _, finding in preview.findings)
    return tuple(sorted({each for each in asked if each}))


def blocks_set(preview: SetPreview) -> bool:
    """Whether a guard objects to something of the set."""
    return any(finding.severity is Severity.ERROR for _, finding in preview.findings)
