"""API Gateway: who may call how often, and under which name: plans, keys, domains, mappings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from tapcfn.local import calls, emulator
from tapcfn.local.provisioners.fitting import fitted, refuse_other, renamed
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    as_list,
    gone_is_fine,
    tag_map,
)

PLAN = "AWS::ApiGateway::UsagePlan"
KEY = "AWS::ApiGateway::ApiKey"
DOMAIN = "AWS::ApiGateway::DomainName"
MAPPING = "AWS::ApiGateway::BasePathMapping"

# The hosted zone of the regional endpoints, as "API Gateway endpoints and quotas" lists them.
ZONES = {
    "ap-northeast-1": "Z1YSHQZHG15GKL",
    "ap-northeast-2": "Z20JF4UZKIW1U8",
    "ap-south-1": "Z3VO1THU9YC4UR",
    "ap-southeast-1": "ZL327KTPIQFUL",
    "ap-southeast-2": "Z2RPCDW04V8134",
    "ca-central-1": "Z19DQILCV0OWEC",
    "eu-central-1": "Z1U9ULNL0V5AJ3",
    "eu-north-1": "Z3UWIKFBOOGXPP",
    "eu-west-1": "ZLY8HYME6SFDD",
    "eu-west-2": "ZJ5UAJN8Y3Z2Q",
    "eu-west-3": "Z3KY65QIEKYHQQ",
    "sa-east-1": "ZCMLWB8V5SYIT",
    "us-east-1": "Z1UJRXOUMOOFQ8",
    "us-east-2": "ZOJJZC49E0EPZ",
    "us-west-1": "Z2MUQ32089INYE",
    "us-west-2": "Z2OJLYMUO9EFXC",
}


def _api() -> Any:
    return calls.client("apigateway")


def _write(store: str, key: str, record: Mapping[str, Any]) -> None:
    """Write into the service's record; a patch takes nothing but text."""
    calls.on_loop(emulator.rest.store(store)[key].update, record)


def _write_tags(path: str, tags: Mapping[str, str]) -> None:
    arn = f"arn:aws:apigateway:{emulator.region()}::/{path}"
    calls.on_loop(emulator.rest.store("_v1_tags").update, {arn: dict(tags)})


# Usage plan ---------------------------------------------------------------------------------------

_PLAN_NAMES = {
    "ApiStages": "apiStages",
    "Description": "description",
    "Quota": "quota",
    "Throttle": "throttle",
}
_PLAN_DEFAULTS: Mapping[str, Any] = {
    "apiStages": [],
    "description": "",
    "quota": {},
    "throttle": {},
}


def _create_plan(wanted: Wanted) -> Made:
    record = _plan(wanted)
    name = wanted.get("UsagePlanName") or _made_up(wanted)
    made = _api().create_usage_plan(name=name)["id"]
    return _finish_plan(made, record)


def _update_plan(wanted: Wanted) -> Made:
    record = _plan(wanted) | renamed(wanted.properties, {"UsagePlanName": "name"})
    return _finish_plan(wanted.physical_id, record)


def _finish_plan(made: str, record: Mapping[str, Any]) -> Made:
    _write("_usage_plans", made, record)
    _write_tags(f"usageplans/{made}", record["tags"])
    return Made(made, {"Id": made})


def _plan(wanted: Wanted) -> dict[str, Any]:
    given = fitted("apigateway", "UsagePlan", renamed(wanted.properties, _PLAN_NAMES))
    for stage in as_list(given.get("apiStages")):
        _require_stage(stage["apiId"], stage["stage"])
    return dict(_PLAN_DEFAULTS) | given | {"tags": tag_map(wanted.get("Tags"))}


def _require_stage(api: str, stage: str) -> None:
    try:
        _api().get_stage(restApiId=api, stageName=stage)
    except ClientError as error:
        raise ResourceRefusedError(
            f"API Stage not found: {api}:{stage} (Service: ApiGateway, Status Code: 404, "
            f"Request ID: {emulator.new_id()})",
            "NotFound",
        ) from error


