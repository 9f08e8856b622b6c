"""The months of training: which are open, when all of one is told, and what becomes of what came too late.

A month is open until it is final: it is over, its sessions have ended, and every table has told all up to its end.
From then on its rows stay as they are. The cloud freezes it by what it was told, or after three days by what it
was told last; a hall without a cloud freezes it by itself. Sessions that are not in what was frozen are booked on
into the next month that is open.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from edge.clock import month_after, stamp
from edge.facts import Fact, hall_training
from edge.hall import devices
from edge.hall.occasion import hall_day
from edge.hall.training import CLOSED, NO_LADDER, write_row
from edge.store import sync_state

GRACE = timedelta(hours=72)  # after it the cloud freezes a month with what it was told last
STILL_PLAYING = timedelta(hours=6)  # who is at a table at the month's end is waited for, but no longer
TOLD_AGAIN = timedelta(hours=6)  # who does not keep what is told is not told all the time
SCHEMA = 1

_OPEN = "NOT final AND state IN ('open', 'grace')"


def begin(conn: sqlite3.Connection, now: datetime, zone: tzinfo) -> list[str]:
    """Makes known the months up to the hall's own of that moment, the first time that alone; returns those that
    are open, in order."""
    month = hall_day(now, zone)[:7]
    (last,) = conn.execute("SELECT max(period) FROM training_periods").fetchone()
    one = month if last is None else month_after(last)
    while one <= month:
        conn.execute("INSERT INTO training_periods (period) VALUES (?)", [one])
        one = month_after(one)
    conn.execute("UPDATE training_periods SET state = 'grace' WHERE state = 'open' AND period < ?", [month])
    return open_periods(conn)


def open_periods(conn: sqlite3.Connection) -> list[str]:
    """The months whose scores are still made anew, in order."""
    return [
        row["period"] for row in conn.execute(f"SELECT period FROM training_periods WHERE {_OPEN} ORDER BY period")
    ]


def first_open_after(conn: sqlite3.Connection, period: str) -> str | None:
    """The next month in which something that came too late for that one can be booked."""
    return next((one for one in open_periods(conn) if one > period), None)


def bounds(period: str, zone: tzinfo) -> tuple[datetime, datetime]:
    """When a month begins and ends by the clocks on the hall's wall, whatever they did in between; in UTC, in
    which hours can be added."""
    first, after = (date.fromisoformat(f"{one}-01") for one in (period, month_after(period)))
    begins, ends = (datetime.combine(day, time(), tzinfo=zone) for day in (first, after))
    return begins.astimezone(UTC), ends.astimezone(UTC)


def waits_for(conn: sqlite3.Connection, period: str, now: datetime, zone: tzinfo) -> list[str]:
    """For what a month waits that may be final: words for the log; nothing where all of it is told.

    A table has told all once it was heard of twice after the month's end with nothing unsent: what it noted before
    the first time it has told before the second. `conn` must be inside a transaction for writing, for when a table
    was heard of first is noted.
    """
    end = bounds(period, zone)[1]
    if now < end:
        return ["the month's end"]
    waits = []
    if conn.execute("SELECT 1 FROM to_book LIMIT 1").fetchone():
        waits.append("shots to be booked")
    if conn.execute("SELECT 1 FROM set_aside WHERE taken_in_at IS NULL AND fate = 'held' LIMIT 1").fetchone():
        waits.append("facts that are held")
    at_table = "SELECT 1 FROM sessions WHERE ended_at IS NULL AND day < ? LIMIT 1"
    if now < end + STILL_PLAYING and conn.execute(at_table, [f"{month_after(period)}-01"]).fetchone():
        waits.append("who still plays")
    return waits + _tables_waited_for(conn, period, stamp(end))


def make_final(conn: sqlite3.Connection, period: str, now: datetime) -> None:
    """All of a month is told and in its scores: they stay as they are from here on."""
    conn.execute(
        f"UPDATE training_periods SET final = 1, final_at = ? WHERE period = ? AND {_OPEN}", [stamp(now), period]
    )


def freeze_here(conn: sqlite3.Connection, now: datetime, zone: tzinfo) -> list[str]:
    """For a hall without a cloud: freezes the months that are final, or over for three days; returns which."""
    rows = conn.execute(
        "SELECT period, final FROM training_periods WHERE state IN ('open', 'grace') ORDER BY period"
    ).fetchall()
    found = [row["period"] for row in rows if row["final"] or now >= bounds(row["period"], zone)[1] + GRACE]
    for period in found:
        conn.execute(
            "UPDATE training_periods SET state = 'frozen', frozen_rev = rev, frozen_at = ? WHERE period = ?",
            [stamp(now), period],
        )
        _book_on(conn, period, "NOT scored")
    return found


def hear_periods(conn: sqlite3.Connection, told: Iterable[Mapping[str, Any]], now: datetime) -> None:
    """What the cloud says of the months: what it has frozen is so, whatever was told since. What it does not know
    any more is told again. `conn` must be inside a transaction for writing."""
    known = {str(one["period"]): one for one in told}
    all_sent = sync_state.count_unsent(conn, "cloud_outbox") == 0
    lately = stamp(now - TOLD_AGAIN)
    for row in conn.execute("SELECT * FROM training_periods ORDER BY period").fetchall():
        period, one = row["period"], known.get(row["period"])
        closed_there = one is not None and one["state"] in CLOSED
        rev = int(one["rev"] or 0) if one is not None else 0
        if one is not None and closed_there:
            if row["state"] not in CLOSED:
                _freeze(conn, row, rev)
            conn.execute(
                "UPDATE training_periods SET state = ?, frozen_rev = ?, frozen_at = ?, again = 0 WHERE period = ?",
                [one["state"], rev, one.get("frozen_at") or row["frozen_at"] or stamp(now), period],
            )
        elif rev > row["rev"]:  # this store was put back, and knows less than was told
            conn.execute("UPDATE training_periods SET rev = ?, again = 1 WHERE period = ?", [rev, period])
        elif rev < row["rev"] and all_sent and row["told_at"] < lately and _is_asked_for(period, known):
            conn.execute("UPDATE training_periods SET again = 1 WHERE period = ?", [period])


def take_verdict(conn: sqlite3.Connection, period: str, rewards: Iterable[Mapping[str, Any]]) -> None:
    """Notes who has won a month, by the cloud's list of rewards; one that was reverted is none."""
    conn.execute(
        "UPDATE ladder_training_scores SET winner = NULL WHERE period = ? AND winner IS NOT NULL", [period]
    )
    for reward in rewards:
        if reward["period"] != period or reward["state"] == "reverted" or reward["kind"] not in ("half", "free"):
            continue
        conn.execute(
            "UPDATE ladder_training_scores SET winner = ? WHERE period = ? AND player_id = ? AND ladder_id = ?",
            [reward["kind"], period, reward["player"], reward.get("ladder") or NO_LADDER],
        )


