"""What must hold of a hall of boxes once all is healed."""

import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from typing import Any

from hall_model import HallModel

from edge.hall import ratings, standing
from edge.hall.matches import get_match
from edge.hall.scoring import recount
from edge.hall.sessions import get_session
from edge.stats.daily import refresh_day
from edge.store import changes, outbox
from edge.store.changes import Reader
from edge.store.database import Store, connect
from edge.store.replicas import REPLICAS

# Of a match with somebody who was erased; whose they were nobody knows, and they go or stay.
OF_NOBODY = (
    "player_id IS NULL AND match_id IN"
    " (SELECT m.id FROM matches m JOIN players p ON p.id IN (m.player_a, m.player_b) WHERE p.erased IS NOT NULL)"
)
DERIVED = {
    "plays": "SELECT * FROM plays",
    "days": "SELECT * FROM metrics_daily",
    "sessions": "SELECT id, player_id, shots, active_s FROM sessions",
    "matches": "SELECT id, status, score_a, score_b, winner, hill_hill, state FROM matches",
    "points": "SELECT player_id, month, kind, ref, sum(half_points) FROM player_points GROUP BY 1, 2, 3, 4"
    " HAVING sum(half_points)",
    "months": "SELECT player_id, month, half_points FROM points_monthly WHERE half_points",
    "ratings": "SELECT * FROM ratings",
    "rating changes": "SELECT match_id, player_id, elo_before, elo_after, fargo_after FROM rating_changes",
    "streaks": "SELECT * FROM streaks WHERE best_wins + best_days > 0",
    "badges": "SELECT player_id, badge FROM user_achievements",
}


def require_all(hall: HallModel) -> None:
    require_sound(hall)
    require_every_fact_once(hall)
    require_one_hall(hall)
    require_made_anew(hall)


def require_sound(hall: HallModel) -> None:
    """No store is damaged, and none refers to what is not there."""
    for store in (hall.hub.store, *(site.store for site in hall.sites)):
        with store.read() as conn:
            assert [row[0] for row in conn.execute("PRAGMA integrity_check")] == ["ok"]
            assert conn.execute("PRAGMA foreign_key_check").fetchall() == []


def require_every_fact_once(hall: HallModel) -> None:
    """The hub has each fact of each table's line, and nothing of it is set aside."""
    with hall.hub.store.read() as conn:
        come = {
            (row["device"], row["epoch"], row["seq"]): row["hash"] for row in conn.execute("SELECT * FROM inbox")
        }
        upto = {(row["device"], row["epoch"]): row["upto"] for row in conn.execute("SELECT * FROM inbox_lines")}
        aside = [dict(row) for row in conn.execute("SELECT * FROM set_aside WHERE taken_in_at IS NULL")]
    assert aside == [], f"{aside}"
    numbered = 0
    for site in hall.sites:
        with site.store.read() as conn:
            rows = outbox.rows_after(conn, 0, 1 << 30)
            assert [row.seq for row in rows] == list(range(1, outbox.last_seq(conn) + 1))
        numbered += len(rows)
        for row in rows:
            assert come[row.device, row.epoch, row.seq] == row.fact.hash or row.fact.kind in (
                "erased",
                "amend",
            )
        assert upto[rows[0].device, rows[0].epoch] == len(rows)
    assert numbered == len(come)


def require_one_hall(hall: HallModel) -> None:
    """Every table has the rows that the hub tells it, and the hub what was played at every table."""
    for site in hall.sites:
        reader = Reader(site.label, "2025-01-01")
        for replica in REPLICAS:
            with hall.hub.store.read() as there, site.store.read() as here:
                wanted = {one.key: one.values for one in changes.all_rows(there, replica, reader)}
                found = {one.key: one.values for one in changes.all_rows(here, replica, reader)}
            if replica.down is not None:
                other = [(found.get(key), wanted.get(key)) for key in found.keys() | wanted.keys()]
                other = [pair for pair in other if pair[0] != pair[1]]
                assert other == [], f"{replica.table} at {site.label}: {other}"
    for table in ("plays", "shots", "amendments", "sources"):  # as they were told
        names = "*" if table == "plays" else "id" if table != "amendments" else "shot_id, revision, hash"
        told = f"plays WHERE NOT ({OF_NOBODY})" if table == "plays" else table
        played: set[tuple[Any, ...]] = set()
        for site in hall.sites:
            played |= _rows(site.store, f"SELECT {names} FROM {told}")
        known = _rows(hall.hub.store, f"SELECT {names} FROM {told}")
        assert known == played, f"{table}: at the hub alone {known - played}, at tables alone {played - known}"


def require_made_anew(hall: HallModel) -> None:
    """What the hub has derived is what a plain recomputation of its facts gives."""
    with closing(connect(hall.hub.paths.store)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    copy = hall.folder / "copy.db"
    shutil.copyfile(hall.hub.paths.store, copy)
    with Store(copy) as store:
        stands = _derived(store)
        with store.write() as conn:
            _make_anew(conn, hall.now)
        assert _derived(store) == stands
    copy.unlink()


def _rows(store: Store, sql: str) -> set[tuple[Any, ...]]:
    with store.read() as conn:
        return {tuple(row) for row in conn.execute(sql)}


def _derived(store: Store) -> dict[str, set[tuple[Any, ...]]]:
    return {name: _rows(store, sql) for name, sql in DERIVED.items()}


def _make_anew(conn: sqlite3.Connection, now: datetime) -> None:
    conn.execute("DELETE FROM metrics_daily")
    for row in conn.execute("SELECT id FROM sessions ORDER BY started_at, id").fetchall():
        session = get_session(conn, row["id"])
        assert session is not None
        if conn.execute("SELECT 1 FROM plays WHERE session_id = ?", [session.id]).fetchone():
            recount(conn, session, now)
        refresh_day(conn, session.player_id, session.day)
    ratings.settle(conn)
    for row in conn.execute("SELECT id FROM players WHERE erased IS NULL ORDER BY id").fetchall():
        standing.settle(conn, [row["id"]], now)
    for row in conn.execute("SELECT id FROM matches ORDER BY ended_at, id").fetchall():
        match = get_match(conn, row["id"])
        assert match is not None
        standing.settle(conn, list(match.everybody), now, match.id)
