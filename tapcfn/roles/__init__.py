"""The least that the deployer must be allowed, and what CloudFormation needs for a rollout.

Two roles: one that plans, and one that applies. Every call of `tapcfn.aws` stands in a table here;
a test holds the two together.
"""

from __future__ import annotations

from tapcfn.roles.calls import TABLES
from tapcfn.roles.policies import (
    DEPLOYER_NOTES,
    EXECUTION_NOTES,
    LONGEST,
    Policy,
    apply_policy,
    execution_policy,
    moves_policy,
    plan_policy,
)
from tapcfn.roles.scopes import Scope, scopes

__all__ = [
    "DEPLOYER_NOTES",
    "EXECUTION_NOTES",
    "LONGEST",
    "TABLES",
    "Policy",
    "Scope",
    "apply_policy",
    "execution_policy",
    "moves_policy",
    "plan_policy",
    "scopes",
]
