"""A hall's months at the cloud: told by the hub, ranked, frozen, decided; a closed month never changes."""

import json
import random
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from reward_month import KilledError, MortalDatabase, a_score, make_halls, tell_scores
from telling_hub import Clock, TellingHub, enrolled

from edge.clock import stamp
from edge.facts import Fact, make_fact, uuid7
from sync.cloud import closing, periods, rewards, rules, standings
from sync.cloud.closing import Closed, close_due, preview
from sync.cloud.db import Database
from sync.cloud.deciding import Score
from sync.cloud.rules import Rules
from sync.cloud.standings import hash_of, read

ANA, BO, CY = (
    "11111111-1111-7111-8111-111111111111",
    "22222222-2222-7222-8222-222222222222",
    "33333333-3333-7333-8333-333333333333",
)
BERLIN = ZoneInfo("Europe/Berlin")


def told(month: str, *scores: Score, rev: int = 1, final: bool = False, created: datetime | None = None) -> Fact:
    """A fact as a hub writes it."""
    rows = [
        {
            "player": one.player, "ladder": one.ladder or None, "ladder_name": one.ladder_name or None,
            "coach_avg": one.coach_avg, "hours": one.hours, "hours_norm": one.hours_norm, "win_rate": one.win_rate,
            "total": one.total, "sessions": one.sessions, "shots": one.shots, "reached_at": one.reached_at,
        }
        for one in scores
    ]  # fmt: skip
    content = {"schema": 1, "period": month, "rev": rev, "final": final, "scores": rows}
    return make_fact("training", content, stamp(created or datetime(2026, 11, 30, 12, tzinfo=UTC)))


def hall_of(db: Database) -> str:
    with db.read() as conn:
        return str(conn.rows("SELECT id FROM halls")[0]["id"])


def board_of(db: Database, month: str = "2026-11") -> list[standings.Place]:
    hall_id = hall_of(db)
    with db.read() as conn:
        return standings.board(conn, hall_id, month)


def period_of(db: Database, hall_id: str, month: str = "2026-11") -> periods.Period:
    with db.read() as conn:
        found = periods.get(conn, hall_id, month)
    assert found is not None
    return found


def winners(db: Database, hall_id: str) -> list[str]:
    with db.read() as conn:
        return [one.player_id for one in rewards.of_hall(conn, hall_id)]


def confirm(db: Database, hall_id: str, month: str, now: datetime) -> bool:
    with db.write() as conn:
        return closing.confirm(conn, hall_id, month, now)


def use_rules(db: Database, **some: Any) -> None:
    with db.write() as conn:
        rules.keep_rules(
            conn, rules.ALL_HALLS, Rules(**some), by="dana@example.com", now="2026-11-01T00:00:00.000Z"
        )


def test_of_what_is_told_of_a_month_the_latest_holds(db: Database, client: FlaskClient, hub: TellingHub) -> None:
    hub.write(told("2026-11", a_score(ANA, 50.0)), told("2026-11", a_score(ANA, 55.0), a_score(BO, 60.0), rev=2))
    hub.told(client)
    board = board_of(db)
    assert [(one.rank, one.score.player, one.score.total) for one in board] == [(1, BO, 60.0), (2, ANA, 55.0)]
    hub.told(client)  # all of it again
    assert period_of(db, hall_of(db)).rev == 2
    hub.write(told("2026-11", a_score(BO, 61.0), rev=3))  # ana was erased
    hub.told(client, hub.batch(3))
    assert [one.score.player for one in board_of(db)] == [BO]


def test_facts_that_come_late_do_not_put_back_what_was_told_after(
    db: Database, client: FlaskClient, hub: TellingHub
) -> None:
    hub.write(told("2026-11", a_score(ANA, 50.0)), told("2026-11", a_score(ANA, 55.0), rev=2))
    hub.told(client, hub.batch(2, 2))
    hub.told(client, hub.batch(1, 1))
    assert period_of(db, hall_of(db)).rev == 2


