"""A rollout is led through its moves, falls back where a gate fails, and goes no way twice."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tapcfn.cli.app import run as run_command
from tests.end_to_end.conftest import Bench, Result

PROJECT = Path(__file__).parents[2]

BLUEPRINT = '''
"""A shop that moves from an old house to a new one."""

from pathlib import Path

from troposphere import Parameter, Ref, sns

from tapcfn.config import Common
from tapcfn.model import (
    CommandCheck, Gate, LockDownDefaultGroup, Move, Phase, Rollout, Stack, Target,
)
from tapcfn.templating import Template, body


class Settings(Common):
    folder: str


def topic(name):
    template = Template(name)
    share = template.add_parameter(Parameter("Weight", Type="String", Default="0"))
    template.add(sns.Topic("Topic", DisplayName=Ref(share)))
    return body(name, template)


def rollout(settings, stage):
    here = Target(settings.account_id, "us-east-1")

    def stack(name, **parameters):
        return Stack(f"{stage}-shop-{name}", here, topic(name), parameters)

    def gate(name):
        folder = Path(settings.folder)
        script = f"rm {folder}/stop && kill -INT $PPID; test -e {folder}/{name}"
        return Gate(name, CommandCheck(("sh", "-c", script)), timeout=0.5, every=0.1)

    moves = (
        Move("sync", "wait until all is there", gates=(gate("synced"),)),
        Move("shift-50", "half of it", (stack("dns", Weight="50"),), gates=(gate("well"),),
             falls_back=True),
        Move("shift-100", "all of it", (stack("dns", Weight="100"),), gates=(gate("well"),),
             falls_back=True),
        Move("monitor", "watch it", gates=(gate("quiet"),), falls_back=True),
        Move("retire", "the old house goes", removes=(f"{stage}-shop-old",),
             forever="it is deleted", confirm="give-up-the-old-house"),
    )
    base = Phase("provision", (stack("old"), stack("dns", Weight="0")))
    return Rollout("shop", stage, (base,), moves=moves)
'''


@dataclass
class Shop:
    """The blueprint, in its own account of the local cloud."""

    bench: Bench
    package: str
    folder: Path

    def run(self, command: str, *words: str) -> Result:
        """Run a command on the shop."""
        self.bench.capture()
        code = run_command(self.package, [command, "shop", *words])
        return Result(code, *self.bench.capture())

    def apply(self, *words: str) -> Result:
        """Apply, in the language of programs."""
        return self.run("apply", "--json", *words)

    def allow(self, *gates: str) -> None:
        """Let these gates be good, and no others."""
        for name in ("synced", "well", "quiet", "stop"):
            (self.folder / name).unlink(missing_ok=True)
        for name in gates:
            (self.folder / name).touch()

    def noted(self, move: str) -> list[str]:
        """Return what the folder's runs have noted of a move, in order."""
        files = sorted(Path(".tapcfn/runs").glob("*.ndjson"))
        lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
        return [
            each["state"]
            for each in lines
            if each["kind"] == "move" and each["move"].startswith(f"{move}:")
        ]

    @property
    def weight(self) -> str:
        """What the deployed stack says."""
        client = self.bench.client("cloudformation")
        (stack,) = client.describe_stacks(StackName="local-shop-dns")["Stacks"]
        return str(stack["Parameters"][0]["ParameterValue"])

    @property
    def deployed(self) -> dict[str, tuple[str, Any]]:
        """What is deployed: templates and parameters, byte by byte."""
        client = self.bench.client("cloudformation")
        return {
            name: (
                json.dumps(client.get_template(StackName=name)["TemplateBody"]),
                client.describe_stacks(StackName=name)["Stacks"][0].get("Parameters"),
            )
            for name in (f"local-shop-{each}" for each in self.stacks)
        }

    @property
    def stacks(self) -> set[str]:
        """The names of what is deployed."""
        found = self.bench.client("cloudformation").describe_stacks()["Stacks"]
        return {each["StackName"].removeprefix("local-shop-") for each in found}


