"""Let S3 Batch replicate what was in a bucket before its rule. (O-9)

A job has a description and no name: there the token stands by which it is found again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from tapcfn.acting import ActionState
from tapcfn.aws.actions.door import ABSENT, Door, Facts, done, failed, running
from tapcfn.aws.paging import rows
from tapcfn.model import EMPTY, ReplicateObjects

# Among the jobs of an account in a Region, 0 to 2**31 - 1; the default of the console.
_PRIORITY = 10
_MOST_JOBS = 1000

# Ended, and not by itself.
_BAD = frozenset({"Cancelled", "Failed"})

# A job that finds nothing to replicate fails with these words, and there is nothing to do.
# (S3 User Guide, troubleshooting Batch Replication)
_NO_OBJECTS = "no keys matching"


def look(door: Door, action: ReplicateObjects, token: str) -> ActionState:
    """Return where the job of this token stands: DONE when it is complete and no task failed."""
    client, account = door("s3control", action.target), action.target.account
    found = rows(partial(client.list_jobs, AccountId=account), "Jobs", most=_MOST_JOBS)
    job_id = next((each["JobId"] for each in found if _is_of(each, token)), None)
    if job_id is None:
        return ABSENT
    return _state(client.describe_job(AccountId=account, JobId=job_id)["Job"], action)


def begin(door: Door, action: ReplicateObjects, token: str) -> Facts:
    """Begin the job: every object that the rule is for and that it has not replicated."""
    client = door("s3control", action.target)
    arn = f"arn:{client.meta.partition}:s3:::"
    client.create_job(
        AccountId=action.target.account,
        ConfirmationRequired=False,
        Operation={"S3ReplicateObject": {}},
        ManifestGenerator={"S3JobManifestGenerator": _manifest(action, f"{arn}{action.bucket}")},
        Report={
            "Bucket": f"{arn}{action.report_bucket}",
            "Format": "Report_CSV_20180820",
            "Enabled": True,
            "Prefix": _prefix(action),
            "ReportScope": "FailedTasksOnly",
        },
        Priority=_PRIORITY,
        RoleArn=str(action.role_arn),
        ClientRequestToken=token,
        Description=f"{token} {action.name}"[:256],
    )
    return EMPTY


def _manifest(action: ReplicateObjects, bucket_arn: str) -> Mapping[str, Any]:
    return {
        "SourceBucket": bucket_arn,
        "ExpectedBucketOwner": action.target.account,
        "EnableManifestOutput": False,
        "Filter": {
            "EligibleForReplication": True,
            "ObjectReplicationStatuses": ["NONE", "FAILED"],
        },
    }


def _is_of(job: Mapping[str, Any], token: str) -> bool:
    return str(job.get("Description", "")).partition(" ")[0] == token


def _prefix(action: ReplicateObjects) -> str:
    return f"batch-replication/{action.bucket}"


def _state(job: Mapping[str, Any], action: ReplicateObjects) -> ActionState:
    progress, status = job.get("ProgressSummary", {}), job["Status"]
    total, wrong = progress.get("TotalNumberOfTasks", 0), progress.get("NumberOfTasksFailed", 0)
    right = progress.get("NumberOfTasksSucceeded", 0)
    report = f"s3://{action.report_bucket}/{_prefix(action)}/job-{job['JobId']}"
    facts = {"job": job["JobId"], "replicated": str(right), "failed": str(wrong)}
    why = "; ".join(each.get("FailureReason", "") for each in job.get("FailureReasons", ()))
    if status == "Failed" and _NO_OBJECTS in why:
        return done("no object was waiting for it", facts)
    if status in _BAD:
        reason = why or job.get("StatusUpdateReason") or "no reason given"
        return failed(f"{status}: {reason}", facts)
    if status == "Complete" and wrong:
        return failed(f"{wrong} of {total} objects failed: {report}", facts | {"report": report})
    text = f"{right} of {total} objects replicated"
    if status == "Complete":
        return done(text, facts)
    return running(f"{text}, {wrong} failed" if wrong else f"{status}, {text}", facts)
