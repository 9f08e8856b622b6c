"""Logins, tokens that open one door once, and cards: who gets in, how long, and that nothing stored lets in."""

import hashlib
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hall_facts import make_store
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from edge.clock import stamp
from edge.hall import logins
from edge.hall.players import PlayerError, erase_player, sign_up
from edge.store.database import Store, connect
from edge.store.migrations import SETS, migrate

NOW = datetime(2026, 4, 1, 20, 0, tzinfo=UTC)
IDLE_S = 90.0
KEY = bytes(range(32))
HOSTILE = ["", "\0", "x" * 1_000_000, "\ud800", "🎱", "' OR 1=1 --", "%"]


@dataclass(frozen=True, slots=True)
class Hall:
    path: Path
    store: Store
    anna: str
    ben: str

    def who(self, token: str, now: datetime) -> str | None:
        with self.store.read() as conn:
            return logins.who_is(conn, token, now)

    def log_in(self, device: logins.Device, now: datetime = NOW) -> str:
        with self.store.write() as conn:
            return logins.new_login(conn, self.anna, device, now, IDLE_S)

    def keep_alive(self, token: str, now: datetime) -> None:
        with self.store.write() as conn:
            logins.keep_alive(conn, token, now)

    def make(self, purpose: str = "check-in", lasts_s: float = 120, player_id: str | None = None) -> str:
        with self.store.write() as conn:
            return logins.make_token(conn, purpose, NOW, lasts_s, player_id=player_id, payload={"table": 1})

    def state(self, token: str, now: datetime = NOW, purpose: str = "check-in") -> logins.OneTime:
        with self.store.read() as conn:
            return logins.state(conn, token, purpose, now)

    def take(self, token: str, now: datetime = NOW, purpose: str = "check-in") -> logins.OneTime | None:
        with self.store.write() as conn:
            return logins.take(conn, token, purpose, now)

    def open(self, token: str, who: str | None, now: datetime = NOW) -> logins.OneTime | None:
        with self.store.write() as conn:
            return logins.open_token(conn, token, "check-in", now, who)

    def everything(self) -> str:
        """All that the feature has stored."""
        with self.store.read() as conn:
            tables = ("logins", "one_time_tokens", "cards")
            return str([tuple(row) for table in tables for row in conn.execute(f"SELECT * FROM {table}")])


