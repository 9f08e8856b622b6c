"""Matches between two players, or two pairs: what is played, how it stands, and who won.

How it stands is derived. Of a match played at a table `edge.hall.scoring` folds the shots and what people said of
them by the rules in `edge.hall.games` and keeps the outcome here; what staff ruled (`edge.hall.rulings`) stands
over that. A match that staff entered has nothing but their ruling.

Rules of the hall that ask who won read one of two views: `results`, of singles, and `outcomes`, of everybody in
singles and doubles.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.clock import from_stamp
from edge.facts import uuid7
from edge.hall.occasion import Occasion

migrations = Migrations("matches")

Status = Literal["open", "over", "abandoned"]
MOST_RACKS = 25  # of a race
MOST_POINTS = 200  # of straight pool
# Scored in points: there are no racks to be won.
RACKLESS_GAMES = frozenset({"straight pool"})


@migrations()
def matches_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE matches (
            id TEXT PRIMARY KEY,
            game TEXT NOT NULL,
            race_to INTEGER NOT NULL CHECK (race_to > 0),
            breaks TEXT NOT NULL,
            first_breaker INTEGER NOT NULL CHECK (first_breaker IN (0, 1)),
            table_label TEXT NOT NULL,
            player_a TEXT NOT NULL REFERENCES players (id),
            player_b TEXT NOT NULL REFERENCES players (id),
            started_at TEXT NOT NULL,
            ended_at TEXT,
            day TEXT NOT NULL,
            status TEXT NOT NULL CHECK (status IN ('open', 'over', 'abandoned')),
            score_a INTEGER NOT NULL DEFAULT 0,
            score_b INTEGER NOT NULL DEFAULT 0,
            hill_hill INTEGER NOT NULL DEFAULT 0 CHECK (hill_hill IN (0, 1)),
            winner TEXT CHECK (winner IN (player_a, player_b)),
            state TEXT NOT NULL DEFAULT '{}',
            CHECK (player_a != player_b),
            CHECK (status != 'over' OR (winner IS NOT NULL AND ended_at IS NOT NULL))
        ) STRICT
    """)
    db.execute("CREATE INDEX matches_of_a ON matches (player_a, ended_at)")
    db.execute("CREATE INDEX matches_of_b ON matches (player_b, ended_at)")
    db.execute("CREATE INDEX matches_by_end ON matches (ended_at, id) WHERE status = 'over'")
    # What is asked of all of a player's results, or of a month's; the rows themselves are long.
    for own, other in (("a", "b"), ("b", "a")):
        db.execute(f"""
            CREATE INDEX results_of_{own} ON matches
                (player_{own}, day, ended_at, id, winner, player_{other}, hill_hill, status)
            WHERE status = 'over'
        """)
    # `rated`: between two who have signed up. A guest's matches count once the guest is somebody.
    db.execute("""
        CREATE VIEW results AS
        SELECT m.id AS match_id, m.game, m.race_to, m.day, m.ended_at, m.player_a, m.player_b,
            m.score_a, m.score_b, m.hill_hill, m.winner, NOT (a.guest OR b.guest) AS rated
        FROM matches m JOIN players a ON a.id = m.player_a JOIN players b ON b.id = m.player_b
        WHERE m.status = 'over'
    """)


@migrations()
def matches_2(db: Database) -> None:
    """Doubles, and the evening a match belongs to."""
    for side in ("a", "b"):
        db.execute(f"ALTER TABLE matches ADD COLUMN partner_{side} TEXT REFERENCES players (id)")
    db.execute("ALTER TABLE matches ADD COLUMN game_session_id TEXT REFERENCES game_sessions (id)")
    db.execute("CREATE INDEX matches_of_evening ON matches (game_session_id) WHERE game_session_id IS NOT NULL")
    for own, other in (("a", "b"), ("b", "a")):
        db.execute(f"DROP INDEX results_of_{own}")
        db.execute(f"""
            CREATE INDEX results_of_{own} ON matches (player_{own}, day, ended_at, id, winner, player_{other},
                hill_hill, status, partner_a, partner_b)
            WHERE status = 'over'
        """)
        db.execute(f"""
            CREATE INDEX doubles_of_{own} ON matches (partner_{own}, day, ended_at)
            WHERE status = 'over' AND partner_{own} IS NOT NULL
        """)
    db.execute("DROP VIEW results")
    db.execute("""
        CREATE VIEW results AS
        SELECT m.id AS match_id, m.game, m.race_to, m.day, m.ended_at, m.player_a, m.player_b,
            m.score_a, m.score_b, m.hill_hill, m.winner, NOT (a.guest OR b.guest) AS rated
        FROM matches m JOIN players a ON a.id = m.player_a JOIN players b ON b.id = m.player_b
        WHERE m.status = 'over' AND m.partner_a IS NULL
    """)
    db.execute("CREATE INDEX matches_by_day ON matches (day) WHERE status = 'over'")
    # `winner` names a side by its first player. `rated`: nobody in it is a guest, which the small index of guests
    # tells. An ORDER BY is read off the indexes as long as what it names is selected too.
    is_guest = "EXISTS (SELECT 1 FROM players p INDEXED BY guests WHERE p.guest AND p.id = m.{})"
    columns = ("player_a", "player_b", "partner_a", "partner_b")
    a, b, partner_a, partner_b = (is_guest.format(column) for column in columns)
    arms = " UNION ALL ".join(
        f"SELECT m.{column} AS player_id, m.id AS match_id, m.day, m.ended_at,"
        f" m.winner = m.player_{column[-1]} AS won, m.hill_hill, m.partner_a IS NOT NULL AS doubles,"
        f" NOT ({a} OR {b} OR (m.partner_a IS NOT NULL AND ({partner_a} OR {partner_b}))) AS rated"
        f" FROM matches m WHERE m.status = 'over' AND m.{column} IS NOT NULL"
        for column in columns
    )
    db.execute(f"CREATE VIEW outcomes AS {arms}")


