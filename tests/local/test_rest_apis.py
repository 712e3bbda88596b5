"""REST APIs with all that belongs to them: read back, called, changed, replaced and refused."""

from __future__ import annotations

import json
import textwrap
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import (
    AWAY,
    Aws,
    deploy,
    destroy,
    failures,
    outputs,
    physical_ids,
    resource,
    template,
)

API = {"Ref": "Api"}
ROOT = {"Fn::GetAtt": ["Api", "RootResourceId"]}


def trusting(service: str, **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    return resource("IAM::Role", {"AssumeRolePolicyDocument": trust, **more})


PUSHING = "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
LOG_ROLE = trusting("apigateway.amazonaws.com", ManagedPolicyArns=[PUSHING])
ACCOUNT = resource("ApiGateway::Account", {"CloudWatchRoleArn": {"Fn::GetAtt": ["Role", "Arn"]}})
BASELINE = template({"Role": LOG_ROLE, "Account": ACCOUNT})


def api(**properties: Any) -> dict[str, Any]:
    regional = {"EndpointConfiguration": {"Types": ["REGIONAL"]}, "Name": "items"}
    return resource("ApiGateway::RestApi", regional | properties)


def method(verb: str, place: Any, integration: dict[str, Any], **more: Any) -> dict[str, Any]:
    properties = {
        "AuthorizationType": "NONE",
        "HttpMethod": verb,
        "Integration": integration,
        "ResourceId": place,
        "RestApiId": API,
        **more,
    }
    return resource("ApiGateway::Method", properties)


def child(part: str) -> dict[str, Any]:
    wanted = {"ParentId": ROOT, "PathPart": part, "RestApiId": API}
    return resource("ApiGateway::Resource", wanted)


def saying(word: str) -> dict[str, Any]:
    """A mock method's integration that answers one word."""
    answer = {"StatusCode": 200, "ResponseTemplates": {"application/json": json.dumps(word)}}
    return {
        "IntegrationResponses": [answer],
        "RequestTemplates": {"application/json": '{"statusCode": 200}'},
        "Type": "MOCK",
    }


def mock(word: str, **more: Any) -> dict[str, Any]:
    return method("GET", {"Ref": "Health"}, saying(word), **more)


def deployment(**more: Any) -> dict[str, Any]:
    return resource("ApiGateway::Deployment", {"RestApiId": API}, DependsOn=["Get"], **more)


def stage(target: str, **properties: Any) -> dict[str, Any]:
    wanted = {"DeploymentId": {"Ref": target}, "RestApiId": API, "StageName": "prod"}
    return resource("ApiGateway::Stage", wanted | properties)


def health(word: str = "one", **resources: Any) -> str:
    """An API with one mock method, deployed to a stage."""
    made = {"Api": api(), "Health": child("health"), "Get": mock(word)}
    made |= {"First": deployment(), "Stage": stage("First")} | resources
    return template(made)


def called(aws: Aws, url: str, verb: str = "GET", body: Any = None, **headers: str) -> Any:
    """Call without credentials, as a browser would; return the status and what is told."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(aws.url + url, data, headers, method=verb)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def path(identifier: str, rest: str) -> str:
    return f"/restapis/{identifier}/prod/_user_request_/{rest}"


def own(tags: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if not key.startswith("aws:")}


def refusal(aws: Aws, body: str) -> dict[str, str]:
    cloudformation = aws.client("cloudformation")
    made = deploy(cloudformation, "refused", body)
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    return failures(cloudformation, "refused")


# APIs and methods ---------------------------------------------------------------------------------

FORMAT = (
    "$context.requestId $context.httpMethod $context.path $context.status $context.error.message"
)
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*"}
    ],
}


def test_private_api(aws: Aws):
    """Type, endpoints, policy, description and tags are readable and change in place."""
    cloudformation, gateway = aws.client("cloudformation"), aws.client("apigateway")
    private = {
        "ApiKeySourceType": "HEADER",
        "Description": "own",
        "DisableExecuteApiEndpoint": "true",
        "EndpointConfiguration": {"Types": ["PRIVATE"], "VpcEndpointIds": ["vpce-1"]},
        "MinimumCompressionSize": "1024",
        "Policy": POLICY,
        "Tags": [{"Key": "k", "Value": "v"}],
    }
    made = deploy(cloudformation, "stack", health(Api=api(**private)))
    identifier = physical_ids(cloudformation, "stack")["Api"]
    told = gateway.get_rest_api(restApiId=identifier)

    assert (told["name"], told["description"]) == ("items", "own")
    assert told["endpointConfiguration"] == {"types": ["PRIVATE"], "vpcEndpointIds": ["vpce-1"]}
    assert told["disableExecuteApiEndpoint"] is True
    assert told["minimumCompressionSize"] == 1024
    assert json.loads(json.loads(f'"{told["policy"]}"')) == POLICY
    assert own(told["tags"]) == {"k": "v"}

    public = api(Name="other", Tags=[{"Key": "k", "Value": "w"}])
    deploy(cloudformation, "stack", health(Api=public))
    told = gateway.get_rest_api(restApiId=identifier)

    assert told["name"] == "other"
    assert told["endpointConfiguration"] == {"types": ["REGIONAL"]}
    assert told["disableExecuteApiEndpoint"] is False
    assert not told.get("policy")
    assert own(told["tags"]) == {"k": "w"}
    arn = f"arn:aws:apigateway:us-east-1::/restapis/{identifier}"
    assert own(gateway.get_tags(resourceArn=arn)["tags"]) == {"k": "w"}
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert gateway.get_rest_apis()["items"] == []


def test_callers_are_let_in_by_address(aws: Aws):
    """Who is not allowed, or is denied, is told so in the service's words; the rest is served."""
    cloudformation = aws.client("cloudformation")
    everyone, inside = POLICY["Statement"][0], {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8"]}}
    one = {"IpAddress": {"aws:SourceIp": "10.1.1.1/32"}}
    elsewhere = {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}
    statements = [
        everyone | {"Condition": inside, "Resource": "execute-api:/prod/GET/*"},
        everyone | {"Condition": one, "Effect": "Deny"},
        everyone | {"Condition": elsewhere, "Effect": "Deny"},
    ]
    deploy(cloudformation, "stack", health(Api=api(Policy={"Statement": statements})))
    url = path(physical_ids(cloudformation, "stack")["Api"], "health")

    def call(address: str, **headers: str) -> Any:
        return called(aws, url, **{"X-Forwarded-For": address, **headers})

    assert call("10.0.0.7") == (200, "one")
    assert call("10.0.0.7", **{"X-Amzn-Vpce-Id": "vpce-1"}) == (200, "one")
    assert call("10.0.0.7", **{"X-Amzn-Vpce-Id": "vpce-2"})[0] == 403
    status, told = called(aws, url)
    assert (status, told["Message"].startswith("User: anonymous is not authorized")) == (403, True)
    status, told = call("10.1.1.1")
    assert (status, told["Message"].endswith("with an explicit deny")) == (403, True)


def test_method(aws: Aws):
    """Everything of a method is readable; it changes in place and is replaced by another verb."""
    cloudformation, gateway = aws.client("cloudformation"), aws.client("apigateway")
    full = saying("full") | {"PassthroughBehavior": "NEVER", "TimeoutInMillis": "5000"}
    full["IntegrationResponses"][0] |= {
        "ResponseParameters": {"method.response.header.X-Own": "'yes'"},
        "SelectionPattern": "2..",
    }
    response = {
        "ResponseModels": {"application/json": "Empty"},
        "ResponseParameters": {"method.response.header.X-Own": "true"},
        "StatusCode": 200,
    }
    needs = {"method.request.header.X-Need": "false"}
    more = {"MethodResponses": [response], "OperationName": "read", "RequestParameters": needs}
    verb = method("GET", {"Ref": "Health"}, full, **more)
    deploy(cloudformation, "stack", health(Get=verb))
    ids = physical_ids(cloudformation, "stack")
    where = {"restApiId": ids["Api"], "resourceId": ids["Health"]}
    told = gateway.get_method(**where, httpMethod="GET")
    integration = told["methodIntegration"]

    assert (told["operationName"], told["apiKeyRequired"]) == ("read", False)
    assert told["requestParameters"] == {"method.request.header.X-Need": False}
    assert told["methodResponses"]["200"]["responseParameters"] == {
        "method.response.header.X-Own": True
    }
    assert told["methodResponses"]["200"]["responseModels"] == {"application/json": "Empty"}
    assert (integration["type"], integration["timeoutInMillis"]) == ("MOCK", 5000)
    assert integration["passthroughBehavior"] == "NEVER"
    assert integration["integrationResponses"]["200"]["selectionPattern"] == "2.."

    deploy(cloudformation, "stack", health(Get=mock("less", ApiKeyRequired="true")))
    told = gateway.get_method(**where, httpMethod="GET")

    assert told["apiKeyRequired"] is True
    assert told.get("methodResponses", {}) == {}
    assert told["methodIntegration"]["passthroughBehavior"] == "WHEN_NO_MATCH"

    deploy(cloudformation, "stack", health(Get=method("PUT", {"Ref": "Health"}, saying("put"))))

    with pytest.raises(ClientError, match="NotFoundException"):
        gateway.get_method(**where, httpMethod="GET")
    assert gateway.get_method(**where, httpMethod="PUT")["httpMethod"] == "PUT"


# Calls --------------------------------------------------------------------------------------------

ITEMS = textwrap.dedent(
    """
    import json

    def handler(event, context):
        told = {"verb": event["httpMethod"], "path": event["resource"], "body": event["body"]}
        status = 201 if event["httpMethod"] == "POST" else 200
        return {"statusCode": status, "body": json.dumps(told)}
    """
)
PROXY_URI = (
    "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
    "${Function.Arn}/invocations"
)
PROXY = {"IntegrationHttpMethod": "POST", "Type": "AWS_PROXY", "Uri": {"Fn::Sub": PROXY_URI}}
FUNCTION = {
    "Code": {"ZipFile": ITEMS},
    "Handler": "index.handler",
    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
    "Runtime": "python3.13",
}


SOURCE = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/*"
LET_IN = {
    "Action": "lambda:InvokeFunction",
    "FunctionName": {"Ref": "Function"},
    "Principal": "apigateway.amazonaws.com",
    "SourceArn": {"Fn::Sub": SOURCE},
}


def test_calls_reach_the_function_and_the_mock(aws: Aws):
    """GET and POST run the function, GET /health answers by itself, others have no method.

    Without its permission the function is not run.
    """
    cloudformation = aws.client("cloudformation", AWAY)
    place = {"Ref": "Items"}
    made = {
        "Role": trusting("lambda.amazonaws.com"),
        "Function": resource("Lambda::Function", FUNCTION),
        "Permission": resource("Lambda::Permission", LET_IN),
        "Items": child("items"),
        "List": method("GET", place, PROXY),
        "Put": method("POST", place, PROXY),
        "First": deployment() | {"DependsOn": ["Get", "List", "Put"]},
    }
    deploy(cloudformation, "stack", health("well", **made))
    identifier = physical_ids(cloudformation, "stack")["Api"]

    assert called(aws, path(identifier, "health")) == (200, "well")
    assert called(aws, path(identifier, "items")) == (
        *(200, {"verb": "GET", "path": "/items", "body": None}),
    )
    assert called(aws, path(identifier, "items"), "POST", {"a": 1}) == (
        *(201, {"verb": "POST", "path": "/items", "body": '{"a": 1}'}),
    )
    assert called(aws, path(identifier, "items"), "DELETE")[0] == 403
    assert called(aws, f"/_aws/execute-api/{identifier}/prod/health") == (200, "well")

    made["Permission"] = resource("Lambda::Permission", LET_IN | {"Principal": "s3.amazonaws.com"})
    deploy(cloudformation, "stack", health("well", **made))

    failed = {"message": "Internal server error"}
    assert called(aws, path(identifier, "items")) == (500, failed)


def test_a_deployment_is_a_snapshot(aws: Aws):
    """A changed method is served by the next deployment only, and by as many calls as a canary has.

    The old deployment cannot go as long as the stage points at it.
    """
    cloudformation, gateway = aws.client("cloudformation"), aws.client("apigateway")
    deploy(cloudformation, "stack", health("one"))
    ids = physical_ids(cloudformation, "stack")
    url = path(ids["Api"], "health")

    assert called(aws, url) == (200, "one")

    deploy(cloudformation, "stack", health("two"))

    assert called(aws, url) == (200, "one")

    canary = {"DeploymentId": {"Ref": "Second"}, "PercentTraffic": "25", "UseStageCache": "false"}
    second = {"Second": deployment()}
    both = stage("First", CanarySetting=canary)
    deploy(cloudformation, "stack", health("two", **second, Stage=both))
    ids = physical_ids(cloudformation, "stack")
    told = gateway.get_stage(restApiId=ids["Api"], stageName="prod")

    assert told["canarySettings"] == {
        "deploymentId": ids["Second"],
        "percentTraffic": 25.0,
        "useStageCache": False,
    }
    assert [called(aws, url)[1] for _ in range(8)].count("two") == 2
    with pytest.raises(ClientError) as gone:
        gateway.get_deployment(restApiId=ids["Api"], deploymentId="nobody")
    assert "Invalid Deployment identifier" in str(gone.value)

    moved = json.loads(health("two", **second, Stage=stage("Second")))
    del moved["Resources"]["First"]
    deploy(cloudformation, "stack", json.dumps(moved))
    told = gateway.get_stage(restApiId=ids["Api"], stageName="prod")

    assert [called(aws, url)[1] for _ in range(4)] == ["two"] * 4
    assert told["canarySettings"]["deploymentId"] == told["deploymentId"] == ids["Second"]
    left = gateway.get_deployments(restApiId=ids["Api"])["items"]
    assert [each["id"] for each in left] == [ids["Second"]]


def test_a_stage_keeps_the_canary_that_its_template_drops(aws: Aws):
    """As the service does it; the stage takes no other deployment until somebody takes it off."""
    cloudformation, gateway = aws.client("cloudformation"), aws.client("apigateway")
    both = {"Second": deployment(), "Third": deployment()}
    canary = {"DeploymentId": {"Ref": "Second"}, "PercentTraffic": 0}
    deploy(cloudformation, "stack", health(**both, Stage=stage("First", CanarySetting=canary)))
    deploy(cloudformation, "stack", health(**both, Stage=stage("First")))
    ids = physical_ids(cloudformation, "stack")
    named = {"restApiId": ids["Api"], "stageName": "prod"}

    assert gateway.get_stage(**named)["canarySettings"]["deploymentId"] == ids["Second"]
    third = health(**both, Stage=stage("Third"))
    failed = deploy(cloudformation, "stack", third)
    assert failed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"

    gateway.update_stage(**named, patchOperations=[{"op": "remove", "path": "/canarySettings"}])
    deploy(cloudformation, "stack", third)
    assert gateway.get_stage(**named)["deploymentId"] == ids["Third"]


# Account and stages -------------------------------------------------------------------------------

LOGS = "arn:aws:logs:us-east-1:${AWS::AccountId}:log-group:${Logs}"
LOGGED = {
    "AccessLogSetting": {"DestinationArn": {"Fn::Sub": LOGS}, "Format": FORMAT},
    "Description": "own",
    "MethodSettings": [
        {
            "DataTraceEnabled": "false",
            "HttpMethod": "*",
            "LoggingLevel": "INFO",
            "MetricsEnabled": "true",
            "ResourcePath": "/*",
            "ThrottlingBurstLimit": "50",
            "ThrottlingRateLimit": 100,
        },
        {"HttpMethod": "GET", "ResourcePath": "/health", "MetricsEnabled": True},
    ],
    "Tags": [{"Key": "k", "Value": "v"}],
    "TracingEnabled": "true",
    "Variables": {"Word": "one"},
}


def logging(**more: Any) -> str:
    logged = stage("First", **LOGGED, **more)
    return health(Stage=logged, Logs=resource("Logs::LogGroup", {"LogGroupName": "/api"}))


def test_stage_and_account(aws: Aws):
    """A stage that logs needs the account's role; its settings are readable, change and go."""
    cloudformation, gateway = aws.client("cloudformation"), aws.client("apigateway")

    assert (
        "CloudWatch Logs role ARN must be set in account settings to enable logging"
        in refusal(aws, logging())["Stage"]
    )

    baseline = deploy(cloudformation, "baseline", BASELINE)
    role = physical_ids(cloudformation, "baseline")["Role"]
    assert gateway.get_account()["cloudwatchRoleArn"].endswith(f":role/{role}")
    assert not aws.client("apigateway", AWAY).get_account().get("cloudwatchRoleArn")

    made = deploy(cloudformation, "stack", logging())
    where = {"restApiId": physical_ids(cloudformation, "stack")["Api"], "stageName": "prod"}
    told = gateway.get_stage(**where)

    assert told["accessLogSettings"] == {
        "destinationArn": f"arn:aws:logs:us-east-1:{aws.account}:log-group:/api",
        "format": FORMAT,
    }
    assert called(aws, path(where["restApiId"], "health"))[0] == 200
    assert called(aws, path(where["restApiId"], "nowhere"))[0] == 403
    lines = aws.client("logs").filter_log_events(logGroupName="/api")["events"]
    assert [line["message"].split()[1:] for line in lines] == [
        ["GET", "/prod/health", "200", "-"],
        ["GET", "/prod/nowhere", "403", "-"],
    ]
    usual = told["methodSettings"]["*/*"]
    assert (usual["loggingLevel"], usual["metricsEnabled"]) == ("INFO", True)
    assert (usual["throttlingBurstLimit"], usual["throttlingRateLimit"]) == (50, 100.0)
    assert told["methodSettings"]["health/GET"]["metricsEnabled"] is True
    assert told["tracingEnabled"] is True
    assert told["variables"] == {"Word": "one"}
    assert own(told["tags"]) == {"k": "v"}

    deploy(cloudformation, "stack", health(Stage=stage("First", Variables={"Word": "two"})))
    told = gateway.get_stage(**where)

    assert told["variables"] == {"Word": "two"}
    assert (told["tracingEnabled"], told["methodSettings"]) == (False, {})
    assert not told.get("accessLogSettings")

    deploy(cloudformation, "stack", health(Stage=stage("First", StageName="test")))
    names = [each["stageName"] for each in gateway.get_stages(restApiId=where["restApiId"])["item"]]

    assert names == ["test"]
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert destroy(cloudformation, baseline["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert not gateway.get_account().get("cloudwatchRoleArn")


def test_account_of_another_owner_stays(aws: Aws):
    """Two stacks that own the settings overwrite each other; the first to go takes nothing away."""
    cloudformation, gateway = aws.client("cloudformation"), aws.client("apigateway")
    first = deploy(cloudformation, "first", BASELINE)
    deploy(cloudformation, "second", BASELINE)
    role = physical_ids(cloudformation, "second")["Role"]
    destroy(cloudformation, first["StackId"])

    assert gateway.get_account()["cloudwatchRoleArn"].endswith(f":role/{role}")


UNTRUSTED = template({"Role": trusting("ec2.amazonaws.com"), "Account": ACCOUNT})
EMPTY = template({"Api": api(), "First": resource("ApiGateway::Deployment", {"RestApiId": API})})
LEFT_OUT = {"EndpointConfiguration": {"Types": ["PRIVATE"]}}
CANARY = {"DeploymentId": "nobody", "PercentTraffic": 1}
VARIED = {"DeploymentId": {"Ref": "First"}, "StageVariableOverrides": {"a": "b"}}


@pytest.mark.parametrize(
    ("body", "resource_id", "words"),
    [
        (UNTRUSTED, "Account", "The role ARN does not have required permissions"),
        (EMPTY, "First", "The REST API doesn't contain any methods"),
        (health(Api=api(**LEFT_OUT)), "First", "doesn't have a resource policy"),
        (health(Twin=stage("First") | {"DependsOn": "Stage"}), "Twin", "Stage already exists"),
        (health(Stage=stage("First", CanarySetting=CANARY)), "Stage", "Invalid Deployment"),
        (health(Stage=stage("First", CanarySetting=VARIED)), "Stage", "StageVariableOverrides"),
        (health(Api=api(Body={})), "Api", "Body"),
    ],
)
def test_refusals(aws: Aws, body: str, resource_id: str, words: str):
    """What API Gateway refuses fails in its words, and what is not modelled by its name."""
    assert words in refusal(aws, body)[resource_id]


def test_a_deployment_that_is_served_stays(aws: Aws):
    """The service refuses to delete it as long as a stage outside the stack points at it."""
    cloudformation, gateway = aws.client("cloudformation"), aws.client("apigateway")
    made = deploy(cloudformation, "stack", health())
    ids = physical_ids(cloudformation, "stack")
    gateway.create_stage(restApiId=ids["Api"], stageName="x", deploymentId=ids["First"])
    gone = destroy(cloudformation, made["StackId"])

    assert gone["StackStatus"] == "DELETE_FAILED"
    assert "Active stages pointing to this deployment" in str(failures(cloudformation, "stack"))


# Plans, keys, domains -----------------------------------------------------------------------------

PLAN = {
    "ApiStages": [
        {
            "ApiId": API,
            "Stage": {"Ref": "Stage"},
            "Throttle": {"/health/GET": {"BurstLimit": 1, "RateLimit": 2}},
        }
    ],
    "Description": "own",
    "Quota": {"Limit": "10000", "Period": "DAY"},
    "Tags": [{"Key": "k", "Value": "v"}],
    "Throttle": {"BurstLimit": "500", "RateLimit": "200"},
    "UsagePlanName": "plan",
}
KEY = {"Description": "own", "Enabled": "true", "Name": "key", "Value": "a" * 30}
ATTACHED = {"KeyId": {"Ref": "Key"}, "KeyType": "API_KEY", "UsagePlanId": {"Ref": "Plan"}}


def planned(plan: dict[str, Any], key: dict[str, Any]) -> str:
    return health(
        Get=mock("kept", ApiKeyRequired=True),
        Plan=resource("ApiGateway::UsagePlan", plan),
        Key=resource("ApiGateway::ApiKey", key),
        Attached=resource("ApiGateway::UsagePlanKey", ATTACHED),
    )


def test_usage_plan_and_key(aws: Aws):
    """They are readable, change in place, and a call without the key is refused."""
    cloudformation, gateway = aws.client("cloudformation"), aws.client("apigateway")
    made = deploy(cloudformation, "stack", planned(PLAN, KEY))
    ids = physical_ids(cloudformation, "stack")
    plan, key = (
        gateway.get_usage_plan(usagePlanId=ids["Plan"]),
        gateway.get_api_key(apiKey=ids["Key"], includeValue=True),
    )
    url = path(ids["Api"], "health")

    assert (plan["name"], plan["description"]) == ("plan", "own")
    assert plan["quota"] == {"limit": 10000, "period": "DAY"}
    assert plan["throttle"] == {"burstLimit": 500, "rateLimit": 200.0}
    assert plan["apiStages"] == [
        {
            "apiId": ids["Api"],
            "stage": "prod",
            "throttle": {"/health/GET": {"burstLimit": 1, "rateLimit": 2.0}},
        }
    ]
    assert own(plan["tags"]) == {"k": "v"}
    assert (key["name"], key["enabled"], key["value"]) == ("key", True, "a" * 30)
    assert gateway.get_usage_plan_keys(usagePlanId=ids["Plan"])["items"][0]["id"] == ids["Key"]
    assert called(aws, url)[0] == 403
    assert called(aws, url, **{"x-api-key": "a" * 30}) == (200, "kept")

    less = {"UsagePlanName": "plan", "Throttle": {"BurstLimit": 1, "RateLimit": 1}}
    deploy(cloudformation, "stack", planned(less, KEY | {"Enabled": False}))
    plan = gateway.get_usage_plan(usagePlanId=ids["Plan"])

    assert plan["throttle"] == {"burstLimit": 1, "rateLimit": 1.0}
    assert (plan["apiStages"], plan.get("quota") or {}) == ([], {})
    assert gateway.get_api_key(apiKey=ids["Key"])["enabled"] is False

    deploy(cloudformation, "stack", planned(less, KEY | {"Name": "other"}))
    assert [each["name"] for each in gateway.get_api_keys()["items"]] == ["other"]
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert gateway.get_usage_plans()["items"] == gateway.get_api_keys()["items"] == []


def test_usage_plan_needs_its_stage(aws: Aws):
    """A plan for a stage that is not there is refused, as where DependsOn was forgotten."""
    wanted = {"ApiStages": [{"ApiId": API, "Stage": "nobody"}]}
    body = template({"Api": api(), "Plan": resource("ApiGateway::UsagePlan", wanted)})

    assert "API Stage not found" in refusal(aws, body)["Plan"]


DOMAIN = {
    "DomainName": "api.example.com",
    "EndpointConfiguration": {"Types": ["REGIONAL"]},
    "RegionalCertificateArn": {"Ref": "Certificate"},
    "SecurityPolicy": "TLS_1_2",
    "Tags": [{"Key": "k", "Value": "v"}],
}
MAPPING = {"DomainName": {"Ref": "Domain"}, "RestApiId": API, "Stage": {"Ref": "Stage"}}


def domain(**mapping: Any) -> str:
    certificate = {"DomainName": "api.example.com", "ValidationMethod": "DNS"}
    body = json.loads(
        health(
            "mapped",
            Certificate=resource("CertificateManager::Certificate", certificate),
            Domain=resource("ApiGateway::DomainName", DOMAIN),
            Mapping=resource("ApiGateway::BasePathMapping", MAPPING | mapping),
            Throttled=resource(
                "ApiGateway::GatewayResponse",
                {
                    "ResponseType": "MISSING_AUTHENTICATION_TOKEN",
                    "ResponseTemplates": {"application/json": '"nothing here"'},
                    "RestApiId": API,
                    "StatusCode": 404,
                },
            ),
        )
    )
    body["Resources"]["First"]["DependsOn"].append("Throttled")
    names = ("RegionalDomainName", "RegionalHostedZoneId")
    body["Outputs"] = {name: {"Value": {"Fn::GetAtt": ["Domain", name]}} for name in names}
    return json.dumps(body)


def test_domain_name(aws: Aws):
    """It has the Region's zone and a certificate there; its paths lead to the stage."""
    cloudformation, gateway = aws.client("cloudformation", AWAY), aws.client("apigateway", AWAY)
    made = deploy(cloudformation, "stack", domain())
    ids, told = physical_ids(cloudformation, "stack"), outputs(made)
    record = gateway.get_domain_name(domainName="api.example.com")

    assert told["RegionalDomainName"].endswith(f".execute-api.{AWAY}.amazonaws.com")
    assert told["RegionalHostedZoneId"] == "Z2OJLYMUO9EFXC"
    assert record["regionalDomainName"] == told["RegionalDomainName"]
    assert record["regionalCertificateArn"] == ids["Certificate"]
    assert own(record["tags"]) == {"k": "v"}
    mapping = gateway.get_base_path_mapping(domainName="api.example.com", basePath="(none)")
    assert (mapping["restApiId"], mapping["stage"]) == (ids["Api"], "prod")
    assert called(aws, path(ids["Api"], "nowhere")) == (404, "nothing here")

    deploy(cloudformation, "stack", domain(BasePath="v1"))
    mappings = gateway.get_base_path_mappings(domainName="api.example.com")["items"]

    assert [each["basePath"] for each in mappings] == ["v1"]
    assert called(aws, "/v1/health", Host="api.example.com") == (200, "mapped")
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert gateway.get_domain_names()["items"] == []


def test_domain_name_needs_a_certificate_of_its_region(aws: Aws):
    """One that is not in the Region is not found."""
    arn = aws.client("acm", AWAY).request_certificate(DomainName="api.example.com")
    wanted = DOMAIN | {"RegionalCertificateArn": arn["CertificateArn"]}
    body = template({"Domain": resource("ApiGateway::DomainName", wanted)})

    assert "not found" in refusal(aws, body)["Domain"]