@pytest.fixture(scope="module")
def players(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    path = make_store(tmp_path_factory.mktemp("logins") / "ladder.db", logins.migrations)
    with Store(path) as store:
        with store.write() as conn:
            anna, ben = sign_up(conn, "Anna", stamp(NOW)).id, sign_up(conn, "Ben", stamp(NOW)).id
        yield Hall(path, store, anna, ben)


@pytest.fixture
def hall(players: Hall) -> Hall:
    with players.store.write() as conn:
        for table in ("logins", "one_time_tokens", "cards"):
            conn.execute(f"DELETE FROM {table}")
    return players


def after(seconds: float = 0, days: float = 0) -> datetime:
    return NOW + timedelta(seconds=seconds, days=days)


def test_a_login_names_its_player_and_no_other_token_does(hall: Hall) -> None:
    token = hall.log_in("phone")
    assert hall.who(token, NOW) == hall.anna
    for other in (token[:-1], token + "x", token.lower(), *HOSTILE):
        assert hall.who(other, NOW) is None


def test_no_stored_row_lets_anybody_in(hall: Hall) -> None:
    tokens = [hall.log_in("phone"), hall.make()]
    assert not any(token in hall.everything() for token in tokens)
    for stored in re.findall(r"[0-9a-f]{64}", hall.everything()):
        assert hall.who(stored, NOW) is None
        assert hall.state(stored).stage == "gone"


def test_a_login_on_the_screen_ends_when_its_player_is_idle(hall: Hall) -> None:
    token = hall.log_in("screen")
    assert hall.who(token, after(IDLE_S - 1)) == hall.anna
    assert hall.who(token, after(IDLE_S)) is None
    for minute in range(5):
        hall.keep_alive(token, after(60 * minute))
    assert hall.who(token, after(60 * 4 + IDLE_S - 1)) == hall.anna
    hall.keep_alive(token, after(60 * 4 + IDLE_S))  # too late
    assert hall.who(token, after(60 * 4 + IDLE_S)) is None


def test_a_login_at_the_counter_ends_when_its_player_is_idle_or_the_clock_is_set_back(hall: Hall) -> None:
    token = hall.log_in("counter")
    assert hall.who(token, after(IDLE_S - 1)) == hall.anna
    assert hall.who(token, after(IDLE_S)) is None
    assert hall.who(token, after(-3600)) is None


@pytest.mark.parametrize("by_pin", [True, False])
def test_a_login_knows_whether_the_pin_was_typed(hall: Hall, by_pin: bool) -> None:
    with hall.store.write() as conn:
        token = logins.new_login(conn, hall.anna, "counter", NOW, IDLE_S, by_pin=by_pin)
        logins.keep_alive(conn, token, after(10))
        found = logins.find_login(conn, token, NOW)
    assert found is not None
    assert (found.device, found.by_pin) == ("counter", by_pin)


def test_logins_from_before_stay_and_were_by_no_pin(tmp_path: Path) -> None:
    path = tmp_path / "ladder.db"
    with closing(connect(path, "create")) as conn:
        db = Database(conn)
        for one in SETS:
            one.apply(db, stop_before="logins_2")
        anna = sign_up(conn, "Anna", stamp(NOW)).id
        conn.execute(
            "INSERT INTO logins VALUES (?, ?, 'phone', ?, ?, ?)",
            [hashlib.sha256(b"old").hexdigest(), anna, stamp(NOW), stamp(NOW), stamp(after(days=180))],
        )
    assert "logins/logins_2" in migrate(path)
    with closing(connect(path)) as conn:
        found = logins.find_login(conn, "old", NOW)
        indexes = {row["name"] for row in conn.execute("SELECT name FROM sqlite_schema WHERE tbl_name = 'logins'")}
    assert found == logins.Login(anna, "phone", NOW, after(days=180), by_pin=False)
    assert {"logins_by_player", "logins_by_end"} <= indexes


def test_a_login_on_a_phone_ends_after_half_a_year_without_use(hall: Hall) -> None:
    token = hall.log_in("phone")
    assert hall.who(token, after(days=179)) == hall.anna
    assert hall.who(token, after(days=180)) is None
    hall.keep_alive(token, after(days=100))
    assert hall.who(token, after(days=279)) == hall.anna


@pytest.mark.parametrize(("device", "seldom_s", "due_s"), [("screen", 8.0, 9.0), ("phone", 86_000.0, 87_000.0)])
def test_being_seen_is_not_written_with_every_page(
    hall: Hall, device: logins.Device, seldom_s: float, due_s: float
) -> None:
    token = hall.log_in(device)
    with hall.store.read() as conn:
        login = logins.find_login(conn, token, NOW)
    assert login is not None
    assert not login.due(after(seldom_s))
    assert login.due(after(due_s))
    assert login.due(after(-3600))  # the clock was set back: from now on it counts anew


def test_a_clock_set_back_ends_what_is_short_lived_and_keeps_phones(hall: Hall) -> None:
    screen, phone, qr = hall.log_in("screen"), hall.log_in("phone"), hall.make()
    for little_s in (-5, -59):
        assert hall.who(screen, after(little_s)) == hall.anna
        assert hall.state(qr, after(little_s)).stage == "waiting"
    for much_s in (-61, -3600, -1e9):
        assert hall.who(screen, after(much_s)) is None
        assert hall.state(qr, after(much_s)).stage == "gone"
        assert hall.who(phone, after(much_s)) == hall.anna


def test_a_clock_that_was_far_ahead_does_not_make_a_phone_stay_for_ever(hall: Hall) -> None:
    token = hall.log_in("phone", after(days=3650))
    hall.keep_alive(token, NOW)
    assert hall.who(token, after(days=181)) is None


def test_logging_out_ends_one_login_or_all(hall: Hall) -> None:
    one, other, third, qr = hall.log_in("phone"), hall.log_in("screen"), hall.log_in("phone"), ""
    with hall.store.write() as conn:
        bens = logins.new_login(conn, hall.ben, "phone", NOW, IDLE_S)
        logins.log_out(conn, one)
        logins.log_out(conn, "no such token")
    assert [hall.who(token, NOW) for token in (one, other, third)] == [None, hall.anna, hall.anna]
    qr = hall.make("phone", player_id=hall.anna)
    with hall.store.write() as conn:
        logins.log_out_everywhere(conn, hall.anna)
    assert [hall.who(token, NOW) for token in (other, third)] == [None, None]
    assert hall.state(qr, purpose="phone").stage == "gone"
    assert hall.who(bens, NOW) == hall.ben


def test_logins_of_long_ago_are_deleted(hall: Hall) -> None:
    hall.log_in("screen")
    hall.make()
    hall.log_in("phone", after(days=31))
    with hall.store.read() as conn:
        assert conn.execute("SELECT count(*) FROM logins").fetchone()[0] == 1
        assert conn.execute("SELECT count(*) FROM one_time_tokens").fetchone()[0] == 0


def test_a_token_goes_through_its_stages_and_tells_who(hall: Hall) -> None:
    token = hall.make()
    assert hall.state(token) == logins.OneTime("waiting", None, None, {"table": 1})
    assert hall.open(token, hall.ben) == logins.OneTime("opened", None, hall.ben, {"table": 1})
    assert hall.state(token).stage == "opened"
    assert hall.take(token) == logins.OneTime("done", None, hall.ben, {"table": 1})
    assert hall.state(token) == logins.OneTime("done", None, hall.ben, {"table": 1})
    assert hall.take(token) is None
    assert hall.open(token, hall.ben) is None


def test_looking_at_a_token_does_not_use_it_up(hall: Hall) -> None:
    token = hall.make()
    for _ in range(3):
        with hall.store.read() as conn:
            assert logins.peek(conn, token, "check-in", NOW) is not None
    assert hall.take(token) is not None


def test_who_was_faster_keeps_the_token(hall: Hall) -> None:
    token = hall.make()
    assert hall.open(token, hall.anna) is not None
    assert hall.open(token, hall.anna) is not None  # the page was loaded again
    assert hall.open(token, hall.ben) is None
    assert hall.state(token).who == hall.anna


def test_a_token_is_good_for_its_purpose_and_its_time(hall: Hall) -> None:
    token = hall.make("phone", player_id=hall.anna)
    assert hall.take(token, purpose="check-in") is None
    assert hall.take(token, after(120), "phone") is None
    taken = hall.take(token, after(119), "phone")
    assert taken is not None
    assert taken.player_id == hall.anna


def test_a_token_whose_code_left_the_screen_is_gone(hall: Hall) -> None:
    token = hall.make()
    with hall.store.write() as conn:
        logins.withdraw(conn, token)
    assert hall.take(token) is None


@pytest.mark.parametrize("token", HOSTILE)
def test_whatever_is_sent_as_a_token_is_only_gone(hall: Hall, token: str) -> None:
    hall.make()
    assert hall.state(token) == logins.GONE
    assert hall.take(token) is None


def test_of_eight_who_take_it_at_once_one_gets_it(hall: Hall) -> None:
    for _ in range(5):
        token, together = hall.make(), threading.Barrier(8)

        def take(_: int, token: str = token, together: threading.Barrier = together) -> logins.OneTime | None:
            together.wait(60)
            return hall.take(token)

        with ThreadPoolExecutor(8) as pool:
            assert len([one for one in pool.map(take, range(8)) if one is not None]) == 1


def test_a_token_is_not_used_up_when_what_it_opens_fails(hall: Hall) -> None:
    token = hall.make()

    def take_and_fail() -> None:
        with hall.store.write() as conn:
            assert logins.take(conn, token, "check-in", NOW) is not None
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        take_and_fail()
    assert hall.take(token) is not None


def test_tokens_are_long_and_fit_an_address(hall: Hall) -> None:
    for token in (hall.make(), hall.log_in("phone")):
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)


