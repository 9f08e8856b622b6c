"""Rows with gaps: what the program has stored once is put in a thousand times, with other ids and at other times.

For made halls, of a demo or to be measured, whose every shot would else be described, checked and written anew.
"""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from edge.clock import from_stamp, stamp
from edge.facts import content_hash

WRITTEN = frozenset({"stored_at", "amended_at"})  # by the clock, in the moment of writing
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


@dataclass(frozen=True, slots=True)
class Row:
    """A row with gaps. `gaps` are columns whose text is put together from pieces, every second of which is the
    name of a gap; `times` are columns with seconds since the sitting began; `hashed` are the columns of a body and
    of its hash."""

    values: tuple[Any, ...]
    gaps: tuple[tuple[int, tuple[str, ...]], ...]
    times: tuple[tuple[int, float], ...]
    hashed: tuple[int, int] | None = None

    def filled(self, names: Mapping[str, str], begin: datetime) -> list[Any]:
        """The row of a sitting that began at a moment, its gaps filled with those names."""
        values = list(self.values)
        for column, pieces in self.gaps:
            values[column] = "".join(names[piece] if place % 2 else piece for place, piece in enumerate(pieces))
        for column, after_s in self.times:
            values[column] = stamp(begin + timedelta(seconds=after_s))
        if self.hashed is not None:
            body, digest = self.hashed
            values[digest] = content_hash(values[body])
        return values


@contextmanager
def undone(conn: sqlite3.Connection) -> Iterator[None]:
    """Of what is stored inside the block, to be cut from, nothing stays; `conn` must be inside a transaction."""
    conn.execute("SAVEPOINT stencils")
    try:
        yield
    finally:
        conn.execute("ROLLBACK TO stencils")
        conn.execute("RELEASE stencils")


def cut(row: Mapping[str, Any], gaps: Mapping[str, str], begin: datetime, written_s: float = 0.0) -> Row:
    """The stencil of a stored row of a sitting that began at `begin`: every text in `gaps` is a gap of that name,
    every stamp goes by the sitting's beginning; it was written so many seconds after."""
    places = {name: place for place, name in enumerate(row)}
    known = re.compile(f"({'|'.join(sorted(map(re.escape, gaps), key=len, reverse=True))})")
    texts, times = [], []
    for name, value in row.items():
        if not isinstance(value, str):
            continue
        if name in WRITTEN:
            times.append((places[name], written_s))
        elif _STAMP.fullmatch(value):
            times.append((places[name], (from_stamp(value) - begin).total_seconds()))
        elif len(parts := known.split(value)) > 1:
            pieces = tuple(gaps[part] if place % 2 else part for place, part in enumerate(parts))
            texts.append((places[name], pieces))
    hashed = (places["body"], places["hash"]) if "hash" in places else None
    return Row(tuple(row.values()), tuple(texts), tuple(times), hashed)
