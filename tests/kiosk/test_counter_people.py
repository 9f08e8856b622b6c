"""People at the counter: found, helped, merged and deleted, by those who may, and every deed can be seen."""

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from hall_visitor import PHONE, Browser, House, a_house, hidden

from edge.clock import monday_of, stamp
from edge.hall import audit, consents, groups, logins, pin_resets, pins, stats_views
from edge.hall.keys import load_keys
from edge.hall.players import Player, find_player, get_player, sign_up
from edge.hall.roles import give_role

HOSTILE = "<b>x</b> ' OR 1=1"


@dataclass
class Counter:
    """A house with Ana and Ben, and a browser of Stan's at the counter."""

    house: House
    ana: Player
    ben: Player
    staff: Browser

    def now(self, player: Player) -> Player:
        with self.house.evening.store.read() as conn:
            found = get_player(conn, player.id)
        assert found is not None
        return found

    def way(self, player: Player, what: str = "") -> str:
        return f"/counter/people/{player.id}{what}"

    def deeds(self, player: Player) -> list[str]:
        with self.house.evening.store.read() as conn:
            return [deed.what for deed in audit.about(conn, f"player:{player.id}")]

    def told(self, location: str) -> str:
        """What the page after a deed says of it."""
        found = re.search(
            r'class="told[^"]*" role="\w+">.*?</svg>\s*(?:<p>)?(.*?)(?:</p>|\n)', self.staff.html(location), re.S
        )
        assert found is not None
        return found[1].strip()

    def undo(self, location: str) -> None:
        page = self.staff.html(location)
        self.staff.post("/counter/undo", deed=hidden(page, "deed"), back="/counter/people")


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    with a_house(tmp_path) as house:
        ana, ben = house.evening.player("Ana"), house.evening.player("Ben")
        house.practise(ana)
        yield Counter(house, ana, ben, house.counter())


def test_people_are_found_by_who_was_here_and_by_name(counter: Counter) -> None:
    page = counter.staff.html("/counter/people")
    assert "Ana" in page
    assert counter.way(counter.ben) not in page  # never here
    page = counter.staff.html("/counter/people?name=be")
    assert counter.way(counter.ben) in page
    assert counter.way(counter.ana) not in page
    page = counter.staff.html(f"/counter/people?name={quote(HOSTILE)}")
    assert "<b>x</b>" not in page


def test_a_person_s_page_tells_what_there_is(counter: Counter) -> None:
    counter.house.play_a_match(counter.ana, counter.ben)
    page = counter.staff.html(counter.way(counter.ana))
    assert "Ana – Ben 0:1" in page
    assert "Has no PIN." in page
    counter.staff.html("/counter/people/nobody", 404)


def test_roles_one_may_not_give_are_neither_given_nor_taken(counter: Counter) -> None:
    store = counter.house.evening.store
    with store.write() as conn:
        give_role(conn, counter.ana.id, "admin", stamp(counter.house.evening.now))
    way = counter.way(counter.ana, "/roles")
    page = counter.staff.html(way)
    assert re.search(r'value="admin" checked disabled', page)
    counter.staff.post(way, role=["coach", "operator"])
    assert counter.now(counter.ana).roles == {
        "player",
        "admin",
    }  # nothing at all: an operator is not Stan's to give
    location = counter.staff.post(way, role=["coach"]).location
    assert counter.now(counter.ana).roles == {"player", "admin", "coach"}
    assert counter.told(location) == "Ana: roles changed"
    counter.undo(location)
    assert counter.now(counter.ana).roles == {"player", "admin"}


def test_a_forgotten_pin_is_chosen_anew_at_a_screen(counter: Counter) -> None:
    house = counter.house
    house.set_pin(counter.ana)
    page = counter.staff.post(counter.way(counter.ana, "/pin"), 200).get_data(as_text=True)
    code = re.search(r'class="code-shown">([^<]+)<', page)
    assert code is not None
    with house.evening.store.read() as conn:
        assert not pins.has_pin(conn, counter.ana.id)
    at_table = house.browser()
    assert "/check-in/code" in at_table.html("/check-in/pin?name=Ana")
    page = at_table.post("/check-in/code", 200, code=code[1].lower().replace("-", " ")).get_data(as_text=True)
    assert "A new one for Ana." in page
    typed = hidden(page, "code")
    assert at_table.post("/check-in/code/pin", 400, code=typed, pin="1111").status_code == 400
    at_table.post("/check-in/code/pin", code=typed, pin="9173")
    assert "Ana" in at_table.html("/me/profile")
    verdict = pins.verify(
        house.evening.store, load_keys(house.box.paths.secrets).pins, counter.ana.id, "9173", pins.this_moment()
    )
    assert verdict.player_id == counter.ana.id
    house.browser().post("/check-in/code", 400, code=code[1])
    assert counter.deeds(counter.ana)[:2] == ["player.pin_changed", "player.pin_reset"]


