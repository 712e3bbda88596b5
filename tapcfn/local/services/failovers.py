"""RDS: the standby of a Multi-AZ instance, and reboots that fail over to it."""

from __future__ import annotations

import time as _clock
from collections.abc import Mapping
from functools import partial

from tapcfn.local import emulator
from tapcfn.local.services import wire
from tapcfn.local.services.databases import record_of, told
from tapcfn.local.services.occupations import Record, note, occupy, refuse_busy
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.wire import Do, Front, Value

_SECONDARY = "SecondaryAvailabilityZone"


def _reboot(asked: Value, do: Do) -> Value:
    record = record_of(asked["DBInstanceIdentifier"])
    if record is not None:
        refuse_busy(record)
    if record is None or not asked.get("ForceFailover"):
        return do(asked)
    if not record.get("MultiAZ"):
        message = "ForceFailover cannot be specified since the instance is not configured for "
        raise RefusedError("InvalidParameterCombination", message + "MultiAZ")
    do(asked)
    _fail_over(record)
    return told(record["DBInstanceIdentifier"])


def _fail_over(record: Record) -> None:
    """Change the two zones at once, and tell of it when it is over."""
    standby = standby_of(record)
    record[_SECONDARY], record["AvailabilityZone"] = record["AvailabilityZone"], standby
    ends = occupy(record, "FailOverDBInstance", "rebooting")
    note(record, "Multi-AZ instance failover started.", "failover", _clock.time())
    note(record, "Multi-AZ instance failover completed", "failover", ends)


def standby_of(record: Record) -> str:
    """Return the zone of an instance's standby: another one of its subnets', where it has any."""
    if not record.get("MultiAZ"):
        return ""
    known, there = record.get(_SECONDARY), emulator.ec2.store("_subnets")
    group = record["DBSubnetGroup"]["DBSubnetGroupName"]
    subnets = emulator.rds.store("_subnet_groups").get(group, {}).get("Subnets", ())
    names = [each["SubnetIdentifier"] for each in subnets]
    zones = {there[each]["AvailabilityZone"] for each in names if each in there}
    zones |= {f"{emulator.region()}{letter}" for letter in "ab"} if len(zones) <= 1 else set()
    others = sorted(zones - {record["AvailabilityZone"]})
    return str(known if known and known != record["AvailabilityZone"] else others[0])


def _describe(asked: Value, do: Do) -> Value:
    found = do(asked)
    for each in found["DBInstances"]:
        record = record_of(each["DBInstanceIdentifier"])
        if record is not None and record.get("MultiAZ"):
            each[_SECONDARY] = standby_of(record)
    return found


FRONTS: Mapping[str, Front] = {"DescribeDBInstances": _describe, "RebootDBInstance": _reboot}

install = partial(wire.install, "rds", FRONTS)
