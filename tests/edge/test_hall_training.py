"""The training of a month: who counts, how a score is made, and that what is closed stays as it is."""

import json
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hall_facts import Played, make_store, put_match, put_players, put_results
from sqlite_work import instructions
from training_hall import CHICAGO, TrainingHall, at, training_hall

from edge.clock import month_after, stamp
from edge.coach.score import MEASURES
from edge.hall import features, ladders, training
from edge.hall.ladders import Terms
from edge.hall.matches import Result
from edge.hall.players import erase_player, get_player, name_guest, new_guest, save_player
from edge.hall.training_periods import (
    begin,
    body_of,
    bounds,
    freeze_here,
    hear_periods,
    make_final,
    open_periods,
    take_verdict,
    waits_for,
)
from edge.hall.training_scores import settle_scores, total_of
from edge.hall.training_sessions import gather, put
from edge.store import outbox

OCTOBER, NOVEMBER, DECEMBER = "2026-10", "2026-11", "2026-12"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("hall") / "ladder.db")


@pytest.fixture
def hall(path: Path) -> Iterator[TrainingHall]:
    with training_hall(path) as hall:
        begin(hall.conn, at("2026-10-01"), CHICAGO)
        yield hall


def heard(period: str, state: str, rev: int | None) -> dict[str, Any]:
    return {
        "period": period,
        "state": state,
        "rev": rev,
        "frozen_at": "2026-11-04T06:00:00.000Z",
        "decided_at": None,
    }


# What counts


def test_a_session_counts_once_it_has_ended_with_strokes_enough(hall: TrainingHall) -> None:
    hall.stay(0, "2026-10-05", shots=10)
    hall.stay(1, "2026-10-05", shots=9)
    hall.stay(2, "2026-10-05", ended=False)
    hall.settle("2026-10-06")
    assert [who for who, _ in hall.scores(OCTOBER)] == [hall.players[0]]


def test_guests_and_who_was_erased_do_not_count(hall: TrainingHall) -> None:
    guest = new_guest(hall.conn, stamp(at("2026-10-05")))
    hall.stay(guest.id, "2026-10-05")
    hall.stay(1, "2026-10-05")
    hall.settle("2026-10-06")
    assert [who for who, _ in hall.scores(OCTOBER)] == [hall.players[1]]
    erase_player(hall.conn, hall.players[1], stamp(at("2026-10-06")))
    features.forget(hall.conn, hall.players[1])
    hall.settle("2026-10-07")
    assert hall.scores(OCTOBER) == {}


def test_who_signs_up_in_time_has_trained_from_the_beginning(hall: TrainingHall) -> None:
    guest = new_guest(hall.conn, stamp(at("2026-10-05")))
    hall.stay(guest.id, "2026-10-05")
    hall.settle("2026-10-06")
    name_guest(hall.conn, guest, "Gus")
    hall.settle("2026-10-07")
    assert [who for who, _ in hall.scores(OCTOBER)] == [guest.id]


def test_a_total_is_the_owner_s_sum(hall: TrainingHall) -> None:
    hall.stay(0, "2026-10-05", hours=1.25)
    hall.stay(0, "2026-10-06", hours=1.25, shots=80)
    hall.stay(1, "2026-10-06", hours=3)
    hall.settle("2026-10-07")
    row = hall.score(0, OCTOBER)
    assert (row["coach_avg"], row["hours_total"], row["hours_norm"], row["win_rate"]) == (67.0, 2.5, 83.33, 0.0)
    assert row["total_score"] == total_of(67.0, 83.33, 0.0) == 58.5
    assert (row["sessions"], row["shots"], row["ladder_id"]) == (2, 120, "")
    assert row["reached_at"] == stamp(at("2026-10-06") + timedelta(hours=1.25))
    assert hall.score(1, OCTOBER)["hours_norm"] == 100.0
    assert (row["rank"], hall.score(1, OCTOBER)["rank"]) == (2, 1)


def test_equal_scores_go_by_who_got_there_first(hall: TrainingHall) -> None:
    hall.stay(0, "2026-10-06")
    hall.stay(1, "2026-10-05")
    hall.stay(2, "2026-10-07", hours=0.5)
    hall.stay(2, "2026-10-08", hours=0.5)
    hall.settle("2026-10-09")
    assert [hall.score(n, OCTOBER)["rank"] for n in range(3)] == [3, 2, 1], "sessions first, then time"


def test_a_session_after_midnight_belongs_to_the_month_in_which_it_began(hall: TrainingHall) -> None:
    hall.stay(0, "2026-10-31", hour=23, hours=3)
    hall.settle("2026-11-02")
    assert hall.booked() == {"stay-00001": OCTOBER}


def test_the_coach_s_average_is_weighted_by_shots(hall: TrainingHall) -> None:
    hall.weeks(0, "2026-10-01")
    hall.stay(0, "2026-10-05", shots=100, made=80)
    hall.stay(0, "2026-10-06", shots=20, made=10)
    hall.settle("2026-10-07")
    made = training.how_made(hall.conn, hall.players[0], OCTOBER)
    assert made is not None
    scores = {one.shots: one.coach_score for one in made.sessions}
    assert scores[20] == 67.0 < scores[100]
    assert made.place.coach_avg == round((100 * scores[100] + 20 * scores[20]) / 120, 2)


