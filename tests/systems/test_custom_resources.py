"""The functions behind custom resources, run as CloudFormation runs them, and by hand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from troposphere import GetAtt

from tapcfn.templating import Template, body
from templates.layers import account, emptying, storage
from tests.local_cloud import Aws, deploy, destroy, failures, physical_ids

TAGS = {"Environment": "Production"}

BEFORE = {
    "MinimumPasswordLength": 8,
    "RequireSymbols": False,
    "RequireNumbers": True,
    "RequireUppercaseCharacters": False,
    "RequireLowercaseCharacters": True,
    "AllowUsersToChangePassword": False,
    "MaxPasswordAge": 365,
    "PasswordReusePrevention": 2,
    "HardExpiry": False,
}
WANTED = {
    "MinimumPasswordLength": 14,
    "RequireSymbols": True,
    "RequireNumbers": True,
    "RequireUppercaseCharacters": True,
    "RequireLowercaseCharacters": True,
    "AllowUsersToChangePassword": True,
    "MaxPasswordAge": 90,
    "PasswordReusePrevention": 5,
    "HardExpiry": True,
}


@dataclass
class Listener:
    """Stands where CloudFormation listens for the answer of a custom resource."""

    url: str
    answers: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Listen on a port of this machine, and keep what is answered."""
    heard = Listener("")

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            length = int(self.headers["content-length"])
            heard.answers.append(json.loads(self.rfile.read(length)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        heard.url = f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever).start()
        yield heard
        server.shutdown()


def ask(aws: Aws, listener: Listener, function: str, request: str, **more: Any) -> dict[str, Any]:
    """Call a function as CloudFormation does, and return what it answers."""
    event = {
        "RequestType": request,
        "ResponseURL": listener.url,
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Resource",
        **more,
    }
    told = aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    assert "FunctionError" not in told, told["Payload"].read()
    return listener.answers.pop()


# The password policy ------------------------------------------------------------------------------


def password_stack(**policy: Any) -> str:
    template = account.build_password_policy(
        account.PasswordPolicy(**policy), name="passwords", tags=TAGS, keep_data=False
    )
    return body("account", template).text


def policy_of(aws: Aws) -> dict[str, Any] | None:
    iam = aws.client("iam")
    try:
        policy = iam.get_account_password_policy()["PasswordPolicy"]
    except iam.exceptions.NoSuchEntityException:
        return None
    return {key: value for key, value in policy.items() if key != "ExpirePasswords"}


def test_the_policy_before_comes_back(aws: Aws):
    """S1-13, L-2: create sets, update changes in place, delete restores what create read."""
    cloudformation = aws.client("cloudformation")
    aws.client("iam").update_account_password_policy(**BEFORE)

    made = deploy(cloudformation, "account", password_stack())
    first = physical_ids(cloudformation, "account")["PasswordPolicy"]
    assert made["StackStatus"] == "CREATE_COMPLETE"
    assert policy_of(aws) == WANTED

    deploy(cloudformation, "account", password_stack(password_reuse_prevention=24))
    assert policy_of(aws) == WANTED | {"PasswordReusePrevention": 24}
    assert physical_ids(cloudformation, "account")["PasswordPolicy"] == first
    assert len(first) <= 1024

    destroy(cloudformation, made["StackId"])
    assert policy_of(aws) == BEFORE


def test_where_there_was_no_policy_there_is_none_again(aws: Aws):
    """S1-13: an account without a policy is as it was."""
    cloudformation = aws.client("cloudformation")
    made = deploy(cloudformation, "account", password_stack())
    assert policy_of(aws) == WANTED

    destroy(cloudformation, made["StackId"])
    assert policy_of(aws) is None


def test_a_policy_that_iam_refuses_fails_the_stack_and_changes_nothing(aws: Aws):
    """S1-13: the reason stands in the stack's events, and the rollback restores."""
    cloudformation = aws.client("cloudformation")
    aws.client("iam").update_account_password_policy(**BEFORE)

    made = deploy(cloudformation, "account", password_stack(minimum_password_length=5))

    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "MinimumPasswordLength" in failures(cloudformation, "account")["PasswordPolicy"]
    assert policy_of(aws) == BEFORE


def test_a_refused_update_goes_back_to_the_policy_before_it(aws: Aws):
    """S1-13: an update that is rolled back sends the old properties again."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "account", password_stack())

    made = deploy(cloudformation, "account", password_stack(minimum_password_length=5))

    assert made["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert policy_of(aws) == WANTED


def test_the_password_function_may_be_asked_twice(aws: Aws, listener: Listener):
    """S1-13: updates and deletes repeat without harm, and every answer names the same resource."""
    aws.client("iam").update_account_password_policy(**BEFORE)
    made = deploy(aws.client("cloudformation"), "account", password_stack())
    place = physical_ids(aws.client("cloudformation"), made["StackId"])["PasswordPolicy"]
    same = {"PhysicalResourceId": place, "ResourceProperties": {"MinimumPasswordLength": "20"}}

    for request in ("Update", "Update", "Delete", "Delete"):
        answer = ask(aws, listener, "passwords", request, **same)
        assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", place)

    assert policy_of(aws) == BEFORE


def test_what_was_never_read_is_never_restored(aws: Aws, listener: Listener):
    """S1-13: a delete without a memory leaves the policy alone; a failed create has an answer."""
    deploy(aws.client("cloudformation"), "account", password_stack())
    bad = {"ResourceProperties": {"MinimumPasswordLength": "long"}}

    failed = ask(aws, listener, "passwords", "Create", **bad)
    lost = ask(aws, listener, "passwords", "Delete", PhysicalResourceId="2026/[1]abc", **bad)

    assert failed["Status"] == "FAILED"
    assert failed["Reason"].startswith("ValueError: ")
    assert lost["Status"] == "SUCCESS"
    assert policy_of(aws) == WANTED


# Emptying -----------------------------------------------------------------------------------------


def bucket_stack(title: str = "Bucket") -> str:
    template = Template("A bucket that is emptied")
    made = storage.add(
        template, storage.Bucket(title, "full"), key=None, tags=TAGS, keep_data=False
    )
    emptying.add(template, made, name="empty-it", key=None, tags=TAGS, keep_data=False)
    template.add_output(storage.Output("Arn", Value=GetAtt(made, "Arn")))
    return body("bucket", template).text


def fill(s3: Any, bucket: str, objects: int) -> None:
    """Leave versions, delete markers and an unfinished upload in a bucket."""
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda number: s3.put_object(Bucket=bucket, Key=f"key/{number}", Body=b"x"),
                range(objects),
            )
        )
    s3.put_object(Bucket=bucket, Key="key/0", Body=b"again")
    s3.delete_object(Bucket=bucket, Key="key/1")
    s3.create_multipart_upload(Bucket=bucket, Key="half")


def content(s3: Any, bucket: str) -> int:
    """Count what is in a bucket, seen or not."""
    versions = s3.list_object_versions(Bucket=bucket)
    uploads = s3.list_multipart_uploads(Bucket=bucket)
    return sum(len(versions.get(key, ())) for key in ("Versions", "DeleteMarkers")) + len(
        uploads.get("Uploads", ())
    )


@pytest.mark.parametrize(
    "objects", [2, pytest.param(1_010, marks=pytest.mark.drill, id="more than a batch")]
)
def test_a_full_bucket_goes_with_its_stack(aws: Aws, objects: int):
    """L-5, S1-12: versions, markers and uploads go, and then the bucket."""
    cloudformation, s3 = aws.client("cloudformation"), aws.client("s3")
    made = deploy(cloudformation, "bucket", bucket_stack())
    bucket = physical_ids(cloudformation, "bucket")["Bucket"]
    fill(s3, bucket, objects)

    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert s3.list_buckets()["Buckets"] == []


def test_only_a_delete_empties(aws: Aws, listener: Listener):
    """L-5: a create or an update touches nothing; a delete of an empty or lost bucket is fine."""
    cloudformation, s3 = aws.client("cloudformation"), aws.client("s3")
    deploy(cloudformation, "bucket", bucket_stack())
    bucket = physical_ids(cloudformation, "bucket")["Bucket"]
    fill(s3, bucket, 2)
    whole = {"PhysicalResourceId": bucket, "ResourceProperties": {"BucketName": bucket}}

    for request in ("Create", "Update"):
        assert ask(aws, listener, "empty-it", request, **whole)["Status"] == "SUCCESS"
    assert content(s3, bucket) == 5

    for _ in range(2):
        answer = ask(aws, listener, "empty-it", "Delete", **whole)
        assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", bucket)
    assert content(s3, bucket) == 0
    s3.delete_bucket(Bucket=bucket)
    assert ask(aws, listener, "empty-it", "Delete", **whole)["Status"] == "SUCCESS"


def test_emptying_answers_before_its_time_is_up(aws: Aws, listener: Listener):
    """L-5: where the time does not suffice, the answer says so, and another delete goes on."""
    cloudformation, s3 = aws.client("cloudformation"), aws.client("s3")
    deploy(cloudformation, "bucket", bucket_stack())
    bucket = physical_ids(cloudformation, "bucket")["Bucket"]
    fill(s3, bucket, 2)
    aws.client("lambda").update_function_configuration(FunctionName="empty-it", Timeout=20)
    whole = {"PhysicalResourceId": bucket, "ResourceProperties": {"BucketName": bucket}}

    answer = ask(aws, listener, "empty-it", "Delete", **whole)

    assert answer["Status"] == "FAILED"
    assert "delete the stack again" in answer["Reason"]
