"""A hub, its cloud and the sandbox over real HTTP: a month from the table to the invoice, and to the kiosk."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from evening import BEGIN, ZONE, Evening
from ports import free_port
from reward_month import a_price, clock_of
from stripe_sandbox import StripeSandbox, stripe_sandbox

from edge.clock import stamp
from edge.hall import feed, rewards, training, training_board
from edge.hall.erasure import erase
from edge.hall.players import Player
from edge.hall.taking_over import take_over
from edge.jobs.job import Bench, Moment
from edge.jobs.training import Training
from edge.runtime.paths import Paths, box_paths, make_directories
from edge.settings import Settings
from sync.cloud import devices, halls, plans, rules
from sync.cloud.api import Money
from sync.cloud.app import create_app
from sync.cloud.db import Database, open_database
from sync.cloud.paying import Treasurer
from sync.cloud.plans import plan_from
from sync.cloud.rules import Rules
from sync.cloud.schema import migrate
from sync.cloud.site import parse_site
from sync.cloud.stripe_gateway import Gateway
from sync.cloud_link import CloudSync, enrol, load_cloud
from sync.hub_client import HubClient
from sync.sandbox.serve import Served
from sync.subscribing import Subscribing, SubscribingError

OCTOBER = "2025-10"
NIGHT = BEGIN + timedelta(hours=5)  # eleven in the evening of the thirty-first
NOVEMBER = datetime(2025, 11, 1, 6, tzinfo=UTC)


@dataclass(slots=True)
class Month:
    """A hub with an evening, its cloud and the sandbox; their clock is the sandbox's."""

    evening: Evening
    paths: Paths
    db: Database
    box: StripeSandbox
    served: Served
    treasurer: Treasurer
    sync: CloudSync
    turns: int = 0

    def hub_turn(self) -> None:
        """The hub tells and hears what is due."""
        self.turns += 1
        self.sync.turn(10_000.0 * self.turns, clock_of(self.box)())

    def night(self, now: datetime) -> None:
        """The hub's job, which makes the scores anew."""
        moment = Moment(now, ZONE, 1e6, "boot")
        Training().run(Bench(self.paths, Settings(), self.evening.store, moment), "night")

    def cloud_turn(self) -> None:
        self.treasurer.close_soon()
        self.treasurer.turn(10_000.0 * self.turns)

    def train(self, player: Player, shots: int = 12) -> None:
        self.evening.practise(player)
        for _ in range(shots):
            self.evening.shoot("1")
        self.evening.leave()

    @property
    def subscribing(self) -> Subscribing:
        return Subscribing(self.paths)


@pytest.fixture
def month(tmp_path: Path) -> Iterator[Month]:
    start = int(NIGHT.timestamp())
    with stripe_sandbox(start=start) as box:
        now, gateway = clock_of(box), Gateway(box.key, box.address, 2.0)
        db = open_database(str(tmp_path / "cloud.db"))
        migrate(db)
        treasurer = Treasurer(db, gateway, now)
        port = free_port()
        site = parse_site(f"http://127.0.0.1:{port}")
        served = Served(create_app(db, site, now, Money(treasurer)), port=port)
        price = gateway.price(a_price(box))
        with db.write() as conn:
            hall, _ = halls.find_or_make(conn, "Chalk City", stamp(now()))
            code = devices.new_code(conn, hall, now())
            plans.keep(conn, hall.id, plan_from(price, "Gold"), stamp(now()))
            least = Rules(least_sessions=1, least_hours=0.0, look_hours=0)
            rules.keep_rules(conn, rules.ALL_HALLS, least, by="dana@example.com", now=stamp(now()))
        paths = box_paths(tmp_path / "hub")
        make_directories(paths)
        evening = Evening(paths.data)
        known = enrol(paths.cloud, evening.store, served.address, code)
        client = HubClient(known.address, None, known.signer)
        sync = CloudSync(evening.store, client, ZONE, "Table 1", dict)
        yield Month(evening, paths, db, box, served, treasurer, sync)
        client.close()
        evening.close()
        served.shut()
        db.close()


