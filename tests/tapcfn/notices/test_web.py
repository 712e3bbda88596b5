"""Slack and webhooks, by a real server on this machine: what is posted, and what goes wrong."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable

import pytest

from tapcfn.errors import UsageError
from tapcfn.notice_settings import When
from tapcfn.notices.blocks import payload_of
from tapcfn.notices.notice import Notice, document_of
from tapcfn.notices.sending import Answer, Limits, send
from tapcfn.notices.web import Signature, check_url, to_slack, to_webhook
from tests.fakes.clock import FakeClock
from tests.receiver import PATH, Reply, nobody, receiving

NOTICE = Notice(
    "apply", "shop", "prod", When.FAILURE, "run-1", cause="network: no room", regions=("us-east-1",)
)
QUICK = Limits(connect=0.2, read=0.2)

To = Callable[[str, Notice, Limits], Answer]


def slack(url: str, notice: Notice, limits: Limits) -> Answer:
    pytest.importorskip("slack_sdk", reason="slack_sdk, of the extra slack, is not installed")
    return to_slack(url, notice, limits)


def webhook(url: str, notice: Notice, limits: Limits) -> Answer:
    return to_webhook(url, notice, None, limits)


both = pytest.mark.parametrize("to", [slack, webhook])


def test_slack_gets_the_blocks() -> None:
    """One POST, as JSON, to the whole URL."""
    with receiving() as receiver:
        answer = slack(receiver.url, NOTICE, QUICK)

    (post,) = receiver.posts
    assert answer.is_good
    assert (PATH, payload_of(NOTICE)) == (post.path, post.document)
    assert post.headers["Content-Type"].startswith("application/json")


def test_a_webhook_gets_the_document() -> None:
    """One POST, with a name for each delivery, so that a second attempt can be told from news."""
    with receiving() as receiver:
        answer = webhook(receiver.url, NOTICE, QUICK)

    (post,) = receiver.posts
    assert answer.is_good
    assert (PATH, document_of(NOTICE)) == (post.path, post.document)
    assert "run-1" == post.headers["X-Tapcfn-Delivery"]
    assert "X-Tapcfn-Signature" not in post.headers


def test_a_webhook_can_prove_the_sender() -> None:
    """The signature is over the time and the very bytes that were posted."""
    key = "sixteen letters, at least"
    with receiving() as receiver:
        to_webhook(receiver.url, NOTICE, Signature(key, now=lambda: 1767225600.9), QUICK)

    (post,) = receiver.posts
    signed = hmac.new(key.encode(), b"1767225600." + post.body, hashlib.sha256).hexdigest()
    assert "1767225600" == post.headers["X-Tapcfn-Timestamp"]
    assert f"sha256={signed}" == post.headers["X-Tapcfn-Signature"]
    assert key not in str(post.headers)


@both
def test_a_receiver_that_fails_once_is_asked_again(to: To) -> None:
    """A fault of the other side passes; what arrives in the end has arrived."""
    clock = FakeClock()
    with receiving(Reply(500, "oops"), Reply()) as receiver:
        sent = send("it", lambda: to(receiver.url, NOTICE, QUICK), NOTICE, QUICK, clock)

    assert ("", 2, [QUICK.pause]) == (sent.fault, sent.attempts, clock.slept)
    assert 2 == len(receiver.posts)


@both
def test_a_receiver_that_fails_on_is_given_up(to: To) -> None:
    """The fault says the status, and nothing of the URL."""
    clock = FakeClock()
    with receiving(Reply(503, f"no such path {PATH}")) as receiver:
        sent = send("it", lambda: to(receiver.url, NOTICE, QUICK), NOTICE, QUICK, clock)

    assert ("answered 503 (3 attempts)", 3) == (sent.fault, len(receiver.posts))


@both
def test_a_busy_receiver_says_when_to_come_back(to: To) -> None:
    """Retry-After is heeded."""
    clock = FakeClock()
    with receiving(Reply(429, headers={"Retry-After": "7"}), Reply()) as receiver:
        sent = send("it", lambda: to(receiver.url, NOTICE, QUICK), NOTICE, QUICK, clock)

    assert ("", [7.0]) == (sent.fault, clock.slept)


@both
def test_a_receiver_that_is_busy_for_long_is_given_up(to: To) -> None:
    """Nobody waits an hour for a notification."""
    clock = FakeClock()
    with receiving(Reply(429, "", {"Retry-After": "3600"})) as receiver:
        sent = send("it", lambda: to(receiver.url, NOTICE, QUICK), NOTICE, QUICK, clock)

    assert ("answered 429, and asks to wait for 3600 s", []) == (sent.fault, clock.slept)
    assert 1 == len(receiver.posts)


@both
def test_a_receiver_that_hangs_is_left(to: To) -> None:
    """The time-out is the channel's own, and no library's, which is half a minute or none."""
    limits = Limits(connect=0.05, read=0.05, attempts=1)
    began = time.monotonic()
    with receiving(Reply(silent=True)) as receiver:
        sent = send("it", lambda: to(receiver.url, NOTICE, limits), NOTICE, limits, FakeClock())

    assert "no answer in time" == sent.fault
    assert time.monotonic() - began < 15


@both
def test_nobody_listens(to: To) -> None:
    """The words are ours: a library's error repeats the URL."""
    url = nobody()

    sent = send("it", lambda: to(url, NOTICE, QUICK), NOTICE, QUICK, FakeClock())

    assert "the connection was refused (3 attempts)" == sent.fault


