"""Sessions and clients: one session for each account, one client for each service and target."""

from __future__ import annotations

import ipaddress
import os
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, Protocol
from urllib.parse import urlsplit

import boto3
import botocore.loaders
import botocore.session
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import NoCredentialsError

from tapcfn.aws.budget import Budget, Family, Tally
from tapcfn.aws.calls import THROTTLES, told
from tapcfn.errors import BlockedError, StillRunningError
from tapcfn.model import Target
from tapcfn.waits import Patience

# Standard mode retries throttles, 5xx answers, resets and time-outs, with full jitter.
# Sixteen threads may share one client; more connections than that are never open. Seconds.
_RETRIES: Mapping[str, Any] = {
    "retries": {"mode": "standard", "total_max_attempts": 5},
    "max_pool_connections": 16,
}
LONGEST_ANSWER = 20.0


def _config(longest: float, **options: Any) -> Config:
    """Return how patient a client is: no single answer takes longer than the whole run may."""
    seconds = min(max(longest, 1.0), LONGEST_ANSWER)
    return Config(connect_timeout=min(seconds, 10.0), read_timeout=seconds, **_RETRIES, **options)


class Speaker(Protocol):
    """How to speak for one account: the fields of `config.Credentials`."""

    @property
    def profile(self) -> str | None:
        """A profile of the AWS configuration files."""
        ...

    @property
    def role_arn(self) -> str | None:
        """The role to assume."""
        ...

    @property
    def external_id(self) -> str | None:
        """The external id that the role asks for."""
        ...

    def of(self, account: str) -> Speaker:
        """Return the one of an account, where this is a pattern for many."""
        ...


class Clients:
    """Hands out clients, each made once, and stands at every call that they make.

    Counts calls and throttles for the summary, draws each from the budget if there is one and its
    URL `counts` (by default: leaves this machine), and repeats nothing once the run's patience is
    over. `reconnect` makes a connector with credentials that are read anew.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        budget: Budget | None = None,
        counts: Callable[[str], bool] | None = None,
        patience: Patience | None = None,
        reconnect: Callable[[], Connect] | None = None,
    ) -> None:
        self._connect = connect
        self._reconnect = reconnect
        self._budget = budget
        self._counts = counts or _leaves_this_machine
        self._patience = patience
        self._made: dict[tuple[str, Target], Any] = {}
        self._making = threading.Lock()
        self._tally = Tally(patience.clock if patience else None)

    @property
    def calls(self) -> int:
        """How many calls were made, retries included."""
        return self._tally.calls

    @property
    def throttles(self) -> int:
        """How many were answered with "too many"."""
        return self._tally.throttles

    @property
    def longest_wait(self) -> float:
        """The most seconds that one call was held back, by the budget or after a throttle."""
        return self._tally.longest_wait

    def renew(self) -> bool:
        """Make all clients anew, with credentials as they are now; whether that can be done."""
        if self._reconnect is None:
            return False
        with self._making:
            self._connect = self._reconnect()
            self._made.clear()
        return True

    def __call__(self, service: str, target: Target) -> Any:
        """Return the client of a service in a target; boto3 makes its type at run time."""
        key = (service, target)
        with self._making, told(service, target):
            if key not in self._made:
                client = self._connect(service, target)
                self._stand_at(client, Family(target.account, target.region, service))
                self._made[key] = client
            return self._made[key]

    def _stand_at(self, client: Any, family: Family) -> None:
        events = client.meta.events
        events.register("before-call.*.*", self._before_call)
        events.register("before-send.*.*", partial(self._before_send, family))
        events.register_first("needs-retry.*.*", partial(self._after_answer, family))

    def _before_call(self, **_: Any) -> None:
        self._tally.begins()

    def _before_send(self, family: Family, request: Any, event_name: str, **_: Any) -> None:
        asked = self._tally.now()
        if self._budget is not None and self._counts(request.url):
            self._budget.take(family.of(_operation(event_name)))
        self._tally.sent(asked)

    def _after_answer(
        self,
        family: Family,
        event_name: str,
        response: Any = None,
        caught_exception: Any = None,
        **_: Any,
    ) -> None:
        """Return nothing: an answer here would be taken for a pause to make."""
        status, code = _answered(response)
        if code in THROTTLES:
            self._tally.throttled()
            if self._budget is not None:
                self._budget.throttled(family.of(_operation(event_name)))
        would_repeat = code in THROTTLES or status >= 500 or caught_exception is not None
        if would_repeat and self._patience is not None and self._patience.is_over:
            raise StillRunningError(f"{family.service} ({family.region}): no answer in time")


def _operation(event_name: str) -> str:
    """Return the operation out of the name of botocore's event: `before-send.s3.PutObject`."""
    return event_name.rpartition(".")[2]