@pytest.fixture
def shop(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Return a shop that nobody has deployed yet."""
    name = f"shop_{tmp_path.name}".replace("-", "_")
    home = tmp_path / name / "blueprints"
    home.mkdir(parents=True)
    (tmp_path / name / "__init__.py").touch()
    (home / "__init__.py").write_text(f'BLUEPRINTS = {{"shop": "{name}.blueprints.shop"}}\n')
    (home / "shop.py").write_text(dedent(BLUEPRINT))
    (tmp_path / name / "settings").mkdir()
    settings = {"backend": "local", "account": bench.account, "folder": str(tmp_path)}
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
    (tmp_path / name / "settings" / "shop.local.toml").write_text(
        text + "termination_protection = false\nkeep_data = false\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield Shop(bench, f"{name}.blueprints", tmp_path)
    for module in [each for each in sys.modules if each.startswith(name)]:
        del sys.modules[module]


def moves(result: Result) -> list[tuple[str, bool, bool]]:
    """Return how each move ended: its name, whether it was taken back, whether it passed."""
    ends: list[dict[str, Any]] = result.of_type("move.end")
    return [(each["move"], each["back"], each["passed"]) for each in ends]


def test_only_a_gate_that_asks_a_person_is_answered_beforehand(shop: Shop) -> None:
    """A gate that looks for itself is not talked over; nothing is moved."""
    refused = shop.apply("--until", "sync", "--approve", "synced")

    assert refused.code == 2
    assert "--approve synced: no gate of that name asks a person (none does)" in refused.out
    assert shop.noted("sync") == []


def test_a_rollout_is_led_to_a_move_and_stays_there(shop: Shop) -> None:
    """An apply that names no move goes on from where it stands, and moves nothing."""
    shop.allow("synced", "well")

    first = shop.apply("--until", "shift-50")

    assert (0, "50") == (first.code, shop.weight), first.err
    assert [("sync", False, True), ("shift-50", False, True)] == moves(first)
    again = shop.apply()
    assert (0, "50", []) == (again.code, shop.weight, moves(again))
    assert 0 == shop.run("plan", "--detailed-exitcode").code
    assert "stands there already" in shop.run("apply", "--until", "shift-50").out


def test_a_gate_that_fails_takes_the_move_back(shop: Shop) -> None:
    """The weights go back to the last good step, the run exits 1, and the samples are told."""
    shop.allow("synced", "well")
    assert 0 == shop.apply("--until", "shift-50").code
    shop.allow("synced")

    failed = shop.apply("--until", "shift-100")

    assert (1, "50") == (failed.code, shop.weight)
    assert [("shift-100", False, False), ("shift-100", True, True)] == moves(failed)
    gate = failed.of_type("gate")[-1]
    assert ("well", "failed", False) == (gate["name"], gate["verdict"], gate["samples"][-1]["good"])
    assert 1 == failed.lines[-1]["exit_code"]
    shop.allow("synced", "well")
    assert (0, "100") == (shop.apply("--until", "shift-100").code, shop.weight)


def test_a_gate_that_does_not_open_leaves_what_can_be_waited_for(shop: Shop) -> None:
    """A move that says nothing of falling back stays where it is, and holds its gate again."""
    stopped = shop.apply("--until", "shift-50")

    assert (1, "0") == (stopped.code, shop.weight)
    assert [("sync", False, False)] == moves(stopped)
    shop.allow("synced", "well")
    assert [("sync", False, True), ("shift-50", False, True)] == moves(
        shop.apply("--until", "shift-50")
    )


@pytest.mark.drill
def test_every_move_is_taken_back_to_the_first_state(shop: Shop) -> None:
    """What is deployed then is what was deployed before, parameter by parameter."""
    shop.allow("synced", "well")
    assert 0 == shop.apply().code
    before = shop.bench.client("cloudformation").describe_stacks()["Stacks"]
    assert 0 == shop.apply("--until", "shift-100").code

    back = shop.apply("--back-to", "base")

    assert 0 == back.code
    assert ["shift-100", "shift-50", "sync"] == [name for name, _, _ in moves(back)]
    after = shop.bench.client("cloudformation").describe_stacks()["Stacks"]
    assert [each.get("Parameters") for each in before] == [each.get("Parameters") for each in after]


def test_the_point_of_no_return_is_crossed_by_name_and_once(shop: Shop) -> None:
    """Without its name nothing moves; behind it there is no way back, and the reason is said."""
    shop.allow("synced", "well", "quiet")
    refused = shop.apply("--no-input", "--until", "retire")
    assert (2, set()) == (refused.code, shop.stacks)
    assert "--confirm-point-of-no-return give-up-the-old-house" in refused.lines[-2]["message"]

    crossed = shop.apply(
        "--until", "retire", "--confirm-point-of-no-return", "give-up-the-old-house"
    )

    assert (0, {"dns"}) == (crossed.code, shop.stacks), crossed.out
    noted = shop.noted("retire")
    assert ["confirmed", "begun", "passed"] == noted
    back = shop.apply("--back-to", "shift-100")
    assert (4, "100") == (back.code, shop.weight)
    assert "retire cannot be taken back: it is deleted" in back.lines[-2]["message"]
    assert 0 == shop.run("plan", "--detailed-exitcode").code


def test_a_move_that_only_watches_takes_back_what_it_watches(shop: Shop) -> None:
    """It changes no stack of its own: to take it back alone would leave the weights."""
    shop.allow("synced", "well")

    failed = shop.apply("--until", "monitor")

    assert (1, "50") == (failed.code, shop.weight)
    assert [("monitor", False, False), ("monitor", True, True), ("shift-100", True, True)] == moves(
        failed
    )[-3:]


def test_an_interrupted_move_says_where_it_stands_and_both_ways(shop: Shop) -> None:
    """The weights are as they are then: the next command is said, not looked for."""
    shop.allow("synced", "well")
    assert 0 == shop.apply("--until", "sync").code
    shop.allow("synced", "stop")

    stopped = shop.run("apply", "--until", "shift-50")

    assert (130, "50") == (stopped.code, shop.weight)
    assert "shift-50 was begun and is not over" in stopped.err
    assert "--until shift-50" in stopped.err
    assert "--back-to sync" in stopped.err
    shop.allow("synced")
    told = shop.run("phases").out
    assert "shift-50 was not seen to be over" in told
    held = shop.apply("--until", "shift-50")
    assert (1, "0") == (held.code, shop.weight)


def test_an_interrupted_shift_falls_back_where_that_is_asked_for(shop: Shop) -> None:
    """To the last good step, which had passed; said, and 130 all the same. (X-35)"""
    shop.allow("synced", "well")
    assert 0 == shop.apply("--until", "shift-50").code
    shop.allow("synced", "stop")

    stopped = shop.apply("--until", "shift-100", "--cancel-on-interrupt")

    assert (130, "50") == (stopped.code, shop.weight)
    assert [("shift-100", False, False), ("shift-100", True, True)] == moves(stopped)
    assert "interrupted" == stopped.of_type("move.end")[0]["cause"]
    assert ("interrupted", 130) == tuple(stopped.lines[-1][key] for key in ("status", "exit_code"))
    shop.allow("synced", "well")
    assert (0, "100") == (shop.apply("--until", "shift-100").code, shop.weight)


def test_an_interrupted_wait_takes_nothing_back(shop: Shop) -> None:
    """A move that says nothing of falling back is left as it is, and so is what passed before."""
    shop.allow("synced", "stop")

    stopped = shop.run("apply", "--until", "shift-50", "--cancel-on-interrupt")

    assert (130, "0") == (stopped.code, shop.weight)
    assert "sync was begun and is not over" in stopped.err


def test_the_way_is_planned_and_its_points_of_no_return_are_named(shop: Shop) -> None:
    """From where it stands; nothing is moved by it."""
    shop.allow("synced", "well")
    assert 0 == shop.apply("--until", "shift-50").code

    planned = shop.run("plan")
    on = shop.run("plan", "--until", "retire", "--detailed-exitcode")
    back = shop.run("plan", "--back-to", "base")

    assert "points of no return ahead: retire (give-up-the-old-house)" in planned.out
    assert (10, 0, "50") == (on.code, back.code, shop.weight)
    heads = [line.split()[1] for line in on.out.splitlines() if line.startswith("move ")]
    assert ["shift-100", "monitor", "retire"] == heads
    assert ["shift-50", "sync"] == [
        line.split()[1] for line in back.out.splitlines() if line.startswith("back ")
    ]


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        ("give-up-the-old-house\n", 0, ""),
        ("yes\n", 130, '"yes" is not "give-up-the-old-house": nothing was moved'),
        ("", 2, "no answer came, the input has ended"),
    ],
    ids=["right", "wrong", "end"],
)
def test_a_point_of_no_return_is_typed_at_a_terminal(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, typed: str, code: int, said: str
) -> None:
    """Its own name alone lets the old house go."""
    shop.allow("synced", "well", "quiet")
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))

    crossed = shop.run("apply", "--until", "retire")

    assert code == crossed.code, crossed.err
    assert ({"dns"} if code == 0 else set()) == shop.stacks
    assert said in crossed.err


def test_the_runbook_is_written_and_says_where_it_stands(shop: Shop) -> None:
    """As a page, and as text."""
    page = shop.folder / "runbook.html"

    written = shop.run("runbook", "--format", "html", "--out", str(page))
    phases = shop.run("phases", "--json").of_type("phases")[-1]

    assert 0 == written.code, written.err
    for move in ("sync", "shift-50", "shift-100", "monitor", "retire"):
        assert f"--until {move}" in page.read_text()
    assert ("base", "sync", True) == (phases["here"], phases["next"], phases["passed"])
    assert "base" in shop.run("phases").out


def test_what_stands_at_no_move_is_led_nowhere(shop: Shop) -> None:
    """Somebody has set a weight by hand."""
    shop.allow("synced", "well")
    assert 0 == shop.apply().code
    client = shop.bench.client("cloudformation")
    client.update_stack(
        StackName="local-shop-dns",
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": "Weight", "ParameterValue": "37"}],
    )
    client.get_waiter("stack_update_complete").wait(
        StackName="local-shop-dns", WaiterConfig={"Delay": 1}
    )

    lost = shop.apply("--until", "shift-50")

    assert (4, "37") == (lost.code, shop.weight)
    assert "Weight 37" in lost.lines[-2]["message"]
    said = shop.apply("--at", "shift-50", "--until", "shift-100")
    assert (0, "100") == (said.code, shop.weight)


@pytest.mark.drill
def test_what_is_deployed_anew_begins_at_the_beginning(shop: Shop) -> None:
    """A move that had passed before a destroy says nothing of what comes after it."""
    shop.allow("synced", "well")
    assert 0 == shop.apply("--until", "sync").code
    assert 0 == shop.run("destroy").code
    shop.allow("well")

    again = shop.apply("--until", "shift-50")

    assert (1, [("sync", False, False)]) == (again.code, moves(again))


# Which line of the ledger is the last of a run that dies, drawn once.
_DRAW = random.Random(2026)


@pytest.mark.parametrize(
    ("there", "back"),
    [
        (_DRAW.randint(4, 9), _DRAW.randint(3, 7)),
        *(
            pytest.param(there, back, marks=pytest.mark.drill)
            for there, back in zip(range(2, 14), range(13, 1, -1), strict=True)
        ),
    ],
)
def test_runs_that_die_on_the_way_and_on_the_way_back_are_gone_on_with(
    shop: Shop, there: int, back: int
) -> None:
    """S3-21: by the same command; nothing is left out, and the first state is found again."""
    shop.allow("synced", "well")
    assert 0 == shop.apply().code
    first = shop.deployed
    killed(shop, there, "--until", "shift-50")

    assert 0 == shop.apply("--until", "shift-50").code
    assert "50" == shop.weight
    killed(shop, back, "--back-to", "base")

    assert 0 == shop.apply("--back-to", "base").code
    assert (first, "0") == (shop.deployed, shop.weight)


def killed(shop: Shop, line: int, *words: str) -> None:
    """Lead it on by a process that dies at a line of its ledger, if it writes so many."""
    dies = [sys.executable, "-m", "tests.drills.killed", "note-after", str(line), "apply", "shop"]
    path = os.pathsep.join((str(PROJECT), str(shop.folder)))
    subprocess.run(
        [*dies, *words],
        cwd=shop.bench.root,
        env={**os.environ, "PYTHONPATH": path, "TEMPLATES": shop.package},
        capture_output=True,
        timeout=60,
    )


def test_moves_that_contradict_themselves_are_refused_before_anything_is_read(shop: Shop) -> None:
    """What is forever, and has no name to confirm it by, would be crossed by mistake."""
    module = next(shop.folder.rglob("shop.py"))
    module.write_text(module.read_text().replace(', confirm="give-up-the-old-house"', ""))

    refused = shop.run("apply", "--until", "retire")

    assert (2, set()) == (refused.code, shop.stacks)
    assert "move retire: is forever, and has no name to confirm it by" in refused.err


def test_the_whole_way_is_rehearsed_on_a_cloud_of_its_own(shop: Shop) -> None:
    """Nobody is asked and no command is run: the way, how long it takes, and nothing is left."""
    rehearsed = shop.run("rehearse", "--until", "retire", "--speed", "500", "--json")

    assert 0 == rehearsed.code, rehearsed.out[-2000:]
    names = ["sync", "shift-50", "shift-100", "monitor", "retire"]
    assert [(name, False, True) for name in names] == moves(rehearsed)
    (taught,) = rehearsed.of_type("rehearsal")
    assert {"local-shop-old", "local-shop-dns"} == {each["unit"] for each in taught["units"]}
    assert all(each["end"] > each["start"] for each in taught["units"])
    assert names == [each["move"] for each in taught["moves"]]
    assert [("well", True)] == [(g["name"], g["asked"]) for g in taught["moves"][1]["gates"]]
    assert "shift-50: local-shop-dns" in taught["critical_path"]
    last = taught["moves"][-1]
    assert abs(taught["seconds"] - last["start"] - last["seconds"]) <= 1
    assert (None, False, []) == tuple(
        taught[key] for key in ("longest_refusal", "refused_at_end", "not_tried")
    )
    assert set() == shop.stacks


def test_a_rehearsal_of_no_move_is_refused_before_anything_starts(shop: Shop) -> None:
    """With the moves that there are."""
    refused = shop.run("rehearse", "--until", "shift-75")

    assert 2 == refused.code
    assert "there are: base, sync, shift-50, shift-100, monitor, retire" in refused.err
