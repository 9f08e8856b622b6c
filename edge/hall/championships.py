"""Season championships: a quarter's play-offs, seeded by the points of its three months.

The bracket is folded (`edge.hall.brackets`) from the seeds, which are fixed, and the matches that staff linked.
It reads how those stand now: when one is corrected, the bracket follows; a later match that then was between the
wrong two does not count, and the bracket says so until staff link another, or the correction is taken back.

Only members take part who want to be seen, since a bracket is hung up. Seeds beyond the tenth are nobody's
business and are not shown.
"""

import re
import sqlite3
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.facts import uuid7
from edge.hall import audit, brackets
from edge.hall.brackets import Played, Tie
from edge.hall.errors import HallError
from edge.hall.matches import longest_race
from edge.hall.occasion import Occasion
from edge.hall.players import GAMES, get_player
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
    """A championship's bracket: rounds from the first to the final, each from the top."""

    championship: Championship
    rounds: tuple[tuple[Node, ...], ...]

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
    after = {"quarter": quarter, "game": game.replace(" ", "-"), "race_to": race_to, "players": len(players)}
    _note(conn, "championship.created", made.id, by, here.stamp, after=after)
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


def bracket(conn: sqlite3.Connection, championship_id: str) -> Bracket:
    """The bracket as the matches stand now. Raises HallError `championship_unknown`."""
    held = get_championship(conn, championship_id)
    if held is None:
        raise HallError("championship_unknown")
    players = _seeds(conn, championship_id)
    entrants = _entrants(conn, players)
    scores = _scores(conn, championship_id)
    nodes: dict[int, list[Node]] = {}
    for tie in brackets.fold(players, _played(conn, championship_id)):
        a, b = (None if one is None else entrants[one] for one in tie.sides)
        score = scores.get(tie.match_id or "", {}) if tie.status == "over" else {}
        winner = None if tie.winner is None else entrants[tie.winner]
        counted = (score[str(tie.sides[0])], score[str(tie.sides[1])]) if score else None
        nodes.setdefault(tie.round, []).append(Node(tie, (a, b), winner, counted))
    return Bracket(held, tuple(tuple(one) for one in nodes.values()))


def fitting(conn: sqlite3.Connection, championship_id: str, number: int) -> list[str]:
    """The matches that can be linked to a match of the bracket, the latest first: between the right two, of the
    championship's game and race, not before its day, and not linked yet."""
    tie, held = tie_of(conn, championship_id, number)
    rows = conn.execute(
        "SELECT match_id FROM results WHERE game = :game AND race_to = :race AND day >= :day"
        " AND ((player_a, player_b) = (:a, :b) OR (player_a, player_b) = (:b, :a))"
        " AND match_id NOT IN (SELECT match_id FROM championship_results WHERE match_id IS NOT NULL)"
        " ORDER BY ended_at DESC, match_id DESC",
        {"game": held.game, "race": held.race_to, "day": held.day, "a": tie.sides[0], "b": tie.sides[1]},
    )
    return [row["match_id"] for row in rows] if tie.status == "ready" else []


def set_result(
    conn: sqlite3.Connection,
    championship_id: str,
    number: int,
    match_id: str,
    *,
    by: str,
    now: str,
    entered: bool = False,
) -> Bracket:
    """Links a finished match to a match of the bracket; what is linked and does not count is replaced.

    `entered` notes that its result was entered for this. Linked already, it stays as it is. Raises HallError:
    `championship_unknown`, `championship_cancelled`, `championship_number`, `championship_waiting` where the two
    are not known yet, `championship_played` where another match is linked, `championship_match` for a match that
    does not fit.
    """
    tie, _ = tie_of(conn, championship_id, number)
    if tie.match_id == match_id and tie.status == "over":
        return bracket(conn, championship_id)
    require_ready(tie)
    if match_id not in fitting(conn, championship_id, number):
        raise HallError("championship_match")
    _link(conn, championship_id, number, match_id=match_id)
    after = {"number": number, "match": match_id, "entered": entered}
    _note(conn, "championship.linked", championship_id, by, now, after=after)
    return bracket(conn, championship_id)


def walk_over(
    conn: sqlite3.Connection, championship_id: str, number: int, player_id: str, *, by: str, now: str
) -> Bracket:
    """Somebody goes on without a match, since the other one does not come. Raises HallError as `set_result`."""
    tie, _ = tie_of(conn, championship_id, number)
    if tie.walkover and tie.winner == player_id:
        return bracket(conn, championship_id)
    require_ready(tie)
    if player_id not in tie.sides:
        raise HallError("championship_match")
    absent = next(one for one in tie.sides if one != player_id)
    _link(conn, championship_id, number, walkover=player_id, absent=absent)
    after = {"number": number, "player": player_id}
    _note(conn, "championship.walkover", championship_id, by, now, after=after)
    return bracket(conn, championship_id)


def clear_result(conn: sqlite3.Connection, championship_id: str, number: int, *, by: str, now: str) -> Bracket:
    """Takes back what was entered for a match of the bracket; nothing where nothing was.

    Raises HallError: `championship_followed` where the next match was played on the strength of it, and as
    `set_result` does.
    """
    tie, _ = tie_of(conn, championship_id, number)
    players = _seeds(conn, championship_id)
    following = brackets.next_of(number, brackets.size_for(len(players)))
    if following is not None and tie.status == "over":
        after_it, _ = tie_of(conn, championship_id, following)
        if after_it.status == "over":
            raise HallError("championship_followed", number=following)
    gone = conn.execute(
        "DELETE FROM championship_results WHERE championship_id = ? AND number = ?", [championship_id, number]
    ).rowcount
    if gone:
        before = {"number": number, "match": tie.match_id, "winner": tie.winner}
        _note(conn, "championship.cleared", championship_id, by, now, before=before)
    return bracket(conn, championship_id)


