"""The days of the halls: how much was played on each, as their hubs told.

A hub may tell a day again, for a late shot changes it. Of what one line told of a day the highest number holds, in
whatever order it comes; of several lines (a hub that was replaced or restored) that which was told last.
"""

import json
import re
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Annotated, Literal

import msgspec

from edge.facts import Fact
from sync.cloud.db import Conn
from sync.cloud.inbox import Line
from sync.cloud.kind import DeadError, Kind, Told, newer_schema
from sync.cloud.steps import Steps

SCHEMA: Literal[1] = 1
COUNTS = ("shots", "sessions", "players", "matches")
MOST = 10_000_000  # of anything on one day

steps = Steps(
    "days",
    (
        (
            """
            CREATE TABLE hall_days (
                line_id {int} NOT NULL REFERENCES lines (id),
                day TEXT NOT NULL,
                hall_id TEXT NOT NULL REFERENCES halls (id),
                seq {int} NOT NULL,
                told_at TEXT NOT NULL,
                shots {int} NOT NULL,
                sessions {int} NOT NULL,
                players {int} NOT NULL,
                matches {int} NOT NULL,
                minutes {real} NOT NULL,
                PRIMARY KEY (line_id, day)
            ) {strict}
            """,
            "CREATE INDEX hall_days_of_hall ON hall_days (hall_id, day)",
        ),
    ),
)

_Count = Annotated[int, msgspec.Meta(ge=0, le=MOST)]


class HallDay(msgspec.Struct, frozen=True, gc=False):
    """A hall's day, as it is told and read: shots struck, stays with a shot in them, who played, matches that
    ended, minutes of play."""

    schema: Literal[1]
    day: str
    shots: _Count
    sessions: _Count
    players: _Count
    matches: _Count
    minutes: Annotated[float, msgspec.Meta(ge=0, le=MOST)]


_DAYS = msgspec.json.Decoder(list[HallDay])
_FIELDS = itemgetter("schema", "day", "minutes", *COUNTS)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DAYS_EACH = re.compile(r"\d{4}-\d\d-\d\d(?:\n\d{4}-\d\d-\d\d)*", re.ASCII)
_NO_DAY = "it tells no day of a hall"

COLUMNS = ("line_id", "day", "hall_id", "seq", "told_at", *COUNTS, "minutes")


def read(fact: Fact) -> HallDay:
    """Raises DeadError for what tells no day."""
    try:
        schema, day, minutes, *counts = _FIELDS(json.loads(fact.body))
        shots, sessions, players, matches = counts
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DeadError(_NO_DAY) from None
    if schema != SCHEMA or isinstance(schema, bool):
        raise newer_schema(schema)
    if not (_is_day(day) and all(map(_is_count, counts)) and _is_amount(minutes)):
        raise DeadError(_NO_DAY)
    if day > _day_after(fact.created[:10]):  # somewhere it is tomorrow already
        raise DeadError("it tells of a day after that on which it was written")
    return HallDay(SCHEMA, day, shots, sessions, players, matches, float(minutes))


def read_all(bodies: Sequence[str], created: Sequence[str]) -> list[HallDay] | None:
    """Many at once; None where one of them is odd."""
    text = ",".join(bodies)
    # With one pair of braces each, bodies can't run into each other and still be as many objects.
    if text.count("{") != len(bodies) or text.count("}") != len(bodies):
        return None
    if [one for one in bodies if one[:1] != "{" or one[-1:] != "}"]:
        return None
    try:
        found = _DAYS.decode(f"[{text}]")
        days = [one.day for one in found]
        whole = (
            len(found) == len(bodies)
            and _DAYS_EACH.fullmatch("\n".join(days)) is not None
            and max(days) <= _day_after(min(created)[:10])
        )
        for day in days:
            date.fromisoformat(day)  # raises for the 31st of February
    except (ValueError, RecursionError):
        return None
    return found if whole else None


def take_in(conn: Conn, line: Line, told: Sequence[Told]) -> None:
    last = {one.content.day: one for one in sorted(told)}
    conn.put_all(
        "hall_days", ("line_id", "day"), COLUMNS, [values_of(line, one) for one in last.values()], newer="seq"
    )


KIND = Kind("day", read, read_all, take_in)


def days_between(conn: Conn, hall_ids: Sequence[str], first: str, last: str) -> dict[str, dict[str, HallDay]]:
    """What these halls told of the days from `first` to `last`, both with it: by hall, then by day."""
    found: dict[str, dict[str, HallDay]] = {hall_id: {} for hall_id in hall_ids}
    if not hall_ids:
        return found
    among, params = conn.among("hall_id", list(hall_ids))
    rows = conn.rows(
        f"SELECT hall_id, day, {', '.join(COUNTS)}, minutes FROM hall_days WHERE {among} AND day BETWEEN ? AND ?"
        " ORDER BY told_at, line_id",
        [*params, first, last],
    )
    for row in rows:  # the last told of each day stays
        found[row["hall_id"]][row["day"]] = HallDay(
            SCHEMA, row["day"], row["shots"], row["sessions"], row["players"], row["matches"], row["minutes"]
        )
    return found


def values_of(line: Line, told: Told) -> tuple[object, ...]:
    """A row of the table, for `COLUMNS`."""
    day: HallDay = told.content
    return (
        line.id, day.day, line.hall_id, told.seq, told.created, day.shots, day.sessions, day.players, day.matches,
        day.minutes,
    )  # fmt: skip


def _is_day(text: object) -> bool:
    return isinstance(text, str) and _is_date(text)


@lru_cache(maxsize=4096)
def _is_date(text: str) -> bool:
    try:
        return _DAY.fullmatch(text) is not None and date.fromisoformat(text) is not None
    except ValueError:  # the 31st of February
        return False


@lru_cache(maxsize=64)
def _day_after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= MOST


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST
