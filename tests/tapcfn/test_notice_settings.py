"""Who is told how a run went: what settings may say, and that a URL there is not repeated."""

from __future__ import annotations

from typing import Any

import pytest

from tapcfn.config import Common, check
from tapcfn.errors import ConfigError
from tapcfn.notice_settings import When

ACCOUNT, OTHER = "111111111111", "222222222222"
URL = "https://hooks.example/services/T0/B0/not-to-be-told"
TOPIC = "arn:aws:sns:eu-west-1:{account}:told"


def settings(**notifications: Any) -> Common:
    document = {"account": ACCOUNT, "accounts": [ACCOUNT], "notifications": notifications}
    return check("prod.toml", document, Common)


def fault(**notifications: Any) -> str:
    """Return the one thing that is wrong."""
    with pytest.raises(ConfigError) as caught:
        settings(**notifications)
    (found,) = caught.value.faults
    return found


def test_everything_is_told_once_unless_it_is_said() -> None:
    """All ends, at the end of the run."""
    found = settings(slack_url_env="SLACK_WEBHOOK_URL").notifications

    assert found is not None
    assert (set(When), "run") == (set(found.on), found.per)


def test_nobody_is_told_without_the_table() -> None:
    """It is no default."""
    assert check("prod.toml", {"backend": "local"}, Common).notifications is None


@pytest.mark.parametrize("key", ["slack_url_env", "slack_secret", "webhook_url_env"])
def test_a_url_where_a_name_belongs_is_refused_and_not_repeated(key: str) -> None:
    """The mistake that everybody makes once."""
    told = fault(**{key: URL})

    assert told.startswith(f'notifications.{key} = "***": is n')
    assert "allowed: the " in told


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({}, "notifications: names no channel; allowed: slack_url_env, slack_secret, webhook_url"),
        ({"slack_url": URL}, 'notifications.slack_url: unknown key; did you mean "slack_url_env"?'),
        (
            {"slack_url_env": "A", "slack_secret": "a"},
            "notifications: slack_url_env and slack_secret are both there; allowed: one of them",
        ),
        (
            {"topic_arn": TOPIC, "webhook_secret_env": "KEY"},
            "notifications: webhook_secret_env needs webhook_url_env",
        ),
        (
            {"slack_url_env": "A", "on": ["succes"]},
            'notifications.on.0 = "succes": is no way in which a run ends; allowed: a list of how',
        ),
        (
            {"slack_url_env": "A", "on": []},
            'notifications: on is empty; allowed: some of "success", "failure", "blocked"',
        ),
        ({"slack_url_env": "A", "per": "day"}, 'notifications.per = "day": '),
        (
            {"topic_arn": "arn:aws:sqs:eu-west-1:111111111111:told"},
            'notifications.topic_arn = "arn:aws:sqs:eu-west-1:111111111111:told": is no ARN of an',
        ),
        (
            {"topic_arn": TOPIC.replace("{account}", OTHER)},
            f"notifications: account {OTHER} is not in accounts; add it there if it is meant",
        ),
        (
            {"slack_secret": f"arn:aws:secretsmanager:eu-west-1:{OTHER}:secret:slack-Ab12Cd"},
            f"notifications: account {OTHER} is not in accounts; add it there if it is meant",
        ),
    ],
)
def test_wrong_settings_say_what_would_be_right(wrong: dict[str, Any], told: str) -> None:
    """Key, value and what is allowed."""
    found = fault(**wrong)

    assert found.startswith(told)
    assert "not-to-be-told" not in found


@pytest.mark.parametrize(
    "right",
    [
        {"slack_secret": "team/slack"},
        {"slack_secret": f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:slack-Ab12Cd"},
        {"topic_arn": TOPIC},
        {"topic_arn": f"arn:aws-us-gov:sns:us-gov-west-1:{ACCOUNT}:told.fifo"},
        {"webhook_url_env": "HOOK", "webhook_secret_env": "_KEY2", "per": "phase"},
    ],
)
def test_right_settings_are_taken(right: dict[str, Any]) -> None:
    """Names of secrets may have slashes; the stage's own account is filled in."""
    assert settings(**right).notifications is not None
