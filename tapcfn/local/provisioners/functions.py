"""Lambda: functions. Inline code really runs; it lies in a module `index`, as on AWS."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from tapcfn.local import calls, emulator
from tapcfn.local.provisioners.fitting import fitted, refuse_other
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    already_exists,
    gone_is_fine,
    tag_changes,
    tag_map,
)

FUNCTION = "AWS::Lambda::Function"
SERVICE = "lambda.amazonaws.com"

# What a function is configured with, and what it is when the template leaves it out.
_DEFAULTS: Mapping[str, Any] = {
    "Architectures": ["x86_64"],
    "DeadLetterConfig": {},
    "Description": "",
    "Environment": {"Variables": {}},
    "EphemeralStorage": {"Size": 512},
    "FileSystemConfigs": [],
    "Handler": None,
    "KmsKeyArn": "",
    "Layers": [],
    "LoggingConfig": None,
    "MemorySize": 128,
    "Role": None,
    "Runtime": None,
    "SnapStart": {"ApplyOn": "None"},
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
}
_KNOWN = frozenset(
    {*_DEFAULTS, "Code", "FunctionName", "PackageType", "ReservedConcurrentExecutions", "Tags"}
)


def _api() -> Any:
    return calls.client("lambda")


def _create(wanted: Wanted) -> Made:
    _check(wanted)
    name = wanted.name("FunctionName", longest=64)
    if _is_there(name):
        raise already_exists(FUNCTION, name)
    _api().create_function(
        FunctionName=name,
        Code=_code(wanted),
        Tags=tag_map(wanted.get("Tags")),
        **_configuration(name, wanted),
    )
    return _finish(name, wanted)


def _update(wanted: Wanted) -> Made:
    _check(wanted)
    name = wanted.physical_id
    if wanted.changed("Code", "Architectures"):
        architectures = wanted.get("Architectures", _DEFAULTS["Architectures"])
        _api().update_function_code(FunctionName=name, Architectures=architectures, **_code(wanted))
    if wanted.changed(*_DEFAULTS):
        configuration = _configuration(name, wanted)
        configuration.pop("Architectures")
        _api().update_function_configuration(FunctionName=name, **configuration)
    _retag(name, wanted)
    return _finish(name, wanted)


def _finish(name: str, wanted: Wanted) -> Made:
    """Set what has a call of its own, and wait for the function as CloudFormation does."""
    _reserve(name, wanted)
    calls.on_loop(emulator.functions.activate, name)
    told = _api().get_function_configuration(FunctionName=name)
    return Made(name, {"Arn": told["FunctionArn"]})


def _delete(wanted: Wanted) -> None:
    with gone_is_fine():
        _api().delete_function(FunctionName=wanted.physical_id)


def _is_there(name: str) -> bool:
    with gone_is_fine():
        _api().get_function_configuration(FunctionName=name)
        return True
    return False


def _configuration(name: str, wanted: Wanted) -> dict[str, Any]:
    asked = {prop: wanted.get(prop, default) for prop, default in _DEFAULTS.items()}
    logging = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"}
    asked["LoggingConfig"] = logging | (wanted.get("LoggingConfig") or {})
    given = {prop: value for prop, value in asked.items() if value is not None}
    return fitted("lambda", "CreateFunctionRequest", given)


def _reserve(name: str, wanted: Wanted) -> None:
    reserved = wanted.get("ReservedConcurrentExecutions")
    if reserved is not None:
        _api().put_function_concurrency(
            FunctionName=name, ReservedConcurrentExecutions=int(reserved)
        )
    elif wanted.changed("ReservedConcurrentExecutions"):
        _api().delete_function_concurrency(FunctionName=name)


def _retag(name: str, wanted: Wanted) -> None:
    added, removed = tag_changes(wanted)
    arn = _api().get_function_configuration(FunctionName=name)["FunctionArn"]
    if removed:
        _api().untag_resource(Resource=arn, TagKeys=removed)
    if added:
        _api().tag_resource(Resource=arn, Tags=added)


# Code ---------------------------------------------------------------------------------------------


def _code(wanted: Wanted) -> dict[str, Any]:
    code = wanted["Code"]
    source = code.get("ZipFile")
    if source is None:
        return _stored_code(code)
    runtime = str(wanted.get("Runtime", ""))
    if not runtime.startswith(("python", "nodejs")):
        raise ResourceRefusedError(
            "ZipFile can only be used when Runtime is set to either of nodejs or python"
        )
    return {"ZipFile": _zipped("index.py" if runtime.startswith("python") else "index.js", source)}


def _stored_code(code: Mapping[str, Any]) -> dict[str, Any]:
    """Return code that lies in a bucket, which must be there."""
    refuse_other(f"{FUNCTION} Code", code, frozenset({"S3Bucket", "S3Key", "S3ObjectVersion"}))
    version = {"VersionId": code["S3ObjectVersion"]} if code.get("S3ObjectVersion") else {}
    with gone_is_fine():
        calls.client("s3").get_object(Bucket=code["S3Bucket"], Key=code["S3Key"], **version)
        return dict(code)
    raise ResourceRefusedError(
        "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: "
        "The specified key does not exist."
    )


def _zipped(name: str, source: str) -> bytes:
    """Return an archive of one file, the same for the same source."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(zipfile.ZipInfo(name), source)
    return archive.getvalue()


# Refusals -----------------------------------------------------------------------------------------


def _check(wanted: Wanted) -> None:
    refuse_other(FUNCTION, wanted.properties, _KNOWN)
    if wanted.get("PackageType", "Zip") != "Zip":
        raise ResourceRefusedError("the local cloud runs no container images")
    if wanted.changed("Role"):
        _require_role(str(wanted["Role"]))
    if wanted.changed("VpcConfig") and wanted.get("VpcConfig"):
        _require_network(wanted["VpcConfig"])


def _require_role(arn: str) -> None:
    trust: Any = None
    with gone_is_fine():
        role = calls.client("iam").get_role(RoleName=arn.rpartition("/")[2])["Role"]
        trust = role["AssumeRolePolicyDocument"]
    if SERVICE not in json.dumps(trust):
        raise ResourceRefusedError(
            "The role defined for the function cannot be assumed by Lambda. "
            f"(Service: Lambda, Status Code: 400, Request ID: {emulator.new_id()})"
        )


def _require_network(config: Mapping[str, Any]) -> None:
    """Let EC2 say that a subnet or a security group is missing."""
    ec2 = calls.client("ec2")
    if config.get("SubnetIds"):
        ec2.describe_subnets(SubnetIds=list(config["SubnetIds"]))
    if config.get("SecurityGroupIds"):
        ec2.describe_security_groups(GroupIds=list(config["SecurityGroupIds"]))


PROVISIONERS = (
    Provisioner(
        FUNCTION,
        create=_create,
        update=_update,
        delete=_delete,
        create_only=("FunctionName", "PackageType", "TenancyConfig"),
        tags="Tags",
    ),
)
