"""The benchmark of pages: its hall is what the program itself would have written, and no page is left out.

No times are compared: what is promised here must hold on any machine.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from hall_facts import undone

from edge.bench import big_hall, pages
from edge.bench.big_hall import BigHall, HallPlan, evening_zone, make_box, make_hall
from edge.bench.page_list import PAGES, Page
from edge.bench.pages import measure_pages
from edge.bench.visitor import VisitError
from edge.cli import ladder
from edge.clock import from_stamp
from edge.hall import badges, groups, points, ratings, standing, streaks
from edge.hall.scoring import book_shot, recount
from edge.hall.sessions import get_session
from edge.runtime.paths import Paths
from edge.stats import daily
from edge.store.shots import get_shot, store_shot
from kiosk.app import create_app

PLAN = HallPlan(shots=2_000, players=30, months=3)
# No pages: a picture, a stream, a download of everything, and what is shown of a code that is good for minutes.
NO_PAGES = {
    "/live.jpg",
    "/stream",
    "/me/shots.csv",
    "/p/<code>",
    "/p/<code>/state",
    "/code/<code>/number",
    "/code/<code>/pin",
    "/api/leaderboard/monthly/<month>",
    "/championship",  # leads to the latest
    "/boards/training/shot/<path:key>",  # of a post, where the winner's hardest shot is known
    "/me/subscription/state",  # an empty answer while nothing changes
    "/counter/clocks.csv",
    "/counter/draw/<draw_id>/awake",  # an empty answer
    "/counter/hall/audit.csv",
    "/counter/hall/board.csv",
    "/counter/hall/evenings.csv",
    "/counter/hall/matches.csv",
    "/counter/hall/members.csv",
    "/counter/hall/training.csv",
}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> tuple[Paths, BigHall]:
    """A small hall, of which some shots are thin and some whole."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(big_hall, "WHOLE_SHOTS", 200)
        return make_box(tmp_path_factory.mktemp("box"), PLAN)


@pytest.fixture
def conn(box: tuple[Paths, BigHall]) -> Iterator[sqlite3.Connection]:
    """A transaction of which nothing stays."""
    with undone(box[0].store) as conn:
        yield conn


@pytest.fixture
def visited(box: tuple[Paths, BigHall], tmp_path: Path) -> tuple[Paths, BigHall]:
    """The small hall once more, for a kiosk that changes it."""
    shutil.copytree(box[0].data, tmp_path / "data")
    (tmp_path / "run").mkdir()
    return Paths(tmp_path / "data", tmp_path / "run"), box[1]


