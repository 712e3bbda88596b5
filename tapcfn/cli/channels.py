"""The channels of some settings, made of what the environment and Secrets Manager hold."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tapcfn.errors import UsageError
from tapcfn.model import Target
from tapcfn.notice_settings import Notifications
from tapcfn.notices.notice import Notice
from tapcfn.notices.post import Channel, Once
from tapcfn.notices.sending import Answer, Limits
from tapcfn.notices.web import Signature, check_url, slack_client, to_slack, to_webhook

if TYPE_CHECKING:
    from tapcfn.aws.session import Clients
    from tapcfn.cli.console import Console

# What is shorter would be masked in words that tell nothing, and is no key to sign with either.
_SHORTEST = 16


@dataclass(slots=True)
class Channels:
    """Those that are `ready`, and by name the `faults` of those that cannot be used.

    Every URL and key is a secret of the console's before it is used. `clients` are asked for only
    when one is needed; `home` is where a secret is that no ARN names.
    """

    console: Console
    clients: Callable[[], Clients]
    home: Target
    limits: Limits = field(default_factory=Limits)
    ready: list[Channel] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)

    def take(self, wanted: Notifications) -> None:
        """Make the channels that settings name."""
        if variable := wanted.slack_url_env:
            self.slack(variable)
        if secret := wanted.slack_secret:
            self._add("Slack", lambda: self._slack_by(secret))
        if place := wanted.webhook_url_env:
            self._add("webhook", lambda: self._webhook(place, wanted.webhook_secret_env))
        if topic := wanted.topic_arn:
            self._add("SNS", lambda: self._topic(topic.replace("{account}", self.home.account)))

    def slack(self, variable: str) -> None:
        """Make Slack's channel, with the URL that a variable of the environment holds."""
        self._add("Slack", lambda: self._slack(variable))

    def _add(self, name: str, make: Callable[[], Once]) -> None:
        try:
            self.ready.append(Channel(name, make()))
        except UsageError as error:
            self.faults[name] = str(error)

    def _slack(self, variable: str) -> Once:
        slack_client()
        url = self._hidden_url(variable, self._value(variable), plain=False)
        return lambda notice: to_slack(url, notice, self.limits)

    def _slack_by(self, secret: str) -> Once:
        """Return Slack's channel, whose URL is read when the first notice is sent."""
        slack_client()
        known: list[str] = []

        def once(notice: Notice) -> Answer:
            from tapcfn.aws.notices import url_kept

            if not known:
                url = url_kept(self.clients(), secret, self.home)
                known.append(self._hidden_url(f"secret {secret}", url, plain=False))
            return to_slack(known[0], notice, self.limits)

        return once

    def _webhook(self, variable: str, key_variable: str | None) -> Once:
        url = self._hidden_url(variable, self._value(variable), plain=True)
        signature = Signature(self._key(key_variable)) if key_variable else None
        return lambda notice: to_webhook(url, notice, signature, self.limits)

    def _topic(self, topic: str) -> Once:
        def once(notice: Notice) -> Answer:
            from tapcfn.aws.notices import publish

            publish(self.clients(), topic, notice)
            return Answer(200)

        return once

    def _value(self, variable: str) -> str:
        if not (value := os.environ.get(variable, "").strip()):
            raise UsageError(f"{variable} is not set in the environment")
        return value

    def _key(self, variable: str) -> str:
        key = self._value(variable)
        if len(key) < _SHORTEST:
            raise UsageError(f"{variable} holds a key of less than {_SHORTEST} characters")
        self.console.secrets |= {key}
        return key

    def _hidden_url(self, name: str, url: str, *, plain: bool) -> str:
        """Return a URL that nothing says from now on; raise `UsageError` where it is none."""
        path = url.partition("://")[2].partition("/")[2]
        self.console.secrets |= {each for each in (url, path) if len(each) >= _SHORTEST}
        try:
            check_url(url, plain=plain)
        except UsageError as error:
            raise UsageError(f"{name} {error}") from None
        return url
