"""A hall on the first of November, for the tests of what a month gives: October is over, and can be published."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hall_facts import put_days
from hall_visitor import Browser, House

from edge.clock import stamp
from edge.hall import draws, points, votes
from edge.hall.occasion import Occasion, occasion
from edge.hall.players import Player, save_player
from edge.hall.results import Entered, correct, enter_result

MONTH, THIS_MONTH = "2025-10", "2025-11"
NOW = datetime(2025, 11, 1, 20, 0, tzinfo=UTC)
CALL = "tiger, seventeen, Banana"

# What somebody could type to harm a page, a table of figures, or the patience of who reads it.
HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "=1+1", "{{ 7 * 7 }}", "Bobby'; DROP--"]


class MonthHall(House):
    """A hall whose clock stands still, and what its members did in October."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.evening.now = NOW - timedelta(days=60)

    @property
    def here(self) -> Occasion:
        return occasion(self.evening.here.now.tzinfo or UTC, "Table 1", NOW)

    def came(self, player: Player, *days: int, month: str = MONTH) -> None:
        """Days of a month on which a player struck a ball, a point each."""
        with self.evening.store.write() as conn:
            put_days(conn, player.id, [f"{month}-{day:02}" for day in days])
            points.settle(conn, player.id, stamp(NOW))

    def regulars(self, *names: str, days: int = 6) -> list[Player]:
        """Members who came so often in October, the first once more than the second, and so on."""
        players = [self.evening.player(name) for name in names]
        for place, player in enumerate(players):
            self.came(player, *range(1, days + len(players) - place))
        return players

    def beat(self, winner: Player, other: Player, match_id: str, *, day: int = 20, lost: int = 0) -> None:
        """A result of October."""
        what = Entered(match_id, ((winner.id,), (other.id,)), "8-ball", (5, lost), f"{MONTH}-{day}", stamp(NOW))
        with self.evening.store.write() as conn:
            enter_result(conn, what, winner.id, NOW)

    def turn(self, match_id: str) -> None:
        """That result is corrected: the other one has won."""
        with self.evening.store.write() as conn:
            by = conn.execute("SELECT player_a FROM matches WHERE id = ?", [match_id]).fetchone()[0]
            correct(conn, match_id, (0, 5), by, NOW)

    def hide(self, player: Player) -> None:
        with self.evening.store.write() as conn:
            save_player(conn, replace(player, visible=False))

    def vote(self, voter: Player, candidate: Player, kind: votes.Kind = "mvp") -> None:
        here = Occasion(NOW, "2025-11-01", "Table 1")
        with self.evening.store.write() as conn:
            votes.vote(conn, MONTH, kind, voter=voter.id, candidate=candidate.id, here=here)

    def draw(
        self,
        prize: str = "A cue",
        *,
        month: str = MONTH,
        prizes: int = 1,
        frozen: bool = False,
        held: bool = False,
    ) -> str:
        """A draw of October, or another month; returns its id."""
        at = stamp(NOW)
        with self.evening.store.write() as conn:
            draw_id = draws.create(conn, month, prize, by="", now=at, prizes=prizes).id
            if frozen or held:
                draws.freeze(conn, draw_id, by="", now=at)
            if held:
                draws.draw(conn, draw_id, CALL, by="", now=at)
        return draw_id

    def get_draw(self, draw_id: str) -> draws.Draw:
        with self.evening.store.read() as conn:
            found = draws.get_draw(conn, draw_id)
        assert found is not None
        return found

    def count(self, sql: str, *values: object) -> int:
        return int(self.evening.rows(f"SELECT count(*) AS number FROM {sql}", *values)[0]["number"])


@contextmanager
def month_hall(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MonthHall]:
    with closing(MonthHall(folder)) as house:
        monkeypatch.setattr("kiosk.box.occasion", lambda zone, label: occasion(zone, label, NOW))
        yield house


def undo(staff: Browser, location: str) -> str:
    """Presses Undo on the page that a deed led to; returns where that leads."""
    deed = re.search(r'name="deed" value="(\d+)"', staff.html(location))
    assert deed is not None, "nothing to undo"
    return str(staff.post("/counter/undo", deed=deed[1], back=location.partition("?")[0]).location)


def told(html: str) -> str:
    """What the page says was done, or can't be."""
    found = re.search(r'class="told[^>]*>(.*?)</(?:div|p)>', html, re.DOTALL)
    return "" if found is None else re.sub(r"<[^>]+>", "", found[1]).strip()


def words(html: str) -> str:
    """The page without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def nobody_else(house: House, player: Player, paths: list[str], posts: list[str]) -> None:
    """Whatever is staff's is refused to players, and to staff on their phones, who did not type a PIN there."""
    staff = house.counter()  # Stan is there from now on
    with house.evening.store.read() as conn:
        stan = conn.execute("SELECT id FROM players WHERE name = 'Stan'").fetchone()["id"]
    phone = house.browser(replace(player, id=stan), "192.168.1.20")
    for path in paths:
        staff.get(path)
        house.browser(player).get(path, 403)
        assert "/counter/enter" in house.browser().get(path, 303).location
        assert "/counter/enter" in phone.get(path, 303).location
    for path in posts:
        house.browser(player).post(path, 403)
        house.browser().post(path, 401)
        phone.post(path, 403)