def test_a_claim_code_can_be_typed_by_a_person(hall: Hall) -> None:
    with hall.store.write() as conn:
        codes = [logins.make_claim_code(conn, hall.ben, NOW, {"session": "s"}) for _ in range(50)]
    assert len(set(codes)) == 50
    assert all(re.fullmatch(r"[2-9BCDFGHJKMNPQRTVWXY]{4}-[2-9BCDFGHJKMNPQRTVWXY]{4}", code) for code in codes)
    typed = f" {codes[0].lower().replace('-', ' ')} "
    assert hall.state(logins.clean_code(typed), after(days=29), "claim").player_id == hall.ben
    assert hall.state(logins.clean_code(typed), after(-7200), "claim").stage == "waiting"  # it lasts long
    assert hall.take(logins.clean_code(codes[0]), after(days=30), "claim") is None
    assert hall.take(logins.clean_code(codes[0]), after(days=29), "claim") is not None
    assert hall.take(logins.clean_code(codes[0]), after(days=29), "claim") is None


@given(st.text())
def test_any_typing_can_be_cleaned(typed: str) -> None:
    assert logins.clean_code(logins.clean_code(typed)) == logins.clean_code(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "04A3B2C1",
        "04a3b2c1",
        "04:A3:B2:C1",
        "04 a3 b2 c1\r\n",
        ";04A3B2C1?",
        "0x04A3B2C1",
        "UID: 04-A3-B2-C1",
        "\x0204A3B2C1\x03",
    ],
)
def test_readers_write_the_same_card_in_many_ways(typed: str) -> None:
    assert logins.clean_card_number(typed) == "04A3B2C1"


