"""What pages ask of ladders: standings, a player's own ladders, whom to challenge, what staff have to confirm."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge.hall.ladders.challenges import Challenge, challenges, challenges_of, refusal
from edge.hall.ladders.members import Member, member_of
from edge.hall.ladders.model import Division, Ladder, Terms, get_ladder, ladders
from edge.hall.ladders.settle import plays_for
from edge.hall.matches import Match, get_match


@dataclass(frozen=True, slots=True)
class Standing(Member):
    """A member of a division as it stands. `streak` are wins in a row now, `moved_at` when the place last changed,
    `moved` by how many, up being more than none; `provisional`: without the matches that staff did not confirm yet
    it would be another place."""

    name: str
    played: int
    won: int
    streak: int
    best_streak: int
    moved_at: str
    moved: int
    provisional: bool

    @property
    def lost(self) -> int:
        return self.played - self.won


@dataclass(frozen=True, slots=True)
class MyLadder:
    """A ladder as one of its members sees it: where they stand, and what waits of theirs."""

    ladder: Ladder
    division: Division
    standing: Standing
    challenges: tuple[Challenge, ...] = ()


@dataclass(frozen=True, slots=True)
class LadderMatch:
    """A match that counts for a ladder, `final` once staff confirmed it; players, names and score by side."""

    match_id: str
    ladder_id: str
    ladder_name: str
    division_name: str
    game: str
    day: str
    ended_at: str
    players: tuple[str, str]
    names: tuple[str, str]
    score: tuple[int, int]
    winner: str
    place_before: int
    place_after: int
    final: bool


_STANDINGS = """
    SELECT s.ladder_id, s.player_id, s.division_id, s.place, p.name, s.played, s.won, s.streak, s.best_streak,
        s.moved_at, s.moved, s.provisional
    FROM ladder_standings s JOIN players p ON p.id = s.player_id
"""


def standings(conn: sqlite3.Connection, ladder_id: str, division_id: str) -> list[Standing]:
    """A division from the top down; for its members and staff alone."""
    rows = conn.execute(
        f"{_STANDINGS} WHERE s.division_id = ? AND s.ladder_id = ? ORDER BY s.place", [division_id, ladder_id]
    )
    return [_standing(row) for row in rows]


def my_ladders(conn: sqlite3.Connection, player_id: str) -> list[MyLadder]:
    """The open ladders a player is a member of, by name."""
    rows = conn.execute(f"{_STANDINGS} WHERE s.player_id = ?", [player_id]).fetchall()
    waiting = challenges_of(conn, player_id)
    found = [_mine(get_ladder(conn, row["ladder_id"]), _standing(row), waiting) for row in rows]
    return sorted(
        (mine for mine in found if mine.ladder.closed_at is None),
        key=lambda mine: (mine.ladder.name.casefold(), mine.ladder.id),
    )


def may_challenge(
    terms: Terms, own: Member, members: Iterable[Standing], pending: Sequence[Challenge]
) -> list[Standing]:
    """Whom of these members of a ladder one of them may challenge, while those challenges wait on it."""
    return [other for other in members if refusal(terms, own, other, pending) is None]


def whom_to_challenge(conn: sqlite3.Connection, mine: MyLadder) -> list[Standing]:
    """Whom a member may challenge now, from the top down."""
    rows = standings(conn, mine.ladder.id, mine.division.id)
    return may_challenge(mine.ladder.terms, mine.standing, rows, challenges(conn, mine.ladder.id))


_MATCHES = """
    SELECT r.match_id AS match_id, r.ladder_id, l.name AS ladder_name, d.name AS division_name, m.game, m.day,
        r.ended_at AS ended_at, m.player_a, m.player_b, a.name AS name_a, b.name AS name_b, m.score_a, m.score_b,
        r.winner, r.place_before, r.place_after, r.final
    FROM ladder_results r JOIN matches m ON m.id = r.match_id
    JOIN ladders l ON l.id = r.ladder_id JOIN ladder_divisions d ON d.id = r.division_id
    JOIN players a ON a.id = m.player_a JOIN players b ON b.id = m.player_b
