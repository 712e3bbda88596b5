"""The list of faults that a deployer must survive, X-1 to X-38, as far as they touch stack sets.

Each row is played with self-managed and with service-managed permissions, unless it says why there
is only one. What no stack set can meet is in `NEVER`, with the reason and the calls that show it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tests.end_to_end.sets import ALL_AT_ONCE

SELF, SERVICE = "self", "service"

# The rows of which one is played in every run of the suite: those that say most for their time. All
# of them, in both models, are the drill.
IN_EVERY_RUN = frozenset({3, 11, 12, 13, 14, 17, 23, 25, 26, 33, 34, 35, 36, 37, 38})
BEFORE, AFTER = "before", "after"

TOLERANT = "[stack_sets.base.preferences]\ntolerance = 1\nconcurrent = 2\n"
QUEUELESS = "managed_execution = false"
LATE = ("--timeout", "3s")

# What the unit's part of the last line says, where a row has no other word.
ENDINGS = {
    0: "done",
    1: "failed",
    4: "blocked",
    5: "failed",
    6: "blocked",
    7: "running",
    130: "failed",
}
# What the last line says of the whole run.
STATUSES = {
    0: "ok",
    1: "failed",
    4: "blocked",
    5: "partial",
    6: "stale",
    7: "running",
    130: "interrupted",
}
KILLED = -9


@dataclass(frozen=True)
class Row:
    """A fault, what it hits, and how that ends.

    `trouble` is the name of a table of faults, or of a trouble of its own. The `effect` of the call
    that is hit has not happened (BEFORE), or has (AFTER). `again` are the operations that are begun
    beyond the story's own, until the next run has ended with 0; `ending` is the unit's on the last
    line ("" for no unit, as nothing was begun); `tells` is what has to stand in the answer.
    `alone` is the only model that can meet it, and `why` the other can not.
    """

    x: int
    trouble: str
    story: str = "create"
    code: int = 0
    effect: str = ""
    again: tuple[str, ...] = ()
    ending: str | None = None
    tells: str = ""
    options: tuple[str, ...] = ()
    more: str = ALL_AT_ONCE
    own: str = ""
    alone: str = ""
    why: str = ""

    def __str__(self) -> str:
        words = (f"X-{self.x}", self.trouble, self.effect, self.story, str(self.code))
        return "-".join(each for each in words if each).replace(" ", "_")

    @property
    def kinds(self) -> tuple[str, ...]:
        """The permission models that it is played with."""
        return (self.alone,) if self.alone else (SELF, SERVICE)

    @property
    def ends(self) -> str:
        """How the unit ends."""
        return ENDINGS.get(self.code, "") if self.ending is None else self.ending


@dataclass(frozen=True)
class Never:
    """A row of the list that no stack set can meet: the calls that it is about are never made."""

    x: int
    calls: tuple[str, ...]
    why: str


# The operations that each story begins, where nothing goes wrong.
STORIES = {
    "create": Counter({"CREATE": 1}),
    "update": Counter({"CREATE": 1, "UPDATE": 1}),
    "override": Counter({"CREATE": 1, "UPDATE": 1}),
    "shrink": Counter({"CREATE": 1, "DELETE": 1}),
    "destroy": Counter({"CREATE": 1, "DELETE": 1}),
    "big": Counter({"CREATE": 1}),
    "roles": Counter({"CREATE": 1, "UPDATE": 1}),
    "untag": Counter({"CREATE": 1, "UPDATE": 1}),
    "secret": Counter({"CREATE": 1, "UPDATE": 1}),
    "ssm": Counter({"CREATE": 1, "UPDATE": 1}),
    "nested": Counter({"CREATE": 1, "UPDATE": 1}),
}

ROWS = (
    # A preview makes a change set on the stack of each instance.
    Row(1, "x01", "update", effect=AFTER),
    Row(1, "x01_before", "update", effect=BEFORE),
    # Writes on sets.
    *(
        Row(3, table, story, effect=effect)
        for story in ("update", "create", "override", "shrink", "destroy")
        for table, effect in (("x03", AFTER), ("x03_before", BEFORE), ("x03_twice", AFTER))
    ),
    # Killed.
    Row(5, "killed in a preview, after", "update", KILLED, effect=AFTER),
    Row(5, "killed in a preview, before", "update", KILLED, effect=BEFORE),
    Row(5, "killed after a preview", "update", KILLED, effect=AFTER),
    Row(6, "killed at work", "create", 7, ending=""),
    *(
        Row(6, f"killed {effect} {action}", story, KILLED, effect=effect)
        for effect in (AFTER, BEFORE)
        for action, story in (
            ("CreateStackInstances", "create"),
            ("CreateStackSet", "create"),
            ("UpdateStackSet", "update"),
            ("DeleteStackInstances", "shrink"),
            ("DeleteStackInstances", "destroy"),
            ("DeleteStackSet", "destroy"),
        )
    ),
    *(
        Row(6, "x06", story, 7, options=LATE, tells="goes on")
        for story in ("create", "update", "shrink")
    ),
    # The ledger.
    Row(8, "full disk, before", "create", 1, effect=BEFORE, tells="No space left"),
    Row(8, "full disk, between", "create", 1, effect=BEFORE, tells="No space left"),
    Row(8, "full disk, after", "create", 1, effect=AFTER, ending="done", tells="No space left"),
    Row(8, "torn ledger", "create", KILLED),
    Row(8, "lost ledger", "create", KILLED),
    # The way there and back.
    *(
        Row(x, table, story, effect=effect)
        for x, table, effect in (
            (9, "x09", BEFORE),
            (10, "x10", ""),
            (10, "x10_writes", BEFORE),
            (10, "x10_cut", AFTER),
            (20, "x20", AFTER),
            (21, "x21", ""),
        )
        for story in ("create", "update", "shrink", "destroy")
    ),
    *(
        Row(11, "x11", story, 7, tells="The security token included", effect=AFTER)
        for story in ("create", "update", "shrink")
    ),
    Row(11, "renewed credentials", "create", effect=AFTER),
    # Refusals.
    Row(12, "x12", "create", 1, again=("UPDATE",), tells="Topic limit exceeded"),
    Row(12, "x12", "update", 1, again=("UPDATE",), tells="Topic limit exceeded"),
    Row(12, "x12_previews", "update", tells="User is not authorized"),
    *(
        Row(13, "x13", story, 1, effect=BEFORE, tells="User is not authorized")
        for story in ("create", "update", "shrink")
    ),
    Row(14, "no way in", "create", 4, ending=""),
    Row(14, "x14", "create", 1, again=("UPDATE",), tells="should have"),
    Row(14, "x14", "create", 5, again=("UPDATE",), more=TOLERANT, tells="should have"),
    # Others at work.
    Row(15, "x15", "update", 7, effect=BEFORE, options=LATE, tells="is at work", own=QUEUELESS),
    Row(15, "x15_queued", "update", 7, effect=AFTER, options=LATE),
    Row(
        15,
        "SIGTERM, STOPPING for long",
        "create",
        130,
        effect=AFTER,
        again=("UPDATE", "UPDATE"),
        ending="running",
        more="",
    ),
    Row(16, "two runs", "create"),
    Row(17, "x17", "update", 6, effect=BEFORE, own=QUEUELESS, tells="somebody else"),
    Row(17, "x17_queued", "create", 6, effect=AFTER, again=("UPDATE",), tells="somebody else"),
    Row(17, "x17", "update", 6, effect=AFTER, tells="somebody else"),
    Row(18, "x18", "update"),
    Row(18, "changed since the plan", "update", 6, ending="", tells="changed since the plan"),
    Row(19, "x19", "update"),
    Row(22, "earlier events", "update", 1, again=("UPDATE", "UPDATE"), tells="the later reason"),
    Row(23, "x23", "create", 1, ending="", tells="this machine's clock differs from AWS's"),
    Row(24, "x24", "create", 7, options=LATE),
    Row(24, "x24", "update", 7, options=LATE),
    Row(24, "x24", "shrink", 7, options=LATE),
    Row(24, "x24_results", "create", options=("--timeout", "8s")),
    # Operations that fail, wholly or in part.
    Row(25, "x25", "create", 1, again=("UPDATE",), more="", tells="cancelled"),
    Row(25, "x25", "update", 1, again=("UPDATE",), more="", tells="cancelled"),
    Row(25, "stopped by others", "create", 1, again=("UPDATE", "UPDATE"), more="", tells="STOPPED"),
    Row(26, "x26", "create", 5, again=("UPDATE",), more=TOLERANT, tells="your quota of topics"),
    Row(26, "x26", "update", 5, again=("UPDATE",), more=TOLERANT, tells="your quota of topics"),
    Row(27, "shut gate", "create", 1, again=("UPDATE",), tells="the account gate said no"),
    Row(
        27,
        "suspended account",
        "create",
        alone=SERVICE,
        why="who names accounts, and not units, is told nothing of their being suspended",
    ),
    Row(
        27,
        "suspended account",
        "update",
        tells="suspended",
        alone=SERVICE,
        why="who names accounts, and not units, is told nothing of their being suspended",
    ),
    Row(28, "", "roles"),
    Row(29, "x29_set", "update", 1, ending="", tells="extraneous key [Colour]"),
    Row(29, "x29_hook", "create", 1, again=("UPDATE",), tells="tag owner is missing"),
    Row(29, "x29_hook", "update", 1, again=("UPDATE",), tells="tag owner is missing"),
    Row(
        30,
        "stuck stacks",
        "update",
        4,
        ending="",
        again=("UPDATE",),
        tells="continue-update-rollback",
    ),
    Row(31, "x31", "update", 1, again=("UPDATE",), tells="Invalid parameter: DisplayName"),
    Row(31, "x31_create", "create", 1, again=("UPDATE",), tells="Invalid parameter: DisplayName"),
    Row(
        32,
        "x32_set",
        "nested",
        1,
        again=("UPDATE",),
        tells="Invalid parameter: DisplayName",
        alone=SELF,
        why="service-managed sets take no nested stacks",
    ),
    Row(33, "protected stacks", "shrink", 4, ending="", tells="TerminationProtection"),
    Row(33, "protected stacks", "destroy", 4, ending="", tells="TerminationProtection"),
    Row(34, "x34", "big", 1, effect=BEFORE, tells="PutObject was denied"),
    Row(34, "x34_exists", "big", effect=AFTER),
    Row(35, "SIGTERM", "create", 130, again=("UPDATE", "UPDATE"), more=""),
    Row(35, "SIGINT", "update", 130, again=("UPDATE", "UPDATE"), more=""),
    Row(36, "x36", "destroy"),
    Row(36, "instances gone", "destroy"),
    Row(36, "instances gone", "update", again=("CREATE",)),
    Row(37, "x37_operation", "update", 1, tells="PONDERING"),
    Row(37, "x37_instance", "update", 1, tells="PONDERED"),
    # The operation and its instances are known to be well; results only say why some are not.
    Row(37, "x37_result", "update", tells="PONDERED"),
    # What a preview says and an apply does; a stack set has no notification ARNs to lose.
    Row(38, "", "secret"),
    Row(38, "", "untag"),
    Row(38, "", "ssm"),
)

NEVER = (
    Never(
        2,
        ("ExecuteChangeSet",),
        "the service updates the stacks of a set itself: none of our change sets is executed",
    ),
    Never(
        4,
        ("DeleteStack",),
        "stacks go with their instances (DeleteStackInstances, X-3), by the service's own hand",
    ),
    Never(
        7,
        ("SetStackPolicy",),
        "a stack set has no stack policy, so that none is ever widened",
    ),
)