def replace(
    conn: sqlite3.Connection, championship_id: str, player_id: str, instead: str, *, by: str, now: str
) -> Bracket:
    """Puts a member in somebody's place, under that seed, before anything was entered.

    Raises HallError: `championship_unknown`, `championship_cancelled`, `championship_begun`,
    `championship_member` for who can't take part, or does already, or is to leave and is not in.
    """
    _require_on(conn, championship_id)
    if begun(conn, championship_id):
        raise HallError("championship_begun")
    new = get_player(conn, instead)
    players = _seeds(conn, championship_id)
    if new is None or new.guest or new.erased or not new.visible or instead in players or player_id not in players:
        raise HallError("championship_member")
    _put_seeds(conn, championship_id, [instead if one == player_id else one for one in players])
    before, after = {"player": player_id}, {"player": instead}
    _note(conn, "championship.replaced", championship_id, by, now, before=before, after=after)
    return bracket(conn, championship_id)


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
        _note(conn, "championship.cancelled", championship_id, by, now)
    return bool(gone)


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Takes a player out of brackets that have not begun, those below move up; in others the place stays, without
    a name, so that whom they met keep their way. Staff let their opponents go on by `walk_over`."""
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
        elif not begun(conn, championship_id):
            one_by_one = dict.fromkeys(to_id if one == from_id else one for one in players)
            _put_seeds(conn, championship_id, list(one_by_one))


def _brackets_of(conn: sqlite3.Connection, player_id: str) -> list[sqlite3.Row]:
    return conn.execute("SELECT * FROM championship_seeds WHERE player_id = ?", [player_id]).fetchall()


def _leave(conn: sqlite3.Connection, championship_id: str, player_id: str) -> None:
    rest = [one for one in _seeds(conn, championship_id) if one != player_id]
    if not begun(conn, championship_id) and len(rest) >= 2:
        _put_seeds(conn, championship_id, rest)


def _put_seeds(conn: sqlite3.Connection, championship_id: str, players: list[str]) -> None:
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


def _entrants(conn: sqlite3.Connection, players: list[str]) -> dict[str, Entrant]:
    entrants = {}
    for seed, player_id in enumerate(players, 1):
        player = get_player(conn, player_id)
        seen = player is not None and player.visible and not player.erased
        entrants[player_id] = Entrant(
            player_id, player.name if seen and player is not None else None, seed if seed <= TOP else None
        )
    return entrants


def _played(conn: sqlite3.Connection, championship_id: str) -> dict[int, Played]:
    """What is entered, by number, as the matches stand."""
    rows = conn.execute(
        "SELECT c.number, c.match_id, coalesce(r.player_a, c.walkover) AS a, coalesce(r.player_b, c.absent) AS b,"
        " coalesce(r.winner, c.walkover) AS winner FROM championship_results c"
        " LEFT JOIN results r ON r.match_id = c.match_id WHERE c.championship_id = ?",
        [championship_id],
    )
    return {row["number"]: Played(row["match_id"], frozenset((row["a"], row["b"])), row["winner"]) for row in rows}


def _scores(conn: sqlite3.Connection, championship_id: str) -> dict[str, dict[str, int]]:
    rows = conn.execute(
        "SELECT r.* FROM championship_results c JOIN results r ON r.match_id = c.match_id"
        " WHERE c.championship_id = ?",
        [championship_id],
    )
    return {row["match_id"]: {row["player_a"]: row["score_a"], row["player_b"]: row["score_b"]} for row in rows}


def tie_of(conn: sqlite3.Connection, championship_id: str, number: int) -> tuple[Tie, Championship]:
    """A match of a bracket as it stands. Raises HallError: `championship_unknown`, `championship_cancelled`,
    `championship_number`."""
    held = _require_on(conn, championship_id)
    for tie in brackets.fold(_seeds(conn, championship_id), _played(conn, championship_id)):
        if tie.number == number:
            return tie, held
    raise HallError("championship_number")


def _require_on(conn: sqlite3.Connection, championship_id: str) -> Championship:
    held = get_championship(conn, championship_id)
    if held is None:
        raise HallError("championship_unknown")
    if held.cancelled:
        raise HallError("championship_cancelled")
    return held


def require_ready(tie: Tie) -> None:
    """Raises HallError where no result can be entered: `championship_played`, `championship_waiting`."""
    if tie.status in ("over", "bye"):
        raise HallError("championship_played")
    if tie.status == "waiting":
        raise HallError("championship_waiting")


def begun(conn: sqlite3.Connection, championship_id: str) -> bool:
    """Whether anything was entered."""
    row = conn.execute("SELECT 1 FROM championship_results WHERE championship_id = ?", [championship_id])
    return row.fetchone() is not None


def _link(
    conn: sqlite3.Connection,
    championship_id: str,
    number: int,
    *,
    match_id: str | None = None,
    walkover: str | None = None,
    absent: str | None = None,
) -> None:
    conn.execute(
        "INSERT INTO championship_results (championship_id, number, match_id, walkover, absent)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (championship_id, number) DO UPDATE SET"
        " match_id = excluded.match_id, walkover = excluded.walkover, absent = excluded.absent",
        [championship_id, number, match_id, walkover, absent],
    )


def _note(
    conn: sqlite3.Connection,
    what: str,
    championship_id: str,
    by: str,
    now: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    subject = f"championship:{championship_id}"
    audit.note(conn, now, what, subject, role="staff", who=by, before=before, after=after)


def _championship(row: sqlite3.Row) -> Championship:
    return Championship(
        row["id"], row["quarter"], row["game"], row["race_to"], row["day"], row["cancelled_at"] is not None
    )
