"""API Gateway: REST APIs, their resources and methods, and gateway responses."""

from __future__ import annotations

from collections.abc import Mapping
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
    picked,
    tag_map,
)

API = "AWS::ApiGateway::RestApi"
METHOD = "AWS::ApiGateway::Method"


def _api() -> Any:
    return calls.client("apigateway")


# REST API -----------------------------------------------------------------------------------------

_API_NAMES = {
    "ApiKeySourceType": "apiKeySource",
    "BinaryMediaTypes": "binaryMediaTypes",
    "Description": "description",
    "DisableExecuteApiEndpoint": "disableExecuteApiEndpoint",
    "EndpointConfiguration": "endpointConfiguration",
    "MinimumCompressionSize": "minimumCompressionSize",
    "Policy": "policy",
}
_API_DEFAULTS: Mapping[str, Any] = {
    "apiKeySource": "HEADER",
    "binaryMediaTypes": [],
    "description": "",
    "disableExecuteApiEndpoint": False,
    "endpointConfiguration": {"types": ["EDGE"]},
    "minimumCompressionSize": None,
    "policy": None,
}


def _create_api(wanted: Wanted) -> Made:
    record = _record(wanted)
    asked = {name: value for name, value in record.items() if value is not None}
    name = wanted.get("Name") or emulator.handlers.fresh_name(
        wanted.stack, wanted.logical_id, max_len=128
    )
    made = _api().create_rest_api(name=name, **asked)
    return Made(made["id"], _api_attributes(made))


def _update_api(wanted: Wanted) -> Made:
    """Write what the template says into the service's record; a patch takes nothing but text."""
    record = _record(wanted) | renamed(wanted.properties, {"Name": "name"})
    calls.on_loop(emulator.rest.store("_rest_apis")[wanted.physical_id].update, record)
    arn = f"arn:aws:apigateway:{emulator.region()}::/restapis/{wanted.physical_id}"
    calls.on_loop(emulator.rest.store("_v1_tags").update, {arn: record["tags"]})
    made = _api().get_rest_api(restApiId=wanted.physical_id)
    return Made(wanted.physical_id, _api_attributes(made))


def _record(wanted: Wanted) -> dict[str, Any]:
    refuse_other(API, wanted.properties, frozenset({*_API_NAMES, "Name", "Tags"}))
    given = fitted("apigateway", "CreateRestApiRequest", renamed(wanted.properties, _API_NAMES))
    made = dict(_API_DEFAULTS) | given | {"tags": tag_map(wanted.get("Tags"))}
    endpoint = made["endpointConfiguration"]
    if endpoint.get("vpcEndpointIds") and endpoint.get("types") != ["PRIVATE"]:
        raise ResourceRefusedError(
            "VPCEndpoint IDs can only be specified for APIs with endpoint type PRIVATE."
        )
    return made


def _api_attributes(made: Mapping[str, Any]) -> dict[str, str]:
    return {"RestApiId": made["id"], "RootResourceId": made["rootResourceId"]}


def _delete_api(wanted: Wanted) -> None:
    with gone_is_fine():
        _api().delete_rest_api(restApiId=wanted.physical_id)


# Resource -----------------------------------------------------------------------------------------


def _create_resource(wanted: Wanted) -> Made:
    made = _api().create_resource(
        restApiId=wanted["RestApiId"], parentId=wanted["ParentId"], pathPart=wanted["PathPart"]
    )["id"]
    return Made(made, {"ResourceId": made})


def _delete_resource(wanted: Wanted) -> None:
    with gone_is_fine():
        _api().delete_resource(restApiId=wanted["RestApiId"], resourceId=wanted.physical_id)


# Method -------------------------------------------------------------------------------------------

