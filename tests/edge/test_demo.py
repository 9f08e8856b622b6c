"""The demo's hall: who plays when is drawn, and all that follows is what the program itself makes of it."""

import gzip
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.demo.calendar import DemoHall, DemoPlan, Visit, strokes, visits
from edge.demo.hall import LABEL, make_hall
from edge.demo.people import LADDERS, PEOPLE, PIN, STAFF, WALKS_THROUGH, on_ladder, some
from edge.demo.record import OFF_IN, packed, record, simpler
from edge.demo.stencils import cut
from edge.demo.strokes import FILE, load_pool
from edge.facts import content_hash
from edge.hall import pins, scoring
from edge.hall.keys import load_keys
from edge.hall.sessions import get_session
from edge.hall.training import periods
from edge.hall.training_board import board
from edge.hall.training_scores import settle
from edge.runtime.paths import Paths
from edge.store.database import Store, connect, immediate

ZONE = ZoneInfo("America/Chicago")  # whose clocks are set back in November
NOW = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
TINY = DemoPlan(months=2, people=some(7), others=2)
WHOLE = DemoHall(DemoPlan(), NOW, ZONE)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return made(tmp_path_factory.mktemp("hall"))


@pytest.fixture
def conn(paths: Paths) -> Iterator[sqlite3.Connection]:
    """Inside a transaction of which nothing stays."""
    with closing(connect(paths.store)) as found:
        found.execute("BEGIN IMMEDIATE")
        yield found
        found.execute("ROLLBACK")


def made(folder: Path, plan: DemoPlan = TINY) -> Paths:
    found = Paths(folder, folder / "run")
    make_hall(found, DemoHall(plan, NOW, ZONE))
    return found


def test_nobody_plays_before_they_came_nor_after_now_nor_while_another_does() -> None:
    found = visits(WHOLE)
    assert len(found) > 300
    assert all(visit.person.was_here(visit.ago) for visit in found)
    assert all(one.end <= other.begin for one, other in pairwise(found))
    assert found[-1].end <= NOW < found[-1].end + timedelta(days=2)


def test_the_same_seed_gives_the_same_visits_and_strokes_and_another_others() -> None:
    def drawn(hall: DemoHall) -> list[tuple[Visit, list[int]]]:
        return [(one, [stroke.stroke.number for stroke in strokes(one, load_pool())]) for one in visits(hall)[:40]]

    assert drawn(WHOLE) == drawn(WHOLE)
    assert drawn(WHOLE) != drawn(replace(WHOLE, plan=DemoPlan(seed=2)))


def test_a_visit_is_over_before_the_next_begins_whoever_plays() -> None:
    for visit in visits(WHOLE):
        assert [one.at for one in strokes(visit, load_pool())][-1] < visit.end


def test_each_month_somebody_else_trains_most() -> None:
    first = [person for ago in range(6) for person in PEOPLE if ago in person.first_in]
    assert len(first) == len(set(first)) == 6
    assert first[0].name == WALKS_THROUGH
    assert first[0].subscribed_since is first[1].subscribed_since is None
    assert all(person.subscribed_since is not None for person in first[2:])


def test_two_ladders_have_players_enough_for_a_free_month_and_somebody_is_on_both() -> None:
    counting = [name for name in LADDERS if len(on_ladder(PEOPLE, name)) >= 5]
    assert len(counting) == 2
    assert any(set(counting) <= set(person.ladders) and person.first_in for person in PEOPLE)


def test_a_miss_is_like_its_make_but_for_the_ball_that_stops_short() -> None:
    pool = load_pool()
    assert {int(4 * (stroke.difficulty or 0)) for stroke in pool.makes} >= {0, 1, 2, 3}
    for make, miss in zip(pool.makes, pool.misses, strict=True):
        (ball,) = (pot.ball for pot in make.shot.potted if pot.group != "cue")
        assert (miss.shot.result, miss.shot.potted, miss.difficulty) == ("miss", (), make.difficulty)
        assert miss.shot.paths_in[ball] == make.shot.paths_in[ball][: len(miss.shot.paths_in[ball])]
        assert ball in miss.shot.layout_end


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 50)), min_size=1, max_size=60))
def test_a_simpler_way_leads_nowhere_far_from_the_way_itself(points: list[tuple[float, float]]) -> None:
    way = tuple((number / 10, x, y) for number, (x, y) in enumerate(points))
    found = simpler(way)
    assert found[0] == way[0]
    assert found[-1] == way[-1]
    assert set(found) <= set(way)
    for t, x, y in way:
        after = next(place for place, point in enumerate(found) if point[0] >= t)
        one, other = found[max(0, after - 1)], found[after]
        share = (t - one[0]) / (other[0] - one[0]) if other[0] > one[0] else 0.0
        off = (abs(x - one[1] - share * (other[1] - one[1])), abs(y - one[2] - share * (other[2] - one[2])))
        assert max(off) <= OFF_IN + 1e-6


