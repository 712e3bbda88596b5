"""EC2: a security group or a subnet that something still uses is not deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import wire
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.wire import Do, Front, Value


def _delete_group(asked: Value, do: Do) -> Value:
    group = asked.get("GroupId", "")
    if any(group in used for used in _groups_in_use(group)):
        message = f"resource {group} has a dependent object"
        raise RefusedError("DependencyViolation", message)
    return do(asked)


def _groups_in_use(but: str) -> Iterator[list[str]]:
    """Yield the groups that each instance, load balancer, endpoint and other group names."""
    for instance in _living():
        yield [each["GroupId"] for each in instance["SecurityGroups"]]
    for balancer in emulator.balancing.store("_lbs").values():
        yield balancer["SecurityGroups"]
    for endpoint in emulator.ec2.store("_vpc_endpoints").values():
        yield [each["GroupId"] for each in endpoint.get("_also", {}).get("Groups", ())]
    for group in emulator.ec2.store("_security_groups").values():
        if group["GroupId"] != but:
            yield _admitted(group)


def _admitted(group: Mapping[str, Any]) -> list[str]:
    rules = (*group["IpPermissions"], *group["IpPermissionsEgress"])
    return [pair["GroupId"] for rule in rules for pair in rule.get("UserIdGroupPairs", ())]


def _delete_subnet(asked: Value, do: Do) -> Value:
    subnet = asked["SubnetId"]
    if subnet in _subnets_in_use():
        message = f"The subnet '{subnet}' has dependencies and cannot be deleted."
        raise RefusedError("DependencyViolation", message)
    return do(asked)


def _subnets_in_use() -> set[str]:
    """Return the subnets in which instances, load balancers, endpoints or NAT gateways lie."""
    used = {each["SubnetId"] for each in _living()}
    for balancer in emulator.balancing.store("_lbs").values():
        used.update(balancer["Subnets"])
    for endpoint in emulator.ec2.store("_vpc_endpoints").values():
        used.update(endpoint["SubnetIds"])
    gateways = emulator.ec2.store("_nat_gateways").values()
    return used | {each["SubnetId"] for each in gateways if each["State"] == "available"}


def _living() -> list[dict[str, Any]]:
    known = emulator.ec2.store("_instances").values()
    return [each for each in known if each["State"]["Name"] != "terminated"]


FRONTS: Mapping[str, Front] = {
    "DeleteSecurityGroup": _delete_group,
    "DeleteSubnet": _delete_subnet,
}

install = partial(wire.install, "ec2", FRONTS)
