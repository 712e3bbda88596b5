"""Which instance runs what. (D-12)"""

from __future__ import annotations

from tapcfn.model import InstanceStatus, Target
from tapcfn.stack_sets.skew import Running, parameters_digest, versions

CURRENT, OUTDATED = InstanceStatus.CURRENT, InstanceStatus.OUTDATED


def running(account: str, template: str, parameters: str, status: InstanceStatus) -> Running:
    return Running(Target(account, "a"), template, parameters, status)


def test_versions_by_how_many_run_them() -> None:
    """Another template, other parameters or another state are another version."""
    found = versions(
        [
            running("5", "t1", "p1", OUTDATED),
            running("4", "t1", "p2", CURRENT),
            running("3", "t2", "p1", CURRENT),
            running("2", "t2", "p1", CURRENT),
            running("1", "t1", "p1", CURRENT),
        ]
    )

    assert [
        ("t2", "p1", CURRENT, ["2", "3"]),
        ("t1", "p1", CURRENT, ["1"]),
        ("t1", "p1", OUTDATED, ["5"]),
        ("t1", "p2", CURRENT, ["4"]),
    ] == [
        (each.template, each.parameters, each.status, [pair.account for pair in each.pairs])
        for each in found
    ]


def test_effective_parameters_decide() -> None:
    """An override that says what the set says makes no difference; another value does."""
    told = {"Size": "small", "Stage": "test"}

    assert parameters_digest(told, {}) == parameters_digest(told, {"Size": "small"})
    assert parameters_digest(told, {}) != parameters_digest(told, {"Size": "large"})
    assert parameters_digest({"A": "1", "B": "2"}, {}) == parameters_digest({"B": "2"}, {"A": "1"})
