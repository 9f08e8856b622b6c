"""Game sessions: an evening of the hall and who came to it.

Staff tap who is there; who plays a match of the evening is there as well. An evening belongs to the hall's day on
which it began, so results after midnight, or entered on the day after, count for it.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.clock import from_stamp, stamp
from edge.facts import uuid7
from edge.hall import audit, standing
from edge.hall.audit import Deed
from edge.hall.errors import HallError
from edge.hall.matches import longest_race, matches_of_evening
from edge.hall.occasion import Occasion
from edge.hall.players import GAMES, Player, game_of_word, game_word, get_player

migrations = Migrations("game_sessions")


@migrations()
def game_sessions_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE game_sessions (
            id TEXT PRIMARY KEY,
            day TEXT NOT NULL,
            game TEXT NOT NULL,
            race_to INTEGER NOT NULL CHECK (race_to > 0),
            doubles INTEGER NOT NULL CHECK (doubles IN (0, 1)),
            started_at TEXT NOT NULL,
            started_by TEXT NOT NULL REFERENCES players (id),
            closed_at TEXT,
            voided_at TEXT
        ) STRICT
    """)
    db.execute("CREATE INDEX game_sessions_by_day ON game_sessions (day, started_at)")
    # What is taken back stays on record.
    db.execute("""
        CREATE TABLE game_attendances (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            game_session_id TEXT NOT NULL REFERENCES game_sessions (id),
            player_id TEXT NOT NULL REFERENCES players (id),
            at TEXT NOT NULL,
            withdrawn_at TEXT
        ) STRICT
    """)
    db.execute("""
        CREATE UNIQUE INDEX game_attendances_now ON game_attendances (game_session_id, player_id)
        WHERE withdrawn_at IS NULL
    """)
    db.execute("""
        CREATE INDEX game_attendances_of ON game_attendances (player_id, game_session_id)
        WHERE withdrawn_at IS NULL
    """)
    # An evening counts as attended once a ball was struck at a table, or when staff ticked it. DISTINCT around
    # UNION ALL, and not UNION: so SQLite looks up a player's rows, or a month's, and does not read all of them.
    db.execute("CREATE INDEX sessions_played_on ON sessions (day, player_id) WHERE shots > 0")
    db.execute("DROP VIEW attendances")
    db.execute("""
        CREATE VIEW attendances AS
        SELECT DISTINCT player_id, day FROM (
            SELECT player_id, day FROM sessions WHERE shots > 0
            UNION ALL
            SELECT a.player_id, g.day FROM game_attendances a JOIN game_sessions g ON g.id = a.game_session_id
            WHERE a.withdrawn_at IS NULL AND g.voided_at IS NULL
        )
    """)


class EveningError(HallError):
    """What was wanted of an evening can't be."""


@dataclass(frozen=True, slots=True)
class GameSession:
    """An evening. `game`, `race_to` and `doubles` are what its matches are unless staff say otherwise."""

    id: str
    day: str
    game: str
    race_to: int
    doubles: bool
    started_at: datetime
    closed_at: datetime | None = None
    voided: bool = False

    @property
    def open(self) -> bool:
        return self.closed_at is None and not self.voided


def begin_evening(
    conn: sqlite3.Connection,
    here: Occasion,
    by: str,
    *,
    game: str = "8-ball",
    race_to: int = 1,
    doubles: bool = False,
    evening_id: str | None = None,
) -> GameSession:
    """An evening begins, today; with an id that is there already, that one."""
    known = None if evening_id is None else get_evening(conn, evening_id)
    if known is not None:
        return known
    _require_playable(game, race_to)
    evening = GameSession(evening_id or uuid7(), here.day, game, race_to, doubles, here.now)
    conn.execute(
        "INSERT INTO game_sessions (id, day, game, race_to, doubles, started_at, started_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [evening.id, here.day, game, race_to, int(doubles), here.stamp, by],
    )
    note_evening(conn, here.now, by, evening, "evening.begun")
    return evening


def get_evening(conn: sqlite3.Connection, evening_id: str) -> GameSession | None:
    """One evening, or None."""
    row = conn.execute("SELECT * FROM game_sessions WHERE id = ?", [evening_id]).fetchone()
    return None if row is None else _evening(row)


