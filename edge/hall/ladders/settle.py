"""Makes ladders anew: which matches count for them, which challenges those met, and who stands where.

What stands never depends on the order in which things became known. A match counts for a ladder because somebody
said so last (`ladder_matches`), or because it met a challenge; it is final while a ruling of staff's stands.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from edge.clock import now_stamp
from edge.hall.ladders.fold import Counted, Fact, Folded, Given, Left, Placed, Won, fold, without_unconfirmed
from edge.hall.ladders.model import LAST_SAID, PENDING
from edge.hall.players import get_player
from edge.hall.streaks import streak


@dataclass(frozen=True, slots=True)
class Challenged:
    """A challenge between two players as `meet` needs it; what ended it, if anything, was no match."""

    id: str
    ladder_id: str
    game: str | None
    race_to: int
    made_at: str
    ended_at: str | None = None


@dataclass(frozen=True, slots=True)
class Met:
    """A match of theirs that is over. `said` whether anybody said for which ladder it counts, `ladder_id` which,
    None being none."""

    id: str
    game: str
    race_to: int
    started_at: str
    ended_at: str
    said: bool = False
    ladder_id: str | None = None


def settle_match(conn: sqlite3.Connection, match_id: str) -> frozenset[str]:
    """Makes anew what follows for ladders from a match that is new, was corrected, withdrawn or ruled upon.

    Returns the players for whom a match counts that did not, or the reverse. `conn` must be inside a
    transaction for writing.
    """
    touched = {
        row["ladder_id"]
        for row in conn.execute(
            "SELECT ladder_id FROM ladder_matches WHERE match_id = :m AND ladder_id IS NOT NULL"
            " UNION SELECT ladder_id FROM ladder_results WHERE match_id = :m",
            {"m": match_id},
        )
    }
    pairs = conn.execute(
        "SELECT challenger, challenged FROM ladder_challenges WHERE met_by = :m"
        " UNION ALL SELECT player_a, player_b FROM matches WHERE id = :m",
        {"m": match_id},
    ).fetchall()
    for one, other in pairs:
        touched |= settle_pair(conn, one, other)
    return frozenset().union(*(settle_ladder(conn, ladder_id) for ladder_id in sorted(touched)))


def settle_pair(conn: sqlite3.Connection, one: str, other: str) -> set[str]:
    """Which matches between two players met which of their challenges; returns the ladders where that is new."""
    sides = {"x": one, "y": other}
    rows = conn.execute(
        "SELECT * FROM ladder_challenges WHERE challenger = :x AND challenged = :y"
        " UNION ALL SELECT * FROM ladder_challenges WHERE challenger = :y AND challenged = :x",
        sides,
    ).fetchall()
    if not rows or one == other:
        return set()
    challenges = [
        Challenged(r["id"], r["ladder_id"], r["game"], r["race_to"], r["made_at"], r["ended_at"]) for r in rows
    ]
    met = meet(challenges, _matches_between(conn, one, other, min(c.made_at for c in challenges)))
    changed = [row for row in rows if row["met_by"] != met.get(row["id"])]
    conn.executemany(
        "UPDATE ladder_challenges SET met_by = ? WHERE id = ?",
        [[met.get(row["id"]), row["id"]] for row in changed],
    )
    return {row["ladder_id"] for row in changed}


def meet(challenges: Iterable[Challenged], matches: Iterable[Met]) -> dict[str, str]:
    """The match that met each challenge between the same two: the first that began after it was made, ended before
    it was closed, and was played on its terms, or for its ladder because somebody said so."""
    open_ones = sorted(challenges, key=lambda challenge: (challenge.made_at, challenge.id))
    met: dict[str, str] = {}
    for match in sorted(matches, key=lambda match: (match.ended_at, match.id)):
        for challenge in open_ones:
            if _meets(match, challenge):
                met[challenge.id] = match.id
                open_ones.remove(challenge)
                break
    return met


def settle_ladder(conn: sqlite3.Connection, ladder_id: str) -> frozenset[str]:
    """Makes a ladder's standings anew; returns the players for whom a match counts that did not, or the reverse.

    `conn` must be inside a transaction for writing.
    """
    facts = _facts(conn, ladder_id)
    folded = fold(facts)
    _keep_standings(conn, ladder_id, folded, fold(without_unconfirmed(facts)))
    return _keep_results(conn, ladder_id, folded.counted)


def ladder_outcomes(conn: sqlite3.Connection, player_id: str) -> tuple[bool, ...]:
    """Whether each of a player's ladder matches that staff confirmed was won, over all ladders, in order."""
    side = "SELECT winner = :p AS won, ended_at, match_id FROM ladder_results WHERE {} = :p AND final"
    rows = conn.execute(
        f"{side.format('winner')} UNION ALL {side.format('other')} ORDER BY ended_at, match_id", {"p": player_id}
    )
    return tuple(bool(row["won"]) for row in rows)


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Takes a player who was erased off every ladder: the places of others move up, and their records stay."""
    player = get_player(conn, player_id)
    if player is None or player.erased is None:
        return
    rows = conn.execute("SELECT ladder_id FROM ladder_standings WHERE player_id = ?", [player_id]).fetchall()
    for row in rows:
        take_off_ladder(conn, row["ladder_id"], player_id, None, player.erased)


def take_off_ladder(conn: sqlite3.Connection, ladder_id: str, player_id: str, by: str | None, now: str) -> int:
    """A player leaves; the others move up, challenges with the player are called off. Returns the event's id."""
    event = conn.execute(
        "INSERT INTO ladder_events (ladder_id, kind, player_id, at, by) VALUES (?, 'left', ?, ?, ?)",
        [ladder_id, player_id, now, by],
    ).lastrowid
    assert event is not None  # it was just written
    settle_members(conn, ladder_id, by, now)
    return event


