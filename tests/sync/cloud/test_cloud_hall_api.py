"""What a hub asks for its hall, an owner's program asks and Stripe tells: over HTTP, in every bad shape."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from reward_month import a_price, a_score, clock_of, subscribe, tell_scores
from stripe_sandbox import StripeSandbox, stripe_sandbox
from telling_hub import Clock, TellingHub, enrolled

from edge.clock import stamp
from edge.facts import uuid7
from sync.cloud import codes, members, owners, plans, rewards
from sync.cloud.api import Money
from sync.cloud.app import create_app
from sync.cloud.db import Database
from sync.cloud.paying import Treasurer
from sync.cloud.plans import plan_from
from sync.cloud.site import parse_site
from sync.cloud.stripe_gateway import Gateway

SECRET = "whsec_of_these_tests"
ANA = "11111111-1111-7111-8111-111111111111"


@dataclass(slots=True)
class Counter:
    """A cloud that pays through a sandbox, a hub of Chalk City, and an owner's token."""

    db: Database
    box: StripeSandbox
    client: FlaskClient
    hub: TellingHub
    treasurer: Treasurer
    token: str
    hall_id: str
    kicked: list[str] = field(default_factory=list)

    @property
    def now(self) -> Callable[[], datetime]:
        return clock_of(self.box)

    def ask(self, path: str, **said: Any) -> Any:
        return self.hub.send(self.client, path, json.dumps(said).encode(), "application/json")

    def run(self, **said: Any) -> Any:
        return self.client.post("/api/rewards/run-monthly", json=said, headers=self.bearer)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def stripe_says(
        self, kind: str, content: dict[str, Any], *, secret: str = SECRET, at: float = 0.0, id_: str = "evt_1"
    ) -> Any:
        body = json.dumps({"id": id_, "type": kind, "data": {"object": content}}).encode()
        moment = int((self.now() + timedelta(seconds=at)).timestamp())
        given = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
        return self.client.post(
            "/api/stripe/webhook", data=body, headers={"Stripe-Signature": f"t={moment},v1={given}"}
        )


@pytest.fixture
def counter(db: Database) -> Iterator[Counter]:
    with stripe_sandbox() as box:
        now = clock_of(box)
        gateway = Gateway(box.key, box.address, 2.0)
        treasurer = Treasurer(db, gateway, now)
        kicked: list[str] = []
        money = Money(treasurer, SECRET, lambda: kicked.append("kick"))
        client = create_app(db, parse_site("http://localhost"), now, money).test_client()
        hub = enrolled(db, "Chalk City", Clock(now()))
        price = gateway.price(a_price(box))
        with db.write() as conn:
            hall_id = str(conn.rows("SELECT id FROM halls")[0]["id"])
            owners.keep(conn, "dana@example.com", "no hash", now())
            token = owners.new_token(conn, "dana@example.com", now())
            plans.keep(conn, hall_id, plan_from(price, "Gold"), stamp(now()))
        yield Counter(db, box, client, hub, treasurer, token, hall_id, kicked)


def test_a_hub_hears_how_its_hall_stands_and_only_when_it_changed(counter: Counter) -> None:
    first = counter.ask("/v1/hall", known=None).get_json()
    assert first["plan"] == {"name": "Gold", "cents": 2000, "currency": "usd", "months": 1}
    assert (first["sandbox"], first["test"], first["rewards"], first["subscriptions"]) == (True, True, [], [])
    assert counter.ask("/v1/hall", known=first["hash"]).get_json()["same"] is True
    with counter.db.write() as conn:
        tell_scores(conn, counter.hall_id, "2026-10", [a_score(ANA)])
    again = counter.ask("/v1/hall", known=first["hash"]).get_json()
    assert [(one["period"], one["state"]) for one in again["periods"]] == [("2026-10", "open")]


