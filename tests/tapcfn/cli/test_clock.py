"""The real clock: what an interrupt ends, and that its end can be gone on from."""

from __future__ import annotations

import os
import signal
import time

from tapcfn.cli.clock import WallClock


def test_an_interrupt_that_was_heeded_lets_time_pass_again_and_another_come() -> None:
    """The way back waits as any other, and a second Ctrl-C ends its waiting too."""
    clock = WallClock()
    with clock.heeding_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        assert clock.interrupted
        began = time.monotonic()
        clock.sleep(60.0)

        clock.go_on()

        assert not clock.interrupted
        clock.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)
        clock.sleep(60.0)
        assert clock.interrupted
        assert time.monotonic() - began < 30.0
