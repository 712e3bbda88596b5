"""Elastic Load Balancing: where load balancers lie, their attributes, and what protects them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import wire
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.wire import Do, Front, Value

LONGEST_NAME = 32
ZONES = 2

# The hosted zone that holds a Region's load balancers, from AWS's table of endpoints.
_HOSTED_ZONES = {
    "ap-northeast-1": "Z14GRHDCWA56QT",
    "ap-northeast-2": "ZWKZPGTI48KDX",
    "ap-south-1": "ZP97RAFLXTNZK",
    "ap-southeast-1": "Z1LMS91P8CMLE5",
    "ap-southeast-2": "Z1GM3OXH4ZPM65",
    "ca-central-1": "ZQSVJUPU6J1EY",
    "eu-central-1": "Z215JYRZR1TBD5",
    "eu-north-1": "Z23TAZ6LKFMNIO",
    "eu-west-1": "Z32O12XQLNTSW2",
    "eu-west-2": "ZHURV8PSTC4K8",
    "eu-west-3": "Z3Q77PNBQS71R4",
    "sa-east-1": "Z2P70J7HTTTPLU",
    "us-east-1": "Z35SXDOTRQ7X7K",
    "us-east-2": "Z3AADJGX6KTTL2",
    "us-west-1": "Z368ELLRRE2KJ0",
    "us-west-2": "Z1H1FL5HABSF5",
}

# Every attribute of an application load balancer, as it is without being set.
ATTRIBUTES: Mapping[str, str] = {
    "access_logs.s3.enabled": "false",
    "access_logs.s3.bucket": "",
    "access_logs.s3.prefix": "",
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.enabled": "false",
    "connection_logs.s3.bucket": "",
    "connection_logs.s3.prefix": "",
    "deletion_protection.enabled": "false",
    "health_check_logs.s3.enabled": "false",
    "health_check_logs.s3.bucket": "",
    "health_check_logs.s3.prefix": "",
    "idle_timeout.timeout_seconds": "60",
    "ipv6.deny_all_igw_traffic": "false",
    "load_balancing.cross_zone.enabled": "true",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}
_LOGS = ("access_logs", "connection_logs", "health_check_logs")


def _create(asked: Value, do: Do) -> Value:
    subnets = _subnets_asked(asked)
    places = _places(subnets)
    _refuse_place(asked, places)
    refuse_long(asked["Name"])
    told = do({**asked, "Subnets": subnets})
    arn = told["LoadBalancers"][0]["LoadBalancerArn"]
    record = _record(arn)
    record["VpcId"] = places[0]["VpcId"]
    if record["Scheme"] == "internal":
        record["DNSName"] = f"internal-{record['DNSName']}"
    emulator.balancing.store("_lb_attrs")[arn] = listed(ATTRIBUTES)
    return {"LoadBalancers": [_completed(told["LoadBalancers"][0])]}


def refuse_long(name: str) -> None:
    """Refuse the name of a load balancer or target group that is too long."""
    if len(name) > LONGEST_NAME:
        message = f"The name '{name}' cannot be longer than '{LONGEST_NAME}' characters"
        raise RefusedError("ValidationError", message)


def _subnets_asked(asked: Value) -> list[str]:
    mapped = [each["SubnetId"] for each in asked.get("SubnetMappings", ())]
    return list(asked.get("Subnets") or mapped)


def _places(subnets: list[str]) -> list[Mapping[str, Any]]:
    """Return the subnets, which must be there, in zones of their own."""
    known = emulator.ec2.store("_subnets")
    for missing in (each for each in subnets if each not in known):
        raise RefusedError("SubnetNotFound", f"The subnet ID '{missing}' does not exist")
    places: list[Mapping[str, Any]] = [known[each] for each in subnets]
    zones = {place["AvailabilityZone"] for place in places}
    if len(zones) < len(places):
        message = "A load balancer cannot be attached to multiple subnets in the same "
        raise RefusedError("InvalidConfigurationRequest", message + "Availability Zone")
    if len(zones) < ZONES:
        message = "At least two subnets in two different Availability Zones must be specified"
        raise RefusedError("ValidationError", message)
    return places


def _refuse_place(asked: Value, places: list[Mapping[str, Any]]) -> None:
    _refuse_groups(asked.get("SecurityGroups", ()))
    vpc = places[0]["VpcId"]
    gateways = emulator.ec2.store("_internet_gateways").values()
    attached = {each["VpcId"] for gateway in gateways for each in gateway["Attachments"]}
    if asked.get("Scheme") != "internal" and vpc not in attached:
        raise RefusedError("InvalidSubnet", f"VPC {vpc} has no internet gateway")


def _refuse_groups(groups: Any) -> None:
    known = emulator.ec2.store("_security_groups")
    for missing in (each for each in groups if each not in known):
        message = f"The security group '{missing}' does not exist"
        raise RefusedError("InvalidSecurityGroup", message)


def _describe(asked: Value, do: Do) -> Value:
    told = do(asked)
    told["LoadBalancers"] = [_completed(each) for each in told["LoadBalancers"]]
    return told


def _completed(balancer: Value) -> Value:
    """Add the zones of the subnets and the hosted zone of the Region."""
    record = _record(balancer["LoadBalancerArn"])
    told = {name: record[name] for name in ("VpcId", "DNSName")}
    zone = _HOSTED_ZONES.get(emulator.region())
    if zone:
        told["CanonicalHostedZoneId"] = zone
    return balancer | told | {"AvailabilityZones": _zones(record)}


def _zones(record: Mapping[str, Any]) -> list[Value]:
    known = emulator.ec2.store("_subnets")
    return [
        {"ZoneName": known[each]["AvailabilityZone"], "SubnetId": each, "LoadBalancerAddresses": []}
        for each in record["Subnets"]
        if each in known
    ]


def _delete(asked: Value, do: Do) -> Value:
    """Refuse while it is protected; its listeners go with it."""
    arn = asked["LoadBalancerArn"]
    attributes = emulator.balancing.store("_lb_attrs").get(arn, ())
    if {"Key": "deletion_protection.enabled", "Value": "true"} in attributes:
        message = f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
        raise RefusedError("OperationNotPermitted", message)
    listeners, rules = (emulator.balancing.store(name) for name in ("_listeners", "_rules"))
    mine = [key for key, each in listeners.items() if each["LoadBalancerArn"] == arn]
    for key in mine:
        for rule in [rule for rule, each in rules.items() if each["ListenerArn"] == key]:
            del rules[rule]
        del listeners[key]
    return do(asked)


def _set_subnets(asked: Value, do: Do) -> Value:
    subnets = _subnets_asked(asked)
    _places(subnets)
    told = do({**asked, "Subnets": subnets})
    return told | {"AvailabilityZones": _zones(_record(asked["LoadBalancerArn"]))}


def _set_groups(asked: Value, do: Do) -> Value:
    _refuse_groups(asked["SecurityGroups"])
    return do(asked)


def _modify_attributes(asked: Value, do: Do) -> Value:
    """Refuse an attribute that load balancers lack, and logs for a bucket that is not there."""
    refuse_unknown(asked["Attributes"], ATTRIBUTES, "Load balancer")
    before = emulator.balancing.store("_lb_attrs").get(asked["LoadBalancerArn"], ())
    now = {each["Key"]: each.get("Value", "") for each in (*before, *asked["Attributes"])}
    for logs in _LOGS:
        bucket = now.get(f"{logs}.s3.bucket", "")
        on = now.get(f"{logs}.s3.enabled") == "true"
        if on and not (bucket and emulator.s3.bucket_is_taken(bucket)):
            message = f"Access Denied for bucket: {bucket}. Please check S3bucket permission"
            raise RefusedError("InvalidConfigurationRequest", message)
    return do(asked)


def refuse_unknown(attributes: Any, known: Mapping[str, str], of: str) -> None:
    """Refuse an attribute whose key is not among the known ones."""
    for each in attributes:
        if each["Key"] not in known:
            message = f"{of} attribute key '{each['Key']}' is not recognized"
            raise RefusedError("ValidationError", message)


def listed(attributes: Mapping[str, str]) -> list[dict[str, str]]:
    """Return attributes as the service lists them."""
    return [{"Key": key, "Value": value} for key, value in attributes.items()]


def _record(arn: str) -> dict[str, Any]:
    found: dict[str, Any] = emulator.balancing.store("_lbs")[arn]
    return found


FRONTS: Mapping[str, Front] = {
    "CreateLoadBalancer": _create,
    "DescribeLoadBalancers": _describe,
    "DeleteLoadBalancer": _delete,
    "SetSubnets": _set_subnets,
    "SetSecurityGroups": _set_groups,
    "ModifyLoadBalancerAttributes": _modify_attributes,
}

install = partial(wire.install, "elbv2", FRONTS)