def test_how_a_score_is_made_is_told_part_by_part(hall: TrainingHall) -> None:
    hall.weeks(0, "2026-10-01")
    hall.stay(0, "2026-10-05", shots=100, made=70, hours=2)
    hall.stay(1, "2026-10-05", hours=4)
    hall.settle("2026-10-06")
    made = training.how_made(hall.conn, hall.players[0], OCTOBER)
    assert made is not None
    usual = made.usual["aim"]
    assert usual == training.Usual(50.0, 12, 480)
    assert made.usual["control"] is made.usual["position"] is None, "every stroke was a visit of its own"
    (session,) = made.sessions
    aim = session.steps["aim"]
    assert (aim.value, aim.raw, aim.strokes) == (70.0, 20.0, 100)
    assert aim.counted == round(20 / (1 + 200 * (1 / 100 + 1 / 480)), 2)
    assert session.coach_score == round(67 + aim.counted, 2)
    assert (session.minutes, session.day, session.late) == (120.0, "2026-10-05", False)
    assert (made.most_hours, made.missing_sessions, made.missing_hours) == (4.0, 3, 1.0)
    assert training.how_made(hall.conn, hall.players[5], OCTOBER) is None


def test_what_is_usual_is_what_was_before_the_month_and_no_more_than_twelve_weeks(hall: TrainingHall) -> None:
    hall.weeks(0, "2026-10-01", weeks=14)
    for day in range(1, 20):
        hall.stay(0, f"2026-10-{day:02}", made=40)
    hall.settle("2026-10-21")
    rows = hall.conn.execute("SELECT * FROM training_baselines WHERE measure = 'aim'").fetchall()
    assert [(row["period"], row["weeks"], row["value"]) for row in rows] == [(OCTOBER, 12, 50.0)]


def test_a_week_has_seven_days_back_from_the_month_s_first(hall: TrainingHall) -> None:
    for day in ("2026-09-30", "2026-09-24", "2026-09-23", "2026-09-17", "2026-07-09", "2026-07-08"):
        hall.stay(0, day)
    hall.stay(0, "2026-10-05")
    hall.settle("2026-10-06")
    usual = training.usual_of(hall.conn, hall.players[0], OCTOBER)["aim"]
    assert usual == training.Usual(50.0, 3, 200), "and the last of the twelve begins on the ninth of July"


def test_with_two_weeks_only_nothing_is_usual_yet(hall: TrainingHall) -> None:
    hall.weeks(0, "2026-10-01", weeks=2)
    hall.stay(0, "2026-10-05", made=40)
    hall.settle("2026-10-06")
    assert hall.score(0, OCTOBER)["coach_avg"] == 67.0


# Ladders and matches


def on_ladder(hall: TrainingHall, name: str, *players: int) -> str:
    made_at = stamp(at("2026-09-01"))
    ladder = ladders.create_ladder(hall.conn, Terms(name), ["Gold"], hall.players[5], made_at)
    ids = [hall.players[n] for n in players]
    ladders.add_members(hall.conn, ladder.divisions[0].id, ids, hall.players[5], made_at)
    return ladder.id


def match(hall: TrainingHall, key: int, won: tuple[int, int], day: str, ladder_id: str | None = None) -> None:
    """`won` are the winner and the other one."""
    winner, other = won
    pair = (hall.players[winner], hall.players[other])
    result = Result(
        f"match-{key}", "8-ball", 5, day, stamp(at(day)), pair, (5, 1), False, pair[0], rated=True
    )  # fmt: skip
    put_results(hall.conn, [result])
    if ladder_id is not None:
        ladders.put_on_ladder(hall.conn, result.match_id, ladder_id, hall.players[5], stamp(at(day)), staff=True)
        ladders.settle_match(hall.conn, result.match_id)


def test_there_is_a_row_for_each_ladder_with_the_matches_of_it(hall: TrainingHall) -> None:
    nine, eight = on_ladder(hall, "Nine", 0, 1), on_ladder(hall, "Eight", 0, 1)
    match(hall, 1, (0, 1), "2026-10-03", nine)
    match(hall, 2, (1, 0), "2026-10-04", nine)
    match(hall, 3, (1, 0), "2026-10-04", eight)
    match(hall, 4, (0, 1), "2026-09-30", eight)
    match(hall, 5, (0, 1), "2026-11-01", eight)
    hall.stay(0, "2026-10-05")
    hall.settle("2026-10-06")
    rates = {ladder: row["win_rate"] for (_, ladder), row in hall.scores(OCTOBER).items()}
    assert rates == {nine: 50.0, eight: 0.0}
    place = training.own_place(hall.conn, hall.players[0], OCTOBER)
    assert place is not None
    assert [(one.ladder, one.won, one.played) for one in place.ladders] == [("Nine", 1, 2), ("Eight", 0, 1)]
    assert place.best.total == place.ladders[0].total > place.ladders[1].total
    (line,) = training.board(hall.conn, OCTOBER)
    assert (line.ladder, line.total) == ("Nine", place.best.total)


