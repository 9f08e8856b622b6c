"""The hall's lists as files for a spreadsheet, for staff: members, a board, evenings, matches, what was done.

As in `edge.stats.export`, a file is UTF-8 with a byte order mark, for Excel; what would be a formula has an
apostrophe in front; and it is read page by page while it is sent. There is no PIN in any, no hash and no address.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import tzinfo
from typing import Any

from edge.clock import from_stamp
from edge.hall.groups import group_of
from edge.hall.points import full_board
from edge.hall.ratings import rating_of
from edge.stats.export import BOM, PAGE, Unnamed, csv_lines, safe_cell
from edge.store.database import Store

MEMBERS = (
    "name",
    "member_since",
    "roles",
    "group",
    "elo",
    "fargo",
    "racks",
    "on_boards",
    "games",
    "handedness",
    "player",
)
BOARD = ("rank", "name", "points", "training_minutes", "on_boards", "player")
TRAINING = (
    "rank", "name", "ladder", "hours", "coach_avg", "hours_norm", "win_rate", "total", "sessions", "shots", "won",
    "played", "reward", "on_boards", "player",
)  # fmt: skip
EVENINGS = ("day", "game", "doubles", "name", "matches", "won", "evening", "player")
MATCHES = (
    "day", "ended", "game", "race_to", "side_a", "side_b", "score_a", "score_b", "winner", "status", "ruled",
    "table", "evening", "match",
)  # fmt: skip
AUDIT = ("line", "at", "who", "role", "what", "subject", "before", "after")

Names = Callable[[str | None], str]


def members_csv(store: Store, zone: tzinfo) -> Iterator[str]:
    """Everybody who signed up, by name, one a row. No e-mail: a list of addresses is not what a file is for."""

    def cells(conn: sqlite3.Connection, row: sqlite3.Row) -> list[object]:
        rating = rating_of(conn, row["id"])
        return [
            row["name"],
            _day(row["created"], zone),
            " ".join(json.loads(row["roles"])),
            group_of(conn, row["id"]),
            round(rating.elo),
            round(rating.fargo),
            rating.racks,
            row["visible"],
            " ".join(json.loads(row["games"])),
            row["handedness"],
            row["id"],
        ]

    sql = "SELECT *, name_key AS at FROM players WHERE name_key > ? ORDER BY name_key LIMIT ?"
    return _paged(store, MEMBERS, sql, "", cells)


def board_csv(store: Store, month: str | None, unnamed: Unnamed) -> Iterator[str]:
    """Every rank of a month, or of all time, with the minutes of training; guests have no rank."""
    yield BOM + csv_lines([BOARD])
    with store.read() as conn:
        places = full_board(conn, month)
    for begin in range(0, len(places), PAGE):
        part = places[begin : begin + PAGE]
        with store.read() as conn:
            minutes = training_minutes(conn, [one.player_id for one in part], month)
        yield _table(
            [one.rank, one.name if not one.guest else unnamed.guest, one.points]
            + [round(minutes[one.player_id]), int(one.seen), one.player_id]
            for one in part
        )


def training_minutes(conn: sqlite3.Connection, player_ids: Sequence[str], month: str | None) -> dict[str, float]:
    """How long each of these players has played in a month, or ever."""
    begin, end = ("", "9") if month is None else (f"{month}-01", f"{month}-32")
    marks = ", ".join("?" * len(player_ids))
    rows = conn.execute(
        f"SELECT player_id, sum(minutes) AS minutes FROM metrics_daily WHERE player_id IN ({marks})"
        " AND date >= ? AND date < ? GROUP BY player_id",
        [*player_ids, begin, end],
    )
    return dict.fromkeys(player_ids, 0.0) | {row["player_id"]: float(row["minutes"]) for row in rows}


def training_csv(store: Store, period: str) -> Iterator[str]:
    """Every rank of a month by training score, a row for each ladder, the best one first."""
    yield BOM + csv_lines([TRAINING])
    with store.read() as conn:
        rows = conn.execute(
            "SELECT s.rank, p.name, l.name AS ladder, s.hours_total, s.coach_avg, s.hours_norm, s.win_rate,"
            " s.total_score, s.sessions, s.shots, s.won, s.played, s.winner, p.visible, s.player_id"
            " FROM ladder_training_scores s JOIN players p ON p.id = s.player_id"
            " LEFT JOIN ladders l ON l.id = s.ladder_id WHERE s.period = ?"
            " ORDER BY s.rank, s.total_score DESC, s.ladder_id",
            [period],
        ).fetchall()
    yield _table(rows)


def evenings_csv(store: Store, unnamed: Unnamed) -> Iterator[str]:
    """Who was here on each evening that counts: a row for each, with the matches played in it and those won."""

    def cells(conn: sqlite3.Connection, row: sqlite3.Row) -> list[object]:
        played = conn.execute(
            "SELECT count(*), coalesce(sum(winner = CASE WHEN :p IN (player_a, partner_a) THEN player_a"
            " ELSE player_b END), 0) FROM matches WHERE game_session_id = :g AND status = 'over'"
            " AND :p IN (player_a, player_b, partner_a, partner_b)",
            {"p": row["player_id"], "g": row["game_session_id"]},
        ).fetchone()
        name = unnamed.guest if row["guest"] else row["name"]
        return [row["day"], row["game"], row["doubles"], name, *played, row["game_session_id"], row["player_id"]]

    sql = (
        "SELECT a.id AS at, a.player_id, a.game_session_id, g.day, g.game, g.doubles, p.name, p.guest"
        " FROM game_attendances a JOIN game_sessions g ON g.id = a.game_session_id"
        " JOIN players p ON p.id = a.player_id WHERE a.id > ? AND a.withdrawn_at IS NULL"
        " AND g.voided_at IS NULL ORDER BY a.id LIMIT ?"
    )
    return _paged(store, EVENINGS, sql, 0, cells)


def matches_csv(store: Store, zone: tzinfo, unnamed: Unnamed) -> Iterator[str]:
    """Every match that is over or was struck off, in the order in which they were begun."""

    def cells(conn: sqlite3.Connection, row: sqlite3.Row) -> list[object]:
        names = _names(conn, unnamed)
        sides = [_side(names, row, side) for side in ("a", "b")]
        winner = None if row["winner"] is None else sides[int(row["winner"] == row["player_b"])]
        ruled = conn.execute(
            "SELECT 1 FROM rulings WHERE match_id = ? AND withdrawn_at IS NULL", [row["id"]]
        ).fetchone()
        return [
            row["day"],
            _time(row["ended_at"], zone),
            row["game"],
            row["race_to"],
            *sides,
            row["score_a"],
            row["score_b"],
            winner,
            row["status"],
            int(ruled is not None),
            row["table_label"],
            row["game_session_id"],
            row["id"],
        ]

    sql = "SELECT *, id AS at FROM matches WHERE id > ? AND status != 'open' ORDER BY id LIMIT ?"
    return _paged(store, MATCHES, sql, "", cells)


def audit_csv(store: Store, zone: tzinfo, unnamed: Unnamed) -> Iterator[str]:
    """What was done, oldest first. Who did it has a name here; what it was done to has ids, as it was noted."""

    def cells(conn: sqlite3.Connection, row: sqlite3.Row) -> list[object]:
        who = "" if row["who"] is None else _names(conn, unnamed)(row["who"])
        return [row["id"], _time(row["stamp"], zone), who, row["role"], row["what"], row["subject"]] + [
            row[side] for side in ("before", "after")
        ]

    sql = (
        "SELECT id, id AS at, audit.at AS stamp, who, role, what, subject, before, after FROM audit"
        " WHERE id > ? ORDER BY id LIMIT ?"
    )
    return _paged(store, AUDIT, sql, 0, cells)


def _paged(
    store: Store,
    columns: Iterable[str],
    sql: str,
    begin: object,
    cells: Callable[[sqlite3.Connection, sqlite3.Row], list[object]],
) -> Iterator[str]:
    """A file, a piece for each page of rows; `sql` asks for those after an `at`, in its order, and so many."""
    yield BOM + csv_lines([columns])
    at = begin
    while True:
        with store.read() as conn:
            rows = conn.execute(sql, [at, PAGE]).fetchall()
            piece = _table(cells(conn, row) for row in rows)
        if rows:
            yield piece
            at = rows[-1]["at"]
        if len(rows) < PAGE:
            return


def _table(rows: Iterable[Iterable[Any]]) -> str:
    return csv_lines([["" if cell is None else safe_cell(str(cell)) for cell in row] for row in rows])


def _names(conn: sqlite3.Connection, unnamed: Unnamed) -> Names:
    def name(player_id: str | None) -> str:
        row = conn.execute("SELECT name, guest, erased FROM players WHERE id = ?", [player_id]).fetchone()
        if row is None or row["erased"]:
            return unnamed.former
        return unnamed.guest if row["guest"] else str(row["name"])

    return name


def _side(names: Names, row: sqlite3.Row, side: str) -> str:
    """One player, or the two of a pair."""
    return " & ".join(names(row[column]) for column in (f"player_{side}", f"partner_{side}") if row[column])


def _time(stamp: str | None, zone: tzinfo) -> str:
    return "" if stamp is None else from_stamp(stamp).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def _day(stamp: str, zone: tzinfo) -> str:
    return from_stamp(stamp).astimezone(zone).date().isoformat()
