"""Pairings of an evening: who is to play whom, drawn at random or by level.

Nobody meets the same opponent, or sits out, again as long as there is somebody else. With an odd number one sits
out, in doubles up to three. The draw is a function of its seed, which is kept, so that anybody can see that it was
drawn and not chosen.
"""

import random
import secrets
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations
from typing import Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.clock import stamp
from edge.facts import uuid7
from edge.hall.audit import Deed
from edge.hall.game_sessions import (
    EveningError,
    GameSession,
    attending,
    note_evening,
    of_deed,
    require_counts,
)
from edge.hall.matches import Side, are_sides
from edge.hall.ratings import rating_of

migrations = Migrations("pairings")

How = Literal["random", "level"]

_HOLDS = "dropped_at IS NULL"
_PLAYED = "EXISTS (SELECT 1 FROM matches m WHERE m.id = match_id AND m.status = 'over')"

TRIES = 200  # shuffles, of which the one with the fewest meetings again is taken


@migrations()
def pairings_1(db: Database) -> None:
    # `match_id` is the match's from the beginning, so that its result is entered once.
    db.execute("""
        CREATE TABLE game_pairings (
            id TEXT PRIMARY KEY,
            game_session_id TEXT NOT NULL REFERENCES game_sessions (id),
            round INTEGER NOT NULL,
            place INTEGER NOT NULL,
            how TEXT NOT NULL CHECK (how IN ('random', 'level', 'hand')),
            seed TEXT,
            player_a TEXT NOT NULL REFERENCES players (id),
            partner_a TEXT REFERENCES players (id),
            player_b TEXT NOT NULL REFERENCES players (id),
            partner_b TEXT REFERENCES players (id),
            match_id TEXT NOT NULL UNIQUE,
            dropped_at TEXT
        ) STRICT
    """)
    db.execute("CREATE INDEX game_pairings_of ON game_pairings (game_session_id, round, place)")


@dataclass(frozen=True, slots=True)
class Pairing:
    """Who is to play whom in a round, and the match that comes of it, whether it was played yet or not."""

    id: str
    evening_id: str
    round: int
    sides: tuple[Side, Side]
    match_id: str


@dataclass(frozen=True, slots=True)
class Known:
    """What a draw looks at: who met whom how often tonight, who sat out how often, and everybody's level."""

    met: Mapping[frozenset[str], int] = field(default_factory=dict)
    sat_out: Mapping[str, int] = field(default_factory=dict)
    level: Mapping[str, float] = field(default_factory=dict)


def pair(
    players: Sequence[str], how: How, seed: str, known: Known, *, doubles: bool = False
) -> list[tuple[Side, Side]]:
    """Pairings of these players; those who are left over sit out.

    By level, neighbours in level meet; the two of a pair in doubles are put together so that both pairs are as
    even as can be.
    """
    rng = random.Random(seed)
    playing = _playing(players, 4 if doubles else 2, rng, known)
    if doubles:
        return [_even_pairs(four, known) for four in _groups(playing, 4, how, rng, known)]
    return [((a,), (b,)) for a, b in _groups(playing, 2, how, rng, known)]


def _playing(players: Sequence[str], size: int, rng: random.Random, known: Known) -> list[str]:
    """All but those who sit out: who did so least often, drawn among equals."""
    shuffled = rng.sample(list(players), len(players))
    waiting = sorted(shuffled, key=lambda one: known.sat_out.get(one, 0))[: len(players) % size]
    return [one for one in shuffled if one not in waiting]


def _groups(playing: list[str], size: int, how: How, rng: random.Random, known: Known) -> list[list[str]]:
    """Groups of that size, in which the fewest meet again; of equally few by level the closest, else the first."""
    best: list[list[str]] | None = None
    best_cost: tuple[float, float] | None = None
    for attempt in range(TRIES):
        order = _order(playing, how, rng, known, spread=attempt)
        groups = [order[i : i + size] for i in range(0, len(order), size)]
        cost = (_meetings(groups, known), _gaps(groups, known) if how == "level" else 0.0)
        if best_cost is None or cost < best_cost:
            best, best_cost = groups, cost
        if best_cost == (0, 0.0):
            break
    return best or []


