"""What keeps a stack from being made or deleted: types, names, roles, quotas, protection.

Part of the preflight: everything here only reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor

from tapcfn.intrinsics import text_of
from tapcfn.literal import NAMES
from tapcfn.model import Holder, Stack, Target
from tapcfn.plan import Plan, Step, Verb
from tapcfn.ports import Cloud
from tapcfn.preflight import FAIL, PASS, UNKNOWN, Ask, Check, Verdict, ask_all, judged, later
from tapcfn.replacement import is_available, is_known

# Types that are counted, and what an account can have once in a Region.
COUNTED = ("AWS::EC2::EIP", "AWS::EC2::NatGateway", "AWS::EC2::VPC")
SINGLE = (
    "AWS::ApiGateway::Account",
    "AWS::Config::ConfigurationRecorder",
    "AWS::Config::DeliveryChannel",
)
# IAM has one set of names for all Regions of an account. A managed policy is not looked up: that
# takes its path, too.
IAM_NAMES: Mapping[str, str] = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
}
# Names that can be looked up.
GLOBAL = tuple(kind for kind in IAM_NAMES if kind != "AWS::IAM::ManagedPolicy")
NAMED = ("AWS::DynamoDB::Table", "AWS::Logs::LogGroup", "AWS::S3::Bucket", *GLOBAL)

_NAMES = {**NAMES, **IAM_NAMES}

# Who works with a service role.
_WORKER = "cloudformation.amazonaws.com"

_STACK = "AWS::CloudFormation::Stack"

_PROTECTED = (
    "its TerminationProtection refuses the deletion; take it off first: aws cloudformation "
    "update-termination-protection --no-enable-termination-protection --stack-name "
)

# Whoever lets this role use a key needs it to be there. (L-8)
SCALING_ROLE = "AWSServiceRoleForAutoScaling"


def creations(plan: Plan) -> tuple[Step, ...]:
    """Return the steps that make a stack where none is."""
    return tuple(step for step in plan.steps if step.verb is Verb.CREATE)


def cheap(plan: Plan, cloud: Cloud, pool: Executor) -> tuple[Check, ...]:
    """Check what a plan and an apply can afford: no call at all where no stack is created.

    Names within the account and Region are left to early validation, which sees them.
    """
    steps = creations(plan)
    asked = [*_quotas(steps, cloud), *_singletons(steps, cloud)]
    asked += _names(steps, cloud, ("AWS::S3::Bucket",), across=True)
    asked += _names(steps, cloud, GLOBAL, across=False)
    return (*_twice(plan), *_protection(plan, Verb.RECREATE), *ask_all(asked, pool))


def thorough(plan: Plan, cloud: Cloud, pool: Executor) -> tuple[Check, ...]:
    """Check all that can be told of a plan without writing."""
    steps = creations(plan)
    asked: list[Ask] = [
        *_quotas(steps, cloud),
        *_stack_counts(steps, cloud),
        *_singletons(steps, cloud),
        *_names(steps, cloud, NAMED, across=False),
        *_roles(steps, cloud),
        *_service_roles(plan, cloud),
        *(later(_handover, step, cloud) for step in plan.steps if step.verb is not Verb.NONE),
    ]
    types = tuple(_types(step.stack) for step in plan.steps if step.verb is not Verb.NONE)
    protection = _protection(plan, Verb.RECREATE, Verb.DELETE)
    return (*_twice(plan), *types, *protection, *ask_all(asked, pool))


def _handover(step: Step, cloud: Cloud) -> Check:
    def judge() -> tuple[Verdict, str]:
        fault = cloud.handover_fault(step.stack)
        return (FAIL, fault) if fault else (PASS, "")

    return judged("template", step.stack.target, judge, step.stack.name)


def _types(stack: Stack) -> Check:
    """Whether the Region has every type of a template, as far as the schemas tell."""
    kinds = sorted(set(stack.template.resources.values()))
    told = {kind: is_available(kind, stack.target.region) for kind in kinds if is_known(kind)}
    missing = [kind for kind, there in told.items() if there is False]
    if missing:
        reason = f"not available in {stack.target.region}: {', '.join(missing)}"
        return Check("types", stack.target, FAIL, reason, stack.name)
    untold = [kind for kind in kinds if told.get(kind) is None]
    if untold:
        reason = f"not in the schemas: {', '.join(untold)}"
        return Check("types", stack.target, UNKNOWN, reason, stack.name)
    return Check("types", stack.target, PASS, "", stack.name)


def _wanted_names(step: Step, kinds: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yield (type, logical ID, name) of what a stack names itself, as far as that can be known.

    What has a condition may not be made at all.
    """
    for logical_id, resource in sorted(step.stack.template.document["Resources"].items()):
        kind = resource["Type"]
        said = resource.get("Properties", {}).get(_NAMES.get(kind, ""))
        name = text_of(said, step.stack)
        if kind in kinds and name and "Condition" not in resource:
            yield kind, logical_id, name


def _twice(plan: Plan) -> tuple[Check, ...]:
    """Find names that two stacks of the plan want, deployed or not."""
    seen: dict[tuple[str, str, str], str] = {}
    found = []
    for step in plan.steps:
        if step.verb is Verb.DELETE:
            continue
        for kind, logical_id, name in _wanted_names(step, _NAMES):
            place = _reach(kind, step.stack.target)
            subject = f"{step.stack.name}/{logical_id}"
            first = seen.setdefault((kind, name, place), subject)
            if first != subject:
                reason = f"{kind} {name} is wanted by {first} as well"
                found.append(Check("name", step.stack.target, FAIL, reason, subject))
    return tuple(found)


