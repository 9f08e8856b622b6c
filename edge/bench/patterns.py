"""Sittings played once through the program itself, to be repeated a thousand times: what a big hall is made of.

The shots are those of a shot book as reasoning describes them, whole racks, so the rules score them to the end.
What the program stored of a sitting is kept as rows with gaps where ids, times and the day stand.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

import numpy as np

from edge.clock import stamp
from edge.demo.stencils import WRITTEN, Row, cut, undone
from edge.facts import canonical
from edge.hall.occasion import Occasion
from edge.hall.players import sign_up
from edge.hall.plays import put_play
from edge.hall.scoring import recount
from edge.hall.sitting import at_table, leave_table, start_match, start_practice
from edge.store.shots import Source, get_shot, store_shot, store_source
from vision.evaluate.perfect import Sampler, overhead
from vision.facts import describe_fully
from vision.feel import USUAL
from vision.model import Shot, shot_to_json
from vision.simulate.shotbook import ShotBook, load_shot_book

BOOK = "shotbook"
TABLES = ("matches", "sessions", "shots", "amendments", "plays")  # in the order of what refers to what
EVERY_S = 24.0  # from one strike to the next
AFTER_S = 20.0  # from the last strike to the end of the sitting
SEEN_AGAIN = 20  # every so manieth shot is amended by the camera
THIN_POINTS = 4  # of each way in a thin shot; a whole one has hundreds

# Racks of the book, in the order of playing. A match is (game, race to, racks).
_PRACTICES = ((0, 3), (8, 11))
_MATCHES = (("9-ball", 1, (8,)), ("8-ball", 1, (3,)), ("9-ball", 2, (0, 8, 0)), ("8-ball", 2, (11, 3)))

_BEGIN = datetime(2025, 1, 1, 12, 0, tzinfo=UTC)
_DAY = "2025-01-01"
_LABEL = "Table 1"
_PATTERN = "pattern-"
_SOURCE = _PATTERN + "source"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A sitting. `columns` and `rows` are by table; those of `thin_rows` hold thin shots.

    The gaps are `source`, `day`, `player-0` and `player-1`, `match`, `session-0` and `session-1`, and `shot-00000`
    and so on. `own` is how many of the shots were each player's, one or two; `winner` is which of the two won.
    """

    shots: int
    own: tuple[int, ...]
    winner: int | None
    seconds: float
    columns: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, tuple[Row, ...]]
    thin_rows: Mapping[str, tuple[Row, ...]]


def strike_s(number: int) -> float:
    """When a sitting's shot of that number is struck, in seconds since the sitting began."""
    return (number + 1) * EVERY_S


def shot_gap(number: int) -> str:
    """The name of the gap in which the id of that shot stands."""
    return f"shot-{number:05d}"


def play_patterns(conn: sqlite3.Connection) -> list[Pattern]:
    """Plays every pattern in a store of which nothing stays; `conn` must be inside a transaction for writing."""
    book = load_shot_book(BOOK)
    wanted = {rack for racks in (*_PRACTICES, *(match[2] for match in _MATCHES)) for rack in racks}
    racks = {rack: [_thinned(shot) for shot in described(book, rack)] for rack in sorted(wanted)}
    patterns = []
    for numbers, match in [*((numbers, None) for numbers in _PRACTICES), *((m[2], m[:2]) for m in _MATCHES)]:
        with undone(conn):
            patterns.append(_played(conn, book, [shot for n in numbers for shot in racks[n]], match))
    return patterns


def book_source(source_id: str, started_at: datetime) -> Source:
    """A camera over the table of the book."""
    table = load_shot_book(BOOK).table
    size, picture = (table.length_in, table.width_in, table.ball_diameter_in), (1920, 1080)
    return Source(source_id, "bench", stamp(started_at), table.name, *size, "bench", *picture, 60.0)


@dataclass(frozen=True, slots=True)
class _Described:
    """A thin shot, and the ways of the whole one as they stand in its body."""

    shot: Shot
    ways: str


def described(book: ShotBook, rack: int) -> list[Shot]:
    """What the pipeline would say of a rack's shots if it lost no ball."""
    sampler = Sampler(overhead(book.table), 60.0, 0.04, np.random.default_rng(rack))
    said, clock_s, feel = [], 0.0, USUAL
    for record in book.racks[rack]:
        found = describe_fully(replace(sampler.facts(record, clock_s + 1.0), feel=feel))
        feel = found.feel
        said.append(found.shot)
        clock_s += ceil(record.duration_s) + EVERY_S
    return said