def facts_to_tell(conn: sqlite3.Connection, now: datetime) -> list[Fact]:
    """The facts of the months that are other than they were told last, each as its next revision, which is noted
    as told: the caller puts them in line in the same transaction."""
    rows = conn.execute(
        "SELECT * FROM training_periods WHERE settled_at IS NOT NULL AND (again OR (NOT told_final"
        " AND state IN ('open', 'grace'))) ORDER BY period"
    ).fetchall()
    return [fact for row in rows if (fact := _next_fact(conn, row, stamp(now))) is not None]


def _next_fact(conn: sqlite3.Connection, row: sqlite3.Row, now: str) -> Fact | None:
    period = row["period"]
    content = body_of(conn, period, final=bool(row["final"]))
    found = hall_training(content, rev=0, created=now)
    if not row["again"] and (
        found.hash == row["told_hash"] or not (content["scores"] or row["rev"] or row["final"])
    ):
        return None
    rev = row["rev"] + 1
    conn.execute(
        "UPDATE training_periods SET rev = ?, told_hash = ?, told_at = ?, told_final = final, again = 0"
        " WHERE period = ?",
        [rev, found.hash, now, period],
    )
    conn.execute(
        "UPDATE training_sessions SET told_rev = ? WHERE period = ? AND scored AND told_rev IS NULL", [rev, period]
    )
    kept = conn.execute("SELECT * FROM ladder_training_scores WHERE period = ?", [period]).fetchall()
    conn.execute(
        "INSERT INTO training_told (period, rev, scores) VALUES (?, ?, ?)",
        [period, rev, json.dumps([dict(one) for one in kept])],
    )
    return hall_training(content, rev=rev, created=now)


