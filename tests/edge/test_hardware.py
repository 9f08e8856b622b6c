"""Light, button and buzzer at gpiozero's mock pins, with a real store."""

import importlib.util
import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory
from waiting import wait_until

from edge import hardware
from edge.clock import now_stamp
from edge.hall import calls
from edge.hall.players import sign_up
from edge.hardware import Hardware, Wellness, why_not
from edge.health.check import Scene
from edge.health.machine import Machine
from edge.health.pins import look
from edge.jobs.lights import at_the_pins, wellness_of
from edge.runtime.paths import Paths
from edge.settings import Hardware as Pins
from edge.settings import Settings
from edge.store.database import Store

PINS = Pins(light_pin=17, button_pin=4, buzzer_pin=22)
TABLE = "Table 1"


@pytest.fixture
def factory() -> Iterator[Any]:
    one = MockFactory()
    yield one
    one.reset()


class Rig:
    """Hardware at work, and the hands and eyes of who stands before it."""

    def __init__(self, store: Store, factory: Any, pins: Pins = PINS) -> None:
        self.how: Wellness = "well"
        self.store = store
        self.factory = factory
        self.pins = pins
        self.hardware = Hardware(
            pins, store, TABLE, lambda: self.how, factory=factory, look_s=0.02, long_press_s=0.3
        )

    def __enter__(self) -> "Rig":
        self.hardware.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.hardware.stop()

    def changes(self, pin: int) -> int:
        """How often an output was switched so far."""
        return len(self.factory.pin(pin).states)

    def is_on(self, pin: int) -> bool:
        return bool(self.factory.pin(pin).state)

    def down(self) -> None:
        self.factory.pin(self.pins.button_pin).drive_low()

    def up(self) -> None:
        self.factory.pin(self.pins.button_pin).drive_high()

    def call(self) -> calls.Call | None:
        with self.store.read() as conn:
            return calls.call_at(conn, TABLE)


@pytest.fixture
def rig(store: Store, factory: Any) -> Iterator[Rig]:
    with Rig(store, factory) as one:
        yield one


def test_the_light_is_steady_when_all_is_well_and_blinks_fast_when_not(rig: Rig) -> None:
    wait_until(lambda: rig.is_on(17))
    before = rig.changes(17)
    wait_until(lambda: rig.hardware._light is not None and rig.hardware._light._shown == "well")
    assert rig.changes(17) == before
    rig.how = "wrong"
    wait_until(lambda: rig.changes(17) >= before + 6)
    rig.how = "well"
    wait_until(lambda: rig.hardware._light is not None and rig.hardware._light._shown == "well")
    assert rig.is_on(17)


def test_a_light_of_three_colours(store: Store, factory: Any) -> None:
    with Rig(store, factory, Pins(light_rgb_pins="17,27,22")) as rig:
        wait_until(lambda: [rig.is_on(pin) for pin in (17, 27, 22)] == [False, True, False])
        rig.how = "starting"
        wait_until(lambda: [rig.is_on(pin) for pin in (17, 27, 22)] == [False, False, True])
        rig.how = "wrong"
        wait_until(lambda: [rig.is_on(pin) for pin in (17, 27, 22)] == [True, False, False])


def test_starting_blinks_slower_than_wrong() -> None:
    assert sum(hardware.BLINKS["starting"]) > 3 * sum(hardware.BLINKS["wrong"])
    assert "well" not in hardware.BLINKS


def test_a_short_press_calls_staff_once_and_says_so(rig: Rig) -> None:
    rig.down()
    rig.up()
    wait_until(rig.call)
    first = rig.call()
    wait_until(lambda: rig.changes(22) >= 3)  # off at first, on, off
    time.sleep(hardware.QUIET_S)
    rig.down()
    rig.up()
    wait_until(lambda: rig.changes(22) >= 5)
    assert rig.call() == first, "a table that calls goes on with the same call"


