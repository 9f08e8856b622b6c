"""Eleven halls beside Chalk City, of which only what the cloud is told is made: how much was played, how months
stand, who their boxes are.

Their hubs are real to the cloud: each was enrolled, signs, and tells its facts in a line of its own.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from importlib.metadata import version
from random import Random
from typing import Any

from edge.clock import stamp
from edge.demo.calendar import DemoHall
from edge.demo.people import PEOPLE
from edge.facts import Fact, OutboxRow, hall_day, hall_training, uuid7
from edge.hall.training_periods import bounds
from edge.hall.training_scores import total_of
from sync import protocol
from sync.cloud import devices, members, rules
from sync.cloud.halls import Hall
from sync.cloud.rules import Rules
from sync.demo.stage import PLAN_NAME, Stage
from sync.hub_client import HubClient
from sync.protocol import CloudProof, Signer

NAMES = (
    "Rail & Rack", "Corner Pocket", "Bank Shot Hall", "The Long Cue", "Side Spin", "Break Point", "Green Baize",
    "Nine Lives", "The Cushion", "Kiss Shot", "Dead Stroke",
)  # fmt: skip
YEARLY = "Rail & Rack"  # subscriptions by the year; one that has a reward is ended, and so there is a drift
LOOKS = "Corner Pocket"  # its owner decides each month by hand from the last on
SILENT = "Dead Stroke"  # its hub was not heard of for two days
TROUBLED = "The Cushion"  # a box with a full disk
YEAR_CENTS = 24900
PLAYERS = (8, 13)
SUBSCRIBERS = 2  # of each hall, who win in turns
DAYS = 14
LADDERS = ("8-ball", "9-ball")
FAMILY = ("Abe", "Bea", "Cal", "Dot", "Eli", "Fay", "Gus", "Ida", "Jo", "Kim", "Lou", "May", "Ned")
BY = "demo"


@dataclass(slots=True)
class _Other:
    """A hall with its hub: `seq` is the number its next fact has in its line."""

    hall: Hall
    device: str
    client: HubClient
    players: tuple[tuple[str, str], ...]  # id and name
    ladders: tuple[tuple[str, str], ...]
    epoch: str = field(default_factory=uuid7)
    seq: int = 1

    def tell(self, facts: list[Fact]) -> None:
        rows = [OutboxRow(self.device, self.epoch, self.seq + place, fact) for place, fact in enumerate(facts)]
        self.seq += len(rows)
        self.client.facts(protocol.pack(self.device, self.epoch, 1, rows))


class Others:
    """All of them. Every method raises as `HubClient` does."""

    def __init__(self, stage: Stage, hall: DemoHall) -> None:
        self._stage, self._hall, self._zone, self._seed = stage, hall, hall.zone, hall.plan.seed
        self._halls = [self._enrolled(name) for name in NAMES[: hall.plan.others]]
        stage.offer(self._named(YEARLY).hall.id, YEAR_CENTS, "year", f"{PLAN_NAME} by the year")

    @property
    def silent(self) -> tuple[str, ...]:
        """The hubs that speak no more."""
        return tuple(one.device for one in self._halls if one.hall.name == SILENT)

    def subscribe(self, ago: int, begins: datetime) -> None:
        """In the first month some players of each hall begin to pay."""
        if ago != self._hall.plan.months:
            return
        for number, one in enumerate(self._halls):
            at = begins + timedelta(days=1 + number % 9, hours=12)
            if at > self._hall.now:
                continue
            self._stage.turn_to(max(at, self._stage.now()))
            for player, name in one.players[:SUBSCRIBERS]:
                self._stage.subscribe(one.client.post, player, name)

    def tell(self, period: str, *, final: bool) -> None:
        """Every hall tells a month's scores, as they stand."""
        now, ago = self._stage.now(), self._hall.ago(period)
        for number, one in enumerate(self._halls):
            first = (number + ago) % SUBSCRIBERS
            content = {"schema": 1, "period": period, "final": final, "scores": self._scores(one, period, first)}
            one.tell([hall_training(content, rev=1, created=stamp(now))])

    def change_rules(self, period: str) -> None:
        """Before the last month is decided one owner wants to look at each."""
        if self._hall.ago(period) == 1:
            hall, now = self._named(LOOKS).hall, stamp(self._stage.now())
            with self._stage.db.write() as conn:
                rules.keep_rules(conn, hall.id, Rules(look_hours=None), by=BY, now=now)

    def catch_up(self) -> None:
        """The month that goes on and the last days are told, the hubs say how their boxes are, and somebody ends
        a subscription whose reward has met no invoice yet."""
        now = self._hall.now
        self._stage.turn_to(now)
        self.tell(self._hall.months[-1], final=False)
        for one in self._halls:
            today = now.astimezone(self._zone).date()
            back = range(DAYS, 1 if one.hall.name == SILENT else -1, -1)
            one.tell([self._day(one, today - timedelta(days=days), now, days == 0) for days in back])
            one.client.post("/v1/hello", self._hello(one, now))
            with self._stage.db.write() as conn:
                seen = now - timedelta(days=2) if one.hall.name == SILENT else now
                devices.heard(conn, one.device, seen)
        self._end_a_year()

    def _enrolled(self, name: str) -> _Other:
        hall, code = self._stage.new_hall(name)
        proof = CloudProof(uuid7(), uuid7(), self._stage.address)
        with self._stage.db.write() as conn:
            key = devices.enrol(conn, proof, proof.by(code, "hub"), self._stage.now())
        client = HubClient(self._stage.address, None, Signer(proof.device, key.key_id, key.secret))
        rng = Random(f"{self._seed}:{name}")
        count = rng.randint(*PLAYERS)
        given = rng.sample(FAMILY, count)
        surnames = rng.sample([one.name.split()[1] for one in PEOPLE], count)
        players = tuple((uuid7(), f"{first} {last}") for first, last in zip(given, surnames, strict=True))
        one = _Other(hall, proof.device, client, players, tuple((uuid7(), game) for game in LADDERS))
        one.client.post("/v1/hello", self._hello(one, self._stage.now()))
        one.client.post("/v1/names", {"names": dict(players)})
        return one

    def _named(self, name: str) -> _Other:
        (one,) = (one for one in self._halls if one.hall.name == name)
        return one

    def _scores(self, one: _Other, period: str, first: int) -> list[dict[str, Any]]:
        """A month: one player trained most, the others as it came."""
        rng = Random(f"{self._seed}:{one.hall.name}:{period}")
        begins, ends = bounds(period, self._zone)
        until = min(ends, self._stage.now())
        hours = {
            player: round(rng.uniform(9, 12) if place == first else rng.uniform(1, 6.5), 2)
            for place, (player, _) in enumerate(one.players)
        }
        most = max(hours.values())
        rows = []
        for place, (player, _) in enumerate(one.players):
            coach = round(rng.uniform(69, 73) if place == first else rng.uniform(64, 69.5), 2)
            norm, won = round(100 * hours[player] / most, 2), round(100 * rng.randint(2, 6) / 8, 2)
            ladder, name = one.ladders[place % len(one.ladders)]
            reached = begins + (until - begins) * rng.uniform(0.6, 0.99)
            rows.append(
                {
                    "player": player, "ladder": ladder, "ladder_name": name, "coach_avg": coach,
                    "hours": hours[player], "hours_norm": norm, "win_rate": won,
                    "total": total_of(coach, norm, won), "sessions": max(1, round(hours[player] * 1.3)),
                    "shots": round(hours[player] * 70), "reached_at": stamp(reached),
                }
            )  # fmt: skip
        return rows

    def _day(self, one: _Other, day: date, now: datetime, goes_on: bool) -> Fact:
        rng = Random(f"{self._seed}:{one.hall.name}:{day}")
        sessions = rng.randint(6, 22) // (2 if goes_on else 1)
        figures = {
            "schema": 1, "day": day.isoformat(), "shots": sessions * rng.randint(25, 60), "sessions": sessions,
            "players": max(1, sessions - rng.randint(0, 4)), "minutes": round(sessions * rng.uniform(25, 50), 1),
            "matches": rng.randint(0, 9),
        }  # fmt: skip
        return hall_day(figures, created=stamp(now))

    def _hello(self, one: _Other, now: datetime) -> dict[str, Any]:
        """What its hub says: of itself, and of a table."""
        rng = Random(f"{self._seed}:{one.hall.name}")
        troubled = one.hall.name == TROUBLED
        finding = {
            "state": "warn", "text": "The disk is nearly full: 0.9 GB are free.",
            "advice": "Copy backups elsewhere, or take older ones away.",
        }  # fmt: skip
        own = {"device": one.device, "label": "Table 1", "role": "hub"}
        table = {"device": _table_of(one.device), "label": "Table 2", "role": "table"}
        says = {
            "version": version("action-ladder"),
            "seen_at": stamp(now),
            "unsent": 0,
            "worst": "ok",
            "findings": [],
        }
        boxes = [own | says]
        if troubled or rng.random() < 0.7:
            boxes.append(table | says | ({"worst": "warn", "findings": [finding]} if troubled else {}))
        return {"zone": str(self._zone), "version": version("action-ladder"), "unsent": 0, "boxes": boxes}

    def _end_a_year(self) -> None:
        """Somebody whose reward waits for the year's invoice ends the subscription at the year's end."""
        with self._stage.db.read() as conn:
            row = conn.row(
                "SELECT subscription_id FROM subscription_rewards WHERE hall_id = ? AND state = 'applied'"
                " ORDER BY period DESC",
                [self._named(YEARLY).hall.id],
            )
            member = None if row is None else members.of_subscription(conn, row["subscription_id"])
        if row is not None and member is not None:
            self._stage.sandbox.change(row["subscription_id"], cancel_at_period_end=True)
            self._stage.treasurer.ask_about(member)


def _table_of(device: str) -> str:
    """Another box's id, always the same one."""
    return f"{device[:-4]}{(int(device[-4:], 16) ^ 1):04x}"