def body_of(conn: sqlite3.Connection, period: str, *, final: bool) -> dict[str, Any]:
    """What is told of a month, without its revision. Names are told apart from facts (`sync.hall_link`)."""
    rows = conn.execute(
        "SELECT s.*, l.name AS ladder FROM ladder_training_scores s"
        " JOIN players p ON p.id = s.player_id LEFT JOIN ladders l ON l.id = s.ladder_id"
        " WHERE s.period = ? AND NOT p.guest AND p.erased IS NULL ORDER BY s.player_id, s.ladder_id",
        [period],
    )
    scores = [
        {
            "player": row["player_id"], "ladder": row["ladder_id"] or None, "ladder_name": row["ladder"],
            "coach_avg": row["coach_avg"], "hours": row["hours_total"], "hours_norm": row["hours_norm"],
            "win_rate": row["win_rate"], "total": row["total_score"], "sessions": row["sessions"],
            "shots": row["shots"], "reached_at": row["reached_at"],
        }
        for row in rows
    ]  # fmt: skip
    return {"schema": SCHEMA, "period": period, "final": final, "scores": scores}


def _tables_waited_for(conn: sqlite3.Connection, period: str, end: str) -> list[str]:
    """The labels of the tables that have not told all up to that stamp, as far as is known."""
    row = conn.execute("SELECT heard FROM training_periods WHERE period = ?", [period]).fetchone()
    heard: dict[str, str] = json.loads(row["heard"])
    before, waits = dict(heard), []
    for box in devices.devices(conn):
        # Who says nothing of it, as who looks for the hub, has not said that all is told.
        told_all = box.seen_at is not None and box.seen_at >= end and box.says.get("unsent") == 0
        if told_all and box.seen_at is not None and box.seen_at > heard.setdefault(box.id, box.seen_at):
            continue
        waits.append(box.table_label)
    if heard != before:
        conn.execute("UPDATE training_periods SET heard = ? WHERE period = ?", [json.dumps(heard), period])
    return waits


def _freeze(conn: sqlite3.Connection, row: sqlite3.Row, rev: int) -> None:
    """The cloud has frozen a month by a revision: its rows are those that were told with it."""
    period = row["period"]
    told = conn.execute("SELECT scores FROM training_told WHERE period = ? AND rev = ?", [period, rev]).fetchone()
    if told is None and rev > 0:
        # This store was put back and does not know any more what was told: better not counted twice.
        _book_on(conn, period, "NOT scored")
    else:
        _restore(conn, period, [] if told is None else json.loads(told["scores"]))
        _book_on(conn, period, "(NOT scored OR coalesce(told_rev > ?, 1))", rev)
    conn.execute("DELETE FROM training_told WHERE period = ? AND rev != ?", [period, rev])


def _restore(conn: sqlite3.Connection, period: str, rows: Iterable[Mapping[str, Any]]) -> None:
    conn.execute("DELETE FROM ladder_training_scores WHERE period = ?", [period])
    for row in rows:
        write_row(conn, "ladder_training_scores", (), row, None)


def _book_on(conn: sqlite3.Connection, period: str, which: str, *values: object) -> None:
    """Books sessions of a closed month that are not in its scores in the next one that is open. Guests' stay: who
    signs up later does not carry months together."""
    following = first_open_after(conn, period)
    if following is None:  # the next has not begun by this box's clock
        following = month_after(period)
        conn.execute("INSERT INTO training_periods (period) VALUES (?) ON CONFLICT DO NOTHING", [following])
    conn.execute(
        "UPDATE training_sessions AS t SET period = ?, scored = 0, told_rev = NULL"
        f" WHERE period = ? AND {which}"
        " AND NOT EXISTS (SELECT 1 FROM players p WHERE p.id = t.player_id AND p.guest)",
        [following, period, *values],
    )


def _is_asked_for(period: str, known: Mapping[str, object]) -> bool:
    """Whether the cloud, whose list goes back some months, would name that month if it knew it."""
    return period >= min(known, default=period)