def evenings(conn: sqlite3.Connection, limit: int) -> list[GameSession]:
    """The latest evenings that count, newest first."""
    rows = conn.execute(
        "SELECT * FROM game_sessions WHERE voided_at IS NULL ORDER BY day DESC, started_at DESC LIMIT ?", [limit]
    )
    return [_evening(row) for row in rows]


def set_play(
    conn: sqlite3.Connection,
    evening: GameSession,
    game: str,
    race_to: int,
    *,
    doubles: bool,
    by: str,
    now: datetime,
) -> None:
    """What the evening's next matches are, unless staff say otherwise."""
    _require_playable(game, race_to)
    after = replace(evening, game=game, race_to=race_to, doubles=doubles)
    if after == evening:
        return
    conn.execute(
        "UPDATE game_sessions SET game = ?, race_to = ?, doubles = ? WHERE id = ?",
        [game, race_to, int(doubles), evening.id],
    )
    note_evening(conn, now, by, evening, "evening.play_set", before=_play(evening), after=_play(after))


def attend(
    conn: sqlite3.Connection, evening: GameSession, player_ids: Iterable[str], by: str, now: datetime
) -> list[str]:
    """These are there; returns those who were not yet. Raises EveningError for somebody there can't be."""
    new = tick(conn, evening, player_ids, by, now)
    standing.settle(conn, new, now, since_month=evening.day[:7])
    return new


def tick(
    conn: sqlite3.Connection, evening: GameSession, player_ids: Iterable[str], by: str, now: datetime
) -> list[str]:
    """`attend` for a caller who settles those players afterwards."""
    require_counts(evening)
    here = set(attending_ids(conn, evening.id))
    new = [one for one in dict.fromkeys(player_ids) if one not in here]
    for player_id in new:
        player = get_player(conn, player_id)
        if player is None or player.erased:
            raise EveningError("evening_nobody")
        conn.execute(
            "INSERT INTO game_attendances (game_session_id, player_id, at) VALUES (?, ?, ?)",
            [evening.id, player_id, stamp(now)],
        )
        note_evening(conn, now, by, evening, "evening.attended", after={"player": player_id})
    return new


def leave_out(conn: sqlite3.Connection, evening: GameSession, player_id: str, by: str, now: datetime) -> bool:
    """Somebody was not there after all; False when nobody said so. Raises EveningError for who has played."""
    if any(player_id in match.everybody for match in matches_of_evening(conn, evening.id)):
        raise EveningError("evening_has_played")
    gone = conn.execute(
        "UPDATE game_attendances SET withdrawn_at = ?"
        " WHERE game_session_id = ? AND player_id = ? AND withdrawn_at IS NULL",
        [stamp(now), evening.id, player_id],
    ).rowcount
    if gone:
        note_evening(conn, now, by, evening, "evening.left_out", after={"player": player_id})
        standing.settle(conn, [player_id], now, since_month=evening.day[:7])
    return bool(gone)


def attending(conn: sqlite3.Connection, evening_id: str) -> list[Player]:
    """Who is there, in the order of the alphabet, guests last."""
    found = [get_player(conn, one) for one in attending_ids(conn, evening_id)]
    return sorted((p for p in found if p is not None and not p.erased), key=lambda p: (p.guest, p.name.casefold()))


def attending_ids(conn: sqlite3.Connection, evening_id: str) -> list[str]:
    rows = conn.execute(
        "SELECT player_id FROM game_attendances WHERE game_session_id = ? AND withdrawn_at IS NULL ORDER BY id",
        [evening_id],
    )
    return [row["player_id"] for row in rows]


def close_evening(conn: sqlite3.Connection, evening: GameSession, by: str, now: datetime) -> None:
    """The evening is over; results can still be entered and corrected."""
    if evening.open:
        conn.execute("UPDATE game_sessions SET closed_at = ? WHERE id = ?", [stamp(now), evening.id])
        note_evening(conn, now, by, evening, "evening.closed")


def reopen_evening(conn: sqlite3.Connection, evening: GameSession, by: str, now: datetime) -> None:
    """The evening goes on, or counts after all."""
    conn.execute("UPDATE game_sessions SET closed_at = NULL, voided_at = NULL WHERE id = ?", [evening.id])
    note_evening(conn, now, by, evening, "evening.reopened")
    standing.settle(conn, attending_ids(conn, evening.id), now, since_month=evening.day[:7])


