"""What would stop a rollout half way, asked before anything is written. Only reads. (D-17)

A verdict is `pass`, `fail`, `unknown` (could not be told) or `skipped` (not asked, with reason).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import StrEnum

from tapcfn.errors import BlockedError, CloudError, UsageError
from tapcfn.model import Rollout, Snapshot, Target
from tapcfn.plan import advice, is_stuck
from tapcfn.ports import Cloud


class Verdict(StrEnum):
    """What a check came to."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, in one target."""

    name: str
    target: Target
    verdict: Verdict
    reason: str = ""
    subject: str = ""

    def __str__(self) -> str:
        subject = f" {self.subject}" if self.subject else ""
        return f"{self.name}{subject} ({self.target}): {self.reason or self.verdict}"


Ask = Callable[[], Check]

PASS, FAIL = Verdict.PASS, Verdict.FAIL
UNKNOWN, SKIPPED = Verdict.UNKNOWN, Verdict.SKIPPED


def check_regions(rollout: Rollout, cloud: Cloud) -> None:
    """Raise `UsageError` for a Region that there is not. Costs a call only for an unknown name."""
    known = cloud.known_regions()
    for target in rollout.targets:
        if target.region not in known:
            check = region(target, cloud)
            if check.verdict is not Verdict.PASS:
                raise UsageError(f"{check}; known: {', '.join(sorted(known))}")


def explain(rollout: Rollout, cloud: Cloud, pool: Executor) -> None:
    """Raise `BlockedError` where accounts or Regions are why a first read was refused. (X-14)"""
    refuse(places(rollout, cloud, pool))


def region(target: Target, cloud: Cloud) -> Check:
    """Whether the Region exists and is enabled for the account."""

    def judge() -> tuple[Verdict, str]:
        found = cloud.regions(target)
        if target.region not in found:
            return FAIL, f"there is no such Region (there are: {', '.join(sorted(found))})"
        if not found[target.region]:
            return FAIL, (
                "the Region is not enabled for this account; enable it: aws account enable-region "
                f"--region-name {target.region}"
            )
        return PASS, ""

    return judged("region", target, judge)


def credentials(target: Target, cloud: Cloud) -> Check:
    """Whether the credentials, or the role to assume, speak for the account."""
    try:
        caller = cloud.caller(target)
    except CloudError as error:
        reason = str(error).removeprefix(f"credentials ({target}): ")
        return Check("credentials", target, FAIL, reason)
    right = caller == target.account
    reason = "" if right else f"the credentials are for account {caller}"
    return Check("credentials", target, PASS if right else FAIL, reason)


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


def places(rollout: Rollout, cloud: Cloud, pool: Executor) -> tuple[Check, ...]:
    """Check the Region of every target, and the credentials of every account once."""
    accounts = {target.account: target for target in reversed(rollout.targets)}
    asked = [later(region, target, cloud) for target in rollout.targets]
    asked += [later(credentials, target, cloud) for target in sorted(accounts.values())]
    return ask_all(asked, pool)


def standing(rollout: Rollout, snapshot: Snapshot) -> tuple[Check, ...]:
    """Check the state that each deployed stack is in; no call."""
    found = []
    for stack in rollout.stacks:
        deployed = snapshot.stacks.get(stack.name)
        status = deployed.status if deployed else None
        stuck = status is not None and is_stuck(status) and not status.is_moving
        reason = f"is {status}; {advice(deployed)}".rstrip("; ") if stuck and deployed else ""
        verdict = FAIL if stuck else PASS
        if status is not None and status.is_moving:
            verdict, reason = UNKNOWN, f"is {status}: somebody is at work on it"
        found.append(Check("state", stack.target, verdict, reason, stack.name))
    return tuple(found)


def skipped(rollout: Rollout, first: Iterable[Check]) -> tuple[Check, ...]:
    """Return what was not asked of targets that failed their first checks."""
    bad = {check.target for check in first if check.verdict is FAIL}
    return tuple(
        Check("stack", stack.target, SKIPPED, "its account or Region cannot be used", stack.name)
        for stack in rollout.stacks
        if stack.target in bad
    )


def unasked(rollout: Rollout, reason: str) -> tuple[Check, ...]:
    """Return what was not asked of any stack, because there is no plan."""
    return tuple(
        Check("stack", stack.target, SKIPPED, reason, stack.name) for stack in rollout.stacks
    )


def refuse(checks: Iterable[Check], *, strict: bool = False) -> None:
    """Raise `BlockedError` naming all that failed; with `strict` also what could not be told."""
    stops = {FAIL, UNKNOWN} if strict else {FAIL}
    faults = [str(check) for check in checks if check.verdict in stops]
    if faults:
        raise BlockedError("preflight: " + "\n".join(faults))


def fields_of(checks: Iterable[Check]) -> Mapping[str, object]:
    """Return checks for programs."""
    return {
        "checks": [
            {
                "name": each.name,
                "account": each.target.account,
                "region": each.target.region,
                "subject": each.subject or None,
                "verdict": each.verdict,
                "reason": each.reason or None,
            }
            for each in checks
        ]
    }


def judged(
    name: str, target: Target, judge: Callable[[], tuple[Verdict, str]], subject: str = ""
) -> Check:
    """Return a check; what cannot be read is unknown, not wrong."""
    try:
        verdict, reason = judge()
    except CloudError as error:
        return Check(name, target, UNKNOWN, str(error), subject)
    return Check(name, target, verdict, reason, subject)


def later(check: Callable[..., Check], *subjects: object, **more: object) -> Ask:
    """Return a check that is yet to be made."""
    return lambda: check(*subjects, **more)


def ask_all(asked: Iterable[Ask], pool: Executor) -> tuple[Check, ...]:
    """Make checks, all at once."""
    return tuple(pool.map(lambda ask: ask(), asked))
