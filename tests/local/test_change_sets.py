"""Names, repetition, age and size of change sets, and where their templates come from."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import Aws, deploy, resource, settled, stage, template


def group(days: int = 7) -> str:
    return template({"Group": resource("Logs::LogGroup", {"RetentionInDays": days})})


def many(count: int, value: str) -> str:
    parameter = {"Type": "String", "Value": value}
    return template(
        {f"P{number}": resource("SSM::Parameter", parameter) for number in range(count)}
    )


def order(body: str, **more: Any) -> dict[str, Any]:
    return {
        "StackName": "stack",
        "ChangeSetName": "named",
        "ChangeSetType": "CREATE",
        "TemplateBody": body,
        **more,
    }


# Names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [{"StackName": "_stack"}, {"ChangeSetName": "1st"}, {"ChangeSetName": "a" * 129}],
)
def test_names_must_fit(aws: Aws, wrong: dict[str, str]):
    """Letters, digits and hyphens, a letter first, 128 at most."""
    cloudformation = aws.client("cloudformation")
    with pytest.raises(ClientError, match="1 validation error detected: Value ") as refused:
        cloudformation.create_change_set(**order(group(), **wrong))

    assert refused.value.response["Error"]["Code"] == "ValidationError"


@pytest.mark.parametrize(
    ("again", "differs"),
    [
        ({"ClientToken": "other"}, "ClientToken"),
        ({"TemplateBody": group(14), "ClientToken": "token"}, "Template"),
        ({"Description": "new", "ClientToken": "token"}, "Description"),
        ({}, "ClientToken"),
    ],
)
def test_a_name_belongs_to_one_request(aws: Aws, again: dict[str, str], differs: str):
    """Another request under the same name is refused, with what differs."""
    cloudformation = aws.client("cloudformation")
    cloudformation.create_change_set(**order(group(), ClientToken="token"))
    with pytest.raises(ClientError) as refused:
        cloudformation.create_change_set(**{**order(group()), **again})

    assert refused.value.response["Error"]["Code"] == "AlreadyExistsException"
    message = f"mismatch with existing attribute {differs}"
    assert message in refused.value.response["Error"]["Message"]


def test_the_same_request_returns_the_same_change_set(aws: Aws):
    """While it waits and after it was executed, and it is made only once."""
    cloudformation = aws.client("cloudformation")
    request = order(group(), ClientToken="token")
    first = cloudformation.create_change_set(**request)
    second = cloudformation.create_change_set(**request)
    cloudformation.execute_change_set(ChangeSetName=first["Id"])
    settled(cloudformation, first["StackId"])
    third = cloudformation.create_change_set(**request)

    assert first["Id"] == second["Id"] == third["Id"]
    assert first["StackId"] == second["StackId"] == third["StackId"]
    assert len(cloudformation.list_change_sets(StackName="stack")["Summaries"]) == 1


# Age ----------------------------------------------------------------------------------------------


def test_an_update_makes_change_sets_obsolete(aws: Aws):
    """They show what would no longer happen, and can't be executed."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", group())
    staged = stage(cloudformation, "stack", group(14))
    cloudformation.update_stack(StackName="stack", TemplateBody=group(30))
    settled(cloudformation, "stack")
    seen = cloudformation.describe_change_set(ChangeSetName=staged["ChangeSetId"])

    assert seen["ExecutionStatus"] == "OBSOLETE"
    with pytest.raises(ClientError, match="InvalidChangeSetStatus"):
        cloudformation.execute_change_set(ChangeSetName=staged["ChangeSetId"])


def test_executing_one_deletes_the_others(aws: Aws):
    """After an execution the stack has that change set alone."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", group())
    one, two = (stage(cloudformation, "stack", group(days)) for days in (14, 30))
    cloudformation.execute_change_set(ChangeSetName=one["ChangeSetId"])
    settled(cloudformation, "stack")

    with pytest.raises(ClientError, match="ChangeSetNotFound"):
        cloudformation.describe_change_set(ChangeSetName=two["ChangeSetId"])


# Size ---------------------------------------------------------------------------------------------


def test_long_answers_come_in_pages(aws: Aws):
    """A hundred changes at a time, with and without values, each change once."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", many(120, "old"))
    staged = stage(cloudformation, "stack", many(120, "new"))
    for more in ({}, {"IncludePropertyValues": True}):
        pages = list(
            cloudformation.get_paginator("describe_change_set").paginate(
                ChangeSetName=staged["ChangeSetId"], **more
            )
        )
        changes = [each["ResourceChange"] for page in pages for each in page["Changes"]]

        assert [len(page["Changes"]) for page in pages] == [100, 20]
        assert len({each["LogicalResourceId"] for each in changes}) == 120
        values = {each["Details"][0]["Target"].get("AfterValue") for each in changes}
        assert values == ({"new"} if more else {None})
    with pytest.raises(ClientError, match="Invalid NextToken"):
        cloudformation.describe_change_set(ChangeSetName=staged["ChangeSetId"], NextToken="x")


def test_a_template_has_at_most_500_resources(aws: Aws):
    """The five hundred and first is too many."""
    cloudformation, s3 = aws.client("cloudformation"), aws.client("s3")
    s3.create_bucket(Bucket=f"templates-{aws.account}")
    s3.put_object(Bucket=f"templates-{aws.account}", Key="t", Body=many(501, "x"))
    url = f"https://templates-{aws.account}.s3.us-east-1.amazonaws.com/t"
    request = {"StackName": "stack", "TemplateURL": url}
    message = "Number of resources, 501, is greater than maximum allowed, 500"

    with pytest.raises(ClientError, match=message):
        cloudformation.create_stack(**request)
    with pytest.raises(ClientError, match=message):
        cloudformation.create_change_set(ChangeSetName="x", ChangeSetType="CREATE", **request)


# Templates by URL ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        "https://{bucket}.s3.us-east-1.amazonaws.com/{key}",
        "https://{bucket}.s3.amazonaws.com/{key}",
        "https://{bucket}.s3-us-east-1.amazonaws.com/{key}",
        "https://{bucket}.s3.dualstack.us-east-1.amazonaws.com/{key}",
        "https://s3.us-east-1.amazonaws.com/{bucket}/{key}",
        "{url}/{bucket}/{key}",
    ],
)
def test_a_template_is_found_by_every_address(aws: Aws, form: str):
    """With the bucket in the host or in the path, and with an encoded key."""
    cloudformation, s3 = aws.client("cloudformation"), aws.client("s3")
    bucket = f"urls.of-{aws.account}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a folder/t.json", Body=group())
    url = form.format(bucket=bucket, key="a%20folder/t.json", url=aws.url)
    made = cloudformation.create_stack(StackName="stack", TemplateURL=url)

    assert settled(cloudformation, made["StackId"])["StackStatus"] == "CREATE_COMPLETE"
