"""A rollout as a table of accounts and Regions that fits the screen. (D-3)"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapcfn.model import DetailedStatus, Preferences, Share, Target
from tapcfn.report.matrix import matrix, painted, sign_of, totals_line
from tapcfn.stack_sets.causes import Cluster, cluster
from tapcfn.stack_sets.cells import Cell, Standing

REGIONS = (
    "us-east-1",
    "us-west-2",
    "eu-west-1",
    "eu-central-1",
    "ap-northeast-1",
    "ap-southeast-2",
)
ACCOUNTS = tuple(digit * 12 for digit in "12345678")
STATUSES = (*["SUCCEEDED"] * 3, "FAILED", "RUNNING", "PENDING", "CANCELLED", "SUCCEEDED")
ORDER = Preferences(("eu-west-1",), parallel=True, tolerance=Share(3), concurrent=Share(3))
UNITS = {account: f"ou-ab12-0000000{number % 3}" for number, account in enumerate(ACCOUNTS)}

REASON = (
    'Resource handler returned message: "logs-{0.account}-{0.region} already exists" '
    "(RequestToken: 470fe0b5-5c5e-4d5a-9f6b-0f0d0c0b0a09, HandlerErrorCode: AlreadyExists)"
)


def rollout(accounts: tuple[str, ...] = ACCOUNTS) -> dict[Target, Cell]:
    """Return a rollout with some of everything."""
    cells = {}
    for row, account in enumerate(accounts):
        for column, region in enumerate(REGIONS):
            status = STATUSES[(row * 5 + column) % len(STATUSES)]
            took = {"SUCCEEDED": 40 + 7 * row + column, "FAILED": 61 + column, "RUNNING": 5 + row}
            cells[Target(account, region)] = Cell(status, took.get(status))
    return cells


def causes(cells: dict[Target, Cell]) -> tuple[Cluster, ...]:
    failed = [target for target, cell in cells.items() if cell.status == "FAILED"]
    return cluster((each, REASON.format(each)) for each in failed)


def shown(width: int, height: int = 60, **more: object) -> str:
    cells = rollout()
    lines = matrix(
        cells, width=width, height=height, preferences=ORDER, clusters=causes(cells), **more
    )
    return "\n".join(lines)


@pytest.mark.parametrize("width", [80, 160])
def test_a_rollout_with_failures(width: int) -> None:
    """Regions that find no room stand in a block below; totals and causes are wrapped."""
    golden = Path(__file__).parent / "golden" / f"matrix_{width}.txt"

    assert golden.read_text(encoding="utf-8") == shown(width) + "\n"


def test_names_then_seconds_give_way_where_that_makes_it_fit() -> None:
    """Both are better than a second block."""
    cells = {target: Cell("SUCCEEDED", 40.0) for target in rollout()}
    wide, short, narrow, low = (
        matrix(cells, width=width, height=60)[:2] for width in (108, 84, 60, 59)
    )

    assert ["account", *sorted(REGIONS)] == wide[0].split()
    assert ["account", "ap-northeast-1", "ap-southeast-2"] == low[0].split()
    assert ["account", "apne1", "apse2", "euc1", "euw1", "use1", "usw2"] == short[0].split()
    assert short[0].split() == narrow[0].split()
    assert 6 == wide[1].count("✓ done 40s") == short[1].count("✓ done 40s")
    assert 6 == narrow[1].count("✓ done")


def test_a_low_screen_counts_by_unit() -> None:
    """Nine rows find no room."""
    assert """\
unit              ✓ done  ✗ failed  » running  · pending  – cancelled
ou-ab12-00000000      11         3          2          1            1
ou-ab12-00000001       9         1          2          3            3
ou-ab12-00000002       4         2          2          2            2

48 instances: ✓ 24 done, ✗ 6 failed, » 6 running, · 6 pending, – 6 cancelled;
  about 1 min 04 s to go
6 instances: logs-{account}-{region} already exists (AlreadyExists) (first
  111111111111/eu-central-1)""" == shown(80, 11, units=UNITS)


def test_a_low_screen_counts_by_region_where_no_units_are_known() -> None:
    """In the order in which they are worked through; columns without a sign have their word."""
    assert """\
Region          done  failed  running  pending  cancelled
eu-west-1          4       1        1        1          1
ap-northeast-1     4       1        1        1          1
ap-southeast-2     4       1        1        1          1
eu-central-1       4       1        1        1          1
us-east-1          4       1        1        1          1
us-west-2          4       1        1        1          1

48 instances: ✓ 24 done, ✗ 6 failed, » 6 running,
  · 6 pending, – 6 cancelled; about 1 min 04 s to go
