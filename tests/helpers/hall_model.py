"""A hall of boxes that lives by chance: people at its tables, staff at its hub, and lines that fail, until it is
healed."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from evening import BEGIN, Evening
from faulty_line import FaultyClient
from hall_of_boxes import HubBox, TableBox

from edge import facts
from edge.bookkeeper import Bookkeeper
from edge.clock import stamp
from edge.hall import calls, claims, erasure, floor, logins, merging, renaming, results, table_setup, tables
from edge.hall.errors import HallError
from edge.hall.floor import Hand
from edge.hall.glance import look_at
from edge.hall.occasion import occasion
from edge.hall.players import Player, get_player, name_guest, sign_up
from edge.hall.said import Said
from edge.hall.sitting import at_table
from edge.store import changes, outbox, shots
from edge.store.database import Store
from sync.hub_client import BusyError, OutOfReachError
from sync.protocol import ProblemError
from sync.receiving import try_again
from sync.table import TableSync

ZONE = ZoneInfo("America/Chicago")
RACK = tuple(str(n) for n in range(1, 10))
FAILURES = (OutOfReachError, BusyError, ProblemError)
NAMES = [
    f"{first}{last}" for first in ("Ana", "Ben", "Cleo", "Dan", "Eve") for last in ("", " Jo", " Kim", " Lee")
]


class Site:
    """A table of the hall: its box, who plays there, and how far its clock is off."""

    def __init__(self, model: "HallModel", label: str, ahead: timedelta, rate: float) -> None:
        self.model = model
        self.label = label
        self.ahead = ahead
        folder = model.folder / label.replace(" ", "-")
        self.box = TableBox(folder, model.hub, label)
        self.client = FaultyClient(self.box.hub, model.chance, rate)
        self.sync = TableSync(self.box.store, self.client, now=lambda: model.now + ahead)
        self.evening = Evening(folder, label, label.replace(" ", "-"))
        self.said: list[Said] = []
        self.shots: list[str] = []
        self.failed = True

    @property
    def store(self) -> Store:
        return self.box.store

    @contextmanager
    def time(self) -> Iterator[Evening]:
        """What is done inside the block takes place now, by this table's clock."""
        self.evening.now = self.model.now + self.ahead
        self.model.clock = lambda: self.evening.now
        try:
            yield self.evening
        finally:
            self.model.now = self.evening.now - self.ahead

    def turn(self) -> int:
        """One turn of `ladder sync`."""
        with self.time():
            try:
                if self.failed:
                    self.sync.hello()
                done = self.sync.once()
            except FAILURES:
                self.failed = True
                with self.store.write() as conn:
                    outbox.tell_changes(conn)
                return 1
        self.failed = False
        return done

    def players(self) -> list[Player]:
        """Who is known here and could sit down."""
        with self.store.read() as conn:
            ids = [row["id"] for row in conn.execute("SELECT id FROM players WHERE erased IS NULL AND NOT guest")]
            found = [get_player(conn, one) for one in sorted(ids)]
        return [one for one in found if one is not None]

    def close(self) -> None:
        self.client.close()
        self.evening.close()
        self.box.close()


