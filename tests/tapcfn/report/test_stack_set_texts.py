"""Stack sets in words: before a rollout, after one, and what there is."""

from __future__ import annotations

from tapcfn.model import InstanceStatus, Preferences, Share, Target, Wave
from tapcfn.report.stack_sets import (
    causes_text,
    fleet_drift_text,
    outputs_fields,
    outputs_table,
    simulation_text,
    skew_text,
)
from tapcfn.stack_sets.causes import Cancelled, cluster
from tapcfn.stack_sets.drifted import group
from tapcfn.stack_sets.ports import InstanceDrift
from tapcfn.stack_sets.simulation import simulate
from tapcfn.stack_sets.skew import Retained, Stand, Version

REGIONS = ("us-east-1", "eu-west-1", "eu-central-1", "ap-northeast-1", "ap-southeast-2")
PAIRS = frozenset(Target(f"{each:012}", region) for each in range(12) for region in REGIONS)
FIRST = Target("000000000000", "us-east-1")


def test_a_rollout_before_it_begins() -> None:
    """Waves, Regions in their order, the worst case, how long it takes, and what to think about."""
    canary = Wave("canary", frozenset(each for each in PAIRS if each.account == FIRST.account))
    preferences = Preferences(("eu-west-1",), tolerance=Share(10, True), concurrent=Share(5))

    assert """\
wave canary: 5 instances, at most 1 at once, 1 touched if everything fails; about 3 min 20 s, at \
least 2 min 30 s
  eu-west-1 → ap-northeast-1 → ap-southeast-2 → eu-central-1 → us-east-1: 1 account each, 1 at once,
    1 batch
wave rest: 55 instances, at most 2 at once, 2 touched if everything fails; about 20 min 00 s, at \
least 15 min 00 s
  eu-west-1 → ap-northeast-1 → ap-southeast-2 → eu-central-1 → us-east-1: 11 accounts each, 2 at
    once, 6 batches
in all: 60 instances, at most 2 at once, 1 touched if everything fails; about 23 min 20 s, at \
least 17 min 30 s""" == simulation_text(simulate(PAIRS, preferences, (30, 40, 90), [canary]))


def test_what_is_not_known_and_what_to_think_about() -> None:
    preferences = Preferences(parallel=True, tolerance=Share(1))

    assert """\
wave all: 2 instances, at most 2 at once, 2 touched if everything fails
  eu-west-1 + us-east-1: 1 account each, 1 at once, 1 batch
how long it takes is not known: no instance has been deployed before
warning: nothing stops it in eu-west-1, us-east-1: as many accounts may fail as there are \
(tolerance 1)
warning: Regions in parallel: the worst case is that of one Region, 2 times""" == simulation_text(
        simulate([FIRST, Target(FIRST.account, "eu-west-1")], preferences)
    )


def test_causes_and_what_they_led_to() -> None:
    """A cancelled instance is told with the failure that was one too many. (D-4)"""
    other = Target("111111111111", "eu-west-1")
    clusters = cluster([(other, "bucket name exists"), (FIRST, "quota"), (FIRST, "quota")])

    assert """\
1 instance: bucket name exists (first 111111111111/eu-west-1)
1 instance: quota (first 000000000000/us-east-1)
2 cancelled as a consequence (one failure too many: 111111111111/eu-west-1)""" == causes_text(
        clusters, Cancelled((FIRST, other), (other,))
    )
    assert "1 cancelled as a consequence (the operation was stopped)" == causes_text(
        [], Cancelled((FIRST,), ())
    )
    assert "" == causes_text([], Cancelled((), ()))


def test_outputs_of_all_instances() -> None:
    """One table for people, one document for programs. (R-22)"""
    values = {
        Target("2", "us-east-1"): {"Vpc": "vpc-2"},
        Target("1", "us-east-1"): {"Zone": "Z", "Arn": "arn"},
        Target("1", "eu-west-1"): {},
    }

    assert """\
account  Region     output  value
1        us-east-1  Arn     arn
1        us-east-1  Zone    Z
2        us-east-1  Vpc     vpc-2""" == outputs_table(values)
    assert {
        "1": {"eu-west-1": {}, "us-east-1": {"Arn": "arn", "Zone": "Z"}},
        "2": {"us-east-1": {"Vpc": "vpc-2"}},
    } == outputs_fields(values)
    assert "No outputs." == outputs_table({FIRST: {}})


def test_versions_with_their_names() -> None:
    """Known digests by their names; many places are counted. (D-12)"""
    pairs = tuple(sorted(PAIRS))
    found = [
        Version("a" * 64, "c" * 64, InstanceStatus.CURRENT, pairs[:6]),
        Version("b" * 64, "c" * 64, InstanceStatus.OUTDATED, pairs[6:7]),
        Version("", "", InstanceStatus.INOPERABLE, pairs[7:8], Stand.NONE),
        Version("", "", InstanceStatus.CURRENT, pairs[8:9], Stand.GONE),
    ]
    left = [Retained(FIRST, "StackSet-old-1", "arn:1", "b" * 64, "c" * 64)]

    assert """\
6 instances CURRENT: template aaaaaaaaaaaa (v1.4), parameters cccccccccccc
    000000000000/ap-northeast-1, 000000000000/ap-southeast-2, 000000000000/eu-central-1, \
000000000000/eu-west-1 and 2 more
1 instance OUTDATED: template bbbbbbbbbbbb, parameters cccccccccccc
    000000000001/ap-southeast-2
1 instance INOPERABLE: no stack
    000000000001/eu-central-1
1 instance CURRENT: its stack is gone, and the instance stays
    000000000001/eu-west-1
no instance stands for StackSet-old-1: template bbbbbbbbbbbb, parameters cccccccccccc
    000000000000/us-east-1
9 instances, 4 versions; 1 stack left behind.""" == skew_text(found, {"a" * 64: "v1.4"}, left)


def test_drift_over_many_instances() -> None:
    """By resource and property, with where it is; what failed and could not be checked. (D-13)"""
    one, two, three = (Target(account, "eu-west-1") for account in "123")
    topic = "AWS::SNS::Topic"
    found = {
        one: (
            InstanceDrift(one, "Topic", topic, "MODIFIED", "/DisplayName", "", "x" * 200),
            InstanceDrift(one, "Queue", "AWS::SQS::Queue", "DELETED"),
            InstanceDrift(one, "Own", "Custom::Own", "NOT_CHECKED"),
        ),
        two: (
            InstanceDrift(two, "Topic", topic, "MODIFIED", "/DisplayName", "", "x" * 200),
            InstanceDrift(two, "Topic", topic, "MODIFIED", "/FifoTopic", "false", "true"),
        ),
        three: "no access",
    }

    assert f"""\
Topic  AWS::SNS::Topic
  /DisplayName: (none) → {"x" * 100}…  in 2 instances
      1/eu-west-1, 2/eu-west-1
  /FifoTopic: false → true  in 1 instance
      2/eu-west-1
Queue  AWS::SQS::Queue
  DELETED  in 1 instance
      1/eu-west-1
not checked: Own  Custom::Own  NOT_CHECKED  in 1 instance
! detection failed in 3/eu-west-1: no access
2 of 2 instances have drifted; 1 resource not checked; detection failed in 1 \
instance.""" == fleet_drift_text(group(found))
