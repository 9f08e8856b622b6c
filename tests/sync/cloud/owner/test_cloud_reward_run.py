"""The reward run: only what was looked at is decided, and a page costs the same however many halls there are."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from owner_scene import (
    EMAIL,
    MONTH,
    NAMES,
    START,
    Paying,
    confirm,
    deeds_of,
    field,
    only_reward,
    put_hall,
    send,
    sign_in,
    state_of,
)
from reward_month import a_score, make_halls, tell_scores
from sqlite_work import instructions
from telling_hub import Clock

from edge.clock import stamp
from edge.facts import uuid7
from sync.cloud import members, names, periods, rules
from sync.cloud.closing import close_due
from sync.cloud.db import Conn, Database, opened
from sync.cloud.halls import Hall
from sync.cloud.owner import run
from sync.cloud.owner.words import money_words
from sync.cloud.owner.would import would_apply
from sync.cloud.rules import ALL_HALLS, Rules
from sync.cloud.schema import migrate


def test_a_frozen_month_is_looked_at_first_who_wins_why_and_who_came_next(paying: Paying) -> None:
    hall = put_hall(paying.db, "Chalk City")
    paying.member(hall)
    close_due(paying.db, START)
    page = paying.client.get(f"/rewards?month={MONTH}").text
    assert NAMES[0] in page
    assert "50 % off the invoice of 2 Dec, $10.00." in page
    assert f"<b>{NAMES[1]}</b>" in page.partition("Came next")[2]
    assert "points behind" in page
    assert "It will be decided by itself on 2 Nov, 21:30 UTC." in page
    assert state_of(paying.db, hall) == "frozen"


def test_who_lacks_something_is_told_what(db: Database, client: FlaskClient) -> None:
    hall = put_hall(db, "Chalk City")
    with db.write() as conn:
        rules.keep_rules(conn, hall.id, Rules(least_sessions=14, least_hours=5.0), by=EMAIL, now=stamp(START))
    close_due(db, START)
    page = client.get(f"/rewards?month={MONTH}").text
    assert "points behind, and lacks 1 session" in page


def test_what_was_looked_at_is_confirmed_and_written_down(paying: Paying) -> None:
    hall = put_hall(paying.db, "Chalk City")
    close_due(paying.db, START)
    answer = confirm(paying.client, hall)
    assert answer.status_code == 303
    assert "Chalk City: confirmed" in paying.client.get(answer.headers["Location"]).text
    assert state_of(paying.db, hall) == "decided"
    assert only_reward(paying.db, hall).player_id == hall.players[0]
    assert deeds_of(paying.db, hall.id) == [(EMAIL, "confirm")]
    assert paying.kicks == [1]
    assert f"{EMAIL}</b> confirmed the month" in paying.client.get(f"/halls/{hall.id}?month={MONTH}").text


def test_confirmed_twice_it_is_decided_once(db: Database, client: FlaskClient) -> None:
    hall = put_hall(db, "Chalk City")
    close_due(db, START)
    looked = field(client.get(f"/rewards?month={MONTH}").text, "looked")
    answers = [send(client, "/rewards/confirm", hall=hall.id, looked=looked) for _ in range(2)]
    assert [one.status_code for one in answers] == [303, 303]
    assert "decided already" in client.get(answers[1].headers["Location"]).text
    assert deeds_of(db, hall.id) == [(EMAIL, "confirm")]
    assert only_reward(db, hall)


@pytest.mark.parametrize("change", ["rules", "passed over", "name", "member"])
def test_what_has_changed_since_it_was_looked_at_is_shown_again_and_not_decided(
    paying: Paying, change: str
) -> None:
    db, client, hall = paying.db, paying.client, put_hall(paying.db, "Chalk City")
    close_due(db, START)
    looked = field(client.get(f"/rewards?month={MONTH}").text, "looked")
    if change == "member":
        paying.member(hall)
    with db.write() as conn:
        if change == "rules":
            rules.keep_rules(conn, ALL_HALLS, Rules(least_sessions=5), by=EMAIL, now=stamp(START))
        elif change == "passed over":
            period = periods.lock(conn, hall.id, MONTH)
            periods.pass_over(conn, period, hall.players[0], why="is staff", by="eve@example.com", now=START)
        elif change == "name":
            names.replace(conn, hall.id, {hall.players[0]: "Somebody Else"})
    answer = send(client, "/rewards/confirm", hall=hall.id, looked=looked)
    assert answer.status_code == 409
    assert "Nothing is decided" in answer.text
    assert state_of(db, hall) == "frozen"
    assert deeds_of(db, hall.id) == []
    fresh = field(answer.text, "looked")
    assert fresh != looked
    assert send(client, "/rewards/confirm", hall=hall.id, looked=fresh).status_code == 303
    assert state_of(db, hall) == "decided"


def test_nothing_is_confirmed_while_scores_may_still_change(
    db: Database, client: FlaskClient, clock: Clock
) -> None:
    waits, running = put_hall(db, "Chalk City", final=False), put_hall(db, "Corner Pocket", month="2026-11")
    close_due(db, START)
    assert send(client, "/rewards/confirm", hall=waits.id, looked="").status_code == 409
    assert send(client, "/rewards/confirm", hall=running.id, month="2026-11", looked="").status_code == 409
    page = client.get(f"/rewards?month={MONTH}").text
    assert "until 4 Nov, 00:00 UTC at most" in page
    assert ">Confirm<" not in page
    running_page = client.get("/rewards?month=2026-11").text
    assert "runs until 1 Dec, 00:00 UTC" in running_page
    assert [state_of(db, waits), state_of(db, running, "2026-11")] == ["grace", "open"]


def test_a_held_month_waits_until_it_is_let_run(db: Database, client: FlaskClient, clock: Clock) -> None:
    hall = put_hall(db, "Chalk City")
    close_due(db, START)
    assert send(client, "/rewards/hold", hall=hall.id, held="1").status_code == 303
    send(client, "/rewards/hold", hall=hall.id, held="1")
    clock.on(days=3)
    sign_in(client)
    close_due(db, clock.now)
    assert state_of(db, hall) == "frozen"
    assert "Held: it waits for a person." in client.get(f"/rewards?month={MONTH}").text
    send(client, "/rewards/hold", hall=hall.id, held="0")
    close_due(db, clock.now)
    assert state_of(db, hall) == "decided"
    assert deeds_of(db, hall.id) == [(EMAIL, "hold"), (EMAIL, "let-run")]
    assert send(client, "/rewards/hold", hall=hall.id, held="1").status_code == 409


def test_a_player_is_passed_over_with_a_reason_and_may_win_again(db: Database, client: FlaskClient) -> None:
    hall = put_hall(db, "Chalk City")
    close_due(db, START)
    said = {"hall": hall.id, "player": hall.players[0]}
    assert send(client, "/rewards/pass-over", why="  ", **said).status_code == 400
    assert send(client, "/rewards/pass-over", why="x" * 300, **said).status_code == 400
    assert send(client, "/rewards/pass-over", why="works\x1b[2J here", **said).status_code == 400
    answer = send(client, "/rewards/pass-over", why="works here", **said)
    page = client.get(answer.headers["Location"]).text
    assert NAMES[1] in page.partition("Would win")[2].partition("Came next")[0]
    assert "works here" in page
    send(client, "/rewards/pass-over/take-back", **said)
    send(client, "/rewards/pass-over/take-back", **said)
    page = client.get(f"/rewards?month={MONTH}").text
    assert NAMES[0] in page.partition("Would win")[2].partition("Came next")[0]
    assert "works here" not in page
    assert deeds_of(db, hall.id) == [(EMAIL, "pass-over"), (EMAIL, "pass-over-back")]


def test_nobody_is_passed_over_who_did_not_train_there_or_when_it_is_decided(
    db: Database, client: FlaskClient
) -> None:
    hall, other = put_hall(db, "Chalk City"), put_hall(db, "Corner Pocket")
    close_due(db, START)
    for player in (other.players[0], "", "a\0b"):
        assert send(client, "/rewards/pass-over", hall=hall.id, player=player, why="not here").status_code == 404
    confirm(client, hall)
    answer = send(client, "/rewards/pass-over", hall=hall.id, player=hall.players[0], why="too late")
    assert (answer.status_code, "never changes again" in answer.text) == (409, True)
    assert only_reward(db, hall).player_id == hall.players[0]


def test_who_has_won_in_another_hall_is_told_to_have_a_reward_already(paying: Paying) -> None:
    first, second = put_hall(paying.db, "Chalk City"), put_hall(paying.db, "Corner Pocket")
    member = paying.member(first)
    with paying.db.write() as conn:
        members.link(conn, second.id, second.players[0], member.id, START)
    close_due(paying.db, START)
    confirm(paying.client, first)
    page = paying.client.get(f"/rewards?month={MONTH}&only={second.id}").text
    assert NAMES[1] in page.partition("Would win")[2].partition("Came next")[0]
    assert "has a reward of this month already" in page.partition("Came next")[2]


def test_the_first_to_be_seen_are_those_to_look_at(db: Database, client: FlaskClient, clock: Clock) -> None:
    decided, frozen, waits = (put_hall(db, name, final=name != "W") for name in "DFW")
    close_due(db, START)
    confirm(client, decided)
    shown = {
        show: [one.id in client.get(f"/rewards?month={MONTH}{show}").text for one in (decided, frozen, waits)]
        for show in ("", "&show=grace", "&show=decided", "&show=open", "&show=bogus")
    }
    assert shown == {
        "": [False, True, False],
        "&show=bogus": [False, True, False],
        "&show=grace": [False, False, True],
        "&show=decided": [True, False, False],
        "&show=open": [False, False, False],
    }
    page = client.get(f"/rewards?month={MONTH}").text
    assert "<b>1</b> decided, not at Stripe yet" in page


def test_a_hall_that_has_told_nothing_is_listed_as_such(db: Database, client: FlaskClient) -> None:
    told, silent = put_hall(db, "Chalk City"), put_hall(db, "Corner Pocket", month="2026-09")
    page = client.get(f"/rewards?month={MONTH}&show=nothing").text
    assert silent.id in page
    assert told.id not in page
    assert "Nothing was told of this month." in page


def test_pages_have_ten_halls_and_every_hall_is_on_one(db: Database, client: FlaskClient) -> None:
    halls = [put_hall(db, f"Hall {n:02}", count=1) for n in range(23)]
    close_due(db, START)
    pages = [client.get(f"/rewards?month={MONTH}&page={page}").text for page in (1, 2, 3, 4)]
    assert [sum(one.id in page for one in halls) for page in pages] == [10, 10, 3, 0]
    assert ["Further" in page for page in pages] == [True, True, False, False]
    found = client.get(f"/rewards?month={MONTH}&find=hALL 1").text
    assert [one.id in found for one in halls] == [10 <= n < 20 for n in range(23)]
    assert halls[0].id not in client.get(f"/rewards?month={MONTH}&find=%25").text


def test_whoever_acts_comes_back_to_where_they_were(db: Database, client: FlaskClient) -> None:
    hall = put_hall(db, "Chalk City")
    close_due(db, START)
    where = {"show": "frozen", "page": "2", "find": ""}
    answer = send(client, "/rewards/hold", hall=hall.id, held="1", **where)
    assert "show=frozen" in answer.headers["Location"]
    assert "page=2" in answer.headers["Location"]


@pytest.mark.parametrize(
    ("says", "care", "words"),
    [
        ({}, "ok", "50 % off the invoice of 12 Dec, $10.00."),
        ({"months": 12, "price_cents": 24000}, "ok",
         "$10.00 off the invoice of 12 Dec: of one month, for it pays 12."),
        ({"currency": "jpy", "price_cents": 1500}, "ok", "50 % off the invoice of 12 Dec, 750 JPY."),
        ({"status": "trialing", "trial_ends_at": "2026-12-20T10:00:00.000Z"}, "ok",
         "50 % off the invoice, the first after the trial ends on 20 Dec, $10.00."),
        ({"paused": True}, "warn", "It would wait: the subscription is paused."),
        ({"ends": True}, "warn", "It would wait: the subscription ends: there is no next invoice."),
        ({"status": "canceled"}, "warn",
         "The subscription has ended: it waits for another until the end of November 2026."),
        ({"months": None}, "bad", "A person would have to look: its invoices are not of whole months."),
        (None, "warn", "No subscription is known: it waits for one until the end of November 2026."),
    ],
)  # fmt: skip
def test_what_would_be_applied_is_what_the_subscription_allows(
    app: Flask, says: dict[str, Any] | None, care: str, words: str
) -> None:
    usual = {"status": "active", "currency": "usd", "price_cents": 2000, "months": 1, "coupons": [],
             "renews_at": "2026-12-12T10:00:00.000Z"}  # fmt: skip
    member = None if says is None else members.Member("m", "C", "cus_1", "sub_1", usual | says, "", "")
    with app.app_context():
        found = would_apply("half", member, Hall("h", "Chalk City"), MONTH)
    assert (found.care, found.words) == (care, words)


def test_money_is_written_as_its_currency_is() -> None:
    assert [money_words(123456, one) for one in ("usd", "EUR", "chf", "jpy")] == [
        "$1,234.56", "€1,234.56", "1,234.56 CHF", "123,456 JPY",
    ]  # fmt: skip


def test_a_page_costs_the_same_whether_there_are_few_halls_or_many(new_address: Callable[[str], str]) -> None:
    """Told in SQLite's own instructions; what grows is the count of halls by state, by some steps in an index."""
    cost: dict[int, int] = {}
    for count in (40, 400):
        with opened(new_address("sqlite")) as db:
            migrate(db)
            with db.write() as conn:
                for hall_id in make_halls(conn, count):
                    tell_scores(conn, hall_id, MONTH, [a_score(uuid7(), 60.0 - n) for n in range(5)])
            close_due(db, START)
            with db.read() as conn:
                cost[count] = instructions(conn.driver(), partial(look, conn))
    assert (cost[400] - cost[40]) / 360 < 12