def test_a_month_from_the_table_to_the_invoice(month: Month) -> None:
    ana, ben = month.evening.player("Ana"), month.evening.player("Ben")
    month.train(ana, 20)
    month.train(ben, 12)
    month.night(NIGHT)
    month.hub_turn()
    with pytest.raises(SubscribingError, match="wrong-code"):
        month.subscribing.link(ana.id, "AAAA-BBBB-CCCC")
    url = month.subscribing.start(ana.id)
    assert month.subscribing.start(ana.id) == url
    (session,) = month.box.sandbox.all("checkout.session")
    month.box.sandbox.complete(session["id"], email="ana@example.com")
    with pytest.raises(SubscribingError, match="subscribed"):
        month.subscribing.start(ana.id)
    assert month.subscribing.hear(month.evening.store)
    with month.evening.store.read() as conn:
        own, offer = rewards.subscription_of(conn, ana.id), rewards.offer(conn)
    assert own is not None
    assert (own.status, own.price_cents) == ("active", 2000)
    assert offer is not None
    assert (offer.name, offer.sandbox) == ("Gold", True)
    month.box.sandbox.advance(to=int(NOVEMBER.timestamp()))
    month.night(NOVEMBER)
    month.hub_turn()
    month.cloud_turn()
    month.hub_turn()
    with month.evening.store.read() as conn:
        (won,) = rewards.winners(conn, OCTOBER)
        period = training.get_period(conn, OCTOBER)
        board = training_board.board(conn, OCTOBER)
        (post,) = feed.posts(conn)
    assert (won.name, won.kind, won.state) == ("Ana", "half", "applied")
    assert period is not None
    assert (period.state, period.frozen_rev) == ("decided", period.rev)
    assert [(row.name, row.reward) for row in board] == [("Ana", "half"), ("Ben", None)]
    assert (post.name, post.kind) == ("Ana", "half")
    month.box.sandbox.advance(months=1, seconds=7200)
    month.cloud_turn()
    month.hub_turn()
    with month.evening.store.read() as conn:
        (paid,) = rewards.of_player(conn, ana.id)
    assert (paid.state, paid.saved_cents, paid.currency) == ("consumed", 1000, "usd")


def test_only_names_that_boards_show_are_told_and_who_is_erased_is_gone(month: Month) -> None:
    ana, ben = month.evening.player("Ana"), month.evening.player("Ben")
    month.train(ana)
    month.train(ben)
    month.night(NIGHT)
    with month.evening.store.write() as conn:
        conn.execute("UPDATE players SET visible = 0 WHERE id = ?", [ben.id])

    def told() -> list[str]:
        with month.db.read() as conn:
            return [row["name"] for row in conn.rows("SELECT name FROM player_names ORDER BY name")]

    month.hub_turn()
    assert told() == ["Ana"]
    with month.evening.store.write() as conn:
        erase(conn, ana.id, NIGHT, role="player", who=None)
    month.night(NIGHT)
    month.hub_turn()
    assert told() == []
    with month.db.read() as cloud:
        bodies = " ".join(row["body"] for row in cloud.rows("SELECT body FROM facts"))
        scores = [row["player_id"] for row in cloud.rows("SELECT player_id FROM ladder_training_scores")]
    assert "Ana" not in bodies
    assert scores == [ben.id]


def test_two_players_who_are_one_have_one_subscription(month: Month) -> None:
    ana, same = month.evening.player("Ana"), month.evening.player("Anna")
    month.hub_turn()
    month.subscribing.start(ana.id)
    (session,) = month.box.sandbox.all("checkout.session")
    month.box.sandbox.complete(session["id"], email="ana@example.com")
    month.treasurer.take_checkout(session["id"])
    with month.evening.store.write() as conn:
        take_over(conn, ana.id, same.id, NIGHT)
    month.hub_turn()
    with month.evening.store.read() as conn:
        known = {one: rewards.subscription_of(conn, one) for one in (ana.id, same.id)}
    assert known[ana.id] is None
    assert known[same.id] is not None
    with pytest.raises(SubscribingError, match="subscribed"):
        month.subscribing.start(same.id)


def test_without_a_cloud_or_with_one_out_of_reach_it_is_said(month: Month, tmp_path: Path) -> None:
    ana = month.evening.player("Ana")
    with pytest.raises(SubscribingError, match="no-cloud"):
        Subscribing(box_paths(tmp_path / "alone")).start(ana.id)
    with pytest.raises(SubscribingError, match="no-plan"):
        month.subscribing.portal(ana.id)
    month.box.served.shut()
    with pytest.raises(SubscribingError, match="away"):
        month.subscribing.start(ana.id)
    month.served.shut()
    with pytest.raises(SubscribingError, match="away"):
        month.subscribing.start(ana.id)
    assert load_cloud(month.paths.cloud) is not None
