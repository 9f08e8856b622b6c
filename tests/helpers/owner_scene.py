"""Halls as an owner finds them at the beginning of a month: one to look at, one that waits, one with trouble."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from reward_month import a_price, a_score, clock_of, make_halls, make_member, subscribe, tell_scores
from stripe_sandbox import StripeSandbox
from telling_hub import ADDRESS

from edge.clock import month_before, stamp
from edge.facts import uuid7
from sync.cloud import deeds, members, names, owners, periods, plans, rewards
from sync.cloud.api import Money
from sync.cloud.app import create_app
from sync.cloud.closing import close_due
from sync.cloud.db import Database
from sync.cloud.deciding import Score
from sync.cloud.paying import Treasurer
from sync.cloud.rewards import Reward
from sync.cloud.site import parse_site
from sync.cloud.stripe_gateway import Gateway

EMAIL, PASSWORD = "dana@example.com", "chalk the cue first"
MONTH = "2026-10"
START = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)  # when that month is to be looked at
NAMES = (
    "Ana Petrov", "Ben Okafor", "Chiara Lund", "Dmitri Vale", "Esi Mensah", "Farid Nasser", "Greta Holm",
    "Hana Sato", "Ivo Marek", "Jun Park", "Kaya Demir", "Liam Byrne",
)  # fmt: skip
EIGHT, NINE = ("e" * 8 + uuid7()[8:], "8-ball"), ("f" * 8 + uuid7()[8:], "9-ball")


FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def hash_fast(patch: pytest.MonkeyPatch) -> None:
    """Signing in costs a test nothing."""
    for function in (owners.sign_in, owners.hash_password):
        defaults = tuple(FAST if isinstance(one, PasswordHasher) else one for one in function.__defaults__ or ())
        patch.setattr(function, "__defaults__", defaults)


@dataclass(frozen=True, slots=True)
class HallOf:
    """A hall with its players, the best first."""

    id: str
    players: tuple[str, ...]


def sign_in(client: FlaskClient) -> None:
    """Signs the owner in who is there with `EMAIL` and `PASSWORD`."""
    csrf = field(client.get("/sign-in").text)
    answer = client.post("/sign-in", data={"csrf": csrf, "email": EMAIL, "password": PASSWORD})
    assert answer.status_code == 303, answer.text


def sign_in_at(page: Any, address: str) -> None:
    """The same in a browser, at an address where the door is."""
    page.goto(address)
    page.fill("#email", EMAIL)
    page.fill("#password", PASSWORD)
    page.click("text=Sign in")


def field(page: str, name: str = "csrf") -> str:
    """What a page's first hidden field of that name carries."""
    found = page.partition(f'name="{name}" value="')[2].partition('"')[0]
    assert found, f"no field {name}"
    return found


def scores(players: tuple[str, ...], rng: random.Random, top: float = 80.0) -> list[Score]:
    """A month: each a bit behind the one before."""
    found = []
    for i, player in enumerate(players):
        coach = top - 4.5 * i + rng.uniform(-1, 1)
        hours = max(0.5, 21.0 - 1.9 * i + rng.uniform(-1, 1))
        norm, wins = round(100 * hours / 23, 2), round(rng.uniform(35, 65), 1)
        ladder, name = (EIGHT, NINE)[i % 2]
        found.append(
            a_score(
                player,
                round(0.5 * round(coach, 2) + 0.3 * norm + 0.2 * wins, 2),
                coach_avg=round(coach, 2),
                hours=round(hours, 2),
                hours_norm=norm,
                win_rate=wins,
                sessions=max(1, 14 - i),
                shots=900 - 50 * i,
                ladder=ladder,
                ladder_name=name,
            )
        )
    return found


def put_hall(
    db: Database,
    name: str,
    *,
    month: str = MONTH,
    count: int = 12,
    final: bool = True,
    named: bool = True,
    **more: Any,
) -> HallOf:
    """A hall with scores of a month."""
    rng = random.Random(name)
    players = tuple(uuid7() for _ in range(count))
    with db.write() as conn:
        (hall_id,) = make_halls(conn, 1)
        conn.run("UPDATE halls SET name = ?, name_key = ? WHERE id = ?", [name, name.casefold(), hall_id])
        tell_scores(conn, hall_id, month, scores(players, rng, **more), final=final)
        if named:
            names.replace(conn, hall_id, dict(zip(players, NAMES, strict=False)))
    return HallOf(hall_id, players)


def put_owner(db: Database, now: datetime) -> None:
    with db.write() as conn:
        owners.keep(conn, EMAIL, owners.hash_password(PASSWORD), now)


