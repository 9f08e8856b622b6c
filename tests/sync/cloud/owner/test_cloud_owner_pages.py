"""All of the owner's pages: for owners alone, from their own forms, whatever is asked or typed, and with a word on
whose money moves."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from owner_scene import (
    MONTH,
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
from telling_hub import ADDRESS, Clock

from edge.facts import uuid7
from sync.cloud import names
from sync.cloud.api import Money
from sync.cloud.app import create_app
from sync.cloud.closing import close_due
from sync.cloud.db import Database
from sync.cloud.paying import Treasurer
from sync.cloud.site import parse_site
from sync.cloud.stripe_gateway import Gateway, KeyRefusedError

NASTY = '<script>alert("8")</script>'

PAGES = (
    "/rewards",
    "/rewards/list?state=applied&month=2026-10",
    "/rewards/{reward}",
    "/rewards/{reward}/take-back",
    "/rules",
    "/halls/{hall}",
    "/halls/{hall}/rules",
    "/halls/{hall}/training.csv?month=2026-10",
)
DEEDS = (
    "/rewards/confirm",
    "/rewards/hold",
    "/rewards/pass-over",
    "/rewards/pass-over/take-back",
    "/rewards/{reward}/try-again",
    "/rewards/{reward}/take-back",
    "/rewards/{reward}/seen",
    "/rules",
    "/halls/{hall}/rules",
    "/halls/{hall}/rules/as-all",
)


def test_who_is_not_signed_in_sees_no_page_and_does_nothing(db: Database, app: Flask) -> None:
    hall, stranger = put_hall(db, "Chalk City"), app.test_client()
    close_due(db, START)
    for path in (*PAGES, *DEEDS):
        address = path.format(hall=hall.id, reward=uuid7())
        answers = [stranger.get(address)] if path in PAGES else []
        answers += [stranger.post(address, data={"hall": hall.id, "month": MONTH})] if path in DEEDS else []
        assert answers
        for answer in answers:
            assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in"), address
    assert state_of(db, hall) == "frozen"


def test_a_deed_without_a_form_of_ours_is_refused(db: Database, client: FlaskClient) -> None:
    hall = put_hall(db, "Chalk City")
    close_due(db, START)
    for path in DEEDS:
        for data in ({}, {"csrf": "0" * 64}):
            said = {"hall": hall.id, "month": MONTH, "held": "1", "why": "an employee", **data}
            answer = client.post(path.format(hall=hall.id, reward=uuid7()), data=said)
            assert answer.status_code == 403
            assert "open for too long" in answer.text
    assert state_of(db, hall) == "frozen"
    assert deeds_of(db, hall.id) == []


def test_another_owner_s_form_is_not_this_owner_s(db: Database, app: Flask, client: FlaskClient) -> None:
    hall, other = put_hall(db, "Chalk City"), app.test_client()
    sign_in(other)
    csrf = field(other.get("/rules").text)
    assert client.post("/rewards/hold", data={"csrf": csrf, "hall": hall.id, "month": MONTH}).status_code == 403


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "0000-05", "9999-12", "\u0662026-10", "<b>", "2026-10-01"])
def test_what_is_no_month_is_said_to_be_none(db: Database, client: FlaskClient, month: str) -> None:
    hall = put_hall(db, "Chalk City")
    for path in (f"/halls/{hall.id}", f"/halls/{hall.id}/training.csv", "/rewards", "/rewards/list"):
        answer = client.get(path, query_string={"month": month, "state": "applied"})
        assert (answer.status_code, "like 2026-10" in answer.text) == (400, True), path
    assert send(client, "/rewards/hold", hall=hall.id, month=month).status_code == 400


@pytest.mark.parametrize("unknown", ["nothing", "x" * 500, "a\0b", "01900000-0000-7000-8000-000000000000"])
def test_what_is_not_there_is_said_not_to_be(db: Database, client: FlaskClient, unknown: str) -> None:
    assert client.get(f"/halls/{unknown}").status_code == 404
    assert client.get(f"/halls/{unknown}/rules").status_code == 404
    assert client.get(f"/rewards/{unknown}").status_code == 404
    assert client.get("/rewards", query_string={"month": MONTH, "only": unknown}).status_code == 200
    for path in ("/rewards/confirm", "/rewards/hold"):
        assert send(client, path, hall=unknown).status_code == 404
    assert client.get("/rewards/list?month=2026-10&state=lost").status_code == 400


def test_months_far_away_are_empty_and_no_error(db: Database, client: FlaskClient) -> None:
    hall = put_hall(db, "Chalk City")
    for month in ("2000-01", "2999-12"):
        for path in (f"/halls/{hall.id}", "/rewards"):
            assert client.get(path, query_string={"month": month}).status_code == 200
        assert send(client, "/rewards/hold", hall=hall.id, month=month).status_code == 404
    assert state_of(db, hall, "2999-12") == "nothing"


def test_what_is_typed_anywhere_is_text(db: Database, client: FlaskClient) -> None:
    hall = put_hall(db, "Chalk City")
    with db.write() as conn:
        conn.run("UPDATE halls SET name = ? WHERE id = ?", [NASTY, hall.id])
        names.replace(conn, hall.id, dict.fromkeys(hall.players, NASTY))
    close_due(db, START)
    send(client, "/rewards/pass-over", hall=hall.id, player=hall.players[4], why=NASTY)
    confirm(client, hall)
    reward = only_reward(db, hall)
    for path in (
        "/",
        f"/halls/{hall.id}?month={MONTH}",
        f"/halls/{hall.id}/rules",
        f"/rewards?month={MONTH}",
        f"/rewards?find={NASTY}",
        f"/rewards/{reward.id}",
        f"/rewards/list?month={MONTH}&state=decided",
    ):
        page = client.get(path)
        assert page.status_code == 200
        assert "<script" not in page.text, path
        assert "&lt;script&gt;" in page.text or path.startswith("/rewards?month"), path


def test_no_page_has_a_script_or_a_style_of_its_own(db: Database, client: FlaskClient) -> None:
    hall = put_hall(db, "Chalk City")
    close_due(db, START)
    confirm(client, hall)
    reward = only_reward(db, hall)
    for path in (*PAGES, "/subscribed", "/not-subscribed", "/back-to-the-hall"):
        page = client.get(path.format(hall=hall.id, reward=reward.id))
        assert page.status_code == 200, path
        assert not [bad for bad in ("<script", " style=", " onclick=") if bad in page.text], path
        assert page.headers["Cache-Control"] == "no-store"


def test_without_stripe_the_pages_say_so_and_nothing_is_done_there(db: Database, client: FlaskClient) -> None:
    hall = put_hall(db, "Chalk City")
    close_due(db, START)
    confirm(client, hall)
    reward = only_reward(db, hall)
    for path in (f"/rewards?month={MONTH}", f"/rewards/{reward.id}", f"/rewards/{reward.id}/take-back"):
        assert "not set up with Stripe yet" in client.get(path).text
    for deed in ("try-again", "take-back"):
        answer = send(client, f"/rewards/{reward.id}/{deed}", why="for a reason")
        assert (answer.status_code, "not set up with Stripe" in answer.text) == (409, True)
    assert 'class="band' not in client.get("/rewards").text


def test_the_sandbox_is_named_on_every_page(paying: Paying) -> None:
    hall = put_hall(paying.db, "Chalk City")
    reward = paying.decided(hall)
    for path in (*PAGES, "/", "/sign-in", "/subscribed", "/not-subscribed", "/back-to-the-hall", "/nothing"):
        if "csv" not in path:
            page = paying.client.get(path.format(hall=hall.id, reward=reward.id)).text
            assert page.count("SANDBOX: no money moves") == 1, path


@pytest.mark.parametrize(("key", "band"), [("sk_test_1", "Stripe test mode"), ("sk_live_1", None)])
def test_a_test_key_is_named_and_a_live_one_is_quiet(
    db: Database, clock: Clock, key: str, band: str | None
) -> None:
    treasurer = Treasurer(db, Gateway(key), clock)
    page = create_app(db, parse_site(ADDRESS), clock, Money(treasurer)).test_client().get("/sign-in").text
    assert ('class="band' in page) == (band is not None)
    assert band is None or band in page


def test_keys_that_stripe_refuses_are_told_on_every_page(paying: Paying) -> None:
    paying.treasurer.trouble = str(KeyRefusedError("Stripe knows no such key"))
    for path in ("/", "/rewards", "/rules"):
        assert "Nothing can be paid just now: Stripe knows no such key" in paying.client.get(path).text
    assert "no such key" not in paying.client.get("/subscribed").text