def test_who_is_on_no_ladder_has_a_row_of_all_matches(hall: TrainingHall) -> None:
    match(hall, 1, (0, 1), "2026-10-03")
    match(hall, 2, (1, 0), "2026-10-31")
    match(hall, 3, (0, 2), "2026-10-04")
    hall.stay(0, "2026-10-05")
    hall.stay(3, "2026-10-05")
    hall.settle("2026-11-01")
    row = hall.score(0, OCTOBER)
    assert (row["ladder_id"], row["win_rate"], row["won"], row["played"]) == ("", 66.67, 2, 3)
    assert hall.score(3, OCTOBER)["win_rate"] == 0.0, "no match, nothing won"


def test_on_which_ladder_somebody_is_is_asked_at_the_month_s_end(hall: TrainingHall) -> None:
    nine = on_ladder(hall, "Nine", 0)
    hall.stay(0, "2026-10-05")
    ladders.remove_member(hall.conn, nine, hall.players[0], hall.players[5], stamp(at("2026-11-01", 9)))
    hall.settle("2026-11-02")
    assert hall.score(0, OCTOBER)["ladder_id"] == nine
    hall.stay(0, "2026-11-02")
    hall.settle("2026-11-03")
    assert hall.score(0, NOVEMBER)["ladder_id"] == ""


# Made anew


def test_doing_it_again_writes_nothing(hall: TrainingHall) -> None:
    hall.weeks(0, "2026-10-01")
    hall.stay(0, "2026-10-05", made=30)
    hall.settle("2026-10-06")
    assert put(hall.conn, gather(hall.conn, hall.players[0])) == 0
    assert settle_scores(hall.conn, OCTOBER, at("2026-10-06"), CHICAGO) == 0


def test_a_correction_in_an_open_month_holds_and_in_a_closed_one_changes_nothing(hall: TrainingHall) -> None:
    hall.weeks(0, "2026-10-01")
    session = hall.stay(0, "2026-10-05", made=10)
    hall.settle("2026-10-06")
    before = hall.score(0, OCTOBER)["coach_avg"]
    hall.conn.execute("UPDATE plays SET result = 'make' WHERE session_id = ?", [session])
    hall.settle("2026-10-07")
    assert hall.score(0, OCTOBER)["coach_avg"] > 67.0 > before
    hall.close(OCTOBER, "2026-11-01")
    held, how = dict(hall.score(0, OCTOBER)), training.how_made(hall.conn, hall.players[0], OCTOBER)
    hall.conn.execute("UPDATE plays SET result = 'miss' WHERE session_id = ?", [session])
    hall.conn.execute("UPDATE sessions SET active_s = 9, shots = 11 WHERE id = ?", [session])
    hall.settle("2026-11-02")
    assert dict(hall.score(0, OCTOBER)) == held
    assert training.how_made(hall.conn, hall.players[0], OCTOBER) == how


def test_what_is_no_session_any_more_goes(hall: TrainingHall) -> None:
    session = hall.stay(0, "2026-10-05")
    hall.settle("2026-10-06")
    hall.conn.execute("UPDATE sessions SET ended_at = NULL WHERE id = ?", [session])
    hall.settle("2026-10-07")
    assert hall.booked() == {}
    assert hall.scores(OCTOBER) == {}


def test_a_plan_does_not_get_into_a_month_that_was_closed_meanwhile(hall: TrainingHall) -> None:
    session = hall.stay(0, "2026-10-05")
    hall.settle("2026-10-06")
    hall.stay(0, "2026-10-07")
    held = tuple(hall.conn.execute("SELECT * FROM training_sessions").fetchone())
    hall.conn.execute("UPDATE sessions SET active_s = 9 WHERE id = ?", [session])
    begin(hall.conn, at("2026-11-01"), CHICAGO)
    plan = gather(hall.conn, hall.players[0])
    make_final(hall.conn, OCTOBER, at("2026-11-01"))
    put(hall.conn, plan)
    assert [tuple(row) for row in hall.conn.execute("SELECT * FROM training_sessions")] == [held]
    hall.settle("2026-11-01")
    assert hall.booked() == {"stay-00001": OCTOBER, "stay-00002": NOVEMBER}


# Months


def test_the_first_month_is_that_of_the_first_look_and_none_is_left_out(path: Path) -> None:
    with training_hall(path) as hall:
        hall.stay(0, "2026-09-30")
        assert begin(hall.conn, at("2026-10-31", 23), CHICAGO) == [OCTOBER]
        hall.settle("2026-10-31", 23)
        assert hall.booked() == {"stay-00001": None}, "that was before, and is compared with"
        assert begin(hall.conn, at("2027-01-01", 0), CHICAGO) == [OCTOBER, NOVEMBER, DECEMBER, "2027-01"]
        states = {one.period: one.state for one in training.periods(hall.conn)}
        assert states == {"2027-01": "open", DECEMBER: "grace", NOVEMBER: "grace", OCTOBER: "grace"}


