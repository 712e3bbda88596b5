"""Sessions and clients: one session for each account, one client for each service and target."""

from __future__ import annotations

import ipaddress
import os
import threading
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import NoCredentialsError

from tapcfn.aws.calls import THROTTLES, told
from tapcfn.errors import BlockedError
from tapcfn.model import Target

# Standard mode retries throttles, 5xx answers, resets and time-outs; ours is a longer breath.
# Sixteen threads may share one client; more connections than that are never open. Seconds.
_PATIENCE: Mapping[str, Any] = {
    "connect_timeout": 10,
    "read_timeout": 30,
    "retries": {"mode": "standard", "total_max_attempts": 8},
    "max_pool_connections": 16,
}


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


class Clients:
    """Hands out clients, each made once. Counts calls and throttles for the summary."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._made: dict[tuple[str, Target], Any] = {}
        self._making = threading.Lock()
        self._counting = threading.Lock()
        self.calls = 0
        self.throttles = 0

    def __call__(self, service: str, target: Target) -> Any:
        """Return the client of a service in a target; boto3 makes its type at run time."""
        key = (service, target)
        with self._making, told(service, target):
            if key not in self._made:
                self._made[key] = self._counted(self._connect(service, target))
            return self._made[key]

    def _counted(self, client: Any) -> Any:
        client.meta.events.register("before-send.*.*", self._count_call)
        client.meta.events.register("needs-retry.*.*", self._count_throttle)
        return client

    def _count_call(self, **_: Any) -> None:
        with self._counting:
            self.calls += 1

    def _count_throttle(self, response: Any, **_: Any) -> None:
        """Count, and return nothing: an answer here would be taken for a pause to make."""
        body = response[1] if response else {}
        code = str(body.get("Error", {}).get("Code", "")).removesuffix("Exception")
        with self._counting:
            self.throttles += code in THROTTLES


class Connect(Protocol):
    """Makes one client."""

    def __call__(self, service: str, target: Target) -> Any:
        """Return a new client of a service in a target."""
        ...


def on_aws(speakers: Mapping[str, Speaker]) -> Connect:
    """Return a connector to AWS through the standard credential chain.

    `speakers` says, by account id, which profile to use and which role to assume; an account that
    is not in it is spoken for by the default credentials. Role credentials renew themselves.
    """
    sessions: dict[str, boto3.Session] = {}

    def connect(service: str, target: Target) -> Any:
        if target.account not in sessions:
            sessions[target.account] = _session(speakers.get(target.account), target.region)
        return sessions[target.account].client(
            service, region_name=target.region, config=Config(**_PATIENCE)
        )

    return connect


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
    return botocore.session.Session(profile=speaker.profile if speaker else None)


def on_local_cloud(url: str) -> Connect:
    """Return a connector to the local cloud, deaf to every `AWS_*` variable and file.

    Raises `BlockedError` for an endpoint that is not on this machine; so does every call that
    would leave it.
    """
    if not is_loopback(url):
        raise BlockedError(f"{url}: the local cloud answers on 127.0.0.1 only")
    session = boto3.Session(botocore_session=_deaf_session())

    def connect(service: str, target: Target) -> Any:
        options = {"s3": {"addressing_style": "path"}} if service == "s3" else {}
        client = session.client(
            service,
            region_name=target.region,
            endpoint_url=url,
            aws_access_key_id=target.account,
            aws_secret_access_key="local",  # noqa: S106 - the local cloud asks for none
            config=Config(proxies={}, **_PATIENCE, **options),
        )
        client.meta.events.register("before-send.*.*", _stay_here)
        return client

    return connect


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


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine by a loopback address or as localhost."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
