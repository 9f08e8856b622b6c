"""The box's settings: one TOML file beside its data, every key optional, checked when it is read.

What each key means stands in docs/settings.md, which a test compares with this file.
"""

import difflib
import re
import tomllib
from collections.abc import Callable
from dataclasses import Field, dataclass, field, fields
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from calibration.table import STANDARD_TABLES, parse_table
from edge.clock import machine_zone
from vision.balls import ball_sets
from vision.frames.camera import CameraWish


class SettingsError(Exception):
    """The settings can't be used; the text names the file, the key and what is allowed."""


def _key(default: Any, allowed: str, check: Callable[[Any], bool]) -> Any:
    """A setting: its default, what is allowed in words, and whether a value of the right type is."""
    return field(default=default, metadata={"allowed": allowed, "check": check})


def _is_text(value: str) -> bool:
    return 0 < len(value.strip()) <= 80


def _is_host(value: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9.:-]{0,253}", value) is not None


def _is_zone(value: str) -> bool:
    return value == "local" or value in available_timezones()


def _is_table(value: str) -> bool:
    try:
        parse_table(value)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Hall:
    name: str = _key("Action Ladder", "1 to 80 characters", _is_text)
    timezone: str = _key("local", "local (the machine's own) or an IANA name such as America/Chicago", _is_zone)

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the hall's days begin and its times are shown."""
        return machine_zone() if self.timezone == "local" else ZoneInfo(self.timezone)


@dataclass(frozen=True, slots=True)
class Table:
    label: str = _key("Table 1", "1 to 80 characters", _is_text)
    size: str = _key("9ft", f"{', '.join(STANDARD_TABLES)}, or a size such as 92x46in or 1881x943mm", _is_table)
    balls: str = _key(
        "auto", f"auto, {', '.join(ball_sets())}", lambda value: value == "auto" or value in ball_sets()
    )


@dataclass(frozen=True, slots=True)
class Camera:
    source: str = _key(
        "sim", "sim, the path of a recording, /dev/video… or picamera", lambda value: bool(value.strip())
    )
    calibration: str = _key(
        "", "the path of a file that ladder calibrate wrote, or empty", lambda value: len(value) < 4096
    )
    width_px: int = _key(
        1920, "an even number, 320 to 3840", lambda value: 320 <= value <= 3840 and value % 2 == 0
    )
    height_px: int = _key(
        1080, "an even number, 180 to 2160", lambda value: 180 <= value <= 2160 and value % 2 == 0
    )
    fps: int = _key(60, "10 to 120", lambda value: 10 <= value <= 120)
    mains_hz: int = _key(60, "50 or 60", lambda value: value in (50, 60))
    exposure_ms: float = _key(0.0, "0.05 to 33, or 0", lambda value: value == 0 or 0.05 <= value <= 33)
    gain: float = _key(0.0, "1 to 1000, or 0", lambda value: value == 0 or 1 <= value <= 1000)
    white_balance_k: int = _key(0, "2000 to 10000, or 0", lambda value: value == 0 or 2000 <= value <= 10000)
    focus: float = _key(-1.0, "0 to 1000, or -1", lambda value: value == -1 or 0 <= value <= 1000)
    readout_ms: float = _key(-1.0, "0 to 50, or -1", lambda value: value == -1 or 0 <= value <= 50)

    @property
    def wish(self) -> CameraWish:
        """How a live camera is to be set."""
        return CameraWish(
            width_px=self.width_px,
            height_px=self.height_px,
            fps=float(self.fps),
            exposure_s=self.exposure_ms / 1000 or None,
            gain=self.gain or None,
            white_balance_k=self.white_balance_k or None,
            focus=None if self.focus < 0 else self.focus,
            mains_hz=self.mains_hz,
            readout_s=None if self.readout_ms < 0 else self.readout_ms / 1000,
        )


@dataclass(frozen=True, slots=True)
class Kiosk:
    host: str = _key("127.0.0.1", "an address of this machine, or 0.0.0.0 for all", _is_text)
    port: int = _key(8080, "1 to 65535", lambda value: 1 <= value <= 65535)
    theme: str = _key("dark", "dark or light", lambda value: value in ("dark", "light"))
    idle_s: int = _key(90, "10 to 3600", lambda value: 10 <= value <= 3600)
    address: str = _key("", "a name or an address of this machine in the hall's network, or empty", _is_host)
    secure_port: int = _key(8443, "1 to 65535, or 0 for none", lambda value: 0 <= value <= 65535)


@dataclass(frozen=True, slots=True)
class Session:
    pause_min: int = _key(20, "2 to 240", lambda value: 2 <= value <= 240)

    @property
    def pause(self) -> timedelta:
        """A session in which nobody plays for so long ends by itself."""
        return timedelta(minutes=self.pause_min)


@dataclass(frozen=True, slots=True)
class Counter:
    idle_min: int = _key(30, "2 to 600", lambda value: 2 <= value <= 600)
    currency: str = _key(
        "USD", "three capital letters (ISO 4217)", lambda value: re.fullmatch("[A-Z]{3}", value) is not None
    )
    cents_per_hour: int = _key(0, "0 to 10000000", lambda value: 0 <= value <= 10_000_000)
    clock_step_min: int = _key(1, "1 to 60", lambda value: 1 <= value <= 60)

    @property
    def idle_s(self) -> float:
        """Staff who do nothing for so long at the counter are logged out."""
        return self.idle_min * 60.0


