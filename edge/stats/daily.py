"""What a player did on a day, kept up as shots arrive, so that no page ever adds up shots.

A day is made anew from its plays whenever one of them changes: what it holds never depends on the order in which
shots, amendments and corrections came. Longer spans add up days.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.hall.plays import CELLS

migrations = Migrations("metrics_daily")

Map = NDArray[np.uint16]


@migrations()
def metrics_daily_1(db: Database) -> None:
    # The first columns are what spreadsheets and dashboards ask for; the counts beside them can be added up.
    db.execute("""
        CREATE TABLE metrics_daily (
            player_id TEXT NOT NULL REFERENCES players (id),
            date TEXT NOT NULL,
            make_pct REAL,
            break_win_pct REAL,
            avg_balls_run REAL,
            safety_win_pct REAL,
            pos_error_in REAL,
            attempts INTEGER NOT NULL,
            minutes REAL NOT NULL,
            shots INTEGER NOT NULL,
            makes INTEGER NOT NULL,
            breaks INTEGER NOT NULL,
            breaks_won INTEGER NOT NULL,
            runs INTEGER NOT NULL,
            balls_run INTEGER NOT NULL,
            best_run INTEGER NOT NULL,
            safeties INTEGER NOT NULL,
            safeties_won INTEGER NOT NULL,
            scratches INTEGER NOT NULL,
            best_speed_mph REAL,
            map BLOB NOT NULL,
            PRIMARY KEY (player_id, date)
        ) STRICT, WITHOUT ROWID
    """)


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts that can be added up, and what follows from them; a share of nothing is None, not nought.

    An attempt is a shot at a pot with a known result: no break, no safety. A break succeeds when a ball falls and
    the cue ball does not; a safety when the opponent's next shot pots nothing. A run is what a player pots at one
    visit, counted from one ball.
    """

    attempts: int = 0
    minutes: float = 0.0
    shots: int = 0
    makes: int = 0
    breaks: int = 0
    breaks_won: int = 0
    runs: int = 0
    balls_run: int = 0
    best_run: int = 0
    safeties: int = 0
    safeties_won: int = 0
    scratches: int = 0
    best_speed_mph: float | None = None

    @property
    def make_pct(self) -> float | None:
        return _share(self.makes, self.attempts)

    @property
    def break_win_pct(self) -> float | None:
        return _share(self.breaks_won, self.breaks)

    @property
    def safety_win_pct(self) -> float | None:
        return _share(self.safeties_won, self.safeties)

    @property
    def avg_balls_run(self) -> float | None:
        return None if self.runs == 0 else self.balls_run / self.runs

    @property
    def pos_error_in(self) -> float | None:
        """How far the cue ball stopped from where it was meant to: nobody says yet where that was."""
        return None


SHARES = ("make_pct", "break_win_pct", "avg_balls_run", "safety_win_pct", "pos_error_in")
COUNTS = tuple(one.name for one in fields(Figures))
# What `add_up` reads of a play.
PLAY_COLUMNS = "session_id, result, scratch, kind, run, cue_speed_mph, cell, safety_won"
_SUMS = ", ".join(
    f"{'max' if name in ('best_run', 'best_speed_mph') else 'sum'}({name}) AS {name}" for name in COUNTS
)


def refresh_day(conn: sqlite3.Connection, player_id: str, day: str) -> None:
    """Makes a player's day anew from its plays and sessions; a day with neither is none."""
    figures, cells = figures_of_day(conn, player_id, day)
    if figures.shots == 0 and figures.minutes == 0:
        conn.execute("DELETE FROM metrics_daily WHERE player_id = ? AND date = ?", [player_id, day])
        return
    row = {
        "player_id": player_id,
        "date": day,
        **{name: getattr(figures, name) for name in (*SHARES, *COUNTS)},
        "map": cells.tobytes(),
    }
    conn.execute(
        f"INSERT OR REPLACE INTO metrics_daily ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
        list(row.values()),
    )


