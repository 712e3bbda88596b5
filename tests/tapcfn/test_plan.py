"""Decisions: what is done to each stack, in which order, and why. Values in, a plan out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapcfn.errors import BlockedError, TemplateError
from tapcfn.model import (
    Deployed,
    OutputOf,
    Rollout,
    Snapshot,
    Stack,
    StackStatus,
    Target,
    ZoneOf,
)
from tapcfn.plan import (
    ADVICE,
    Plan,
    Reason,
    Step,
    Verb,
    digest,
    outputs_of,
    plan,
    plan_destroy,
    resolve,
)
from tapcfn.report.outline import plan_text
from tests.fakes import AWAY, HOME, a_deployed, a_rollout, a_stack, a_template

ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")


def snapshot_of(*deployed: Deployed, zones: tuple[str, ...] = ZONES) -> Snapshot:
    """Return a snapshot of these stacks, with the zones of home."""
    return Snapshot({each.name: each for each in deployed}, {HOME: zones})


def only_step(planned: Plan) -> Step:
    """Return the one step that there is."""
    (step,) = planned.steps
    return step


def decided(planned: Plan) -> dict[str, tuple[Verb, Reason]]:
    """Return what was decided for each stack, and why."""
    return {step.stack.name: (step.verb, step.reason) for step in planned.steps}


# The verb by status -------------------------------------------------------------------------------

VERBS: dict[StackStatus | None, Verb | None] = {
    None: Verb.CREATE,
    StackStatus.DELETE_COMPLETE: Verb.CREATE,
    StackStatus.REVIEW_IN_PROGRESS: Verb.CREATE,
    StackStatus.ROLLBACK_COMPLETE: Verb.RECREATE,
    StackStatus.CREATE_COMPLETE: Verb.UPDATE,
    StackStatus.UPDATE_COMPLETE: Verb.UPDATE,
    StackStatus.IMPORT_COMPLETE: Verb.UPDATE,
    StackStatus.UPDATE_ROLLBACK_COMPLETE: Verb.UPDATE,
    StackStatus.IMPORT_ROLLBACK_COMPLETE: Verb.UPDATE,
    StackStatus.CREATE_FAILED: None,
    StackStatus.ROLLBACK_FAILED: None,
    StackStatus.DELETE_FAILED: None,
    StackStatus.UPDATE_FAILED: None,
    StackStatus.UPDATE_ROLLBACK_FAILED: None,
    StackStatus.IMPORT_ROLLBACK_FAILED: None,
} | {status: None for status in StackStatus if status.is_moving}


def test_no_status_is_forgotten() -> None:
    """Whatever CloudFormation may say has a row above: planned for, or refused."""
    assert {None, *StackStatus} == set(VERBS)


@pytest.mark.parametrize("status", [status for status, verb in VERBS.items() if verb])
def test_the_verb_follows_the_status(status: StackStatus | None) -> None:
    """With another template wanted, the deployed status alone decides."""
    stack = a_stack()
    there = [a_deployed(stack, status, template_digest="another")] if status else []

    assert VERBS[status] is only_step(plan(a_rollout(stack), snapshot_of(*there))).verb


@pytest.mark.parametrize("status", [status for status, verb in VERBS.items() if not verb])
def test_what_a_person_must_settle_is_refused(status: StackStatus) -> None:
    """A moving stack, or one with remains of a failure, is refused by name and with advice."""
    stack = a_stack()
    advice = ADVICE.get(status, "settle it before planning")

    with pytest.raises(BlockedError) as caught:
        plan(a_rollout(stack), snapshot_of(a_deployed(stack, status)))

    wanted = f"network: is {status}; {advice}; `recover --stack network` says why"
    assert wanted == str(caught.value)


def test_every_failed_status_has_advice_of_its_own() -> None:
    """Whoever is stuck is told the call that helps. (R-9)"""
    assert {status for status in StackStatus if status.endswith("_FAILED")} == set(ADVICE)


def test_every_stuck_stack_is_named_at_once() -> None:
    """One line for each."""
    one, two = a_stack("one"), a_stack("two")
    there = snapshot_of(
        a_deployed(one, StackStatus.UPDATE_FAILED), a_deployed(two, StackStatus.CREATE_FAILED)
    )

    with pytest.raises(BlockedError) as caught:
        plan(a_rollout(one, two), there)

    assert ["one", "two"] == [line.partition(":")[0] for line in str(caught.value).splitlines()]


# Is there anything to do? -------------------------------------------------------------------------


def test_what_is_deployed_as_wanted_is_left_alone() -> None:
    """Same template, parameters, tags and protection: no step writes. (DS-9)"""
    stack = a_stack(parameters={"Size": "small"}, tags={"team": "a"}, protect=True)
    planned = plan(a_rollout(stack), snapshot_of(a_deployed(stack)))

    assert {"network": (Verb.NONE, Reason.AS_WANTED)} == decided(planned)
    assert not planned.has_work


@pytest.mark.parametrize(
    ("differing", "verb", "reason"),
    [
        ({"template_digest": "x"}, Verb.UPDATE, Reason.TEMPLATE_DIFFERS),
        ({"parameters": {"Size": "large"}}, Verb.UPDATE, Reason.PARAMETERS_DIFFER),
        ({"parameters": {"Gone": "x"}}, Verb.UPDATE, Reason.PARAMETERS_DIFFER),
        ({"tags": {}}, Verb.UPDATE, Reason.TAGS_DIFFER),
        ({"tags": {"team": "b"}}, Verb.UPDATE, Reason.TAGS_DIFFER),
        ({"tags": {"team": "a", "more": "b"}}, Verb.UPDATE, Reason.TAGS_DIFFER),
        ({"protected": True}, Verb.PROTECT, Reason.PROTECTION_DIFFERS),
        ({"template_digest": "x", "protected": True}, Verb.UPDATE, Reason.TEMPLATE_DIFFERS),
        ({"updated": "t2", "reason": "whatever"}, Verb.NONE, Reason.AS_WANTED),
        (
            {"status": StackStatus.UPDATE_ROLLBACK_COMPLETE},
            Verb.NONE,
            Reason.AS_WANTED,
        ),
    ],
)
def test_every_difference_is_seen(differing: dict[str, Any], verb: Verb, reason: Reason) -> None:
    """Each alone is enough, and the reason says which it was."""
    stack = a_stack(parameters={"Size": "small"}, tags={"team": "a"})
    there = a_deployed(stack, **differing)

    assert {"network": (verb, reason)} == decided(plan(a_rollout(stack), snapshot_of(there)))


def test_protection_is_taken_off_where_it_is_no_longer_wanted() -> None:
    """The difference counts in both directions."""
    stack = a_stack(protect=False)

    step = only_step(plan(a_rollout(stack), snapshot_of(a_deployed(stack, protected=True))))

    assert Verb.PROTECT is step.verb


@pytest.mark.parametrize(
    ("default", "reported", "verb"),
    [
        ("small", "small", Verb.NONE),
        (7, "7", Verb.NONE),
        ("", "", Verb.NONE),
        ("small", "large", Verb.UPDATE),
    ],
)
def test_a_default_is_a_value_like_any_other(default: object, reported: str, verb: Verb) -> None:
    """CloudFormation reports defaults as values; they are compared as it reports them."""
    stack = a_stack(defaults={"Size": default})
    there = a_deployed(stack, parameters={"Size": reported})

    assert verb is only_step(plan(a_rollout(stack), snapshot_of(there))).verb


def test_a_template_that_points_outside_is_always_asked_about() -> None:
    """An SSM parameter changes without any template changing."""
    stack = a_stack(template=a_template(Metadata={"a": "{{resolve:ssm:/a}}"}))

    planned = plan(a_rollout(stack), snapshot_of(a_deployed(stack)))

    assert {"network": (Verb.UPDATE, Reason.OUTSIDE_VALUES)} == decided(planned)


# Changes reach dependants -------------------------------------------------------------------------


def chain() -> tuple[Stack, Stack, Stack]:
    """Return three stacks, each fed by the one before."""
    return (
        a_stack("network"),
        a_stack("app", parameters={"Vpc": OutputOf("network", "Id")}),
        a_stack("dns", parameters={"App": OutputOf("app", "Id")}),
    )


def deployed_chain(**network: Any) -> tuple[Deployed, Deployed, Deployed]:
    """Return the chain as it is deployed, but for the first."""
    one, two, three = chain()
    return (
        a_deployed(one, **network),
        a_deployed(two, parameters={"Vpc": "network-Id"}),
        a_deployed(three, parameters={"App": "app-Id"}),
    )


@pytest.mark.parametrize("phases", [1, 3])
def test_a_change_reaches_whoever_depends_on_it(phases: int) -> None:
    """Through the whole chain, and over phases, since outputs may come out different."""
    stacks = chain()
    named = {"all": stacks} if phases == 1 else {each.name: [each] for each in stacks}
    there = snapshot_of(*deployed_chain(template_digest="x"))

    assert {
        "network": (Verb.UPDATE, Reason.TEMPLATE_DIFFERS),
        "app": (Verb.UPDATE, Reason.INPUTS_MAY_DIFFER),
        "dns": (Verb.UPDATE, Reason.INPUTS_MAY_DIFFER),
    } == decided(plan(a_rollout(phases=named), there))


@pytest.mark.parametrize("network", [{}, {"protected": True}])
def test_what_cannot_change_outputs_reaches_nobody(network: dict[str, Any]) -> None:
    """Neither a stack as wanted nor one that only gets its protection touches a dependant."""
    planned = plan(a_rollout(*chain()), snapshot_of(*deployed_chain(**network)))

    assert {Verb.NONE} == {step.verb for step in planned.steps[1:]}


def test_an_output_that_moved_meanwhile_is_seen() -> None:
    """The producer is as wanted, but the consumer still has the old value."""
    planned = plan(a_rollout(*chain()), snapshot_of(*deployed_chain(outputs={"Id": "another"})))

    assert (Verb.UPDATE, Reason.PARAMETERS_DIFFER) == decided(planned)["app"]


def test_an_output_that_is_not_there_yet_is_an_input_that_may_differ() -> None:
    """The producer is deployed, but without the output that is asked for."""
    planned = plan(a_rollout(*chain()), snapshot_of(*deployed_chain(outputs={})))

    assert (Verb.UPDATE, Reason.INPUTS_MAY_DIFFER) == decided(planned)["app"]


def test_only_stacks_that_can_be_updated_have_outputs() -> None:
    """A shell and a rolled back creation have nothing to give."""
    one, two, three = a_stack("one"), a_stack("two"), a_stack("three")
    there = snapshot_of(
        a_deployed(one, StackStatus.REVIEW_IN_PROGRESS),
        a_deployed(two, StackStatus.ROLLBACK_COMPLETE),
        a_deployed(three, StackStatus.UPDATE_ROLLBACK_COMPLETE),
    )

    assert {"three": {"Id": "three-Id"}} == outputs_of(there)


# Rollouts that contradict themselves --------------------------------------------------------------

FEEDS = {"In": OutputOf("network", "Id")}


@pytest.mark.parametrize(
    ("stacks", "fault"),
    [
        ([a_stack("a"), a_stack("b"), a_stack("a")], "blue: two stacks are called a"),
        (
            [a_stack("a", target=HOME), a_stack("a", target=AWAY)],
            "blue: two stacks are called a",
        ),
        (
            [a_stack("app", parameters=FEEDS)],
            "app: In asks for network.Id, which is not part of the rollout",
        ),
        (
            [a_stack("network", outputs=["Other"]), a_stack("app", parameters=FEEDS)],
            "app: In asks for network.Id, which has no such output",
        ),
        (
            [Stack("app", HOME, a_template(), {"Sise": "1"})],
            "app: Sise is no parameter of the template",
        ),
        (
            [Stack("app", HOME, a_template(parameters=["Size"]))],
            "app: parameter Size has no value",
        ),
        (
            [Stack("app", HOME, a_template(parameters=["Size"]), {"Sise": "1"}), a_stack(
                "web", parameters=FEEDS)],
            "web: In asks for network.Id, which is not part of the rollout; "
            "app: Sise is no parameter of the template; app: parameter Size has no value",
        ),
        (
            [
                a_stack("a", parameters={"In": OutputOf("b", "Id")}),
                a_stack("b", parameters={"In": OutputOf("a", "Id")}),
            ],
            "stacks need each other: a -> b -> a",
        ),
        (
            [a_stack("a", parameters={"In": OutputOf("a", "Id")})],
            "stacks need each other: a -> a",
        ),
    ],
)  # fmt: skip
def test_a_rollout_that_contradicts_itself_is_refused(stacks: list[Stack], fault: str) -> None:
    """All faults at once, each with its stack, for a deployment and for a destruction."""
    for make in (plan, plan_destroy):
        with pytest.raises(TemplateError) as caught:
            make(a_rollout(*stacks), snapshot_of())

        assert fault == str(caught.value)


def test_nothing_can_be_asked_of_a_later_phase() -> None:
    """It would only be noticed at apply, when the earlier phase has been deployed."""
    late, early = a_stack("network"), a_stack("app", parameters=FEEDS)

    with pytest.raises(TemplateError) as caught:
        plan(a_rollout(phases={"first": [early], "second": [late]}), snapshot_of())

    assert "app: In asks for network.Id, which comes in a later phase" == str(caught.value)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (OutputOf("nowhere", "Id"), "nowhere.Id, which is not part of the rollout"),
        (OutputOf("network", "Nothing"), "network.Nothing, which has no such output"),
    ],
)
def test_the_rollouts_own_outputs_must_be_somebodys(value: OutputOf, fault: str) -> None:
    """What people are promised at the end is checked at the start."""
    rollout = replace(a_rollout(a_stack("network")), outputs={"VpcId": value})

    with pytest.raises(TemplateError) as caught:
        plan(rollout, snapshot_of())

    assert f"blue: output VpcId asks for {fault}" == str(caught.value)


def test_a_parameter_with_a_default_needs_no_value() -> None:
    """Only those without are asked for."""
    stack = a_stack(defaults={"Size": "small"})

    assert Verb.CREATE is only_step(plan(a_rollout(stack), snapshot_of())).verb


# Order --------------------------------------------------------------------------------------------


def names(planned: Plan) -> list[list[list[str]]]:
    """Return the names in each wave of each phase."""
    return [
        [[step.stack.name for step in wave] for wave in phase.waves] for phase in planned.phases
    ]


def test_waves_are_as_early_as_they_can_be_and_sorted() -> None:
    """What needs nothing comes first; phases keep their order."""
    rollout = a_rollout(
        phases={
            "one": [
                a_stack("z", parameters={"A": OutputOf("b", "Id")}),
                a_stack("b"),
                a_stack("a"),
            ],
            "two": [a_stack("c", parameters={"Z": OutputOf("z", "Id")})],
        }
    )

    assert [[["a", "b"], ["z"]], [["c"]]] == names(plan(rollout, snapshot_of()))


def test_destruction_is_the_same_order_backwards() -> None:
    """Dependants go first, and the last phase first of all."""
    rollout = a_rollout(
        phases={
            "one": [
                a_stack("b"), a_stack("a"), a_stack("z", parameters={"A": OutputOf("b", "Id")}),
            ],
            "two": [a_stack("c", parameters={"Z": OutputOf("z", "Id")})],
        }
    )  # fmt: skip
    there = snapshot_of(*(a_deployed(stack) for stack in rollout.stacks))
    planned = plan_destroy(rollout, there)

    assert ["two", "one"] == [phase.name for phase in planned.phases]
    assert [[["c"]], [["a", "z"], ["b"]]] == names(planned)
    assert {(Verb.DELETE, Reason.NOT_WANTED)} == set(decided(planned).values())


@pytest.mark.parametrize("status", [None, *StackStatus])
def test_destruction_passes_over_what_is_gone_only(status: StackStatus | None) -> None:
    """Any stack that exists in whatever state is to be deleted, a shell too."""
    stack = a_stack()
    there = snapshot_of(*([a_deployed(stack, status)] if status else []))
    gone = status in {None, StackStatus.DELETE_COMPLETE}

    step = only_step(plan_destroy(a_rollout(stack), there))

    assert ((Verb.NONE, Reason.ALREADY_GONE) if gone else (Verb.DELETE, Reason.NOT_WANTED)) == (
        step.verb,
        step.reason,
    )


@st.composite
def rollouts(draw: st.DrawFn) -> Rollout:
    """Draw stacks that need earlier ones only, shuffled, and cut into phases."""
    count = draw(st.integers(1, 8))
    stacks = [
        a_stack(
            f"s{number}",
            parameters={
                f"P{need}": OutputOf(f"s{need}", "Id")
                for need in sorted(draw(st.sets(st.integers(0, number - 1)) if number else st.just(
                    set())))
            },
        )
        for number in range(count)
    ]  # fmt: skip
    cut = draw(st.integers(0, count))
    return a_rollout(
        phases={
            "one": draw(st.permutations(stacks[:cut])),
            "two": draw(st.permutations(stacks[cut:])),
        }
    )


@given(rollouts())
@settings(max_examples=50)
def test_waves_respect_every_need(rollout: Rollout) -> None:
    """Each stack stands once, after all that it needs; destruction has it the other way round."""
    order = [step.stack for step in plan(rollout, snapshot_of()).steps]
    back = [step.stack for step in plan_destroy(rollout, snapshot_of()).steps]
    at = {stack.name: number for number, stack in enumerate(order)}
    back_at = {stack.name: number for number, stack in enumerate(back)}

    assert sorted(at) == sorted(stack.name for stack in rollout.stacks)
    assert all(at[need] < at[stack.name] for stack in order for need in stack.needs)
    assert all(back_at[need] > back_at[stack.name] for stack in back for need in stack.needs)


@given(rollouts())
@settings(max_examples=50)
def test_a_step_waits_for_what_it_needs_in_its_own_phase(rollout: Rollout) -> None:
    """Needs in earlier phases are done by then; all others are edges."""
    for phase in plan(rollout, snapshot_of()).phases:
        own = {step.stack.name for step in phase.steps}

        assert all(step.needs == step.stack.needs & own for step in phase.steps)


# Parameter values ---------------------------------------------------------------------------------


def test_values_are_resolved_as_far_as_they_are_known() -> None:
    """Literals, outputs and zones become text; inputs that are not known are listed."""
    stack = a_stack(
        parameters={
            "Size": "small",
            "Vpc": OutputOf("network", "Id"),
            "Key": OutputOf("keys", "Arn"),
            "Zone": ZoneOf(1),
        }
    )

    values, unknown = resolve(stack, {"network": {"Id": "vpc-1"}}, None, ZONES)

    assert {"Size": "small", "Vpc": "vpc-1", "Zone": "us-east-1b"} == values
    assert (OutputOf("keys", "Arn"),) == unknown


def test_an_empty_output_is_known() -> None:
    """Empty is a value, and not the same as missing."""
    stack = a_stack(parameters={"Vpc": OutputOf("network", "Id")})

    assert ({"Vpc": ""}, ()) == resolve(stack, {"network": {"Id": ""}}, None, ())


@pytest.mark.parametrize(
    ("status", "zone"),
    [
        (StackStatus.CREATE_COMPLETE, "us-east-1f"),
        (StackStatus.UPDATE_ROLLBACK_COMPLETE, "us-east-1f"),
        (StackStatus.REVIEW_IN_PROGRESS, "us-east-1a"),
        (StackStatus.DELETE_COMPLETE, "us-east-1a"),
        (None, "us-east-1a"),
    ],
)
def test_a_zone_is_chosen_once_and_remembered(status: StackStatus | None, zone: str) -> None:
    """A deployed stack keeps its zone even where the Region no longer offers it."""
    stack = a_stack(parameters={"Zone": ZoneOf(0)})
    deployed = a_deployed(stack, status, parameters={"Zone": "us-east-1f"}) if status else None

    assert ({"Zone": zone}, ()) == resolve(stack, {}, deployed, ZONES)


def test_a_new_zone_in_the_region_changes_no_deployed_stack() -> None:
    """The sorted names have shifted; the plan has not."""
    stack = a_stack(parameters={"Zone": ZoneOf(0)})
    there = a_deployed(stack, parameters={"Zone": "us-east-1b"})

    assert Verb.NONE is only_step(plan(a_rollout(stack), snapshot_of(there))).verb


def test_a_stack_that_gets_a_zone_for_the_first_time_has_it_chosen() -> None:
    """It is deployed, but without the parameter."""
    stack = a_stack(parameters={"Zone": ZoneOf(2)})
    there = replace(a_deployed(stack), parameters={})

    assert ({"Zone": "us-east-1c"}, ()) == resolve(stack, {}, there, ZONES)


def test_a_region_with_too_few_zones_is_named() -> None:
    """Before any write, with what is wanted and what there is."""
    stack = a_stack(parameters={"Zone": ZoneOf(3)})

    with pytest.raises(BlockedError) as caught:
        resolve(stack, {}, None, ZONES)

    assert "network: Zone wants Availability Zone 3, and us-east-1 has 3 zones" == str(caught.value)


# The digest of a rollout --------------------------------------------------------------------------


def a_small_rollout(**stack: Any) -> Rollout:
    given = {"parameters": {"Size": "s", "In": OutputOf("network", "Id")}, "tags": {"a": "1"}}
    return a_rollout(a_stack("network"), a_stack("app", **(given | stack)))


@pytest.mark.parametrize(
    "stack",
    [
        {"parameters": {"Size": "l", "In": OutputOf("network", "Id")}},
        {"parameters": {"Size": "s", "In": OutputOf("network", "Other")}},
        {"parameters": {"Size": "s", "In": "network.Id"}},
        {"parameters": {"Size": ZoneOf(0), "In": OutputOf("network", "Id")}},
        {"tags": {"a": "2"}},
        {"tags": {}},
        {"protect": True},
        {"adopt": True},
        {"target": AWAY},
        {"target": Target("222222222222", "us-east-1")},
        {"version": "2"},
        {"resources": {"Other": "AWS::SNS::Topic"}},
    ],
)
def test_the_digest_changes_with_every_input(stack: dict[str, Any]) -> None:
    """Whatever is wanted differently gives another digest."""
    assert digest(a_small_rollout()) != digest(a_small_rollout(**stack))


def test_a_literal_is_not_the_output_that_reads_like_it() -> None:
    """`network.Id` as text, and the output Id of network, are different wants."""
    as_text = a_small_rollout(parameters={"Size": "Availability Zone 0"})
    as_zone = a_small_rollout(parameters={"Size": ZoneOf(0)})

    assert digest(as_text) != digest(as_zone)


def test_the_digest_changes_with_phases_and_order() -> None:
    """A stack in another phase, or another name for a phase, is another rollout."""
    one, two = a_stack("one"), a_stack("two")
    digests = {
        digest(a_rollout(phases=phases))
        for phases in ({"a": [one, two]}, {"a": [one], "b": [two]}, {"c": [one, two]}, {"a": [one]})
    }

    assert 4 == len(digests)


@given(st.permutations(["A", "B", "C"]), st.permutations(["x", "y"]))
def test_the_digest_does_not_know_the_order_of_a_mapping(keys: list[str], tags: list[str]) -> None:
    """Equal wants, equal digests."""

    def rollout(keys: list[str], tags: list[str]) -> Rollout:
        return a_rollout(
            a_stack(parameters={key: key for key in keys}, tags={tag: tag for tag in tags})
        )

    assert digest(rollout(["A", "B", "C"], ["x", "y"])) == digest(rollout(keys, tags))


def test_the_digest_does_not_know_where_a_line_stands() -> None:
    """The source map is not part of what is wanted."""
    template = a_template()
    moved = replace(template, source={})

    assert digest(a_rollout(a_stack(template=template))) == digest(
        a_rollout(a_stack(template=moved))
    )


# As a person reads it -----------------------------------------------------------------------------


def test_a_plan_reads_as_an_outline() -> None:
    """Phases, waves, verbs, Regions and reasons; and the sum of it."""
    network, app = a_stack("network"), a_stack("app", parameters=FEEDS, target=AWAY)
    done = a_stack("done")
    rollout = a_rollout(phases={"base": [network, app], "rest": [done]})

    planned = plan(rollout, snapshot_of(a_deployed(done)))

    assert """\
blue · stage test · account 111111111111 · us-east-1, us-west-2

phase base
  wave 1
    create    network  us-east-1  (no such stack yet)
  wave 2
    create    app  us-west-2  (no such stack yet)
phase rest
  wave 1
    none      done  us-east-1  (deployed as wanted)

Stacks: 2 to create.""" == plan_text(planned, ())
