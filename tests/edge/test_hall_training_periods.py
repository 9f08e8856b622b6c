"""The months of training: which are open, what is told of them, and that what is closed stays as it is."""

import json
import random
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hall_facts import make_store
from training_hall import CHICAGO, TrainingHall, at, training_hall

from edge.clock import month_after, stamp
from edge.coach.score import MEASURES
from edge.hall import features, training, training_board
from edge.hall.players import erase_player, name_guest, new_guest
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
    sessions = training_board.counted_sessions(hall.conn, hall.players[0], NOVEMBER)
    assert [(one.late, one.steps["aim"].raw) for one in sessions] == [(True, 20.0)]


def test_what_was_usual_in_a_closed_month_is_what_was_kept_whatever_is_told_of_before(hall: TrainingHall) -> None:
    hall.weeks(0, "2026-10-01")
    hall.stay(0, "2026-10-05")
    hall.close(OCTOBER, "2026-11-01")
    hall.weeks(0, "2026-10-01", weeks=7, made=200, shots=200)
    hall.stay(0, "2026-10-20", shots=100, made=70)
    hall.settle("2026-11-02")
    sessions = training_board.counted_sessions(hall.conn, hall.players[0], NOVEMBER)
    assert [one.steps["aim"].raw for one in sessions] == [20.0]


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


def test_the_months_are_texts_that_sort(hall: TrainingHall) -> None:
    assert sorted([DECEMBER, OCTOBER, month_after(DECEMBER)]) == [OCTOBER, DECEMBER, "2027-01"]
    assert body_of(hall.conn, OCTOBER, final=False)["scores"] == []
    assert list(MEASURES) == ["aim", "control", "position"]


# What is told


def test_a_month_is_told_as_agreed(hall: TrainingHall) -> None:
    nine = hall.on_ladder("Nine", 1)
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
    hall.on_ladder("Nine", 0)
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
    nine = hall.on_ladder("Nine", 0)
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
        rewards = {
            hall.players.index(line.player_id): line.reward for line in training_board.board(hall.conn, OCTOBER)
        }
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
    assert training_board.how_made(hall.conn, one, OCTOBER) is not None


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
