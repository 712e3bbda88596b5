"""Elastic Load Balancing: what listeners and rules do, weights included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import wire
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.wire import Do, Front, Value

_SECURE = ("HTTPS", "TLS")
_HEAVIEST = 999
_REDIRECT = {
    "Protocol": "#{protocol}",
    "Port": "#{port}",
    "Host": "#{host}",
    "Path": "/#{path}",
    "Query": "#{query}",
}


def _create(asked: Value, do: Do) -> Value:
    balancer = asked["LoadBalancerArn"]
    _refuse_port(asked, balancer)
    _refuse_certificate(asked)
    actions = _actions(asked["DefaultActions"], balancer)
    listener = do(asked)["Listeners"][0] | {"DefaultActions": actions}
    _keep(listener["ListenerArn"], asked, actions)
    return {"Listeners": [_completed(listener)]}


def _modify(asked: Value, do: Do) -> Value:
    arn = asked["ListenerArn"]
    record = emulator.balancing.store("_listeners").get(arn)
    if record is None:
        return do(asked)
    _refuse_port(asked, record["LoadBalancerArn"], arn)
    _refuse_certificate({**record, **asked})
    actions = _actions(asked.get("DefaultActions", ()), record["LoadBalancerArn"])
    actions = actions or record["DefaultActions"]
    listener = do(asked)["Listeners"][0] | {"DefaultActions": actions}
    _keep(arn, asked, actions)
    return {"Listeners": [_completed(listener)]}


def _keep(arn: str, asked: Value, actions: list[Value]) -> None:
    """Keep the actions whole, with the listener and with its default rule."""
    record = emulator.balancing.store("_listeners")[arn]
    record["DefaultActions"] = actions
    also = {name: asked[name] for name in ("AlpnPolicy", "MutualAuthentication") if name in asked}
    record["_also"] = record.get("_also", {}) | also
    for rule in emulator.balancing.store("_rules").values():
        if rule["ListenerArn"] == arn and rule["IsDefault"]:
            rule["Actions"] = actions


def _refuse_port(asked: Value, balancer: str, but: str = "") -> None:
    for arn, other in emulator.balancing.store("_listeners").items():
        taken = (other["LoadBalancerArn"], other["Port"]) == (balancer, asked.get("Port"))
        if taken and arn != but:
            message = f"A listener already exists on this port for this load balancer '{balancer}'"
            raise RefusedError("DuplicateListener", message)


def _refuse_certificate(asked: Value) -> None:
    """Refuse a secure listener without a certificate, and a certificate of another Region."""
    if asked.get("Protocol") not in _SECURE:
        return
    if not asked.get("Certificates"):
        message = f"A certificate must be specified for {asked['Protocol']} listeners"
        raise RefusedError("ValidationError", message)
    for each in asked["Certificates"]:
        arn = each["CertificateArn"] if isinstance(each, Mapping) else each
        service, region = (arn.split(":") + [""] * 4)[2:4]
        if service == "acm" and region != emulator.region():
            raise RefusedError("CertificateNotFound", f"Certificate '{arn}' not found")


def _describe(asked: Value, do: Do) -> Value:
    told = do(asked)
    if asked.get("ListenerArns") and not told["Listeners"]:
        raise RefusedError("ListenerNotFound", "One or more listeners not found")
    return told | {"Listeners": [_completed(each) for each in told["Listeners"]]}


def _completed(listener: Value) -> Value:
    record = emulator.balancing.store("_listeners")[listener["ListenerArn"]]
    told: Value = listener | record.get("_also", {})
    return told


def install() -> None:
    """Let every answer about a listener or a rule tell its actions whole."""
    emulator.balancing.write_actions(
        lambda each: wire.written("elbv2", "Action", "member", dict(each))
    )
    wire.install("elbv2", FRONTS)


# Rules --------------------------------------------------------------------------------------------


def _create_rule(asked: Value, do: Do) -> Value:
    listener = emulator.balancing.store("_listeners").get(asked["ListenerArn"])
    if listener is None:
        return do(asked)
    for rule in emulator.balancing.store("_rules").values():
        used = (rule["ListenerArn"], rule["Priority"])
        if used == (asked["ListenerArn"], str(asked["Priority"])):
            message = f"Priority '{asked['Priority']}' is currently in use"
            raise RefusedError("PriorityInUse", message)
    actions = _actions(asked["Actions"], listener["LoadBalancerArn"])
    rule = do(asked)["Rules"][0]
    emulator.balancing.store("_rules")[rule["RuleArn"]]["Actions"] = actions
    return {"Rules": [rule | {"Actions": actions}]}


def _modify_rule(asked: Value, do: Do) -> Value:
    rule = do(asked)["Rules"][0]
    record = emulator.balancing.store("_rules")[rule["RuleArn"]]
    if asked.get("Actions"):
        listener = emulator.balancing.store("_listeners")[record["ListenerArn"]]
        record["Actions"] = _actions(asked["Actions"], listener["LoadBalancerArn"])
    return {"Rules": [rule | {"Actions": record["Actions"]}]}


def _rules(asked: Value, do: Do) -> Value:
    told = do(asked)
    if asked.get("RuleArns") and not told["Rules"]:
        raise RefusedError("RuleNotFound", "One or more rules not found")
    return told


# Actions ------------------------------------------------------------------------------------------


def _actions(asked: Any, balancer: str) -> list[Value]:
    """Return actions as the service tells them: with every default, and both ways to forward."""
    actions = [_whole(action, number) for number, action in enumerate(asked, 1)]
    for group in (group for action in actions for group in groups_of(action)):
        _refuse_group(group, balancer)
    return actions


def _whole(action: Value, number: int) -> Value:
    made = {"Order": number, **action}
    if made["Type"] == "redirect":
        made["RedirectConfig"] = _REDIRECT | action["RedirectConfig"]
    if made["Type"] != "forward":
        return made
    forward = dict(action.get("ForwardConfig") or {})
    forward.setdefault("TargetGroups", [{"TargetGroupArn": action.get("TargetGroupArn")}])
    groups = [{"Weight": 1, **group} for group in forward["TargetGroups"]]
    if any(not 0 <= group["Weight"] <= _HEAVIEST for group in groups):
        raise RefusedError("ValidationError", "Target group weights must be between 0 and 999")
    made["ForwardConfig"] = {
        "TargetGroupStickinessConfig": {"Enabled": False},
        **forward,
        "TargetGroups": groups,
    }
    return made | ({"TargetGroupArn": groups[0]["TargetGroupArn"]} if len(groups) == 1 else {})


def groups_of(action: Value) -> list[str]:
    """Return the target groups that an action forwards to."""
    return [
        each["TargetGroupArn"] for each in action.get("ForwardConfig", {}).get("TargetGroups", ())
    ]


def _refuse_group(group: str, balancer: str) -> None:
    if group not in emulator.balancing.store("_tgs"):
        raise RefusedError("TargetGroupNotFound", f"Target groups '{group}' not found")
    if any(each != balancer for each in balancers_of(group)):
        message = (
            "The following target groups cannot be associated with more than one load balancer"
        )
        raise RefusedError("TargetGroupAssociationLimit", f"{message}: {group}")


def balancers_of(group: str) -> list[str]:
    """Return the load balancers that send to a target group, by a listener or a rule."""
    listeners = emulator.balancing.store("_listeners")
    found = (
        listeners[rule["ListenerArn"]]["LoadBalancerArn"]
        for rule in _forwarding(group)
        if rule["ListenerArn"] in listeners
    )
    return list(dict.fromkeys(found))


def _forwarding(group: str) -> Iterator[Mapping[str, Any]]:
    """Yield the rules, default ones included, that forward to a target group."""
    for rule in emulator.balancing.store("_rules").values():
        if any(group in groups_of(action) for action in rule["Actions"]):
            yield rule


FRONTS: Mapping[str, Front] = {
    "CreateListener": _create,
    "ModifyListener": _modify,
    "DescribeListeners": _describe,
    "CreateRule": _create_rule,
    "ModifyRule": _modify_rule,
    "DescribeRules": _rules,
}
