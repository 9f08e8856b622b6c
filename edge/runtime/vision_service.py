"""The vision service: a source of pictures in, stored shots and the live state out.

Capture and writing have threads of their own; seeing happens in the thread that calls `run`. It never waits
for the disk: a full frame queue drops frames and counts them, a shot is kept until it is stored.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from calibration.file import Calibration, CalibrationError
from calibration.table import Table
from edge.clock import now_stamp
from edge.runtime.camera_watch import CameraWatch
from edge.runtime.capture import LAG_S, STOP_S, Capture, Captured, SourceEnd
from edge.runtime.live_files import LiveFiles
from edge.runtime.notify import Check, Turns
from edge.runtime.paths import Paths
from edge.runtime.shot_writer import SeenShot, ShotWriter
from edge.runtime.table_memory import Seat, TableMemory, seat_of
from edge.runtime.throughput import Throughput
from edge.store.shots import Source
from vision.balls import BallSet
from vision.feel import USUAL, Feel
from vision.frames.source import Frame, FrameSource, FrameSourceError
from vision.live import CameraState, Learnt, LiveState
from vision.model import Health, Seen, Shot
from vision.quality import Quality

log = logging.getLogger(__name__)

FIRST_RETRY_S = 1.0
LAST_RETRY_S = 30.0
# A camera that gives no picture for so long is said to be away, though it is still waited for.
SILENT_S = 3.0
# One that still gives none is closed and opened again: its driver may have hung.
HUNG_S = 10.0
# What systemd's watchdog lets pass. Opening waits for a camera to settle and for a table to be found, which takes
# long on a small box; the first frame of a source learns the table.
OPENING_S = 300.0
TURN_S = 30.0
# The health shown is so old at most: its percentiles are of thousands of frames, too dear for every one.
HEALTH_S = 0.5


class CameraHangsError(Exception):
    """A camera neither gives pictures nor lets go; only a new process gets it back."""


class Follower(Protocol):
    """What the service needs of `vision.pipeline.Pipeline`."""

    @property
    def ball_set(self) -> BallSet: ...

    def process(self, frame: Frame) -> Seen: ...

    def finish(self) -> tuple[Shot, ...]: ...

    @property
    def health(self) -> Health: ...

    @property
    def feel(self) -> Feel: ...

    @property
    def quality(self) -> Quality: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service works with.

    `open` gives a source ready to be read and its calibration; it raises FrameSourceError while there are no
    pictures and CalibrationError while there is no table in them. `follow` makes a follower of the calibration,
    the source's id and what is known of the table. `place` says in words where the pictures come from. A
    `recording` ends, and what it teaches of its table is not kept; anything else that stops is opened again. A
    live `camera` may drop frames, hang and be unplugged. `table` and `ball_set` are what is shown until more is
    known. `label` is which of the hall's tables it is.
    """

    open: Callable[[], tuple[FrameSource, Calibration]]
    follow: Callable[[Calibration, str, Feel], Follower]
    place: str
    recording: bool
    table: Table
    ball_set: str = "auto"
    camera: bool = False
    label: str | None = None


