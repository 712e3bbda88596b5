"""What to do with each stack, in which order, and why. Pure: values in, a plan out."""

from tapcfn.plan.deciding import digest, plan, plan_destroy
from tapcfn.plan.differing import differs, outputs_of, resolve, with_defaults
from tapcfn.plan.steps import Plan, PlannedPhase, Reason, Step, Verb
from tapcfn.plan.stuck import ADVICE, advice, is_stuck

__all__ = [
    "ADVICE",
    "Plan",
    "PlannedPhase",
    "Reason",
    "Step",
    "Verb",
    "advice",
    "differs",
    "digest",
    "is_stuck",
    "outputs_of",
    "plan",
    "plan_destroy",
    "resolve",
    "with_defaults",
]
