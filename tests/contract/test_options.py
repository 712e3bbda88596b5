"""What every `Cloud` makes of the options of a stack."""

from __future__ import annotations

from dataclasses import replace

from tapcfn.stack_options import StackOptions
from tests.contract.conftest import Subject

TOPIC = "arn:aws:sns:eu-west-1:{account}:told"


def test_topics_are_those_given_last(subject: Subject):
    """Given alone they are something to do; without them they are gone again."""
    plain = subject.stack()
    told = TOPIC.format(account=subject.target.account)
    notified = replace(plain, options=StackOptions(notification_arns=(told,)))
    before = subject.deployed(plain)

    seen = []
    for stack, token in ((notified, "second"), (plain, "third")):
        change_set = subject.staged(stack, token, create=False)
        assert (False, ()) == (change_set.empty, change_set.changes)
        subject.cloud.execute(change_set, subject.target, f"{token}-run")
        seen.append(subject.settled(before.stack_id).notified)

    assert [frozenset(), frozenset({told}), frozenset()] == [before.notified, *seen]


def test_an_output_alone_is_something_to_do(subject: Subject):
    """There are no changes, and it is there afterwards."""
    before = subject.deployed(subject.stack())
    more = {"Id": {"Value": "a"}, "More": {"Value": "b"}}

    change_set = subject.staged(subject.stack(Outputs=more), "second", create=False)
    subject.cloud.execute(change_set, subject.target, "second-run")

    assert (False, ()) == (change_set.empty, change_set.changes)
    assert "More" in subject.settled(before.stack_id).outputs
