"""Odd patterns in what was played and entered: for staff, who know the people, and never for players.

A finding says that something is worth a look. It accuses nobody: friends who always play each other, somebody who
learns a new stroke, an evening on which only the bar was busy look the same from here. Each is told with its
figures, and where it stands since when. Once staff have looked, it comes back only when the same pattern is there
again in what happened afterwards.

Where a threshold is a probability it is an exact tail of a stated model; the counts beside it are ours, set so
that a hall of honest players sees few findings (tests/edge/test_stats_odd_patterns.py measures how few).
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from math import comb
from typing import Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.clock import month_before, stamp
from edge.hall import audit
from edge.hall.audit import Deed
from edge.hall.errors import HallError
from edge.hall.occasion import Occasion
from edge.hall.ratings import elo_expected
from edge.hall.streaks import streak

migrations = Migrations("odd_patterns")

Kind = Literal["losing", "trading", "one_opponent", "ticked", "corrections"]

# Losing more than the ratings say. The tail is of the Poisson binomial: matches won independently, each with the
# chance that Elo gave before it. The numbers are ours.
LOSING_DAYS = 30
LOSING_GAMES = 8
LOSING_TAIL = 0.01
# Ours. Ratings are estimates: in an honest hall they lie some 50 points off (K = 32), and whoever stands above an
# opponent stands there a little by luck. So much is taken from every difference before a chance is read off it.
RATING_DOUBT = 50.0

# Trading wins. Alternating is tested against a fair coin: so many changes of the winner or more. Ours: the days,
# the share of own games, and that each has a third of the wins.
PAIR_DAYS = 30
PAIR_GAMES = 6
PAIR_SHARE = 0.6
PAIR_LEAST = 1 / 3
ALTERNATING_TAIL = 0.05

# A run of points from one opponent. Ours.
RUN_WINS = 8
RUN_SHARE = 2 / 3

# Ticked as here, with neither a match nor a shot, on evenings of which there are results. Ours.
TICKED_EVENINGS = 3

# Corrections by one member of staff for one player. Ours; fewer are worth a look where it is their own match.
CORRECTION_DAYS = 30
CORRECTIONS = 5
CORRECTION_SHARE = 0.4
OWN_CORRECTIONS = 3
CORRECTING = ("match.corrected", "match.struck", "match.ruling_withdrawn")


@migrations()
def odd_patterns_1(db: Database) -> None:
    # `latest` is the last that was known of the pattern when somebody looked.
    db.execute("""
        CREATE TABLE odd_looked_at (
            key TEXT PRIMARY KEY,
            latest TEXT NOT NULL,
            at TEXT NOT NULL,
            by TEXT NOT NULL REFERENCES players (id)
        ) STRICT
    """)
    # The audit grows for ever; corrections of late are few.
    db.execute("CREATE INDEX audit_by_what ON audit (what, at)")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth a look. `figures` are the evidence, `since` and `latest` when the first and the last of it
    was: stamps, or days for evenings. Of `corrections` the second of `people` is who of the staff."""

    kind: Kind
    people: tuple[str, ...]
    figures: Mapping[str, float]
    since: str
    latest: str

    @property
    def key(self) -> str:
        """What the finding stays known by as it grows."""
        return f"{self.kind}:{'/'.join(self.people)}"


@dataclass(frozen=True, slots=True)
class Game:
    """A rated match of singles as one of its players sees it: `expected` is the chance that Elo gave before it."""

    at: str
    opponent: str
    won: bool
    expected: float | None = None


def findings(conn: sqlite3.Connection, today: str) -> list[Finding]:
    """What is worth a look on the hall's day `today`, the kinds in their order, the latest of each first."""
    looked = {row["key"]: row["latest"] for row in conn.execute("SELECT key, latest FROM odd_looked_at")}
    games = _games(conn, _days_before(today, LOSING_DAYS))
    found = [
        *_losing(games, looked),
        *_pairs(games, _days_before(today, PAIR_DAYS), looked),
        *_ticked(conn, today, looked),
        *_corrections(conn, _days_before(today, CORRECTION_DAYS), looked),
    ]
    order: tuple[Kind, ...] = ("losing", "trading", "one_opponent", "ticked", "corrections")
    found.sort(key=lambda one: one.latest, reverse=True)
    return sorted(found, key=lambda one: order.index(one.kind))


