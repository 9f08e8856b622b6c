"""What hangs on a Raspberry Pi's pins: a status light, a button that calls staff, a buzzer. All by gpiozero.

The light says how the box is: blinks slowly while it starts, is steady when all is well, blinks fast when
something must be done. A short press of the button calls staff to the table, a long one takes the call back; the
buzzer says that the box has heard: once for a call, twice when somebody of the staff answers it.

It is an extra. Without pins in the settings nothing is loaded; without gpiozero, or without such pins on the
machine, the box works as before, and the health check `pins` says so.
"""

import importlib.util
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from edge.hall import calls
from edge.settings import Hardware as Pins
from edge.store.database import Store
from edge.store.errors import StoreError

Wellness = Literal["starting", "well", "wrong"]

LOOK_S = 1.0
DEBOUNCE_S = 0.05
LONG_PRESS_S = 1.5
QUIET_S = 0.3  # after a press; what a contact that is worn does, and a double tap, is the same press
STOP_S = 3.0
# On and off, and the colour where the light has three.
BLINKS: dict[Wellness, tuple[float, float]] = {"starting": (1.0, 1.0), "wrong": (0.15, 0.15)}
COLOURS: dict[Wellness, tuple[float, float, float]] = {
    "starting": (0.0, 0.0, 1.0),
    "well": (0.0, 1.0, 0.0),
    "wrong": (1.0, 0.0, 0.0),
}
BEEP_S, BETWEEN_BEEPS_S = 0.08, 0.12

log = logging.getLogger(__name__)


def why_not(pins: Pins) -> str | None:
    """Why the pins that the settings name can't be used, as far as can be told without touching them, or None."""
    named = pins.named
    twice = sorted({pin for pin in named if named.count(pin) > 1})
    if twice:
        return f"the pin {twice[0]} is named twice in [hardware]"
    if named and importlib.util.find_spec("gpiozero") is None:
        return "gpiozero is not installed, which the pins of [hardware] need: apt-get install python3-gpiozero"
    return None


class Hardware:
    """Light, button and buzzer of one table, in a thread of its own. `wellness` says how the box is; it is asked
    once a second. `trouble` says why nothing works, None when all that the settings name does."""

    def __init__(
        self,
        pins: Pins,
        store: Store,
        table_label: str,
        wellness: Callable[[], Wellness],
        *,
        factory: Any = None,
        look_s: float = LOOK_S,
        long_press_s: float = LONG_PRESS_S,
    ) -> None:
        self.trouble: str | None = None
        self._pins = pins
        self._store = store
        self._table_label = table_label
        self._wellness = wellness
        self._factory = factory
        self._look_s = look_s
        self._long_press_s = long_press_s
        self._light: _Light | None = None
        self._button: Any = None
        self._buzzer: Any = None
        self._held = False
        self._heard_s = -QUIET_S
        self._waiting: list[bool] = []  # presses that nobody worked on yet: True for a long one
        self._calling: str | None = None
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hardware", daemon=True)

    def start(self) -> None:
        """Takes the pins and begins; without any, or where they can't be had, it does nothing. Never raises."""
        if not self._pins.named:
            return
        self.trouble = why_not(self._pins)
        if self.trouble is None:
            try:
                self._take_pins()
            except Exception as error:  # what a pin library raises is many things
                self.trouble = f"the pins can't be used: {error or type(error).__name__}"
        if self.trouble is not None:
            log.warning("no light, button or buzzer: %s", self.trouble)
            self._let_go()
            return
        self._thread.start()

    def stop(self) -> None:
        """Lets the pins go; the light is off after."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        self._let_go()

    def _take_pins(self) -> None:
        from gpiozero import Button, Buzzer  # noqa: PLC0415 (an extra)

        pins, factory = self._pins, self._factory
        if pins.light:
            self._light = _Light(pins.light, factory)
        if pins.buzzer_pin:
            self._buzzer = Buzzer(pins.buzzer_pin, pin_factory=factory)
        if pins.button_pin:
            self._button = Button(
                pins.button_pin, bounce_time=DEBOUNCE_S, hold_time=self._long_press_s, pin_factory=factory
            )
            self._button.when_pressed = self._pressed
            self._button.when_held = self._long
            self._button.when_released = self._released

    def _let_go(self) -> None:
        for one in (self._button, self._buzzer, self._light):
            if one is not None:
                with suppress(Exception):
                    one.close()
        self._button = self._buzzer = self._light = None

    # What the button does comes in gpiozero's threads, which must not wait for the store.
    def _pressed(self) -> None:
        self._held = False

    def _long(self) -> None:
        self._held = True
        self._hear(long=True)

    def _released(self) -> None:
        if not self._held:
            self._hear(long=False)

    def _hear(self, *, long: bool) -> None:
        now_s = time.monotonic()
        if not long and now_s - self._heard_s < QUIET_S:
            return
        self._heard_s = now_s
        self._waiting.append(long)
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._look()
            except StoreError as error:
                log.warning("the button is not heard yet: %s", error)
            except Exception:  # it must be there tomorrow too
                log.exception("looking after the pins failed")
            self._wake.wait(self._look_s)
            self._wake.clear()

    def _look(self) -> None:
        if self._light is not None:
            self._light.show(self._wellness())
        while self._waiting:
            self._work(long=self._waiting[0])
            self._waiting.pop(0)  # not before: it is tried again when the store could not be written
        self._follow_call()

    def _work(self, *, long: bool) -> None:
        with self._store.write() as conn:
            now = datetime.now(UTC)
            if long:
                taken_back = calls.withdraw(conn, self._table_label, now)
            else:
                self._calling = calls.call(conn, self._table_label, now).id
        if not long:
            self._beep(1)
        elif taken_back:
            self._calling = None
            self._beep(1)

    def _follow_call(self) -> None:
        """Says that staff answered; a call that was made or taken back at the screen is its own business."""
        if self._buzzer is None:
            return
        with self._store.read() as conn:
            now_open = calls.call_at(conn, self._table_label)
            answered = self._calling is not None and calls.was_answered(conn, self._calling)
        if answered:
            self._beep(2)
        self._calling = None if now_open is None else now_open.id

    def _beep(self, times: int) -> None:
        if self._buzzer is not None:
            self._buzzer.beep(BEEP_S, BETWEEN_BEEPS_S, n=times)


class _Light:
    """One LED, or three in one."""

    def __init__(self, pins: tuple[int, ...], factory: Any) -> None:
        from gpiozero import LED, RGBLED  # noqa: PLC0415 (an extra)

        self._coloured = len(pins) == 3
        kind: Any = partial(RGBLED, pwm=False) if self._coloured else LED
        self._led: Any = kind(*pins, pin_factory=factory)
        self._shown: Wellness | None = None

    def show(self, how: Wellness) -> None:
        if how == self._shown:
            return
        self._shown = how
        blink = BLINKS.get(how)
        if self._coloured:
            self._led.off()
            if blink is None:
                self._led.color = COLOURS[how]
            else:
                self._led.blink(*blink, on_color=COLOURS[how])
        elif blink is None:
            self._led.on()
        else:
            self._led.blink(*blink)

    def close(self) -> None:
        self._led.close()
