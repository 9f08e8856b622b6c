"""The box's figures for Prometheus: frames, the table as its shots tell it, how well it sees, and how it is."""

from collections.abc import Iterable

from calibration.table import RAIL_NAMES
from edge import bookkeeper
from edge.health.machine import Machine
from edge.store.errors import StoreError
from kiosk.api import machine_metrics
from kiosk.api.hall_metrics import of_hall
from kiosk.api.health import reasons
from kiosk.api.prometheus import Metric, text
from kiosk.box import Box
from kiosk.live_state import Reading
from vision.feel import Estimate, Feel
from vision.quality import Quality


def metrics(box: Box) -> str:
    """All figures in Prometheus' text format."""
    reading = box.reading()
    learnt, health = reading.learnt, box.health.findings()
    found = [
        Metric("ladder_up", "1 while nothing is wrong", float(not reasons(box))),
        *_flow(reading),
        Metric("ladder_live_age_seconds", "Age of the live state", reading.age_s if reading.state else None),
        Metric("ladder_kiosk_listeners", "Pages on the live stream", float(box.hub.listeners)),
        Metric("ladder_shots_total", "Shots stored", _total(box), "counter"),
        *_books(box),
        *of_hall(box.store),
        *machine_metrics.of_store(box, health),
        *machine_metrics.of_machine(box, Machine()),
        *machine_metrics.findings(health),
        *(() if learnt is None else (*_table(learnt.feel), *_sight(learnt.quality))),
    ]
    return text(found)


def _flow(reading: Reading) -> Iterable[Metric]:
    camera, health, skipped = reading.camera, reading.health, "Frames let go for want of time"
    by_sensor, by_overload = camera("dropped_by_sensor"), camera("dropped_by_overload")
    writer, refused = reading.writer, "Shots the store would not take, since vision started"
    return (
        Metric("ladder_camera_fps", "Frames a second from the camera", camera("camera_fps")),
        Metric("ladder_process_fps", "Frames a second followed", camera("process_fps")),
        Metric("ladder_skipped_fps", "Frames a second let go for want of time", camera("skipped_fps")),
        Metric("ladder_frames_waiting", "Frames in the queue", camera("waiting")),
        Metric("ladder_frames_dropped_by_sensor_total", "Frames the camera never gave", by_sensor, "counter"),
        Metric("ladder_frames_dropped_by_overload_total", skipped, by_overload, "counter"),
        Metric("ladder_frames_total", "Frames processed", health("frames"), "counter"),
        Metric("ladder_frames_dropped_total", "Frames dropped, by whomever", health("dropped_frames"), "counter"),
        Metric("ladder_frames_repeated_total", "Frames repeated", health("repeated_frames"), "counter"),
        Metric("ladder_shots_waiting", "Seen shots that are not stored yet", writer("waiting")),
        Metric("ladder_shots_waiting_room", "So many may wait; then seeing waits, too", writer("room")),
        Metric("ladder_shots_refused_total", refused, writer("refused"), "counter"),
        Metric("ladder_frame_ms_p50", "Milliseconds a frame, median", health("ms_per_frame_p50")),
        Metric("ladder_frame_ms_p99", "Milliseconds a frame, 99 %", health("ms_per_frame_p99")),
    )


def _table(feel: Feel) -> Iterable[Metric]:
    """Each figure with its standard deviation beside it; none before a shot told of it."""
    yield Metric("ladder_table_shots", "Shots the table was learnt from", float(feel.shots))
    if not feel.shots:
        return
    yield from _estimate("rolling_resistance", "Rolling resistance, a share of the ball's weight", feel.rolling)
    yield from _estimate("sliding_friction", "Sliding friction, a share of the ball's weight", feel.sliding)
    yield from _estimate("slope_along", "Fall towards the foot, metres a metre", feel.tilt_x)
    yield from _estimate("slope_across", "Fall towards the left rail, metres a metre", feel.tilt_y)
    rails = {name: feel.rails[name] for name in RAIL_NAMES if name in feel.rails}
    name, what = "ladder_table_rebound", "Share of the speed into a rail that comes back"
    yield Metric(name, what, {rail: e.value for rail, e in rails.items()}, label="rail")
    yield Metric(f"{name}_sd", f"{what}, its uncertainty", {rail: e.sd for rail, e in rails.items()}, label="rail")


def _estimate(name: str, what: str, e: Estimate) -> Iterable[Metric]:
    yield Metric(f"ladder_table_{name}", what, e.value)
    yield Metric(f"ladder_table_{name}_sd", f"{what}, its uncertainty", e.sd)


def _sight(quality: Quality) -> Iterable[Metric]:
    """Over the shots since the source was opened; no shares before the first."""
    yield Metric("ladder_sight_shots", "Shots since the source was opened", float(quality.shots))
    if not quality.shots:
        return
    yield Metric("ladder_sight_unseen_ratio", "Share of frames without a ball that moved", quality.unseen_share)
    yield Metric("ladder_sight_moving_balls", "Balls that moved, summed over shots", float(quality.balls))
    yield Metric("ladder_sight_lost_balls", "Balls that moved and were lost", float(quality.lost))
    yield Metric("ladder_sight_misfit_ratio", "Share of ways no rolling ball takes", quality.misfit_share)
    yield Metric("ladder_sight_swapped_names", "Names mixed up and put right", float(quality.swaps))
    yield Metric("ladder_sight_scatter_mm", "Scatter of seen positions", quality.mean_scatter_mm)


def _books(box: Box) -> Iterable[Metric]:
    """What is stored and not entered where it counts: it waits for a moment, or was put aside for a person."""
    try:
        with box.store.read() as conn:
            waiting, failed = bookkeeper.waiting(conn)
    except StoreError:
        return ()
    return (
        Metric("ladder_bookings_waiting", "Stored shots not counted yet", float(waiting)),
        Metric("ladder_bookings_failed", "Stored shots that could not be counted", float(failed)),
    )


def _total(box: Box) -> float | None:
    try:
        return float(box.records.total())
    except StoreError:
        return None
