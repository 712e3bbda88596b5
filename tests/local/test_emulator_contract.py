"""The private names of the emulator that we use, and what each must look like.

When the pin of ministack is raised, this is what fails. Runs in a process of its own: the emulator
reads the environment when it is imported, and the tests' process must not become one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tapcfn.local import server

CHECKOUT = Path(server.__file__).parents[2]
PIN = "1.5.33"

SIGNATURES = {
    "provisioners._provision_resource": ["resource_type", "logical_id", "props", "stack_name"],
    "provisioners._update_resource": [
        *("resource_type", "physical_id", "old_props", "new_props", "stack_name"),
        *("logical_id", "old_attrs"),
    ],
    "provisioners._delete_resource": [
        *("resource_type", "physical_id", "props", "stack_name", "logical_id")
    ],
    "provisioners._physical_name": ["stack_name", "logical_id", "lowercase", "max_len", "seeded"],
    "provisioners._s3_apply_notification": ["name", "notif"],
    "stacks._deploy_stack_async": [
        *("stack_name", "stack_id", "template", "param_values", "disable_rollback", "tags"),
        *("is_update", "previous_stack", "retain_except_on_create", "imports"),
    ],
    "engine._topological_sort": ["resources", "conditions"],
    "stacks._runs_on_worker_thread": ["resource_type"],
    "stacks._sends_back_failed_update": ["resource_type"],
    "stacks._create_stack_task_in_region": ["coro", "stack", "stack_id"],
    "stacks._add_event": [
        *("stack_id", "stack_name", "logical_id", "resource_type", "status", "reason"),
        *("physical_id", "detailed_status"),
    ],
    "stacks._validation_errors": [
        *("resources_defs", "ordered", "param_values", "conditions", "mappings", "stack_name"),
        *("stack_id", "owned_buckets"),
    ],
    "stacks._operation_event": [
        *("stack_id", "operation_id", "event_type", "operation_type", "fields")
    ],
    "stacks._resolve_stack_outputs": [
        *("outputs_defs", "conditions", "resources", "param_values", "mappings", "stack_name"),
        "stack_id",
    ],
    "stacks._resolve_refs": [
        *("value", "resources", "params", "conditions", "mappings", "stack_name", "stack_id")
    ],
    "custom_resource.register_token": ["token"],
    "custom_resource.invoke_custom_resource": [
        *("request_type", "logical_id", "props", "stack_name", "stack_id", "resource_type"),
        *("physical_id", "old_props"),
    ],
    "provisioners._replacing_change": ["resource_type", "old_props", "new_props"],
    "handlers._imported_export_names": ["stack", "stack_name"],
    "helpers._resolve_document": ["params", "body_key", "url_key", "label"],
    "engine._evaluate_conditions": ["template", "params"],
    "changesets._evaluate_conditions": ["template", "params"],
    "handlers._evaluate_conditions": ["template", "params"],
    "stacks._evaluate_conditions": ["template", "params"],
    "changesets._find_change_set": ["cs_name", "stack_name"],
    "drift.detect_resource_drift": ["stack", "logical_id", "record", "timestamp"],
    "drift.supports_drift": ["resource_type"],
    "changesets._resolve_parameters": ["template", "provided_params", "previous_params"],
    "changesets.validate_template_support": ["template", "conditions", "params"],
    "handlers._resolve_stack": ["stack_name"],
    "helpers._error": ["code", "message", "status"],
    "helpers._p": None,
    "helpers._extract_members": None,
    "helpers._extract_string_members": None,
    "helpers._resolve_template": None,
    "engine._parse_template": None,
    "engine._apply_transforms": None,
    "provisioners._snapshot_resource": ["resource_type", "physical_id", "props"],
    "stacks._resource_policy": [
        *("res_def", "attribute", "resources", "params", "conditions", "mappings"),
        *("stack_name", "stack_id"),
    ],
    "rds._get_docker": [],
    "secretsmanager.handle_request": ["method", "path", "headers", "body", "query_params"],
    "secretsmanager._resolve": None,
    "secretsmanager._describe_secret": ["data"],
    "backup.handle_request": ["method", "path", "headers", "body_bytes", "query_params"],
    "dynamodb._table_description": ["name"],
    "dynamodb._update_continuous_backups": ["data"],
    "dynamodb._describe_continuous_backups": ["data"],
    "apigateway_v1._create_deployment": ["api_id", "data"],
    "apigateway_v1._update_stage": ["api_id", "stage_name", "data"],
    "apigateway_v1._match_resource_tree": ["api_id", "segments"],
    "apigateway_v1._match_greedy_fallback": ["api_id", "segments", "http_method"],
    "apigateway_v1._handle_execute_in_scope": [
        *("api_id", "stage_name", "method", "path", "headers", "body", "query_params"),
        *("owner_account_id", "owner_region"),
    ],
    "cloudwatch_logs._create_log_stream": ["data"],
    "cloudwatch_logs._put_log_events": ["data"],
    "apigateway_v1._execute_in_scope": [
        *("request", "api_id", "stage_name", "method", "path", "headers", "body", "query_params"),
        *("owner_account_id", "owner_region"),
    ],
    "apigateway_v1._invoke_lambda_proxy_v1": [
        *("integration", "api_id", "stage_name", "stage", "resource", "request_path", "method"),
        *("headers", "body", "query_params", "path_params", "owner_account_id", "owner_region"),
        *("binary_media_types", "authorizer_context", "caller_identity"),
    ],
    "apigateway_v1._extract_lambda_ref_from_integration_uri": ["uri"],
    "apigateway_v1.find_api_scope": ["api_id"],
    "apigateway_v1.find_domain_scope": ["domain_name"],
    "lambda_svc.function_policy_for_arn": ["resource_arn"],
    "config.handle_request": ["method", "path", "headers", "body", "query_params"],
    "alb._action_xml": ["a"],
    "ec2._resolve_iam_instance_profile": ["iam_arn", "iam_name", "allow_missing"],
    "stacks._with_stack_tags": [
        *("resource_type", "props", "stack_tags", "stack_name", "stack_id", "logical_id")
    ],
    "ssm._public_parameter": ["name"],
    "ssm.resolve_parameter_value": None,
    "cloudwatch._put_metric_alarm": ["params", "cbor_data", "is_cbor", "is_json"],
    "cloudwatch._put_composite_alarm": ["params", "cbor_data", "is_cbor", "is_json"],
    "cloudwatch._evaluate_alarm": ["alarm"],
    "cloudwatch._get_metric_data": ["params", "cbor_data", "is_cbor", "is_json"],
    "cloudwatch._describe_alarms": ["params", "cbor_data", "is_cbor", "is_json"],
    "cloudwatch._cbor_metric_data_result": ["result"],
    "cloudwatch._record_history": [
        *("alarm_name", "old_state", "new_state", "reason", "alarm_type", "reason_data")
    ],
    "cloudwatch._dispatch_alarm_actions": ["alarm", "old_state", "new_state", "reason"],
    "cloudwatch._validate_alarm_tag_arn": ["arn", "is_json", "is_cbor"],
    "cloudwatch._stat_value": ["stats", "stat_name", "points"],
    "route53._change_resource_record_sets": ["zone_id", "body"],
    "route53._parse_health_check_config": ["el"],
    "route53._parse_record_set": ["el"],
    "route53._now_iso": [],
    "route53._default_records": ["zone_name"],
    "route53._normalise_name": ["name"],
    "route53._xml_response": ["root_tag", "builder_fn", "status"],
    "route53.handle_request": ["method", "path", "headers", "body", "query_params"],
    "organizations.handle_request": ["method", "path", "headers", "body", "query_params"],
    "waf.handle_request": ["method", "path", "headers", "body", "query_params"],
    "waf._create_web_acl": ["data"],
    "waf._update_web_acl": ["data"],
    "waf._delete_web_acl": ["data"],
    "waf._values_for_scope": ["store", "scope"],
}
SERVICES = (
    "alb",
    "ec2",
    "ssm",
    "apigateway_v1",
    "backup",
    "cloudwatch",
    "cloudwatch_logs",
    "config",
    "dynamodb",
    "lambda_svc",
    "organizations",
    "rds",
    "route53",
    "secretsmanager",
    "waf",
)
REST_STORES = [
    *("_rest_apis", "_resources", "_deployments_v1", "_stages_v1", "_usage_plans", "_api_keys"),
    *("_domain_names", "_base_path_mappings", "_v1_tags"),
]
CONFIG_STORES = ["_recorders", "_delivery_channels", "_config_rules"]
ACTIONS = [
    *("CreateStack", "UpdateStack", "DeleteStack", "RollbackStack", "ContinueUpdateRollback"),
    *("CreateChangeSet", "ExecuteChangeSet", "DescribeChangeSet", "DescribeStacks"),
    *("DeleteChangeSet", "ListChangeSets"),
    *("DescribeEvents", "SetStackPolicy"),
]
RDS_STORES = ["_instances", "_subnet_groups", "_param_groups", "_snapshots", "_events"]
RDS_ACTIONS = [
    *("CreateDBInstance", "CreateDBInstanceReadReplica", "ModifyDBInstance", "DeleteDBInstance"),
    *("RebootDBInstance", "CreateDBSnapshot", "CreateDBSubnetGroup", "ModifyDBSubnetGroup"),
    *("DeleteDBSubnetGroup", "CreateDBParameterGroup", "DeleteDBParameterGroup"),
    "DescribeDBInstances",
]
EC2_ACTIONS = [
    *("CreateNatGateway", "DeleteNatGateway", "DescribeNatGateways", "ReleaseAddress"),
    *("CreateFlowLogs", "DescribeFlowLogs", "CreateSubnet"),
    *("RunInstances", "TerminateInstances", "DescribeInstances", "CreateVolume", "ModifyVolume"),
    *("CreateLaunchTemplate", "CreateLaunchTemplateVersion", "DescribeImages", "DescribeVpcs"),
    *("CreateVpcEndpoint", "DescribeVpcEndpoints", "CreateNetworkInterface"),
    *("CreateVpcPeeringConnection", "AcceptVpcPeeringConnection"),
]
EC2_STORES = [
    *("_instances", "_volumes", "_tags", "_launch_templates", "_vpc_endpoints", "_vpc_peering"),
    *("_egress_igws", "_route_tables", "_network_interfaces", "_internet_gateways"),
    "_security_groups",
]
BALANCER_STORES = ["_lbs", "_tgs", "_listeners", "_rules", "_targets", "_lb_attrs", "_tg_attrs"]
SCALING_STORES = ["_asgs", "_policies", "_hooks"]

PROBE = """
import ast, importlib, inspect, json, pkgutil, sys
from tapcfn.local import emulator
from ministack.core import lambda_runtime
from ministack.services import alb, autoscaling, ec2, secretsmanager, ssm
from ministack.services.cloudformation import provisioners as types, stacks
asked, services, rest, config, rds = json.load(sys.stdin)
told = {}
for name in asked:
    module, _, attribute = name.partition(".")
    home = "ministack.services." if module in services else "ministack.services.cloudformation."
    place = importlib.import_module(home + module)
    found = getattr(place, attribute)
    told[name] = list(inspect.signature(found).parameters)

