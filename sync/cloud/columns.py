"""A batch as columns: the many that are as they should be, read and checked a column at a time.

A fact at a time costs three times what writing it to the database does. Whatever is odd about a batch, it is none
for this module: `sync.protocol.unpack` and `sync.cloud.ingest` look at it fact by fact and say what is wrong.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from operator import lt

import msgspec

from sync import protocol
from sync.protocol import Head, ProblemError


class _Row(msgspec.Struct, gc=False):
    """A line of a batch, as it is read: of these types, or not at all."""

    seq: int
    kind: str
    key: str
    created: str
    hash: str
    body: str


_ROWS = msgspec.json.Decoder(list[_Row])
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
    except (ProblemError, ValueError, KeyError, TypeError, RecursionError):  # msgspec's own is a ValueError
        return None


def _columns(body: bytes, kinds: Sequence[str]) -> Columns | None:
    """The columns, of the right types. Raises what reading JSON raises, and what is no row."""
    first, _, rest = protocol.unzip(body).partition(b"\n")
    head = protocol.read_head(first)
    if not 0 < head.rows == rest.count(b"\n") + 1 <= protocol.MOST_ROWS:
        return None
    # A line break within a text would be one line more, and no fact more.
    rows = _ROWS.decode(b"[" + rest.replace(b"\n", b",") + b"]")
    if len(rows) != head.rows or rows[0].kind not in kinds or {row.kind for row in rows} != {rows[0].kind}:
        return None
    return Columns(
        head,
        rows[0].kind,
        tuple([row.seq for row in rows]),
        tuple([row.key for row in rows]),
        tuple([row.created for row in rows]),
        tuple([row.hash for row in rows]),
        tuple([row.body for row in rows]),
    )


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
        and tuple([sha256(body.encode()).hexdigest() for body in found.bodies]) == found.hashes
    )


def _lines(texts: Sequence[str]) -> str:
    return "\n".join(texts) + "\n"