def _reach(kind: str, target: Target) -> str:
    """Return where a name counts: a bucket's everywhere, IAM's in all Regions of the account."""
    if kind == "AWS::S3::Bucket":
        return ""
    return target.account if kind in IAM_NAMES else str(target)


def _names(
    steps: Iterable[Step], cloud: Cloud, kinds: tuple[str, ...], *, across: bool
) -> list[Ask]:
    return [
        later(_name, step, cloud, kind=kind, logical_id=logical_id, name=name, across=across)
        for step in steps
        for kind, logical_id, name in _wanted_names(step, kinds)
    ]


def _name(
    step: Step, cloud: Cloud, *, kind: str, logical_id: str, name: str, across: bool
) -> Check:
    """Whether a name is free. With `across` only other accounts are in the way."""

    def judge() -> tuple[Verdict, str]:
        holder = cloud.holder(kind, name, step.stack.target)
        allowed = {Holder.NOBODY} | ({Holder.ACCOUNT} if across or step.stack.adopt else set())
        if holder in allowed:
            return PASS, ""
        where = "; IAM's names count in all Regions" if kind in IAM_NAMES else ""
        return FAIL, f"{kind} {name} exists, in {holder}{where}"

    return judged("name", step.stack.target, judge, f"{step.stack.name}/{logical_id}")


def _quotas(steps: Iterable[Step], cloud: Cloud) -> list[Ask]:
    wanted: Counter[tuple[Target, str]] = Counter()
    for step in steps:
        kinds = Counter(step.stack.template.resources.values())
        wanted.update({(step.stack.target, kind): kinds[kind] for kind in COUNTED if kinds[kind]})
    return [
        later(_quota, target, cloud, kind=kind, wanted=number)
        for (target, kind), number in sorted(wanted.items())
    ]


def _stack_counts(steps: Iterable[Step], cloud: Cloud) -> list[Ask]:
    """Ask whether there may be so many more stacks in each target; nested ones count."""
    wanted: Counter[Target] = Counter()
    for step in steps:
        kinds = Counter(step.stack.template.resources.values())
        wanted[step.stack.target] += 1 + kinds[_STACK]
    return [
        later(_quota, target, cloud, kind=_STACK, wanted=number)
        for target, number in sorted(wanted.items())
    ]


def _quota(target: Target, cloud: Cloud, *, kind: str, wanted: int) -> Check:
    def judge() -> tuple[Verdict, str]:
        used, limit = cloud.quota(kind, target)
        if used + wanted <= limit:
            return PASS, ""
        return FAIL, f"{used} of {limit} are used, and {wanted} more are wanted"

    return judged("quota", target, judge, kind)


def _protection(plan: Plan, *verbs: Verb) -> tuple[Check, ...]:
    """Whether termination protection is in the way of a planned deletion. (X-33)"""
    going = [(step, step.deployed) for step in plan.steps if step.verb in verbs]
    return tuple(
        Check("protection", step.stack.target, FAIL, _PROTECTED + deployed.name, step.stack.name)
        if deployed.protected
        else Check("protection", step.stack.target, PASS, "", step.stack.name)
        for step, deployed in going
        if deployed is not None
    )


def _service_roles(plan: Plan, cloud: Cloud) -> list[Ask]:
    """Ask for each role that CloudFormation is to work with, once in an account."""
    asked = {
        (step.stack.target.account, step.stack.options.service_role): step.stack.target
        for step in reversed(plan.steps)
        if step.verb is not Verb.NONE and step.stack.options.service_role
    }
    return [later(_service_role, target, cloud, arn) for (_, arn), target in sorted(asked.items())]


def _service_role(target: Target, cloud: Cloud, arn: str) -> Check:
    def judge() -> tuple[Verdict, str]:
        services = cloud.trust(arn, target)
        if services is None:
            return FAIL, "there is no such role"
        if _WORKER not in services:
            return FAIL, f"its trust policy does not let {_WORKER} in"
        return PASS, ""

    return judged("service role", target, judge, arn)


def _singletons(steps: Iterable[Step], cloud: Cloud) -> list[Ask]:
    """Ask for what a Region can have but once; conditional resources may not be made."""
    asked = {
        (step.stack.target, resource["Type"])
        for step in steps
        for resource in step.stack.template.document["Resources"].values()
        if resource["Type"] in SINGLE and "Condition" not in resource
    }
    return [later(_singleton, target, cloud, kind=kind) for target, kind in sorted(asked)]


def _singleton(target: Target, cloud: Cloud, *, kind: str) -> Check:
    """Whether there is one already: it would be overwritten, or the creation refused."""

    def judge() -> tuple[Verdict, str]:
        there = cloud.singleton(kind, target)
        if not there:
            return PASS, ""
        if kind == "AWS::ApiGateway::Account":
            return UNKNOWN, f"the account logs through {there} already, which would be overwritten"
        return FAIL, f"there is {there} already, and an account has one in a Region"

    return judged("singleton", target, judge, kind)


def _roles(steps: Iterable[Step], cloud: Cloud) -> list[Ask]:
    """Ask for the service-linked role that key policies of these stacks name. (O-21)"""
    targets = {step.stack.target for step in steps if SCALING_ROLE in step.stack.template.text}
    return [later(_role, target, cloud) for target in sorted(targets)]


def _role(target: Target, cloud: Cloud) -> Check:
    def judge() -> tuple[Verdict, str]:
        if cloud.singleton("AWS::IAM::ServiceLinkedRole", target):
            return PASS, ""
        return FAIL, (
            f"{SCALING_ROLE} does not exist; make it: aws iam create-service-linked-role "
            "--aws-service-name autoscaling.amazonaws.com"
        )

    return judged("role", target, judge, SCALING_ROLE)
