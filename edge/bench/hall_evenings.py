"""What staff have done in a hall of years: evenings with results, ladders, awards, draws, tables and people.

Facts are written as the program's own functions would have written them, many at once where there are thousands;
what follows from them is settled with all the rest (`edge.bench.big_hall`). The player who plays most is one of
the hall's people, so that one visitor sees every page.
"""

import random
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from edge.clock import month_before, stamp
from edge.demo.hall import make_awards
from edge.demo.results import enter_all, put_on_ladder, tick_all
from edge.facts import uuid7
from edge.hall import calls, championships, floor, rewards, table_setup
from edge.hall.game_sessions import begin_evening, close_evening
from edge.hall.ladders.challenges import challenge
from edge.hall.ladders.members import add_members
from edge.hall.ladders.model import Terms
from edge.hall.ladders.pages import my_ladders, whom_to_challenge
from edge.hall.ladders.settle import settle_ladder
from edge.hall.ladders.setup import create_ladder
from edge.hall.occasion import Occasion, occasion
from edge.hall.pairings import draw_round
from edge.hall.ratings import elo_expected
from edge.hall.training_scores import settle

EVENINGS_A_WEEK = 2
HERE = 32  # of an evening
ROUNDS = 3
LADDERS, DIVISIONS, OF_A_DIVISION = 6, 2, 20
CONFIRMED = 0.97  # of ladder matches
TABLES = 12


@dataclass(frozen=True, slots=True)
class Crowd:
    """Everybody by id, how well they play, and who of them is of the hall's people."""

    ids: Sequence[str]
    skill: dict[str, float]
    staff: str


def make_evenings(conn: sqlite3.Connection, crowd: Crowd, days: int, now: datetime, zone: tzinfo) -> int:
    """Evenings twice a week up to a few days ago; returns how many matches were entered."""
    rng, entered = random.Random(2), 0
    regular = crowd.ids[: max(4, min(len(crowd.ids), 4 * HERE))]
    for back in range(days - 1, 2, -(7 // EVENINGS_A_WEEK)):
        begins = now - timedelta(days=back, hours=3)
        evening = begin_evening(conn, occasion(zone, "", begins), crowd.staff)
        here = rng.sample(regular, min(HERE, len(regular)))
        tick_all(conn, evening, here, begins)
        for number in range(ROUNDS):
            rng.shuffle(here)
            results = [
                (a, b, rng.random() < elo_expected(crowd.skill[a], crowd.skill[b]))
                for a, b in zip(here[::2], here[1::2], strict=False)
            ]
            enter_all(conn, evening, results, begins + timedelta(minutes=20 * number + 15), crowd.staff)
            entered += len(results)
        draw_round(conn, evening, "random", crowd.staff, begins, number=1)  # which nobody plays
        close_evening(conn, evening, crowd.staff, begins + timedelta(hours=3))
    return entered


def make_ladders(conn: sqlite3.Connection, crowd: Crowd, days: int, now: datetime, zone: tzinfo) -> None:
    """Ladders whose members play each other in their evenings' matches, nearly all of them confirmed."""
    began = stamp(now - timedelta(days=days))
    rng = random.Random(3)
    for number in range(LADDERS):
        name = f"Ladder {chr(ord('A') + number)}"
        names = [f"Division {place + 1}" for place in range(DIVISIONS)]
        ladder = create_ladder(conn, Terms(name, "8-ball", 1), names, crowd.staff, began)
        members = rng.sample(crowd.ids[1:], min(DIVISIONS * OF_A_DIVISION, len(crowd.ids)) - 1)
        members.append(crowd.ids[0])  # who looks at the pages is a member, with others above
        for place, division in enumerate(ladder.divisions):
            add_members(conn, division.id, members[place::DIVISIONS], crowd.staff, began)
        _play_for(conn, ladder.id, members, crowd, rng)
        settle_ladder(conn, ladder.id)
    own = my_ladders(conn, crowd.ids[0])
    climbing = [(mine.ladder.id, above) for mine in own for above in whom_to_challenge(conn, mine)]
    for ladder_id, above in climbing[:1]:
        challenge(conn, ladder_id, crowd.ids[0], above.player_id, occasion(zone, "", now))


def make_months(conn: sqlite3.Connection, crowd: Crowd, now: datetime, zone: tzinfo, months: int) -> None:
    """Awards and draws of the months that are over, and the tables of the hall. Points must be settled."""
    here = occasion(zone, "", now)
    back = [here.month]
    for _ in range(months - 1):
        back.append(month_before(back[-1]))
    make_awards(conn, back[1:], crowd.staff, here)
    quarter = championships.quarter_of(month_before(here.month))
    championships.create(conn, quarter, "8-ball", 3, 16, by=crowd.staff, here=here)
    _make_training(conn, now, zone)
    _make_tables(conn, crowd, here)


def _make_training(conn: sqlite3.Connection, now: datetime, zone: tzinfo) -> None:
    """Training scores of this month and the last, a winner the cloud has named, and a subscription it offers."""
    last = month_before(occasion(zone, "", now).month)
    settle(conn, datetime.fromisoformat(f"{last}-15T12:00:00+00:00"), zone)
    settle(conn, now, zone)
    best = conn.execute(
        "SELECT * FROM ladder_training_scores WHERE period = ? ORDER BY rank LIMIT 1", [last]
    ).fetchone()
    won = [] if best is None else [
        {
            "id": "reward", "period": last, "player": best["player_id"], "ladder_name": None, "kind": "half",
            "state": "applied", "total": best["total_score"], "hours": best["hours_total"],
            "coach_avg": best["coach_avg"], "decided_at": stamp(now), "applied_at": stamp(now),
            "consumed_at": None, "saved_cents": None, "currency": None,
        }
    ]  # fmt: skip
    plan = {"name": "Gold", "cents": 2900, "currency": "usd", "months": 1}
    said = {"rewards": won, "subscriptions": [], "plan": plan, "rules": {}, "periods": []}
    rewards.hear(conn, said | {"sandbox": False, "test": True})


def _make_tables(conn: sqlite3.Connection, crowd: Crowd, here: Occasion) -> None:
    """The hall's tables, at one of which a clock runs and from one of which somebody calls."""
    for number in range(2, TABLES + 1):
        table = table_setup.add_table(conn, table_setup.Wish(f"Table {number}", "9ft"), crowd.staff, here.now)
        if number == 3:
            hand = floor.Hand(crowd.staff, here.now, here.day)
            floor.start(conn, table, floor.Start(once=uuid7(), clock=True), hand)
    calls.call(conn, "Table 2", here.now)


def _play_for(
    conn: sqlite3.Connection, ladder_id: str, members: Sequence[str], crowd: Crowd, rng: random.Random
) -> None:
    """Puts the evenings' matches between members on the ladder; of a few the confirmation is taken back."""
    marks = ", ".join("?" * len(members))
    rows = conn.execute(
        f"SELECT id, ended_at FROM matches WHERE player_a IN ({marks}) AND player_b IN ({marks})"
        " AND game_session_id IS NOT NULL AND status = 'over'"
        " AND id NOT IN (SELECT match_id FROM ladder_matches)",
        [*members, *members],
    ).fetchall()
    put_on_ladder(conn, ladder_id, [(row["id"], row["ended_at"]) for row in rows], crowd.staff)
    open_again = [[crowd.staff, row["ended_at"], row["id"]] for row in rows if rng.random() > CONFIRMED]
    conn.executemany("UPDATE rulings SET withdrawn_by = ?, withdrawn_at = ? WHERE match_id = ?", open_again)