class HallModel:
    """`patch` sets an attribute for the time of the test."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        patch: Callable[[object, str, Any], None],
        *,
        labels: tuple[str, ...] = ("Table 3", "Table 5"),
        ahead: tuple[timedelta, ...] = (timedelta(), timedelta()),
        rate: float = 0.25,
    ) -> None:
        self.folder = folder
        self.chance = random.Random(seed)
        self.now = BEGIN
        self.clock: Callable[[], datetime] = lambda: self.now
        for module in (outbox, shots):
            patch(module, "now_stamp", lambda: stamp(self.clock()))
        ticks = count(1_800_000_000_000_000_000, 1_000_000)
        # Keys by chance too, or no hall would be the same twice.
        patch(facts, "secrets", SimpleNamespace(randbits=random.Random(seed).getrandbits))
        patch(facts, "time", SimpleNamespace(time_ns=lambda: next(ticks)))
        model = self

        class Simulated(datetime):
            """What the caretaker takes for now."""

            @classmethod
            def now(cls, _zone: Any = None) -> "Simulated":
                return cls.fromtimestamp(model.clock().timestamp(), UTC)

        patch(erasure, "datetime", Simulated)
        self.enrolling = True
        self.hub = HubBox(folder / "hub", now=lambda: datetime.now(UTC) if self.enrolling else self.now)
        with self.hub.store.write() as conn:
            self.boss = sign_up(conn, "Boss", stamp(self.now), frozenset({"player", "admin"})).id
            for name in NAMES[:5]:
                sign_up(conn, name, stamp(self.now))
            for label in (*labels, "Table 9"):
                table_setup.add_table(
                    conn, table_setup.Wish(label, "9ft", box=label in labels), self.boss, self.now
                )
        self.sites = [Site(self, label, off, rate) for label, off in zip(labels, ahead, strict=True)]
        self.enrolling = False
        self.codes: list[str] = []
        self.rulings: list[str] = []
        self.told: list[str] = []
        for site in self.sites:
            site.client.rate, rate_then = 0.0, site.client.rate
            site.turn()
            site.client.rate = rate_then

    def close(self) -> None:
        for site in self.sites:
            site.close()
        self.hub.close()

    def live(self, steps: int, deeds: dict[str, float]) -> None:
        """So many things happen, each as likely as `deeds` has it."""
        for _ in range(steps):
            name = self.chance.choices(list(deeds), list(deeds.values()))[0]
            self.now += timedelta(seconds=self.chance.choice([1, 5, 20, 60, 200]))
            self.told.append(name)
            try:
                getattr(self, f"do_{name}")()
            except HallError as error:
                self.told[-1] += f" ({error})"

    # At a table.

    def site(self) -> Site:
        return self.chance.choice(self.sites)

    def do_sync(self) -> None:
        self.site().turn()

    def do_caretaker(self) -> None:
        site = self.site()
        with site.time():
            erasure.go_on(site.store, 1.0, sleep=lambda _: None)

    def do_hub_caretaker(self) -> None:
        with self.hub_time():
            erasure.go_on(self.hub.store, 1.0, sleep=lambda _: None)

    def do_practise(self) -> None:
        site = self.site()
        with site.time() as evening:
            players = site.players()
            site.said = []
            if players and self.chance.random() < 0.7:
                evening.practise(self.chance.choice(players))
            else:
                evening.practise(evening.guest())

    def do_match(self) -> None:
        site = self.site()
        with site.time() as evening:
            players = site.players()
            if len(players) < 2:
                return
            a, b = self.chance.sample(players, 2)
            if self.chance.random() < 0.2:
                b = evening.guest()
            site.said = []
            evening.match(a, b, self.chance.choice(["8-ball", "9-ball"]), self.chance.choice([1, 2]))

    def do_shoot(self) -> None:
        site = self.site()
        with site.time() as evening:
            for _ in range(self.chance.choice([1, 2, 5])):
                balls = self.chance.sample([*RACK, "cue"], self.chance.choice([0, 0, 1, 1, 2]))
                lying = RACK[self.chance.randrange(4) :]
                kind = self.chance.choice(["cut", "break", "safety", "straight"])
                first = self.chance.choice([None, *lying])
                site.shots.append(evening.shoot(*balls, kind=kind, first=first, on_table=lying))

    def do_say(self) -> None:
        site = self.site()
        with site.time() as evening:
            sitting = self._sitting(site)
            if sitting.match is not None:
                kind = self.chance.choice(["turn", "rack", "rack", "foul", "no foul", "end"])
                side = None if "foul" in kind else self.chance.randrange(2)
                site.said.append(evening.say(kind, side=side))  # type: ignore[arg-type]
            elif sitting.taken:
                mine = evening.rows("SELECT shot_id FROM plays WHERE session_id = ?", sitting.sessions[0].id)
                if mine:
                    site.said.append(evening.say("nobody", shot_id=self.chance.choice(mine)["shot_id"]))

    def do_unsay(self) -> None:
        site = self.site()
        with site.time() as evening:
            here = self._sitting(site)
            if site.said and here.taken:
                said = self.chance.choice(site.said)
                own = [
                    (said.match_id in (s.match_id, "") and said.match_id) or said.session_id == s.id
                    for s in here.sessions
                ]
                known = evening.rows("SELECT 1 FROM said WHERE id = ? AND withdrawn_at IS NULL", said.id)
                if any(own) and known:
                    evening.unsay(said)

    def do_mend(self) -> None:
        site = self.site()
        with site.time() as evening:
            if site.shots:
                shot_id = self.chance.choice(site.shots)
                if evening.rows("SELECT 1 FROM shots WHERE id = ?", shot_id):
                    evening.mend(shot_id, potted=(), scratch=self.chance.random() < 0.5, result="miss")

    def do_leave(self) -> None:
        site = self.site()
        with site.time() as evening:
            site.said = []
            evening.leave()

    def do_call(self) -> None:
        site = self.site()
        with site.time() as evening, site.store.write() as conn:
            calls.call(conn, site.label, evening.now)

    def do_uncall(self) -> None:
        site = self.site()
        with site.time() as evening, site.store.write() as conn:
            calls.withdraw(conn, site.label, evening.now)

    def do_code(self) -> None:
        site = self.site()
        with site.time() as evening, site.store.write() as conn:
            for player in at_table(conn, site.label).players:
                if player.guest:
                    self.codes.append(logins.make_claim_code(conn, player.id, evening.now))

    # At the hub.

    @contextmanager
    def hub_time(self) -> Iterator[None]:
        self.clock = lambda: self.now
        yield

    @contextmanager
    def at_hub(self) -> Iterator[sqlite3.Connection]:
        with self.hub_time(), self.hub.store.write() as conn:
            yield conn

    @property
    def hand(self) -> Hand:
        return Hand(self.boss, self.now, occasion(ZONE, "", self.now).day)

    def someone(self, conn: sqlite3.Connection, where: str = "NOT guest") -> Player | None:
        sql = f"SELECT id FROM players WHERE erased IS NULL AND id != ? AND {where} ORDER BY created, name, id"
        ids = [row["id"] for row in conn.execute(sql, [self.boss])]
        return get_player(conn, self.chance.choice(ids)) if ids else None

    def do_sign_up(self) -> None:
        with self.at_hub() as conn:
            sign_up(conn, self.chance.choice(NAMES), stamp(self.now))

    def do_name_guest(self) -> None:
        with self.at_hub() as conn:
            guest = self.someone(conn, "guest")
            if guest is not None:
                name_guest(conn, guest, self.chance.choice(NAMES))
                claims.signed_up(conn, guest.id, self.now)

    def do_claim(self) -> None:
        with self.at_hub() as conn:
            player = self.someone(conn)
            if player is not None and self.codes:
                claims.claim(conn, self.chance.choice(self.codes), player.id, self.now)

    def do_merge(self) -> None:
        with self.at_hub() as conn:
            gone, stays = self.someone(conn, "1"), self.someone(conn)
            if gone is not None and stays is not None:
                merging.merge(conn, gone.id, stays.id, self.boss, self.now)

    def do_erase(self) -> None:
        with self.at_hub() as conn:
            player = self.someone(conn)
            if player is not None:
                erasure.erase(conn, player.id, self.now, role="staff", who=self.boss)

    def do_rename(self) -> None:
        with self.at_hub() as conn:
            player = self.someone(conn)
            if player is not None:
                renaming.rename(conn, player, self.chance.choice(NAMES), self.boss, self.now)

    def do_swap_names(self) -> None:
        with self.at_hub() as conn:
            a, b = self.someone(conn), self.someone(conn)
            if a is not None and b is not None and a.id != b.id:
                renaming.rename(conn, a, "In Between", self.boss, self.now)
                renaming.rename(conn, b, a.name, self.boss, self.now)
                a = get_player(conn, a.id)
                assert a is not None
                renaming.rename(conn, a, b.name, self.boss, self.now)

    def do_rename_table(self) -> None:
        """The one that no box watches: a table's box is called what its settings say."""
        with self.at_hub() as conn:
            table = tables.hall_tables(conn)[-1]
            wish = table_setup.Wish(self.chance.choice(["Table 9", "Table 10", "Snooker"]), "9ft")
            table_setup.change_table(conn, table, wish, self.boss, self.now)

    def do_staff_stop(self) -> None:
        with self.at_hub() as conn:
            table = self._table(conn)
            floor.stop(conn, table, look_at(conn, table).mark, self.hand)

    def do_staff_move(self) -> None:
        with self.at_hub() as conn:
            table, to = self._table(conn), self._table(conn)
            floor.move(conn, table, to, look_at(conn, table).mark, self.hand)

    def do_staff_start(self) -> None:
        with self.at_hub() as conn:
            player = self.someone(conn)
            who = (None if player is None else player.id,)
            floor.start(
                conn, self._table(conn), floor.Start(str(self.chance.random()), who, clock=False), self.hand
            )

    def do_call_answered(self) -> None:
        with self.at_hub() as conn:
            for call in calls.open_calls(conn):
                calls.answer(conn, call.id, self.boss, self.now)

    def do_hub_call(self) -> None:
        """From a phone, whose page the hub makes."""
        with self.at_hub() as conn:
            label = self.chance.choice([site.label for site in self.sites])
            calls.call(conn, label, self.now)

    def do_rule(self) -> None:
        with self.at_hub() as conn:
            ids = [row["id"] for row in conn.execute("SELECT id FROM matches ORDER BY started_at, id")]
            if ids:
                match_id = self.chance.choice(ids)
                if self.chance.random() < 0.3:
                    results.strike(conn, match_id, self.boss, self.now)
                else:
                    score = self.chance.choice([(2, 0), (0, 2), (2, 1), (1, 2)])
                    results.correct(conn, match_id, score, self.boss, self.now)
                self.rulings += [
                    row["id"] for row in conn.execute("SELECT id FROM rulings ORDER BY seq DESC LIMIT 1")
                ]

    def do_unrule(self) -> None:
        with self.at_hub() as conn:
            if self.rulings:
                results.take_back(conn, self.chance.choice(self.rulings), self.boss, self.now)

    def do_enter_result(self) -> None:
        with self.at_hub() as conn:
            a, b = self.someone(conn), self.someone(conn)
            if a is not None and b is not None and a.id != b.id:
                ended = self.now - timedelta(minutes=self.chance.choice([1, 30, 600]))
                what = results.Entered(
                    f"entered-{self.chance.random()}", ((a.id,), (b.id,)), "8-ball", (3, self.chance.randrange(3)),
                    occasion(ZONE, "", ended).day, stamp(ended),
                )  # fmt: skip
                results.enter_result(conn, what, self.boss, self.now)

    def do_hub_restart(self) -> None:
        self.hub.stop()
        if self.chance.random() < 0.5:
            self.do_sync()
        self.hub.start()

    def do_tidy(self) -> None:
        with self.at_hub() as conn:
            changes.compact(conn)
            if self.chance.random() < 0.3:
                changes.forget_before(conn, changes.latest(conn) - self.chance.choice([0, 5, 50]))

    def _table(self, conn: sqlite3.Connection) -> tables.HallTable:
        return self.chance.choice(tables.hall_tables(conn))

    def _sitting(self, site: Site) -> Any:
        with site.store.read() as conn:
            return at_table(conn, site.label)

    # Afterwards.

    def heal(self) -> None:
        """The lines hold, all clocks are beyond every fact's time, and every service has its turns."""
        self.now += timedelta(days=5)
        for site in self.sites:
            site.client.rate = 0.0
            site.ahead = timedelta()
        try_again(self.hub.store, self.now)
        for _ in range(30):
            done = sum(site.turn() for site in self.sites)
            for store in (self.hub.store, *(site.store for site in self.sites)):
                self.clock = lambda: self.now
                erasure.go_on(store, 5.0, sleep=lambda _: None)
                done += Bookkeeper(store).book()
            if done == 0 and not any(site.failed for site in self.sites):
                return
        raise AssertionError("the hall does not come to rest")