def test_a_player_subscribes_by_a_page_that_stays_the_same(counter: Counter) -> None:
    first = counter.ask("/v1/checkout", player=ANA).get_json()
    assert counter.ask("/v1/checkout", player=ANA).get_json()["url"] == first["url"]
    (session,) = counter.box.sandbox.all("checkout.session")
    counter.box.sandbox.complete(session["id"], email="ana@example.com")
    assert counter.ask("/v1/checkout", player=ANA).get_json()["type"] == "urn:action-ladder:subscribed"
    assert len(counter.box.sandbox.all("subscription")) == 1
    (found,) = counter.ask("/v1/hall", known=None).get_json()["subscriptions"]
    assert (found["player"], found["status"], found["price_cents"]) == (ANA, "active", 2000)
    page = counter.client.get(f"/subscribed?checkout={session['id']}").get_data(as_text=True)
    assert all(f">{part}<" in page for part in found["code"].split("-"))
    portal = counter.ask("/v1/portal", player=ANA).get_json()
    assert portal["url"].startswith(counter.box.address)


def test_a_page_that_was_left_is_followed_by_another(counter: Counter) -> None:
    first = counter.ask("/v1/checkout", player=ANA).get_json()
    counter.box.sandbox.advance(days=2)
    assert counter.ask("/v1/checkout", player=ANA).get_json()["url"] != first["url"]


def test_a_member_of_one_hall_is_known_in_another_by_the_code(counter: Counter) -> None:
    with counter.db.write() as conn:
        sub = counter.treasurer.gateway.subscription(subscribe(counter.box, a_price(counter.box)).id)  # type: ignore[union-attr]
        found = members.take_in(conn, _checkout(counter, sub.customer, sub.id), sub, counter.now())
    elsewhere = enrolled(counter.db, "Another hall", Clock(counter.now()))
    bo = uuid7()

    def link(code: str) -> Any:
        said = json.dumps({"player": bo, "code": code}).encode()
        return elsewhere.send(counter.client, "/v1/member", said, "application/json")

    assert link("AAAA-BBBB-CCCC").status_code == 404
    assert link(codes.shown_code(found.code).lower()).get_json()["status"] == "active"
    with counter.db.read() as conn:
        row = conn.row("SELECT member_id FROM member_players WHERE player_id = ?", [bo])
    assert row is not None
    assert row["member_id"] == found.id


def test_codes_are_not_tried_for_ever(counter: Counter) -> None:
    statuses = [counter.ask("/v1/member", player=ANA, code="AAAA-AAAA-AAAA").status_code for _ in range(32)]
    assert statuses[-1] == 429


def _checkout(counter: Counter, customer: str, subscription: str) -> Any:
    from sync.cloud.stripe_gateway import Checkout

    return Checkout("cs_1", "", "complete", counter.now(), customer, subscription, counter.hall_id, ANA)


@pytest.mark.parametrize("path", ["/v1/checkout", "/v1/portal", "/v1/member", "/v1/names"])
@pytest.mark.parametrize("said", [{}, {"player": 5, "names": []}, {"player": "ana", "names": {"ana": "Ana"}}])
def test_what_names_nobody_is_refused(counter: Counter, path: str, said: dict[str, Any]) -> None:
    answer = counter.ask(path, **said)
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1/hall", "/v1/checkout", "/v1/portal", "/v1/member", "/v1/names"])
def test_nobody_asks_without_a_signature(counter: Counter, path: str) -> None:
    assert counter.client.post(path, json={"player": ANA}).status_code == 401


def test_when_stripe_is_away_it_is_said_and_nothing_is_kept(counter: Counter) -> None:
    counter.box.served.shut()
    answer = counter.ask("/v1/checkout", player=ANA)
    assert (answer.status_code, answer.get_json()["title"]) == (503, "Stripe away")
    counter.box.served.open()
    assert "url" in counter.ask("/v1/checkout", player=ANA).get_json()


def test_a_cloud_without_stripe_says_so(db: Database) -> None:
    clock = Clock()
    client = create_app(db, parse_site("http://localhost"), clock).test_client()
    hub = enrolled(db)
    answer = hub.send(client, "/v1/checkout", json.dumps({"player": ANA}).encode(), "application/json")
    assert answer.get_json()["type"] == "urn:action-ladder:no-stripe"
    assert client.post("/api/stripe/webhook", data=b"{}").status_code == 404


