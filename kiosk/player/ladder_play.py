"""A ladder match at the table: starting one by a tap, saying that one counts, what the scoreboard says of it."""

import sqlite3
from dataclasses import dataclass
from typing import Literal

from edge.hall import ladders
from edge.hall.ladders import Challenge, LadderError, MyLadder
from edge.hall.matches import Match
from edge.hall.players import Player, get_player


@dataclass(frozen=True, slots=True)
class Note:
    """What the scoreboard says of a match and a ladder: that it could count (`offer`), that it is to, or does."""

    ladder_id: str
    ladder_name: str
    state: Literal["offer", "counts", "waits", "final"]
    settled: bool = True  # whether nothing more can be said of it at the table


@dataclass(frozen=True, slots=True)
class Plan:
    """A ladder match that was asked for: on terms that count, against somebody, or whoever checks in."""

    game: str
    race_to: int
    ladder_id: str
    opponent: Player | None


def notes_of(conn: sqlite3.Connection, match: Match) -> tuple[Note, ...]:
    """What there is to say: that it counts, or the ladders for which its players may say so."""
    may = ladders.may_say(conn, match)
    found = ladders.for_ladder(conn, match)
    if found is not None:
        return (Note(found.ladder_id, found.ladder_name, found.state, settled=not may),)
    return tuple(Note(ladder.id, ladder.name, "offer", settled=False) for ladder in may)


def plan(conn: sqlite3.Connection, player_id: str, against: str, game: str, race_to: int) -> Plan:
    """What `challenge:` or `ladder:` with its id asks for; game and race are those of the form where they count.

    Raises LadderError for a challenge that is over, or a ladder the player is not on.
    """
    kind, _, key = against.partition(":")
    if kind == "challenge":
        known = ladders.get_challenge(conn, key)
        if player_id not in known.players:
            raise LadderError("challenge_not_yours")
        if not known.pending:
            raise LadderError("challenge_over")
        other = get_player(conn, known.players[1 - known.players.index(player_id)])
        return Plan(*_terms(known.game, known.race_to, game, race_to), known.ladder_id, other)
    found = next((mine.ladder for mine in ladders.my_ladders(conn, player_id) if mine.ladder.id == key), None)
    if found is None:
        raise LadderError("ladder_unknown")
    return Plan(*_terms(found.terms.game, found.terms.race_to, game, race_to), found.id, None)


def count_for(conn: sqlite3.Connection, match: Match, ladder_id: str, by: str, now: str) -> bool:
    """Says that a match counts for a ladder, if it can. Whether it does."""
    if all(ladder.id != ladder_id for ladder in ladders.may_say(conn, match)):
        return False
    ladders.put_on_ladder(conn, match.id, ladder_id, by, now)
    return True


def with_whom(own: list[MyLadder]) -> list[tuple[MyLadder, Challenge]]:
    """The challenges a player can play now, each with its ladder."""
    return [(mine, challenge) for mine in own for challenge in mine.challenges]


def _terms(wanted_game: str | None, wanted_race: int, game: str, race_to: int) -> tuple[str, int]:
    if wanted_game is not None and wanted_game != game:
        return wanted_game, wanted_race
    return game, max(race_to, wanted_race)
