"""Elastic Load Balancing: load balancers, listeners, rules and target groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapcfn.local import calls
from tapcfn.local.provisioners.fitting import fitted
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    Wanted,
    as_list,
    gone_is_fine,
    key_values,
    tag_changes,
)
from tapcfn.local.services import balancers, targets

_LONGEST = balancers.LONGEST_NAME


def _elb() -> Any:
    return calls.client("elbv2")


def _asked(wanted: Wanted, shape: str, *apart: str) -> dict[str, Any]:
    """Return what the API takes; the properties that are set apart have calls of their own."""
    rest = {name: value for name, value in wanted.properties.items() if name not in apart}
    asked: dict[str, Any] = fitted("elbv2", shape, rest)
    return asked if asked.get("Tags") else {k: v for k, v in asked.items() if k != "Tags"}


def _retag(wanted: Wanted) -> None:
    put, removed = tag_changes(wanted)
    if removed:
        _elb().remove_tags(ResourceArns=[wanted.physical_id], TagKeys=removed)
    if put:
        _elb().add_tags(ResourceArns=[wanted.physical_id], Tags=key_values(put))


def _attributes(wanted: Wanted, prop: str, usual: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the attributes to set: those that differ, and what those that are gone were before."""
    now, before = (
        {each["Key"]: _text(each["Value"]) for each in as_list(source.get(prop))}
        for source in (wanted.properties, wanted.before)
    )
    gone = {key: usual.get(key, "") for key in before if key not in now}
    changed = {key: value for key, value in now.items() if before.get(key) != value}
    return key_values(gone | changed)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# Load balancer ------------------------------------------------------------------------------------


def _create_balancer(wanted: Wanted) -> Made:
    asked = _asked(wanted, "CreateLoadBalancerInput", "LoadBalancerAttributes")
    asked["Name"] = wanted.name("Name", longest=_LONGEST)
    made = _elb().create_load_balancer(**asked)["LoadBalancers"][0]["LoadBalancerArn"]
    try:
        _set_balancer_attributes(made, wanted)
    except Exception:
        _elb().delete_load_balancer(LoadBalancerArn=made)
        raise
    return _made_balancer(made)


def _update_balancer(wanted: Wanted) -> Made:
    arn = wanted.physical_id
    if wanted.changed("Subnets", "SubnetMappings"):
        asked = _asked(wanted, "CreateLoadBalancerInput", "LoadBalancerAttributes")
        lies = {name: asked[name] for name in ("Subnets", "SubnetMappings") if name in asked}
        _elb().set_subnets(LoadBalancerArn=arn, **lies)
    if wanted.changed("SecurityGroups"):
        groups = list(as_list(wanted.get("SecurityGroups")))
        _elb().set_security_groups(LoadBalancerArn=arn, SecurityGroups=groups)
    if wanted.changed("IpAddressType"):
        kind = wanted.get("IpAddressType", "ipv4")
        _elb().set_ip_address_type(LoadBalancerArn=arn, IpAddressType=kind)
    _set_balancer_attributes(arn, wanted)
    _retag(wanted)
    return _made_balancer(arn)


def _set_balancer_attributes(arn: str, wanted: Wanted) -> None:
    if asked := _attributes(wanted, "LoadBalancerAttributes", balancers.ATTRIBUTES):
        _elb().modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=asked)


def _made_balancer(arn: str) -> Made:
    told = _elb().describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
    return Made(
        arn,
        {
            "LoadBalancerArn": arn,
            "LoadBalancerName": told["LoadBalancerName"],
            "LoadBalancerFullName": arn.partition(":loadbalancer/")[2],
            "DNSName": told["DNSName"],
            "CanonicalHostedZoneID": told["CanonicalHostedZoneId"],
            "SecurityGroups": told.get("SecurityGroups", []),
        },
    )


def _delete_balancer(wanted: Wanted) -> None:
    with gone_is_fine():
        _elb().delete_load_balancer(LoadBalancerArn=wanted.physical_id)


# Listener and rule --------------------------------------------------------------------------------


def _create_listener(wanted: Wanted) -> Made:
    asked = _asked(wanted, "CreateListenerInput", "ListenerAttributes")
    made = _elb().create_listener(**asked)["Listeners"][0]["ListenerArn"]
    _set_listener_attributes(made, wanted)
    return Made(made, {"ListenerArn": made})


def _update_listener(wanted: Wanted) -> Made:
    arn = wanted.physical_id
    apart = ("ListenerAttributes", "LoadBalancerArn", "Tags")
    _elb().modify_listener(ListenerArn=arn, **_asked(wanted, "ModifyListenerInput", *apart))
    _set_listener_attributes(arn, wanted)
    _retag(wanted)
    return Made(arn, {"ListenerArn": arn})