@dataclass(frozen=True, slots=True)
class Disk:
    """How much room is left on the data directory's disk when something is to be said, or done."""

    warn_free_mb: int = _key(5120, "0 to 10000000", lambda value: 0 <= value <= 10_000_000)
    least_free_mb: int = _key(2048, "0 to 10000000", lambda value: 0 <= value <= 10_000_000)


@dataclass(frozen=True, slots=True)
class Backup:
    """How many of the nightly snapshots are kept: the last of so many days, and the last of so many weeks."""

    keep_days: int = _key(7, "1 to 366", lambda value: 1 <= value <= 366)
    keep_weeks: int = _key(4, "0 to 520", lambda value: 0 <= value <= 520)


@dataclass(frozen=True, slots=True)
class Hub:
    """Where the hall's other boxes find this one, where it is their hub."""

    port: int = _key(0, "1 to 65535, or 0 for none", lambda value: 0 <= value <= 65535)
    host: str = _key("0.0.0.0", "an address of this machine, or 0.0.0.0 for all", _is_text)


def _is_pin(value: int) -> bool:
    return value == 0 or 2 <= value <= 27


def _is_rgb(value: str) -> bool:
    pins = value.split(",")
    return not value or (len(pins) == 3 and all(pin.isdecimal() and 2 <= int(pin) <= 27 for pin in pins))


_PIN = "2 to 27, or 0 for none"


@dataclass(frozen=True, slots=True)
class Hardware:
    """What hangs on a Raspberry Pi's pins, by their GPIO numbers; see `edge.hardware`."""

    light_pin: int = _key(0, _PIN, _is_pin)
    light_rgb_pins: str = _key("", "three numbers from 2 to 27, such as 17,27,22, or empty", _is_rgb)
    button_pin: int = _key(0, _PIN, _is_pin)
    buzzer_pin: int = _key(0, _PIN, _is_pin)

    @property
    def light(self) -> tuple[int, ...]:
        """Of the light: three pins, one, or none."""
        if self.light_rgb_pins:
            return tuple(int(pin) for pin in self.light_rgb_pins.split(","))
        return (self.light_pin,) if self.light_pin else ()

    @property
    def named(self) -> tuple[int, ...]:
        """All pins that something is at."""
        return (*self.light, *(pin for pin in (self.button_pin, self.buzzer_pin) if pin))


@dataclass(frozen=True, slots=True)
class Settings:
    hall: Hall = Hall()
    table: Table = Table()
    camera: Camera = Camera()
    kiosk: Kiosk = Kiosk()
    session: Session = Session()
    counter: Counter = Counter()
    disk: Disk = Disk()
    backup: Backup = Backup()
    hub: Hub = Hub()
    hardware: Hardware = Hardware()


_SECTIONS: dict[str, type] = {
    "hall": Hall,
    "table": Table,
    "camera": Camera,
    "kiosk": Kiosk,
    "session": Session,
    "counter": Counter,
    "disk": Disk,
    "backup": Backup,
    "hub": Hub,
    "hardware": Hardware,
}


def load_settings(path: Path) -> Settings:
    """The settings in a file; the defaults when there is none. Raises SettingsError."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from error
    except ValueError as error:  # no TOML, or no UTF-8
        raise SettingsError(f"{path} is no TOML: {error}") from error
    try:
        return parse_settings(data)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None


def parse_settings(data: dict[str, Any]) -> Settings:
    """Settings from what a TOML file holds. Raises SettingsError naming the key and what is allowed."""
    _refuse_unknown(data, list(_SECTIONS), "there is no section [{}]")
    sections = {}
    for name, values in data.items():
        if not isinstance(values, dict):
            raise SettingsError(f"{name} is a section: write [{name}] on a line of its own")
        sections[name] = _section(name, values)
    return Settings(**sections)


@cache
def documented_keys() -> dict[str, tuple[Any, str]]:
    """Every key as `section.name`, with its default and what is allowed in words."""
    return {
        f"{section}.{one.name}": (one.default, one.metadata["allowed"])
        for section, kind in _SECTIONS.items()
        for one in fields(kind)
    }


def _section(section: str, values: dict[str, Any]) -> Any:
    kind = _SECTIONS[section]
    keys: dict[str, Field[Any]] = {one.name: one for one in fields(kind)}
    _refuse_unknown(values, list(keys), f"[{section}] has no key {{}}")
    return kind(**{name: _checked(f"{section}.{name}", keys[name], value) for name, value in values.items()})


def _checked(name: str, key: Field[Any], value: Any) -> Any:
    """The value, a whole number made one with a point where the key has such."""
    if type(key.default) is float and type(value) is int:
        value = float(value)
    # `type` and not isinstance: true is no number here.
    if type(value) is not type(key.default) or not key.metadata["check"](value):
        raise SettingsError(f"{name} = {value!r} can't be used: allowed is {key.metadata['allowed']}")
    return value


def _refuse_unknown(values: dict[str, Any], known: list[str], sentence: str) -> None:
    for name in values:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
            raise SettingsError(f"{sentence.format(name)}: {hint}")