class VisionService:
    """Runs one camera until told to stop, whatever happens to camera, table or store on the way."""

    def __init__(
        self,
        parts: Parts,
        paths: Paths,
        writer: ShotWriter,
        *,
        first_retry_s: float = FIRST_RETRY_S,
        silent_s: float = SILENT_S,
        hung_s: float = HUNG_S,
        stop_s: float = STOP_S,
        lag_s: float = LAG_S,
    ) -> None:
        self._parts = parts
        self._writer = writer
        self._first_retry_s = first_retry_s
        self._silent_s = silent_s
        self._hung_s = hung_s
        self._stop_s = stop_s
        self._lag_s = lag_s
        self._pictures_came = False
        self._turns = Turns(TURN_S)
        self._state = LiveState(
            seq=0,
            source_id="",
            t_s=0.0,
            status="starting",
            message="The camera is opened and the table looked for.",
            phase="waiting",
            table=parts.table,
            ball_set=parts.ball_set,
            balls=(),
            fps=None,
            health=Health(),
        )
        self._frame: Frame | None = None
        self._memory = TableMemory(paths.table_feel)
        self._live = LiveFiles(paths, self._state, lambda: self._writer.state)

    def run(self, stop: threading.Event) -> int:
        """Works until `stop` is set; returns how many shots could not be stored (they are spooled).

        Raises CameraHangsError when a camera can't be let go; what was seen is stored before.
        """
        self._writer.start()
        try:
            with self._live:
                self._keep_watching(stop)
        finally:
            unstored = self._writer.stop()
        return unstored

    @property
    def checks(self) -> tuple[Check, ...]:
        """What must hold for the service to live. It may well be without a camera, a table or room on the disk:
        those are states that it shows and that a new start would not change."""
        return self._why_not, self._writer.why_not, self._live.why_not

    @property
    def status(self) -> str:
        """What it does, in a line."""
        return self._state.message or self._state.status

    def _why_not(self) -> str | None:
        late = self._turns()
        if late is None or self._writer.full:  # then it waits for the writer, whose own check tells
            return None
        return f"frames are not followed: {late}"

    def _keep_watching(self, stop: threading.Event) -> None:
        delay_s = self._first_retry_s
        while not stop.is_set():
            self._turns.allow(OPENING_S)
            try:
                source, calibration = self._parts.open()
            except FrameSourceError as error:
                self._say("no-camera", f"No pictures: {error}.")
            except CalibrationError as error:
                self._say("no-table", f"No table: {error}.")
                if self._parts.recording:  # it will not look different next time
                    self._rest(stop)
            else:
                error_text = self._watch(source, calibration, stop)
                self._say_how_it_ended(error_text, stop)
                if self._pictures_came:  # one that opens and gives nothing is asked less and less often
                    delay_s = self._first_retry_s
            self._turns.allow(delay_s + TURN_S)
            stop.wait(delay_s)
            delay_s = min(2 * delay_s, LAST_RETRY_S)

    def _rest(self, stop: threading.Event) -> None:
        self._turns.allow(math.inf)
        stop.wait()

    def _say_how_it_ended(self, error: str | None, stop: threading.Event) -> None:
        if stop.is_set():
            return  # the last state grows old, by which a reader knows that the service is gone
        if self._parts.recording:  # once: played again, its shots would be stored again
            self._say("ended", f"The recording broke off: {error}." if error else "The recording has ended.")
            self._rest(stop)
        elif error is not None:
            self._say("no-camera", f"No pictures: {error}.")
        else:
            self._say("no-camera", "The camera stopped giving pictures; it is opened again.")

    def _watch(self, source: FrameSource, calibration: Calibration, stop: threading.Event) -> str | None:
        """Follows one source to its end; returns what broke it, None when it just ended or `stop` was set."""
        log.info("watching %s (%d × %d)", self._parts.place, source.width_px, source.height_px)
        capture = Capture(source, lag_s=self._lag_s)
        flow = Throughput(capture, self._parts.camera)
        session: _Session | None = None
        last_s = time.monotonic()
        self._pictures_came = False
        capture.start()
        try:
            while not stop.is_set():
                self._turns.allow(TURN_S)
                item = capture.get(self._silent_s)
                if isinstance(item, SourceEnd):
                    return item.error
                if item is None:
                    self._tell_health(session, flow)
                    self._say("no-camera", f"No picture for {self._silent_s:g} s: check the camera's cable.")
                    if self._parts.camera and time.monotonic() - last_s >= self._hung_s:
                        return f"the camera hangs, no picture for {self._hung_s:g} s; it is opened again"
                    continue
                self._pictures_came = True
                if session is None or session.source.id != item.source_id:
                    capture.allow_lag()  # a follower is made, and the first frame takes long: the table is learnt
                    if session is not None:
                        self._store(session, session.follower.finish())
                        session = None  # it goes before the next one learns, which takes memory
                    session = self._begin(item.source_id, source, calibration)
                self._see(session, item, flow)
                last_s = time.monotonic()
            return None
        finally:
            self._turns.allow(2 * self._stop_s + TURN_S)
            let_go = capture.stop(self._stop_s)
            if session is not None:
                self._store(session, session.follower.finish())
            self._tell_health(session, flow)
            if self._parts.camera and not let_go:
                raise CameraHangsError(f"{self._parts.place} hangs and does not let go: the service starts again")

    def _begin(self, source_id: str, source: FrameSource, calibration: Calibration) -> "_Session":
        table = calibration.table
        stored = Source(
            id=source_id,
            place=self._parts.place,
            started_at=now_stamp(),
            table_name=table.name,
            table_length_in=table.length_in,
            table_width_in=table.width_in,
            ball_diameter_in=table.ball_diameter_in,
            calibration_id=calibration.id,
            picture_width_px=source.width_px,
            picture_height_px=source.height_px,
            fps=source.fps,
            table_label=self._parts.label,
        )
        seat = seat_of(self._parts.place, calibration)
        # A recording may be of any table, and one played again would tell the same again as if it were more.
        feel = USUAL if self._parts.recording else self._memory.feel(seat)
        self._state = replace(self._state, table=table, learnt=Learnt(feel))
        follower = self._parts.follow(calibration, source_id, feel)
        return _Session(stored, source, follower, CameraWatch(calibration.fingerprint), seat)

    def _see(self, session: "_Session", item: Captured, flow: Throughput) -> None:
        seen = session.follower.process(item.frame)
        session.t_s = item.frame.t_s
        now_s = time.monotonic()
        flow.followed(now_s)
        camera = flow.state
        self._store(session, seen.shots)
        if seen.phase != "shot":
            session.camera.look(item.frame)
        if now_s >= session.health_due_s:
            session.health_due_s = now_s + HEALTH_S
            self._tell_health(session, flow)
        self._state = replace(
            self._state,
            source_id=item.source_id,
            t_s=seen.t_s,
            status="camera-moved" if session.camera.message else "live",
            message=self._message(session),
            phase=seen.phase,
            ball_set=session.follower.ball_set.name,
            balls=seen.balls,
            fps=camera.process_fps,
            camera=camera,
        )
        self._frame = item.frame
        self._live.show(self._state, self._frame)

    def _message(self, session: "_Session") -> str:
        if self._writer.problem:
            return f"Shots are seen but not stored yet: {self._writer.problem}."
        if session.camera.message:
            return f"{session.camera.message[0].upper()}{session.camera.message[1:]}."
        return "The table is watched."

    def _tell_health(self, session: "_Session | None", flow: Throughput) -> None:
        """Brings the health that is shown up to date; without a session nothing has been seen yet."""
        if session is not None:
            self._state = replace(self._state, health=self._health(session, flow.state))

    def _health(self, session: "_Session", camera: CameraState) -> Health:
        health = session.follower.health
        warnings = list(health.warnings) + list(getattr(session.frames, "warnings", ()))
        if self._writer.refused:
            warnings.append(f"{self._writer.refused} shots were refused by the store: see the service's log")
        return replace(
            health,
            dropped_frames=max(camera.dropped_by_overload + camera.dropped_by_sensor, health.dropped_frames),
            warnings=tuple(dict.fromkeys(warnings)),
        )

    def _store(self, session: "_Session", shots: tuple[Shot, ...]) -> None:
        now, ball_set = datetime.now(UTC), session.follower.ball_set.name
        for shot in shots:
            ago = timedelta(seconds=max(0.0, session.t_s - shot.start_s))
            self._writer.add(SeenShot(session.source, shot, now - ago, ball_set))
        self._learn(session)

    def _learn(self, session: "_Session") -> None:
        """Takes over what the last shot taught; the disk is the writer's business."""
        before = self._state.learnt
        feel, quality = session.follower.feel, session.follower.quality
        if feel is before.feel and quality is before.quality:
            return
        if feel != before.feel and not self._parts.recording:
            self._memory.note(session.seat, feel)
            self._writer.afterwards(self._memory.save)
        self._state = replace(self._state, learnt=Learnt(feel, quality))

    def _say(self, status: str, message: str) -> None:
        if (status, message) != (self._state.status, self._state.message):
            log.info("%s: %s", status, message)
        flow = replace(self._state.camera, camera_fps=None, process_fps=None, skipped_fps=None, waiting=0)
        self._state = replace(self._state, status=status, message=message, phase="waiting", fps=None, camera=flow)
        if status != "ended":  # the end of a recording stays on screen
            self._state, self._frame = replace(self._state, balls=()), None
        self._live.show(self._state, self._frame)


class _Session:
    """One source id being followed."""

    def __init__(
        self, source: Source, frames: FrameSource, follower: Follower, camera: CameraWatch, seat: Seat
    ) -> None:
        self.source = source
        self.frames = frames
        self.follower = follower
        self.camera = camera
        self.seat = seat
        self.t_s = 0.0
        self.health_due_s = 0.0
