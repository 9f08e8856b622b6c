"""The job of training: each night, each hour while a month is not final, and never by a clock that is wrong."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from evening import Evening
from training_hall import CHICAGO, at

from edge.bookkeeper import Bookkeeper
from edge.clock import stamp
from edge.clock_watch import Clocks
from edge.hall import training, training_board
from edge.hall.players import Player
from edge.hall.training_periods import begin, open_periods
from edge.jobs import registry
from edge.jobs.job import Bench, Moment
from edge.jobs.runs import last_runs, troubles
from edge.jobs.ticker import Ticker
from edge.jobs.training import StoppedError, Training
from edge.runtime.paths import Paths
from edge.settings import Hall, Settings
from edge.store import changes

SETTINGS = Settings(hall=Hall(timezone="America/Chicago"))
OCTOBER, NOVEMBER = "2025-10", "2025-11"


class House(Evening):
    """A box without tables whose evenings are told shot by shot, and its clocks."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.paths = Paths(folder, folder / "run")
        self.up_s = 100_000.0

    def train(self, player: Player, day: str, *, shots: int = 12) -> None:
        self.now = at(day)
        self.practise(player)
        for _ in range(shots):
            self.shoot("1")
        self.leave()

    def bench(self, now: datetime, *, behind: bool = False, trusted: bool = True, stopping: bool = False) -> Bench:
        moment = Moment(now, CHICAGO, self.up_s, "boot-one", behind=behind, trusted=trusted)
        return Bench(self.paths, SETTINGS, self.store, moment, lambda: stopping)

    def run(self, now: datetime) -> str:
        bench = self.bench(now)
        period = Training().due(bench)
        assert period is not None
        return Training().run(bench, period)

    def period(self, period: str) -> training.Period:
        with self.store.read() as conn:
            found = training.get_period(conn, period)
        assert found is not None
        return found

    def hours(self, period: str) -> dict[str, float]:
        rows = self.rows("SELECT * FROM ladder_training_scores WHERE period = ?", period)
        return {row["player_id"]: row["hours_total"] for row in rows}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


def test_it_is_one_of_the_jobs() -> None:
    assert "training" in [job.name for job in registry.all_jobs()]


def test_it_is_due_each_night_and_each_hour_while_a_month_that_is_over_is_open(house: House) -> None:
    job = Training()
    assert job.due(house.bench(at("2025-10-30", 12))) == "2025-10-30"
    house.run(at("2025-10-30", 12))
    assert job.due(house.bench(at("2025-10-31", 3))) == "2025-10-30"
    assert job.due(house.bench(at("2025-10-31", 23))) == "2025-10-31"
    assert job.due(house.bench(at("2025-11-01", 0))) == "2025-11-01T05", "by UTC, where no hour comes twice"
    assert job.due(house.bench(at("2025-11-01", 1))) == "2025-11-01T06"
    assert job.due(house.bench(at("2025-11-05", 12))) == "2025-11-05", "nobody waits for it any more"
    house.run(at("2025-11-01", 1))
    assert house.period(OCTOBER).final
    assert job.due(house.bench(at("2025-11-01", 2))) == "2025-10-31"


def test_a_table_of_the_hall_has_nothing_to_do(house: House) -> None:
    with house.store.write() as conn:
        changes.begin_noting(conn, "table")
    assert Training().due(house.bench(at("2025-10-30", 12))) is None


@pytest.mark.parametrize("behind", [True, False])
def test_by_a_clock_that_can_not_be_trusted_nothing_is_done(house: House, behind: bool) -> None:
    house.run(at("2025-10-30"))
    assert Training().due(house.bench(at("2025-11-03"), behind=behind, trusted=False)) is None


def test_shots_as_they_are_struck_become_a_month_s_score(house: House) -> None:
    ana = house.player("Ana")
    house.train(ana, "2025-10-29")
    assert house.run(at("2025-10-30", 4)) == "1 players"
    assert house.hours(OCTOBER).keys() == {ana.id}
    assert house.period(OCTOBER).settled_at == stamp(at("2025-10-30", 4))
    with house.store.read() as conn:
        (session,) = training_board.counted_sessions(conn, ana.id, OCTOBER)
    assert (session.shots, session.steps["aim"].value, session.steps["aim"].strokes) == (12, 100.0, 12)


def test_a_hall_of_one_box_without_a_cloud_freezes_its_month_at_once(house: House) -> None:
    ana = house.player("Ana")
    house.train(ana, "2025-10-29")
    house.run(at("2025-10-30", 4))
    assert house.run(at("2025-11-01", 0)) == "1 players, 2025-10 is final, 2025-10 is frozen"
    assert house.period(OCTOBER).state == "frozen"
    held = house.hours(OCTOBER)
    house.train(ana, "2025-11-01")
    house.run(at("2025-11-02", 4))
    assert house.hours(OCTOBER) == held
    assert house.hours(NOVEMBER).keys() == {ana.id}


