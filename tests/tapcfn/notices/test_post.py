"""Channels send beside a run: one after another each, and nobody waits for ever."""

from __future__ import annotations

import threading

from tapcfn.errors import UsageError
from tapcfn.notice_settings import When
from tapcfn.notices.notice import Notice
from tapcfn.notices.post import Channel, Post
from tapcfn.notices.sending import Answer, Limits
from tests.fakes.clock import FakeClock

FIRST = Notice("apply", "shop", "prod", When.SUCCESS, "run-1", part="phase one")
LAST = Notice("apply", "shop", "prod", When.SUCCESS, "run-1")


def test_every_channel_gets_every_notice_in_order() -> None:
    """Each in a line of its own."""
    got: dict[str, list[Notice]] = {"a": [], "b": []}

    def into(name: str) -> Channel:
        def once(notice: Notice) -> Answer:
            got[name].append(notice)
            return Answer(200)

        return Channel(name, once)

    post = Post([into("a"), into("b")], Limits(), FakeClock())
    post.send(FIRST)
    post.send(LAST)

    assert ["", "", "", ""] == [each.fault for each in post.close()]
    assert {"a": [FIRST, LAST], "b": [FIRST, LAST]} == got


def test_a_channel_that_hangs_keeps_no_other_back() -> None:
    """It is given up at the end, with all that still waits behind it."""
    gate = threading.Event()

    def hang(_: Notice) -> Answer:
        gate.wait()
        return Answer(200)

    post = Post(
        [Channel("stuck", hang), Channel("well", lambda _: Answer(200))], Limits(), FakeClock()
    )
    post.send(FIRST)
    post.send(LAST)
    sent = post.close(longest=0.05)
    gate.set()

    late = "given up after 0.05 s"
    assert [("stuck", late), ("stuck", late), ("well", ""), ("well", "")] == [
        (each.channel, each.fault) for each in sent
    ]


def test_nothing_that_a_channel_raises_gets_out() -> None:
    """An error of ours is told; of any other only its kind, as its text may hold a secret."""

    def ours(_: Notice) -> Answer:
        raise UsageError("SLACK holds no URL")

    def theirs(_: Notice) -> Answer:
        raise ValueError("https://hooks.example/secret")

    post = Post([Channel("ours", ours), Channel("theirs", theirs)], Limits(), FakeClock())
    post.send(LAST)

    assert ["SLACK holds no URL", "fault in here: ValueError"] == [
        each.fault for each in post.close()
    ]


def test_a_post_that_was_given_nothing_starts_nothing() -> None:
    """Runs that tell nobody cost nothing."""
    before = threading.active_count()

    post = Post([Channel("a", lambda _: Answer(200))], Limits(), FakeClock())

    assert ((), before) == (post.close(), threading.active_count())