def settle_members(conn: sqlite3.Connection, ladder_id: str, by: str | None, now: str) -> frozenset[str]:
    """`settle_ladder` after somebody came, went or moved. Challenges between two who are no more together in the
    division are called off; a division that was removed is there again if somebody is back in it."""
    changed = settle_ladder(conn, ladder_id)
    call_off_all(conn, ladder_id, by, now, apart_only=True)
    conn.execute(
        "UPDATE ladder_divisions SET removed_at = NULL WHERE ladder_id = :l AND removed_at IS NOT NULL"
        " AND id IN (SELECT division_id FROM ladder_standings WHERE ladder_id = :l)",
        {"l": ladder_id},
    )
    return changed


def call_off_all(
    conn: sqlite3.Connection, ladder_id: str, by: str | None, now: str, *, apart_only: bool = False
) -> None:
    """Ends the challenges that wait on a ladder, or those of two who are not together in its division."""
    there = (
        "EXISTS (SELECT 1 FROM ladder_standings s WHERE s.ladder_id = c.ladder_id AND s.player_id = c.{}"
        " AND s.division_id = c.division_id)"
    )
    together = f"({there.format('challenger')} AND {there.format('challenged')})"
    conn.execute(
        "UPDATE ladder_challenges AS c SET ended_at = ?, ended_as = 'called_off', ended_by = ?"
        f" WHERE c.ladder_id = ? AND {PENDING}" + (f" AND NOT {together}" if apart_only else ""),
        [now, by, ladder_id],
    )


def take_over(conn: sqlite3.Connection, from_id: str, to_id: str) -> None:
    """What a player has on ladders becomes another's: places, challenges, wins given.

    Where the other is a member already, the first one's place is withdrawn. Nothing refers to the first
    afterwards, whose matches must be the other's by now, save those between the two.
    """
    who = {"o": from_id, "p": to_id, "now": now_stamp()}
    conn.execute(
        "UPDATE ladder_events SET withdrawn_at = :now WHERE player_id = :o AND kind != 'given'"
        " AND withdrawn_at IS NULL"
        " AND ladder_id IN (SELECT ladder_id FROM ladder_standings WHERE player_id = :p)",
        who,
    )
    for table, column in (
        ("ladder_events", "player_id"),
        ("ladder_events", "other"),
        ("ladder_challenges", "challenger"),
        ("ladder_challenges", "challenged"),
    ):
        conn.execute(f"UPDATE {table} SET {column} = :p WHERE {column} = :o", who)
    # A challenge between the two was one to oneself.
    conn.execute(
        "UPDATE ladder_challenges SET met_by = NULL, ended_at = coalesce(ended_at, :now),"
        " ended_as = coalesce(ended_as, 'called_off') WHERE challenger = :p AND challenged = :p",
        who,
    )
    _settle_all_of(conn, who)


def _settle_all_of(conn: sqlite3.Connection, who: dict[str, str]) -> None:
    pairs = conn.execute(
        "SELECT challenger, challenged FROM ladder_challenges WHERE challenger = :p"
        " UNION SELECT challenger, challenged FROM ladder_challenges WHERE challenged = :p",
        who,
    ).fetchall()
    for one, other in pairs:
        settle_pair(conn, one, other)
    rows = conn.execute(
        "SELECT ladder_id FROM ladder_events WHERE player_id = :p"
        " UNION SELECT ladder_id FROM ladder_events WHERE other = :p"
        " UNION SELECT ladder_id FROM ladder_challenges WHERE challenger = :p"
        " UNION SELECT ladder_id FROM ladder_challenges WHERE challenged = :p"
        " UNION SELECT ladder_id FROM ladder_results WHERE winner = :o"
        " UNION SELECT ladder_id FROM ladder_results WHERE other = :o"
        " UNION SELECT ladder_id FROM ladder_standings WHERE player_id = :o",
        who,
    ).fetchall()
    for row in rows:
        settle_members(conn, row["ladder_id"], None, who["now"])


def _meets(match: Met, challenge: Challenged) -> bool:
    # One that had begun could be turned into a challenge by whoever is ahead.
    if match.started_at < challenge.made_at or (challenge.ended_at and match.ended_at >= challenge.ended_at):
        return False
    if match.said:
        return match.ladder_id == challenge.ladder_id
    return plays_for(match.game, match.race_to, challenge.game, challenge.race_to)