def void_evening(conn: sqlite3.Connection, evening: GameSession, by: str, now: datetime) -> None:
    """The evening does not count, as one begun by mistake. Raises EveningError once a match was played in it."""
    if matches_of_evening(conn, evening.id):
        raise EveningError("evening_has_results")
    conn.execute(
        "UPDATE game_sessions SET voided_at = ? WHERE id = ? AND voided_at IS NULL", [stamp(now), evening.id]
    )
    note_evening(conn, now, by, evening, "evening.voided")
    standing.settle(conn, attending_ids(conn, evening.id), now, since_month=evening.day[:7])


def time_of_result(conn: sqlite3.Connection, evening: GameSession, now: datetime) -> str:
    """When a match ended that is entered now: now, while the evening goes on; else after the last one known."""
    if evening.open and timedelta() <= now - evening.started_at < timedelta(hours=18):
        return stamp(now)
    row = conn.execute(
        "SELECT max(ended_at) AS latest FROM matches WHERE game_session_id = ?", [evening.id]
    ).fetchone()
    latest = evening.started_at if row["latest"] is None else from_stamp(row["latest"])
    return stamp(max(latest, evening.started_at) + timedelta(minutes=1))


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Deletes a player's attendance."""
    conn.execute("DELETE FROM game_attendances WHERE player_id = ?", [player_id])


def take_over(conn: sqlite3.Connection, from_id: str, to_id: str) -> None:
    """A player's attendance becomes another's."""
    who = {"f": from_id, "t": to_id}
    conn.execute(
        "DELETE FROM game_attendances WHERE player_id = :f AND withdrawn_at IS NULL AND game_session_id IN"
        " (SELECT game_session_id FROM game_attendances WHERE player_id = :t AND withdrawn_at IS NULL)",
        who,
    )
    conn.execute("UPDATE game_attendances SET player_id = :t WHERE player_id = :f", who)


def require_counts(evening: GameSession) -> None:
    """Raises EveningError for an evening that does not count."""
    if evening.voided:
        raise EveningError("evening_voided")


def note_evening(
    conn: sqlite3.Connection,
    now: datetime,
    by: str,
    evening: GameSession,
    what: str,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    """A line of the audit on an evening."""
    audit.deed(conn, stamp(now), what, f"evening:{evening.id}", by, before=before, after=after)


def _evening(row: sqlite3.Row) -> GameSession:
    return GameSession(
        id=row["id"],
        day=row["day"],
        game=row["game"],
        race_to=row["race_to"],
        doubles=bool(row["doubles"]),
        started_at=from_stamp(row["started_at"]),
        closed_at=None if row["closed_at"] is None else from_stamp(row["closed_at"]),
        voided=row["voided_at"] is not None,
    )


def _require_playable(game: str, race_to: int) -> None:
    if game not in GAMES or not 1 <= race_to <= longest_race(game):
        raise EveningError("evening_game")


def _play(evening: GameSession) -> dict[str, object]:
    return {"game": game_word(evening.game), "race_to": evening.race_to, "doubles": evening.doubles}


def of_deed(conn: sqlite3.Connection, deed: Deed) -> GameSession:
    """The evening that a deed was about, to undo it. Raises EveningError when it is gone."""
    evening = get_evening(conn, deed.subject.removeprefix("evening:"))
    if evening is None:
        raise EveningError("undo_too_late")
    return evening


def _undo_attended(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    if not leave_out(conn, of_deed(conn, deed), (deed.after or {})["player"], by, now):
        raise EveningError("undo_too_late")


def _undo_left_out(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    attend(conn, of_deed(conn, deed), [(deed.after or {})["player"]], by, now)


def _undo_begun(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    void_evening(conn, of_deed(conn, deed), by, now)


def _undo_ended(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    reopen_evening(conn, of_deed(conn, deed), by, now)


def _undo_play_set(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    evening, was = of_deed(conn, deed), deed.before or {}
    if _play(evening) != deed.after:
        raise EveningError("undo_too_late")
    game = game_of_word(was["game"])
    assert game is not None  # it could be played then
    set_play(conn, evening, game, was["race_to"], doubles=was["doubles"], by=by, now=now)


UNDO = {
    "evening.play_set": _undo_play_set,
    "evening.attended": _undo_attended,
    "evening.left_out": _undo_left_out,
    "evening.begun": _undo_begun,
    "evening.closed": _undo_ended,
    "evening.voided": _undo_ended,
}
