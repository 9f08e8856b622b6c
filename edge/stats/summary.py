"""What a session came to: its figures, its map, and how far its goal is reached."""

import sqlite3
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.hall.plays import CELLS
from edge.hall.sessions import Session
from edge.stats.daily import PLAY_COLUMNS, Figures, add_up


@dataclass(frozen=True, slots=True)
class Summary:
    """A session's figures; `map` is (2, width cells, length cells), misses then makes."""

    figures: Figures
    map: NDArray[np.int64]


def session_summary(conn: sqlite3.Connection, session: Session) -> Summary:
    """A session as it stands, of its player's own shots."""
    rows = conn.execute(
        f"SELECT {PLAY_COLUMNS} FROM plays WHERE session_id = ? AND player_id = ? ORDER BY played_at, shot_id",
        [session.id, session.player_id],
    )
    figures, cells = add_up(rows, session.active_s / 60)
    return Summary(figures, cells.astype(np.int64).reshape(2, CELLS[1], CELLS[0]))


def current_run(conn: sqlite3.Connection, session: Session) -> int:
    """How many balls the run holds that goes on; none after a miss."""
    row = conn.execute(
        "SELECT run FROM plays WHERE session_id = ? AND player_id = ?"
        " ORDER BY played_at DESC, shot_id DESC LIMIT 1",
        [session.id, session.player_id],
    ).fetchone()
    return 0 if row is None else int(row["run"])


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a goal is reached: `done` of `wanted`, of what `kind` names (`makes`, `minutes`, `run`, `drill`)."""

    kind: str
    done: int
    wanted: int

    @property
    def share(self) -> float:
        return min(1.0, self.done / self.wanted)

    @property
    def reached(self) -> bool:
        return self.done >= self.wanted


def goal_progress(session: Session, figures: Figures) -> Progress | None:
    """How far the session's goal is reached; None without one."""
    done = {"makes": figures.makes, "minutes": int(figures.minutes), "run": figures.best_run}
    for kind, count in done.items():
        if kind in session.goal:
            return Progress(kind, count, int(session.goal[kind]))
    if "drill" in session.goal:
        return Progress("drill", figures.attempts, int(session.goal["reps"]))
    return None