def _set_listener_attributes(arn: str, wanted: Wanted) -> None:
    if asked := _attributes(wanted, "ListenerAttributes", {}):
        _elb().modify_listener_attributes(ListenerArn=arn, Attributes=asked)


def _delete_listener(wanted: Wanted) -> None:
    with gone_is_fine():
        _elb().delete_listener(ListenerArn=wanted.physical_id)


def _create_rule(wanted: Wanted) -> Made:
    made = _elb().create_rule(**_asked(wanted, "CreateRuleInput"))["Rules"][0]["RuleArn"]
    return Made(made, {"RuleArn": made, "IsDefault": False})


def _update_rule(wanted: Wanted) -> Made:
    arn = wanted.physical_id
    _elb().modify_rule(
        RuleArn=arn, **_asked(wanted, "ModifyRuleInput", "ListenerArn", "Priority", "Tags")
    )
    if wanted.changed("Priority"):
        priority = {"RuleArn": arn, "Priority": int(wanted["Priority"])}
        _elb().set_rule_priorities(RulePriorities=[priority])
    _retag(wanted)
    return Made(arn, {"RuleArn": arn, "IsDefault": False})


def _delete_rule(wanted: Wanted) -> None:
    with gone_is_fine():
        _elb().delete_rule(RuleArn=wanted.physical_id)


# Target group -------------------------------------------------------------------------------------

_APART = ("TargetGroupAttributes", "Targets")
_CHECKS = (
    *("HealthCheckProtocol", "HealthCheckPort", "HealthCheckPath", "HealthCheckEnabled"),
    *("HealthCheckIntervalSeconds", "HealthCheckTimeoutSeconds", "HealthyThresholdCount"),
    *("UnhealthyThresholdCount", "Matcher"),
)


def _create_group(wanted: Wanted) -> Made:
    asked = _asked(wanted, "CreateTargetGroupInput", *_APART)
    asked["Name"] = wanted.name("Name", longest=_LONGEST)
    made = _elb().create_target_group(**asked)["TargetGroups"][0]["TargetGroupArn"]
    try:
        _set_group(made, wanted)
    except Exception:
        _elb().delete_target_group(TargetGroupArn=made)
        raise
    return _made_group(made)


def _update_group(wanted: Wanted) -> Made:
    arn = wanted.physical_id
    if wanted.changed(*_CHECKS):
        asked = _asked(wanted, "CreateTargetGroupInput", *_APART)
        checks = {name: asked[name] for name in _CHECKS if name in asked}
        _elb().modify_target_group(TargetGroupArn=arn, **checks)
    _set_group(arn, wanted)
    _retag(wanted)
    return _made_group(arn)


def _set_group(arn: str, wanted: Wanted) -> None:
    """Set attributes, and register and deregister the targets that differ."""
    if asked := _attributes(wanted, "TargetGroupAttributes", targets.ATTRIBUTES):
        _elb().modify_target_group_attributes(TargetGroupArn=arn, Attributes=asked)
    now, before = (
        [fitted("elbv2", "TargetDescription", each) for each in as_list(source.get("Targets"))]
        for source in (wanted.properties, wanted.before)
    )
    if gone := [each for each in before if each not in now]:
        _elb().deregister_targets(TargetGroupArn=arn, Targets=gone)
    if new := [each for each in now if each not in before]:
        _elb().register_targets(TargetGroupArn=arn, Targets=new)


def _made_group(arn: str) -> Made:
    told = _elb().describe_target_groups(TargetGroupArns=[arn])["TargetGroups"][0]
    return Made(
        arn,
        {
            "TargetGroupArn": arn,
            "TargetGroupName": told["TargetGroupName"],
            "TargetGroupFullName": arn.rpartition(":")[2],
            "LoadBalancerArns": told["LoadBalancerArns"],
        },
    )


def _delete_group(wanted: Wanted) -> None:
    with gone_is_fine():
        _elb().delete_target_group(TargetGroupArn=wanted.physical_id)


PROVISIONERS = (
    Provisioner(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        create=_create_balancer,
        update=_update_balancer,
        delete=_delete_balancer,
        create_only=("Name", "Type", "Scheme"),
        tags="Tags",
    ),
    Provisioner(
        "AWS::ElasticLoadBalancingV2::Listener",
        create=_create_listener,
        update=_update_listener,
        delete=_delete_listener,
        create_only=("LoadBalancerArn",),
        tags="Tags",
    ),
    Provisioner(
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        create=_create_rule,
        update=_update_rule,
        delete=_delete_rule,
        create_only=("ListenerArn",),
        tags="Tags",
    ),
    Provisioner(
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        create=_create_group,
        update=_update_group,
        delete=_delete_group,
        create_only=(
            *("TargetType", "ProtocolVersion", "Port", "Name", "VpcId", "Protocol"),
            "IpAddressType",
        ),
        tags="Tags",
    ),
)