def test_two_players_who_turn_out_to_be_one_are_one_member(counter: Counter) -> None:
    counter.ask("/v1/checkout", player=ANA)
    (session,) = counter.box.sandbox.all("checkout.session")
    counter.box.sandbox.complete(session["id"], email="ana@example.com")
    counter.treasurer.take_checkout(session["id"])
    same = uuid7()
    assert counter.ask("/v1/names", names={}, merged={ANA: same}).status_code == 200
    assert counter.ask("/v1/checkout", player=same).get_json()["title"] == "Subscribed"
    found = counter.ask("/v1/hall", known=None).get_json()["subscriptions"]
    assert {one["player"] for one in found} == {ANA, same}
    assert len({one["code"] for one in found}) == 1
    assert counter.ask("/v1/names", names={}, merged={ANA: "bo"}).status_code == 400


def test_names_replace_names(counter: Counter) -> None:
    counter.ask("/v1/names", names={ANA: "Ana", uuid7(): "Bo"})
    counter.ask("/v1/names", names={ANA: "Ana B."})
    with counter.db.read() as conn:
        assert [row["name"] for row in conn.rows("SELECT name FROM player_names")] == ["Ana B."]


def test_the_leaderboard_is_for_owners(counter: Counter) -> None:
    path = f"/api/hall/{counter.hall_id}/training-leaderboard?month=2026-10"
    with counter.db.write() as conn:
        tell_scores(conn, counter.hall_id, "2026-10", [a_score(ANA, 60.0)])
    assert counter.client.get(path).status_code == 401
    assert counter.client.get(path, headers={"Authorization": "Bearer ladder_x"}).status_code == 401
    found = counter.client.get(path, headers=counter.bearer).get_json()
    assert [(one["rank"], one["player"], one["total"], one["name"]) for one in found["rows"]] == [
        (1, ANA, 60.0, None)
    ]
    wrong = f"/api/hall/{counter.hall_id}/training-leaderboard?month=2026-13"
    assert counter.client.get(wrong, headers=counter.bearer).status_code == 400
    assert counter.client.get("/api/hall/x/training-leaderboard", headers=counter.bearer).status_code == 404


def test_a_month_is_looked_at_and_then_confirmed(counter: Counter) -> None:
    player = ANA
    counter.ask("/v1/names", names={player: "Ana"})
    with counter.db.write() as conn:
        tell_scores(conn, counter.hall_id, "2026-10", [a_score(player, 60.0)])
    counter.box.sandbox.advance(days=1)
    counter.treasurer.turn(0.0)
    looked = counter.run(month="2026-10").get_json()
    (hall,) = looked["halls"]
    assert (hall["state"], [(one["name"], one["kind"]) for one in hall["winners"]]) == (
        "frozen",
        [("Ana", "half")],
    )
    assert counter.run(month="2026-10", dry_run=False).get_json()["type"].endswith("not-looked-at")
    assert counter.run(month="2026-10", dry_run=False, confirm="0" * 64).status_code == 409
    done = counter.run(month="2026-10", dry_run=False, confirm=looked["confirm"]).get_json()
    assert done["decided"] == [counter.hall_id]
    assert counter.kicked
    again = counter.run(month="2026-10", dry_run=False, confirm=looked["confirm"])
    assert again.status_code == 409  # it is another thing now
    with counter.db.read() as conn:
        assert len(rewards.of_hall(conn, counter.hall_id)) == 1


def test_what_changed_since_it_was_looked_at_is_not_confirmed(counter: Counter) -> None:
    with counter.db.write() as conn:
        tell_scores(conn, counter.hall_id, "2026-10", [a_score(ANA, 60.0)], final=False)
    counter.box.sandbox.advance(days=1)
    looked = counter.run(month="2026-10").get_json()
    with counter.db.write() as conn:
        tell_scores(conn, counter.hall_id, "2026-10", [a_score(uuid7(), 80.0)], rev=2)
    counter.treasurer.turn(0.0)
    assert counter.run(month="2026-10", dry_run=False, confirm=looked["confirm"]).status_code == 409
    with counter.db.read() as conn:
        assert rewards.of_hall(conn, counter.hall_id) == []


def test_a_month_that_is_not_over_pays_nobody(counter: Counter) -> None:
    answer = counter.run(month="2026-11")
    assert (answer.status_code, answer.get_json()["title"]) == (409, "Month not over")
    assert counter.run(month="2026-11", dry_run=False, confirm="x").status_code == 409


