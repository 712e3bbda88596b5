"""The options that commands share, and the session that carries what they say."""

from tapcfn.cli.options.flags import (
    Duration,
    cancel_on_interrupt,
    common,
    fail_fast,
    linked,
    sampled,
)
from tapcfn.cli.options.keeping import Keeping, keeping_a_plan
from tapcfn.cli.options.losing import Removal, allow_loss, removing
from tapcfn.cli.options.moving import Journey, looking_ahead, stands, travelling
from tapcfn.cli.options.place import Where, placed, selected
from tapcfn.cli.options.session import Session, again, resume_line
from tapcfn.cli.options.words import options_given, program

__all__ = [
    "Duration",
    "Journey",
    "Keeping",
    "Removal",
    "Session",
    "Where",
    "again",
    "allow_loss",
    "cancel_on_interrupt",
    "common",
    "fail_fast",
    "keeping_a_plan",
    "linked",
    "looking_ahead",
    "options_given",
    "placed",
    "program",
    "removing",
    "resume_line",
    "sampled",
    "selected",
    "stands",
    "travelling",
]