@pytest.mark.parametrize(
    ("zone", "period", "hours"),
    [
        ("America/Chicago", "2026-11", 30 * 24 + 1),
        ("America/Chicago", "2026-03", 31 * 24 - 1),
        ("Australia/Lord_Howe", "2026-10", 31 * 24 - 0.5),
        ("Asia/Kolkata", "2026-02", 28 * 24),
    ],
)
def test_a_month_is_as_long_as_the_clocks_on_the_wall_say(zone: str, period: str, hours: float) -> None:
    first, end = bounds(period, ZoneInfo(zone))
    assert (end.timestamp() - first.timestamp()) / 3600 == hours
    local = [moment.astimezone(ZoneInfo(zone)) for moment in (first, end)]
    assert [(one.day, one.hour) for one in local] == [(1, 0), (1, 0)]


def test_what_is_told_late_counts_in_the_next_month_by_what_was_usual_then(hall: TrainingHall) -> None:
    hall.weeks(0, "2026-10-01")
    hall.stay(0, "2026-10-05")
    hall.close(OCTOBER, "2026-11-01")
    held = dict(hall.score(0, OCTOBER))
    late = hall.stay(0, "2026-10-20", shots=100, made=70)
    hall.settle("2026-11-02")
    assert hall.booked()[late] == NOVEMBER
    assert dict(hall.score(0, OCTOBER)) == held
    made = training.how_made(hall.conn, hall.players[0], NOVEMBER)
    assert made is not None
    assert [(one.late, one.steps["aim"].raw) for one in made.sessions] == [(True, 20.0)]


def test_what_is_told_later_than_twelve_weeks_counts_for_nothing(hall: TrainingHall) -> None:
    hall.close(OCTOBER, "2026-11-01")
    for period, day in ((NOVEMBER, "2026-12-01"), (DECEMBER, "2027-01-01"), ("2027-01", "2027-02-01")):
        hall.close(period, day)
    late = hall.stay(0, "2026-10-20")
    hall.settle("2027-02-02")
    assert late not in hall.booked()


def test_a_guest_s_months_are_not_carried_together_by_signing_up(hall: TrainingHall) -> None:
    guest = new_guest(hall.conn, stamp(at("2026-10-05")))
    hall.stay(guest.id, "2026-10-05")
    hall.close(OCTOBER, "2026-11-01")
    hall.stay(guest.id, "2026-10-06")  # told late
    hall.settle("2026-11-02")
    freeze_here(hall.conn, at("2026-11-05"), CHICAGO)
    name_guest(hall.conn, guest, "Gus")
    hall.stay(guest.id, "2026-11-06")
    hall.settle("2026-11-07")
    assert set(hall.booked().values()) == {OCTOBER, NOVEMBER}
    assert [row["sessions"] for row in hall.scores(NOVEMBER).values()] == [1]


# What is told


def test_a_month_is_told_as_agreed(hall: TrainingHall) -> None:
    nine = on_ladder(hall, "Nine", 1)
    hall.stay(0, "2026-10-05", hours=1.5)
    hall.stay(1, "2026-10-05", hours=3)
    hall.settle("2026-10-06")
    (fact,) = hall.tell("2026-10-06")
    assert fact.kind == "training"
    assert "Player" not in fact.body, "names are told apart"
    body = json.loads(fact.body)
    assert {name: body[name] for name in ("schema", "period", "rev", "final")} == {
        "schema": 1, "period": OCTOBER, "rev": 1, "final": False,
    }  # fmt: skip
    assert sorted(body["scores"], key=lambda one: one["hours"]) == [
        {
            "player": hall.players[0], "ladder": None, "ladder_name": None,
            "coach_avg": 67.0, "hours": 1.5, "hours_norm": 50.0, "win_rate": 0.0, "total": 48.5, "sessions": 1,
            "shots": 40, "reached_at": stamp(at("2026-10-05") + timedelta(hours=1.5)),
        },
        {
            "player": hall.players[1], "ladder": nine, "ladder_name": "Nine", "coach_avg": 67.0,
            "hours": 3.0, "hours_norm": 100.0, "win_rate": 0.0, "total": 63.5, "sessions": 1, "shots": 40,
            "reached_at": stamp(at("2026-10-05") + timedelta(hours=3)),
        },
    ]  # fmt: skip


def test_it_is_told_when_it_is_other_than_was_told_and_final_once(hall: TrainingHall) -> None:
    assert hall.tell("2026-10-01") == [], "it was not made yet"
    hall.settle("2026-10-02")
    assert hall.tell("2026-10-02") == [], "there is nothing to tell"
    hall.stay(0, "2026-10-05")
    hall.settle("2026-10-06")
    assert len(hall.tell("2026-10-06")) == 1
    hall.settle("2026-10-07")
    assert hall.tell("2026-10-07") == []
    hall.close(OCTOBER, "2026-11-01")
    (last,) = hall.tell("2026-11-01")
    assert (json.loads(last.body)["rev"], json.loads(last.body)["final"]) == (2, True)
    on_ladder(hall, "Nine", 0)
    hall.settle("2026-11-02")
    assert hall.tell("2026-11-02") == [], "what is final is told no more"


