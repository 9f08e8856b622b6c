"""A finished calibration and the versioned file that keeps it."""

import json
import math
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calibration.camera import Camera
from calibration.table import Table
from calibration.whole_file import replace_file

SCHEMA = 1

Method = Literal["markers", "cloth", "corners", "file"]


class CalibrationError(Exception):
    """The table could not be found or a calibration can't be used; the text says what to do."""


@dataclass(frozen=True)
class Calibration:
    """Where the table is in the picture: a camera posed over a table.

    `residual_px` is the RMS distance between what was measured in the picture and what the camera projects;
    `uncertainty_in` is the standard deviation expected for a nose corner; `readout_s` the time a rolling
    shutter takes from the first row to the last.
    """

    id: str
    method: Method
    table: Table
    camera: Camera
    residual_px: float | None = None
    uncertainty_in: float | None = None
    readout_s: float = 0.0
    created: str | None = None
    notes: tuple[str, ...] = ()
    fingerprint: dict[str, Any] | None = None

    def to_table(self, pixels: ArrayLike) -> NDArray[np.float64]:
        """Table inches, shape (N, 2), of ball centres seen at pixels, shape (N, 2)."""
        return self.camera.to_plane(pixels, self.table.ball_radius_in)

    def to_picture(self, points_in: ArrayLike, z_in: float | None = None) -> NDArray[np.float64]:
        """Pixels, shape (N, 2), of table points, shape (N, 2), at `z_in` or the ball centres' height."""
        points = np.asarray(points_in, dtype=np.float64).reshape(-1, 2)
        z = self.table.ball_radius_in if z_in is None else z_in
        return self.camera.project(np.column_stack([points, np.full(len(points), z)]))

    @cached_property
    def corners_px(self) -> NDArray[np.float64]:
        """The nose corners in the picture, shape (4, 2): origin, end of +x, opposite, end of +y."""
        return self.to_picture(self.table.corners_in, self.table.nose_height_in)

    @cached_property
    def pockets_px(self) -> NDArray[np.float64]:
        """The pocket centres in the picture, shape (6, 2), in the order of POCKET_NAMES.

        They are those of the rims as a person sees them, which are at about the height of the noses.
        """
        return self.to_picture([(p.x_in, p.y_in) for p in self.table.pockets], self.table.nose_height_in)

    def px_per_in(self, x_in: float, y_in: float) -> float:
        """The picture's scale at a table point: the geometric mean over directions."""
        here, right, up = self.to_picture([(x_in, y_in), (x_in + 1, y_in), (x_in, y_in + 1)])
        a, b = right - here, up - here
        return math.sqrt(abs(float(a[0] * b[1] - a[1] * b[0])))

    def residual_in_words(self) -> str:
        """The residual as a technician reads it."""
        L, W = self.table.length_in, self.table.width_in
        scale = self.px_per_in(L / 2, W / 2)
        if self.residual_px is None:
            return "the residual is not known: nothing was measured twice"
        mm = self.residual_px / scale * 25.4
        verdict = "very good" if mm < 2 else "good" if mm < 5 else "fair" if mm < 10 else "poor"
        return (
            f"what was measured lies {self.residual_px:.2f} px ({mm:.1f} mm at the table's middle) "
            f"from where the model puts it: {verdict}"
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "id": self.id,
            "method": self.method,
            "created": self.created,
            "table": asdict(self.table),
            "camera": self.camera.to_json(),
            "readout_s": self.readout_s,
            "residual_px": self.residual_px,
            "uncertainty_in": self.uncertainty_in,
            "corners_px": np.round(self.corners_px, 3).tolist(),
            "pockets_px": np.round(self.pockets_px, 3).tolist(),
            "notes": list(self.notes),
            "fingerprint": self.fingerprint,
        }

    def save(self, path: Path) -> None:
        """Writes the file; raises OSError where that is not possible."""
        replace_file(path, (json.dumps(self.to_json(), indent=1) + "\n").encode(), durable=True)

    def require_picture(self, width_px: int, height_px: int) -> None:
        """Raises CalibrationError when the picture has another size than the one calibrated."""
        have = (self.camera.width_px, self.camera.height_px)
        if have != (width_px, height_px):
            raise CalibrationError(
                f"the calibration {self.id} is for pictures of {have[0]}×{have[1]}, these are "
                f"{width_px}×{height_px}: calibrate again with this camera setting"
            )


def load_calibration(path: Path) -> Calibration:
    """Reads a file that `Calibration.save` wrote. Raises CalibrationError with what to do."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CalibrationError(f"the calibration {path} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise CalibrationError(f"{path} is no calibration file (no JSON): run ladder calibrate") from error
    if not isinstance(data, dict) or "schema" not in data:
        raise CalibrationError(f"{path} is no calibration file: run ladder calibrate")
    if data["schema"] != SCHEMA:
        raise CalibrationError(
            f"{path} has schema {data['schema']}, this program reads {SCHEMA}: run ladder calibrate again"
        )
    try:
        return Calibration(
            id=str(data["id"]),
            method=data["method"],
            table=Table(**data["table"]),
            camera=Camera.from_json(data["camera"]),
            residual_px=data.get("residual_px"),
            uncertainty_in=data.get("uncertainty_in"),
            readout_s=float(data.get("readout_s", 0.0)),
            created=data.get("created"),
            notes=tuple(data.get("notes", ())),
            fingerprint=data.get("fingerprint"),
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise CalibrationError(f"{path} is damaged ({error}): run ladder calibrate again") from error


def from_file(path: Path) -> Calibration:
    """A stored calibration for use on a source, its method said to be the file."""
    return replace(load_calibration(path), method="file")
