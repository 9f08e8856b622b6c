"""Waiting for what another thread or process does: as long as it takes, and for ever is a failure."""

import time
from collections.abc import Callable

GIVE_UP_S = 60.0  # only a test that fails waits this long, so a busy machine fails none


def wait_until(condition: Callable[[], object], told: Callable[[], object] = lambda: "still waiting") -> None:
    """Returns once `condition` gives something true; fails with what `told` gives when it never does."""
    give_up_s = time.monotonic() + GIVE_UP_S
    while not condition():
        assert time.monotonic() < give_up_s, told()
        time.sleep(0.01)