def test_a_session_that_is_counted_and_in_no_score_yet_is_not_told(hall: TrainingHall) -> None:
    """The cloud may freeze what is told between the two: then it is booked on."""
    first = hall.stay(0, "2026-10-05")
    hall.settle("2026-10-06")
    second = hall.stay(0, "2026-10-06")
    put(hall.conn, gather(hall.conn, hall.players[0]))
    assert len(hall.tell("2026-10-07")) == 1
    hall.settle("2026-11-04")
    hear_periods(hall.conn, [heard(OCTOBER, "frozen", 1)], at("2026-11-04"))
    assert hall.booked() == {first: OCTOBER, second: NOVEMBER}


def test_a_hall_where_nobody_came_tells_that_its_month_is_final(hall: TrainingHall) -> None:
    hall.close(OCTOBER, "2026-11-01")
    (fact,) = hall.tell("2026-11-01")
    assert json.loads(fact.body) == {"schema": 1, "period": OCTOBER, "rev": 1, "final": True, "scores": []}


def test_the_cloud_s_revision_holds_and_what_is_not_in_it_is_booked_on(hall: TrainingHall) -> None:
    first = hall.stay(0, "2026-10-05")
    hall.settle("2026-10-06")
    hall.tell("2026-10-06")
    in_first = dict(hall.score(0, OCTOBER))
    second = hall.stay(0, "2026-10-07", hours=2)
    hall.stay(1, "2026-10-07", hours=2)
    hall.settle("2026-10-08")
    hall.tell("2026-10-08")
    begin(hall.conn, at("2026-11-04"), CHICAGO)
    hear_periods(hall.conn, [heard(OCTOBER, "frozen", 1)], at("2026-11-04"))
    assert dict(hall.score(0, OCTOBER)) == in_first
    assert len(hall.scores(OCTOBER)) == 1
    assert hall.booked() == {first: OCTOBER, second: NOVEMBER, "stay-00003": NOVEMBER}
    period = hall.period(OCTOBER)
    assert (period.state, period.frozen_rev, period.closed) == ("frozen", 1, True)
    hall.settle("2026-11-05")
    assert dict(hall.score(0, OCTOBER)) == in_first
    assert hall.score(0, NOVEMBER)["hours_total"] == 2.0
    assert [json.loads(fact.body)["period"] for fact in hall.tell("2026-11-05")] == [NOVEMBER]
    hear_periods(hall.conn, [heard(OCTOBER, "decided", 1)], at("2026-11-06"))
    assert hall.period(OCTOBER).state == "decided"
    assert hall.booked()[first] == OCTOBER


def test_what_was_told_and_frozen_stays_when_it_is_the_latest(hall: TrainingHall) -> None:
    hall.stay(0, "2026-10-05")
    hall.close(OCTOBER, "2026-11-01")
    hall.tell("2026-11-01")
    late = hall.stay(0, "2026-10-31")
    hall.settle("2026-11-02")
    held = dict(hall.score(0, OCTOBER))
    hear_periods(hall.conn, [heard(OCTOBER, "frozen", 1)], at("2026-11-04"))
    assert dict(hall.score(0, OCTOBER)) == held
    assert hall.booked() == {"stay-00001": OCTOBER, late: NOVEMBER}


def test_a_month_of_which_the_cloud_had_heard_nothing_is_booked_on_altogether(hall: TrainingHall) -> None:
    hall.stay(0, "2026-10-05")
    hall.settle("2026-11-04")
    hear_periods(hall.conn, [heard(OCTOBER, "frozen", None)], at("2026-11-04"))
    assert hall.scores(OCTOBER) == {}
    assert hall.booked() == {"stay-00001": NOVEMBER}


def test_a_store_that_was_put_back_counts_nothing_twice(hall: TrainingHall) -> None:
    hall.stay(0, "2026-10-05")
    hall.settle("2026-11-02")
    hear_periods(hall.conn, [heard(OCTOBER, "grace", 7)], at("2026-11-02"))
    (fact,) = hall.tell("2026-11-02")
    assert json.loads(fact.body)["rev"] == 8, "a revision is never given twice"
    hear_periods(hall.conn, [heard(OCTOBER, "frozen", 7)], at("2026-11-04"))
    assert hall.booked() == {"stay-00001": OCTOBER}
    assert hall.score(0, OCTOBER)["sessions"] == 1


def test_a_cloud_that_was_put_back_is_told_again(hall: TrainingHall) -> None:
    hall.stay(0, "2026-10-05")
    hall.close(OCTOBER, "2026-11-01")
    hall.tell("2026-11-01")
    hear_periods(hall.conn, [heard(OCTOBER, "grace", 1)], at("2026-11-02"))
    assert hall.tell("2026-11-02") == []
    for day, told in (("2026-11-03", 1), ("2026-11-03", 0), ("2026-11-04", 1)):
        hear_periods(hall.conn, [heard(OCTOBER, "grace", None)], at(day))
        facts = hall.tell(day, 20)
        assert len(facts) == told, "not all the time, to who does not keep it"
    assert json.loads(hall.told[-1].body)["final"] is True


