"""What keeps a stack set from its targets: roles, the organization's access, stacks. (DS-8)

Part of the preflight: everything here only reads. Without a role an operation begins and fails in
every target, and the set stands there with nothing in it. Service-managed sets have roles of the
service, where the organization lets it in.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor

from tapcfn.intrinsics import text_of
from tapcfn.model import (
    Deployed,
    Holder,
    Instance,
    SelfManaged,
    ServiceManaged,
    Target,
)
from tapcfn.plan import Plan, Verb, advice, is_stuck
from tapcfn.ports import Cloud
from tapcfn.preflight import (
    FAIL,
    PASS,
    SKIPPED,
    UNKNOWN,
    Ask,
    Check,
    Verdict,
    ask_all,
    closed_accounts,
    judged,
    later,
)
from tapcfn.stack_sets.calls import administration_role_of
from tapcfn.stack_sets.ports import SetCloud
from tapcfn.stack_sets.steps import SetStep

_SERVICE = "cloudformation."
# What trusted access rests on, where it is not only switched off.
_FEATURES = (
    "; if that is refused, the organization lacks what it takes, which is all its features: "
    "aws organizations enable-all-features"
)
_MAKE = "`bootstrap` with the same arguments makes it"


def roles(plan: Plan, cloud: Cloud, pool: Executor) -> tuple[Check, ...]:
    """Check the roles that the plan's sets need; no call where they reach no new account.

    Roles that the rollout's own stacks make are there before their sets are. Whoever may not read
    the target accounts is told so by the command `preflight` only.
    """
    made = _made(plan)
    asked: dict[tuple[str, str], Ask] = {}
    for step in plan.sets:
        if isinstance(step.stack_set.permission, SelfManaged) and step.has_work:
            asked |= dict(_asked(step, step.stack_set.permission, cloud))
    return ask_all([ask for key, ask in sorted(asked.items()) if key not in made], pool)


def access(plan: Plan, sets: SetCloud, pool: Executor) -> tuple[Check, ...]:
    """Check whether StackSets may see the organization, for service-managed sets; once a home."""
    homes = {
        (step.stack_set.home, step.stack_set.permission.delegated)
        for step in plan.sets
        if isinstance(step.stack_set.permission, ServiceManaged) and step.has_work
    }
    return ask_all([later(_access, home, sets, on) for home, on in sorted(homes)], pool)


def suspended(plan: Plan) -> tuple[Check, ...]:
    """Name the accounts that are left out because they are suspended; no call. (R-25)"""
    return tuple(
        Check(
            "account",
            Target(each.account, step.stack_set.home.region),
            SKIPPED,
            f"{each} is suspended, so it is no target",
            step.name,
        )
        for step in plan.sets
        for each in step.left_out
    )


def stacks(plan: Plan, cloud: Cloud, pool: Executor) -> tuple[Check, ...]:
    """Check the stacks of instances that leave, and of those that failed before. (X-30, X-33)

    Protection would leave an instance INOPERABLE, and no update takes a stack out of a failed
    rollback. One call for each; instances that are well have stacks that take an update. Where
    nobody may look the operation itself has to tell.
    """
    asked = list(_leaving_or_unwell(plan))
    closed = closed_accounts((each.target for _, each, _ in asked), cloud, pool)
    return ask_all(
        [
            later(_stack, name, instance, cloud, leaves)
            for name, instance, leaves in asked
            if instance.target.account not in closed
        ],
        pool,
    )


def _leaving_or_unwell(plan: Plan) -> Iterator[tuple[str, Instance, bool]]:
    """Yield instances with the names of their sets, and whether their stacks are to be deleted."""
    for step in plan.sets:
        if step.spread is None:
            continue
        found = step.found.instances
        goes = frozenset() if step.stack_set.retain else step.spread.remove
        for pair in sorted(goes | step.spread.update | step.spread.override):
            if found[pair].stack_id and (pair in goes or not found[pair].is_well):
                yield step.name, found[pair], pair in goes


def _stack(name: str, instance: Instance, cloud: Cloud, leaves: bool) -> Check:
    def judge() -> tuple[Verdict, str]:
        deployed = cloud.stack(instance.stack_id, instance.target)
        reason = _protection(deployed) if leaves else _state(deployed)
        return (FAIL, f"{reason} {_naming(instance)}") if reason else (PASS, "")

    return judged("instance", instance.target, judge, name)


def _protection(deployed: Deployed) -> str:
    if not deployed.protected or deployed.status.is_absent:
        return ""
    return (
        "TerminationProtection of its stack refuses the deletion; take it off first: "
        "aws cloudformation update-termination-protection --no-enable-termination-protection"
    )


def _state(deployed: Deployed) -> str:
    status = deployed.status
    if status.is_absent or status.is_moving or not is_stuck(status):
        return ""
    return f"its stack is {status}, which no stack set mends; {advice(deployed)}"


def _naming(instance: Instance) -> str:
    return f"--stack-name {instance.stack_id} --region {instance.target.region}"


def _access(home: Target, sets: SetCloud, delegated: bool) -> Check:
    def judge() -> tuple[Verdict, str]:
        if (told := sets.access(home, delegated=delegated)) == "ENABLED":
            return PASS, ""
        return FAIL, (
            f"StackSets may not see the organization ({told}); in its management account: "
            f"aws cloudformation activate-organizations-access --region {home.region}"
            + ("" if told == "DISABLED" else _FEATURES)
        )

    return judged("organization access", home, judge)


def _made(plan: Plan) -> frozenset[tuple[str, str]]:
    """Return account and name of each role that a stack of the plan has, or gets."""
    return frozenset(
        (step.stack.target.account, name)
        for step in plan.steps
        if step.verb is not Verb.DELETE
        for resource in step.stack.template.document["Resources"].values()
        if resource["Type"] == "AWS::IAM::Role"
        and (name := text_of(resource.get("Properties", {}).get("RoleName"), step.stack))
    )


def _asked(
    step: SetStep, permission: SelfManaged, cloud: Cloud
) -> Iterator[tuple[tuple[str, str], Ask]]:
    """Yield what to ask of a set, by the account and the name of the role."""
    home = step.stack_set.home
    there = {pair.account for pair in step.found.instances}
    pairs = step.spread.add if step.spread else step.stack_set.pairs
    new = sorted({pair.account for pair in pairs} - there)
    if step.removes or not new:
        return
    arn = administration_role_of(step.stack_set)
    yield (home.account, arn.rpartition("/")[2]), later(_administration, home, cloud, arn)
    for account in new:
        target = Target(account, home.region)
        name = permission.execution_role
        yield (account, name), later(_execution, target, cloud, name)


def _administration(home: Target, cloud: Cloud, arn: str) -> Check:
    def judge() -> tuple[Verdict, str]:
        services = cloud.trust(arn, home)
        if services is None:
            return FAIL, f"there is no such role to administer stack sets with; {_MAKE}"
        if not any(each.startswith(_SERVICE) for each in services):
            return FAIL, f"its trust policy does not let {_SERVICE}amazonaws.com in"
        return PASS, ""

    return judged("administration role", home, judge, arn)


def _execution(target: Target, cloud: Cloud, name: str) -> Check:
    def judge() -> tuple[Verdict, str]:
        if (caller := cloud.caller(target)) != target.account:
            return UNKNOWN, f"the credentials are for account {caller}"
        if cloud.holder("AWS::IAM::Role", name, target) is Holder.NOBODY:
            return FAIL, f"account {target.account} has no such role; {_MAKE}"
        return PASS, ""

    return judged("execution role", target, judge, name)
