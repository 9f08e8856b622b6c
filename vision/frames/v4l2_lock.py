"""A V4L2 camera's automatics: let them settle, then lock what they found, so that the picture stays the same."""

from vision.frames import v4l2_abi as abi
from vision.frames.camera import CameraWish
from vision.frames.source import Plane
from vision.frames.v4l2_device import Control, Device

# V4L2_CID_EXPOSURE_ABSOLUTE counts tenths of a millisecond.
_EXPOSURE_STEPS_PER_S = 10_000
# Frames after locking until it shows in the picture; then a mean that differs by more was not locked as it was.
_SHOWS_AFTER = 20
_SAME_MEAN = 0.2


class Lock:
    """Exposure, gain, white balance and focus of one device, by what is wished.

    Call `begin` once the device streams, `look` with every luma plane while it settles, then `lock`, and `check`
    with the planes that follow.
    """

    def __init__(self, device: Device, wish: CameraWish) -> None:
        self._device = device
        self._wish = wish
        self._mean: float | None = None
        self._locked_frames = 0

    def begin(self) -> None:
        """Fixes what the wish fixes, switches the other automatics on and keeps the frame rate constant."""
        mains = abi.POWER_LINE_50_HZ if self._wish.mains_hz == 50 else abi.POWER_LINE_60_HZ
        self._set(abi.CID_POWER_LINE_FREQUENCY, mains)
        # The driver may otherwise lower the rate to expose for longer.
        self._set(abi.CID_EXPOSURE_AUTO_PRIORITY, 0)
        wish = self._wish
        if wish.exposure_s is None:
            self._set_first(abi.CID_EXPOSURE_AUTO, (abi.EXPOSURE_APERTURE_PRIORITY, abi.EXPOSURE_AUTO))
        else:
            self._set(abi.CID_EXPOSURE_AUTO, abi.EXPOSURE_MANUAL)
            self._set(abi.CID_EXPOSURE_ABSOLUTE, wish.exposure_s * _EXPOSURE_STEPS_PER_S)
        self._begin_one(abi.CID_AUTOGAIN, abi.CID_GAIN, wish.gain)
        self._begin_one(abi.CID_AUTO_WHITE_BALANCE, abi.CID_WHITE_BALANCE_TEMPERATURE, wish.white_balance_k)
        self._begin_one(abi.CID_FOCUS_AUTO, abi.CID_FOCUS_ABSOLUTE, wish.focus)

    def look(self, luma: Plane) -> None:
        """Notes how bright the picture is while the automatics still work."""
        self._mean = _mean(luma)

    def lock(self) -> list[str]:
        """Switches the automatics off at what they found; says in sentences what can't be locked."""
        troubles = []
        wish = self._wish
        found = self._value(abi.CID_EXPOSURE_ABSOLUTE) if wish.exposure_s is None else None
        if not self._set(abi.CID_EXPOSURE_AUTO, abi.EXPOSURE_MANUAL):
            troubles.append("its exposure can't be locked: the picture may grow brighter and darker by itself")
        elif found is not None:
            self._set(abi.CID_EXPOSURE_ABSOLUTE, found)
        self._lock_one(abi.CID_AUTOGAIN, abi.CID_GAIN)
        if not self._lock_one(abi.CID_AUTO_WHITE_BALANCE, abi.CID_WHITE_BALANCE_TEMPERATURE):
            troubles.append("its white balance can't be locked: colours may drift")
        self._lock_one(abi.CID_FOCUS_AUTO, abi.CID_FOCUS_ABSOLUTE)
        troubles += self._unmet()
        return troubles

    def check(self, luma: Plane) -> str | None:
        """Looks once, some frames after locking, whether the picture is as bright as before."""
        self._locked_frames += 1
        if self._locked_frames != _SHOWS_AFTER or not self._mean:
            return None
        now = _mean(luma)
        if abs(now / self._mean - 1) <= _SAME_MEAN:
            return None
        return (
            f"locking the exposure changed the picture (mean {self._mean:.0f} to {now:.0f} of 255): "
            "set [camera] exposure_ms and gain"
        )

    def _unmet(self) -> list[str]:
        """What the wish fixes and the device has no control for, or did not take."""
        wish = self._wish
        exposure = None if wish.exposure_s is None else wish.exposure_s * _EXPOSURE_STEPS_PER_S
        asked = (
            ("exposure_ms", abi.CID_EXPOSURE_ABSOLUTE, exposure),
            ("gain", abi.CID_GAIN, wish.gain),
            ("white_balance_k", abi.CID_WHITE_BALANCE_TEMPERATURE, wish.white_balance_k),
            ("focus", abi.CID_FOCUS_ABSOLUTE, wish.focus),
        )
        return [self._unmet_one(*one) for one in asked if one[2] is not None and not self._met(one[1], one[2])]

    def _met(self, number: int, value: float) -> bool:
        control = self._device.control(number)
        return (
            control is not None and self._device.get(control) == control.nearest(value) and _within(control, value)
        )

    def _unmet_one(self, key: str, number: int, value: float | None) -> str:
        control = self._device.control(number)
        if control is None:
            return f"it has no control for [camera] {key}: leave the key out"
        unit = _EXPOSURE_STEPS_PER_S / 1000 if number == abi.CID_EXPOSURE_ABSOLUTE else 1
        return (
            f"[camera] {key} can't be {(value or 0) / unit:g} here: {control.minimum / unit:g} to "
            f"{control.maximum / unit:g} is possible, {(self._device.get(control) or 0) / unit:g} is set"
        )

    def _begin_one(self, automatic: int, number: int, fixed: float | None) -> None:
        if fixed is None:
            self._set(automatic, 1)
        else:
            self._set(automatic, 0)
            self._set(number, fixed)

    def _lock_one(self, automatic: int, number: int) -> bool:
        """Switches an automatic off and writes the value it had found; False when the device has none."""
        found = self._value(number)
        if not self._set(automatic, 0):
            return False
        if found is not None:
            self._set(number, found)
        return True

    def _value(self, number: int) -> int | None:
        control = self._device.control(number)
        return None if control is None else self._device.get(control)

    def _set(self, number: int, value: float) -> bool:
        control = self._device.control(number)
        return control is not None and self._device.set(control, value)

    def _set_first(self, number: int, values: tuple[int, ...]) -> bool:
        """Sets the first of the values that the device takes: a menu may lack some."""
        return any(self._set(number, value) for value in values)


def _within(control: Control, value: float) -> bool:
    return control.minimum - control.step / 2 <= value <= control.maximum + control.step / 2


def _mean(luma: Plane) -> float:
    return float(luma[::8, ::8].mean())
