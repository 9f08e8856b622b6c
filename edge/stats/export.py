"""A player's shots to take along: one row a shot as CSV, and the same shots page by page for a screen.

The file is UTF-8 and begins with a byte order mark: without one Excel reads an accent in a name as two letters,
and whatever else reads CSV passes over it. What a spreadsheet would take for a formula has an apostrophe in front;
a negative number stays one.
"""

import csv
import io
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import tzinfo

from edge.clock import from_stamp
from edge.store.database import Store

PAGE = 500  # rows of one read transaction: a long one would keep the store's log from being cut back
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
COLUMNS = (
    "time", "utc_offset", "table", "session", "kind_of_session", "opponent", "game", "rack", "result", "potted",
    "pocket", "kind", "cut_angle_deg", "cue_distance_in", "pocket_distance_in", "cue_speed_mph", "spin", "english",
    "difficulty", "scratch", "foul", "run", "amended", "shot",
)  # fmt: skip

# The full-width forms too: some spreadsheets read them as the others.
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")

_ROWS = """
    SELECT p.shot_id, p.played_at, p.foul, p.rack, p.run, s.id AS session, s.kind AS session_kind, s.table_label,
        m.game, o.name AS opponent, o.guest, o.erased, n.result, n.potted, n.pocket, n.kind, n.cut_angle_deg,
        n.cue_distance_in, n.pocket_distance_in, n.cue_speed_mph, n.spin_vertical, n.spin_side, n.difficulty,
        n.scratch, n.amended
    FROM plays p
    JOIN shots_now n ON n.id = p.shot_id
    JOIN sessions s ON s.id = p.session_id
    LEFT JOIN matches m ON m.id = p.match_id
    LEFT JOIN players o ON o.id = CASE WHEN m.player_a = p.player_id THEN m.player_b ELSE m.player_a END
    WHERE p.player_id = ? AND (p.played_at, p.shot_id) > (?, ?)
    ORDER BY p.played_at, p.shot_id LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Unnamed:
    """What is written of an opponent who has no name here."""

    guest: str
    former: str


def shots_csv(store: Store, player_id: str, zone: tzinfo, unnamed: Unnamed, page: int = PAGE) -> Iterator[str]:
    """The lines of the file, a piece for each page of shots, oldest first. Raises StoreError.

    Every page is read for itself, so nobody waits for the reader, and a shot that is mended meanwhile stands as it
    stands then. Times are the hall's; the offset beside them tells the two hours apart that one night has twice.
    """
    yield BOM + csv_lines([COLUMNS])
    at = ("", "")
    while True:
        with store.read() as conn:
            rows = conn.execute(_ROWS, [player_id, *at, page]).fetchall()
        if rows:
            yield csv_lines(_cells(row, zone, unnamed) for row in rows)
        if len(rows) < page:
            return
        at = (rows[-1]["played_at"], rows[-1]["shot_id"])


def shots_of(conn: sqlite3.Connection, player_id: str, limit: int, before: str | None = None) -> list[str]:
    """The ids of a player's latest shots, newest first; with `before`, those older than that shot of theirs.

    An id that is none of theirs has nothing before it.
    """
    older = "SELECT played_at, shot_id FROM plays WHERE shot_id = :before AND player_id = :p"
    bound = "" if before is None else f"AND (played_at, shot_id) < ({older})"
    rows = conn.execute(
        f"SELECT shot_id FROM plays WHERE player_id = :p {bound} ORDER BY played_at DESC, shot_id DESC LIMIT :n",
        {"p": player_id, "before": before, "n": limit},
    )
    return [row["shot_id"] for row in rows]


def safe_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def csv_lines(rows: Iterable[Iterable[str]]) -> str:
    """Rows as lines of CSV; their cells are to be safe already."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cells(row: sqlite3.Row, zone: tzinfo, unnamed: Unnamed) -> list[str]:
    played_at = from_stamp(row["played_at"]).astimezone(zone)
    values = (
        played_at.strftime("%Y-%m-%d %H:%M:%S"),
        f"UTC{played_at.strftime('%z')}",
        row["table_label"],
        row["session"],
        row["session_kind"],
        _opponent(row, unnamed),
        row["game"],
        row["rack"],
        row["result"],
        " ".join(json.loads(row["potted"])),
        row["pocket"],
        row["kind"],
        _rounded(row["cut_angle_deg"], 1),
        _rounded(row["cue_distance_in"], 1),
        _rounded(row["pocket_distance_in"], 1),
        _rounded(row["cue_speed_mph"], 1),
        row["spin_vertical"],
        row["spin_side"],
        _rounded(row["difficulty"], 3),
        row["scratch"],
        row["foul"],
        row["run"],
        row["amended"],
        row["shot_id"],
    )
    return ["" if value is None else safe_cell(str(value)) for value in values]


def _opponent(row: sqlite3.Row, unnamed: Unnamed) -> str | None:
    if row["erased"] is not None:
        return unnamed.former
    return unnamed.guest if row["guest"] else row["opponent"]


def _rounded(value: float | None, decimals: int) -> float | None:
    return None if value is None else round(value, decimals)