@pytest.mark.parametrize(
    "typed", ["", "12345", "hello", "٠١٢٣٤٥٦٧", "\0\0\0\0\0\0", "A" * 33, "9" * 1_000_000, "🎱" * 9]
)
def test_what_is_no_card_is_said(typed: str) -> None:
    with pytest.raises(PlayerError) as caught:
        logins.clean_card_number(typed)
    assert caught.value.key == "card_number"


def test_a_card_belongs_to_one_player(hall: Hall) -> None:
    with hall.store.write() as conn:
        logins.add_card(conn, KEY, "04A3B2C1", hall.anna, NOW)
        logins.add_card(conn, KEY, ";04:a3:b2:c1?", hall.anna, NOW)
        logins.add_card(conn, KEY, "0012345678", hall.anna, after(1))
        assert len(logins.cards_of(conn, hall.anna)) == 2
        assert logins.find_card(conn, KEY, "04 A3 B2 C1") == hall.anna
        assert logins.find_card(conn, KEY, "12345678") is None  # another number: zeros belong to it
        assert logins.find_card(conn, bytes(32), "04A3B2C1") is None
        with pytest.raises(PlayerError, match="card_taken"):
            logins.add_card(conn, KEY, "04A3B2C1", hall.ben, NOW)
        lost = logins.cards_of(conn, hall.anna)[0]
        logins.remove_card(conn, hall.ben, lost.hash)
        assert len(logins.cards_of(conn, hall.anna)) == 2
        logins.remove_card(conn, hall.anna, lost.hash)
        assert logins.find_card(conn, KEY, "04A3B2C1") is None
        logins.add_card(conn, KEY, "04A3B2C1", hall.ben, NOW)
    assert "04A3B2C1" not in hall.everything()


def test_nothing_is_left_of_a_player_who_is_forgotten(hall: Hall) -> None:
    hall.log_in("phone")
    hall.make("phone", player_id=hall.anna)
    hall.open(hall.make(), hall.anna)
    bens = hall.make("phone", player_id=hall.ben)
    with hall.store.write() as conn:
        logins.add_card(conn, KEY, "04A3B2C1", hall.anna, NOW)
        logins.forget(conn, hall.anna)
    assert hall.anna not in hall.everything()
    assert hall.state(bens, purpose="phone").stage == "waiting"


def test_who_was_erased_can_be_forgotten(hall: Hall) -> None:
    with hall.store.write() as conn:
        cara = sign_up(conn, "Cara", stamp(NOW)).id
        token = logins.new_login(conn, cara, "phone", NOW, IDLE_S)
        erase_player(conn, cara, stamp(NOW))
        logins.forget(conn, cara)
    assert hall.who(token, NOW) is None
