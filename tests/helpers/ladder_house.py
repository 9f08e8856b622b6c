"""A kiosk with a ladder of nine-ball to one: Ana, Ben, Cleo and Dan in Gold, Eva in Silver, Finn beside it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from hall_visitor import PHONE, SCREEN, Browser, House, a_house

from edge.hall import ladders, players
from edge.hall.ladders import Challenge, Ladder, Standing, Terms
from edge.hall.players import Player

NAMES = ("Ana", "Ben", "Cleo", "Dan", "Eva", "Finn")


@dataclass
class Club:
    """`who` are the players by name."""

    house: House
    who: dict[str, Player]
    ladder: Ladder
    staff: Browser

    @property
    def own(self) -> str:
        """The ladder's page at the counter."""
        return f"/counter/ladders/{self.ladder.id}"

    def player(self, name: str, address: str = PHONE) -> Browser:
        return self.house.browser(self.who[name], address)

    def order(self, division: int = 0) -> list[str]:
        return [row.name for row in self.rows(division)]

    def rows(self, division: int = 0) -> list[Standing]:
        with self.house.evening.store.read() as conn:
            return ladders.standings(conn, self.ladder.id, self.ladder.divisions[division].id)

    def challenge(self, a: str, b: str, days_ago: int = 0) -> Challenge:
        with self.house.evening.store.write() as conn:
            here = self.house.evening.here
            made = ladders.challenge(conn, self.ladder.id, self.who[a].id, self.who[b].id, here)
            if days_ago:
                day = (self.house.evening.now - timedelta(days=days_ago)).date().isoformat()
                conn.execute("UPDATE ladder_challenges SET deadline = ? WHERE id = ?", [day, made.id])
            return ladders.get_challenge(conn, made.id)

    def play(self, loser: str, winner: str) -> str:
        """A ladder match at the table, on the players' word."""
        self.house.evening.wait(60)
        match = self.house.evening.match(self.who[loser], self.who[winner], race_to=1)
        self.house.browser(None, SCREEN).post("/table/ladder", ladder=self.ladder.id)
        self.house.run_out()
        self.house.evening.leave()
        return match.id

    def undo(self, html: str) -> None:
        """Takes back what the page says was just done."""
        deed = re.search(r'name="deed" value="(\d+)"', html)
        assert deed is not None
        self.staff.post("/counter/undo", deed=deed[1], back=self.own)


@contextmanager
def a_club(folder: Path) -> Iterator[Club]:
    with a_house(folder) as house:
        who = {name: house.evening.player(name) for name in NAMES}
        staff, at = house.counter(), house.evening.here.stamp
        with house.evening.store.write() as conn:
            stan = players.find_player(conn, "Stan")
            assert stan is not None
            terms = Terms("House ladder", "9-ball", race_to=1, challenge_range=2)
            ladder = ladders.create_ladder(conn, terms, ["Gold", "Silver"], stan.id, at)
            gold, silver = ladder.divisions
            ladders.add_members(conn, gold.id, [who[name].id for name in NAMES[:4]], stan.id, at)
            ladders.add_members(conn, silver.id, [who["Eva"].id], stan.id, at)
        yield Club(house, who, ladder, staff)
