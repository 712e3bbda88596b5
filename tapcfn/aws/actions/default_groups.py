"""Take every rule off a VPC's default security group, which CloudFormation can't touch."""

from __future__ import annotations

import json
from typing import Any

from tapcfn.acting import ActionState
from tapcfn.aws.actions.door import ABSENT, Door, Facts, done
from tapcfn.errors import BlockedError
from tapcfn.model import LockDownDefaultGroup


def look(door: Door, action: LockDownDefaultGroup, _token: str) -> ActionState:
    """Return DONE for a group without rules."""
    group = _group(door, action)
    if group["IpPermissions"] or group["IpPermissionsEgress"]:
        return ABSENT
    return done("no rules", {"group": group["GroupId"]})


def begin(door: Door, action: LockDownDefaultGroup, _token: str) -> Facts:
    """Revoke all rules; the facts are the rules as `authorize-security-group-*` takes them."""
    group, client = _group(door, action), door("ec2", action.target)
    named = {"GroupId": group["GroupId"]}
    if rules := group["IpPermissions"]:
        client.revoke_security_group_ingress(**named, IpPermissions=rules)
    if rules := group["IpPermissionsEgress"]:
        client.revoke_security_group_egress(**named, IpPermissions=rules)
    return {
        "ingress before": _text(group["IpPermissions"]),
        "egress before": _text(group["IpPermissionsEgress"]),
    }


def _group(door: Door, action: LockDownDefaultGroup) -> dict[str, Any]:
    wanted = {"vpc-id": str(action.vpc_id), "group-name": "default"}
    filters = [{"Name": name, "Values": [value]} for name, value in wanted.items()]
    told = door("ec2", action.target).describe_security_groups(Filters=filters)
    for group in told["SecurityGroups"]:
        return {"IpPermissions": [], "IpPermissionsEgress": [], **group}
    raise BlockedError(f"{action.name}: {action.vpc_id} ({action.target}) is not there")


def _text(rules: Any) -> str:
    return json.dumps(rules, sort_keys=True, separators=(",", ":"))
