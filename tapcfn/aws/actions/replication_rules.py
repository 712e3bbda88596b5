"""Put one replication rule beside those of a bucket of others, and take it off again. (O-9, S4-5)

S3 knows the rules of a bucket as one document with one role. It is read, and written back with our
rule in it or without; all other rules are sent as they came. Nothing guards that against somebody
who writes at the same moment: S3 has no condition for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import count
from typing import Any

from botocore.exceptions import ClientError

from tapcfn.acting import ActionState
from tapcfn.aws.actions.door import ABSENT, Door, Facts, done
from tapcfn.aws.calls import code_of
from tapcfn.errors import BlockedError
from tapcfn.model import EMPTY, PutReplicationRule, RemoveReplicationRule

Rule = Mapping[str, Any]
Either = PutReplicationRule | RemoveReplicationRule

_NONE = "ReplicationConfigurationNotFoundError"


def look(door: Door, action: PutReplicationRule, _token: str) -> ActionState:
    """Return DONE for a bucket that has the rule, whoever put it and whatever its priority."""
    _, rules = _found(door, action)
    there = _named(rules, action)
    if there is None or _told(there) != _told(_wanted(action)[1]):
        return ABSENT
    return done(f"{action.rule_id} stands beside {len(rules) - 1} other rules")


def put(door: Door, action: PutReplicationRule, _token: str) -> Facts:
    """Put the rule in place of an older one of ours, or behind all others."""
    role, rules = _found(door, action)
    wanted_role, wanted = _wanted(action)
    others = [each for each in rules if each.get("ID") != action.rule_id]
    _refuse_another_destination(action, _named(rules, action), wanted)
    if others and role != wanted_role:
        raise BlockedError(
            f"{action.name}: bucket {action.bucket} ({action.target}) replicates by {role}, and S3 "
            f"knows one role for all rules of a bucket: the rule has to name that role, which must "
            f"be allowed what {wanted_role} is"
        )
    taken = {each.get("Priority") for each in others}
    free = next(each for each in count(wanted.get("Priority", 1)) if each not in taken)
    _write(door, action, wanted_role, [*others, {**wanted, "Priority": free}])
    return {"rules before": str(len(rules))}


def look_at_end(door: Door, action: RemoveReplicationRule, _token: str) -> ActionState:
    """Return DONE for a bucket without the rule."""
    _, rules = _found(door, action)
    return ABSENT if _named(rules, action) else done(f"{len(rules)} other rules stay")


def remove(door: Door, action: RemoveReplicationRule, _token: str) -> Facts:
    """Take the rule off; with the last one the whole document goes."""
    role, rules = _found(door, action)
    if _named(rules, action) is None:
        return EMPTY
    others = [each for each in rules if each.get("ID") != action.rule_id]
    if others:
        _write(door, action, role, others)
    else:
        door("s3", action.target).delete_bucket_replication(Bucket=str(action.bucket))
    return EMPTY


def _refuse_another_destination(
    action: PutReplicationRule, there: Rule | None, wanted: Rule
) -> None:
    """Leave a rule of the same name alone that leads elsewhere: it is somebody else's."""
    if there is None:
        return
    bucket, ours = (each["Destination"]["Bucket"] for each in (there, wanted))
    if bucket != ours:
        raise BlockedError(
            f"{action.name}: rule {action.rule_id} of bucket {action.bucket} ({action.target}) "
            f"leads to {bucket}, not to {ours}; it is left alone"
        )


def _wanted(action: PutReplicationRule) -> tuple[str, Rule]:
    """Return the role and the one rule of what is wanted."""
    told = json.loads(str(action.configuration))
    (rule,) = told["Rules"]
    return str(told["Role"]), rule


def _told(rule: Rule) -> Rule:
    """Return what a rule says but for its priority, which depends on the others."""
    return {key: value for key, value in rule.items() if key != "Priority"}


def _named(rules: list[Rule], action: Either) -> Rule | None:
    return next((each for each in rules if each.get("ID") == action.rule_id), None)


def _found(door: Door, action: Either) -> tuple[str, list[Rule]]:
    """Return the role and the rules that the bucket has; none is no fault."""
    try:
        told = door("s3", action.target).get_bucket_replication(Bucket=str(action.bucket))
    except ClientError as error:
        if code_of(error) == _NONE:
            return "", []
        raise
    configuration = told["ReplicationConfiguration"]
    return str(configuration["Role"]), list(configuration["Rules"])


def _write(door: Door, action: Either, role: str, rules: list[Rule]) -> None:
    door("s3", action.target).put_bucket_replication(
        Bucket=str(action.bucket), ReplicationConfiguration={"Role": role, "Rules": rules}
    )