def test_a_player_s_ladders_are_rows_of_one_place(db: Database, client: FlaskClient, hub: TellingHub) -> None:
    eight, nine = uuid7(), uuid7()
    hub.write(
        told(
            "2026-11",
            a_score(ANA, 60.0, ladder=eight, ladder_name="Eight"),
            a_score(ANA, 70.0, ladder=nine, ladder_name="Nine"),
            a_score(BO, 65.0),
        )
    )
    hub.told(client)
    board = board_of(db)
    assert [(one.rank, one.score.player, one.score.ladder_name) for one in board] == [
        (1, ANA, "Nine"),
        (2, BO, ""),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"player": "ana"}, {"ladder": "x"}, {"ladder_name": "Eight"}, {"total": 61.0}, {"coach_avg": 101.0},
        {"hours": -1}, {"hours": 745.0}, {"sessions": 1.5}, {"shots": True}, {"reached_at": "yesterday"},
        {"win_rate": "60"}, {"coach_avg": None},
    ],
)  # fmt: skip
def test_scores_that_can_not_be_are_set_aside_and_hold_up_nothing(
    db: Database, client: FlaskClient, hub: TellingHub, change: dict[str, Any]
) -> None:
    good = told("2026-11", a_score(ANA))
    body = json.loads(good.body)
    body["scores"][0] |= change
    hub.write(make_fact("training", body, good.created), told("2026-11", a_score(BO), rev=2))
    answer = hub.told(client)
    assert answer.ack == 2
    assert [(seq, fate) for seq, fate, _ in answer.set_aside] == [(1, "dead")]
    assert period_of(db, hall_of(db)).players == 1


@pytest.mark.parametrize(
    "change",
    [{"period": "2026-13"}, {"period": "2027-01"}, {"rev": -1}, {"final": 1}, {"scores": {}}, {"schema": True}],
)
def test_a_month_that_can_not_be_is_set_aside(
    client: FlaskClient, hub: TellingHub, change: dict[str, Any]
) -> None:
    good = told("2026-11", a_score(ANA))
    hub.write(make_fact("training", json.loads(good.body) | change, good.created))
    assert [fate for _, fate, _ in hub.told(client).set_aside] == ["dead"]


def test_the_same_player_twice_is_no_month() -> None:
    with pytest.raises(Exception, match="twice"):
        read(told("2026-11", a_score(ANA), a_score(ANA)))


def test_a_month_goes_from_open_to_decided(db: Database, client: FlaskClient, hub: TellingHub) -> None:
    hub.say(client, zone="Europe/Berlin")
    hub.write(told("2026-11", a_score(ANA, 70.0), a_score(BO, 60.0)))
    hub.told(client)
    hall_id, end = hall_of(db), datetime(2026, 12, 1, tzinfo=BERLIN)
    close_due(db, end - timedelta(seconds=1))
    assert period_of(db, hall_id).state == "open"
    close_due(db, end)
    assert period_of(db, hall_id).state == "grace"  # not all boxes have told all
    hub.write(told("2026-11", a_score(ANA, 71.0), a_score(BO, 60.0), rev=2, final=True))
    hub.told(client, hub.batch(2))
    close_due(db, end + timedelta(minutes=15))
    frozen = period_of(db, hall_id)
    assert (frozen.state, frozen.rev, frozen.hash) == (
        "frozen",
        2,
        hash_of([a_score(BO, 60.0), a_score(ANA, 71.0)]),
    )
    close_due(db, end + timedelta(hours=12, minutes=14))
    assert winners(db, hall_id) == []  # a person may look until then
    close_due(db, end + timedelta(hours=12, minutes=15))
    assert period_of(db, hall_id).state == "decided"
    assert winners(db, hall_id) == [ANA]
    decided = period_of(db, hall_id)
    with db.read() as conn:
        assert hash_of(standings.scores_of(conn, [hall_id], "2026-11")[hall_id]) == decided.hash
    assert [one.winner for one in board_of(db)] == [True, False]


def test_a_hub_that_is_silent_is_waited_for_three_days(db: Database, client: FlaskClient, hub: TellingHub) -> None:
    hub.write(told("2026-11", a_score(ANA)))
    hub.told(client)
    hall_id, end = hall_of(db), datetime(2026, 12, 1, tzinfo=UTC)
    close_due(db, end + timedelta(hours=71, minutes=59))
    assert period_of(db, hall_id).state == "grace"
    close_due(db, end + timedelta(hours=72))
    assert (period_of(db, hall_id).state, period_of(db, hall_id).rev) == ("frozen", 1)


