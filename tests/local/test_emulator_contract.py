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
    "provisioners._replacing_change": ["resource_type", "old_props", "new_props"],
    "handlers._imported_export_names": ["stack", "stack_name"],
    "helpers._resolve_document": ["params", "body_key", "url_key", "label"],
    "engine._evaluate_conditions": ["template", "params"],
    "changesets._find_change_set": ["cs_name", "stack_name"],
    "handlers._resolve_stack": ["stack_name"],
    "helpers._error": ["code", "message", "status"],
    "helpers._p": None,
    "helpers._extract_members": None,
    "helpers._extract_string_members": None,
    "helpers._resolve_template": None,
    "engine._parse_template": None,
    "engine._apply_transforms": None,
}
ACTIONS = [
    *("CreateStack", "UpdateStack", "DeleteStack", "RollbackStack", "ContinueUpdateRollback"),
    *("CreateChangeSet", "ExecuteChangeSet", "DescribeChangeSet", "DescribeStacks"),
    *("DescribeEvents", "SetStackPolicy"),
]
EC2_ACTIONS = [
    *("CreateNatGateway", "DeleteNatGateway", "DescribeNatGateways", "ReleaseAddress"),
    *("CreateFlowLogs", "DescribeFlowLogs", "CreateSubnet"),
]

PROBE = """
import ast, importlib, inspect, json, sys
from tapcfn.local import emulator
asked = json.load(sys.stdin)
told = {}
for name in asked:
    module, _, attribute = name.partition(".")
    place = importlib.import_module("ministack.services.cloudformation." + module)
    found = getattr(place, attribute)
    told[name] = list(inspect.signature(found).parameters)
stores = [name for name in ("_vpcs", "_subnets", "_addresses", "_nat_gateways", "_flow_logs")
          if hasattr(emulator.ec2_store(name), "_data")]
used = {(node.value.id, node.attr)
        for node in ast.walk(ast.parse(inspect.getsource(emulator)))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        and inspect.ismodule(getattr(emulator, node.value.id, None)) and node.value.id[0] == "_"}
shapes = {
    "used": len(used),
    "missing": sorted(f"{module}.{name}" for module, name in used
                      if not hasattr(getattr(emulator, module), name)),
    "handlers": all({"create"} <= set(h) or t == "AWS::CloudFormation::Stack"
                    for t, h in emulator.RESOURCE_HANDLERS.items()),
    "actions": sorted(emulator.ACTIONS),
    "ec2": sorted(emulator.EC2_ACTIONS),
    "stores": stores,
    "worker": emulator._stacks._provision_resource is emulator._provisioners._provision_resource,
    "import": "import" in emulator.RESOURCE_HANDLERS["AWS::S3::Bucket"],
    "scoped": [hasattr(s, "_data") for s in (emulator.stacks(), emulator.change_sets(),
                                              emulator.stack_events(), emulator.log_groups(),
                                              emulator.exports())],
    "worker_script": emulator._lambda_runtime._PYTHON_WORKER_SCRIPT,
}
print(json.dumps([told, shapes]))
"""


@pytest.fixture(scope="module")
def probed() -> tuple[dict[str, list[str]], dict[str, object]]:
    """Return what a process that imports the emulator says about it."""
    told = subprocess.run(
        [sys.executable, "-c", PROBE],
        input=json.dumps(list(SIGNATURES)),
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
    assert shapes["scoped"] == [True] * 5


def test_the_script_of_python_functions_takes_a_line_before_it(probed):
    """It is a program that puts the function's own code first on the path."""
    script = probed[1]["worker_script"]

    assert "sys.path.insert(0, code_dir)" in script
    compile("import sys\n" + script, "worker", "exec")


def test_every_name_that_we_use_is_there(probed):
    """Whatever `emulator.py` takes from a module of the emulator, the emulator has."""
    shapes = probed[1]

    assert shapes["missing"] == []
    assert shapes["used"] > len(SIGNATURES)


def test_only_one_module_knows_the_emulator():
    """Nothing else in the package imports ministack."""
    knowing = [
        path.name
        for path in (CHECKOUT / "tapcfn").rglob("*.py")
        if "ministack" in path.read_text()
        and "import ministack" in path.read_text().replace("from ministack", "import ministack")
    ]

    assert knowing == ["emulator.py"]
