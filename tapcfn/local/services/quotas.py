"""Quotas: the figures that a new account has, for those that a deployer asks about.

They are told and not enforced: the emulator makes as many as one likes.
"""

from __future__ import annotations

from tapcfn.local import emulator
from tapcfn.local.emulator import Answer, Params
from tapcfn.local.services import table
from tapcfn.local.services.records import Record
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.table import Asked

# By service and code: what it counts, and the figure of a new account.
QUOTAS = {
    ("ec2", "L-0263D0A3"): ("EC2-VPC Elastic IPs", 5.0),
    ("vpc", "L-F678F1CE"): ("VPCs per Region", 5.0),
    ("vpc", "L-FE5A380F"): ("NAT gateways per Availability Zone", 5.0),
}

# CloudFormation tells its own: stacks in a Region, outputs of a stack, resources at work at once.
ACCOUNT_LIMITS = {"StackLimit": 2000, "StackOutputsLimit": 200, "ConcurrentResourcesLimit": 2500}


def install() -> None:
    """Add the service, and the action of CloudFormation, that the emulator lacks."""
    table.add("servicequotas", "ServiceQuotasV20190624", {"GetServiceQuota": _get})
    emulator.engine.ACTIONS["DescribeAccountLimits"] = _account_limits


def _account_limits(_: Params) -> Answer:
    members = "".join(
        f"<member><Name>{name}</Name><Value>{value}</Value></member>"
        for name, value in ACCOUNT_LIMITS.items()
    )
    body = (
        '<DescribeAccountLimitsResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">'
        f"<DescribeAccountLimitsResult><AccountLimits>{members}</AccountLimits>"
        "</DescribeAccountLimitsResult></DescribeAccountLimitsResponse>"
    )
    return 200, {"Content-Type": "application/xml"}, body.encode()


def _get(asked: Asked) -> Record:
    service, code = asked["ServiceCode"], asked["QuotaCode"]
    if (service, code) not in QUOTAS:
        raise RefusedError("NoSuchResourceException", f"The local cloud knows no quota {code}")
    name, value = QUOTAS[service, code]
    arn = f"arn:aws:servicequotas:{emulator.region()}:{emulator.account_id()}:{service}/{code}"
    return {
        "Quota": {
            "ServiceCode": service,
            "QuotaCode": code,
            "QuotaArn": arn,
            "QuotaName": name,
            "Value": value,
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }
    }
