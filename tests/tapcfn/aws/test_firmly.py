"""Which calls are made again, and until when."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tapcfn.aws.firmly import Firmly
from tapcfn.aws.session import Clients, on_aws, on_local_cloud
from tapcfn.errors import CloudError, StillRunningError
from tapcfn.waits import Patience
from tests.fakes.clock import FakeClock
from tests.tapcfn.aws.endpoint import ERROR
from tests.tapcfn.aws.test_session import asked, without_pauses
from tests.tapcfn.aws.wire import HERE

THROTTLE = CloudError("slow down", code="Throttling", passing=True)
DENIED = CloudError("no", code="AccessDenied", lasting=True)
EXPIRED = CloudError("expired", code="ExpiredToken", lasting=True)
BROKEN = CloudError("half", code="ResponseParserError", passing=True)


class Answers:
    """Raises what it is given, in order, then answers; counts how often it was asked."""

    def __init__(self, *errors: CloudError, then: CloudError | None = None) -> None:
        self.asked = 0
        self._errors = list(errors)
        self._then = then

    def __call__(self) -> str:
        self.asked += 1
        if self._errors:
            raise self._errors.pop(0)
        if self._then is not None:
            raise self._then
        return "answer"


def firmly(clock: FakeClock, seconds: float = 600.0, renew: Callable[[], bool] = bool) -> Firmly:
    """Return callers whose pauses are the longest that may be drawn."""
    return Firmly(Patience(clock, seconds), renew, lambda: 1.0)


def test_a_read_waits_out_minutes_of_throttling() -> None:
    """With pauses that double up to half a minute. (X-9, X-10)"""
    clock = FakeClock()

    assert "answer" == firmly(clock).read(Answers(*[THROTTLE] * 7))
    assert [1, 2, 4, 8, 16, 30, 30] == clock.slept


def test_a_read_ends_with_the_runs_patience() -> None:
    """Never overslept; the throttle is what is told."""
    clock = FakeClock()

    with pytest.raises(CloudError, match="slow down"):
        firmly(clock, 60.0).read(Answers(then=THROTTLE))

    assert clock.now() < 60.0


def test_an_interrupt_ends_a_read_at_its_next_refusal() -> None:
    """Whatever the deadline."""
    clock = FakeClock()
    answers = Answers(then=THROTTLE)

    with pytest.raises(CloudError):
        Firmly(Patience(clock, 600.0, lambda: True), bool).read(answers)

    assert 1 == answers.asked


@pytest.mark.parametrize("error", [DENIED, EXPIRED, CloudError("what?", code="ValidationError")])
def test_a_refusal_is_not_asked_for_again(error: CloudError) -> None:
    """It would be the same one. (X-11, X-12)"""
    answers = Answers(then=error)

    with pytest.raises(CloudError):
        firmly(FakeClock()).read(answers)

    assert 1 == answers.asked


def test_expired_credentials_are_read_anew_once() -> None:
    """The same call goes on with the new ones; no new ones, no second call. (X-11)"""
    renewed: list[bool] = []

    def renew() -> bool:
        renewed.append(True)
        return True

    assert "answer" == firmly(FakeClock(), renew=renew).look(Answers(EXPIRED))
    with pytest.raises(CloudError, match="expired"):
        firmly(FakeClock(), renew=renew).look(Answers(then=EXPIRED))
    assert 2 == len(renewed)


def test_a_write_whose_answer_is_broken_is_sent_five_times() -> None:
    """Its token makes that safe; what botocore has repeated is not repeated again. (X-10)"""
    whole, torn, slow = Answers(*[BROKEN] * 4), Answers(then=BROKEN), Answers(then=THROTTLE)
    caller = firmly(FakeClock())

    assert "answer" == caller.write(whole)
    for each in (torn, slow):
        with pytest.raises(CloudError):
            caller.write(each)
    assert (5, 5, 1) == (whole.asked, torn.asked, slow.asked)


# At the wire --------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [(503, "<html>"), None, (400, ERROR.format(code="Throttling"))])
def test_nothing_is_repeated_once_patience_is_over(endpoint, answer) -> None:
    """A hung or faulty endpoint holds a run up by one attempt, not by five."""
    endpoint.script += [answer] * 5
    connect = on_local_cloud(endpoint.url)
    clients = Clients(
        lambda service, target: without_pauses(connect(service, target)),
        patience=Patience(FakeClock(), 0.0),
    )

    with pytest.raises(StillRunningError, match="sts"):
        asked(clients)

    assert 1 == clients.calls


def test_an_answer_that_comes_late_is_still_an_answer(endpoint) -> None:
    """Patience ends retries, not calls: what is left behind must be removed after a deadline."""
    clients = Clients(on_local_cloud(endpoint.url), patience=Patience(FakeClock(), 0.0))

    assert "111122223333" == asked(clients)


@pytest.mark.parametrize(("longest", "seconds"), [(3600.0, 20.0), (5.0, 5.0), (0.1, 1.0)])
def test_no_answer_is_waited_for_longer_than_the_run_may_take(longest, seconds) -> None:
    """Twenty seconds at most, and never longer than `--timeout`."""
    client = on_local_cloud("http://127.0.0.1:9", longest=longest)("sts", HERE)

    assert seconds == client.meta.config.read_timeout
    assert min(seconds, 10.0) == client.meta.config.connect_timeout


def test_new_credentials_are_found_where_the_old_ones_were(endpoint, monkeypatch, tmp_path) -> None:
    """Whoever logs in again in another window saves the run. (X-11)"""
    config = tmp_path / "config"

    def log_in(key: str) -> None:
        config.write_text(
            f"[default]\nendpoint_url = {endpoint.url}\n"
            f"aws_access_key_id = {key}\naws_secret_access_key = s\n"
        )

    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    log_in("old")
    clients = Clients(on_aws({}), reconnect=lambda: on_aws({}))
    asked(clients)
    endpoint.script.append((403, ERROR.format(code="ExpiredToken")))
    log_in("new")

    account = firmly(FakeClock(), renew=clients.renew).look(lambda: asked(clients))

    assert "111122223333" == account
    assert ["old", "old", "new"] == [each.access_key for each in endpoint.asked]


@pytest.mark.parametrize(
    ("status", "code", "passing", "lasting"),
    [
        (403, "AccessDenied", False, True),
        (403, "AccessDeniedException", False, True),
        (403, "ExpiredToken", False, True),
        (403, "UnrecognizedClientException", False, True),
        (403, "InvalidClientTokenId", False, True),
        (403, "SignatureDoesNotMatch", False, True),
        (400, "ValidationError", False, False),
    ],
)
def test_what_a_refusal_means(endpoint, status, code, passing, lasting) -> None:
    """Permissions and credentials last; of others nobody knows."""
    endpoint.script.append((status, ERROR.format(code=code)))

    with pytest.raises(CloudError) as error:
        asked(Clients(on_local_cloud(endpoint.url)))

    assert (passing, lasting) == (error.value.passing, error.value.lasting)


def test_an_endpoint_that_is_gone_does_not_pass() -> None:
    """A name that nobody answers to is given a minute, not an hour, by whoever watches."""
    connect = on_local_cloud("http://127.0.0.1:9")

    with pytest.raises(CloudError) as error:
        asked(Clients(lambda service, target: without_pauses(connect(service, target))))

    assert (False, False) == (error.value.passing, error.value.lasting)