def scoped(names, store):
    return [name for name in names if hasattr(store(name), "_data")]

used, missing = 0, []
for each in pkgutil.iter_modules(emulator.__path__):
    module = importlib.import_module(f"{emulator.__name__}.{each.name}")
    names = {(node.value.id, node.attr)
             for node in ast.walk(ast.parse(inspect.getsource(module)))
             if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
             and inspect.ismodule(getattr(module, node.value.id, None))
             and node.value.id[0] == "_"}
    used += len(names)
    missing += [f"{each.name}: {place}.{name}" for place, name in sorted(names)
                if not hasattr(getattr(module, place), name)]
records = (emulator.engine.stacks, emulator.engine.change_sets, emulator.engine.stack_events,
           emulator.engine.exports, emulator.logs.groups, emulator.dynamodb.tables,
           emulator.backup.vaults, emulator.cloudwatch.alarms, emulator.organizations.accounts,
           emulator.organizations.units, emulator.organizations.roots)
shapes = {
    "used": used,
    "missing": missing,
    "handlers": all({"create"} <= set(h) or t == "AWS::CloudFormation::Stack"
                    for t, h in emulator.handlers.RESOURCE_HANDLERS.items()),
    "actions": sorted(emulator.engine.ACTIONS),
    "ec2": sorted(emulator.ec2.ACTIONS),
    "stores": scoped(["_vpcs", "_subnets", "_addresses", "_nat_gateways", "_flow_logs"],
                     emulator.ec2.store),
    "worker": stacks._provision_resource is types._provision_resource,
    "import": "import" in emulator.handlers.RESOURCE_HANDLERS["AWS::S3::Bucket"],
    "unscoped": [each.__name__ for each in records if not hasattr(each(), "_data")],
    "secrets": hasattr(secretsmanager._secrets, "_data"),
    "rest": scoped(rest, emulator.rest.store),
    "config": scoped(config, emulator.config.store),
    "compute": [
        scoped(vars(ec2), emulator.ec2.store),
        scoped(vars(alb), emulator.balancing.store),
        scoped(vars(autoscaling), emulator.scaling.store),
        sorted(emulator.balancing.ACTIONS), sorted(emulator.scaling.ACTIONS),
        hasattr(ssm._PUBLIC_AMI_PARAMETERS, "get"),
    ],
    "rds": [sorted(emulator.rds.ACTIONS), scoped(rds, emulator.rds.store)],
    "named": "requires_replacement" in types._CUSTOM_NAME_REPLACEMENT["AWS::RDS::DBInstance"],
    "worker_script": lambda_runtime._PYTHON_WORKER_SCRIPT,
}
print(json.dumps([told, shapes]))
"""


@pytest.fixture(scope="module")
def probed() -> tuple[dict[str, list[str]], dict[str, object]]:
    """Return what a process that imports the emulator says about it."""
    told = subprocess.run(
        [sys.executable, "-c", PROBE],
        input=json.dumps([list(SIGNATURES), SERVICES, REST_STORES, CONFIG_STORES, RDS_STORES]),
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
    )
    signatures, shapes = json.loads(told.stdout.splitlines()[-1])
    return signatures, shapes


def test_the_pin_is_what_was_tried():
    """Raise the pin together with whatever this file then asks for."""
    assert version("ministack") == PIN


@pytest.mark.parametrize(("name", "parameters"), SIGNATURES.items())
def test_a_private_function_takes_what_we_give(probed, name, parameters):
    """Each function is there, with the parameters that we rely on."""
    found = probed[0][name]

    assert found if parameters is None else parameters == found


def test_the_tables_are_what_we_write_into(probed):
    """Handlers, actions and stores have the shape that the local cloud extends."""
    shapes = probed[1]

    assert set(ACTIONS) <= set(shapes["actions"])
    assert set(EC2_ACTIONS) <= set(shapes["ec2"])
    assert shapes["stores"] == ["_vpcs", "_subnets", "_addresses", "_nat_gateways", "_flow_logs"]
    assert shapes["handlers"]
    assert shapes["worker"]
    assert shapes["import"]
    assert shapes["unscoped"] == []
    assert shapes["secrets"]
    assert set(RDS_ACTIONS) <= set(shapes["rds"][0])
    assert shapes["rds"][1] == RDS_STORES
    assert shapes["named"]
    assert shapes["rest"] == REST_STORES
    assert shapes["config"] == CONFIG_STORES


def test_the_script_of_python_functions_takes_a_line_before_it(probed):
    """It is a program that puts the function's own code first on the path."""
    script = probed[1]["worker_script"]

    assert "sys.path.insert(0, code_dir)" in script
    compile("import sys\n" + script, "worker", "exec")


def test_every_name_that_we_use_is_there(probed):
    """Whatever `emulator/` takes from a module of the emulator, the emulator has."""
    shapes = probed[1]

    assert shapes["missing"] == []
    assert shapes["used"] > len(SIGNATURES)


def test_only_one_package_knows_the_emulator():
    """Nothing else imports ministack."""
    knowing = {
        path.parent.name
        for path in (CHECKOUT / "tapcfn").rglob("*.py")
        if "ministack" in path.read_text()
        and "import ministack" in path.read_text().replace("from ministack", "import ministack")
    }

    assert knowing == {"emulator"}


def test_instances_balancers_and_groups_are_kept_as_we_read_them(probed):
    """The stores on which our fronts keep what they are told, and the actions that they call."""
    ec2, balancers, scaling, balancing, sizing, images = probed[1]["compute"]

    assert set(EC2_STORES) <= set(ec2)
    assert set(BALANCER_STORES) <= set(balancers)
    assert set(SCALING_STORES) <= set(scaling)
    assert {"RegisterTargets", "DeregisterTargets", "CreateRule"} <= set(balancing)
    assert {"CreateAutoScalingGroup", "PutScalingPolicy", "PutLifecycleHook"} <= set(sizing)
    assert images
