"""The training of a month: who counts, how a score is made of what was played, and who is shown."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hall_facts import Played, make_store, put_match, put_players, put_results
from sqlite_work import instructions
from training_hall import CHICAGO, TrainingHall, at, training_hall

from edge.clock import stamp
from edge.hall import features, ladders, training_board
from edge.hall.matches import Result
from edge.hall.players import erase_player, get_player, name_guest, new_guest, save_player
from edge.hall.training_periods import (
    begin,
    make_final,
)
from edge.hall.training_scores import settle_scores, total_of
from edge.hall.training_sessions import gather, put

OCTOBER, NOVEMBER = "2026-10", "2026-11"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("hall") / "ladder.db")


@pytest.fixture
def hall(path: Path) -> Iterator[TrainingHall]:
    with training_hall(path) as hall:
        begin(hall.conn, at("2026-10-01"), CHICAGO)
        yield hall


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
    made = training_board.how_made(hall.conn, hall.players[0], OCTOBER)
    assert made is not None
    sessions = training_board.counted_sessions(hall.conn, hall.players[0], OCTOBER)
    scores = {one.shots: one.coach_score for one in sessions}
    assert scores[20] == 67.0 < scores[100]
    assert made.place.coach_avg == round((100 * scores[100] + 20 * scores[20]) / 120, 2)


def test_sessions_are_leafed_through_without_a_gap_or_one_twice(hall: TrainingHall) -> None:
    for day in range(1, 8):
        hall.stay(0, f"2026-10-0{day}")
    hall.settle("2026-10-08")
    player = hall.players[0]
    whole = training_board.counted_sessions(hall.conn, player, OCTOBER)
    assert [one.day for one in whole] == [f"2026-10-0{day}" for day in range(7, 0, -1)]
    leafed, last = [], None
    while page := training_board.counted_sessions(hall.conn, player, OCTOBER, 3, last):
        assert len(page) <= 3
        leafed += page
        last = page[-1].session_id
    assert leafed == whole


def test_how_a_score_is_made_is_told_part_by_part(hall: TrainingHall) -> None:
    hall.weeks(0, "2026-10-01")
    hall.stay(0, "2026-10-05", shots=100, made=70, hours=2)
    hall.stay(1, "2026-10-05", hours=4)
    hall.settle("2026-10-06")
    made = training_board.how_made(hall.conn, hall.players[0], OCTOBER)
    assert made is not None
    usual = training_board.usual_of(hall.conn, hall.players[0], OCTOBER)
    assert usual["aim"] == training_board.Usual(50.0, 12, 480)
    assert usual["control"] is usual["position"] is None, "every stroke was a visit of its own"
    (session,) = training_board.counted_sessions(hall.conn, hall.players[0], OCTOBER)
    aim = session.steps["aim"]
    assert (aim.value, aim.raw, aim.strokes) == (70.0, 20.0, 100)
    assert aim.counted == round(20 / (1 + 200 * (1 / 100 + 1 / 480)), 2)
    assert session.coach_score == round(67 + aim.counted, 2)
    assert (session.minutes, session.day, session.late) == (120.0, "2026-10-05", False)
    assert (made.most_hours, made.missing_sessions, made.missing_hours) == (4.0, 3, 1.0)
    assert training_board.how_made(hall.conn, hall.players[5], OCTOBER) is None


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
    usual = training_board.usual_of(hall.conn, hall.players[0], OCTOBER)["aim"]
    assert usual == training_board.Usual(50.0, 3, 200), "and the last of the twelve begins on the ninth of July"


def test_with_two_weeks_only_nothing_is_usual_yet(hall: TrainingHall) -> None:
    hall.weeks(0, "2026-10-01", weeks=2)
    hall.stay(0, "2026-10-05", made=40)
    hall.settle("2026-10-06")
    assert hall.score(0, OCTOBER)["coach_avg"] == 67.0


# Ladders and matches


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
    nine, eight = hall.on_ladder("Nine", 0, 1), hall.on_ladder("Eight", 0, 1)
    match(hall, 1, (0, 1), "2026-10-03", nine)
    match(hall, 2, (1, 0), "2026-10-04", nine)
    match(hall, 3, (1, 0), "2026-10-04", eight)
    match(hall, 4, (0, 1), "2026-09-30", eight)
    match(hall, 5, (0, 1), "2026-11-01", eight)
    hall.stay(0, "2026-10-05")
    hall.settle("2026-10-06")
    rates = {ladder: row["win_rate"] for (_, ladder), row in hall.scores(OCTOBER).items()}
    assert rates == {nine: 50.0, eight: 0.0}
    place = training_board.own_place(hall.conn, hall.players[0], OCTOBER)
    assert place is not None
    assert [(one.ladder, one.won, one.played) for one in place.ladders] == [("Nine", 1, 2), ("Eight", 0, 1)]
    assert place.best.total == place.ladders[0].total > place.ladders[1].total
    (line,) = training_board.board(hall.conn, OCTOBER)
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
    nine = hall.on_ladder("Nine", 0)
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
    held, how = dict(hall.score(0, OCTOBER)), training_board.how_made(hall.conn, hall.players[0], OCTOBER)
    usual = training_board.usual_of(hall.conn, hall.players[0], OCTOBER)
    hall.conn.execute("UPDATE plays SET result = 'miss' WHERE session_id = ?", [session])
    hall.conn.execute("UPDATE sessions SET active_s = 9, shots = 11 WHERE id = ?", [session])
    hall.settle("2026-11-02")
    assert dict(hall.score(0, OCTOBER)) == held
    assert training_board.how_made(hall.conn, hall.players[0], OCTOBER) == how
    assert training_board.usual_of(hall.conn, hall.players[0], OCTOBER) == usual


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


# Who is shown


def test_who_stays_out_of_sight_is_ranked_and_not_shown(hall: TrainingHall) -> None:
    for number in range(6):
        hall.stay(number, "2026-10-05", hours=6 - number)
    first = get_player(hall.conn, hall.players[0])
    assert first is not None
    save_player(hall.conn, replace(first, visible=False))
    hall.settle("2026-10-06")
    assert [(line.rank, line.name) for line in training_board.board(hall.conn, OCTOBER)] == [
        (n + 1, f"Player 000{n}") for n in range(1, 6)
    ]
    own = training_board.own_place(hall.conn, hall.players[0], OCTOBER)
    assert own is not None
    assert own.rank == 1


def test_nobody_is_shown_below_the_tenth(hall: TrainingHall) -> None:
    more = put_players_named(hall.conn, 8)
    for number, player in enumerate([*hall.players, *more]):
        hall.stay(player, "2026-10-05", hours=5 - number / 10)
    hall.settle("2026-10-06")
    assert [line.rank for line in training_board.board(hall.conn, OCTOBER)] == list(range(1, 11))
    last = training_board.own_place(hall.conn, more[-1], OCTOBER)
    assert last is not None
    assert last.rank == 14


def put_players_named(conn: sqlite3.Connection, count: int) -> list[str]:
    conn.execute("UPDATE players SET name_key = 'x' || name_key")
    return put_players(conn, count)


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
