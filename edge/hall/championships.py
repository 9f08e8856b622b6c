"""Season championships: a quarter's play-offs, seeded by the points of its three months.

The bracket is folded (`edge.hall.brackets`) from the seeds, which are fixed, and the matches that staff linked.
It reads how those stand now: when one is corrected, the bracket follows; a later match that then was between the
wrong two does not count, and the bracket says so until staff link another, or the correction is taken back. What
staff enter is in `edge.hall.championship_results`.

Only members take part who want to be seen, since a bracket is hung up. Seeds beyond the tenth are nobody's
business and are not shown.
"""

import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.facts import uuid7
from edge.hall import audit, brackets
from edge.hall.brackets import Played, Tie
from edge.hall.errors import HallError
from edge.hall.matches import longest_race
from edge.hall.occasion import Occasion
from edge.hall.players import GAMES, game_word, get_player
from edge.hall.points import TOP

migrations = Migrations("championships")

SIZES = (4, 8, 16)
MOST = 64  # where all who qualify take part


@migrations()
def championships_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE championships (
            id TEXT PRIMARY KEY,
            quarter TEXT NOT NULL,
            game TEXT NOT NULL,
            race_to INTEGER NOT NULL CHECK (race_to > 0),
            day TEXT NOT NULL,
            created_at TEXT NOT NULL,
            created_by TEXT NOT NULL,
            cancelled_at TEXT,
            cancelled_by TEXT
        ) STRICT
    """)
    db.execute("""
        CREATE UNIQUE INDEX championships_once ON championships (quarter, game) WHERE cancelled_at IS NULL
    """)
    db.execute("""
        CREATE TABLE championship_seeds (
            championship_id TEXT NOT NULL REFERENCES championships (id),
            seed INTEGER NOT NULL CHECK (seed > 0),
            player_id TEXT NOT NULL REFERENCES players (id),
            PRIMARY KEY (championship_id, seed)
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("CREATE UNIQUE INDEX championship_seeds_of ON championship_seeds (player_id, championship_id)")
    # A match of the store; or who goes on without one, and who did not come.
    db.execute("""
        CREATE TABLE championship_results (
            championship_id TEXT NOT NULL REFERENCES championships (id),
            number INTEGER NOT NULL,
            match_id TEXT UNIQUE REFERENCES matches (id) ON DELETE CASCADE,
            walkover TEXT REFERENCES players (id),
            absent TEXT REFERENCES players (id),
            PRIMARY KEY (championship_id, number),
            CHECK ((match_id IS NULL) != (walkover IS NULL)),
            CHECK ((walkover IS NULL) = (absent IS NULL))
        ) STRICT, WITHOUT ROWID
    """)


@dataclass(frozen=True, slots=True)
class Championship:
    """A championship without its bracket. `day` is the hall's day on which it was made."""

    id: str
    quarter: str
    game: str
    race_to: int
    day: str
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class PlayOffs:
    """A championship's matches as they stand, by ids: `players` are the seeds, the best first, `ties` in the order
    of their numbers, `scores` what each match that is linked came to, by its number and player; once anything is
    entered it has `begun`."""

    championship: Championship
    players: tuple[str, ...]
    ties: tuple[Tie, ...]
    scores: Mapping[int, Mapping[str, int]]
    begun: bool

    def tie(self, number: int) -> Tie:
        """One match. Raises HallError `championship_number`."""
        if not 1 <= number <= len(self.ties):
            raise HallError("championship_number")
        return self.ties[number - 1]

    def score(self, tie: Tie) -> tuple[int, int] | None:
        """What a match came to, in the order of its sides; None where it is not over, or was not played."""
        counted, (a, b) = self.scores.get(tie.number), tie.sides
        if tie.status != "over" or counted is None or a is None or b is None:
            return None
        return counted[a], counted[b]


@dataclass(frozen=True, slots=True)
class Entrant:
    """Somebody in a bracket; `seed` is None beyond the tenth, `name` for who is not to be seen (any more)."""

    player_id: str
    name: str | None
    seed: int | None


@dataclass(frozen=True, slots=True)
class Node:
    """A match of the bracket as it is drawn. `tie` says how it stands, by ids."""

    tie: Tie
    sides: tuple[Entrant | None, Entrant | None]
    winner: Entrant | None
    score: tuple[int, int] | None  # in the order of `sides`; None where it was not played


@dataclass(frozen=True, slots=True)
class Bracket:
    """A championship's bracket: rounds from the first to the final, each from the top; once anything is entered it
    has `begun`."""

    championship: Championship
    rounds: tuple[tuple[Node, ...], ...]
    begun: bool

    @property
    def champion(self) -> Entrant | None:
        return self.rounds[-1][0].winner

    @property
    def troubles(self) -> tuple[Node, ...]:
        """What was entered and does not count."""
        return tuple(node for nodes in self.rounds for node in nodes if node.tie.trouble is not None)


def months_of(quarter: str) -> tuple[str, str, str]:
    """The months of `2026-Q1`. Raises HallError `quarter_unknown` for what is no quarter."""
    if not re.fullmatch(r"[12][0-9]{3}-Q[1-4]", quarter):
        raise HallError("quarter_unknown")
    first = 3 * int(quarter[-1]) - 2
    year = quarter[:4]
    return f"{year}-{first:02}", f"{year}-{first + 1:02}", f"{year}-{first + 2:02}"


def quarter_of(month: str) -> str:
    """The quarter of a month: `2026-Q1` of `2026-02`."""
    return f"{month[:4]}-Q{(int(month[5:7]) + 2) // 3}"


def qualified(conn: sqlite3.Connection, quarter: str, most: int = MOST) -> list[str]:
    """The members with points in a quarter who want to be seen, the best first; equal ones by name."""
    rows = conn.execute(
        "SELECT p.id FROM points_monthly s JOIN players p ON p.id = s.player_id"
        " WHERE s.month IN (?, ?, ?) AND p.visible AND NOT p.guest AND p.erased IS NULL"
        " GROUP BY p.id ORDER BY sum(s.half_points) DESC, p.name_key LIMIT ?",
        [*months_of(quarter), most],
    )
    return [row["id"] for row in rows]


def create(
    conn: sqlite3.Connection, quarter: str, game: str, race_to: int, size: int | None, *, by: str, here: Occasion
) -> Championship:
    """A championship of the quarter's best 4, 8 or 16, or with None of all who qualify, seeded as it stands now.

    `conn` must be inside a transaction for writing. Raises HallError: `quarter_unknown`, `quarter_early` before
    it began, `championship_play` for a game or race there is not, `championship_size`, `championship_exists` where
    the quarter has one of that game, `championship_few` where fewer than two qualify.
    """
    if months_of(quarter)[0] > here.month:
        raise HallError("quarter_early")
    longest = longest_race(game)
    if game not in GAMES or not 1 <= race_to <= longest:
        raise HallError("championship_play", most=longest)
    if size is not None and size not in SIZES:
        raise HallError("championship_size")
    if any(one.quarter == quarter and one.game == game for one in championships(conn)):
        raise HallError("championship_exists")
    players = qualified(conn, quarter, size or MOST)
    if len(players) < 2:
        raise HallError("championship_few")
    made = Championship(uuid7(), quarter, game, race_to, here.day)
    conn.execute(
        "INSERT INTO championships (id, quarter, game, race_to, day, created_at, created_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [made.id, quarter, game, race_to, here.day, here.stamp, by],
    )
    _put_seeds(conn, made.id, players)
    after = {"quarter": quarter, "game": game_word(game), "race_to": race_to, "players": len(players)}
    audit.deed(conn, here.stamp, "championship.created", f"championship:{made.id}", by, after=after)
    return made


def championships(conn: sqlite3.Connection) -> list[Championship]:
    """The championships that hold, the latest quarter first."""
    rows = conn.execute(
        "SELECT * FROM championships WHERE cancelled_at IS NULL ORDER BY quarter DESC, created_at DESC"
    )
    return [_championship(row) for row in rows]


def get_championship(conn: sqlite3.Connection, championship_id: str) -> Championship | None:
    """One championship, or None."""
    row = conn.execute("SELECT * FROM championships WHERE id = ?", [championship_id]).fetchone()
    return None if row is None else _championship(row)


def play_offs(conn: sqlite3.Connection, championship_id: str) -> PlayOffs:
    """A championship's matches as they stand now. Raises HallError `championship_unknown`."""
    held = get_championship(conn, championship_id)
    if held is None:
        raise HallError("championship_unknown")
    rows = conn.execute(
        "SELECT c.number, c.match_id, coalesce(r.player_a, c.walkover) AS a, coalesce(r.player_b, c.absent) AS b,"
        " coalesce(r.winner, c.walkover) AS winner, r.score_a, r.score_b FROM championship_results c"
        " LEFT JOIN results r ON r.match_id = c.match_id WHERE c.championship_id = ?",
        [championship_id],
    ).fetchall()
    players = tuple(_seeds(conn, championship_id))
    played, scores = {}, {}
    for row in rows:
        a, b, number = row["a"], row["b"], row["number"]
        played[number] = Played(row["match_id"], frozenset((a, b)), row["winner"])
        if row["score_a"] is not None:
            scores[number] = {a: row["score_a"], b: row["score_b"]}
    return PlayOffs(held, players, tuple(brackets.fold(players, played)), scores, bool(rows))


def bracket(conn: sqlite3.Connection, championship_id: str) -> Bracket:
    """The bracket as the matches stand now. Raises HallError `championship_unknown`."""
    now = play_offs(conn, championship_id)
    entrants = _entrants(conn, now.players)
    nodes: dict[int, list[Node]] = {}
    for tie in now.ties:
        a, b = (None if one is None else entrants[one] for one in tie.sides)
        winner = None if tie.winner is None else entrants[tie.winner]
        nodes.setdefault(tie.round, []).append(Node(tie, (a, b), winner, now.score(tie)))
    return Bracket(now.championship, tuple(tuple(one) for one in nodes.values()), now.begun)


def require_open(conn: sqlite3.Connection, championship_id: str) -> PlayOffs:
    """As `play_offs`. Raises HallError: `championship_unknown`, `championship_cancelled`."""
    now = play_offs(conn, championship_id)
    if now.championship.cancelled:
        raise HallError("championship_cancelled")
    return now


def replace(
    conn: sqlite3.Connection, championship_id: str, player_id: str, instead: str, *, by: str, now: str
) -> None:
    """Puts a member in somebody's place, under that seed, before anything was entered.

    Raises HallError: `championship_unknown`, `championship_cancelled`, `championship_begun`,
    `championship_member` for who can't take part, or does already, or is to leave and is not in.
    """
    stand = require_open(conn, championship_id)
    if stand.begun:
        raise HallError("championship_begun")
    new, players = get_player(conn, instead), stand.players
    if new is None or new.guest or new.erased or not new.visible or instead in players or player_id not in players:
        raise HallError("championship_member")
    _put_seeds(conn, championship_id, [instead if one == player_id else one for one in players])
    subject, before, after = f"championship:{championship_id}", {"player": player_id}, {"player": instead}
    audit.deed(conn, now, "championship.replaced", subject, by, before=before, after=after)


def cancel(conn: sqlite3.Connection, championship_id: str, *, by: str, now: str) -> bool:
    """Calls a championship off; says whether it was still on. Raises HallError `championship_unknown`."""
    if get_championship(conn, championship_id) is None:
        raise HallError("championship_unknown")
    gone = conn.execute(
        "UPDATE championships SET cancelled_at = ?, cancelled_by = ? WHERE id = ? AND cancelled_at IS NULL",
        [now, by, championship_id],
    ).rowcount
    if gone:
        conn.execute("DELETE FROM championship_results WHERE championship_id = ?", [championship_id])
        audit.deed(conn, now, "championship.cancelled", f"championship:{championship_id}", by)
    return bool(gone)


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Takes a player out of brackets that have not begun, those below move up; in others the place stays, without
    a name, so that whom they met keep their way. Staff let their opponents go on without a match."""
    for row in _brackets_of(conn, player_id):
        _leave(conn, row["championship_id"], player_id)


def take_over(conn: sqlite3.Connection, from_id: str, to_id: str) -> None:
    """Gives a player the places of one who turned out to be the same. Where both are in, the worse seed goes if
    nothing was entered yet, and else stays as it is."""
    for row in _brackets_of(conn, from_id):
        championship_id = row["championship_id"]
        players = _seeds(conn, championship_id)
        if to_id not in players:
            _put_seeds(conn, championship_id, [to_id if one == from_id else one for one in players])
            for column in ("walkover", "absent"):
                conn.execute(
                    f"UPDATE championship_results SET {column} = ? WHERE {column} = ? AND championship_id = ?",
                    [to_id, from_id, championship_id],
                )
        elif not _begun(conn, championship_id):
            one_by_one = dict.fromkeys(to_id if one == from_id else one for one in players)
            _put_seeds(conn, championship_id, list(one_by_one))


def _brackets_of(conn: sqlite3.Connection, player_id: str) -> list[sqlite3.Row]:
    return conn.execute("SELECT * FROM championship_seeds WHERE player_id = ?", [player_id]).fetchall()


def _leave(conn: sqlite3.Connection, championship_id: str, player_id: str) -> None:
    rest = [one for one in _seeds(conn, championship_id) if one != player_id]
    if not _begun(conn, championship_id) and len(rest) >= 2:
        _put_seeds(conn, championship_id, rest)


def _put_seeds(conn: sqlite3.Connection, championship_id: str, players: Sequence[str]) -> None:
    conn.execute("DELETE FROM championship_seeds WHERE championship_id = ?", [championship_id])
    conn.executemany(
        "INSERT INTO championship_seeds VALUES (?, ?, ?)",
        [[championship_id, seed, player_id] for seed, player_id in enumerate(players, 1)],
    )


def _seeds(conn: sqlite3.Connection, championship_id: str) -> list[str]:
    rows = conn.execute(
        "SELECT player_id FROM championship_seeds WHERE championship_id = ? ORDER BY seed", [championship_id]
    )
    return [row["player_id"] for row in rows]


def _entrants(conn: sqlite3.Connection, players: Sequence[str]) -> dict[str, Entrant]:
    entrants = {}
    for seed, player_id in enumerate(players, 1):
        player = get_player(conn, player_id)
        seen = player is not None and player.visible and not player.erased
        entrants[player_id] = Entrant(
            player_id, player.name if seen and player is not None else None, seed if seed <= TOP else None
        )
    return entrants


def _begun(conn: sqlite3.Connection, championship_id: str) -> bool:
    row = conn.execute("SELECT 1 FROM championship_results WHERE championship_id = ?", [championship_id])
    return row.fetchone() is not None


def _championship(row: sqlite3.Row) -> Championship:
    return Championship(
        row["id"], row["quarter"], row["game"], row["race_to"], row["day"], row["cancelled_at"] is not None
    )