def _delete_plan(wanted: Wanted) -> None:
    with gone_is_fine():
        _api().delete_usage_plan(usagePlanId=wanted.physical_id)


# API key ------------------------------------------------------------------------------------------

_KEY_NAMES = {
    "CustomerId": "customerId",
    "Description": "description",
    "Enabled": "enabled",
    "StageKeys": "stageKeys",
}


def _create_key(wanted: Wanted) -> Made:
    known = frozenset({*_KEY_NAMES, "Name", "Tags", "Value"})
    refuse_other(KEY, wanted.properties, known)
    value = renamed(wanted.properties, {"Value": "value"})
    made = _api().create_api_key(name=wanted.get("Name") or _made_up(wanted), **value)["id"]
    return _finish_key(made, wanted)


def _update_key(wanted: Wanted) -> Made:
    return _finish_key(wanted.physical_id, wanted)


def _finish_key(made: str, wanted: Wanted) -> Made:
    """Write what can change; a key is disabled unless the template enables it, as on AWS."""
    plain = {"customerId": None, "description": "", "enabled": False}
    given = renamed(wanted.properties, _KEY_NAMES)
    stages = [f"{each['RestApiId']}/{each['StageName']}" for each in given.pop("stageKeys", ())]
    fitting = fitted("apigateway", "ApiKey", given)
    tags = tag_map(wanted.get("Tags"))
    _write("_api_keys", made, {**plain, **fitting, "stageKeys": stages, "tags": tags})
    _write_tags(f"apikeys/{made}", tags)
    return Made(made, {"APIKeyId": made})


def _delete_key(wanted: Wanted) -> None:
    with gone_is_fine():
        _api().delete_api_key(apiKey=wanted.physical_id)


# Key of a plan ------------------------------------------------------------------------------------


def _create_plan_key(wanted: Wanted) -> Made:
    key, plan = wanted["KeyId"], wanted["UsagePlanId"]
    _api().get_api_key(apiKey=key)
    _api().create_usage_plan_key(usagePlanId=plan, keyId=key, keyType=wanted["KeyType"])
    made = f"{key}:{plan}"
    return Made(made, {"Id": made})


def _delete_plan_key(wanted: Wanted) -> None:
    with gone_is_fine():
        _api().delete_usage_plan_key(usagePlanId=wanted["UsagePlanId"], keyId=wanted["KeyId"])


# Domain name --------------------------------------------------------------------------------------

_DOMAIN_NAMES = {
    "EndpointConfiguration": "endpointConfiguration",
    "RegionalCertificateArn": "regionalCertificateArn",
    "SecurityPolicy": "securityPolicy",
}
_DOMAIN_DEFAULTS = {"securityPolicy": "TLS_1_2"}


def _create_domain(wanted: Wanted) -> Made:
    name, record = wanted["DomainName"], _domain(wanted)
    with gone_is_fine():
        _api().get_domain_name(domainName=name)
        raise ResourceRefusedError("The domain name you provided already exists.", "AlreadyExists")
    asked = {"domainName": name, "endpointConfiguration": record["endpointConfiguration"]}
    _api().create_domain_name(**asked)
    region = emulator.region()
    record["regionalDomainName"] = f"d-{emulator.new_id()[-10:]}.execute-api.{region}.amazonaws.com"
    record["regionalHostedZoneId"] = ZONES[region]
    return _finish_domain(name, record)


def _update_domain(wanted: Wanted) -> Made:
    return _finish_domain(wanted.physical_id, _domain(wanted))


def _finish_domain(name: str, record: Mapping[str, Any]) -> Made:
    _write("_domain_names", name, record)
    _write_tags(f"domainnames/{name}", record["tags"])
    told = _api().get_domain_name(domainName=name)
    arn = f"arn:aws:apigateway:{emulator.region()}::/domainnames/{name}"
    attributes = {
        "DomainNameArn": arn,
        "RegionalDomainName": told["regionalDomainName"],
        "RegionalHostedZoneId": told["regionalHostedZoneId"],
    }
    return Made(name, attributes)