def everything(conn: sqlite3.Connection) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    names = [row[0] for row in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {
        name: sorted((tuple(row) for row in conn.execute(f"SELECT * FROM {name}")), key=repr)
        for name in names
        if not name.startswith("sqlite_")
    }


def all_of(conn: sqlite3.Connection, sql: str) -> list[str]:
    return [row[0] for row in conn.execute(sql).fetchall()]


@pytest.mark.slow
def test_there_is_as_much_as_was_asked_for(box: tuple[Paths, BigHall], conn: sqlite3.Connection) -> None:
    _, hall = box
    assert PLAN.shots <= hall.shots < PLAN.shots + 50
    assert hall.players == PLAN.players
    assert hall.big_shots == pytest.approx(0.5 * hall.shots, abs=50)
    own = conn.execute("SELECT count(*) FROM plays WHERE player_id = ?", [hall.big_id]).fetchone()[0]
    assert own == hall.big_shots
    assert conn.execute("SELECT count(*) FROM plays").fetchone()[0] == hall.shots
    assert conn.execute("SELECT count(*) FROM amendments").fetchone()[0] > 10
    for table in ("to_book", "not_booked", "outbox"):
        assert conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0, table


@pytest.mark.slow
def test_play_goes_on_day_by_day_until_now_and_nobody_plays_beside_somebody(conn: sqlite3.Connection) -> None:
    days = all_of(conn, "SELECT DISTINCT day FROM sessions")
    assert PLAN.days / 2 < len(days) <= PLAN.days + 1  # so few shots a day that some see no sitting begin
    spans = conn.execute("SELECT DISTINCT started_at, ended_at FROM sessions ORDER BY started_at").fetchall()
    for before, after in pairwise(spans):
        assert before["ended_at"] < after["started_at"]
    since = datetime.now(UTC) - from_stamp(spans[-1]["ended_at"])
    assert timedelta() < since < timedelta(days=4)


@pytest.mark.slow
def test_the_store_is_sound(conn: sqlite3.Connection) -> None:
    assert conn.execute("PRAGMA foreign_key_check").fetchall() == []
    assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


@pytest.mark.slow
def test_what_follows_from_play_is_what_the_program_makes_of_it(conn: sqlite3.Connection) -> None:
    before = everything(conn)
    assert len(before["points_monthly"]) > 30
    assert len(before["rating_changes"]) > 20
    now = datetime.now(UTC)
    for session_id in all_of(conn, "SELECT id FROM sessions"):
        session = get_session(conn, session_id)
        assert session is not None
        recount(conn, session, now)
    for player_id, day in conn.execute("SELECT DISTINCT player_id, day FROM sessions").fetchall():
        daily.refresh_day(conn, player_id, day)
    ratings.settle(conn)
    for player_id in all_of(conn, "SELECT DISTINCT player_id FROM sessions"):
        points.settle(conn, player_id, "later")
        streaks.settle(conn, player_id)
        groups.settle(conn, player_id, "later")
        evidence = standing.evidence_of(conn, player_id)
        badges.revoke_unfounded(conn, player_id, evidence)
        badges.settle(conn, player_id, evidence, "later")
    assert everything(conn) == before


@pytest.mark.slow
def test_shots_are_stored_and_booked_as_the_program_does(conn: sqlite3.Connection) -> None:
    before = everything(conn)
    some = [*all_of(conn, "SELECT id FROM shots ORDER BY played_at")[:: PLAN.shots // 60]]
    some += all_of(conn, "SELECT shot_id FROM amendments")[:5]
    for shot_id in some:
        stored = get_shot(conn, shot_id)
        assert stored is not None
        said = store_shot(conn, stored.shot, stored.source_id, stored.played_at, stored.ball_set)
        assert (said, stored.shot.id, stored.shot.revision) == ("known", stored.id, stored.revision)
        book_shot(conn, shot_id, datetime.now(UTC))
    assert everything(conn) == before


@pytest.mark.slow
def test_only_the_latest_shots_are_whole(conn: sqlite3.Connection) -> None:
    ways = [
        max(len(way) for way in json.loads(body)["paths_in"].values())
        for body in all_of(conn, "SELECT body FROM shots ORDER BY played_at")
    ]
    assert max(ways[:1000]) <= 4
    assert min(ways[-100:]) > 20


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        (HallPlan(100, 2, 1), "three players at least"),
        (HallPlan(100_000, 30, 1), "3,000 shots a day at most"),
        (HallPlan(10**9, 30, 10**5), "has no room"),
    ],
)
def test_a_hall_that_can_t_be_is_refused_before_anything_is_made(tmp_path: Path, plan: HallPlan, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        make_hall(tmp_path / "ladder.db", bytes(32), plan, now=datetime.now(UTC), zone=ZoneInfo("UTC"))
    assert not (tmp_path / "ladder.db").exists()


def test_it_is_evening_whenever_something_is_measured() -> None:
    for hour in range(24):
        now = datetime(2026, 3, 29, hour, 30, tzinfo=UTC)
        assert now.astimezone(evening_zone(now)).hour == 21


def test_every_page_of_the_kiosk_is_asked_for(tmp_path: Path) -> None:
    """A new page must be put into the list, or said to be none."""
    adapter = create_app(Paths(tmp_path, tmp_path)).url_map.bind("")
    asked = {adapter.match(page.path.partition("?")[0].replace("{", "").replace("}", ""))[0] for page in PAGES}
    rules = {
        rule.rule: rule.endpoint
        for rule in create_app(Paths(tmp_path, tmp_path)).url_map.iter_rules()
        if rule.methods is not None and "GET" in rule.methods and rule.endpoint != "static"
    }
    assert {rule for rule, endpoint in rules.items() if endpoint not in asked} <= NO_PAGES
    assert set(rules) >= NO_PAGES, "what is said to be no page is not there any more"


@pytest.mark.slow
def test_pages_are_measured_and_told(tmp_path: Path) -> None:
    """From the command line, with a hall of its own."""
    out = tmp_path / "pages.json"
    sizes = ["--shots", "400", "--players", "8", "--months", "2", "--rounds", "2"]
    ran = CliRunner().invoke(ladder, ["bench", "--pages", *sizes, "--json", str(out)])
    assert ran.exit_code == 0, ran.output
    told = json.loads(out.read_text(encoding="utf-8"))
    assert told["schema"] == 1
    assert told["absent"] == []
    assert [(page["path"], page["seat"]) for page in told["pages"]] == [(page.path, page.seat) for page in PAGES]
    for page in [*told["pages"], told["empty"]]:
        assert page["path"] in ran.output
        for times in (page["alone"], page["busy"]):
            assert times["n"] == 2
            assert 0 < times["median_ms"] <= times["p99_ms"]
        assert page["sent_bytes"] > 0
    assert (told["hall"]["players"], told["rounds"], told["streams"]) == (8, 2, 20)
    assert told["events"]["n"] == 2 * 20, "every shot's card came to every page"
    assert told["booking"]["n"] == 2
    assert told["results"]["n"] == 5 * 3, "five rounds of the seven others"
    assert 0 < told["results"]["median_ms"] <= told["results"]["p99_ms"]
    assert told["live_per_s"] > 0
    assert 20 < told["check_in_kb"] <= 150


@pytest.mark.slow
def test_a_page_that_is_another_one_than_meant_is_no_figure(
    visited: tuple[Paths, BigHall], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGES", (Page("/check-in", 1_000_000),))
    with pytest.raises(VisitError, match=r"/check-in answers 200 with \d+ characters"):
        measure_pages(*visited, rounds=1, streams=1)


@pytest.mark.slow
def test_a_page_that_this_kiosk_lacks_is_named_and_one_that_fails_is_an_error(
    visited: tuple[Paths, BigHall], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGES", (Page("/check-in"), Page("/nowhere")))
    report = measure_pages(*visited, rounds=1, streams=1)
    assert report.absent == ("/nowhere",)
    assert [page.path for page in report.pages] == ["/check-in"]
    monkeypatch.setattr(pages, "PAGES", (Page("/api/shots?limit=0", 1),))
    with pytest.raises(VisitError, match=r"/api/shots\S* answers 400"):
        measure_pages(*visited, rounds=1, streams=1)


def test_one_thing_is_measured_at_a_time() -> None:
    ran = CliRunner().invoke(ladder, ["bench", "--pages", "--live"])
    assert ran.exit_code == 2
    assert "give one of" in ran.output