def test_a_hall_without_a_cloud_freezes_by_itself(hall: TrainingHall) -> None:
    hall.stay(0, "2026-10-05")
    hall.settle("2026-11-01")
    assert freeze_here(hall.conn, at("2026-11-03", 22), CHICAGO) == []
    late = hall.stay(0, "2026-10-06")
    assert freeze_here(hall.conn, at("2026-11-03", 23), CHICAGO) == [OCTOBER], "72 hours, one of which came twice"
    hall.settle("2026-11-04")
    assert hall.booked() == {"stay-00001": OCTOBER, late: NOVEMBER}
    hall.close(NOVEMBER, "2026-12-01")
    assert freeze_here(hall.conn, at("2026-12-01"), CHICAGO) == [NOVEMBER]


def test_who_has_won_is_known_by_the_cloud_s_verdict(hall: TrainingHall) -> None:
    nine = on_ladder(hall, "Nine", 0)
    hall.stay(0, "2026-10-05")
    hall.stay(1, "2026-10-05")
    hall.close(OCTOBER, "2026-11-01")
    reward = {
        "id": "r",
        "period": OCTOBER,
        "player": hall.players[0],
        "ladder": nine,
        "kind": "free",
        "state": "decided",
    }
    other = {**reward, "player": hall.players[1], "ladder": None, "kind": "half"}
    cases: list[tuple[list[dict[str, Any]], dict[int, str]]] = [
        ([reward], {0: "free"}),
        ([reward], {0: "free"}),
        ([reward, other], {0: "free", 1: "half"}),
        ([{**reward, "state": "reverted"}, other], {1: "half"}),
        ([{**reward, "period": NOVEMBER}], {}),
    ]
    for told, expected in cases:
        take_verdict(hall.conn, OCTOBER, told)
        rewards = {hall.players.index(line.player_id): line.reward for line in training.board(hall.conn, OCTOBER)}
        assert {who: won for who, won in rewards.items() if won} == expected


# Final


def box(conn: sqlite3.Connection, label: str, seen_at: str | None, **says: object) -> None:
    conn.execute(
        "INSERT INTO devices (id, table_label, enrolled_at, seen_at, says) VALUES (?, ?, '2026', ?, ?)"
        " ON CONFLICT DO UPDATE SET seen_at = excluded.seen_at, says = excluded.says",
        [label, label, seen_at, json.dumps(says)],
    )


def test_a_month_is_final_when_it_is_over_and_its_sessions_have_ended(hall: TrainingHall) -> None:
    assert waits_for(hall.conn, OCTOBER, at("2026-10-31", 23), CHICAGO) == ["the month's end"]
    assert waits_for(hall.conn, OCTOBER, at("2026-11-01", 0), CHICAGO) == []
    hall.stay(0, "2026-10-31", hour=23, ended=False)
    assert waits_for(hall.conn, OCTOBER, at("2026-11-01", 4), CHICAGO) == ["who still plays"]
    assert waits_for(hall.conn, OCTOBER, at("2026-11-01", 6), CHICAGO) == []


def test_six_hours_are_hours_that_have_passed(hall: TrainingHall) -> None:
    """On the first of November the clocks go back in Chicago: six o'clock is seven hours after midnight."""
    hall.stay(0, "2026-10-31", hour=23, ended=False)
    end = bounds(OCTOBER, CHICAGO)[1].timestamp()
    assert at("2026-11-01", 5).timestamp() - end == 6 * 3600
    assert waits_for(hall.conn, OCTOBER, at("2026-11-01", 5), CHICAGO) == []


def test_one_who_plays_already_in_the_new_month_is_not_waited_for(hall: TrainingHall) -> None:
    hall.stay(0, "2026-11-01", hour=1, ended=False)
    assert waits_for(hall.conn, OCTOBER, at("2026-11-01", 2), CHICAGO) == []


def test_a_table_has_told_all_when_it_said_so_twice_after_the_month_s_end(hall: TrainingHall) -> None:
    def waits(hour: int) -> list[str]:
        return waits_for(hall.conn, OCTOBER, at("2026-11-01", hour), CHICAGO)

    box(hall.conn, "Table 2", None)
    box(hall.conn, "Table 3", stamp(at("2026-10-31", 23)), unsent=0)
    assert waits(2) == ["Table 2", "Table 3"]
    box(hall.conn, "Table 3", stamp(at("2026-11-01", 2)), unsent=5)
    assert waits(2) == ["Table 2", "Table 3"], "it has not told all"
    box(hall.conn, "Table 3", stamp(at("2026-11-01", 3)), unsent=0)
    assert waits(3) == ["Table 2", "Table 3"], "what it noted just now it tells next"
    assert waits(4) == ["Table 2", "Table 3"], "it was not heard of since"
    box(hall.conn, "Table 3", stamp(at("2026-11-01", 4)))
    assert waits(4) == ["Table 2", "Table 3"], "it said nothing of what it has told"
    box(hall.conn, "Table 3", stamp(at("2026-11-01", 5)), unsent=0)
    assert waits(5) == ["Table 2"]
    hall.conn.execute("UPDATE devices SET removed_at = '2026' WHERE id = 'Table 2'")
    assert waits(6) == []


