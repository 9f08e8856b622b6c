"""Ports of this machine: one that nobody listens on, and one that somebody else has."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


def free_port() -> int:
    """Free when it is asked for: nothing keeps it free until it is used."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def taken_port() -> Iterator[int]:
    """A port that is listened on as long as the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield int(taken.getsockname()[1])