def put_past(db: Database, hall: HallOf, now: datetime, months: int = 9) -> None:
    """Months before `MONTH`, each told, decided, and with the hall a little better."""
    rng, month, first = random.Random(7), MONTH, now - timedelta(days=10)
    with db.write() as conn:
        for ago in range(1, months + 1):
            month = month_before(month)
            players = (hall.players[ago % 3], *(one for one in hall.players if one != hall.players[ago % 3]))
            tell_scores(conn, hall.id, month, scores(players[: 12 - ago // 2], rng, top=80.0 - 2 * ago))
    close_due(db, first)
    close_due(db, first + timedelta(days=1))  # whoever may look has looked
    with db.write() as conn:
        for reward in rewards.of_hall(conn, hall.id):
            if reward.period < month_before(month_before(MONTH)):
                invoice = f"in_{reward.period}"
                rewards.move(
                    conn, reward, "consumed", now, said=f"invoice {invoice}", invoice_id=invoice, saved_cents=1000,
                    currency="usd", consumed_at=stamp(now),
                )  # fmt: skip


def put_everything(db: Database, box: StripeSandbox, gateway: Gateway, now: datetime) -> dict[str, HallOf]:
    """The whole scene: some halls to look at, and a treasurer who has had a turn."""
    put_owner(db, now)
    price = a_price(box)
    halls = {
        name: put_hall(db, name)
        for name in ("Chalk City", "Rail & Rack, the one with a long name by the river", "Corner Pocket")
    }
    halls["Bank Shot Hall"] = put_hall(db, "Bank Shot Hall", final=False)
    chalk = halls["Chalk City"]
    put_past(db, chalk, now)
    with db.write() as conn:
        plans.keep(conn, plans.ALL_HALLS, plans.Plan("Membership", price, 2000, "usd", 1), stamp(now))
        names.replace(conn, chalk.id, {p: n for p, n in zip(chalk.players, NAMES, strict=True) if n != NAMES[3]})
    for i, more in ((0, {}), (1, {}), (2, {"trial_period_days": 30}), (5, {})):
        make_member(db, gateway, subscribe(box, price, **more).id, (chalk.id, chalk.players[i]), now)
    close_due(db, now)
    Treasurer(db, gateway, lambda: now).turn(0.0)
    return halls


def spoil_one(db: Database, now: datetime) -> str:
    """A reward that a person must look at, as after a refusal at Stripe."""
    with db.read() as conn:
        row = conn.row("SELECT id FROM subscription_rewards WHERE period = '2026-08'")
    assert row is not None
    why = "a schedule at Stripe steers the subscription: give the discount there"
    return move(db, row["id"], "needs_review", now, said=why, reason=why).id


def move(db: Database, reward_id: str, state: rewards.State, now: datetime, **more: Any) -> Reward:
    """That reward is there now, whatever it took."""
    with db.write() as conn:
        found = rewards.get(conn, reward_id, lock=True)
        assert found is not None
        return rewards.move(conn, found, state, now, **more)


class Paying:
    """A cloud that pays at the sandbox, with an owner who is signed in."""

    def __init__(self, db: Database, box: StripeSandbox) -> None:
        self.db, self.box = db, box
        self.now = clock_of(box)
        self.gateway = Gateway(box.key, box.address)
        self.treasurer = Treasurer(db, self.gateway, self.now)
        self.kicks: list[int] = []
        money = Money(self.treasurer, kick=lambda: self.kicks.append(1))
        self.client = create_app(db, parse_site(ADDRESS), self.now, money).test_client()
        put_owner(db, self.now())
        sign_in(self.client)

    def member(self, hall: HallOf, place: int = 0, **more: Any) -> members.Member:
        sub = subscribe(self.box, a_price(self.box), **more)
        return make_member(self.db, self.gateway, sub.id, (hall.id, hall.players[place]), self.now())

    def on(self, days: int) -> None:
        """Days go by, at Stripe too; the owner signs in again."""
        self.box.sandbox.advance(days=days)
        sign_in(self.client)

    def turn(self) -> None:
        """The treasurer does what is due."""
        Treasurer(self.db, self.gateway, self.now).turn(0.0)

    def decided(self, hall: HallOf) -> Reward:
        """Its month, frozen and confirmed; the reward."""
        close_due(self.db, self.now())
        confirm(self.client, hall)
        return only_reward(self.db, hall)


def only_reward(db: Database, hall: HallOf) -> Reward:
    with db.read() as conn:
        (found,) = rewards.of_hall(conn, hall.id)
    return found


def state_of(db: Database, hall: HallOf, month: str = MONTH) -> str:
    with db.read() as conn:
        found = periods.get(conn, hall.id, month)
    return "nothing" if found is None else found.state


def deeds_of(db: Database, hall_id: str) -> list[tuple[str, str]]:
    with db.read() as conn:
        return [(one.who, one.what) for one in reversed(deeds.of_hall(conn, hall_id, [MONTH, ""]))]


def send(client: FlaskClient, path: str, **data: Any) -> Any:
    """Sends a form as the rewards page would."""
    return client.post(path, data={"csrf": field(client.get("/rules").text), "month": MONTH, **data})


def confirm(client: FlaskClient, hall: HallOf) -> Any:
    page = client.get(f"/rewards?month={MONTH}&only={hall.id}").text
    return send(client, "/rewards/confirm", hall=hall.id, looked=field(page, "looked"))