def test_what_waits_to_be_booked_or_is_held_is_waited_for(hall: TrainingHall) -> None:
    hall.conn.execute("INSERT INTO to_book (shot_id) VALUES ('cam@1')")
    hall.conn.execute(
        "INSERT INTO set_aside (device, epoch, seq, fate, why, kind, key, created, hash, body, at, about, due)"
        " VALUES ('d', 'e', 1, 'held', 'w', 'row', 'k', 'c', 'h', 'b', 'a', '', 'later')"
    )
    waits = waits_for(hall.conn, OCTOBER, at("2026-11-02"), CHICAGO)
    assert waits == ["shots to be booked", "facts that are held"]


# People


def test_who_stays_out_of_sight_is_ranked_and_not_shown(hall: TrainingHall) -> None:
    for number in range(6):
        hall.stay(number, "2026-10-05", hours=6 - number)
    first = get_player(hall.conn, hall.players[0])
    assert first is not None
    save_player(hall.conn, replace(first, visible=False))
    hall.settle("2026-10-06")
    assert [(line.rank, line.name) for line in training.board(hall.conn, OCTOBER)] == [
        (n + 1, f"Player 000{n}") for n in range(1, 6)
    ]
    own = training.own_place(hall.conn, hall.players[0], OCTOBER)
    assert own is not None
    assert own.rank == 1


def test_nobody_is_shown_below_the_tenth(hall: TrainingHall) -> None:
    more = put_players_named(hall.conn, 8)
    for number, player in enumerate([*hall.players, *more]):
        hall.stay(player, "2026-10-05", hours=5 - number / 10)
    hall.settle("2026-10-06")
    assert [line.rank for line in training.board(hall.conn, OCTOBER)] == list(range(1, 11))
    last = training.own_place(hall.conn, more[-1], OCTOBER)
    assert last is not None
    assert last.rank == 14


def put_players_named(conn: sqlite3.Connection, count: int) -> list[str]:
    conn.execute("UPDATE players SET name_key = 'x' || name_key")
    return put_players(conn, count)


def test_nothing_is_left_of_who_was_erased_of_closed_months_too(hall: TrainingHall) -> None:
    hall.weeks(0, "2026-10-01")
    hall.stay(0, "2026-10-05")
    hall.stay(1, "2026-10-05")
    hall.close(OCTOBER, "2026-11-01")
    for fact in hall.tell("2026-11-01"):
        outbox.append_for_cloud(hall.conn, fact)
    hall.stay(0, "2026-11-02")
    hall.settle("2026-11-03")
    gone = hall.players[0]
    erase_player(hall.conn, gone, stamp(at("2026-11-04")))
    features.forget(hall.conn, gone)
    tables = ("training_sessions", "training_baselines", "ladder_training_scores", "training_told", "cloud_outbox")
    for table in tables:
        for row in hall.conn.execute(f"SELECT * FROM {table}"):
            assert gone not in str(tuple(row)), table
    (line,) = hall.conn.execute("SELECT * FROM cloud_outbox").fetchall()
    assert [one["player"] for one in json.loads(line["body"])["scores"]] == [hall.players[1]]
    assert [who for who, _ in hall.scores(OCTOBER)] == [hall.players[1]]
    hall.settle("2026-11-05")
    assert gone not in {who for who, _ in hall.scores(NOVEMBER)}


def test_two_accounts_that_become_one_have_trained_together(hall: TrainingHall) -> None:
    hall.stay(0, "2026-10-05")
    hall.stay(1, "2026-10-06")
    hall.close(OCTOBER, "2026-11-01")
    hall.stay(0, "2026-11-02")
    hall.stay(1, "2026-11-03")
    hall.settle("2026-11-04")
    one, other = hall.players[:2]
    hall.conn.execute("UPDATE sessions SET player_id = ? WHERE player_id = ?", [one, other])
    hall.conn.execute("UPDATE plays SET player_id = ? WHERE player_id = ?", [one, other])
    features.take_over(hall.conn, other, one)
    hall.settle("2026-11-05")
    assert hall.score(0, NOVEMBER)["sessions"] == 2
    assert hall.score(0, OCTOBER)["sessions"] == 1, "what was closed stays"
    erase_player(hall.conn, other, stamp(at("2026-11-05")))
    features.forget(hall.conn, other)
    assert {who for who, _ in hall.scores(OCTOBER)} == {one}


def test_the_scores_of_a_closed_month_go_to_who_it_turns_out_to_be(hall: TrainingHall) -> None:
    hall.stay(1, "2026-10-06")
    hall.close(OCTOBER, "2026-11-01")
    hall.tell("2026-11-01")
    one, other = hall.players[:2]
    hall.conn.execute("UPDATE sessions SET player_id = ? WHERE player_id = ?", [one, other])
    features.take_over(hall.conn, other, one)
    hear_periods(hall.conn, [heard(OCTOBER, "frozen", 1)], at("2026-11-04"))
    assert {who for who, _ in hall.scores(OCTOBER)} == {one}
    assert training.how_made(hall.conn, one, OCTOBER) is not None


