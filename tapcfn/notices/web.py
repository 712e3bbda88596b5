"""Channels that are URLs: Slack's webhook, by slack_sdk, and anybody's, by urllib3."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import logging
import re
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tapcfn import __version__
from tapcfn.errors import UsageError
from tapcfn.notices.blocks import payload_of
from tapcfn.notices.notice import Notice, document_of
from tapcfn.notices.sending import Answer, Limits

# Slack says in a word why it refuses: no_service, invalid_payload, channel_is_archived …
_SLACK_WORD = re.compile(r"[a-z_]{1,60}")

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

INSTALL = "pip install 'tapcfn[slack]'"


def check_url(url: str, *, plain: bool) -> None:
    """Raise `UsageError`, without the URL, for what is none.

    `plain` allows http; to this machine it is always allowed.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise UsageError("holds no URL") from None
    allowed = {"https", "http"} if plain or host in _LOOPBACK else {"https"}
    if not host or parts.scheme not in {"https", "http"} or re.search(r"[\s\x00-\x1f]", url):
        raise UsageError("holds no URL")
    if parts.scheme not in allowed:
        raise UsageError("holds a URL that is not https")


def _unreachable(error: Exception) -> Answer:
    """Return in our own words why there was no answer."""
    causes = {type(each) for each in _chain(error)}
    if any(issubclass(each, ConnectionRefusedError) for each in causes):
        return Answer(None, "the connection was refused")
    if any(issubclass(each, TimeoutError) or "Timeout" in each.__name__ for each in causes):
        return Answer(None, "no answer in time")
    if any("SSL" in each.__name__ or "Certificate" in each.__name__ for each in causes):
        return Answer(None, "its TLS certificate is not accepted")
    if any(each.__name__ in {"gaierror", "NameResolutionError"} for each in causes):
        return Answer(None, "its host is not known")
    return Answer(None, f"the connection broke ({type(error).__name__})")


def _chain(error: BaseException | None) -> list[BaseException]:
    """Return an error and what it stands for."""
    found: list[BaseException] = []
    while isinstance(error, BaseException) and error not in found and len(found) < 10:
        found.append(error)
        reason = getattr(error, "reason", None)
        error = reason if isinstance(reason, BaseException) else error.__cause__
    return found


# Slack --------------------------------------------------------------------------------------------


def slack_client() -> Any:
    """Return slack_sdk's client class; raise `UsageError` where it is not installed."""
    try:
        from slack_sdk.webhook import WebhookClient
    except ModuleNotFoundError as error:
        raise UsageError(f"Slack needs slack_sdk, which is not installed: {INSTALL}") from error
    return WebhookClient


def to_slack(url: str, notice: Notice, limits: Limits) -> Answer:
    """Post once."""
    silent = logging.Logger("tapcfn.notices", logging.CRITICAL + 1)
    seconds = max(limits.connect, limits.read)
    client = slack_client()(url, timeout=seconds, logger=silent, retry_handlers=[])
    client.proxy = None  # urllib's own reading of the environment knows NO_PROXY, too
    try:
        answer = client.send(**payload_of(notice))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _unreachable(error)
    word = answer.body if _SLACK_WORD.fullmatch(answer.body or "") else ""
    return Answer(answer.status_code, word, answer.headers.get("Retry-After") or "")


# Any webhook --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signature:
    """What a receiver can prove the sender by: HMAC-SHA256 over the time, a dot and the body."""

    key: str
    now: Callable[[], float] = time.time

    def headers(self, body: bytes) -> dict[str, str]:
        """Return the two headers; the time keeps an old message from being sent again."""
        moment = str(int(self.now()))
        signed = hmac.new(self.key.encode(), f"{moment}.".encode() + body, hashlib.sha256)
        return {
            "X-Tapcfn-Timestamp": moment,
            "X-Tapcfn-Signature": f"sha256={signed.hexdigest()}",
        }


def to_webhook(url: str, notice: Notice, signature: Signature | None, limits: Limits) -> Answer:
    """Post once; an answer that points elsewhere is not followed."""
    import urllib3

    body = json.dumps(document_of(notice), sort_keys=True).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"tapcfn/{__version__}",
        "X-Tapcfn-Delivery": "-".join(filter(None, (notice.run, notice.part.replace(" ", "-")))),
        **(signature.headers(body) if signature else {}),
    }
    try:
        with _pool(url, limits) as pool:
            answer = pool.request(
                "POST", url, body=body, headers=headers, redirect=False, preload_content=False
            )
            status, after = answer.status, answer.headers.get("Retry-After") or ""
            answer.close()
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        return _unreachable(error)
    return Answer(status, "it points elsewhere" if 300 <= status < 400 else "", after)


def _pool(url: str, limits: Limits) -> Any:
    """Return a pool that goes through the environment's proxy, unless NO_PROXY names the host."""
    import urllib3

    patience = urllib3.Timeout(connect=limits.connect, read=limits.read)
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(str(parts.hostname)):
        return urllib3.ProxyManager(proxy, timeout=patience, retries=False)
    return urllib3.PoolManager(timeout=patience, retries=False)