"""


def to_confirm(conn: sqlite3.Connection, limit: int = 200) -> list[LadderMatch]:
    """Matches that moved a ladder and were not confirmed yet, the oldest first."""
    rows = conn.execute(f"{_MATCHES} WHERE r.final = 0 ORDER BY r.ended_at, r.match_id LIMIT ?", [limit])
    return [_ladder_match(row) for row in rows]


def count_to_confirm(conn: sqlite3.Connection, ladder_id: str) -> int:
    """How many matches of a ladder wait for staff's word."""
    row = conn.execute(
        "SELECT count(*) AS n FROM ladder_results INDEXED BY ladder_results_to_confirm"
        " WHERE final = 0 AND ladder_id = ?",
        [ladder_id],
    ).fetchone()
    return int(row["n"])


def ladder_matches(conn: sqlite3.Connection, ladder_id: str, limit: int) -> list[LadderMatch]:
    """What was played for a ladder, the latest first."""
    rows = conn.execute(
        f"{_MATCHES} WHERE r.ladder_id = ? ORDER BY r.ended_at DESC, r.match_id DESC LIMIT ?", [ladder_id, limit]
    )
    return [_ladder_match(row) for row in rows]


def own_matches(conn: sqlite3.Connection, ladder_id: str, player_id: str, limit: int) -> list[LadderMatch]:
    """What a player has played for a ladder, the latest first."""
    rows = conn.execute(
        f"{_MATCHES} WHERE r.ladder_id = :l AND r.winner = :p UNION ALL"
        f" {_MATCHES} WHERE r.ladder_id = :l AND r.other = :p ORDER BY ended_at DESC, match_id DESC LIMIT :n",
        {"l": ladder_id, "p": player_id, "n": limit},
    )
    return [_ladder_match(row) for row in rows]


def could_be_put(conn: sqlite3.Connection, ladder_id: str, since: str, limit: int) -> list[Match]:
    """Singles since that stamp between two who are members of one division now, that count for no ladder, the
    latest first: staff may say that one does."""
    rows = conn.execute(
        "SELECT m.id FROM matches m JOIN ladder_standings a ON a.ladder_id = :l AND a.player_id = m.player_a"
        " JOIN ladder_standings b ON b.ladder_id = :l AND b.player_id = m.player_b"
        " WHERE m.status = 'over' AND m.ended_at >= :since AND m.partner_a IS NULL"
        " AND a.division_id = b.division_id"
        " AND NOT EXISTS (SELECT 1 FROM ladder_results r WHERE r.match_id = m.id)"
        " ORDER BY m.ended_at DESC, m.id DESC LIMIT :n",
        {"l": ladder_id, "since": since, "n": limit},
    ).fetchall()
    found = (get_match(conn, row["id"]) for row in rows)
    return [match for match in found if match is not None]


def ladders_for(conn: sqlite3.Connection, players: tuple[str, str], game: str, race_to: int) -> list[Ladder]:
    """The ladders for which a match could count that these two are about to play."""
    found = []
    for ladder in ladders(conn):
        one, other = (member_of(conn, ladder.id, player_id) for player_id in players)
        together = one is not None and other is not None and one.division_id == other.division_id
        if together and plays_for(game, race_to, ladder.terms.game, ladder.terms.race_to):
            found.append(ladder)
    return found


def _mine(ladder: Ladder, own: Standing, waiting: list[Challenge]) -> MyLadder:
    here = tuple(known for known in waiting if known.ladder_id == ladder.id)
    return MyLadder(ladder, ladder.division(own.division_id), own, here)


def _standing(row: sqlite3.Row) -> Standing:
    return Standing(
        player_id=row["player_id"],
        division_id=row["division_id"],
        place=row["place"],
        name=row["name"],
        played=row["played"],
        won=row["won"],
        streak=row["streak"],
        best_streak=row["best_streak"],
        moved_at=row["moved_at"],
        moved=row["moved"],
        provisional=bool(row["provisional"]),
    )


def _ladder_match(row: sqlite3.Row) -> LadderMatch:
    return LadderMatch(
        match_id=row["match_id"],
        ladder_id=row["ladder_id"],
        ladder_name=row["ladder_name"],
        division_name=row["division_name"],
        game=row["game"],
        day=row["day"],
        ended_at=row["ended_at"],
        players=(row["player_a"], row["player_b"]),
        names=(row["name_a"], row["name_b"]),
        score=(row["score_a"], row["score_b"]),
        winner=row["winner"],
        place_before=row["place_before"],
        place_after=row["place_after"],
        final=bool(row["final"]),
    )
