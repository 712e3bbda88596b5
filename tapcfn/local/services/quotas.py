"""Service Quotas: the figures that a new account has, for those that a deployer asks about.

They are told and not enforced: the emulator makes as many as one likes.
"""

from __future__ import annotations

from tapcfn.local import emulator
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


def install() -> None:
    """Add the service, which the emulator lacks."""
    table.add("servicequotas", "ServiceQuotasV20190624", {"GetServiceQuota": _get})


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