def plays_for(game: str, race_to: int, wanted_game: str | None, wanted_race: int) -> bool:
    """Whether a match is of the game that is wanted, and long enough."""
    return wanted_game in (None, game) and race_to >= wanted_race


def _matches_between(conn: sqlite3.Connection, one: str, other: str, since: str) -> list[Met]:
    side = (
        "SELECT r.match_id, r.game, r.race_to, m.started_at, r.ended_at,"
        " l.seq IS NOT NULL AS said, l.ladder_id FROM results r JOIN matches m ON m.id = r.match_id"
        f" LEFT JOIN ladder_matches l ON l.seq = {LAST_SAID.format('r.match_id')}"
        " WHERE r.player_a = {} AND r.player_b = {} AND r.ended_at >= :since"
    )
    rows = conn.execute(
        f"{side.format(':x', ':y')} UNION ALL {side.format(':y', ':x')}", {"x": one, "y": other, "since": since}
    )
    return [
        Met(
            r["match_id"], r["game"], r["race_to"], r["started_at"], r["ended_at"], bool(r["said"]), r["ladder_id"]
        )
        for r in rows
    ]


def _facts(conn: sqlite3.Connection, ladder_id: str) -> list[Fact]:
    return [*_events(conn, ladder_id), *_matches(conn, ladder_id)]


def _events(conn: sqlite3.Connection, ladder_id: str) -> list[Fact]:
    rows = conn.execute("SELECT * FROM ladder_events WHERE ladder_id = ? AND withdrawn_at IS NULL", [ladder_id])
    facts: list[Fact] = []
    for row in rows:
        if row["kind"] == "placed":
            facts.append(Placed(row["at"], row["id"], row["player_id"], row["division_id"], row["place"]))
        elif row["kind"] == "left":
            facts.append(Left(row["at"], row["id"], row["player_id"]))
        else:
            facts.append(Given(row["at"], row["id"], row["player_id"], row["other"]))
    return facts


def _matches(conn: sqlite3.Connection, ladder_id: str) -> list[Fact]:
    rows = conn.execute(
        "WITH put AS ("
        " SELECT l.match_id FROM ladder_matches l WHERE l.ladder_id = :l"
        f" AND l.seq = {LAST_SAID.format('l.match_id')}"
        " UNION SELECT met_by FROM ladder_challenges WHERE ladder_id = :l AND met_by IS NOT NULL)"
        " SELECT r.match_id, r.ended_at, r.winner, iif(r.winner = r.player_a, r.player_b, r.player_a) AS other,"
        " EXISTS (SELECT 1 FROM rulings g WHERE g.match_id = r.match_id AND g.withdrawn_at IS NULL) AS final"
        " FROM put CROSS JOIN results r ON r.match_id = put.match_id"
        " WHERE r.ended_at <= coalesce((SELECT closed_at FROM ladders WHERE id = :l), '9')",
        {"l": ladder_id},
    )
    return [Won(r["ended_at"], r["match_id"], r["winner"], r["other"], bool(r["final"])) for r in rows]


def _keep_standings(conn: sqlite3.Connection, ladder_id: str, folded: Folded, for_good: Folded) -> None:
    sure = for_good.places()
    rows: list[list[object]] = []
    for player, (division, place) in folded.places().items():
        won = folded.outcomes[player]
        run = streak(won)
        provisional = sure.get(player) != (division, place)
        rows.append(
            [ladder_id, player, division, place, len(won), sum(won), run.now, run.best]
            + [folded.moved_at[player], int(provisional), folded.moved[player]]
        )
    conn.execute("DELETE FROM ladder_standings WHERE ladder_id = ?", [ladder_id])
    conn.executemany(f"INSERT INTO ladder_standings VALUES ({', '.join('?' * 11)})", rows)


def _keep_results(conn: sqlite3.Connection, ladder_id: str, counted: Iterable[Counted]) -> frozenset[str]:
    """Writes what is new and takes back what is not any more; the rest of a long history stays as it lies."""
    rows = conn.execute("SELECT * FROM ladder_results WHERE ladder_id = ?", [ladder_id])
    before = {row["match_id"]: tuple(row) for row in rows}
    after = {c.match.match_id: _result(ladder_id, c) for c in counted}
    gone = [match_id for match_id in before if match_id not in after]
    new = [row for match_id, row in after.items() if before.get(match_id) != row]
    conn.executemany("DELETE FROM ladder_results WHERE match_id = ?", [[match_id] for match_id in gone])
    conn.executemany(f"INSERT OR REPLACE INTO ladder_results VALUES ({', '.join('?' * 9)})", new)
    came = [row for row in new if row[0] not in before]
    return frozenset(str(side) for row in [*came, *(before[m] for m in gone)] for side in row[3:5])


def _result(ladder_id: str, counted: Counted) -> tuple[object, ...]:
    match = counted.match
    places = (counted.place_before, counted.place_after)
    return (
        match.match_id,
        ladder_id,
        counted.division,
        match.winner,
        match.other,
        match.at,
        *places,
        int(match.final),
    )