_METHOD_NAMES = {
    "ApiKeyRequired": "apiKeyRequired",
    "AuthorizationScopes": "authorizationScopes",
    "AuthorizationType": "authorizationType",
    "AuthorizerId": "authorizerId",
    "OperationName": "operationName",
    "RequestModels": "requestModels",
    "RequestParameters": "requestParameters",
    "RequestValidatorId": "requestValidatorId",
}
_INTEGRATION_NAMES = {
    "CacheKeyParameters": "cacheKeyParameters",
    "ConnectionType": "connectionType",
    "ContentHandling": "contentHandling",
    "Credentials": "credentials",
    "IntegrationHttpMethod": "integrationHttpMethod",
    "PassthroughBehavior": "passthroughBehavior",
    "RequestParameters": "requestParameters",
    "RequestTemplates": "requestTemplates",
    "TimeoutInMillis": "timeoutInMillis",
    "Type": "type",
    "Uri": "uri",
}
_PLACE = frozenset({"HttpMethod", "Integration", "MethodResponses", "ResourceId", "RestApiId"})


def _create_method(wanted: Wanted) -> Made:
    with gone_is_fine():
        _api().get_method(**_where(wanted))
        raise ResourceRefusedError("Method already exists for this resource", "AlreadyExists")
    return _put_method(wanted)


def _put_method(wanted: Wanted) -> Made:
    """Put the method and all that belongs to it; another one under its name goes."""
    refuse_other(METHOD, wanted.properties, frozenset(_METHOD_NAMES) | _PLACE)
    where = _where(wanted)
    given = renamed(wanted.properties, _METHOD_NAMES)
    asked = {"authorizationType": "NONE"} | fitted("apigateway", "PutMethodRequest", given)
    _api().put_method(**where, **asked)
    for response in as_list(wanted.get("MethodResponses")):
        told = fitted("apigateway", "PutMethodResponseRequest", response)
        _api().put_method_response(**where, **told)
    if wanted.get("Integration"):
        _put_integration(where, wanted["Integration"])
    return Made("|".join(where.values()))


def _put_integration(where: Mapping[str, str], wanted: Mapping[str, Any]) -> None:
    known = frozenset({*_INTEGRATION_NAMES, "IntegrationResponses"})
    refuse_other(f"{METHOD} Integration", wanted, known)
    given = renamed(wanted, _INTEGRATION_NAMES)
    _api().put_integration(**where, **fitted("apigateway", "PutIntegrationRequest", given))
    for response in as_list(wanted.get("IntegrationResponses")):
        told = fitted("apigateway", "PutIntegrationResponseRequest", response)
        _api().put_integration_response(**where, **told)


def _where(wanted: Wanted) -> dict[str, str]:
    return {
        "restApiId": wanted["RestApiId"],
        "resourceId": wanted["ResourceId"],
        "httpMethod": wanted["HttpMethod"],
    }


def _delete_method(wanted: Wanted) -> None:
    with gone_is_fine():
        _api().delete_method(**_where(wanted))


# Gateway response ---------------------------------------------------------------------------------


def _put_response(wanted: Wanted) -> Made:
    where = {"restApiId": wanted["RestApiId"], "responseType": wanted["ResponseType"]}
    given = picked(wanted.properties, "ResponseParameters", "ResponseTemplates", "StatusCode")
    asked = fitted("apigateway", "PutGatewayResponseRequest", given)
    _api().put_gateway_response(**where, **asked)
    made = "/".join(where.values())
    return Made(made, {"Id": made})


def _delete_response(wanted: Wanted) -> None:
    with gone_is_fine():
        _api().delete_gateway_response(
            restApiId=wanted["RestApiId"], responseType=wanted["ResponseType"]
        )


PROVISIONERS = (
    Provisioner(API, create=_create_api, update=_update_api, delete=_delete_api, tags="Tags"),
    Provisioner(
        "AWS::ApiGateway::Resource",
        create=_create_resource,
        delete=_delete_resource,
        create_only=("ParentId", "PathPart", "RestApiId"),
    ),
    Provisioner(
        METHOD,
        create=_create_method,
        update=_put_method,
        delete=_delete_method,
        create_only=("HttpMethod", "ResourceId", "RestApiId"),
    ),
    Provisioner(
        "AWS::ApiGateway::GatewayResponse",
        create=_put_response,
        update=_put_response,
        delete=_delete_response,
        create_only=("ResponseType", "RestApiId"),
    ),
)
