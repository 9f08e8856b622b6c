"""Whether the calibration that the settings name is there, whole, and of the camera's picture size."""

import json
from pathlib import Path
from typing import Any

from edge.health.check import Check, Finding, Scene
from edge.settings import Camera

SCHEMA = 1
POOR = ": poor"


def look(scene: Scene) -> Finding:
    camera = scene.settings.camera
    if not camera.calibration:
        how = "brings its own" if camera.source == "sim" else "is looked at for the table whenever it is opened"
        return Finding("ok", f"No calibration is named: {camera.source} {how}.")
    path = scene.paths.data / camera.calibration
    again = scene.command("calibrate", camera.source, "--out", str(path))
    try:
        size = _picture(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Finding("bad", f"There is no calibration {path}.", "Calibrate, or correct the settings.", again)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Finding("bad", f"The calibration {path} can't be used ({error}).", "Calibrate again.", again)
    if _is_live(camera) and size != (camera.width_px, camera.height_px):
        text = f"The calibration is for pictures of {size[0]}×{size[1]}, the camera is set to {_size(camera)}."
        return Finding("bad", text, "Set the camera to that size, or calibrate again.", again)
    return _exactness(path, again) if not scene.serving else Finding("ok", f"{path.name} is there.")


def _picture(data: Any) -> tuple[int, int]:
    """The size it was made for. Raises ValueError, KeyError or TypeError for what is no calibration."""
    if data["schema"] != SCHEMA:
        raise ValueError(f"its schema is {data['schema']}")
    width_px, height_px = data["camera"]["size_px"]
    return int(width_px), int(height_px)


def _exactness(path: Path, again: str) -> Finding:
    """Read as vision does, which takes what a kiosk would not load for it."""
    from calibration.file import CalibrationError, load_calibration  # noqa: PLC0415

    try:
        words = load_calibration(path).residual_in_words()
    except CalibrationError as error:
        return Finding("bad", f"The calibration can't be used: {error}.", "Calibrate again.", again)
    if words.endswith(POOR):
        return Finding("warn", f"The calibration is poor: {words}.", "Calibrate again, best by markers.", again)
    return Finding("ok", f"{path.name} is there: {words}.")


def _is_live(camera: Camera) -> bool:
    return camera.source == "picamera" or camera.source.startswith("/dev/")


def _size(camera: Camera) -> str:
    return f"{camera.width_px}×{camera.height_px}"


CHECK = Check("calibration", look)
