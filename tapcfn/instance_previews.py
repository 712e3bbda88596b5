"""What a new template would do to each instance of a stack set. (D-1)

CloudFormation has no change sets for stack sets. So each instance's own stack is asked, in its
account and Region, and the change set is removed at once; where that is refused, the two
templates are compared, and it is said that nobody was asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from tapcfn.errors import CloudError, StackError, StaleError
from tapcfn.guard import allowance_asked, review
from tapcfn.model import (
    ChangeSet,
    Deployed,
    Finding,
    Instance,
    InstanceStatus,
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
from tapcfn.preflight import closed_accounts
from tapcfn.preview import discard, said_of, stage
from tapcfn.stack_sets.sampling import sampled
from tapcfn.stack_sets.spread import Spread, value_of
from tapcfn.stack_sets.steps import SetStep, outlook

# Why nobody asks for a change set: what then stands there is compared with the new template.
HIDDEN = "values of NoEcho parameters are not known here"
_LATER = "its inputs are known after other stacks; it is asked at its turn"
_NOT_SAMPLED = "it is not in the sample"

_NOTHING = TemplateBody("", canonical({"Resources": {}}))


@dataclass(frozen=True, slots=True)
class InstancePreview:
    """What would become of one instance. `unasked` says why only the templates tell it.

    `refused` is why the service would not write its change set, `findings` then each such reason.
    """

    target: Target
    change_set: ChangeSet
    findings: tuple[Finding, ...] = ()
    unasked: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class SetPreview:
    """The previews of a set's instances: those that change, and those that go.

    Of `left_out` only templates tell, because a sample was wanted: they are guarded all the same.
    `usual` are how many seconds single instances took before.
    """

    name: str
    instances: tuple[InstancePreview, ...] = ()
    removals: tuple[InstancePreview, ...] = ()
    left_out: tuple[InstancePreview, ...] = ()
    usual: tuple[float, ...] = ()

    @property
    def findings(self) -> tuple[tuple[Target, Finding], ...]:
        """Every objection, with the pair that it is about."""
        return tuple(
            (each.target, finding)
            for each in (*self.instances, *self.left_out, *self.removals)
            for finding in each.findings
        )


def preview_set(
    spread: Spread,
    cloud: Cloud,
    ledger: Ledger,
    pool: Executor,
    *,
    allowed: frozenset[str] = frozenset(),
    sample: int | None = None,
    unasked: str = "",
) -> SetPreview:
    """Ask about every instance that would change, or about `sample` of each kind in each Region.

    With `unasked` no change set is asked for, and that says why: the template of each stack is
    read and compared. The rest of a sample is compared with the set's own template, which an
    instance runs that is CURRENT; the others' stacks are read.
    """
    found = spread.found.instances
    touched = sorted(spread.update | spread.override)
    chosen = sampled(spread, touched, sample)
    rest = sorted(set(touched) - set(chosen))
    current = {pair for pair in rest if found[pair].status is InstanceStatus.CURRENT}
    closed = closed_accounts([*chosen, *sorted(set(rest) - current)], cloud, pool)

    def preview(pair: Target, why_not: str) -> InstancePreview:
        why = why_not if pair in current else closed.get(pair.account)
        if why:
            return _untold(spread, found[pair], allowed, why)
        return _preview(spread, found[pair], cloud, ledger, allowed, why_not)

    return SetPreview(
        spread.stack_set.name,
        tuple(pool.map(lambda pair: preview(pair, unasked), chosen)),
        _removals(spread, allowed),
        tuple(pool.map(lambda pair: preview(pair, unasked or _NOT_SAMPLED), rest)),
    )


def preview_deferred(step: SetStep, allowed: frozenset[str] = frozenset()) -> SetPreview:
    """Return what templates and pairs tell of a set whose inputs are not there yet."""
    spread = outlook(step)
    found = spread.found.instances
    return SetPreview(
        step.name,
        tuple(_untold(spread, found[pair], allowed, _LATER) for pair in sorted(spread.update)),
        _removals(spread, allowed),
    )


def _preview(
    spread: Spread,
    instance: Instance,
    cloud: Cloud,
    ledger: Ledger,
    allowed: frozenset[str],
    unasked: str,
) -> InstancePreview:
    pair = instance.target
    stack = _stack_of(spread, pair)
    if not instance.stack_id:
        return InstancePreview(pair, expected(stack, None, ()), (), "it has no stack yet")
    try:
        deployed = cloud.stack(instance.stack_id, pair)
        if deployed.status.is_absent:
            return InstancePreview(pair, expected(stack, None, ()), (), "its stack is gone")
        deployed = replace(deployed, template=_template_of(spread, instance, cloud))
        if unasked:
            return _compared(spread, instance, deployed, allowed, unasked)
        change_set = _asked(replace(stack, name=deployed.name), deployed, cloud, ledger)
    except StackError as error:
        told = ChangeSet("", stack.name, "")
        whole = Finding("TAP000", Severity.ERROR, stack.name, "", str(error), origin="server")
        return InstancePreview(pair, told, said_of(error, stack) or (whole,), refused=str(error))
    except (CloudError, StaleError) as error:
        if isinstance(error, CloudError) and error.passing:
            raise
        return _untold(spread, instance, allowed, str(error))
    told = replace(change_set, stack=stack.name)
    findings = review(told, stack, allowed, deployed=deployed, by_region=True)
    return InstancePreview(pair, told, findings)


def _template_of(spread: Spread, instance: Instance, cloud: Cloud) -> str:
    """Return the template that an instance's stack has: that of the set, if it is CURRENT.

    Somebody may have updated such a stack on its own, past the set. Its change set tells of that
    all the same; the guard then misses at most what was to be kept of it.
    """
    deployed = spread.found.deployed
    if deployed is not None and instance.status is InstanceStatus.CURRENT:
        return deployed.template
    return cloud.template(instance.stack_id, instance.target)


def _untold(
    spread: Spread, instance: Instance, allowed: frozenset[str], why: str
) -> InstancePreview:
    """Return what the templates tell of an instance whose stack can't be asked."""
    deployed = _as_the_set_says(spread, instance) if instance.stack_id else None
    return _compared(spread, instance, deployed, allowed, why)


def _compared(
    spread: Spread,
    instance: Instance,
    deployed: Deployed | None,
    allowed: frozenset[str],
    why: str,
) -> InstancePreview:
    """Return what an instance's template and the new one tell."""
    stack = _stack_of(spread, instance.target)
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


def _removals(spread: Spread, allowed: frozenset[str]) -> tuple[InstancePreview, ...]:
    pairs = () if spread.stack_set.retain else sorted(spread.remove)
    return tuple(_removal(spread, spread.found.instances[pair], allowed) for pair in pairs)


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


def sample_note(preview: SetPreview) -> str:
    """Say how many instances only the templates tell of because a sample was wanted; or nothing."""
    if not preview.left_out:
        return ""
    return (
        f"{len(preview.left_out)} more instances were not asked about (--sample), so only the "
        "templates tell"
    )


def allowances_asked(preview: SetPreview) -> tuple[str, ...]:
    """Return the options that would settle the set's findings, one for each Region."""
    asked = (allowance_asked(finding) for _, finding in preview.findings)
    return tuple(sorted({each for each in asked if each}))


def blocks_set(preview: SetPreview) -> bool:
    """Whether a guard objects to something of the set."""
    return any(finding.severity is Severity.ERROR for _, finding in preview.findings)