def _domain(wanted: Wanted) -> dict[str, Any]:
    """Return the record of a regional domain; edge ones are not modelled."""
    known = frozenset({*_DOMAIN_NAMES, "DomainName", "Tags"})
    refuse_other(DOMAIN, wanted.properties, known)
    given = fitted("apigateway", "DomainName", renamed(wanted.properties, _DOMAIN_NAMES))
    if given.get("endpointConfiguration", {}).get("types") != ["REGIONAL"]:
        raise ResourceRefusedError("the local cloud makes REGIONAL domain names only")
    if emulator.region() not in ZONES:
        raise ResourceRefusedError(f"the local cloud knows no zone for {emulator.region()}")
    certificate = given.get("regionalCertificateArn", "")
    calls.client("acm").describe_certificate(CertificateArn=certificate)
    return _DOMAIN_DEFAULTS | given | {"tags": tag_map(wanted.get("Tags"))}


def _delete_domain(wanted: Wanted) -> None:
    with gone_is_fine():
        _api().delete_domain_name(domainName=wanted.physical_id)


# Base path mapping --------------------------------------------------------------------------------


def _create_mapping(wanted: Wanted) -> Made:
    where, target = _where(wanted), _target(wanted)
    with gone_is_fine():
        _api().get_base_path_mapping(**where)
        raise ResourceRefusedError("Base path already exists for this domain name", "AlreadyExists")
    _api().create_base_path_mapping(**where, **target)
    return Made("|".join(where.values()))


def _update_mapping(wanted: Wanted) -> Made:
    where, target = _where(wanted), _target(wanted)
    mappings = emulator.rest.store("_base_path_mappings")[where["domainName"]]
    calls.on_loop(mappings[where["basePath"]].update, {"stage": "", **target})
    return Made(wanted.physical_id)


def _where(wanted: Wanted) -> dict[str, str]:
    return {"domainName": wanted["DomainName"], "basePath": wanted.get("BasePath") or "(none)"}


def _target(wanted: Wanted) -> dict[str, str]:
    """Return where the path leads; the API and its stage must be there."""
    names = {"RestApiId": "restApiId", "Stage": "stage"}
    target = renamed(wanted.properties, names)
    if "stage" in target:
        _api().get_stage(restApiId=target["restApiId"], stageName=target["stage"])
    else:
        _api().get_rest_api(restApiId=target["restApiId"])
    return target


def _delete_mapping(wanted: Wanted) -> None:
    with gone_is_fine():
        _api().delete_base_path_mapping(**_where(wanted))


def _made_up(wanted: Wanted) -> str:
    return emulator.handlers.fresh_name(wanted.stack, wanted.logical_id, max_len=128)


PROVISIONERS = (
    Provisioner(PLAN, create=_create_plan, update=_update_plan, delete=_delete_plan, tags="Tags"),
    Provisioner(
        KEY,
        create=_create_key,
        update=_update_key,
        delete=_delete_key,
        create_only=("GenerateDistinctId", "Name", "Value"),
        tags="Tags",
    ),
    Provisioner(
        "AWS::ApiGateway::UsagePlanKey",
        create=_create_plan_key,
        delete=_delete_plan_key,
        create_only=("KeyId", "KeyType", "UsagePlanId"),
    ),
    Provisioner(
        DOMAIN,
        create=_create_domain,
        update=_update_domain,
        delete=_delete_domain,
        create_only=("DomainName",),
        tags="Tags",
    ),
    Provisioner(
        MAPPING,
        create=_create_mapping,
        update=_update_mapping,
        delete=_delete_mapping,
        create_only=("BasePath", "DomainName"),
    ),
)