def _order(playing: list[str], how: How, rng: random.Random, known: Known, spread: int) -> list[str]:
    if how == "random":
        return rng.sample(playing, len(playing))
    # Levels, shaken a little more with each try: neighbours who met already come apart.
    shake = 2.0 * spread
    return sorted(playing, key=lambda one: known.level.get(one, 0.0) + rng.uniform(-shake, shake))


def _meetings(groups: list[list[str]], known: Known) -> int:
    return sum(known.met.get(frozenset(two), 0) for group in groups for two in combinations(group, 2))


def _gaps(groups: list[list[str]], known: Known) -> float:
    levels = [[known.level.get(one, 0.0) for one in group] for group in groups]
    return sum(max(group) - min(group) for group in levels)


def _even_pairs(four: list[str], known: Known) -> tuple[Side, Side]:
    """The highest level with the lowest of four, against the two between."""
    a, b, c, d = sorted(four, key=lambda one: known.level.get(one, 0.0))
    return (d, a), (c, b)


def draw_round(
    conn: sqlite3.Connection,
    evening: GameSession,
    how: How,
    by: str,
    now: datetime,
    *,
    number: int,
    seed: str | None = None,
) -> int:
    """Draws the round of that number among those who are there; one that is drawn already stays: the request came
    twice.

    Raises EveningError when there are too few. A guest's level is the start of everybody's rating.
    """
    require_counts(evening)
    if number <= latest_round(conn, evening.id):
        return number
    ids = [player.id for player in attending(conn, evening.id)]
    if len(ids) < (4 if evening.doubles else 2):
        raise EveningError("evening_too_few")
    seed = seed or secrets.token_hex(8)
    pairs = pair(ids, how, seed, _known(conn, evening, ids), doubles=evening.doubles)
    return _put_round(conn, evening, {uuid7(): one for one in pairs}, by, now, how=how, seed=seed)


def pair_by_hand(
    conn: sqlite3.Connection,
    evening: GameSession,
    sides: tuple[Side, Side],
    by: str,
    now: datetime,
    *,
    pairing_id: str,
) -> int:
    """One pairing as staff want it, as a round of its own; one of that id stays: the request came twice.

    Raises EveningError.
    """
    require_counts(evening)
    if not are_sides(sides):
        raise EveningError("evening_sides")
    known = get_pairing(conn, pairing_id)
    if known is not None:
        return known.round
    return _put_round(conn, evening, {pairing_id: sides}, by, now, how="hand", seed=None)


def latest_round(conn: sqlite3.Connection, evening_id: str) -> int:
    """The number of the latest round of which anything holds; 0 before the first."""
    row = conn.execute(
        f"SELECT coalesce(max(round), 0) FROM game_pairings WHERE game_session_id = ? AND {_HOLDS}",
        [evening_id],
    ).fetchone()
    return int(row[0])


def drop_pairing(conn: sqlite3.Connection, evening: GameSession, pairing_id: str, by: str, now: datetime) -> bool:
    """A pairing that nobody will play; one that was played stays. Says whether it held until now."""
    dropped = conn.execute(
        f"UPDATE game_pairings SET dropped_at = ? WHERE id = ? AND {_HOLDS} AND NOT {_PLAYED}",
        [stamp(now), pairing_id],
    ).rowcount
    if dropped:
        note_evening(conn, now, by, evening, "evening.pairing_dropped", after={"pairing": pairing_id})
    return bool(dropped)


def get_pairing(conn: sqlite3.Connection, pairing_id: str) -> Pairing | None:
    """One pairing, or None."""
    row = conn.execute("SELECT * FROM game_pairings WHERE id = ?", [pairing_id]).fetchone()
    return None if row is None else _pairing(row)


def pairings_of(conn: sqlite3.Connection, evening_id: str) -> list[Pairing]:
    """The evening's pairings that hold, the latest round first."""
    rows = conn.execute(
        f"SELECT * FROM game_pairings WHERE game_session_id = ? AND {_HOLDS} ORDER BY round DESC, place",
        [evening_id],
    )
    return [_pairing(row) for row in rows]


