"""How much room is left where the data and the live state are; the limits are the settings' `[disk]`."""

from pathlib import Path

from edge.health.check import Check, Finding, Scene
from edge.health.machine import Room

MB, GB = 1_000_000, 1_000_000_000
LEAST_LIVE_BYTES = 16 * MB  # the live state and its picture, a few times


def look(scene: Scene) -> Finding:
    room = scene.machine.room(scene.paths.data)
    if room is None or not room.total_bytes:
        return Finding("unknown", f"The disk of {scene.paths.data} does not tell its size.")
    limits = scene.settings.disk
    text = f"{_told(room)} are free on the disk of {scene.paths.data}"
    advice = "Delete what is not needed there: old recordings, logs, copies of the store."
    if room.free_bytes < limits.least_free_mb * MB:
        return Finding("bad", f"{text}, less than the {limits.least_free_mb} MB it must have.", advice)
    live = scene.machine.room(scene.paths.run)
    if live is not None and live.total_bytes and live.free_bytes < LEAST_LIVE_BYTES:
        text = f"{live.free_bytes / MB:.0f} MB are free in {_mount(scene.paths.run)}, where the live state is."
        return Finding("bad", text, "Find who fills the shared memory; a reboot empties it.")
    if room.free_bytes < limits.warn_free_mb * MB:
        return Finding("warn", f"{text}, less than {limits.warn_free_mb} MB.", advice)
    return Finding("ok", f"{text}.")


def _told(room: Room) -> str:
    return (
        f"{room.free_bytes / GB:.1f} of {room.total_bytes / GB:.1f} GB ({room.free_bytes / room.total_bytes:.0%})"
    )


def _mount(path: Path) -> Path:
    return path if path.exists() else path.parent


CHECK = Check("disk", look)