def _played(
    conn: sqlite3.Connection, book: ShotBook, shots: Sequence[_Described], match: tuple[str, int] | None
) -> Pattern:
    """Plays one sitting: a practice, or a match as (game, race to)."""
    here = Occasion(_BEGIN, _DAY, _LABEL)
    names = ("Pattern One", "Pattern Two")[: 1 if match is None else 2]
    players = [sign_up(conn, name, here.stamp).id for name in names]
    store_source(conn, book_source(_SOURCE, _BEGIN))
    if match is None:
        start_practice(conn, players[0], here, {"makes": 25})
    else:
        start_match(conn, (players[0], players[1]), *match, here)
    sitting = at_table(conn, _LABEL)
    for number, described in enumerate(shots):
        named, at = replace(described.shot, id=_shot_id(number)), _BEGIN + timedelta(seconds=strike_s(number))
        store_shot(conn, named, _SOURCE, at, "american")
        if number % SEEN_AGAIN == SEEN_AGAIN - 1:
            store_shot(conn, replace(named, revision=2, confidence=0.9), _SOURCE, at, "american")
        stored = get_shot(conn, named.id)
        assert stored is not None
        put_play(conn, stored, sitting.sessions[0], (book.table.length_in, book.table.width_in))
    seconds = strike_s(len(shots) - 1) + AFTER_S
    recount(conn, sitting.sessions[0], _BEGIN + timedelta(seconds=seconds))
    end = _BEGIN + timedelta(seconds=seconds)
    leave_table(conn, _LABEL, end, "player", end)
    return _pattern(conn, players, shots, seconds)


def _pattern(
    conn: sqlite3.Connection, players: Sequence[str], shots: Sequence[_Described], seconds: float
) -> Pattern:
    gaps = {_SOURCE: "source", _DAY: "day"}
    gaps |= {player_id: f"player-{number}" for number, player_id in enumerate(players)}
    gaps |= {row["id"]: "match" for row in conn.execute("SELECT id FROM matches")}
    sessions = conn.execute("SELECT id FROM sessions ORDER BY rowid")
    gaps |= {row["id"]: f"session-{number}" for number, row in enumerate(sessions)}
    gaps |= {_shot_id(number): shot_gap(number) for number in range(len(shots))}
    thin = {table: [dict(row) for row in conn.execute(f"SELECT * FROM {table}")] for table in TABLES}
    by = [row["player_id"] for row in thin["plays"]]
    winner = next((row["winner"] for row in thin["matches"]), None)
    return Pattern(
        len(shots),
        tuple(by.count(player_id) for player_id in players),
        None if winner is None else players.index(winner),
        seconds,
        {table: tuple(rows[0]) for table, rows in thin.items() if rows},
        {table: tuple(_cut(_whole(row, shots), gaps) for row in rows) for table, rows in thin.items()},
        {table: tuple(_cut(row, gaps) for row in rows) for table, rows in thin.items()},
    )


def _cut(row: Mapping[str, Any], gaps: Mapping[str, str]) -> Row:
    written_s = strike_s(_number(row)) + EVERY_S / 2 if WRITTEN & row.keys() else 0.0
    return cut(row, gaps, _BEGIN, written_s)


def _thinned(shot: Shot) -> _Described:
    kept = {}
    for ball, way in shot.paths_in.items():
        places = np.linspace(0, len(way) - 1, min(len(way), THIN_POINTS)).round().astype(int)
        kept[ball] = tuple(way[place] for place in places)
    return _Described(replace(shot, paths_in=kept), canonical(shot_to_json(shot)["paths_in"]))


def _whole(row: Mapping[str, Any], shots: Sequence[_Described]) -> Mapping[str, Any]:
    """The row with all of the ways, where it holds a shot."""
    if "body" not in row:
        return row
    thin = canonical(json.loads(row["body"])["paths_in"])
    return {**row, "body": row["body"].replace(thin, shots[_number(row)].ways, 1)}


def _number(row: Mapping[str, Any]) -> int:
    """Which of the sitting's shots a row is about."""
    return int((row.get("shot_id") or row["id"])[-5:])


def _shot_id(number: int) -> str:
    return _PATTERN + shot_gap(number)
