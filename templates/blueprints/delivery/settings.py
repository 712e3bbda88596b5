"""What the delivery must be told: which repository may deploy which systems, and who says yes."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from tapcfn.config import Common, Region

_PART = r"[A-Za-z0-9._-]+"
_ID = "@[0-9]+"


def _repository(value: str) -> str:
    plain, with_ids = rf"{_PART}/{_PART}", rf"{_PART}{_ID}/{_PART}{_ID}"
    if not re.fullmatch(rf"{plain}|{with_ids}", value):
        raise ValueError("is no repository")
    return value


def _system(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*\.[A-Za-z][A-Za-z0-9-]*", value):
        raise ValueError("is no system")
    return value


def _environment(value: str) -> str:
    if not re.fullmatch(_PART, value):
        raise ValueError("is no environment")
    return value


def _role(value: str) -> str:
    if not re.fullmatch(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[^*?]+", value):
        raise ValueError("is no role")
    return value


RoleArn = Annotated[str, AfterValidator(_role)]


class Settings(Common):
    """What the delivery must be told."""

    name: str = Field(
        "delivery",
        description="lower-case letters, digits and single hyphens, starting with a letter, at "
        "most 20: the path of the roles",
        pattern=r"^[a-z](-?[a-z0-9])*$",
        max_length=20,
    )
    home: Region = Field("us-east-1", description='the Region of the stack, such as "us-east-1"')
    repository: Annotated[str, AfterValidator(_repository)] = Field(
        description='a repository on GitHub, "owner/name"; "owner@123/name@456" with the ids of '
        "both where its tokens name them: a repository made or renamed since 15 July 2026"
    )
    branch: str = Field(
        "main",
        description="the name of a branch: plans are made for it, and for pull requests",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$",
    )
    environments: tuple[Annotated[str, AfterValidator(_environment)], ...] = Field(
        ("production",),
        description="a list of GitHub's environments, letters, digits, dots, underscores and "
        "hyphens: jobs in them deploy; their rules say who approves, and from which branch",
    )
    systems: tuple[Annotated[str, AfterValidator(_system)], ...] = Field(
        description='a list of "<blueprint>.<stage>": what is deployed; their settings tell where '
        "to, and so what the roles are allowed",
    )
    existing_provider: bool = Field(
        False,
        description="true or false: whether the account has the identity provider for GitHub "
        "already, which it has one of",
    )
    session_hours: int = Field(
        4, ge=1, le=12, description="1 to 12: how long a job may speak for the role that deploys"
    )
    detect_drift: bool = Field(
        True,
        description="true or false: whether the role that plans reads what resources are like, by "
        "AWS's policy SecurityAudit, as the detection of drift asks for",
    )
    plan_target_roles: tuple[RoleArn, ...] = Field(
        (),
        description="a list of ARNs of roles in other accounts, which may look only: the role that "
        "plans assumes them",
    )
    deploy_target_roles: tuple[RoleArn, ...] = Field(
        (),
        description="a list of ARNs of roles in other accounts that the role that deploys assumes",
    )

    @field_validator("environments", "systems")
    @classmethod
    def _are_distinct(cls, found: tuple[str, ...]) -> tuple[str, ...]:
        if not found or len(set(found)) < len(found):
            raise ValueError("is empty, or has one of them twice")
        return found

    # What follows from the settings ---------------------------------------------------------------

    @property
    def path(self) -> str:
        """The path of the roles and their policies: what nobody who deploys may change."""
        return f"/{self.name}/"

    @property
    def all_tags(self) -> dict[str, str]:
        """The tags on everything that takes tags."""
        return {"Name": self.name, "Purpose": "delivery"}
