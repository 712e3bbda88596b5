"""Who is told how a run went, as settings say it: names of variables and ARNs, never a URL.

Keys whose value somebody may take for the URL itself have `repr=False`: faults do not repeat it.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from tapcfn.intrinsics import partition_of
from tapcfn.model import Target

# Where Slack's URL is looked for by custom, also without settings.
SLACK_VARIABLE = "SLACK_WEBHOOK_URL"

_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]{0,254}"
_KEPT = r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+|[A-Za-z0-9/_+=.@-]{1,512}"
_TOPIC = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:([0-9]{12}|\{account\}):[A-Za-z0-9_-]{1,256}(\.fifo)?"


class When(StrEnum):
    """How a run can go, in the words of `on`."""

    SUCCESS = "success"
    FAILURE = "failure"
    BLOCKED = "blocked"
    PARTIAL = "partial"
    STALE = "stale"
    RUNNING = "running"
    INTERRUPTED = "interrupted"


_SAID = ", ".join(f'"{each}"' for each in When)


def _variable(value: str) -> str:
    if not re.fullmatch(_VARIABLE, value):
        raise ValueError("is no name of a variable")
    return value


def _kept(value: str) -> str:
    if not re.fullmatch(_KEPT, value):
        raise ValueError("is neither an ARN nor a name of Secrets Manager")
    return value


def _topic(value: str) -> str:
    if not re.fullmatch(_TOPIC, value):
        raise ValueError("is no ARN of an SNS topic")
    return value


def _when(value: str) -> str:
    if value not in set(When):
        raise ValueError("is no way in which a run ends")
    return value


Variable = Annotated[str, AfterValidator(_variable)]


class Notifications(BaseModel):
    """The channels, when they are told, and how often."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    on: tuple[Annotated[str, AfterValidator(_when)], ...] = Field(
        tuple(str(each) for each in When),
        description=f"a list of how runs end that are told: {_SAID}",
    )
    per: Literal["run", "phase"] = Field(
        "run", description='"run" (at the end) or "phase" (after each phase or move, too)'
    )
    slack_url_env: Variable | None = Field(
        None,
        description="the name of the environment variable that holds Slack's webhook URL, such as "
        f'"{SLACK_VARIABLE}"',
        repr=False,
    )
    slack_secret: Annotated[str, AfterValidator(_kept)] | None = Field(
        None,
        description="the ARN or the name of a secret of Secrets Manager that holds Slack's webhook "
        'URL, or JSON with it as "url"; in place of slack_url_env',
        repr=False,
    )
    webhook_url_env: Variable | None = Field(
        None,
        description="the name of the environment variable that holds the URL that JSON is posted "
        "to",
        repr=False,
    )
    webhook_secret_env: Variable | None = Field(
        None,
        description="the name of the environment variable that holds the key that what is posted "
        "to the webhook is signed with (HMAC-SHA256)",
        repr=False,
    )
    topic_arn: Annotated[str, AfterValidator(_topic)] | None = Field(
        None,
        description="the ARN of an SNS topic, {account} filled in; its account has to be one of "
        "accounts",
    )

    @model_validator(mode="after")
    def _names_a_channel(self) -> Notifications:
        if not self.on:
            raise ValueError(f"on is empty; allowed: some of {_SAID}")
        if self.slack_url_env and self.slack_secret:
            raise ValueError("slack_url_env and slack_secret are both there; allowed: one of them")
        if self.webhook_secret_env and not self.webhook_url_env:
            raise ValueError("webhook_secret_env needs webhook_url_env")
        if not (self.slack_url_env or self.slack_secret or self.webhook_url_env or self.topic_arn):
            raise ValueError(
                "names no channel; allowed: slack_url_env, slack_secret, webhook_url_env, topic_arn"
            )
        return self

    def arns(self, home: Target) -> tuple[str, ...]:
        """Return what is written to or read on AWS; a secret that no ARN names is at `home`.

        Such a secret's ARN ends with six characters that nobody knows.
        """
        secret, place = self.slack_secret or "", f"{home.region}:{home.account}"
        if secret and ":" not in secret:
            partition = partition_of(home.region)
            secret = f"arn:{partition}:secretsmanager:{place}:secret:{secret}-??????"
        topic = (self.topic_arn or "").replace("{account}", home.account)
        return tuple(arn for arn in (topic, secret) if arn)

    def accounts(self, account: str) -> frozenset[str]:
        """Return the accounts that are asked or written to; `account` is the stage's own."""
        arns = [each for each in (self.slack_secret, self.topic_arn) if each and ":" in each]
        return frozenset(each.split(":")[4].replace("{account}", account) for each in arns)
