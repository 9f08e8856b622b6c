"""Everything of a player's, for them to take along: a zip of their shots as CSV and of all else as JSON.

It is written while it is sent, a page at a time, so its size is nobody's memory. Secrets (hashes of PIN, logins,
cards) are not in it, nor a ballot: whoever of the staff makes the file could read it. Of others there are ids
alone.
"""

import json
import sqlite3
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo

from edge.stats.export import PAGE, Unnamed, shots_csv
from edge.store.database import Store


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the zip: the rows of a player's in one table. `whose` is the condition, with `:p` for the player;
    `leaving_out` what is nobody's to read."""

    table: str
    whose: str = "player_id = :p"
    leaving_out: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        return f"{self.table}.json"


PARTS = (
    Part("players", "id = :p", ("name_key",)),
    Part("renames"),
    Part("consents"),
    Part("sessions"),
    Part("matches", ":p IN (player_a, player_b, partner_a, partner_b)", ("state",)),
    Part("rulings", "match_id IN (SELECT match_id FROM outcomes WHERE player_id = :p)", ("by", "withdrawn_by")),
    Part("game_attendances"),
    Part("game_pairings", ":p IN (player_a, partner_a, player_b, partner_b)", ("seed",)),
    Part("metrics_daily", leaving_out=("map",)),
    Part("player_points"),
    Part("ratings"),
    Part("rating_changes"),
    Part("streaks"),
    Part("group_changes", leaving_out=("changed_by",)),
    Part("user_achievements"),
    Part("stats_views"),
    Part("said", "speaker = :p"),
    Part("monthly_awards", leaving_out=("given_by", "withdrawn_by")),
    Part("lucky_draw_entries"),
    Part("championship_seeds"),
    Part("championship_results", ":p IN (walkover, absent)"),
    Part("ladder_events", leaving_out=("by", "withdrawn_by")),
    Part("ladder_challenges", ":p IN (challenger, challenged)", ("ended_by",)),
    Part("ladder_standings"),
    Part("ladder_results", ":p IN (winner, other)"),
    Part("training_sessions"),
    Part("training_baselines"),
    Part("ladder_training_scores"),
)

# Tables that refer to players and are not given out, and why.
LEFT_OUT = {
    "pins": "a hash of the PIN opens nothing and tells nothing",
    "logins": "hashes of what lets somebody in",
    "one_time_tokens": "hashes of what lets somebody in",
    "cards": "hashes of cards' numbers",
    "plays": "the shots' own file tells it",
    "award_votes": "a ballot is secret, from whoever of the staff makes the file too",
    "points_monthly": "sums of player_points",
    "points_alltime": "sums of player_points",
    "staff_calls": "that somebody called from a table, and who of the staff came",
    "takeovers": "ids of accounts that became another's",
    "erasures": "whoever is in it has nothing any more",
    "game_sessions": "the hall's evenings, and who of the staff began them",
    "odd_looked_at": "the staff's own notes, and who of them looked",
}


def takeout(store: Store, player_id: str, zone: tzinfo, unnamed: Unnamed) -> Iterator[bytes]:
    """The zip, a piece at a time. Raises StoreError."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("shots.csv", "w", force_zip64=True) as file:
            for piece in shots_csv(store, player_id, zone, unnamed):
                file.write(piece.encode())
                yield pipe.taken()
        for part in PARTS:
            pieces = _json(store, part, player_id)
            head = next(pieces, None)
            if head is None:
                continue
            with archive.open(part.file, "w", force_zip64=True) as file:
                file.write(head.encode())
                for piece in pieces:
                    file.write(piece.encode())
                    yield pipe.taken()
            yield pipe.taken()
    yield pipe.taken()


def _json(store: Store, part: Part, player_id: str) -> Iterator[str]:
    """A list of rows, page by page; nothing at all for a table that this hall does not have."""
    with store.read() as conn:
        columns = conn.execute(f"PRAGMA table_info({part.table})").fetchall()
    if not columns:
        return
    shown = ", ".join(f'"{row["name"]}"' for row in columns if row["name"] not in part.leaving_out)
    order = ", ".join(row["name"] for row in columns if row["pk"]) or "rowid"
    yield "["
    skip, comma = 0, ""
    while True:
        with store.read() as conn:
            rows = conn.execute(
                f"SELECT {shown} FROM {part.table} WHERE {part.whose} ORDER BY {order} LIMIT :n OFFSET :skip",
                {"p": player_id, "n": PAGE, "skip": skip},
            ).fetchall()
        if rows:
            yield comma + ",\n".join(_row(row) for row in rows)
        if len(rows) < PAGE:
            yield "]\n"
            return
        skip, comma = skip + PAGE, ",\n"


def _row(row: sqlite3.Row) -> str:
    return json.dumps(dict(row), ensure_ascii=False)


class _Pipe:
    """What a zip is written to while it is read: it holds what nobody has taken yet."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def taken(self) -> bytes:
        found = b"".join(self._pieces)
        self._pieces.clear()
        return found
