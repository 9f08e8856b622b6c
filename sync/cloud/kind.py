"""What a kind of fact is to the cloud: how it is read, and what is made of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from edge.facts import Fact
from sync.cloud.db import Conn
from sync.cloud.inbox import Line

# For these a fact is looked at again by a later version of this program.
UNKNOWN = "this program knows no facts of its kind yet"
NEWER = "its schema is newer than this program"
FOR_A_LATER_VERSION = (UNKNOWN, NEWER)


class DeadError(Exception):
    """A fact can't be taken in; the text says why, without what is in it."""


class Told(NamedTuple):
    """A fact's number, when it was written, and what was read in it."""

    seq: int
    created: str
    content: Any


@dataclass(frozen=True, slots=True)
class Kind:
    """`read` raises DeadError; `take_in` makes of facts of one line what is to be made, in any order and again.

    `read_all` reads many at once, bodies and when each was written, and gives None where `read` would refuse one,
    or where it is not sure.
    """

    name: str
    read: Callable[[Fact], Any]
    read_all: Callable[[Sequence[str], Sequence[str]], list[Any] | None]
    take_in: Callable[[Conn, Line, Sequence[Told]], None]


def newer_schema(schema: object) -> DeadError:
    """What is to be raised for a fact of another schema than is known."""
    is_number = isinstance(schema, int) and not isinstance(schema, bool) and schema > 0
    return DeadError(NEWER if is_number else "it has no schema")