def figures_of_day(conn: sqlite3.Connection, player_id: str, day: str) -> tuple[Figures, Map]:
    """A day's figures and map, added up from its plays."""
    rows = conn.execute(
        f"SELECT {PLAY_COLUMNS} FROM plays WHERE player_id = ? AND day = ? ORDER BY played_at, shot_id",
        [player_id, day],
    ).fetchall()
    (seconds,) = conn.execute(
        "SELECT coalesce(sum(active_s), 0.0) FROM sessions WHERE player_id = ? AND day = ?", [player_id, day]
    ).fetchone()
    return add_up(rows, seconds / 60)


def add_up(rows: Iterable[sqlite3.Row], minutes: float) -> tuple[Figures, Map]:
    """The figures and the map of plays in their order; rows have `PLAY_COLUMNS`."""
    counts = dict.fromkeys((name for name in COUNTS if name not in ("minutes", "best_speed_mph")), 0)
    cells: Map = np.zeros((2, CELLS[0] * CELLS[1]), np.uint16)
    fastest: float | None = None
    running: tuple[str, int] = ("", 0)
    runs: list[int] = []
    for row in rows:
        counts["shots"] += 1
        counts["scratches"] += row["scratch"]
        made = row["result"] == "make"
        if row["kind"] == "break":
            counts["breaks"] += 1
            counts["breaks_won"] += made
        elif row["kind"] == "safety" and not made:
            counts["safeties"] += row["safety_won"] is not None
            counts["safeties_won"] += row["safety_won"] == 1
        elif row["result"] != "unknown":
            counts["attempts"] += 1
            counts["makes"] += made
            if row["cell"] is not None:
                cells[int(made), row["cell"]] += 1
        speed = row["cue_speed_mph"]
        fastest = speed if fastest is None or (speed is not None and speed > fastest) else fastest
        if row["session_id"] != running[0] or row["run"] <= running[1]:
            runs.append(0)
        runs[-1] = row["run"]
        running = (row["session_id"], row["run"])
    counts["runs"] = sum(run > 0 for run in runs)
    counts["balls_run"] = sum(runs)
    counts["best_run"] = max(runs, default=0)
    return Figures(minutes=minutes, best_speed_mph=fastest, **counts), cells


def figures_between(conn: sqlite3.Connection, player_id: str, begin: str, end: str) -> Figures:
    """A player's figures from the day `begin` to before the day `end`."""
    row = conn.execute(
        f"SELECT {_SUMS} FROM metrics_daily WHERE player_id = ? AND date >= ? AND date < ?",
        [player_id, begin, end],
    ).fetchone()
    return Figures() if row["shots"] is None else Figures(**dict(row))


def figures_by(conn: sqlite3.Connection, player_id: str, begin: str, end: str, chars: int) -> dict[str, Figures]:
    """The figures of each day, month or year in which a player was here, by the first `chars` of its date: 10, 7
    or 4."""
    rows = conn.execute(
        f"SELECT substr(date, 1, ?) AS part, {_SUMS} FROM metrics_daily"
        " WHERE player_id = ? AND date >= ? AND date < ? GROUP BY part ORDER BY part",
        [chars, player_id, begin, end],
    )
    return {row["part"]: Figures(**{name: row[name] for name in COUNTS}) for row in rows}


def first_day(conn: sqlite3.Connection, player_id: str) -> str | None:
    """The first day of which there are figures of a player."""
    row = conn.execute("SELECT min(date) AS day FROM metrics_daily WHERE player_id = ?", [player_id]).fetchone()
    return None if row["day"] is None else str(row["day"])


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Deletes a player's figures."""
    conn.execute("DELETE FROM metrics_daily WHERE player_id = ?", [player_id])


def map_between(conn: sqlite3.Connection, player_id: str, begin: str, end: str) -> NDArray[np.int64]:
    """Where the balls lay that a player shot at, (2, width cells, length cells): misses, then makes."""
    rows = conn.execute(
        "SELECT map FROM metrics_daily WHERE player_id = ? AND date >= ? AND date < ?", [player_id, begin, end]
    )
    maps = [np.frombuffer(row["map"], np.uint16) for row in rows]
    total = np.sum(maps, axis=0, dtype=np.int64) if maps else np.zeros(2 * CELLS[0] * CELLS[1], np.int64)
    return total.reshape(2, CELLS[1], CELLS[0])


def _share(part: int, whole: int) -> float | None:
    return None if whole == 0 else 100 * part / whole