def count_waiting(conn: sqlite3.Connection, evening_id: str) -> int:
    """How many of the evening's pairings that hold were not played yet."""
    row = conn.execute(
        f"SELECT count(*) FROM game_pairings WHERE game_session_id = ? AND {_HOLDS} AND NOT {_PLAYED}",
        [evening_id],
    ).fetchone()
    return int(row[0])


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Deletes what a player was to play and did not."""
    conn.execute(
        "DELETE FROM game_pairings WHERE :p IN (player_a, partner_a, player_b, partner_b)"
        " AND NOT EXISTS (SELECT 1 FROM matches m WHERE m.id = match_id)",
        {"p": player_id},
    )


def take_over(conn: sqlite3.Connection, from_id: str, to_id: str) -> None:
    """What one player was to play becomes another's."""
    for column in ("player_a", "partner_a", "player_b", "partner_b"):
        conn.execute(f"UPDATE game_pairings SET {column} = ? WHERE {column} = ?", [to_id, from_id])


def _known(conn: sqlite3.Connection, evening: GameSession, ids: Sequence[str]) -> Known:
    met: Counter[frozenset[str]] = Counter()
    sat_out: Counter[str] = Counter()
    rounds: dict[int, set[str]] = {}
    for pairing in pairings_of(conn, evening.id):
        everybody = [*pairing.sides[0], *pairing.sides[1]]
        met.update(frozenset(two) for two in combinations(everybody, 2))
        rounds.setdefault(pairing.round, set()).update(everybody)
    for playing in rounds.values():
        if len(playing) > 4:  # a pairing by hand leaves nobody out
            sat_out.update(one for one in ids if one not in playing)
    return Known(met, sat_out, {one: rating_of(conn, one).fargo for one in ids})


def _put_round(
    conn: sqlite3.Connection,
    evening: GameSession,
    pairs: Mapping[str, tuple[Side, Side]],
    by: str,
    now: datetime,
    *,
    how: str,
    seed: str | None,
) -> int:
    number = latest_round(conn, evening.id) + 1
    conn.executemany(
        "INSERT INTO game_pairings (id, game_session_id, round, place, how, seed, player_a, partner_a, player_b,"
        " partner_b, match_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            [pairing_id, evening.id, number, place, how, seed, *_two(a), *_two(b), uuid7()]
            for place, (pairing_id, (a, b)) in enumerate(pairs.items())
        ],
    )
    after = {"round": number, "how": how, "pairings": len(pairs)}
    note_evening(conn, now, by, evening, "evening.paired", after=after)
    return number


def _two(side: Side) -> tuple[str, str | None]:
    return side[0], side[1] if len(side) > 1 else None


def _pairing(row: sqlite3.Row) -> Pairing:
    a = tuple(one for one in (row["player_a"], row["partner_a"]) if one)
    b = tuple(one for one in (row["player_b"], row["partner_b"]) if one)
    return Pairing(row["id"], row["game_session_id"], row["round"], (a, b), row["match_id"])


def _undo_paired(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:  # noqa: ARG001
    """Nobody plays that round, as long as nothing of it was played."""
    evening, number = of_deed(conn, deed), (deed.after or {})["round"]
    mine = f"game_session_id = ? AND round = ? AND {_HOLDS}"
    if conn.execute(f"SELECT 1 FROM game_pairings WHERE {mine} AND {_PLAYED}", [evening.id, number]).fetchone():
        raise EveningError("undo_too_late")
    gone = conn.execute(
        f"UPDATE game_pairings SET dropped_at = ? WHERE {mine}", [stamp(now), evening.id, number]
    ).rowcount
    if not gone:
        raise EveningError("undo_too_late")


def _undo_dropped(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:  # noqa: ARG001
    """It is to be played after all."""
    back = conn.execute(
        "UPDATE game_pairings SET dropped_at = NULL WHERE id = ? AND dropped_at IS NOT NULL",
        [(deed.after or {})["pairing"]],
    ).rowcount
    if not back:
        raise EveningError("undo_too_late")


UNDO = {"evening.paired": _undo_paired, "evening.pairing_dropped": _undo_dropped}