def test_nothing_is_decided_before_all_was_told(db: Database) -> None:
    with db.write() as conn:
        (hall_id,) = make_halls(conn, 1)
        tell_scores(conn, hall_id, "2026-11", [a_score(ANA)], final=False)
    use_rules(db, look_hours=0)
    for hours in (0, 1):
        close_due(db, datetime(2026, 12, 1, hours, tzinfo=UTC))
    assert (period_of(db, hall_id).state, winners(db, hall_id)) == ("grace", [])


def test_what_is_told_after_the_freeze_changes_nothing(db: Database, client: FlaskClient, hub: TellingHub) -> None:
    hub.write(told("2026-11", a_score(ANA, 60.0), final=True))
    hub.told(client)
    close_due(db, datetime(2026, 12, 1, tzinfo=UTC))
    before = period_of(db, hall_of(db))
    hub.write(told("2026-11", a_score(BO, 99.0), rev=2, final=True))
    assert hub.told(client, hub.batch(2)).set_aside == ()  # kept, and not believed
    assert period_of(db, hall_of(db)) == before
    close_due(db, datetime(2026, 12, 2, tzinfo=UTC))
    assert winners(db, hall_of(db)) == [ANA]


@pytest.mark.parametrize(
    ("zone", "month", "end"),
    [
        ("Europe/Berlin", "2026-10", "2026-10-31T23:00:00+00:00"),  # summer time ended in it
        ("America/New_York", "2026-10", "2026-11-01T04:00:00+00:00"),  # and here it ends in the next night
        ("Pacific/Kiritimati", "2026-10", "2026-10-31T10:00:00+00:00"),
        ("Pacific/Pago_Pago", "2026-10", "2026-11-01T11:00:00+00:00"),
        ("Africa/Cairo", "2026-10", "2026-10-31T22:00:00+00:00"),
    ],
)
def test_a_month_ends_at_the_hall_s_own_midnight(db: Database, zone: str, month: str, end: str) -> None:
    with db.write() as conn:
        (hall_id,) = make_halls(conn, 1, zone)
        tell_scores(conn, hall_id, month, [a_score(ANA)])
    moment = datetime.fromisoformat(end)
    close_due(db, moment - timedelta(seconds=1))
    assert period_of(db, hall_id, month).state == "open"
    close_due(db, moment)
    assert period_of(db, hall_id, month).state == "frozen"


def test_a_month_without_anybody_is_decided_and_says_why(db: Database) -> None:
    with db.write() as conn:
        (hall_id,) = make_halls(conn, 1)
    for days in (0, 3, 4):
        close_due(db, datetime(2026, 12, 1, tzinfo=UTC) + timedelta(days=days))
    found = period_of(db, hall_id)
    assert (found.state, found.nobody, winners(db, hall_id)) == ("decided", "nobody trained", [])


def test_a_cloud_that_was_away_for_months_closes_them_all(db: Database) -> None:
    with db.write() as conn:
        (hall_id,) = make_halls(conn, 1)
        for month in ("2026-08", "2026-09", "2026-10"):
            tell_scores(conn, hall_id, month, [a_score(ANA)])
    use_rules(db, look_hours=0)
    assert close_due(db, datetime(2026, 12, 10, tzinfo=UTC)).rewards == 3
    assert close_due(db, datetime(2026, 12, 10, tzinfo=UTC)) == Closed()


def test_a_clock_that_was_set_back_opens_nothing(db: Database) -> None:
    with db.write() as conn:
        (hall_id,) = make_halls(conn, 1)
        tell_scores(conn, hall_id, "2026-11", [a_score(ANA)])
    use_rules(db, look_hours=0)
    close_due(db, datetime(2026, 12, 1, tzinfo=UTC))
    before = period_of(db, hall_id)
    close_due(db, datetime(2026, 10, 1, tzinfo=UTC))
    close_due(db, datetime(2026, 12, 2, tzinfo=UTC))
    assert (period_of(db, hall_id), winners(db, hall_id)) == (before, [ANA])