def test_a_long_press_takes_the_call_back_and_makes_none(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "QUIET_S", 0.0)  # a slow hand
    rig.down()
    rig.up()
    wait_until(rig.call)
    beeps = rig.changes(22)
    rig.down()
    wait_until(lambda: rig.call() is None)
    rig.up()
    wait_until(lambda: rig.changes(22) > beeps)
    rig.down()
    wait_until(lambda: not rig.hardware._waiting and rig.hardware._held)
    rig.up()
    time.sleep(0.1)  # several looks
    assert rig.call() is None, "a long press where nobody calls calls nobody"


def test_a_contact_that_bounces_is_one_press(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    presses: list[bool] = []
    monkeypatch.setattr(rig.hardware, "_work", lambda *, long: presses.append(long))
    monkeypatch.setattr(hardware, "QUIET_S", 60.0)
    for _ in range(5):
        rig.down()
        rig.up()
    wait_until(lambda: presses)
    rig.down()
    rig.up()
    time.sleep(0.1)  # several looks
    assert presses == [False]


def test_the_buzzer_says_that_somebody_comes(rig: Rig) -> None:
    with rig.store.write() as conn:
        made = calls.call(conn, TABLE, datetime.now(UTC))  # at the screen
    wait_until(lambda: rig.hardware._calling == made.id)
    beeps = rig.changes(22)
    with rig.store.write() as conn:
        calls.answer(conn, made.id, sign_up(conn, "Sam", now_stamp()).id, datetime.now(UTC))
    wait_until(lambda: rig.changes(22) >= beeps + 4)


def test_a_press_while_the_store_can_t_be_written_is_not_lost(path: Path, factory: Any) -> None:
    with Store(path, busy_timeout_s=0.02) as store, Store(path) as other, Rig(store, factory) as rig:
        with other.write():
            rig.down()
            rig.up()
            wait_until(lambda: rig.hardware._waiting)
            assert rig.call() is None
        wait_until(rig.call)


def test_without_pins_nothing_is_loaded_and_nothing_said(
    store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: pytest.fail("nobody asks"))
    before = threading.active_count()
    with caplog.at_level(logging.DEBUG), Rig(store, None, Pins()) as rig:
        assert threading.active_count() == before
    assert rig.hardware.trouble is None
    assert caplog.text == ""


def test_a_box_without_gpiozero_or_without_such_pins_works(store: Store, factory: Any) -> None:
    # The real pins of this machine, which has none.
    with Rig(store, None) as rig:
        assert rig.hardware.trouble is not None
        assert rig.hardware.trouble.startswith("the pins can't be used")
    with Rig(store, factory, Pins(light_pin=4, button_pin=4)) as rig:
        assert rig.hardware.trouble == "the pin 4 is named twice in [hardware]"


def test_after_the_stop_the_light_is_off_and_the_pins_are_free(store: Store, factory: Any) -> None:
    with Rig(store, factory) as rig:
        wait_until(lambda: rig.is_on(17))
    with Rig(store, factory) as again:
        wait_until(lambda: again.is_on(17))
        assert again.hardware.trouble is None


def scene(paths: Paths, pins: Pins, root: Path) -> Scene:
    return Scene(paths, Settings(hardware=pins), machine=Machine(root))


def test_the_doctor_says_why_the_pins_do_not_work(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert look(scene(paths, Pins(), tmp_path)).state == "ok"
    found = look(scene(paths, PINS, tmp_path))
    assert (found.state, "has no pins" in found.text) == ("warn", True)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/gpiochip0").touch()
    assert look(scene(paths, PINS, tmp_path)).text == "Light, button and buzzer are at 3 pins."
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert "apt-get install python3-gpiozero" in look(scene(paths, PINS, tmp_path)).text
    assert why_not(Pins()) is None


def test_how_the_box_is_comes_from_its_health_checks(paths: Paths, path: Path, store: Store) -> None:
    assert wellness_of(paths)() == "starting", "a box whose vision does not run yet"
    with at_the_pins(paths, Settings(), store):
        pass