def look(conn: sqlite3.Connection, key: str, latest: str, by: str, here: Occasion) -> None:
    """Somebody of the staff has looked at a finding as it was shown; one that has grown since stays.

    `conn` must be inside a transaction for writing.
    """
    if not any((one.key, one.latest) == (key, latest) for one in findings(conn, here.day)):
        return
    before = _latest(conn, key)
    conn.execute(
        "INSERT OR REPLACE INTO odd_looked_at (key, latest, at, by) VALUES (?, ?, ?, ?)",
        [key, latest, here.stamp, by],
    )
    was, now = {"latest": before or ""}, {"latest": latest}
    audit.deed(conn, here.stamp, "odd.looked_at", f"odd:{key}", by, before=was, after=now)


def undo_look(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    """Nobody has looked after all. Raises HallError when somebody did since."""
    key, before, after = deed.subject.removeprefix("odd:"), deed.before or {}, deed.after or {}
    if _latest(conn, key) != after.get("latest"):
        raise HallError("undo_too_late")
    conn.execute("DELETE FROM odd_looked_at WHERE key = ?", [key])
    if before.get("latest"):
        conn.execute(
            "INSERT INTO odd_looked_at (key, latest, at, by) VALUES (?, ?, ?, ?)",
            [key, before["latest"], stamp(now), by],
        )


UNDO = {"odd.looked_at": undo_look}


def take_over(conn: sqlite3.Connection, from_id: str, to_id: str) -> None:  # noqa: ARG001
    """What staff saw of one player says nothing of the one they turned out to be."""
    forget(conn, from_id)


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Deletes what was looked at of a player's."""
    conn.execute("DELETE FROM odd_looked_at WHERE instr(key, ?)", [player_id])


def at_most(wins: int, chances: Iterable[float]) -> float:
    """The probability of so few wins or fewer, each match being won with its own chance (Poisson binomial)."""
    spread = [1.0]
    for chance in chances:
        won = [0.0, *(p * chance for p in spread)]
        spread = [p * (1.0 - chance) + w for p, w in zip([*spread, 0.0], won, strict=True)]
    return min(1.0, sum(spread[: wins + 1]))


def alternating_tail(winners: Sequence[str]) -> float:
    """The probability that a fair coin changes its side as often as the winner did, or more often."""
    throws = len(winners) - 1
    changes = sum(one != other for one, other in pairwise(winners))
    return sum(comb(throws, k) for k in range(changes, throws + 1)) / 2.0**throws if throws > 0 else 1.0


def judge_losing(games: Sequence[Game]) -> dict[str, float] | None:
    """The figures of matches against opponents rated lower, in order, when so few were won; else None."""
    chances = [game.expected for game in games if game.expected is not None]
    if len(chances) < LOSING_GAMES:
        return None
    won = sum(game.won for game in games)
    tail = at_most(won, chances)
    if tail >= LOSING_TAIL:
        return None
    return {"games": len(chances), "won": won, "expected": round(sum(chances), 1), "tail_pct": 100 * tail}


def judge_trading(winners: Sequence[str], games_of: tuple[int, int]) -> dict[str, float] | None:
    """The figures of two players' matches, in order, given how many games either had in all; None for nothing
    odd."""
    count = len(winners)
    least = min(Counter(winners).values()) if len(set(winners)) > 1 else 0
    if count < PAIR_GAMES or least < PAIR_LEAST * count:
        return None
    share = count / max(games_of)
    if share < PAIR_SHARE and alternating_tail(winners) >= ALTERNATING_TAIL:
        return None
    changes = sum(one != other for one, other in pairwise(winners))
    return {"games": count, "changes": changes, "least": least, "share_pct": 100 * share}


def judge_run(won: Sequence[bool], wins_in_all: int) -> dict[str, float] | None:
    """The figures of one player's matches against one opponent, in order, when the wins come in such a run."""
    longest = streak(won).best
    if longest < RUN_WINS or sum(won) < RUN_SHARE * wins_in_all:
        return None
    return {"run": longest, "won": sum(won), "of": wins_in_all}


def _losing(games: Mapping[str, Sequence[Game]], looked: Mapping[str, str]) -> list[Finding]:
    found = []
    for player, played in games.items():
        floor = looked.get(f"losing:{player}", "")
        above = [game for game in played if game.expected is not None and game.at > floor]
        figures = judge_losing(above)
        if figures is not None:
            found.append(Finding("losing", (player,), figures, above[0].at, above[-1].at))
    return found


def _pairs(games: Mapping[str, Sequence[Game]], since: str, looked: Mapping[str, str]) -> list[Finding]:
    """Two who trade wins, and whose wins come from one opponent; a pair of the first kind is not of the second."""
    found: list[Finding] = []
    for player, played in games.items():
        met = Counter(game.opponent for game in played if game.at > since)
        for other in (other for other, count in met.items() if count >= PAIR_GAMES):
            trading = _trading(games, (min(player, other), max(player, other)), since, looked)
            if trading is None:
                run = _run(games, (player, other), since, looked)
                found += [run] if run is not None else []
            elif player < other:
                found.append(trading)
    return found


def _trading(
    games: Mapping[str, Sequence[Game]], people: tuple[str, str], since: str, looked: Mapping[str, str]
) -> Finding | None:
    floor = max(since, looked.get(f"trading:{'/'.join(people)}", ""))
    own, others = ([game for game in games[one] if game.at > floor] for one in people)
    fresh = [game for game in own if game.opponent == people[1]]
    winners = [people[0] if game.won else people[1] for game in fresh]
    figures = judge_trading(winners, (len(own), len(others)))
    return None if figures is None else Finding("trading", people, figures, fresh[0].at, fresh[-1].at)


def _run(
    games: Mapping[str, Sequence[Game]], people: tuple[str, str], since: str, looked: Mapping[str, str]
) -> Finding | None:
    floor = max(since, looked.get(f"one_opponent:{'/'.join(people)}", ""))
    own = [game for game in games[people[0]] if game.at > floor]
    fresh = [game for game in own if game.opponent == people[1]]
    figures = judge_run([game.won for game in fresh], sum(game.won for game in own))
    return None if figures is None else Finding("one_opponent", people, figures, fresh[0].at, fresh[-1].at)


def _games(conn: sqlite3.Connection, since: str) -> dict[str, list[Game]]:
    """Everybody's rated singles since then, in order. Who was erased has none, nor is an opponent."""
    rows = conn.execute(
        "SELECT c.player_id, o.player_id AS opponent, c.ended_at, c.elo_before AS own, o.elo_before AS other,"
        " m.winner = c.player_id AS won FROM rating_changes c"
        " JOIN rating_changes o ON o.match_id = c.match_id AND o.player_id != c.player_id"
        " JOIN matches m ON m.id = c.match_id WHERE c.ended_at >= ? ORDER BY c.ended_at, c.match_id",
        [since],
    )
    found: dict[str, list[Game]] = defaultdict(list)
    for row in rows:
        ahead = row["own"] - row["other"] - RATING_DOUBT
        expected = elo_expected(ahead, 0.0) if ahead > 0 else None
        found[row["player_id"]].append(Game(row["ended_at"], row["opponent"], bool(row["won"]), expected))
    return found


def _ticked(conn: sqlite3.Connection, today: str, looked: Mapping[str, str]) -> list[Finding]:
    """Who was ticked as here on evenings, over by now, of this month and the last, and did not play."""
    rows = conn.execute(
        "SELECT DISTINCT a.player_id, g.day FROM game_sessions g"
        " JOIN game_attendances a ON a.game_session_id = g.id AND a.withdrawn_at IS NULL"
        " JOIN players p ON p.id = a.player_id AND NOT p.guest AND p.erased IS NULL"
        " WHERE g.day >= :since AND g.day < :today AND g.voided_at IS NULL"
        " AND EXISTS (SELECT 1 FROM matches m WHERE m.game_session_id = g.id AND m.status = 'over')"
        " AND NOT EXISTS (SELECT 1 FROM sessions s"
        " WHERE s.player_id = a.player_id AND s.day = g.day AND s.shots > 0)"
        " AND NOT EXISTS (SELECT 1 FROM outcomes o WHERE o.player_id = a.player_id AND o.day = g.day)"
        " ORDER BY g.day",
        {"since": f"{month_before(today[:7])}-01", "today": today},
    )
    days: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        if row["day"] > looked.get(f"ticked:{row['player_id']}", ""):
            days[row["player_id"], row["day"][:7]].append(row["day"])
    return [
        Finding("ticked", (player,), {"evenings": len(one)}, one[0], one[-1])
        for (player, _), one in sorted(days.items())
        if len(one) >= TICKED_EVENINGS and not _also(days, player, one)
    ]


def _also(days: Mapping[tuple[str, str], list[str]], player: str, one: list[str]) -> bool:
    """Whether a later month of the same player's is told already: one finding a player."""
    return any(
        whose == player and len(other) >= TICKED_EVENINGS and other[0] > one[-1]
        for (whose, _), other in days.items()
    )


def _corrections(conn: sqlite3.Connection, since: str, looked: Mapping[str, str]) -> list[Finding]:
    """Who of the staff corrected results for whom unusually often."""
    of_staff: dict[str, list[tuple[str, frozenset[str]]]] = defaultdict(list)
    for at, who, people in _corrected(conn, since):
        of_staff[who].append((at, people))
    found = []
    for who, made in of_staff.items():
        for player in sorted(frozenset[str]().union(*(people for _, people in made))):
            floor = looked.get(f"corrections:{player}/{who}", "")
            fresh = [(at, people) for at, people in made if at > floor]
            theirs = [at for at, people in fresh if player in people]
            enough = len(theirs) >= CORRECTIONS and len(theirs) >= CORRECTION_SHARE * len(fresh)
            if enough or (player == who and len(theirs) >= OWN_CORRECTIONS):
                figures = {"corrections": len(theirs), "of": len(fresh)}
                found.append(Finding("corrections", (player, who), figures, theirs[0], theirs[-1]))
    return found


def _corrected(conn: sqlite3.Connection, since: str) -> list[tuple[str, str, frozenset[str]]]:
    """When, by whom and of whose matches results were corrected since then, in order."""
    marks = ", ".join("?" * len(CORRECTING))
    rows = conn.execute(
        "SELECT a.at, a.who, m.player_a, m.player_b, m.partner_a, m.partner_b FROM audit a"
        " JOIN matches m ON m.id = substr(a.subject, 7)"
        f" WHERE a.at >= ? AND a.what IN ({marks}) AND a.role = 'staff' AND a.who IS NOT NULL ORDER BY a.at, a.id",
        [since, *CORRECTING],
    )
    here = _here(conn)
    return [(row["at"], row["who"], frozenset(one for one in row[2:] if one in here)) for row in rows]


def _here(conn: sqlite3.Connection) -> frozenset[str]:
    rows = conn.execute("SELECT id FROM players WHERE NOT guest AND erased IS NULL")
    return frozenset(row["id"] for row in rows)


def _latest(conn: sqlite3.Connection, key: str) -> str | None:
    row = conn.execute("SELECT latest FROM odd_looked_at WHERE key = ?", [key]).fetchone()
    return None if row is None else str(row["latest"])


def _days_before(today: str, days: int) -> str:
    return (date.fromisoformat(today) - timedelta(days=days)).isoformat()
