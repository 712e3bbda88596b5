"""The check that all other tests here rely on."""

import pytest

GOOD = {"StackName": "network", "ChangeSetName": "tapcfn-t"}


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ({"Color": "red"}, "CreateChangeSet.Color is unknown"),
        ({"ChangeSetName": ""}, "CreateChangeSet.ChangeSetName is below 1: ''"),
        ({"ChangeSetName": "1st"}, "CreateChangeSet.ChangeSetName does not match"),
        ({"ChangeSetName": "a" * 129}, "CreateChangeSet.ChangeSetName is above 128"),
        ({"OnStackFailure": "EXPLODE"}, "CreateChangeSet.OnStackFailure is none of DO_NOTHING"),
        ({"Tags": [{"Key": "k", "Value": "v"}] * 51}, "CreateChangeSet.Tags is above 50"),
        ({"Tags": [{"Key": "k"}]}, "CreateChangeSet.Tags[0].Value is missing"),
        (
            {"RollbackConfiguration": {"MonitoringTimeInMinutes": 181}},
            "RollbackConfiguration.MonitoringTimeInMinutes is above 180: 181",
        ),
    ],
)
def test_a_request_that_breaks_the_service_model_is_refused(cfn, broken, fault):
    """Unknown keys, required ones, bounds, patterns and enums: each is named with its place."""
    cfn.answers("create_change_set", {}, **GOOD | broken)

    with pytest.raises(AssertionError) as error:
        cfn.client.create_change_set(**GOOD | broken)

    cfn.forget()
    assert fault in str(error.value)


def test_a_sound_request_passes(cfn):
    """The strict check adds nothing of its own."""
    cfn.answers("create_change_set", {"Id": "arn:x"}, **GOOD)

    answer = cfn.client.create_change_set(**GOOD)

    assert "arn:x" == answer["Id"]
