"""A ladder with members, matches and challenges, for the tests of ladders."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hall_facts import put_players, undone

from edge.clock import stamp
from edge.hall import ladders
from edge.hall.ladders import Challenge, Ladder, LadderError, Terms
from edge.hall.matches import Match, begin_match, get_match, keep_result
from edge.hall.occasion import Occasion
from edge.hall.rulings import put_ruling

BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)


def refused(key: str) -> "pytest.RaisesExc[LadderError]":
    """A deed that can't be, for that reason."""
    return pytest.raises(LadderError, match=rf"^{key}( |$)")


@dataclass(slots=True)
class Hall:
    """A ladder of six, p0 at the top, in a hall whose clock is wound on by the test."""

    conn: sqlite3.Connection
    players: list[str]
    staff: str
    now: datetime
    ladder: Ladder

    @property
    def here(self) -> Occasion:
        return Occasion(self.now, self.now.date().isoformat(), "Table 1")

    @property
    def at(self) -> str:
        return self.here.stamp

    @property
    def top(self) -> str:
        return self.ladder.divisions[0].id

    @property
    def low(self) -> str:
        return self.ladder.divisions[1].id

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)

    def begin(self, a: int, b: int, *, game: str = "8-ball", race_to: int = 5) -> str:
        self.wait(minutes=1)
        return begin_match(self.conn, game, race_to, (self.players[a], self.players[b]), self.here).id

    def end(self, match_id: str, score: tuple[int, int] = (5, 2)) -> str:
        """The match ends now, or is corrected to end so."""
        self.wait(minutes=30)
        return self.correct(match_id, score, self.at)

    def correct(self, match_id: str, score: tuple[int, int], at: str | None = None) -> str:
        row = self.conn.execute("SELECT * FROM matches WHERE id = ?", [match_id]).fetchone()
        match = replace(the_match(self.conn, match_id), race_to=max(score))
        winner = match.players[score[1] > score[0]]
        keep_result(self.conn, match, "over", row["ended_at"] or at, score=score, winner=winner)
        ladders.settle_match(self.conn, match_id)
        return match_id

    def strike(self, match_id: str) -> None:
        match = the_match(self.conn, match_id)
        keep_result(self.conn, match, "abandoned", stamp(match.started_at), score=match.score, winner=None)
        ladders.settle_match(self.conn, match_id)

    def play(self, a: int, b: int, score: tuple[int, int] = (5, 2)) -> str:
        """A match for the ladder, on the players' word."""
        match_id = self.begin(a, b)
        ladders.put_on_ladder(self.conn, match_id, self.ladder.id, None, self.at)
        return self.end(match_id, score)

    def confirm(self, match_id: str) -> str:
        match = the_match(self.conn, match_id)
        ruling = put_ruling(self.conn, match_id, match.score, self.staff, self.at)
        ladders.settle_match(self.conn, match_id)
        return ruling.id

    def challenge(self, a: int, b: int) -> Challenge:
        self.wait(minutes=1)
        return ladders.challenge(self.conn, self.ladder.id, self.players[a], self.players[b], self.here)

    def state(self, challenge: Challenge) -> str:
        return ladders.get_challenge(self.conn, challenge.id).state(self.here.day)

    def order(self, division: str | None = None) -> list[int]:
        rows = ladders.standings(self.conn, self.ladder.id, division or self.top)
        assert [row.place for row in rows] == list(range(1, len(rows) + 1))
        return [self.players.index(row.player_id) for row in rows]

    def row(self, player: int) -> ladders.Standing:
        rows = [r for d in self.ladder.divisions for r in ladders.standings(self.conn, self.ladder.id, d.id)]
        return next(row for row in rows if row.player_id == self.players[player])

    def last_event(self) -> int:
        return int(self.events()[0]["id"])

    def events(self) -> list[sqlite3.Row]:
        """What was done on the ladder, the latest first, what was taken back too."""
        return self.conn.execute(
            "SELECT * FROM ladder_events WHERE ladder_id = ? ORDER BY at DESC, id DESC", [self.ladder.id]
        ).fetchall()

    def counts_for(self, match_id: str) -> str | None:
        """The ladder for which a match counts."""
        found = ladders.for_ladder(self.conn, the_match(self.conn, match_id))
        return None if found is None else found.ladder_id


def the_match(conn: sqlite3.Connection, match_id: str) -> Match:
    """One that is there."""
    match = get_match(conn, match_id)
    assert match is not None
    return match


@contextmanager
def ladder_of_six(path: Path) -> Iterator[Hall]:
    """p0 to p5 stand in the upper of two divisions, p6 is no member; of all of it nothing stays."""
    with undone(path) as conn:
        players = put_players(conn, 8)
        staff, now = players.pop(), stamp(BEGIN)
        ladder = ladders.create_ladder(conn, Terms("House ladder"), ["Gold", "Silver"], staff, now)
        ladders.add_members(conn, ladder.divisions[0].id, players[:6], staff, now)
        yield Hall(conn, players, staff, BEGIN, ladder)