def test_with_a_cloud_the_month_is_final_and_the_cloud_freezes_it(house: House) -> None:
    house.paths.cloud.write_text("{}")
    house.train(house.player("Ana"), "2025-10-29")
    house.run(at("2025-10-30", 4))
    assert house.run(at("2025-11-01", 0)) == "1 players, 2025-10 is final"
    assert (house.period(OCTOBER).state, house.period(OCTOBER).final) == ("grace", True)


def test_a_table_that_is_away_is_waited_for(house: House) -> None:
    house.run(at("2025-10-30"))
    with house.store.write() as conn:
        conn.execute(
            "INSERT INTO devices (id, table_label, enrolled_at, seen_at, says)"
            " VALUES ('d', 'Table 2', '2025', ?, ?)",
            [stamp(at("2025-10-31")), json.dumps({"unsent": 0})],
        )
    assert house.run(at("2025-11-01", 0)) == "0 players, 2025-10 waits for Table 2"
    assert not house.period(OCTOBER).closed
    assert house.run(at("2025-11-04", 0)) == "0 players, 2025-10 is frozen, 2025-10 waits for Table 2"


def test_who_plays_over_the_month_s_end_is_waited_for_and_counts_in_it(house: House) -> None:
    ana = house.player("Ana")
    house.run(at("2025-10-30"))
    house.now = at("2025-10-31", 23)
    house.practise(ana)
    for _ in range(12):
        house.shoot("1")
    assert "waits for who still plays" in house.run(at("2025-11-01", 0))
    house.now = at("2025-11-01", 1)
    house.leave()
    assert "2025-10 is final" in house.run(at("2025-11-01", 1))
    assert house.hours(OCTOBER).keys() == {ana.id}


def test_when_it_is_told_to_stop_it_breaks_off_and_is_done_another_time(house: House) -> None:
    house.train(house.player("Ana"), "2025-10-29")
    with pytest.raises(StoppedError, match="1 players"):
        Training().run(house.bench(at("2025-10-30", 4), stopping=True), "2025-10-29")
    assert house.period(OCTOBER).settled_at is None


def test_over_a_month_s_end_the_ticker_does_it_nightly_then_hourly_then_nightly(house: House) -> None:
    now = at("2025-10-30", 5)
    with house.store.write() as conn:
        begin(conn, now, CHICAGO)
        conn.execute(
            "INSERT INTO devices (id, table_label, enrolled_at, seen_at, says)"
            " VALUES ('d', 'Table 2', '2025', ?, ?)",
            [stamp(now), json.dumps({"unsent": 0})],
        )
    box = Ticker(
        [Training()], house.paths, SETTINGS, house.store, boot="boot-one", clocks=lambda: Clocks(now, house.up_s)
    )
    while now < at("2025-11-03", 12):
        box.tick()
        now += timedelta(minutes=20)
        house.up_s += 1200
        if now > at("2025-11-01", 9):
            with house.store.write() as conn:
                conn.execute("UPDATE devices SET seen_at = ?", [stamp(now)])
    done = [row["period"] for row in house.rows("SELECT period FROM job_runs ORDER BY rowid")]
    hours = [f"2025-11-01T{hour:02}" for hour in range(5, 17)]
    assert done == ["2025-10-30", "2025-10-31", *hours, "2025-11-01", "2025-11-02", "2025-11-03"]
    assert house.period(OCTOBER).closed
    with house.store.read() as conn:
        assert open_periods(conn) == [NOVEMBER]
        assert troubles(conn) == []
        assert last_runs(conn)["training"][1] == "0 players"


def test_the_box_was_off_over_the_month_s_end(house: House) -> None:
    ana = house.player("Ana")
    house.train(ana, "2025-10-29")
    house.run(at("2025-10-30", 4))
    house.train(ana, "2025-10-30")
    said = house.run(at("2026-01-05", 4))
    assert "2025-10 is final" in said
    assert "2025-12 is final" in said
    assert house.hours(OCTOBER)[ana.id] > 0
    assert [row["sessions"] for row in house.rows("SELECT sessions FROM ladder_training_scores")] == [2]


def test_a_shot_that_waits_to_be_booked_holds_the_month_open(house: House) -> None:
    ana = house.player("Ana")
    house.run(at("2025-10-30"))
    house.now = at("2025-10-31")
    house.practise(ana)
    for _ in range(12):
        house.shoot("1", book=False)
    house.leave()
    assert "waits for shots to be booked" in house.run(at("2025-11-01", 0))
    Bookkeeper(house.store).book()
    assert "2025-10 is final" in house.run(at("2025-11-01", 1))
    assert house.hours(OCTOBER).keys() == {ana.id}
