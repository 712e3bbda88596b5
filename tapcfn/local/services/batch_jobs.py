"""S3 Control: jobs of S3 Batch that replicate what was in a bucket before its rule.

A job does its share of the work whenever it is looked at, and the rest when its time is over. It
replicates the current version of each object and writes no report.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore.parsers import create_parser
from botocore.session import Session

from tapcfn.local import emulator, time
from tapcfn.local.emulator import Answer
from tapcfn.local.services import wire
from tapcfn.local.services.records import Record, Shelf
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.wire import Value

_jobs = Shelf("s3control", "job")

_PATH = "/v20180820/jobs"
_SPACE = "http://awss3control.amazonaws.com/doc/2018-08-20/"
_TOLD = ("JobId", "Description", "Priority", "RoleArn", "Operation", "Report", "ManifestGenerator")

# Which share of a job's time goes into its manifest.
_PREPARING = 0.3
_NOTHING = "Manifest generation found no keys matching the filter criteria."


def install() -> None:
    """Put the jobs before what S3 Control answers."""
    emulator.s3.answer_control(_answer)


def _answer(method: str, path: str, body: bytes) -> Answer | None:
    if path.rstrip("/") != _PATH and not (method == "GET" and path.startswith(f"{_PATH}/")):
        return None
    try:
        if method == "POST":
            return _told("CreateJob", _create(_asked("CreateJob", body)))
        if path.rstrip("/") == _PATH:
            return _told("ListJobs", _list())
        return _told("DescribeJob", _describe(path.removeprefix(f"{_PATH}/")))
    except RefusedError as refused:
        return emulator.s3.control_error(refused.code, str(refused), refused.status)


# Actions ------------------------------------------------------------------------------------------


def _create(asked: Value) -> Value:
    """Begin a job; the same token begins none again."""
    token = asked["ClientRequestToken"]
    known = next((each for each in _jobs.everything() if each["Token"] == token), None)
    if known is not None:
        return {"JobId": known["JobId"]}
    if "S3ReplicateObject" not in asked["Operation"]:
        message = "The local cloud has jobs that replicate objects only"
        raise RefusedError("InvalidRequest", message)
    job = _job(asked) | {"Token": token}
    _jobs.put(job["JobId"], job)
    _finish_later(job)
    return {"JobId": job["JobId"]}


def _job(asked: Value) -> Record:
    """Return a new job, with the keys that its manifest would have."""
    generator = asked["ManifestGenerator"]["S3JobManifestGenerator"]
    bucket = generator["SourceBucket"].partition(":::")[2]
    try:
        keys = emulator.s3.unreplicated(bucket)
    except KeyError:
        raise RefusedError("InvalidRequest", f"No such source bucket: {bucket}") from None
    began, ends = time.span("ReplicateObjects", f"{emulator.place()}/{bucket}")
    job = {name: asked[name] for name in _TOLD if name in asked}
    job |= {"JobId": emulator.new_id(), "Bucket": bucket, "Keys": keys}
    return job | {"Began": began, "Ends": ends, "Done": 0, "Failed": 0}


def _finish_later(job: Record) -> None:
    """Do the whole work when its time is over, whether or not anybody looks."""
    if job["Ends"] <= job["Began"]:
        _advance(job)
    else:
        loop = asyncio.get_running_loop()
        loop.call_later(job["Ends"] - job["Began"], _advance, job)


def _list() -> Value:
    jobs = [_summary(each) for each in reversed(_jobs.everything())]
    return {"Jobs": [each | {"Operation": "S3ReplicateObject"} for each in jobs]}


def _describe(identifier: str) -> Value:
    job = _jobs.get(identifier)
    if job is None:
        raise RefusedError("NoSuchJob", "The specified job does not exist", 404)
    told = {name: job[name] for name in _TOLD if name in job} | _summary(job)
    if told["Status"] == "Failed":
        reason = {"FailureCode": "ManifestGenerationFailure", "FailureReason": _NOTHING}
        told["FailureReasons"] = [reason]
    return {"Job": told}


# The work -----------------------------------------------------------------------------------------


def _advance(job: Record) -> float:
    """Replicate what should have been replicated by now; return which share of the time is over."""
    share = time.share(job["Began"], job["Ends"])
    due = max(0.0, (share - _PREPARING) / (1 - _PREPARING)) * len(job["Keys"])
    while job["Done"] + job["Failed"] < int(due):
        key = job["Keys"][job["Done"] + job["Failed"]]
        job["Done" if emulator.s3.replicate(job["Bucket"], key) else "Failed"] += 1
    return share


def _summary(job: Record) -> Value:
    share = _advance(job)
    status = "Preparing" if share < _PREPARING else "Active"
    if share == 1.0:
        status = "Complete" if job["Keys"] else "Failed"
    known = status != "Preparing"
    told = {name: job[name] for name in ("JobId", "Description", "Priority") if name in job}
    return told | {
        "Status": status,
        "CreationTime": datetime.fromtimestamp(job["Began"], UTC),
        "ProgressSummary": {
            "TotalNumberOfTasks": len(job["Keys"]) if known else 0,
            "NumberOfTasksSucceeded": job["Done"],
            "NumberOfTasksFailed": job["Failed"],
        },
    }


# On the wire --------------------------------------------------------------------------------------


@cache
def _model(operation: str) -> Any:
    return Session().get_service_model("s3control").operation_model(operation)


def _asked(operation: str, body: bytes) -> Value:
    """Return what a request asks: its XML has the shape of an answer."""
    raw = {"status_code": 200, "headers": {}, "body": body}
    asked: Value = create_parser("rest-xml").parse(raw, _model(operation).input_shape)
    return asked


def _told(operation: str, told: Mapping[str, Any]) -> Answer:
    shape = _model(operation).output_shape.name
    inner = wire.written("s3control", shape, shape, dict(told))
    body = inner.replace(f"<{shape}>", f'<{shape} xmlns="{_SPACE}">', 1)
    return 200, {"Content-Type": "application/xml"}, body.encode()