def _answered(response: Any) -> tuple[int, str]:
    """Return the status and the error code of an answer, or of none."""
    if not response:
        return 0, ""
    code = str(response[1].get("Error", {}).get("Code", "")).removesuffix("Exception")
    return response[0].status_code, code


class Connect(Protocol):
    """Makes one client."""

    def __call__(self, service: str, target: Target) -> Any:
        """Return a new client of a service in a target."""
        ...


def on_aws(speakers: Mapping[str, Speaker], *, longest: float = LONGEST_ANSWER) -> Connect:
    """Return a connector to AWS through the standard credential chain.

    `speakers` says, by account id, which profile to use and which role to assume; "*" is the
    pattern for accounts that are not in it. Without one they are spoken for by the default
    credentials. Role credentials renew themselves.
    """
    sessions: dict[str, boto3.Session] = {}

    def connect(service: str, target: Target) -> Any:
        if target.account not in sessions:
            speaker = _speaker(speakers, target.account)
            sessions[target.account] = _session(speaker, target.region)
        return sessions[target.account].client(
            service, region_name=target.region, config=_config(longest)
        )

    return connect


def _speaker(speakers: Mapping[str, Speaker], account: str) -> Speaker | None:
    """Return who speaks for an account: its own speaker, or the one for all others."""
    pattern = speakers.get(account) or speakers.get("*")
    return pattern.of(account) if pattern is not None else None


def _session(speaker: Speaker | None, region: str) -> boto3.Session:
    """Return the session of one account; its role, if any, is assumed at the first call."""
    session = _botocore_session(speaker)
    if speaker is not None and speaker.role_arn is not None:
        session._credentials = _role_credentials(speaker, speaker.role_arn, region)
    return boto3.Session(botocore_session=session)


def _role_credentials(speaker: Speaker, role_arn: str, region: str) -> Any:
    """Return credentials that assume the role when they are needed, and again before they end.

    A Region is named because STS has no default one; any will do.
    """
    source = _botocore_session(speaker)
    held = source.get_credentials()
    if held is None:
        raise NoCredentialsError
    extra = {"RoleSessionName": "tapcfn"}
    if speaker.external_id:
        extra["ExternalId"] = speaker.external_id
    fetcher = AssumeRoleCredentialFetcher(
        partial(source.create_client, region_name=region), held, role_arn, extra_args=extra
    )
    return DeferredRefreshableCredentials(fetcher.fetch_credentials, method="assume-role")


def _botocore_session(speaker: Speaker | None) -> botocore.session.Session:
    return _sharing(botocore.session.Session(profile=speaker.profile if speaker else None))


def _sharing(session: botocore.session.Session) -> botocore.session.Session:
    """Let a session read the services' models through the loader of all: each is read once.

    They are megabytes, and there may be hundreds of accounts.
    """
    session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
    return session


@lru_cache(maxsize=1)
def _loader(data_path: str | None) -> Any:
    return botocore.loaders.create_loader(data_path)


def on_local_cloud(url: str, *, longest: float = LONGEST_ANSWER) -> Connect:
    """Return a connector to the local cloud, deaf to every `AWS_*` variable and file.

    Raises `BlockedError` for an endpoint that is not on this machine; so does every call that
    would leave it.
    """
    if not is_loopback(url):
        raise BlockedError(f"{url}: the local cloud answers on 127.0.0.1 only")
    session = boto3.Session(botocore_session=_sharing(_deaf_session()))

    def connect(service: str, target: Target) -> Any:
        options = {"s3": {"addressing_style": "path"}} if service == "s3" else {}
        client = session.client(
            service,
            region_name=target.region,
            endpoint_url=url,
            aws_access_key_id=target.account,
            aws_secret_access_key="local",  # noqa: S106 - the local cloud asks for none
            config=_config(longest, proxies={}, **options),
        )
        client.meta.events.register_first("request-created.s3-control.*", partial(_plain_host, url))
        client.meta.events.register("before-send.*.*", _stay_here)
        return client

    return connect


def _plain_host(url: str, request: Any, **_: Any) -> None:
    """Take the account off the host's name, where S3 Control has it: no such host is here."""
    host = urlsplit(url).netloc
    request.url = urlsplit(request.url)._replace(netloc=host).geturl()


def _stay_here(request: Any, **_: Any) -> None:
    """Stop a request that would leave this machine, whatever turned it away: the last word."""
    if not is_loopback(request.url):
        raise BlockedError(f"{request.url}: not on this machine")


def _deaf_session() -> botocore.session.Session:
    """Return a botocore session that reads no variable of the environment and no file."""
    variables = {
        name: (key, None, default, convert)
        for name, (key, _, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    for name in ("config_file", "credentials_file"):
        variables[name] = (None, None, os.devnull, None)
    return botocore.session.Session(session_vars=variables)


def _leaves_this_machine(url: str) -> bool:
    return not is_loopback(url)


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine by a loopback address or as localhost."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
