"""Plans of many Regions and accounts: what is equal is told once, what deviates stands out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from tapcfn.model import Change, Detail, Replacement, Stack, Target
from tapcfn.report.folding import normal
from tapcfn.report.names import common_beginning
from tapcfn.report.outline import plan_text
from tapcfn.report.planned import events_of
from tests.fakes import World, a_change, a_rollout, a_stack

REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1")
ACCOUNT = "111111111111"


def network(region: str, account: str = ACCOUNT) -> Stack:
    return a_stack(f"network-{region}", target=Target(account, region), version="2")


def modified(region: str, **more: object) -> Change:
    """Return a change that says the same in every Region, but for what the Region decides."""
    arn = f"arn:aws:sns:{region}:{ACCOUNT}:topic-{region}"
    detail = Detail("/Properties/Name", f"old-{region}", f"vpc-{len(region):08x}-{region}")
    return a_change(
        "Topic", "Modify", "AWS::SNS::Topic", physical_id=arn, details=(detail,), **more
    )


def planned(stacks: Iterable[Stack], changes: dict[str, Change]) -> list[str]:
    world, wanted = World(), tuple(stacks)
    for stack in wanted:
        world.has(replace(stack, tags={"old": "yes"}))
        world.cloud.changes[stack.name] = (changes[stack.name],)
    rollout = a_rollout(*wanted)
    snapshot, made = world.snapshot(rollout), world.plan(rollout)
    previews = world.ask(made, snapshot)
    assert len(wanted) == sum(
        type(each).__name__ == "ChangePlanned" for each in events_of(made, previews)
    )  # the stream keeps all
    return plan_text(made, previews).splitlines()[4:-2]


def test_equal_changes_are_told_once_with_their_count() -> None:
    """Account, Region and physical ids are all that differs. (D-2)"""
    stacks = [network(region) for region in REGIONS]

    lines = planned(stacks, {each.name: modified(each.target.region) for each in stacks})

    assert [
        "    update    network-{region}  the same 1 change in 4 Regions  (tags differ)",
        "              in eu-central-1, eu-west-1, us-east-1, us-west-2",
        "              ~ Topic  AWS::SNS::Topic",
        "                  /Properties/Name: old-{region} → {id}-{region}",
    ] == lines


def test_the_odd_one_is_told_as_a_difference() -> None:
    """Fourteen equal ones must not hide it."""
    stacks = [network(region) for region in REGIONS]
    changes = {each.name: modified(each.target.region) for each in stacks}
    changes["network-eu-west-1"] = modified("eu-west-1", replacement=Replacement.TRUE)

    lines = planned(stacks, changes)

    assert "in 3 Regions" in lines[0]
    assert [
        "    update    network-eu-west-1  eu-west-1  (tags differ)  unlike those above:",
        "              not here:  ~ Topic  AWS::SNS::Topic",
        "              only here: ± Topic  AWS::SNS::Topic  is replaced",
        "                             /Properties/Name: old-{region} → {id}-{region}",
        f"                  in {ACCOUNT}/eu-west-1: "
        f"arn:aws:sns:eu-west-1:{ACCOUNT}:topic-eu-west-1",
    ] == lines[4:]


@pytest.mark.parametrize(
    ("action", "replacement"),
    [("Remove", None), ("Modify", Replacement.TRUE), ("Modify", Replacement.CONDITIONAL)],
)
def test_what_goes_away_is_listed_place_by_place(
    action: str, replacement: Replacement | None
) -> None:
    """A count says not enough of a replacement or a removal."""
    stacks = [network(region) for region in REGIONS]
    going = {
        each.name: replace(modified(each.target.region), action=action, replacement=replacement)
        for each in stacks
    }

    text = "\n".join(planned(stacks, going))

    for region in REGIONS:
        assert f"in {ACCOUNT}/{region}: arn:aws:sns:{region}:{ACCOUNT}:topic-{region}" in text


def test_another_reason_is_another_group() -> None:
    """What is to be read beside the changes is compared as well."""
    stacks = [network(region) for region in REGIONS[:3]]
    world = World()
    for stack in stacks[:2]:
        world.has(replace(stack, tags={"old": "yes"}))
    world.has(network("eu-west-1"), template_digest="other")
    for stack in stacks:
        world.cloud.changes[stack.name] = (modified(stack.target.region),)
    rollout = a_rollout(*stacks)
    made = world.plan(rollout)

    text = plan_text(made, world.ask(made, world.snapshot(rollout)))

    assert "in 2 Regions  (tags differ)" in text


def test_a_text_loses_what_only_its_place_tells() -> None:
    """China's partition, a zone, and the ids that services give."""
    said = "arn:aws-cn:s3:::b-111111111111 in cn-north-1a: subnet-0123456789abcdef0, my-deadbeef"

    assert "arn:{partition}:s3:::b-{account} in {region}a: {id}, {id}" == normal(
        said, Target("111111111111", "cn-north-1")
    )


@pytest.mark.parametrize(
    ("names", "same"),
    [
        (["prod-web-network", "prod-web-data-a"], "prod-web-"),
        (["prod-web"], ""),
        (["web", "web-data"], ""),
        (["alpha", "beta"], ""),
        (["prod-network", "prod-news"], "prod-"),
        ([], ""),
    ],
)
def test_what_all_names_begin_with_ends_at_a_hyphen(names: list[str], same: str) -> None:
    """So that what is left is never nothing, and never half a word."""
    assert same == common_beginning(names)


def test_a_narrow_screen_gets_short_names() -> None:
    """The whole beginning is said once; where nobody looks, names stay whole."""
    stacks = [a_stack(f"production-replicated-storage-{each}") for each in ("network", "data")]
    world = World()
    rollout = a_rollout(*stacks)
    made = world.plan(rollout)

    narrow, whole = plan_text(made, (), 60).splitlines(), plan_text(made, ()).splitlines()

    assert "stacks are called production-replicated-storage-…" == narrow[1]
    assert "    create    data  us-east-1  (no such stack yet)" in narrow
    assert any("production-replicated-storage-data" in line for line in whole)
    assert all(len(line) <= 60 for line in narrow[2:])
