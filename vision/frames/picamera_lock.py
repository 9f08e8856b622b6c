"""A Raspberry Pi camera's automatics in libcamera's controls: let them settle, then lock what they found."""

from collections.abc import Collection
from typing import Any

from vision.frames.camera import CameraWish

# libcamera's enumerations by their numbers (control_ids_core.yaml), which its Python module takes as well.
_AF_MANUAL, _AF_CONTINUOUS = 0, 2
_FLICKER_MANUAL = 1
_NEAR = 0.05


def controls_while_settling(wish: CameraWish, known: Collection[str]) -> dict[str, Any]:
    """What to set before the camera starts; `known` names the controls it has."""
    controls: dict[str, Any] = {
        "AeFlickerMode": _FLICKER_MANUAL,
        "AeFlickerPeriod": round(1e6 / (2 * wish.mains_hz)),  # lamps flicker twice a period
        "AwbEnable": wish.white_balance_k is None,
        "AfMode": _AF_CONTINUOUS if wish.focus is None else _AF_MANUAL,
    }
    if wish.exposure_s is None and wish.gain is None:
        controls["AeEnable"] = True
    if wish.exposure_s is not None:
        controls["ExposureTime"] = round(1e6 * wish.exposure_s)
    if wish.gain is not None:
        controls["AnalogueGain"] = wish.gain
    if wish.white_balance_k is not None:
        controls["ColourTemperature"] = wish.white_balance_k
    if wish.focus is not None:
        controls["LensPosition"] = wish.focus
    return {name: value for name, value in controls.items() if name in known}


def controls_to_lock(wish: CameraWish, metadata: dict[str, Any], known: Collection[str]) -> dict[str, Any]:
    """What to set once the automatics have settled: what is wished, else what a frame's metadata says."""
    exposure_us = metadata.get("ExposureTime") if wish.exposure_s is None else round(1e6 * wish.exposure_s)
    controls: dict[str, Any] = {
        "AeEnable": False,
        "ExposureTime": exposure_us,
        "AnalogueGain": metadata.get("AnalogueGain") if wish.gain is None else wish.gain,
        "AfMode": _AF_MANUAL,
        "LensPosition": metadata.get("LensPosition") if wish.focus is None else wish.focus,
    }
    if wish.white_balance_k is None:
        controls |= {"AwbEnable": False, "ColourGains": metadata.get("ColourGains")}
    return {name: value for name, value in controls.items() if name in known and value is not None}


def applied(controls: dict[str, Any], metadata: dict[str, Any]) -> bool:
    """Whether a frame was taken with these controls, which take some frames to arrive at the sensor."""
    for name in ("ExposureTime", "AnalogueGain"):
        wanted, got = controls.get(name), metadata.get(name)
        if wanted is not None and got is not None and abs(got - wanted) > _NEAR * wanted:
            return False
    return True


def unmet(wish: CameraWish, known: Collection[str]) -> list[str]:
    """What is wished and the camera can't do, in sentences."""
    asked = (
        ("exposure_ms", wish.exposure_s, "ExposureTime"),
        ("gain", wish.gain, "AnalogueGain"),
        ("white_balance_k", wish.white_balance_k, "ColourTemperature"),
        ("focus", wish.focus, "LensPosition"),
    )
    return [
        f"this camera has no control for [camera] {key}: leave the key out"
        for key, value, control in asked
        if value is not None and control not in known
    ]