def test_codes_can_t_be_tried_for_ever_nor_on_the_plain_line(counter: Counter) -> None:
    at_table = counter.house.browser()
    answers = [
        at_table.post("/check-in/code", status, code="B4KX79QM").status_code for status in [400] * 30 + [429]
    ]
    assert answers[-1] == 429
    phone = counter.house.browser(address=PHONE)
    phone.get("/check-in/code", 403)
    phone.post("/check-in/code/pin", 403, code="B4KX79QM", pin="9173")


def test_the_lock_out_is_lifted(counter: Counter) -> None:
    house = counter.house
    house.set_pin(counter.ana)
    key = load_keys(house.box.paths.secrets).pins
    for _ in range(pins.FREE_TRIES + 1):
        pins.verify(house.evening.store, key, counter.ana.id, "0007", pins.this_moment())
    assert "Typed wrong too often" in counter.staff.html(counter.way(counter.ana))
    counter.staff.post(counter.way(counter.ana, "/unlock"))
    assert "Has a PIN." in counter.staff.html(counter.way(counter.ana))


def test_a_name_that_can_t_be_comes_back_as_typed(counter: Counter) -> None:
    way = counter.way(counter.ana, "/name")
    for typed, says in (
        ("B", "2 to 24"),
        ("ben", "ben is here already"),
        (HOSTILE, "Only letters"),
        ("Weak", "Another"),
    ):
        page = counter.staff.post(way, 400, name=typed).get_data(as_text=True)
        assert says in page
        assert "<b>x</b>" not in page
    location = counter.staff.post(way, name="  Ana   Maria ").location
    assert counter.now(counter.ana).name == "Ana Maria"
    counter.undo(location)
    assert counter.now(counter.ana).name == "Ana"


def test_group_boards_and_clips(counter: Counter) -> None:
    staff, ana = counter.staff, counter.ana
    location = staff.post(counter.way(ana, "/group"), group="elite").location
    store = counter.house.evening.store
    with store.read() as conn:
        assert groups.group_of(conn, ana.id) == "elite"
    counter.undo(location)
    with store.read() as conn:
        assert not groups.overridden(conn, ana.id)
    staff.post(counter.way(ana, "/group"), 400, group="worst")
    staff.post(counter.way(ana, "/boards"), do="hide")
    assert not counter.now(ana).visible
    staff.post(counter.way(ana, "/boards"), do="show")
    assert counter.now(ana).visible
    staff.post(counter.way(ana, "/clips"), answer="no")
    staff.post(counter.way(ana, "/clips"), 400, answer="perhaps")
    with store.read() as conn:
        told = consents.consent_of(conn, ana.id)
    assert told is not None
    assert (told.answer, told.by == ana.id) == ("no", False)


def test_two_accounts_become_one(counter: Counter) -> None:
    staff, ana, ben = counter.staff, counter.ana, counter.ben
    assert counter.way(ana, f"/merge/{ben.id}") in staff.html(counter.way(ana, "/merge?name=ben"))
    page = staff.html(counter.way(ana, f"/merge/{ben.id}"))
    assert "Ana is Ben?" in page
    location = staff.post(counter.way(ana, f"/merge/{ben.id}")).location
    assert counter.told(location) == "Ben: another account moved here"
    assert counter.house.evening.rows("SELECT DISTINCT player_id FROM sessions") == [{"player_id": ben.id}]
    staff.html(counter.way(ana), 404)
    location = staff.post(counter.way(ana, f"/merge/{ben.id}"), back=counter.way(ben)).location
    assert "not here any more" in counter.told(location)


def test_two_who_met_are_told_apart(counter: Counter) -> None:
    counter.house.play_a_match(counter.ana, counter.ben)
    page = counter.staff.html(counter.way(counter.ana, f"/merge/{counter.ben.id}"))
    assert "they are two people" in page
    location = counter.staff.post(counter.way(counter.ana, f"/merge/{counter.ben.id}")).location
    assert "they are two people" in counter.told(location)
    assert counter.now(counter.ana).erased is None


