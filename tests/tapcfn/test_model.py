"""The nouns: statuses and our questions to them, templates, stacks, changes."""

from __future__ import annotations

import json
import re
from dataclasses import FrozenInstanceError
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapcfn.model import (
    STATEFUL,
    Change,
    Deployed,
    OutputOf,
    Replacement,
    Severity,
    Snapshot,
    SourceLine,
    StackEvent,
    StackStatus,
    Target,
    TemplateBody,
    ZoneOf,
    canonical,
    digest_of,
)
from tests.fakes import (
    AWAY,
    HOME,
    a_change,
    a_change_set,
    a_deployed,
    a_rollout,
    a_stack,
    a_template,
)

MOVING, HEALTHY, UPDATABLE, ABSENT, RECREATE = (
    "moving",
    "healthy",
    "updatable",
    "absent",
    "recreate",
)

# Every status, and the questions that are answered yes.
ANSWERS: dict[str, set[str]] = {
    "CREATE_IN_PROGRESS": {MOVING},
    "CREATE_FAILED": set(),
    "CREATE_COMPLETE": {HEALTHY, UPDATABLE},
    "ROLLBACK_IN_PROGRESS": {MOVING},
    "ROLLBACK_FAILED": set(),
    "ROLLBACK_COMPLETE": {RECREATE},
    "DELETE_IN_PROGRESS": {MOVING},
    "DELETE_FAILED": set(),
    "DELETE_COMPLETE": {ABSENT},
    "UPDATE_IN_PROGRESS": {MOVING},
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": {MOVING},
    "UPDATE_COMPLETE": {HEALTHY, UPDATABLE},
    "UPDATE_FAILED": set(),
    "UPDATE_ROLLBACK_IN_PROGRESS": {MOVING},
    "UPDATE_ROLLBACK_FAILED": set(),
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": {MOVING},
    "UPDATE_ROLLBACK_COMPLETE": {UPDATABLE},
    "REVIEW_IN_PROGRESS": {ABSENT},
    "IMPORT_IN_PROGRESS": {MOVING},
    "IMPORT_COMPLETE": {HEALTHY, UPDATABLE},
    "IMPORT_ROLLBACK_IN_PROGRESS": {MOVING},
    "IMPORT_ROLLBACK_FAILED": set(),
    "IMPORT_ROLLBACK_COMPLETE": {UPDATABLE},
}


@pytest.fixture(scope="module")
def botocore_model() -> Any:
    """Return botocore's own description of CloudFormation; no client, no network."""
    return botocore.session.Session().get_service_model("cloudformation")


def test_our_statuses_are_cloudformations(botocore_model: Any) -> None:
    """A status that the service learns must be taught here."""
    assert set(botocore_model.shape_for("StackStatus").enum) == set(StackStatus)


def test_our_replacements_are_cloudformations(botocore_model: Any) -> None:
    """The same for the three answers to "is it replaced?"."""
    assert set(botocore_model.shape_for("Replacement").enum) == set(Replacement)


def test_the_table_of_answers_forgets_no_status() -> None:
    """Every status has a row below."""
    assert set(StackStatus) == set(ANSWERS)


@pytest.mark.parametrize("status", StackStatus)
def test_every_status_answers_our_questions(status: StackStatus) -> None:
    """Moving, healthy, updatable, absent, to be recreated: as the state table says."""
    answers = {
        MOVING: status.is_moving,
        HEALTHY: status.is_healthy,
        UPDATABLE: status.is_updatable,
        ABSENT: status.is_absent,
        RECREATE: status.must_be_recreated,
    }

    assert ANSWERS[status] == {question for question, yes in answers.items() if yes}


# Values ------------------------------------------------------------------------------------------


def test_values_cannot_change() -> None:
    """Nouns are frozen: nobody changes a plan behind a reader's back."""
    with pytest.raises(FrozenInstanceError):
        HOME.region = "eu-west-1"  # type: ignore[misc]


def test_values_say_what_they_are() -> None:
    """In a message each value reads as a person would write it."""
    values = (HOME, OutputOf("network", "VpcId"), ZoneOf(1), SourceLine("layers/a.py", 3))

    assert [
        "111111111111/us-east-1",
        "network.VpcId",
        "Availability Zone 1",
        "layers/a.py:3",
    ] == [str(value) for value in values]


def test_a_stack_needs_the_stacks_that_feed_it() -> None:
    """Only outputs of other stacks make an order; literals and zones make none."""
    stack = a_stack(
        "app",
        parameters={
            "Vpc": OutputOf("network", "VpcId"),
            "Subnet": OutputOf("network", "SubnetId"),
            "Key": OutputOf("keys", "Arn"),
            "Zone": ZoneOf(0),
            "Size": "small",
        },
    )

    assert frozenset({"network", "keys"}) == stack.needs


