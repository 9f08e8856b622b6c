"""What is known of the lens: focal length, principal point and distortion, with or without a file."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calibration.camera import Camera
from calibration.file import CalibrationError

# A usual horizontal field of view of webcams and of the Pi's standard camera module, taken where a view
# from straight above hides the focal length. 20 % off costs about 1 mm at the ball centres.
NOMINAL_FIELD_DEG = 65.0


@dataclass(frozen=True)
class Intrinsics:
    """Focal lengths and principal point in pixels, distortion as OpenCV's (k1, k2, p1, p2, k3).

    The principal point and the picture's size may be unknown; the point is then the picture's centre.
    """

    fx: float
    fy: float
    cx: float | None = None
    cy: float | None = None
    distortion: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0)
    width_px: int | None = None
    height_px: int | None = None

    @classmethod
    def nominal(cls, width_px: int, height_px: int) -> "Intrinsics":
        """The lens taken where none is known: square pixels, centred, a usual field of view."""
        f = max(width_px, height_px) / 2 / math.tan(math.radians(NOMINAL_FIELD_DEG / 2))
        return cls(f, f, (width_px - 1) / 2, (height_px - 1) / 2, width_px=width_px, height_px=height_px)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Intrinsics":
        """From `{"fx", "fy", "cx"?, "cy"?, "distortion"?, "width"?, "height"?}`.

        Raises KeyError, TypeError or ValueError for data that is no lens.
        """
        fx, fy = float(data["fx"]), float(data["fy"])
        if not (math.isfinite(fx) and math.isfinite(fy) and fx > 0 and fy > 0):
            raise ValueError("fx and fy are above zero")
        distortion = tuple(float(v) for v in data.get("distortion", ()))
        if len(distortion) > 5 or not all(math.isfinite(v) for v in distortion):
            raise ValueError("distortion is up to five numbers: k1, k2, p1, p2, k3")
        return cls(
            fx,
            fy,
            None if data.get("cx") is None else float(data["cx"]),
            None if data.get("cy") is None else float(data["cy"]),
            distortion + (0.0,) * (5 - len(distortion)),
            None if data.get("width") is None else int(data["width"]),
            None if data.get("height") is None else int(data["height"]),
        )

    def for_picture(self, width_px: int, height_px: int) -> "Intrinsics":
        """The same lens for a picture of this size. Raises CalibrationError where the shape differs."""
        if self.width_px is None or self.height_px is None:
            factor = 1.0
        elif abs(self.width_px * height_px - self.height_px * width_px) > max(width_px, height_px):
            raise CalibrationError(
                f"the intrinsics are for pictures of {self.width_px}×{self.height_px}, these are "
                f"{width_px}×{height_px}: measure the lens in this camera setting"
            )
        else:
            factor = width_px / self.width_px
        cx = (width_px - 1) / 2 if self.cx is None else (self.cx + 0.5) * factor - 0.5
        cy = (height_px - 1) / 2 if self.cy is None else (self.cy + 0.5) * factor - 0.5
        if not (0 <= cx < width_px and 0 <= cy < height_px):
            raise CalibrationError(
                f"the intrinsics' principal point ({cx:.0f}, {cy:.0f}) lies outside the picture of "
                f"{width_px}×{height_px}: they belong to another camera or picture size"
            )
        return Intrinsics(self.fx * factor, self.fy * factor, cx, cy, self.distortion, width_px, height_px)

    def posed(self, rotation: Any, translation_in: Any, zoom: float = 1.0) -> Camera:
        """A camera with this lens (made for its picture), a 3×3 rotation and a translation in inches."""
        assert self.width_px is not None
        assert self.height_px is not None
        assert self.cx is not None
        assert self.cy is not None
        x, y, z = (float(v) for v in translation_in)
        return Camera(
            self.width_px,
            self.height_px,
            self.fx * zoom,
            self.fy * zoom,
            self.cx,
            self.cy,
            tuple((float(r[0]), float(r[1]), float(r[2])) for r in rotation),
            (x, y, z),
            self.distortion,
        )


def load_intrinsics(path: Path) -> Intrinsics:
    """Reads a lens file. Raises CalibrationError with what to do."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Intrinsics.from_json(data.get("camera", data))
    except OSError as error:
        raise CalibrationError(f"the intrinsics {path} can't be read: {error.strerror}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CalibrationError(
            f'{path} holds no intrinsics ({error}): write {{"fx": …, "fy": …, "cx": …, "cy": …, '
            '"distortion": [k1, k2, p1, p2, k3]}'
        ) from error