def test_a_person_looks_holds_passes_over_and_confirms(db: Database) -> None:
    with db.write() as conn:
        (hall_id,) = make_halls(conn, 1)
        tell_scores(conn, hall_id, "2026-11", [a_score(ANA, 70.0), a_score(BO, 60.0)])
    now = datetime(2026, 12, 1, 1, tzinfo=UTC)
    assert not confirm(db, hall_id, "2026-11", now)  # it is not frozen yet
    close_due(db, now)
    with db.write() as conn:
        period = periods.lock(conn, hall_id, "2026-11")
        periods.hold(conn, period, True)
        periods.pass_over(conn, period, ANA, why="the cameras were covered", by="dana@example.com", now=now)
    close_due(db, now + timedelta(days=10))
    assert winners(db, hall_id) == []
    with db.read() as conn:
        seen = preview(conn, hall_id, "2026-11", now)
    assert [one.score.player for one in seen.decision.awards] == [BO]
    assert (seen.passed_over, seen.decides_at) == ({ANA: "the cameras were covered"}, None)
    assert confirm(db, hall_id, "2026-11", now)
    assert not confirm(db, hall_id, "2026-11", now)
    assert winners(db, hall_id) == [BO]


def test_a_member_of_two_halls_wins_in_one_of_them(db: Database) -> None:
    from sync.cloud import members

    with db.write() as conn:
        first, second = make_halls(conn, 2)
        conn.run(
            "INSERT INTO members (id, code, customer_id, made_at) VALUES ('m', 'c', 'cus_1', ?)",
            ["2026-01-01T00:00:00.000Z"],
        )
        for hall_id, player in ((first, ANA), (second, BO)):
            members.link(conn, hall_id, player, "m", datetime(2026, 11, 1, tzinfo=UTC))
        for hall_id, player in ((first, ANA), (second, BO)):
            tell_scores(conn, hall_id, "2026-11", [a_score(player, 70.0), a_score(CY, 60.0)])
    use_rules(db, look_hours=0)
    close_due(db, datetime(2026, 12, 1, tzinfo=UTC))
    assert sorted([winners(db, first), winners(db, second)]) in ([[ANA], [CY]], sorted([[BO], [CY]]))


def test_two_clouds_at_once_close_every_hall_once(address: str, db: Database) -> None:
    from sync.cloud.db import opened

    with db.write() as conn:
        ids = make_halls(conn, 30)
        for hall_id in ids:
            tell_scores(conn, hall_id, "2026-11", [a_score(uuid7())])
    use_rules(db, look_hours=0)
    done: list[Closed] = []

    def close() -> None:
        with opened(address) as own:
            done.append(close_due(own, datetime(2026, 12, 1, tzinfo=UTC)))

    threads = [threading.Thread(target=close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one.rewards for one in done) == 30
    assert all(len(winners(db, hall_id)) == 1 for hall_id in ids)


@pytest.mark.parametrize("seed", range(4))
def test_whoever_is_killed_while_closing_leaves_whole_halls(
    db: Database, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.cloud.closing.AT_ONCE", 3)
    with db.write() as conn:
        ids = make_halls(conn, 10)
        for hall_id in ids:
            tell_scores(conn, hall_id, "2026-11", [a_score(uuid7())])
    use_rules(db, look_hours=0)
    killed, rng = 0, random.Random(seed)
    for _ in range(60):
        try:
            close_due(MortalDatabase(db, rng, 0.3), datetime(2026, 12, 1, tzinfo=UTC))  # type: ignore[arg-type]
        except KilledError:
            killed += 1
            continue
        break
    with db.read() as conn:
        states = [periods.get(conn, hall_id, "2026-11") for hall_id in ids]
    assert killed > 0
    assert {one.state for one in states if one} == {"decided"}
    assert all(len(winners(db, hall_id)) == 1 for hall_id in ids)


def test_a_score_for_another_hall_can_not_be_told(db: Database, client: FlaskClient, hub: TellingHub) -> None:
    other = enrolled(db, "Another hall", Clock())
    hub.write(told("2026-11", a_score(ANA)))
    other.write(told("2026-11", a_score(BO)))
    hub.told(client)
    other.told(client)
    with db.read() as conn:
        found = {
            row["name"]: [one.score.player for one in standings.board(conn, row["id"], "2026-11")]
            for row in conn.rows("SELECT id, name FROM halls")
        }
    assert found == {"Chalk City": [ANA], "Another hall": [BO]}
    assert hub.tell(client, other.batch()).status_code == 403
