"""The hall's feed: what is worth telling everybody, which so far is who was the best trainer of a month.

A post is made of what is kept anyway, so a winner whose reward was taken back, or who wants to be seen no more, is
in it as such. Each has a sentence of ours, always the same one, and the winner's hardest make of that month.
"""

import hashlib
import sqlite3
from dataclasses import dataclass

from edge.hall import rewards
from edge.hall.rewards import HallReward, Kind

TAGLINES = 12  # sentences in the texts


@dataclass(frozen=True, slots=True)
class Post:
    """A post. `tagline` is the number of its sentence, `best_shot_id` the shot that is shown with it, None where
    none may be."""

    period: str
    kind: Kind
    player_id: str
    name: str | None
    ladder_name: str | None
    total: float
    hours: float
    tagline: int
    best_shot_id: str | None


def posts(conn: sqlite3.Connection, limit: int = 12) -> list[Post]:
    """The last posts, the newest first."""
    return [_post(conn, one) for one in rewards.latest(conn, limit)]


def _post(conn: sqlite3.Connection, one: HallReward) -> Post:
    shot = None if one.name is None else hardest_make(conn, one.player_id, one.period)
    return Post(
        one.period, one.kind, one.player_id, one.name, one.ladder_name, one.total, one.hours, _tagline(one.id),
        shot,
    )  # fmt: skip


def hardest_make(conn: sqlite3.Connection, player_id: str, period: str) -> str | None:
    """The hardest shot that a player made in a month; None where none is known."""
    row = conn.execute(
        "SELECT shot_id FROM plays WHERE player_id = ? AND day >= ? AND day <= ? AND result = 'make'"
        " AND difficulty IS NOT NULL AND kind != 'break' ORDER BY difficulty DESC, played_at LIMIT 1",
        [player_id, f"{period}-01", f"{period}-31"],
    ).fetchone()
    return None if row is None else str(row["shot_id"])


def _tagline(text: str) -> int:
    return hashlib.sha256(text.encode()).digest()[0] % TAGLINES