@migrations()
def matches_3(db: Database) -> None:
    """An earlier version kept no race as hill-hill once it was over."""
    db.execute(
        "UPDATE matches SET hill_hill = (game != 'straight pool' AND race_to > 1"
        " AND max(score_a, score_b) = race_to AND min(score_a, score_b) = race_to - 1) WHERE status = 'over'"
    )


Side = tuple[str, ...]  # the ids of one player, or of the two of a pair


@dataclass(frozen=True, slots=True)
class Match:
    """A match as it stands. `state` is what a scoreboard shows of the fold, as JSON; `day` the hall's date at its
    start. `players` are the first of each side, `partners` those who play with them in doubles."""

    id: str
    game: str
    race_to: int
    breaks: str
    first_breaker: int
    table_label: str
    players: tuple[str, str]
    started_at: datetime
    day: str
    ended_at: datetime | None = None
    status: Status = "open"
    score: tuple[int, int] = (0, 0)
    hill_hill: bool = False
    winner: str | None = None
    state: dict[str, Any] = field(default_factory=dict)
    partners: tuple[str, str] | None = None
    game_session_id: str | None = None

    @property
    def sides(self) -> tuple[Side, Side]:
        """Everybody in it, by side."""
        a, b = self.players
        return ((a,), (b,)) if self.partners is None else ((a, self.partners[0]), (b, self.partners[1]))

    @property
    def everybody(self) -> Side:
        return (*self.sides[0], *self.sides[1])

    def side_of(self, player_id: str) -> int:
        """0 or 1: on which side a player of it is."""
        return 0 if player_id in self.sides[0] else 1

    def won_by(self, player_id: str) -> bool | None:
        """Whether a player of it won; None as long as nobody has."""
        return None if self.winner is None else self.winner == self.players[self.side_of(player_id)]


@dataclass(frozen=True, slots=True)
class Result:
    """A match that is over, as the hall's rules see it. `rated` matches are between players who signed up."""

    match_id: str
    game: str
    race_to: int
    day: str
    ended_at: str
    players: tuple[str, str]
    score: tuple[int, int]
    hill_hill: bool
    winner: str
    rated: bool


def begin_match(
    conn: sqlite3.Connection,
    game: str,
    race_to: int,
    players: tuple[str, str],
    here: Occasion,
    *,
    breaks: str = "alternate",
    first_breaker: int = 0,
) -> Match:
    """Starts a match between two different players."""
    match = Match(uuid7(), game, race_to, breaks, first_breaker, here.table_label, players, here.now, here.day)
    conn.execute(
        "INSERT INTO matches (id, game, race_to, breaks, first_breaker, table_label, player_a, player_b,"
        " started_at, day, status) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open')",
        [match.id, game, race_to, breaks, first_breaker, here.table_label, *players, here.stamp, here.day],
    )
    return match


def are_sides(sides: tuple[Sequence[str], Sequence[str]]) -> bool:
    """Whether these can play each other: one against one or two against two, nobody twice."""
    everybody = [*sides[0], *sides[1]]
    return len(sides[0]) == len(sides[1]) in (1, 2) and len(set(everybody)) == len(everybody)


def longest_race(game: str) -> int:
    """How far a match of a game can go: racks, or points where there are none to be won."""
    return MOST_POINTS if game in RACKLESS_GAMES else MOST_RACKS