def test_everything_is_deleted_after_two_questions(counter: Counter) -> None:
    staff, ana = counter.staff, counter.ana
    way = counter.way(ana, "/delete")
    assert "This goes" in staff.html(way)
    staff.post(way, 403)  # without the second question
    page = staff.post(f"{way}/sure", 200).get_data(as_text=True)
    granted = hidden(page, "granted")
    staff.post(counter.way(counter.ben, "/delete"), 403, granted=granted)  # asked of somebody else
    assert counter.now(counter.ben).erased is None
    staff.post(way, granted=granted)
    assert counter.now(ana).erased is not None
    assert counter.house.evening.rows("SELECT 1 FROM sessions") == []
    staff.post(way, 404, granted=granted)


def test_all_of_theirs_is_given_out_and_written_down(counter: Counter) -> None:
    answer = counter.staff.post(counter.way(counter.ana, "/everything.zip"), 200)
    with zipfile.ZipFile(io.BytesIO(answer.get_data())) as archive:
        assert {"shots.csv", "players.json", "sessions.json"} <= set(archive.namelist())
    assert counter.deeds(counter.ana)[0] == "player.given_out"


def test_the_hall_s_own_people_are_out_of_reach(counter: Counter) -> None:
    store = counter.house.evening.store
    with store.write() as conn:
        olga = sign_up(conn, "Olga", stamp(datetime.now(UTC)), frozenset({"player", "operator"}))
    for what in ("/pin", "/delete/sure", "/everything.zip"):
        location = counter.staff.post(counter.way(olga, what)).location
        assert "trouble=person_not_yours" in location
    assert "trouble=person_not_yours" in counter.staff.post(counter.way(olga, "/name"), name="Xenia").location
    page = counter.staff.html(counter.way(olga))
    assert "somebody of a higher role does the rest" in page
    assert not re.search(r'href="[^"]*/(pin|name|merge|delete)"', page)


def test_one_s_own_pin_and_account_are_for_one_s_own_pages(counter: Counter) -> None:
    with counter.house.evening.store.read() as conn:
        stan = find_player(conn, "Stan")
    assert stan is not None
    boss = counter.house.counter()
    assert "trouble=person_not_yours" in boss.post(counter.way(stan, "/delete/sure")).location
    assert "trouble=pin_own" in boss.post(counter.way(stan, "/pin")).location


def test_who_looks_at_their_statistics_is_written_once_a_week(counter: Counter) -> None:
    browser = counter.house.browser(counter.ana)
    for path in ("/me", "/me/stats", "/me"):
        browser.html(path)
    today = counter.house.app.extensions["kiosk"].here().day
    rows = counter.house.evening.rows("SELECT * FROM stats_views")
    assert rows == [{"week": monday_of(today), "player_id": counter.ana.id}]


def test_a_page_that_only_looks_does_not_write(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[object] = []
    monkeypatch.setattr(stats_views, "note", lambda *values: noted.append(values))
    browser = counter.house.browser(counter.ana)
    browser.html("/me")
    assert len(noted) == 1
    monkeypatch.undo()
    browser.html("/me")
    monkeypatch.setattr(stats_views, "note", lambda *values: noted.append(values))
    for path in ("/me", "/me/stats"):
        browser.html(path)
    assert len(noted) == 1


def test_a_code_of_another_kind_sets_no_pin(counter: Counter) -> None:
    guest = counter.house.evening.guest()
    with counter.house.evening.store.write() as conn:
        claim = logins.make_claim_code(conn, guest.id, datetime.now(UTC))
        staffing_code = pin_resets.whose_code(conn, claim, datetime.now(UTC))
    assert staffing_code is None
    counter.house.browser().post("/check-in/code", 400, code=claim)


def test_who_has_no_pin_yet_is_given_a_first_one(counter: Counter) -> None:
    assert "Set a PIN" in counter.staff.html(counter.way(counter.ana))
    assert "The old PIN ends" not in counter.staff.html(counter.way(counter.ana, "/pin"))
    counter.house.set_pin(counter.ana)
    assert "Forgotten: new PIN" in counter.staff.html(counter.way(counter.ana))
    assert "The old PIN ends" in counter.staff.html(counter.way(counter.ana, "/pin"))