def test_a_stencil_that_is_filled_as_it_was_cut_is_the_row_itself() -> None:
    body = '{"id":"shot-7","of":"cam"}'
    row = {
        "id": "shot-7", "source": "cam", "at": "2026-11-20T18:00:05.000Z", "stored_at": "2026-11-20T18:00:06.000Z",
        "body": body, "hash": content_hash(body), "made": 3,
    }  # fmt: skip
    stencil = cut(row, {"shot-7": "shot", "cam": "source"}, NOW, 6.0)
    assert stencil.filled({"shot": "shot-7", "source": "cam"}, NOW) == list(row.values())
    other = dict(zip(row, stencil.filled({"shot": "s2", "source": "eye"}, NOW + timedelta(hours=1)), strict=True))
    assert other["body"] == '{"id":"s2","of":"eye"}'
    assert other["hash"] == content_hash(other["body"])
    assert other["at"] == "2026-11-20T19:00:05.000Z"


def test_what_was_played_is_entered_as_the_program_enters_it(conn: sqlite3.Connection) -> None:
    before = entered(conn)
    for (session_id,) in conn.execute("SELECT id FROM sessions").fetchall():
        session = get_session(conn, session_id)
        assert session is not None
        scoring.recount(conn, session, NOW)
    assert entered(conn) == before
    assert conn.execute("SELECT count(*) FROM to_book").fetchone()[0] == 0
    assert conn.execute("SELECT count(*) FROM sessions WHERE ended_at IS NULL").fetchone()[0] == 0


def entered(conn: sqlite3.Connection) -> list[object]:
    told = (
        "SELECT * FROM plays",
        "SELECT * FROM sessions",
        "SELECT * FROM metrics_daily",
        "SELECT * FROM points_monthly",
    )
    return [tuple(row) for sql in told for row in conn.execute(f"{sql} ORDER BY 1, 2")]


def test_everybody_has_the_pin_and_staff_their_roles(paths: Paths) -> None:
    with Store(paths.store) as store:
        pepper = load_keys(paths.secrets).pins
        with store.read() as conn:
            roles = {row["name"]: row["roles"] for row in conn.execute("SELECT name, roles FROM players")}
        said = {name: pins.verify_name(store, pepper, name, PIN, pins.this_moment()).outcome for name in roles}
    assert said == dict.fromkeys((person.name for person in TINY.people), "right")
    assert [name for name, given in roles.items() if "admin" in given] == [STAFF]


def test_training_is_scored_by_the_months_and_the_same_in_each_hall_of_a_seed(
    conn: sqlite3.Connection, tmp_path: Path
) -> None:
    own = scored(conn)
    assert own
    assert own[0][0] == WALKS_THROUGH
    with closing(connect(made(tmp_path).store)) as other, immediate(other):
        assert scored(other) == own


def scored(conn: sqlite3.Connection) -> list[tuple[object, ...]]:
    settle(conn, NOW, ZONE)
    (this,) = [one.period for one in periods(conn)]
    return [(row.name, row.rank, row.total, row.hours, row.coach_avg) for row in board(conn, this)]


def test_a_hall_on_the_first_of_a_month_is_one_too(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path / "run")
    make_hall(paths, DemoHall(replace(TINY, months=1), datetime(2026, 11, 1, 6, 0, tzinfo=UTC), ZONE))
    with closing(connect(paths.store)) as conn:
        (days,) = conn.execute("SELECT count(*) FROM sessions WHERE day >= '2026-11-01'").fetchone()
        assert days == 0
        assert conn.execute("SELECT count(*) FROM sessions WHERE table_label = ?", [LABEL]).fetchone()[0] > 5


@pytest.mark.slow
def test_the_strokes_that_ship_are_those_of_the_book() -> None:
    assert json.loads(gzip.decompress(packed(record()))) == json.loads(gzip.decompress(FILE.read_bytes()))