# Whatever comes when


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_every_session_counts_once_whatever_comes_late_and_closed_months_never_change(
    path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    with training_hall(path) as hall:
        begin(hall.conn, at("2026-10-01"), CHICAGO)
        day, played, closed = at("2026-10-02", 4), set[str](), dict[str, Any]()
        revs: dict[str, list[int]] = {}
        while day < at("2027-01-15"):
            day += timedelta(days=chance.randint(1, 4))
            now = day.astimezone(CHICAGO).date()
            for _ in range(chance.randint(0, 3)):
                back = (now - timedelta(days=chance.randint(0, 25))).isoformat()
                played.add(
                    hall.stay(chance.randrange(4), max(back, "2026-10-01"), shots=12, made=chance.randint(0, 12))
                )
            for _ in range(chance.randint(0, 1)):
                hall.settle(now.isoformat())
                for fact in hall.tell(now.isoformat()) if chance.random() < 0.7 else []:
                    body = json.loads(fact.body)
                    revs.setdefault(body["period"], []).append(body["rev"])
            for period in open_periods(hall.conn):
                if day < bounds(period, CHICAGO)[1] + timedelta(days=1):
                    continue
                what = chance.random()
                if what < 0.2 and training.get_period(hall.conn, period).settled_at:  # type: ignore[union-attr]
                    make_final(hall.conn, period, day)
                elif what < 0.5:
                    hear_periods(
                        hall.conn, [heard(period, "frozen", chance.choice(revs.get(period, [None])))], day
                    )
            for one in training.periods(hall.conn):
                if one.state == "frozen":
                    rows = [tuple(row) for row in hall.scores(one.period).values()]
                    assert closed.setdefault(one.period, rows) == rows
        hall.settle("2027-01-16")
        booked = hall.booked()
        assert set(booked) == played
        counts: dict[tuple[str, str], int] = {}
        for row in hall.conn.execute("SELECT * FROM training_sessions"):
            key = (row["player_id"], row["period"])
            counts[key] = counts.get(key, 0) + row["scored"]
        stored = hall.conn.execute("SELECT player_id, period, sessions FROM ladder_training_scores").fetchall()
        open_now = set(open_periods(hall.conn))
        assert {(r["player_id"], r["period"]): r["sessions"] for r in stored if r["period"] in open_now} == {
            key: n for key, n in counts.items() if key[1] in open_now
        }
        # Of a frozen month as many sessions are left in it as are in its scores: none is lost, none counts twice.
        frozen = {one.period for one in training.periods(hall.conn) if one.state == "frozen"}
        assert {(r["player_id"], r["period"]): r["sessions"] for r in stored if r["period"] in frozen} == {
            key: n for key, n in counts.items() if key[1] in frozen
        }


# How much it costs


def test_a_month_costs_what_was_played_in_it_and_not_what_was_before(hall: TrainingHall) -> None:
    for player in range(3):
        for day in range(1, 11):
            hall.stay(player, f"2026-10-{day:02}")
    hall.settle("2026-10-12")
    before = instructions(hall.conn, lambda: hall.settle("2026-10-12"))
    for player in range(3):
        for month in range(1, 10):
            for day in range(1, 11):
                hall.stay(player, f"2026-{month:02}-{day:02}", shots=200)
    hall.settle("2026-10-12")
    assert instructions(hall.conn, lambda: hall.settle("2026-10-12")) <= before * 1.6 + 300


def test_a_score_takes_few_instructions_for_each_stroke(hall: TrainingHall) -> None:
    for day in range(1, 11):
        hall.stay(0, f"2026-10-{day:02}", shots=200)
    hall.settle("2026-10-12")
    assert instructions(hall.conn, lambda: gather(hall.conn, hall.players[0])) / 2000 < 40


def test_matches_of_a_month_are_found_without_looking_at_the_others(hall: TrainingHall) -> None:
    hall.stay(0, "2026-10-05")
    players = hall.players[:2]
    for number in range(20):
        put_match(hall.conn, Played(number, (0, 1), (3, 1), 60 * 24 * 3 * number), players)
    hall.settle("2026-10-12")
    before = instructions(hall.conn, lambda: settle_scores(hall.conn, OCTOBER, at("2026-10-12"), CHICAGO))
    for number in range(20, 400):
        put_match(hall.conn, Played(number, (0, 1), (3, 1), 60 * 8 * number), players)
    after = instructions(hall.conn, lambda: settle_scores(hall.conn, OCTOBER, at("2026-10-12"), CHICAGO))
    assert after <= before * 1.2 + 300


def test_the_months_are_texts_that_sort(hall: TrainingHall) -> None:
    assert sorted([DECEMBER, OCTOBER, month_after(DECEMBER)]) == [OCTOBER, DECEMBER, "2027-01"]
    assert body_of(hall.conn, OCTOBER, final=False)["scores"] == []
    assert list(MEASURES) == ["aim", "control", "position"]