6 instances: logs-{account}-{region} already exists
  (AlreadyExists) (first 111111111111/eu-central-1)""" == shown(60, 15)


def test_more_than_forty_accounts_are_counted_on_any_screen() -> None:
    many = rollout(tuple(f"{number:012}" for number in range(41)))

    assert "unit" == matrix(many, width=200, height=900, units=UNITS)[0].split()[0]
    assert "Region" == matrix(many, width=200, height=900)[0].split()[0]
    assert "no unit" in matrix(many, width=200, height=900, units=UNITS)[1]
    forty = {target: cell for target, cell in many.items() if int(target.account) < 40}
    assert "account" == matrix(forty, width=200, height=900)[0].split()[0]


def test_more_units_than_lines_are_counted_by_region() -> None:
    accounts = tuple(f"{number:012}" for number in range(42))
    own = {account: f"ou-{account}" for account in accounts}

    enough, less = (
        matrix(rollout(accounts), width=200, height=height, units=own) for height in (45, 44)
    )

    assert ("unit", 45) == (enough[0].split()[0], len(enough))
    assert ("Region", 9) == (less[0].split()[0], len(less))


def test_a_narrow_screen_gets_signs_and_the_totals_explain_them() -> None:
    """All six states, and a unit's id of which the end counts."""
    statuses = ["SUCCEEDED", "FAILED", "RUNNING", "PENDING", "CANCELLED"]
    cells = {
        Target(f"{number}", "a"): Cell(status)
        for number, status in enumerate([*statuses, "SKIPPED_SUSPENDED_ACCOUNT"])
    }
    units = {target.account: "ou-ab12cd34-0123456789abcdef" for target in cells}

    assert [
        "unit                     ✓     ✗     »     ·     –     /",
        "…34-0123456789abcdef     1     1     1     1     1     1",
        "",
        "6 instances: ✓ 1 done, ✗ 1 failed, » 1 running, · 1 pending,",
        "  – 1 cancelled, / 1 skipped",
    ] == list(matrix(cells, width=60, height=6, units=units))


def test_more_regions_than_lines() -> None:
    lines = matrix(rollout(), width=80, height=7, preferences=ORDER)

    assert ["Region", "eu-west-1", "ap-northeast-1", "…"] == [each.split()[0] for each in lines[:4]]
    assert "… and 4 Regions more" == lines[3]


def test_a_pair_that_is_no_target_has_an_empty_cell() -> None:
    """Different Regions for different accounts."""
    cells = {Target("1", "b"): Cell("PENDING"), Target("2", "a"): Cell("SUCCEEDED", 9)}

    lines = matrix(cells, width=60, height=20)

    assert ["account", "a", "b"] == lines[0].split()
    assert ["1", "·", "pending"] == lines[1].split()
    assert lines[1].index("·") == lines[0].index("b")


def test_names_that_would_be_the_same_stay_whole() -> None:
    """Rather another block than two columns of one name."""
    regions = ("me-northeast-1", "me-ne-1")
    cells = {Target("1", region): Cell("PENDING") for region in regions}

    lines = matrix(cells, width=30, height=20)

    assert [["account", "me-ne-1"], ["account", "me-northeast-1"]] == [
        each.split() for each in lines if each.startswith("account")
    ]


def test_what_is_rare_among_the_causes_is_counted() -> None:
    cells = rollout()
    failed = [target for target, cell in cells.items() if cell.status == "FAILED"]
    each_its_own = cluster((target, f"cause {'abcdef'[at]}") for at, target in enumerate(failed))

    lines = matrix(cells, width=100, height=60, clusters=each_its_own)

    assert [f"1 instance: cause {letter}" for letter in "abc"] == [
        each.split(" (")[0] for each in lines[-4:-1]
    ]
    assert "3 instances for other reasons" == lines[-1]


def test_a_long_cause_is_cut_after_three_lines() -> None:
    """All of it stands in the summary."""
    long = cluster([(Target("1", "a"), "word " * 100)])

    lines = matrix({Target("1", "a"): Cell("FAILED")}, width=60, height=60, clusters=long)

    assert lines[-3].startswith("1 instance: word")
    assert lines[-1].endswith(" …")


def test_totals_of_nothing_and_of_what_is_over() -> None:
    done = {Target("1", "a"): Cell("SUCCEEDED", 3.0)}

    assert "no instances" == totals_line({}, ORDER)
    assert "1 instance: ✓ 1 done" == totals_line(done, ORDER)


def test_every_state_has_a_sign_and_a_word_of_its_own() -> None:
    """To be told apart without colour."""
    signs = [sign_of(each) for each in Standing]

    assert len(Standing) == len({each[0] for each in signs}) == len({each[2:] for each in signs})


def test_colours_are_put_on_states_only() -> None:
    lines = ("1  ✓ done 9s  ✗ failed", "2 instances: ✓ 1 done, ✗ 1 failed", "1 instance: failed to")

    text = painted(lines)

    assert "\n".join(lines) == text.plain
    assert [("✓ done", "green"), ("✓ 1 done", "green")] == [
        (text.plain[each.start : each.end], each.style) for each in text.spans[:2]
    ]
    assert ["✗ failed", "✗ 1 failed"] == [
        text.plain[each.start : each.end] for each in text.spans if each.style == "bold red"
    ]


some_cells = st.dictionaries(
    st.builds(Target, st.sampled_from(ACCOUNTS), st.sampled_from(REGIONS)),
    st.builds(
        Cell, st.sampled_from(list(DetailedStatus)), st.none() | st.floats(0, 1e5, allow_nan=False)
    ),
    max_size=48,
)


@settings(deadline=None, max_examples=40)
@given(some_cells, st.integers(60, 200), st.integers(14, 60), st.booleans())
def test_it_fits_the_screen(
    cells: dict[Target, Cell], width: int, height: int, with_units: bool
) -> None:
    """From 60 to 200 columns and from 14 lines on; the totals are always there."""
    lines = matrix(
        cells,
        width=width,
        height=height,
        preferences=ORDER,
        units=UNITS if with_units else {},
        clusters=causes(cells),
    )

    assert len(lines) <= height
    assert max(map(len, lines), default=0) <= width
    assert any("instance" in each for each in lines)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_cells_lose_nothing_at_any_width(width: int) -> None:
    """Each cell stands there once, with its sign and word."""
    lines = matrix(rollout(), width=width, height=100)
    body = " ".join(lines[: lines.index("", len(lines) - 6)])

    for standing in Standing:
        wanted = sum(cell.standing is standing for cell in rollout().values())
        assert wanted == body.count(sign_of(standing))
