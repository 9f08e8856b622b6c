"""The simulated table as a source of frames: a camera over games that never end."""

import time
import uuid
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.file import Calibration
from vision.frames.source import Frame
from vision.model import Shot
from vision.simulate.codec import Compression
from vision.simulate.conditions import Conditions
from vision.simulate.director import Director, Pace, PlayedShot
from vision.simulate.figure import over_bed
from vision.simulate.look import Look, look_named
from vision.simulate.render import Renderer, Scene
from vision.simulate.shotbook import load_shot_book
from vision.simulate.truth import FrameTruth, TrueState, true_shot
from vision.simulate.view import default_camera

Array = NDArray[np.float64]


class SimulatedTable:
    """A `FrameSource` that draws the shot book, again and again.

    The middle of the first row's exposure is a frame's `t_s`; with `readout_s` the last row comes that much
    later and each ball is drawn where it is at its centre's row. With `realtime` frames come at the
    clock's pace and those that a slow consumer lets pass are skipped and counted in `missing`; without it
    every frame comes, as fast as it is asked for, the same for the same seed. `rack`, and `shot` of it, are where
    to begin; `look` is one of its own or the name of a ready one; `pace` is how long players idle between shots;
    frames go through `compression` where there is one.
    """

    frame_count: int | None = None

    def __init__(
        self,
        *,
        size: tuple[int, int] = (1280, 720),
        fps: float = 30.0,
        seed: int = 0,
        look: str | Look = "club",
        realtime: bool = False,
        camera: Camera | None = None,
        book: str = "shotbook",
        rack: int = 0,
        shot: int = 0,
        mirrored: bool = False,
        readout_s: float = 0.0,
        pace: Pace = "usual",
        compression: Compression | None = None,
    ) -> None:
        if not 1 <= fps <= 240:
            raise ValueError(f"{fps:g} frames a second can't be simulated: between 1 and 240")
        shot_book = load_shot_book(book)
        self._look = look_named(look) if isinstance(look, str) else look
        table = shot_book.table
        self._camera = camera or default_camera(size, table.length_in, table.width_in)
        self.width_px, self.height_px = self._camera.width_px, self._camera.height_px
        self.fps: float | None = fps
        self._period_s = 1 / fps
        self._realtime = realtime
        # Shots are stored by source and time: a table switched on again must not repeat yesterday's ids.
        self._name = f"sim-{uuid.uuid4().hex[:8]}" if realtime else f"sim-{seed}"
        self.readout_s = readout_s
        delays = self._row_delays if readout_s else None
        self._director = Director(
            shot_book, self._look, seed, rack, first_shot=shot, mirrored=mirrored, row_delays=delays, pace=pace
        )
        self._renderer = Renderer(self._camera, table, self._look, seed, readout_s)
        self._compression = compression
        self._scene = Scene(())
        self._frame: tuple[int, float] = (-1, 0.0)
        self._closed = False
        self.calibration = Calibration(
            id=f"sim-{self.width_px}x{self.height_px}",
            method="file",
            table=table,
            camera=self._camera,
            residual_px=0.0,
            uncertainty_in=0.0,
            readout_s=readout_s,
            notes=("the simulated table knows its own camera",),
        )

    @classmethod
    def under(
        cls,
        conditions: Conditions,
        *,
        size: tuple[int, int] = (1280, 720),
        fps: float = 30.0,
        pace: Pace = "usual",
        compressed: bool = False,
    ) -> "SimulatedTable":
        """The table of a seed: its hall, its camera and its game, every frame of it; `compressed` as its camera
        compresses, if it does."""
        c = conditions
        compression = None
        if compressed and c.codec != "none":
            compression = Compression(c.codec, size, fps, c.quality)
        return cls(
            size=size,
            fps=fps,
            seed=c.seed,
            look=c.look,
            camera=c.viewpoint.camera(size, load_shot_book(c.book).table),
            book=c.book,
            rack=c.rack,
            shot=c.shot,
            mirrored=c.mirrored,
            readout_s=c.readout_s,
            pace=pace,
            compression=compression,
        )

    @property
    def id(self) -> str:
        """Changes with every pass through the book."""
        return f"{self._name}-{self._director.loop}"

    @property
    def ball_set(self) -> str:
        """The set of balls in play."""
        return self._look.ball_set

    def __iter__(self) -> Iterator[Frame]:
        index, tick, started = 0, 0, time.monotonic()
        while not self._closed:
            missing = 0
            if self._realtime:
                due = started + tick * self._period_s
                now = time.monotonic()
                if due > now:
                    time.sleep(due - now)
                missing = max(0, int((now - due) / self._period_s))
                tick += missing
            yield self._draw(index, tick * self._period_s, missing)
            index, tick = index + 1, tick + 1

    def close(self) -> None:
        self._closed = True

    def _row_delays(self, points_in: Array) -> Array:
        return self.readout_s * self._camera.project(points_in)[:, 1] / self.height_px

    def _draw(self, index: int, t_s: float, missing: int) -> Frame:
        self._scene = self._director.scene(t_s, self._look.exposure_s)
        self._frame = (index, t_s)
        planes = self._renderer.frame(self._scene)
        if self._compression is not None:
            planes = self._compression.through(planes)
        return Frame(index, t_s, planes.y, planes.u, planes.v, missing=missing)

    @property
    def played(self) -> tuple[PlayedShot, ...]:
        """The shots begun so far (the last 400), the one in preparation included."""
        return tuple(self._director.played)

    def shots(self) -> tuple[tuple[str, PlayedShot], ...]:
        """The shots whose balls have come to rest by the last frame, each with the source's id at its time."""
        done = [p for p in self._director.played if p.rest_s <= self._frame[1]]
        return tuple((f"{self._name}-{p.loop}", p) for p in done)

    def true_shots(self) -> tuple[Shot, ...]:
        """The same as a perfect observer would report them."""
        return tuple(true_shot(played, self.calibration, source_id) for source_id, played in self.shots())

    def truth(self) -> FrameTruth:
        """What was true at the last frame's time, each ball at the time of its row."""
        index, t_s = self._frame
        placed = self._director.placed(t_s)
        centres = np.array([ball.centre for ball in placed.values()]).reshape(-1, 3)
        pixels = self._camera.project(centres) if len(centres) else np.zeros((0, 2))
        covered = self._renderer.covered(self._scene.shapes, pixels)
        balls = tuple(
            TrueState(
                name,
                float(ball.centre[0]),
                float(ball.centre[1]),
                float(px[0]),
                float(px[1]),
                ball.status,
                float(share),
                (float(ball.spin[0]), float(ball.spin[1]), float(ball.spin[2])),
            )
            for (name, ball), px, share in zip(placed.items(), pixels, covered, strict=True)
        )
        return FrameTruth(index, t_s, balls, any(over_bed(s, self.calibration.table) for s in self._scene.shapes))