@pytest.mark.parametrize(
    "said", [{}, {"month": "2026-1"}, {"month": 5}, {"month": "2026-10", "dry_run": "no"}, {"month": None}]
)
def test_a_run_that_names_no_month_is_refused(counter: Counter, said: dict[str, Any]) -> None:
    assert counter.run(**said).status_code == 400
    assert counter.run(month="2026-10", hall="nowhere").status_code == 404


def test_only_an_owner_runs_a_month(counter: Counter) -> None:
    assert counter.client.post("/api/rewards/run-monthly", json={"month": "2026-10"}).status_code == 401


def test_stripe_is_believed_by_its_signature_and_only_now(counter: Counter) -> None:
    sub = {"object": "subscription", "id": "sub_1"}
    kind = "customer.subscription.updated"
    assert counter.stripe_says(kind, sub).status_code == 200
    assert counter.stripe_says(kind, sub, secret="whsec_other").get_json()["title"] == "Bad signature"
    assert counter.stripe_says(kind, sub, at=-3600).get_json()["title"] == "Stale"
    assert counter.stripe_says(kind, sub, at=3600).get_json()["title"] == "Stale"
    for header in ("", "t=1", "v1=00", "t=x,v1=00", "t=1,t=2,v1=00", "t=99999999999999999999,v1=0"):
        answer = counter.client.post("/api/stripe/webhook", data=b"{}", headers={"Stripe-Signature": header})
        assert answer.get_json()["title"] == "Bad signature"
    assert counter.client.post("/api/stripe/webhook", data=b"x" * 300_000).status_code == 413
    with counter.db.read() as conn:
        assert len(conn.rows("SELECT id FROM stripe_events")) == 1


def test_an_event_that_comes_twice_is_noted_once(counter: Counter) -> None:
    for _ in range(3):
        counter.stripe_says("invoice.paid", {"object": "invoice", "id": "in_1", "subscription": "sub_1"})
    counter.stripe_says("product.created", {"object": "product", "id": "prod_1"}, id_="evt_2")
    with counter.db.read() as conn:
        assert [row["id"] for row in conn.rows("SELECT id FROM stripe_events")] == ["evt_1"]
    assert counter.kicked == ["kick"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_webhooks_that_come_twice_late_and_out_of_order_lead_to_what_is_so(counter: Counter, seed: int) -> None:
    client = counter.box.client().v1
    secret = client.webhook_endpoints.create({"url": "http://cloud/", "enabled_events": ["*"]}).secret
    assert secret is not None
    money_of(counter, secret)
    session = counter.ask("/v1/checkout", player=ANA).get_json()
    assert session["url"]
    (one,) = counter.box.sandbox.all("checkout.session")
    counter.box.sandbox.complete(one["id"], email="ana@example.com")
    (sub,) = counter.box.sandbox.all("subscription")
    counter.box.sandbox.change(sub["id"], cancel_at_period_end=True)
    counter.box.sandbox.change(sub["id"], cancel_at_period_end=False)

    def to_cloud(_url: str, payload: bytes, headers: Mapping[str, str]) -> int:
        return int(
            counter.client.post("/api/stripe/reward-apply", data=payload, headers=dict(headers)).status_code
        )

    for turn in range(3):
        counter.box.sandbox.deliver(
            to=to_cloud, seed=seed + turn, twice=0.5, lost=0.3, shuffled=True, stamp=counter.box.sandbox.now
        )
    counter.box.sandbox.deliver(to=to_cloud, stamp=counter.box.sandbox.now)
    counter.treasurer.turn(0.0)
    (found,) = counter.ask("/v1/hall", known=None).get_json()["subscriptions"]
    assert (found["player"], found["status"]) == (ANA, "active")


def money_of(counter: Counter, secret: str) -> None:
    """From now on webhooks are signed with that."""
    from sync.cloud.api import EXTENSION, Cloud

    here: Cloud = counter.client.application.extensions[EXTENSION]
    made = Cloud(here.db, here.site, here.now, money=Money(counter.treasurer, secret, lambda: None))
    counter.client.application.extensions[EXTENSION] = made


def test_the_clock_here_is_the_sandbox_s(counter: Counter) -> None:
    assert counter.now() == datetime(2026, 11, 1, tzinfo=UTC)
