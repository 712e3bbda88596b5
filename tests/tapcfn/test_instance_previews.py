"""No instance goes unguarded: not outside a sample, and not where no change set can be asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from tapcfn.instance_previews import HIDDEN, SetPreview, blocks_set, preview_set
from tapcfn.model import FoundSet, InstanceStatus, StackSet, Target
from tapcfn.report.spreads import set_lines
from tapcfn.stack_sets.comparing import plan_spread
from tapcfn.stack_sets.cover import cover
from tapcfn.stack_sets.finding import resolve_set
from tapcfn.stack_sets.spread import Spread
from tapcfn.stack_sets.steps import SetStep
from tests.fakes import World, a_stack, a_template
from tests.fakes.set_cloud import FakeSetCloud
from tests.tapcfn.stack_sets.examples import EAST, WEST, A, B, C, a_set

PAIRS = tuple(Target(account, EAST) for account in (A, B, C))
BUCKET = {"Topic": "AWS::SNS::Topic", "Bucket": "AWS::S3::Bucket"}
OLD = a_set(*PAIRS, template=a_template("baseline", resources=BUCKET, defaults={"Size": "1"}))
NEW = a_set(*PAIRS, template=a_template("baseline", version="2", defaults={"Size": "1"}))


# Keeps its data: another value for all.
OLD_SIZED = replace(OLD, parameters={"Size": "2"})


class Fleet:
    """A set with an instance in each of its pairs, and their stacks."""

    def __init__(self, deployed: StackSet = OLD) -> None:
        self.world, self.sets = World(), FakeSetCloud()
        self.sets.has(deployed)
        for pair, each in self.sets.there["baseline"].items():
            stack = a_stack(f"StackSet-{pair.account}", target=pair, template=OLD.template)
            self.world.has(stack, stack_id=each.stack_id, template=OLD.template.text)

    def spread(self, wanted: StackSet) -> Spread:
        found = FoundSet(self.sets.deployed["baseline"], dict(self.sets.there["baseline"]))
        return plan_spread(resolve_set(wanted, {}, found)[0], found, cover)

    def preview(self, spread: Spread, **how: object) -> SetPreview:
        world = self.world
        return preview_set(spread, world.cloud, world.ledger, world.pool, **how)  # type: ignore[arg-type]

    def staged(self) -> list[str]:
        return [each.subject for each in self.world.cloud.calls if each.name == "stage"]


def objected(preview: SetPreview) -> list[Target]:
    return [pair for pair, _ in preview.findings]


def test_instances_outside_a_sample_are_guarded_by_the_templates() -> None:
    """One is asked; the others lose their bucket all the same."""
    fleet = Fleet()

    preview = fleet.preview(fleet.spread(NEW), sample=1)

    assert fleet.staged() == [f"StackSet-{A}"]
    assert objected(preview) == list(PAIRS)
    assert blocks_set(replace(preview, instances=()))


def test_what_is_outside_a_sample_is_told_in_the_plan() -> None:
    """With what is objected to."""
    fleet = Fleet()
    spread = fleet.spread(NEW)
    step = SetStep(NEW, spread.found, spread)

    text = "\n".join(set_lines(step, fleet.preview(spread, sample=1)))

    assert "2 more instances were not asked about (--sample), so only the templates tell" in text
    assert text.count("TAP001") == 2


def test_an_instance_outside_a_sample_that_is_outdated_is_compared_with_its_own_template() -> None:
    """The set has the new template already: it says nothing of what would go."""
    fleet = Fleet(NEW)
    here = fleet.sets.there["baseline"]
    for pair in PAIRS[:2]:
        here[pair] = replace(here[pair], status=InstanceStatus.OUTDATED)

    preview = fleet.preview(fleet.spread(NEW), sample=1)

    assert objected(preview) == list(PAIRS[:2])
    assert fleet.staged() == [f"StackSet-{A}"]


def test_where_secrets_are_unknown_the_instances_own_templates_tell() -> None:
    """Nothing is asked for, the guard objects, and it is said. (NoEcho)"""
    fleet = Fleet(NEW)
    here = fleet.sets.there["baseline"]
    here[PAIRS[1]] = replace(here[PAIRS[1]], status=InstanceStatus.OUTDATED)

    preview = fleet.preview(fleet.spread(NEW), unasked=HIDDEN)

    assert objected(preview) == [PAIRS[1]]
    assert [each.unasked for each in preview.instances] == [HIDDEN]
    assert fleet.staged() == []
    step = SetStep(NEW, fleet.spread(NEW).found, fleet.spread(NEW))
    assert HIDDEN in "\n".join(set_lines(step, preview))


def lines(fleet: Fleet, wanted: StackSet, *usual: float) -> list[str]:
    """Return what the plan says of the set itself."""
    spread = fleet.spread(wanted)
    preview = SetPreview("baseline", usual=usual)
    return [each.strip() for each in set_lines(SetStep(wanted, spread.found, spread), preview)]


def test_an_override_that_hides_a_new_value_is_named() -> None:
    """The pair never sees it. (R-20)"""
    fleet = Fleet(replace(OLD, overrides={PAIRS[0]: {"Size": "9"}}))
    wanted = replace(OLD, parameters={"Size": "2"}, overrides={PAIRS[0]: {"Size": "9"}})

    told = lines(fleet, wanted)

    assert f"! Size changes, and an override hides it in {PAIRS[0]}" in told
    same = replace(NEW, overrides={PAIRS[0]: {"Size": "9"}})
    assert not [each for each in lines(fleet, same) if "hides" in each]


def test_what_each_pair_is_told_stands_in_the_plan_where_there_are_overrides() -> None:
    """Pairs that are told the same together; what is secret is hidden."""
    secret = a_template("baseline", version="2", defaults={"Size": "1"})
    document = {**secret.document["Parameters"], "Key": {"Type": "String", "NoEcho": True}}
    template = a_template("baseline", version="3", Parameters=document)
    wanted = a_set(
        *PAIRS,
        template=template,
        parameters={"Key": "hush"},
        overrides={PAIRS[1]: {"Size": "9"}},
    )

    told = lines(Fleet(), wanted)

    assert f"1 with Key=****, Size=9: {PAIRS[1]}" in told
    assert f"2 with Key=****, Size=1: {PAIRS[0]}, {PAIRS[2]}" in told
    assert not [each for each in lines(Fleet(), NEW) if "with Size" in each]


def test_the_plan_says_how_the_calls_that_it_has_will_go() -> None:
    """Of the pairs that change, and no others; with durations where they are known. (R-4)"""
    fleet = Fleet()
    wanted = a_set(*PAIRS, Target(A, WEST), template=OLD.template)

    assert "wave all: 1 instance, at most 1 at once, 1 touched if everything fails" in "\n".join(
        lines(fleet, wanted)
    )
    timed = next(each for each in lines(fleet, NEW, 60.0, 90.0) if each.startswith("wave all: 3 i"))
    assert "about" in timed
    assert "at least" in timed
    assert not [each for each in lines(fleet, NEW) if "about" in each]


def calls(fleet: Fleet) -> dict[str, int]:
    """Return how often the cloud was asked, by what for."""
    return dict(Counter(each.name for each in fleet.world.cloud.calls))


def test_an_instance_that_is_current_takes_three_calls() -> None:
    """Its template is the set's, so nobody asks for it; each account says once who it is."""
    fleet = Fleet()
    spread = fleet.spread(OLD_SIZED)
    fleet.world.cloud.calls.clear()

    preview = fleet.preview(spread)

    assert calls(fleet) == {"caller": 3, "stack": 3, "stage": 3, "discard": 3}
    assert [each.unasked for each in preview.instances] == [""] * 3


def test_an_instance_that_is_outdated_is_asked_for_its_template() -> None:
    """The set says nothing of that."""
    fleet = Fleet()
    here = fleet.sets.there["baseline"]
    here[PAIRS[0]] = replace(here[PAIRS[0]], status=InstanceStatus.OUTDATED)
    spread = fleet.spread(OLD_SIZED)
    fleet.world.cloud.calls.clear()

    fleet.preview(spread)

    assert calls(fleet)["template"] == 1


def test_a_sample_asks_nothing_of_the_others() -> None:
    """Instances that are alike are told by the templates that are known."""
    fleet = Fleet()
    spread = fleet.spread(OLD_SIZED)
    fleet.world.cloud.calls.clear()

    preview = fleet.preview(spread, sample=1)

    assert calls(fleet) == {"caller": 1, "stack": 1, "stage": 1, "discard": 1}
    assert len(preview.left_out) == 2