def test_a_rollout_lists_its_stacks_and_each_target_once() -> None:
    """Stacks keep the order of the phases; targets are sorted."""
    one, two, three = a_stack("one", target=AWAY), a_stack("two"), a_stack("three", target=AWAY)
    rollout = a_rollout(phases={"first": [one], "second": [two, three]})

    assert (one, two, three) == rollout.stacks
    assert (HOME, AWAY) == rollout.targets


def test_a_snapshot_knows_what_is_not_there() -> None:
    """Absence is None, not an error."""
    stack = a_stack()
    snapshot = Snapshot({stack.name: a_deployed(stack)})

    assert StackStatus.CREATE_COMPLETE is snapshot.status("network")
    assert snapshot.status("elsewhere") is None


@pytest.mark.parametrize(
    ("status", "base"),
    [
        (StackStatus.UPDATE_COMPLETE, "id-1@t1"),
        (StackStatus.ROLLBACK_COMPLETE, "id-1@t1"),
        (StackStatus.REVIEW_IN_PROGRESS, "absent"),
        (StackStatus.DELETE_COMPLETE, "absent"),
    ],
)
def test_a_base_is_a_stack_at_a_moment(status: StackStatus, base: str) -> None:
    """A shell that was never deployed is as good as absent."""
    assert base == Deployed("network", "id-1", status, updated="t1").base


# Templates ----------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_canonical_text_forgets_the_order_of_keys_and_nothing_else(
    document: dict[str, Any],
) -> None:
    """Equal values give equal bytes, and the bytes give the value back."""
    backwards = dict(reversed(list(document.items())))

    assert canonical(document) == canonical(backwards)
    assert document == json.loads(canonical(document))


def test_canonical_text_is_compact_and_keeps_its_letters() -> None:
    """No blanks, sorted keys, and no escapes: a template is measured in UTF-8 bytes."""
    assert '{"a":[1,"ä"],"b":null}' == canonical({"b": None, "a": [1, "ä"]})


def test_a_digest_is_a_known_sha256() -> None:
    """The digest is that of the UTF-8 text, and does not move from release to release."""
    assert "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" == digest_of("")
    assert re.fullmatch("[0-9a-f]{64}", digest_of("ä"))


def test_a_template_answers_what_is_in_it() -> None:
    """Resources by type, parameters, outputs, and its size in bytes, not in letters."""
    template = a_template(
        resources={"Queue": "AWS::SQS::Queue"}, parameters=["Name"], outputs=["Arn"], version="ä"
    )

    assert {"Queue": "AWS::SQS::Queue"} == template.resources
    assert {"Name": {"Type": "String"}} == template.parameters
    assert frozenset({"Arn"}) == template.outputs
    assert len(template.text) + 1 == template.size


def test_a_template_may_have_no_parameters_and_no_outputs() -> None:
    """Sections that are left out are empty."""
    template = TemplateBody("bare", canonical({"Resources": {}}))

    assert ({}, frozenset(), ()) == (
        dict(template.parameters),
        template.outputs,
        template.capabilities,
    )


def test_the_source_map_is_no_part_of_a_template_s_identity() -> None:
    """Moving a line in a layer changes no template."""
    here = TemplateBody("a", '{"Resources":{}}', {"Vpc": SourceLine("a.py", 1)})
    there = TemplateBody("a", '{"Resources":{}}', {"Vpc": SourceLine("a.py", 2)})

    assert here == there
    assert hash(here) == hash(there)
    assert here.digest == there.digest


