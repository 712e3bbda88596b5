"""Takes every rule from the default security groups of a Region's VPCs."""

from typing import Any

import boto3
import cfnresponse

ec2 = boto3.client("ec2")


def handler(event: dict[str, Any], context: Any) -> None:
    """Answer CloudFormation, whatever happens.

    A deletion changes nothing: rules that nobody should have used do not come back.
    """
    name = "default-security-groups"
    try:
        closed = close() if event["RequestType"] != "Delete" else 0
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"[:1000]
        cfnresponse.send(event, context, cfnresponse.FAILED, {}, name, reason=reason)
    else:
        cfnresponse.send(event, context, cfnresponse.SUCCESS, {"Closed": closed}, name)


def close() -> int:
    """Revoke all rules, in and out, and return of how many groups."""
    closed = 0
    only = [{"Name": "group-name", "Values": ["default"]}]
    for page in ec2.get_paginator("describe_security_groups").paginate(Filters=only):
        for group in page["SecurityGroups"]:
            closed += strip(group)
    return closed


def strip(group: dict[str, Any]) -> bool:
    """Revoke the rules of one group; tell whether there were any."""
    incoming, outgoing = group["IpPermissions"], group["IpPermissionsEgress"]
    name = group["GroupId"]
    if incoming:
        ec2.revoke_security_group_ingress(GroupId=name, IpPermissions=incoming)
    if outgoing:
        ec2.revoke_security_group_egress(GroupId=name, IpPermissions=outgoing)
    return bool(incoming or outgoing)