@both
def test_a_host_that_is_not_known(to: To) -> None:
    """Told apart from a receiver that is down."""
    url = f"https://nowhere.invalid{PATH}"

    assert Answer(None, "its host is not known") == to(url, NOTICE, QUICK)


@both
def test_a_receiver_without_tls(to: To) -> None:
    """A plain server at an https address breaks the handshake; nothing is sent in the clear."""
    with receiving() as receiver:
        answer = to(receiver.url.replace("http:", "https:"), NOTICE, QUICK)

    assert (None, []) == (answer.status, receiver.posts)
    assert "not-to-be-told" not in answer.text


def test_slack_says_in_a_word_why_it_refuses() -> None:
    """A refusal for good is not tried again."""
    clock = FakeClock()
    with receiving(Reply(404, "no_service")) as receiver:
        sent = send("it", lambda: slack(receiver.url, NOTICE, QUICK), NOTICE, QUICK, clock)

    assert ("answered 404 (no_service)", 1) == (sent.fault, len(receiver.posts))


def test_a_webhook_that_points_elsewhere_is_not_followed() -> None:
    """What is posted goes where the settings say, or nowhere."""
    with receiving() as other:
        away = Reply(307, headers={"Location": other.url})
        with receiving(away) as receiver:
            answer = webhook(receiver.url, NOTICE, QUICK)

    assert ("answered 307 (it points elsewhere)", []) == (answer.text, other.posts)


@pytest.mark.parametrize(
    ("url", "plain", "why"),
    [
        ("", False, "holds no URL"),
        ("hooks.slack.com/services/T/B/x", False, "holds no URL"),
        ("ftp://hooks.example/x", True, "holds no URL"),
        ("https://", True, "holds no URL"),
        ("https://hooks.example:port/x", True, "holds no URL"),
        ("https://hooks.example/a b", True, "holds no URL"),
        ("http://hooks.example/x", False, "holds a URL that is not https"),
    ],
)
def test_what_is_no_url_is_refused_without_being_told(url: str, plain: bool, why: str) -> None:
    """It may be a secret that stands in the wrong variable."""
    with pytest.raises(UsageError) as caught:
        check_url(url, plain=plain)

    assert why == str(caught.value)


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://hooks.example/x", False),
        ("http://127.0.0.1:1/x", False),
        ("http://localhost/x", False),
        ("http://hooks.example/x", True),
    ],
)
def test_what_is_a_url_is_taken(url: str, plain: bool) -> None:
    """Slack's goes over TLS unless it is on this machine; a webhook of one's own may not."""
    check_url(url, plain=plain)