def went_to_hill_hill(game: str, race_to: int, score: tuple[int, int]) -> bool:
    """Whether a race that is over was decided by its very last rack, when both needed one more."""
    return game not in RACKLESS_GAMES and race_to > 1 and sorted(score) == [race_to - 1, race_to]


def keep_result(
    conn: sqlite3.Connection,
    match: Match,
    status: Status,
    ended_at: str | None,
    *,
    score: tuple[int, int],
    winner: str | None,
    hill_hill: bool = False,
) -> None:
    """Keeps how a match stands, which is derived; `hill_hill` says of one that goes on that both need one more."""
    if status == "over":
        hill_hill = went_to_hill_hill(match.game, match.race_to, score)
    conn.execute(
        "UPDATE matches SET status = ?, ended_at = ?, score_a = ?, score_b = ?, hill_hill = ?, winner = ?"
        " WHERE id = ?",
        [status, ended_at, *score, int(hill_hill), winner, match.id],
    )


def get_match(conn: sqlite3.Connection, match_id: str) -> Match | None:
    """One match, or None."""
    row = conn.execute("SELECT * FROM matches WHERE id = ?", [match_id]).fetchone()
    return None if row is None else _match(row)


def matches_of(conn: sqlite3.Connection, player_id: str, limit: int) -> list[Match]:
    """A player's latest matches that are over, doubles too, newest first."""
    arms = " UNION ALL ".join(
        f"SELECT * FROM (SELECT * FROM matches WHERE {column} = :p AND status = 'over'"
        " ORDER BY ended_at DESC LIMIT :n)"
        for column in ("player_a", "player_b", "partner_a", "partner_b")
    )
    rows = conn.execute(f"{arms} ORDER BY ended_at DESC LIMIT :n", {"p": player_id, "n": limit})
    return [_match(row) for row in rows]


def matches_of_evening(conn: sqlite3.Connection, game_session_id: str) -> list[Match]:
    """What was played in an evening, in the order in which it ended."""
    rows = conn.execute(
        "SELECT * FROM matches WHERE game_session_id = ? AND status = 'over' ORDER BY ended_at, id",
        [game_session_id],
    )
    return [_match(row) for row in rows]


def days_of_play(conn: sqlite3.Connection, begin: str, end: str) -> Iterator[tuple[str, str]]:
    """Who played a rated match on which day, from the day `begin` to before the day `end`; some twice.

    The view of outcomes says the same one player a row, and asks four times as often who is a guest.
    """
    rows = conn.execute(
        "SELECT m.day, m.player_a, m.player_b, m.partner_a, m.partner_b FROM matches m"
        " WHERE m.status = 'over' AND m.day >= ? AND m.day < ? AND NOT EXISTS (SELECT 1 FROM players p"
        " INDEXED BY guests WHERE p.guest AND p.id IN (m.player_a, m.player_b, m.partner_a, m.partner_b))",
        [begin, end],
    )
    return ((player, day) for day, *everybody in rows for player in everybody if player is not None)


def results_since(conn: sqlite3.Connection, ended_at: str) -> list[Result]:
    """All singles that ended at that stamp or later, in the order in which they ended."""
    rows = conn.execute("SELECT * FROM results WHERE ended_at >= ? ORDER BY ended_at, match_id", [ended_at])
    return [_result(row) for row in rows]


def _match(row: sqlite3.Row) -> Match:
    return Match(
        id=row["id"],
        game=row["game"],
        race_to=row["race_to"],
        breaks=row["breaks"],
        first_breaker=row["first_breaker"],
        table_label=row["table_label"],
        players=(row["player_a"], row["player_b"]),
        started_at=from_stamp(row["started_at"]),
        day=row["day"],
        ended_at=None if row["ended_at"] is None else from_stamp(row["ended_at"]),
        status=row["status"],
        score=(row["score_a"], row["score_b"]),
        hill_hill=bool(row["hill_hill"]),
        winner=row["winner"],
        state=json.loads(row["state"]),
        partners=None if row["partner_a"] is None else (row["partner_a"], row["partner_b"]),
        game_session_id=row["game_session_id"],
    )


def _result(row: sqlite3.Row) -> Result:
    return Result(
        match_id=row["match_id"],
        game=row["game"],
        race_to=row["race_to"],
        day=row["day"],
        ended_at=row["ended_at"],
        players=(row["player_a"], row["player_b"]),
        score=(row["score_a"], row["score_b"]),
        hill_hill=bool(row["hill_hill"]),
        winner=row["winner"],
        rated=bool(row["rated"]),
    )
