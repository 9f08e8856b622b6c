"""PINs: which may be, that they are kept from everyone, and that nobody tries all or locks others out for good."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from argon2 import PasswordHasher
from argon2.low_level import Type
from hall_facts import make_store
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from waiting import wait_until

from edge.clock import stamp
from edge.hall import pins
from edge.hall.pins import Moment, Verdict, delay_s, hash_pin, keep_pin, locked_s
from edge.hall.players import PlayerError, erase_player, new_guest, sign_up
from edge.store.database import Store

NOW = datetime(2026, 4, 1, 20, 0, tzinfo=UTC)
START = Moment(NOW, "boot-1", 1000.0)
PEPPER = bytes(range(32))
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
DAY_S = 24 * 3600.0


class WatchedHasher(PasswordHasher):
    """Counts how many PINs are looked at, and does something while one is."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.meanwhile = meanwhile
        self.looks, self.inside, self.most_inside = 0, 0, 0
        self._lock = threading.Lock()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self._look()
        return super().hash(password, salt=salt)

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self._look()
        return super().verify(hash, password)

    def _look(self) -> None:
        with self._lock:
            self.looks += 1
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
        self.meanwhile()
        with self._lock:
            self.inside -= 1


@dataclass(frozen=True, slots=True)
class Hall:
    """A store with Anna (2846) and Ben (9173)."""

    path: Path
    store: Store
    anna: str
    ben: str

    def tries(
        self,
        pin: str,
        at: Moment = START,
        hasher: PasswordHasher = CHEAP,
        who: str = "",
        line: pins.Line = "screen",
    ) -> Verdict:
        return pins.verify(self.store, PEPPER, who or self.anna, pin, at, line=line, hasher=hasher)

    def names(self, name: str, pin: str, at: Moment = START, hasher: PasswordHasher = CHEAP) -> Verdict:
        return pins.verify_name(self.store, PEPPER, name, pin, at, hasher=hasher)

    def locked(self, at: Moment) -> float:
        with self.store.read() as conn:
            return locked_s(conn, self.anna, at)

    def rows(self, table: str) -> list[dict[str, Any]]:
        with self.store.read() as conn:
            return [dict(row) for row in conn.execute(f"SELECT * FROM {table}")]


