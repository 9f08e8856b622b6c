"""Ratings: Elo by who won, and a Fargo-style rating by racks.

Elo is Arpad Elo's: start 1000, K 32, elite from 1200 on; the numbers are the owner's.

The other rating has FargoRate's scale and words (fargorate.com): 100 points are 2:1 odds on a rack, robustness is
the number of racks behind a rating, and below 200 of them it is preliminary. FargoRate fits all games of the world
at once; its program is not published. Ours is a step of maximum a posteriori for each match:

- A rack is won with odds 2^(d/100), d being the difference in rating: a logistic model with scale s = 100 / ln 2.
- A rack tells at most 1/(4 s²) about a rating, the bound of the logistic's curvature (Böhning and Lindsay, Annals
  of the Institute of Statistical Mathematics 40, 1988). So a rating is known with the variance 4 s² / weight,
  the weight being counted in racks: `PRIOR_RACKS` to begin with, and the robustness.
- The n racks of a match weigh less against an opponent whose rating is unsure: variances add up (as in
  Glickman's Glicko, Applied Statistics 48, 1999), which makes m = n w / (n + w) racks of them, w being the
  opponent's weight.
- The rating then moves by 4 s (won/n - expected) m / (own weight + m).

The choices in this are ours: one step a match instead of a fit of everything, the prior, and `MEMORY_RACKS`.
Who wins a match never loses Elo. By racks a winner may lose some: 7-6 against somebody rated 200 points lower is
fewer racks than the odds say.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import log

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.hall.matches import RACKLESS_GAMES, Result, results_since

migrations = Migrations("ratings")

ELO_START = 1000.0
ELO_K = 32.0
ELO_ELITE = 1200.0

FARGO_START = 500.0
FARGO_DOUBLE = 100.0  # points for odds of 2:1
PRELIMINARY_RACKS = 200
# What the start is worth: 8 racks are a standard deviation of 102 points, about how far a hall's players spread.
PRIOR_RACKS = 8.0
# A rating never weighs more than that, so that today's play still shows after years.
MEMORY_RACKS = 1000.0

_SCALE = FARGO_DOUBLE / log(2.0)


@migrations()
def ratings_1(db: Database) -> None:
    # Derived: a corrected match makes the rows from it on anew. `seq` is the match's place in the order of ends.
    db.execute("""
        CREATE TABLE rating_changes (
            match_id TEXT NOT NULL REFERENCES matches (id),
            player_id TEXT NOT NULL REFERENCES players (id),
            seq INTEGER NOT NULL,
            ended_at TEXT NOT NULL,
            elo_before REAL NOT NULL,
            elo_after REAL NOT NULL,
            fargo_before REAL NOT NULL,
            fargo_after REAL NOT NULL,
            racks_before INTEGER NOT NULL,
            racks_after INTEGER NOT NULL,
            PRIMARY KEY (match_id, player_id)
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("CREATE UNIQUE INDEX rating_changes_of ON rating_changes (player_id, seq)")
    db.execute("CREATE INDEX rating_changes_by_end ON rating_changes (ended_at)")
    db.execute("""
        CREATE TABLE ratings (
            player_id TEXT PRIMARY KEY REFERENCES players (id),
            elo REAL NOT NULL,
            fargo REAL NOT NULL,
            racks INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
    """)


@dataclass(frozen=True, slots=True)
class Rating:
    """What a player is rated; `racks` is the robustness of the Fargo-style rating."""

    elo: float = ELO_START
    fargo: float = FARGO_START
    racks: int = 0

    @property
    def elite(self) -> bool:
        return self.elo >= ELO_ELITE

    @property
    def preliminary(self) -> bool:
        """Whether the Fargo-style rating rests on few racks yet."""
        return self.racks < PRELIMINARY_RACKS


@dataclass(frozen=True, slots=True)
class Change:
    """What a match did to a player's ratings."""

    match_id: str
    ended_at: str
    before: Rating
    after: Rating


def elo_expected(own: float, other: float) -> float:
    """How much of a match's one point is expected."""
    odds_against: float = 10.0 ** ((other - own) / 400.0)
    return 1.0 / (1.0 + odds_against)


def elo_gain(winner: float, other: float) -> float:
    """What the winner gets and the other gives."""
    return ELO_K * (1.0 - elo_expected(winner, other))


def rack_odds(own: float, other: float) -> float:
    """Odds of winning a rack: 2.0 for 100 points more."""
    return float(2.0 ** ((own - other) / FARGO_DOUBLE))


def rack_chance(own: float, other: float) -> float:
    """The chance of winning a rack, 0 to 1."""
    return 1.0 / (1.0 + rack_odds(other, own))


def fargo_after(own: Rating, other: Rating, won: int, lost: int) -> float:
    """The Fargo-style rating after so many racks won and lost against `other` as rated before the match."""
    played = won + lost
    if played == 0:
        return own.fargo
    told = played * _weight(other) / (played + _weight(other))
    surprise = won / played - rack_chance(own.fargo, other.fargo)
    return own.fargo + 4.0 * _SCALE * surprise * told / (_weight(own) + told)


def rated_after(result: Result, before: tuple[Rating, Rating]) -> tuple[Rating, Rating]:
    """Both players' ratings after a match, in the order of `result.players`."""
    a, b = before
    gain = elo_gain(a.elo, b.elo) if result.winner == result.players[0] else -elo_gain(b.elo, a.elo)
    a_after, b_after = replace(a, elo=a.elo + gain), replace(b, elo=b.elo - gain)
    if result.game in RACKLESS_GAMES:
        return a_after, b_after
    won, lost = result.score
    return (
        replace(a_after, fargo=fargo_after(a, b, won, lost), racks=a.racks + won + lost),
        replace(b_after, fargo=fargo_after(b, a, lost, won), racks=b.racks + won + lost),
    )


def settle(conn: sqlite3.Connection, since: str | None = None) -> int:
    """Makes anew what all rated matches did to the ratings, from that stamp on; returns how many matches it were.

    `since` is the earliest end of a match that is new or changed, as it was before the change or as it is now,
    whichever is earlier: nothing that ended before may have changed. Without it everything is made anew. `conn`
    must be inside a transaction for writing.
    """
    erased = {row["id"] for row in conn.execute("SELECT id FROM players WHERE erased IS NOT NULL")}
    results = [result for result in results_since(conn, since or "") if result.rated]
    if since is not None and not erased.isdisjoint(_players(results)):
        # Nothing is kept of an erased player, whose matches count for the opponents; so from the very beginning.
        return settle(conn)
    touched = _players(results) | _take_back(conn, since or "")
    now = {player_id: _rating_before(conn, player_id) for player_id in touched}
    rows: list[list[object]] = []
    seq = _last_seq(conn)
    for result in results:
        before = (now[result.players[0]], now[result.players[1]])
        after = rated_after(result, before)
        now.update(zip(result.players, after, strict=True))
        seq += 1
        rows += [
            [result.match_id, player, seq, result.ended_at, o.elo, n.elo, o.fargo, n.fargo, o.racks, n.racks]
            for player, o, n in zip(result.players, before, after, strict=True)
            if player not in erased
        ]
    conn.executemany(f"INSERT INTO rating_changes VALUES ({', '.join('?' * 10)})", rows)
    _keep(conn, {player_id: rating for player_id, rating in now.items() if player_id not in erased})
    return len(results)


def settle_match(conn: sqlite3.Connection, match_id: str) -> int:
    """`settle` from one match on that is new, or was corrected or withdrawn."""
    row = conn.execute(
        "SELECT min(ended_at) AS since FROM ("
        " SELECT ended_at FROM rating_changes WHERE match_id = :m"
        " UNION ALL SELECT ended_at FROM results WHERE match_id = :m)",
        {"m": match_id},
    ).fetchone()
    if _between_erased(conn, match_id):  # nothing tells where it stood
        return settle(conn)
    return 0 if row["since"] is None else settle(conn, row["since"])


def rating_of(conn: sqlite3.Connection, player_id: str) -> Rating:
    """What a player is rated now; the start before the first match."""
    row = conn.execute("SELECT elo, fargo, racks FROM ratings WHERE player_id = ?", [player_id]).fetchone()
    return Rating() if row is None else Rating(*row)


def change_in(conn: sqlite3.Connection, match_id: str, player_id: str) -> Change | None:
    """What a match did to a player's ratings; None for one that is not rated."""
    row = conn.execute(
        "SELECT * FROM rating_changes WHERE match_id = ? AND player_id = ?", [match_id, player_id]
    ).fetchone()
    return None if row is None else _change(row)


def history(conn: sqlite3.Connection, player_id: str, limit: int) -> list[Change]:
    """A player's latest changes, the oldest of them first."""
    rows = conn.execute(
        "SELECT * FROM rating_changes WHERE player_id = ? ORDER BY seq DESC LIMIT ?", [player_id, limit]
    ).fetchall()
    return [_change(row) for row in reversed(rows)]


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Deletes a player's ratings. What the matches did to the opponents' stays."""
    for table in ("rating_changes", "ratings"):
        conn.execute(f"DELETE FROM {table} WHERE player_id = ?", [player_id])


def _weight(rating: Rating) -> float:
    """How sure a rating is, in racks."""
    return PRIOR_RACKS + min(rating.racks, MEMORY_RACKS)


def _players(results: Iterable[Result]) -> set[str]:
    return {player_id for result in results for player_id in result.players}


def _take_back(conn: sqlite3.Connection, since: str) -> set[str]:
    """Deletes the changes from that stamp on; returns whose they were."""
    rows = conn.execute("SELECT player_id FROM rating_changes WHERE ended_at >= ?", [since])
    whose = {row["player_id"] for row in rows}
    conn.execute("DELETE FROM rating_changes WHERE ended_at >= ?", [since])
    return whose


def _rating_before(conn: sqlite3.Connection, player_id: str) -> Rating:
    """The rating after the latest change that stands."""
    changes = history(conn, player_id, 1)
    return changes[0].after if changes else Rating()


def _between_erased(conn: sqlite3.Connection, match_id: str) -> bool:
    row = conn.execute(
        "SELECT a.erased IS NOT NULL AND b.erased IS NOT NULL AS both FROM matches m"
        " JOIN players a ON a.id = m.player_a JOIN players b ON b.id = m.player_b WHERE m.id = ?",
        [match_id],
    ).fetchone()
    return row is not None and bool(row["both"])


def _last_seq(conn: sqlite3.Connection) -> int:
    row = conn.execute("SELECT seq FROM rating_changes ORDER BY ended_at DESC, match_id DESC LIMIT 1").fetchone()
    return 0 if row is None else int(row["seq"])


def _keep(conn: sqlite3.Connection, now: dict[str, Rating]) -> None:
    conn.executemany("DELETE FROM ratings WHERE player_id = ?", [[player_id] for player_id in now])
    conn.executemany(
        "INSERT INTO ratings SELECT :p, :elo, :fargo, :racks"
        " WHERE EXISTS (SELECT 1 FROM rating_changes WHERE player_id = :p)",
        [{"p": p, "elo": r.elo, "fargo": r.fargo, "racks": r.racks} for p, r in now.items()],
    )


def _change(row: sqlite3.Row) -> Change:
    return Change(
        row["match_id"],
        row["ended_at"],
        Rating(row["elo_before"], row["fargo_before"], row["racks_before"]),
        Rating(row["elo_after"], row["fargo_after"], row["racks_after"]),
    )
