"""A batch as columns: the many that are as they should be, read and checked a column at a time.

A fact at a time costs three times what writing it to the database does. Whatever is odd about a batch, it is none
for this module: `sync.protocol.unpack` and `sync.cloud.ingest` look at it fact by fact and say what is wrong.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from itertools import chain
from operator import itemgetter, lt

from sync import protocol
from sync.protocol import Head, ProblemError

_ROW = itemgetter("seq", "kind", "key", "created", "hash", "body")
_UUIDS = re.compile(r"(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\n)*")
_STAMPS = re.compile(
    r"(?:\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z\n)*", re.ASCII
)  # fmt: skip
_MOST_SEQ = 1 << 53


@dataclass(frozen=True, slots=True)
class Columns:
    """The facts of a batch, all of one kind, each sound, with a key of its own, in the order of their numbers."""

    head: Head
    kind: str
    seqs: tuple[int, ...]
    keys: tuple[str, ...]
    created: tuple[str, ...]
    hashes: tuple[str, ...]
    bodies: tuple[str, ...]


def read_columns(body: bytes, kinds: Sequence[str]) -> Columns | None:
    """A batch of facts of one of these kinds; None for one that is to be looked at fact by fact."""
    if len(body) > protocol.MOST_BYTES:
        return None
    try:
        found = _columns(body, kinds)
        return found if found is not None and _in_order(found) and _well_written(found) else None
    except (ProblemError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _columns(body: bytes, kinds: Sequence[str]) -> Columns | None:
    """The columns, of the right types. Raises what reading JSON raises, and what is no row."""
    first, _, rest = protocol.unzip(body).partition(b"\n")
    head = protocol.read_head(first)
    if not 0 < head.rows == rest.count(b"\n") + 1 <= protocol.MOST_ROWS:
        return None
    # A line break within a text would be one line more, and no fact more.
    rows = list(map(_ROW, json.loads(b"[" + rest.replace(b"\n", b",") + b"]")))
    if len(rows) != head.rows:
        return None
    seqs, of_kinds, keys, created, hashes, bodies = zip(*rows, strict=True)
    if set(map(type, seqs)) != {int} or set(map(type, chain(of_kinds, keys, created, hashes, bodies))) != {str}:
        return None
    if len(set(of_kinds)) != 1 or of_kinds[0] not in kinds:
        return None
    return Columns(head, of_kinds[0], seqs, keys, created, hashes, bodies)


def _in_order(found: Columns) -> bool:
    seqs = found.seqs
    return found.head.begins <= seqs[0] and seqs[-1] <= _MOST_SEQ and all(map(lt, seqs, seqs[1:]))


def _well_written(found: Columns) -> bool:
    """Raises ValueError for a day that is none, and for half of a character."""
    for day in {stamp[:10] for stamp in found.created}:
        date.fromisoformat(day)
    return (
        set(map(len, found.keys)) == {36}
        and set(map(len, found.created)) == {24}
        and len(set(found.keys)) == len(found.keys)
        and _UUIDS.fullmatch(_lines(found.keys)) is not None
        and _STAMPS.fullmatch(_lines(found.created)) is not None
        and "\x00" not in "".join(found.bodies)
        and tuple(sha256(body.encode()).hexdigest() for body in found.bodies) == found.hashes
    )


def _lines(texts: Sequence[str]) -> str:
    return "\n".join(texts) + "\n"
