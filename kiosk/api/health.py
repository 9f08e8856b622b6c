"""Whether the kiosk and the box behind it are well, as JSON for a supervisor and as metrics for Prometheus."""

from dataclasses import dataclass

from edge.store.errors import StoreError
from kiosk.box import Box
from kiosk.live_state import HEALTHY


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is wrong: its name for a program, its sentence for a person."""

    code: str
    text: str


def reasons(box: Box) -> list[Reason]:
    """Everything that is wrong now; nothing when all is well."""
    found = []
    try:
        box.records.total()
    except StoreError as error:
        found.append(Reason("store", str(error)))
    reading = box.reading()
    if reading.status not in HEALTHY:
        text = reading.message or box.t(f"status.{reading.status}.text")
        found.append(Reason(reading.status, text))
    return found


def metrics(box: Box) -> str:
    """The figures in Prometheus' text format; what is not known is left out."""
    reading = box.reading()
    values = [
        ("ladder_up", "gauge", "1 while nothing is wrong", float(not reasons(box))),
        ("ladder_camera_fps", "gauge", "Frames a second from the camera", reading.camera("camera_fps")),
        ("ladder_process_fps", "gauge", "Frames a second followed", reading.camera("process_fps")),
        ("ladder_skipped_fps", "gauge", "Frames a second let go for want of time", reading.camera("skipped_fps")),
        ("ladder_frames_waiting", "gauge", "Frames in the queue", reading.camera("waiting")),
        (
            "ladder_frames_dropped_by_sensor_total",
            "counter",
            "Frames the camera never gave",
            reading.camera("dropped_by_sensor"),
        ),
        (
            "ladder_frames_dropped_by_overload_total",
            "counter",
            "Frames let go for want of time",
            reading.camera("dropped_by_overload"),
        ),
        ("ladder_frames_total", "counter", "Frames processed", reading.health("frames")),
        (
            "ladder_frames_dropped_total",
            "counter",
            "Frames dropped, by whomever",
            reading.health("dropped_frames"),
        ),
        ("ladder_frames_repeated_total", "counter", "Frames repeated", reading.health("repeated_frames")),
        ("ladder_frame_ms_p50", "gauge", "Milliseconds a frame, median", reading.health("ms_per_frame_p50")),
        ("ladder_frame_ms_p99", "gauge", "Milliseconds a frame, 99 %", reading.health("ms_per_frame_p99")),
        ("ladder_live_age_seconds", "gauge", "Age of the live state", reading.age_s if reading.state else None),
        ("ladder_kiosk_listeners", "gauge", "Pages on the live stream", float(box.hub.listeners)),
        ("ladder_shots_total", "counter", "Shots stored", _total(box)),
    ]
    lines = []
    for name, kind, help_text, value in values:
        if isinstance(value, (int, float)):
            lines += [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}", f"{name} {value:g}"]
    return "\n".join(lines) + "\n"


def _total(box: Box) -> float | None:
    try:
        return float(box.records.total())
    except StoreError:
        return None