def look(conn: Conn) -> None:
    assert len(run.look(conn, MONTH, START, run.Place("frozen", page=2)).cards) == run.AT_ONCE
    run.to_look_at(conn, 20)
    run.drifting_members(conn, 20)


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        ("SELECT hall_id FROM periods WHERE period = '2026-10' AND state = 'frozen' ORDER BY hall_id LIMIT 11",
         "COVERING INDEX periods_by_state"),
        ("SELECT id FROM subscription_rewards WHERE state = 'needs_review' OR drift <> '' ORDER BY period DESC",
         "rewards_to_look_at"),
        ("SELECT id FROM subscription_rewards WHERE period = '2026-10' AND state = 'applied' ORDER BY id LIMIT 50",
         "COVERING INDEX rewards_by_period"),
        ("SELECT id FROM members WHERE drift <> '' ORDER BY id LIMIT 20", "members_drift"),
    ],
)  # fmt: skip
def test_what_a_page_lists_is_in_the_order_of_an_index(
    new_address: Callable[[str], str], sql: str, index: str
) -> None:
    with opened(new_address("sqlite")) as db:
        migrate(db)
        with db.read() as conn:
            plan = "\n".join(row["detail"] for row in conn.rows(f"EXPLAIN QUERY PLAN {sql}"))
    assert index in plan
    assert "TEMP B-TREE" not in plan
