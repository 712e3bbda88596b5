"""WAF: web ACLs, what they guard, and their logs."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from tapcfn.local import calls
from tapcfn.local.provisioners.fitting import fitted
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    flag,
    key_values,
    tag_changes,
    tag_map,
)

# Members of rules and settings that a template may also write as strings.
_TYPED: Mapping[str, Callable[[Any], Any]] = {
    "Priority": int,
    "Limit": int,
    "EvaluationWindowSec": int,
    "ImmunityTime": int,
    "Size": int,
    "ResponseCode": int,
    "SampledRequestsEnabled": flag,
    "CloudWatchMetricsEnabled": flag,
}


def _waf() -> Any:
    return calls.client("wafv2")


# Web ACL ------------------------------------------------------------------------------------------


def _create_acl(wanted: Wanted) -> Made:
    made = _waf().create_web_acl(
        Name=wanted.name("Name"),
        Scope=wanted["Scope"],
        **_settings(wanted),
        **({"Tags": key_values(tag_map(wanted["Tags"]))} if wanted.get("Tags") else {}),
    )["Summary"]
    return _acl(made["Name"], made["Id"], wanted["Scope"])


def _update_acl(wanted: Wanted) -> Made:
    name, identifier, scope = wanted.physical_id.split("|")
    about = {"Name": name, "Id": identifier, "Scope": scope}
    token = _waf().get_web_acl(**about)["LockToken"]
    _waf().update_web_acl(**about, LockToken=token, **_settings(wanted))
    made = _acl(name, identifier, scope)
    new, gone = tag_changes(wanted)
    if new:
        _waf().tag_resource(ResourceARN=made.attributes["Arn"], Tags=key_values(new))
    if gone:
        _waf().untag_resource(ResourceARN=made.attributes["Arn"], TagKeys=gone)
    return made


def _settings(wanted: Wanted) -> dict[str, Any]:
    """Return what creation and update take alike; boto3 names what it does not know."""
    other = ("Name", "Scope", "Tags")
    return {k: _typed(v) for k, v in wanted.properties.items() if k not in other}


def _typed(value: Any, key: str = "") -> Any:
    """Return a part of an ACL with numbers, flags and search strings as the API takes them."""
    if isinstance(value, Mapping):
        made = {name: _typed(each, name) for name, each in value.items()}
        if "SearchStringBase64" in made:
            made["SearchString"] = base64.b64decode(made.pop("SearchStringBase64"))
        return made
    if isinstance(value, list):
        return [_typed(each) for each in value]
    return _TYPED[key](value) if key in _TYPED else value


def _acl(name: str, identifier: str, scope: str) -> Made:
    acl = _waf().get_web_acl(Name=name, Id=identifier, Scope=scope)["WebACL"]
    attributes = {
        "Arn": acl["ARN"],
        "Id": identifier,
        "LabelNamespace": acl["LabelNamespace"],
        "Capacity": acl["Capacity"],
    }
    return Made(f"{name}|{identifier}|{scope}", attributes)


def _delete_acl(wanted: Wanted) -> None:
    name, identifier, scope = wanted.physical_id.split("|")
    about = {"Name": name, "Id": identifier, "Scope": scope}
    with suppress(_waf().exceptions.WAFNonexistentItemException):
        token = _waf().get_web_acl(**about)["LockToken"]
        _waf().delete_web_acl(**about, LockToken=token)


# Association --------------------------------------------------------------------------------------


def _create_association(wanted: Wanted) -> Made:
    resource, acl = str(wanted["ResourceArn"]), str(wanted["WebACLArn"])
    _require_resource(resource)
    _waf().associate_web_acl(ResourceArn=resource, WebACLArn=acl)
    return Made(f"{resource}|{acl}")


def _require_resource(arn: str) -> None:
    """Let the load balancer's or the API's own service say that it is not there."""
    if ":loadbalancer/" in arn:
        calls.client("elbv2").describe_load_balancers(LoadBalancerArns=[arn])
    elif "::/restapis/" in arn:
        api, _, stage = arn.partition("::/restapis/")[2].partition("/stages/")
        calls.client("apigateway").get_stage(restApiId=api, stageName=stage)
    else:
        raise ResourceRefusedError(f"the local cloud guards no resource of this kind: {arn}")


def _delete_association(wanted: Wanted) -> None:
    _waf().disassociate_web_acl(ResourceArn=wanted.physical_id.partition("|")[0])


# Logging ------------------------------------------------------------------------------------------


def _put_logging(wanted: Wanted) -> Made:
    asked = fitted("wafv2", "LoggingConfiguration", dict(wanted.properties))
    _waf().put_logging_configuration(LoggingConfiguration=asked)
    return Made(str(wanted["ResourceArn"]), {"ManagedByFirewallManager": False})


def _delete_logging(wanted: Wanted) -> None:
    with suppress(_waf().exceptions.WAFNonexistentItemException):
        _waf().delete_logging_configuration(ResourceArn=wanted.physical_id)


PROVISIONERS = (
    Provisioner(
        "AWS::WAFv2::WebACL",
        create=_create_acl,
        update=_update_acl,
        delete=_delete_acl,
        create_only=("Name", "Scope"),
        tags="Tags",
    ),
    Provisioner(
        "AWS::WAFv2::WebACLAssociation",
        create=_create_association,
        delete=_delete_association,
        create_only=("ResourceArn", "WebACLArn"),
    ),
    Provisioner(
        "AWS::WAFv2::LoggingConfiguration",
        create=_put_logging,
        update=_put_logging,
        delete=_delete_logging,
        create_only=("ResourceArn",),
    ),
)
