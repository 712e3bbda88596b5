"""API Gateway: the account's settings, deployments and stages of REST APIs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

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

DEPLOYMENT = "AWS::ApiGateway::Deployment"
STAGE = "AWS::ApiGateway::Stage"
SERVICE = "apigateway.amazonaws.com"


def _api() -> Any:
    return calls.client("apigateway")


def _refused(message: str, code: str = "InvalidRequest") -> ResourceRefusedError:
    return ResourceRefusedError(
        f"{message} (Service: ApiGateway, Status Code: 400, Request ID: {emulator.new_id()})", code
    )


# Account ------------------------------------------------------------------------------------------


def _create_account(wanted: Wanted) -> Made:
    made = emulator.handlers.fresh_name(wanted.stack, wanted.logical_id, max_len=64)
    _set_role(wanted.get("CloudWatchRoleArn"))
    return Made(made, {"Id": made})


def _update_account(wanted: Wanted) -> Made:
    _set_role(wanted.get("CloudWatchRoleArn"))
    return Made(wanted.physical_id, {"Id": wanted.physical_id})


def _set_role(arn: str | None) -> None:
    if arn and not _may_log(arn):
        raise _refused(
            "The role ARN does not have required permissions configured. Please grant trust "
            "permission for API Gateway and add the required role policy."
        )
    operation: dict[str, str] = {"op": "replace", "path": "/cloudwatchRoleArn"}
    operation |= {"value": arn} if arn else {"op": "remove"}
    _api().update_account(patchOperations=[operation])


def _may_log(arn: str) -> bool:
    """Tell whether the role is there, trusts API Gateway and has any policy."""
    iam, name = calls.client("iam"), arn.rpartition("/")[2]
    with gone_is_fine():
        trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
        return SERVICE in json.dumps(trust) and bool(attached or inline)
    return False


def _delete_account(wanted: Wanted) -> None:
    """Take the role away unless somebody else has set another one since."""
    if _api().get_account().get("cloudwatchRoleArn") == wanted.get("CloudWatchRoleArn"):
        _set_role(None)


# Deployment ---------------------------------------------------------------------------------------


def _create_deployment(wanted: Wanted) -> Made:
    known = frozenset({"Description", "RestApiId", "StageName"})
    refuse_other(DEPLOYMENT, wanted.properties, known)
    _require_methods(wanted["RestApiId"])
    names = {"Description": "description", "RestApiId": "restApiId", "StageName": "stageName"}
    made = _api().create_deployment(**renamed(wanted.properties, names))["id"]
    return Made(made, {"DeploymentId": made})


def _update_deployment(wanted: Wanted) -> Made:
    """Change the description; a deployment does not move to another stage here."""
    if wanted.changed("StageName"):
        raise ResourceRefusedError(f"the local cloud changes no StageName of {DEPLOYMENT}")
    operation = {"op": "replace", "path": "/description", "value": wanted.get("Description", "")}
    _api().update_deployment(
        restApiId=wanted["RestApiId"],
        deploymentId=wanted.physical_id,
        patchOperations=[operation],
    )
    return Made(wanted.physical_id, {"DeploymentId": wanted.physical_id})


def _require_methods(api: str) -> None:
    found = _api().get_rest_api(restApiId=api)
    if found["endpointConfiguration"]["types"] == ["PRIVATE"] and not found.get("policy"):
        raise _refused("Private REST API doesn't have a resource policy attached to it")
    methods = list(_methods(api))
    if not methods:
        raise _refused("The REST API doesn't contain any methods")
    if not all(method.get("methodIntegration") for method in methods):
        raise _refused("No integration defined for method")


def _methods(api: str) -> Iterator[Mapping[str, Any]]:
    pages = _api().get_paginator("get_resources").paginate(restApiId=api, embed=["methods"])
    for page in pages:
        for resource in page["items"]:
            yield from resource.get("resourceMethods", {}).values()


def _delete_deployment(wanted: Wanted) -> None:
    api = wanted["RestApiId"]
    with gone_is_fine():
        stages = _api().get_stages(restApiId=api)["item"]
        if any(wanted.physical_id in _deployments_of(stage) for stage in stages):
            raise _refused(
                "Active stages pointing to this deployment must be moved or deleted",
                "ResourceConflict",
            )
        _api().delete_deployment(restApiId=api, deploymentId=wanted.physical_id)


def _deployments_of(stage: Mapping[str, Any]) -> tuple[Any, Any]:
    return stage.get("deploymentId"), (stage.get("canarySettings") or {}).get("deploymentId")


# Stage --------------------------------------------------------------------------------------------

_NAMES = {
    "AccessLogSetting": "accessLogSettings",
    "CacheClusterEnabled": "cacheClusterEnabled",
    "CacheClusterSize": "cacheClusterSize",
    "CanarySetting": "canarySettings",
    "ClientCertificateId": "clientCertificateId",
    "DeploymentId": "deploymentId",
    "Description": "description",
    "DocumentationVersion": "documentationVersion",
    "TracingEnabled": "tracingEnabled",
    "Variables": "variables",
}
_DEFAULTS: Mapping[str, Any] = {
    "accessLogSettings": {},
    "cacheClusterEnabled": False,
    "cacheClusterSize": None,
    "canarySettings": None,
    "clientCertificateId": None,
    "deploymentId": "",
    "description": "",
    "documentationVersion": None,
    "tracingEnabled": False,
    "variables": {},
}
_METHOD_DEFAULTS: Mapping[str, Any] = {
    "cacheDataEncrypted": False,
    "cacheTtlInSeconds": 300,
    "cachingEnabled": False,
    "dataTraceEnabled": False,
    "loggingLevel": "OFF",
    "metricsEnabled": False,
    "requireAuthorizationForCacheControl": True,
    "throttlingBurstLimit": 5000,
    "throttlingRateLimit": 10000.0,
    "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
}


def _create_stage(wanted: Wanted) -> Made:
    api, name = wanted["RestApiId"], wanted["StageName"]
    record = _stage_record(wanted)
    with gone_is_fine():
        _api().get_stage(restApiId=api, stageName=name)
        raise _refused("Stage already exists", "AlreadyExists")
    _api().create_stage(restApiId=api, stageName=name, deploymentId=record["deploymentId"])
    return _write_stage(wanted, record)


def _update_stage(wanted: Wanted) -> Made:
    """Update the stage; a canary that the template no longer has stays. (aws-cdk 33901)"""
    record, name = _stage_record(wanted), wanted["StageName"]
    before = _api().get_stage(restApiId=wanted["RestApiId"], stageName=name)
    record["canarySettings"] = record["canarySettings"] or before.get("canarySettings")
    served, tried = _deployments_of(record)
    if tried and served not in {before["deploymentId"], tried}:
        raise _refused(f"Non canary deployment not supported on stage {name}")
    return _write_stage(wanted, record)


def _write_stage(wanted: Wanted, record: Mapping[str, Any]) -> Made:
    """Write the record that the service answers from; its API leaves out half of it."""
    api, name = wanted["RestApiId"], wanted["StageName"]
    calls.on_loop(emulator.rest.store("_stages_v1")[api][name].update, record)
    arn = f"arn:aws:apigateway:{emulator.region()}::/restapis/{api}/stages/{name}"
    calls.on_loop(emulator.rest.store("_v1_tags").update, {arn: record["tags"]})
    return Made(name)


def _stage_record(wanted: Wanted) -> dict[str, Any]:
    known = frozenset({*_NAMES, "MethodSettings", "RestApiId", "StageName", "Tags"})
    refuse_other(STAGE, wanted.properties, known)
    given = fitted("apigateway", "Stage", renamed(wanted.properties, _NAMES))
    record = dict(_DEFAULTS) | given | {"tags": tag_map(wanted.get("Tags"))}
    record["methodSettings"] = _method_settings(wanted)
    _require_deployments(wanted["RestApiId"], record)
    _require_role(record)
    return record


def _method_settings(wanted: Wanted) -> dict[str, Any]:
    """Return the settings by path and method, as GetStage names them."""
    made = {}
    for each in as_list(wanted.get("MethodSettings")):
        settings = dict(each)
        path = str(settings.pop("ResourcePath", "/*")).lstrip("/").replace("~1", "/").lstrip("/")
        key = f"{path}/{settings.pop('HttpMethod', '*')}"
        made[key] = dict(_METHOD_DEFAULTS) | fitted("apigateway", "MethodSetting", settings)
    return made


def _require_deployments(api: str, record: Mapping[str, Any]) -> None:
    canary = record["canarySettings"] or {}
    if canary.get("stageVariableOverrides"):
        raise ResourceRefusedError(
            f"the local cloud does not model {STAGE} CanarySetting.StageVariableOverrides"
        )
    for deployment in filter(None, _deployments_of(record)):
        _api().get_deployment(restApiId=api, deploymentId=deployment)


def _require_role(record: Mapping[str, Any]) -> None:
    """Refuse logging as long as API Gateway has no role to write logs with."""
    levels = [each["loggingLevel"] for each in record["methodSettings"].values()]
    logs = record["accessLogSettings"] or any(level != "OFF" for level in levels)
    if logs and not _api().get_account().get("cloudwatchRoleArn"):
        raise _refused("CloudWatch Logs role ARN must be set in account settings to enable logging")


def _delete_stage(wanted: Wanted) -> None:
    with gone_is_fine():
        _api().delete_stage(restApiId=wanted["RestApiId"], stageName=wanted.physical_id)


PROVISIONERS = (
    Provisioner(
        "AWS::ApiGateway::Account",
        create=_create_account,
        update=_update_account,
        delete=_delete_account,
    ),
    Provisioner(
        DEPLOYMENT,
        create=_create_deployment,
        update=_update_deployment,
        delete=_delete_deployment,
        create_only=("DeploymentCanarySettings", "RestApiId"),
    ),
    Provisioner(
        STAGE,
        create=_create_stage,
        update=_update_stage,
        delete=_delete_stage,
        create_only=("RestApiId", "StageName"),
        tags="Tags",
    ),
)