@pytest.fixture(scope="module")
def anna_and_ben(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    path = make_store(tmp_path_factory.mktemp("pins") / "ladder.db", pins.migrations)
    with Store(path) as store:
        with store.write() as conn:
            anna, ben = sign_up(conn, "Anna", stamp(NOW)).id, sign_up(conn, "Ben", stamp(NOW)).id
        yield Hall(path, store, anna, ben)


@pytest.fixture
def hall(anna_and_ben: Hall) -> Hall:
    """Anna and Ben, with nothing tried yet."""
    with anna_and_ben.store.write() as conn:
        conn.execute("DELETE FROM pin_failures")
        keep_pin(conn, anna_and_ben.anna, hash_pin(PEPPER, "2846", hasher=CHEAP), NOW)
        keep_pin(conn, anna_and_ben.ben, hash_pin(PEPPER, "9173", hasher=CHEAP), NOW)
    return anna_and_ben


def later(at: Moment, seconds: float) -> Moment:
    return replace(at, now=at.now + timedelta(seconds=seconds), up_s=at.up_s + seconds)


def clock_set(at: Moment, seconds: float) -> Moment:
    """Somebody, or NTP, sets the wall clock."""
    return replace(at, now=at.now + timedelta(seconds=seconds))


def rebooted(at: Moment, boot: str = "boot-2") -> Moment:
    return replace(at, boot=boot, up_s=20.0)


def fail(hall: Hall, times: int, at: Moment = START) -> Moment:
    """Wrong PINs in a row, each as soon as it is looked at; returns the moment of the last."""
    for _ in range(times):
        at = later(at, hall.locked(at))
        assert hall.tries("5555", at).outcome == "wrong"
    return at


@pytest.mark.parametrize("pin", ["2846", "1357", "90210", "11223", "12345679", "0070"])
def test_pins_that_may_be(pin: str) -> None:
    assert pins.clean_pin(f" {pin} ") == pin


@pytest.mark.parametrize(
    "pin", ["", "123", "123456789", "12a4", "12 34", "1.23", "-123", "１２３４", "١٢٣٤", "12\x0034"]
)
def test_only_four_to_eight_digits_are_a_pin(pin: str) -> None:
    with pytest.raises(PlayerError) as caught:
        pins.clean_pin(pin)
    assert (caught.value.key, caught.value.fields) == ("pin_digits", {"least": 4, "most": 8})


@pytest.mark.parametrize(
    "pin", ["0000", "77777777", "1234", "23456", "6789", "7890", "4321", "0987", "1212", "696969"]
)
def test_what_anybody_would_try_first_is_no_pin(pin: str) -> None:
    with pytest.raises(PlayerError) as caught:
        hash_pin(PEPPER, pin, hasher=CHEAP)
    assert caught.value.key == "pin_trivial"


def test_the_right_pin_is_right_and_no_other(hall: Hall) -> None:
    assert hall.tries("2846") == Verdict("right", hall.anna)
    assert hall.tries("9173") == Verdict("wrong")
    assert hall.names("ANNA ", "2846") == Verdict("right", hall.anna)
    assert hall.names("Ben", "2846") == Verdict("wrong")


def test_what_is_stored_is_of_no_use_without_the_pepper(hall: Hall) -> None:
    assert not any("2846" in str(row["hash"]) for row in hall.rows("pins"))
    other = bytes(32)
    assert pins.verify(hall.store, other, hall.anna, "2846", START, hasher=CHEAP).outcome == "wrong"


def test_the_box_hashes_with_what_owasp_asks_at_least() -> None:
    hasher = pins.HASHER
    assert (hasher.type, hasher.memory_cost, hasher.time_cost, hasher.parallelism) == (Type.ID, 19456, 2, 1)


def test_the_lock_grows_from_half_a_minute_to_an_hour(hall: Hall) -> None:
    at, waits = START, []
    for _ in range(13):
        waits.append(hall.tries("5555", at).wait_s)
        at = later(at, waits[-1])
    assert waits == [0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_while_locked_even_the_right_pin_is_not_looked_at(hall: Hall) -> None:
    at = fail(hall, 4)
    watched = WatchedHasher()
    assert hall.tries("2846", later(at, 29), watched) == Verdict("locked", wait_s=1)
    assert watched.looks == 0
    assert hall.tries("2846", later(at, 30)).outcome == "right"


def test_who_tries_on_while_it_is_locked_keeps_nobody_out_for_longer(hall: Hall) -> None:
    at = fail(hall, 5)
    for second in range(60):
        assert hall.tries("5555", later(at, second)).outcome == "locked"
    assert hall.tries("2846", later(at, 60)).outcome == "right"


def test_the_right_pin_clears_the_count(hall: Hall) -> None:
    at = later(fail(hall, 6), 120)
    assert hall.tries("2846", at).outcome == "right"
    assert hall.rows("pin_failures") == []
    assert [hall.tries("5555", at).wait_s for _ in range(4)] == [0, 0, 0, 30]


def test_a_slip_of_the_finger_is_not_counted(hall: Hall) -> None:
    for typed in ("", "28", "284", "284600000", "28four", "２８４６", "\0", "9" * 100_000):
        assert hall.tries(typed) == Verdict("wrong")
    assert hall.rows("pin_failures") == []


def test_a_restart_changes_nothing(hall: Hall) -> None:
    at = fail(hall, 5)
    with Store(hall.path) as anew:
        verdict = pins.verify(anew, PEPPER, hall.anna, "2846", later(at, 20), hasher=CHEAP)
    assert verdict == Verdict("locked", wait_s=40)


@pytest.mark.parametrize("jump_s", [-10 * 365 * DAY_S, -3600, -1, 1, 3600, 10 * 365 * DAY_S])
def test_setting_the_clock_neither_ends_a_lock_nor_lengthens_it(hall: Hall, jump_s: float) -> None:
    at = clock_set(fail(hall, 5), jump_s)
    assert hall.tries("2846", later(at, 59)) == Verdict("locked", wait_s=1)
    assert hall.tries("2846", later(at, 60)).outcome == "right"


def test_a_lock_goes_on_over_a_reboot(hall: Hall) -> None:
    at = rebooted(later(fail(hall, 6), 50))
    assert hall.tries("2846", at) == Verdict("locked", wait_s=70)
    assert hall.tries("2846", clock_set(later(at, 69), 5000)) == Verdict("locked", wait_s=1)
    assert hall.tries("2846", later(at, 70)).outcome == "right"


def test_a_clock_that_is_wrong_after_a_reboot_keeps_nobody_out_for_longer_than_the_lock(hall: Hall) -> None:
    at = clock_set(rebooted(fail(hall, 6)), -50 * 365 * DAY_S)
    assert hall.tries("2846", at) == Verdict("locked", wait_s=120)
    assert hall.tries("2846", clock_set(later(at, 119), 51 * 365 * DAY_S)) == Verdict("locked", wait_s=1)
    assert hall.tries("2846", later(at, 120)).outcome == "right"


def test_a_clock_that_is_ahead_after_a_reboot_ends_the_lock_but_not_the_count(hall: Hall) -> None:
    at = clock_set(rebooted(fail(hall, 6)), 3600)
    assert hall.tries("5555", at) == Verdict("wrong", wait_s=delay_s(7))


STEPS = st.one_of(
    st.tuples(st.just("try"), st.sampled_from(["2846", "5555", "5555", "5555"])),
    st.tuples(st.just("wait"), st.sampled_from([1.0, 29.0, 60.0, 4000.0, 90_000.0])),
    st.tuples(st.just("clock"), st.floats(-1e7, 1e7)),
    st.tuples(st.just("reboot"), st.sampled_from(["boot-3", "boot-4"])),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=12))
def test_nobody_waits_longer_than_was_said_whatever_happens(hall: Hall, steps: list[tuple[str, Any]]) -> None:
    with hall.store.write() as conn:
        conn.execute("DELETE FROM pin_failures")
    at = START
    for what, value in steps:
        if what == "try":
            verdict = hall.tries(value, at)
            assert verdict.wait_s <= 3600
        elif what == "reboot":
            at = rebooted(at, f"{value} {at.up_s} {at.now}")
        else:
            at = later(at, value) if what == "wait" else clock_set(at, value)
    verdict = hall.tries("2846", at)
    if verdict.outcome == "locked":
        assert 0 < verdict.wait_s <= delay_s(hall.rows("pin_failures")[0]["failures"])
        verdict = hall.tries("2846", later(at, verdict.wait_s))
    assert verdict.outcome == "right"


def test_a_day_without_a_wrong_pin_and_the_count_begins_anew(hall: Hall) -> None:
    at = fail(hall, 12)
    assert hall.tries("5555", later(at, DAY_S - 1)).wait_s == 3600
    assert hall.tries("5555", later(at, 2 * DAY_S)).wait_s == 0


def test_somebody_who_tries_all_day_gets_few_tries(hall: Hall) -> None:
    at, tries = START, 0
    while at.up_s < START.up_s + DAY_S:
        wait_s = hall.tries("5555", at).wait_s
        at, tries = later(at, wait_s), tries + 1
    assert tries < 36


def test_wrong_pins_at_the_same_time_each_count(hall: Hall) -> None:
    watched = WatchedHasher()
    with ThreadPoolExecutor(16) as pool:
        verdicts = list(pool.map(lambda _: hall.tries("5555", START, watched), range(16)))
    assert sorted(verdict.outcome for verdict in verdicts) == ["locked"] * 12 + ["wrong"] * 4
    assert watched.looks == 4
    assert [row["failures"] for row in hall.rows("pin_failures")] == [4]


def test_a_hundred_pins_at_once_are_no_way_round_the_lock(hall: Hall) -> None:
    watched = WatchedHasher()
    fail(hall, 3)
    guesses = [f"28{number:02}" for number in range(40, 60)]
    with ThreadPoolExecutor(len(guesses)) as pool:
        verdicts = list(pool.map(lambda pin: hall.tries(pin, START, watched), guesses))
    looked_at = [verdict for verdict in verdicts if verdict.outcome != "locked"]
    # Only the right one, if it happens to come first, clears the count for the next.
    assert len(looked_at) == watched.looks
    assert watched.looks <= (1 if all(verdict.outcome == "wrong" for verdict in looked_at) else 5)


def test_two_pins_are_hashed_at_a_time_and_no_more(hall: Hall) -> None:
    go_on = threading.Event()
    watched = WatchedHasher(lambda: go_on.wait(60))
    with ThreadPoolExecutor(5) as pool:
        running = [pool.submit(hall.names, f"Nobody {number}", "5555", START, watched) for number in range(5)]
        wait_until(lambda: watched.inside == 2 and len(hall.rows("pin_failures")) == 5)
        go_on.set()
        assert [one.result().outcome for one in running] == ["wrong"] * 5
    assert watched.most_inside == 2
    assert watched.looks == 5


def test_others_write_while_a_pin_is_hashed(hall: Hall) -> None:
    def write() -> None:
        with hall.store.write() as conn:  # on this thread's own connection: it would refuse inside a transaction
            conn.execute("DELETE FROM pin_failures WHERE subject = 'nobody'")

    watched = WatchedHasher(write)
    assert hall.tries("2846", START, watched).outcome == "right"
    assert watched.looks == 1


def test_the_name_of_nobody_is_answered_as_a_wrong_pin(hall: Hall) -> None:
    known, unknown = WatchedHasher(), WatchedHasher()
    at = START
    for _ in range(8):
        verdicts = [hall.names("Anna", "5555", at, known), hall.names("Zoe", "5555", at, unknown)]
        assert verdicts[0] == verdicts[1]
        assert known.looks == unknown.looks
        at = later(at, verdicts[0].wait_s / 2)  # every other time it is locked
    assert "zoe" not in str(hall.rows("pin_failures")).lower()


def test_names_of_nobody_do_not_pile_up(hall: Hall) -> None:
    for number in range(5):
        hall.names(f"Nobody {number}", "5555")
    hall.names("Zoe", "5555", later(START, DAY_S + 1))
    assert len(hall.rows("pin_failures")) == 1


@pytest.mark.parametrize(
    "name", ["", "\0", "A" * 1_000_000, "\ud800", "é̂" * 40, "🎱", "' OR 1=1 --", "name:x", "%"]
)
def test_whatever_is_typed_as_a_name_is_only_the_name_of_nobody(hall: Hall, name: str) -> None:
    assert hall.names(name, "2846") == Verdict("wrong")


def test_a_player_without_a_pin_is_answered_as_a_wrong_pin(hall: Hall) -> None:
    with hall.store.write() as conn:
        conn.execute("DELETE FROM pins WHERE player_id = ?", [hall.anna])
        assert not pins.has_pin(conn, hall.anna)
    watched = WatchedHasher()
    assert hall.names("Anna", "2846", START, watched) == Verdict("wrong")
    assert watched.looks == 1


def test_new_parameters_reach_a_pin_when_it_is_next_used(hall: Hall) -> None:
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    hall.tries("5555", START, stronger)
    assert all("m=8,t=1" in row["hash"] for row in hall.rows("pins"))
    assert hall.tries("2846", START, stronger).outcome == "right"
    kept = {row["player_id"]: row["hash"] for row in hall.rows("pins")}
    assert "m=16,t=2" in kept[hall.anna]
    assert "m=8,t=1" in kept[hall.ben]
    assert hall.tries("2846", START, stronger).outcome == "right"
    assert kept == {row["player_id"]: row["hash"] for row in hall.rows("pins")}


def test_a_pin_that_is_changed_while_it_is_looked_at_is_wrong(hall: Hall) -> None:
    new = hash_pin(PEPPER, "7294", hasher=CHEAP)

    def change() -> None:
        with hall.store.write() as conn:
            keep_pin(conn, hall.anna, new, NOW)

    assert hall.tries("2846", START, WatchedHasher(change)) == Verdict("wrong")
    assert hall.tries("7294").outcome == "right"


def test_a_hash_that_is_none_lets_nobody_in(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    with hall.store.write() as conn:
        conn.execute("UPDATE pins SET hash = '' WHERE player_id = ?", [hall.anna])
    assert hall.tries("2846") == Verdict("wrong")
    assert "must set a new one" in caplog.text
    assert "2846" not in caplog.text


def test_staff_let_in_whom_somebody_keeps_out(hall: Hall) -> None:
    at = fail(hall, 12)
    with hall.store.write() as conn:
        pins.unlock(conn, hall.anna)
    assert hall.tries("2846", at).outcome == "right"


def test_who_types_wrong_pins_on_the_network_keeps_nobody_from_the_screen(hall: Hall) -> None:
    at, others = START, "4826"
    while not locked(hall, "network", at):
        assert hall.tries(others, at, line="network").outcome == "wrong"
    assert hall.tries("2846", at).outcome == "right"
    assert locked(hall, "network", at), "a right one at the screen opens the network's line to nobody"
    assert hall.locked(at) > 0, "which staff are shown"
    with hall.store.write() as conn:
        pins.unlock(conn, hall.anna)
    assert hall.tries("2846", at, line="network").outcome == "right"


def locked(hall: Hall, line: pins.Line, at: Moment) -> bool:
    """Whether even the right one is not looked at by that line; what is asked changes nothing."""
    rows = [
        row for row in hall.rows("pin_failures") if row["subject"].startswith("network:") == (line == "network")
    ]
    return any(pins.delay_s(row["failures"]) > at.up_s - row["last_failed_up_s"] for row in rows)


def test_a_new_pin_ends_the_lock(hall: Hall) -> None:
    at = fail(hall, 6)
    with hall.store.write() as conn:
        keep_pin(conn, hall.anna, hash_pin(PEPPER, "7294", hasher=CHEAP), NOW)
    assert hall.tries("7294", at).outcome == "right"


def test_guests_and_those_who_are_gone_get_no_pin(hall: Hall) -> None:
    hashed = hash_pin(PEPPER, "2846", hasher=CHEAP)
    with hall.store.write() as conn:
        cara = sign_up(conn, "Cara", stamp(NOW)).id
        keep_pin(conn, cara, hashed, NOW)
        erase_player(conn, cara, stamp(NOW))
        pins.forget(conn, cara)
        for nobody in (cara, new_guest(conn, stamp(NOW)).id, "no such player"):
            with pytest.raises(PlayerError, match="pin_nobody"):
                keep_pin(conn, nobody, hashed, NOW)
            assert not pins.has_pin(conn, nobody)


def test_nothing_is_left_of_a_player_who_is_forgotten(hall: Hall) -> None:
    hall.tries("5555")
    with hall.store.write() as conn:
        pins.forget(conn, hall.anna)
    assert hall.anna not in str(hall.rows("pins") + hall.rows("pin_failures"))
    assert hall.ben in str(hall.rows("pins"))


def test_the_machine_tells_the_moment() -> None:
    one, other = pins.this_moment(), pins.this_moment()
    assert one.boot == other.boot != ""
    assert one.up_s <= other.up_s
