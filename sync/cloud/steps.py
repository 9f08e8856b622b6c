"""The steps by which a feature's tables came to be; they are never edited, only added to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Steps:
    """A feature's steps, numbered from 1 on, each of some statements for `Conn.make`."""

    name: str
    steps: tuple[tuple[str, ...], ...]