def iam(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::IAM::{kind}", "Properties": properties}


@pytest.mark.parametrize(
    ("resources", "capabilities"),
    [
        ({"Topic": {"Type": "AWS::SNS::Topic"}}, ()),
        ({"Role": iam("Role", Path="/")}, ("CAPABILITY_IAM",)),
        ({"Role": {"Type": "AWS::IAM::Role"}}, ("CAPABILITY_IAM",)),
        ({"Policy": iam("Policy", PolicyName="inline")}, ("CAPABILITY_IAM",)),
        ({"Role": iam("Role", RoleName="r")}, ("CAPABILITY_NAMED_IAM",)),
        ({"User": iam("User", UserName="u")}, ("CAPABILITY_NAMED_IAM",)),
        ({"Group": iam("Group", GroupName="g")}, ("CAPABILITY_NAMED_IAM",)),
        ({"P": iam("ManagedPolicy", ManagedPolicyName="m")}, ("CAPABILITY_NAMED_IAM",)),
        ({"I": iam("InstanceProfile", InstanceProfileName="i")}, ("CAPABILITY_NAMED_IAM",)),
        ({"A": iam("Role"), "B": iam("Role", RoleName="r")}, ("CAPABILITY_NAMED_IAM",)),
    ],
)
def test_capabilities_are_the_least_that_is_wanted(
    resources: dict[str, Any], capabilities: tuple[str, ...]
) -> None:
    """Nothing is acknowledged that the template does not need."""
    assert capabilities == a_template(resources=resources).capabilities


@pytest.mark.parametrize(
    ("sections", "may"),
    [
        ({}, False),
        ({"Metadata": {"a": "{{resolve:ssm:/a}}"}}, True),
        ({"Metadata": {"a": {"Fn::GetStackOutput": {"StackName": "b"}}}}, True),
        ({"Parameters": {"Ami": {"Type": "AWS::SSM::Parameter::Value<String>"}}}, True),
        ({"Parameters": {"Ami": {"Type": "AWS::EC2::Image::Id"}}}, False),
    ],
)
def test_a_template_knows_whether_it_points_outside(sections: dict[str, Any], may: bool) -> None:
    """Such a stack is asked about even where its template is the same."""
    assert may is a_template(**sections).may_change_by_itself


# Changes ------------------------------------------------------------------------------------------

T, F, C = Replacement.TRUE, Replacement.FALSE, Replacement.CONDITIONAL


@pytest.mark.parametrize(
    ("action", "replacement", "policy", "loses"),
    [
        ("Add", None, "", False),
        ("Import", None, "", False),
        ("Modify", F, "", False),
        ("Modify", C, "", False),
        ("Modify", None, "", False),
        ("Dynamic", None, "", False),
        ("Modify", T, "", True),
        ("Remove", None, "", True),
        ("Remove", None, "Delete", True),
        ("Remove", None, "Retain", False),
        ("Remove", None, "Snapshot", False),
        ("Modify", T, "ReplaceAndDelete", True),
        ("Modify", T, "ReplaceAndRetain", False),
        ("Modify", T, "ReplaceAndSnapshot", False),
        ("Modify", C, "ReplaceAndDelete", True),
        ("Remove", None, "Destroy", True),
        ("Modify", T, "Destroy", True),
        ("Modify", F, "Destroy", True),
    ],
)
def test_a_change_knows_whether_it_loses_something(
    action: str, replacement: Replacement | None, policy: str, loses: bool
) -> None:
    """The policy decides where there is one; else what goes or is replaced is lost."""
    change = Change("Bucket", "AWS::S3::Bucket", action, "b", replacement, policy)

    assert loses is change.loses


def test_a_change_set_counts() -> None:
    """Actions are counted by name; a replacement that may be counts as one."""
    change_set = a_change_set(
        a_change("A", "Add"),
        a_change("B", "Modify", replacement=T),
        a_change("C", "Modify", replacement=C),
        a_change("D", "Modify", replacement=F),
    )

    assert (1, 3, 0) == tuple(change_set.count(each) for each in ("Add", "Modify", "Remove"))
    assert 2 == change_set.replacements


@pytest.mark.parametrize(
    ("status", "failure"),
    [("CREATE_FAILED", True), ("UPDATE_ROLLBACK_FAILED", True), ("ROLLBACK_COMPLETE", False)],
)
def test_an_event_knows_whether_it_is_a_failure(status: str, failure: bool) -> None:
    """The suffix of a resource's status says so."""
    assert failure is StackEvent("1", "Vpc", "AWS::EC2::VPC", status).is_failure


def test_what_holds_data_is_named_as_cloudformation_names_it() -> None:
    """Each entry is a resource type; a typo would guard nothing."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    known = set(PROVIDER_SCHEMA_MANAGER.get_resource_types("us-east-1"))

    assert set() == set(STATEFUL) - known - {"AWS::QLDB::Ledger", "AWS::SDB::Domain"}


def test_severities_are_listed_from_grave_to_light() -> None:
    """Reports sort by this order."""
    assert ["error", "warning", "info"] == list(Severity)


def test_targets_are_sorted_by_account_and_then_by_region() -> None:
    """An order that people expect, and the same in every run."""
    targets = [Target("2", "a"), Target("1", "b"), Target("1", "a")]

    assert [Target("1", "a"), Target("1", "b"), Target("2", "a")] == sorted(targets)
