"""ArUco markers on the rails: the layout file, the dictionary, and their corners in pictures."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.file import CalibrationError
from calibration.intrinsics import Intrinsics
from calibration.table import MM_PER_IN, Table

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]

LAYOUT_SCHEMA = 1
# The Collins–Bartoli pose and three centres are the least that fixes a camera whose lens is known.
LEAST_MARKERS = 3

_EXTENDED = re.compile(r"extendDictionary\(\s*(\d+)\s*,\s*(\d+)\s*\)(?:\D*seed\D*(\d+))?", re.IGNORECASE)


@dataclass(frozen=True)
class Marker:
    """One marker: its centre in table inches and the side of its black square."""

    id: int
    centre_in: tuple[float, float, float]
    side_in: float


@dataclass(frozen=True)
class MarkerLayout:
    """Which markers are stuck where. How each is turned in its plane is not needed: it shows in the picture.

    Where `centred`, the centres count from the table's centre and `on_table` brings them to its corner.
    """

    dictionary: Any
    markers: tuple[Marker, ...]
    table: Table | None = None
    centred: bool = False
    intrinsics: Intrinsics | None = None

    def on_table(self, table: Table) -> "tuple[Marker, ...]":
        """The markers with centres counted from the table's origin corner, in inches."""
        shift = (table.length_in / 2, table.width_in / 2) if self.centred else (0.0, 0.0)
        return tuple(
            Marker(m.id, (m.centre_in[0] + shift[0], m.centre_in[1] + shift[1], m.centre_in[2]), m.side_in)
            for m in self.markers
        )


def aruco_dictionary(text_or_data: str | dict[str, Any]) -> Any:
    """OpenCV's dictionary for a description.

    A predefined name (`DICT_4X4_50` or `4X4_50`), `extendDictionary(n, size), seed s`, the same as
    `{"count": n, "bits": size, "seed": s}`, or the markers' own bits, 1 being white, as
    `{"patterns": [["101", "010", "110"], …]}`. Raises ValueError for anything else.
    """
    if isinstance(text_or_data, dict):
        return _described_dictionary(text_or_data)
    extended = _EXTENDED.search(text_or_data)
    if extended:
        return _extended(int(extended[1]), int(extended[2]), int(extended[3] or 0))
    name = text_or_data.strip().rpartition(".")[2].upper()
    name = name if name.startswith("DICT_") else f"DICT_{name}"
    number = getattr(cv2.aruco, name, None)
    if not isinstance(number, int):
        raise ValueError(f"no ArUco dictionary is called {text_or_data!r}")  # noqa: TRY004
    return cv2.aruco.getPredefinedDictionary(number)


def _extended(count: int, bits: int, seed: int) -> Any:
    if not (1 <= count <= 1000 and 3 <= bits <= 8):
        raise ValueError("a custom dictionary has 1 to 1000 markers of 3 to 8 bits a side")
    return cv2.aruco.extendDictionary(count, bits, cv2.aruco.Dictionary(), seed)


def _described_dictionary(data: dict[str, Any]) -> Any:
    if "patterns" not in data:
        return _extended(int(data["count"]), int(data["bits"]), int(data.get("seed", 0)))
    patterns = [np.array([[int(b) for b in row] for row in p], dtype=np.uint8) for p in data["patterns"]]
    side = len(patterns[0])
    if any(p.shape != (side, side) for p in patterns) or not 3 <= side <= 8:
        raise ValueError("every pattern is a square of 3 to 8 rows of 0 and 1")
    rows = np.concatenate([cv2.aruco.Dictionary.getByteListFromBits(p) for p in patterns])
    return cv2.aruco.Dictionary(rows, side, max(0, _least_distance(patterns) - 1) // 2)


def _least_distance(patterns: Sequence[NDArray[np.uint8]]) -> int:
    """In how many bits the two most alike patterns differ, however they are turned."""
    turns = [
        int(np.count_nonzero(a != np.rot90(b, k)))
        for i, a in enumerate(patterns)
        for j, b in enumerate(patterns[: i + 1])
        for k in range(4)
        if i != j or k
    ]
    return min(turns)


def load_layout(path: Path) -> MarkerLayout:
    """Reads a layout file, in inches from the origin corner or in millimetres from the table's centre.

    Raises CalibrationError with what to do.
    """
    try:
        return parse_layout(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise CalibrationError(f"the marker layout {path} can't be read: {error.strerror}") from error
    except (AttributeError, KeyError, TypeError, ValueError, IndexError, cv2.error) as error:
        raise CalibrationError(
            f"{path} is no marker layout ({error}): `ladder markers` writes one to start from"
        ) from error


def parse_layout(data: dict[str, Any]) -> MarkerLayout:
    """A layout from JSON data. Raises KeyError, TypeError or ValueError for data that is none."""
    dictionary = aruco_dictionary(data["dictionary"])
    centred = "centres_mm" in data
    if centred:
        side = float(data["black_side_mm"]) / MM_PER_IN
        markers = [_marker(key, np.array(c, float) / MM_PER_IN, side) for key, c in data["centres_mm"].items()]
    else:
        if data.get("schema", LAYOUT_SCHEMA) != LAYOUT_SCHEMA:
            raise ValueError(f"schema {data['schema']}, this program reads {LAYOUT_SCHEMA}")
        markers = [
            _marker(k, np.array(m["centre_in"], float), float(m["side_in"])) for k, m in data["markers"].items()
        ]
    known = len(dictionary.bytesList)
    strange = [m.id for m in markers if not 0 <= m.id < known]
    if strange:
        raise ValueError(f"the dictionary has ids 0 to {known - 1}, not {strange[0]}")
    return MarkerLayout(
        dictionary,
        tuple(markers),
        Table(**data["table"]) if data.get("table") else None,
        centred,
        Intrinsics.from_json(data["camera"]) if data.get("camera") else None,
    )


def _marker(key: str, centre_in: Array, side_in: float) -> Marker:
    if centre_in.shape != (3,) or not np.all(np.isfinite(centre_in)):
        raise ValueError(f"marker {key} needs a centre of three numbers")
    if not 0.2 <= side_in <= 12:
        raise ValueError(f"marker {key} has a black side of {side_in:.2f} in; between 0.2 and 12 in")
    return Marker(int(key), (float(centre_in[0]), float(centre_in[1]), float(centre_in[2])), side_in)


@dataclass(frozen=True)
class Sightings:
    """The corners of markers in the pictures, id → shape (4, 2), the median over the pictures that show it.

    `spread_px` is how much a marker wandered from picture to picture, the worst of them.
    """

    corners_px: dict[int, Array]
    spread_px: float


def detector(dictionary: Any) -> Any:
    """OpenCV's detector with corners to sub-pixel: each side fitted to the marker's own contour."""
    parameters = cv2.aruco.DetectorParameters()
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    parameters.cornerRefinementWinSize = 4
    parameters.cornerRefinementMaxIterations = 60
    parameters.cornerRefinementMinAccuracy = 0.005
    parameters.minMarkerPerimeterRate = 0.015
    return cv2.aruco.ArucoDetector(dictionary, parameters)


def find_markers(pictures: Sequence[Picture], layout: MarkerLayout) -> Sightings:
    """Looks for the layout's markers in every picture, BGR of shape (h, w, 3).

    Raises CalibrationError naming the ids that were seen when fewer than three of the layout's are found.
    """
    wanted = {m.id for m in layout.markers}
    look = detector(layout.dictionary)
    seen: dict[int, list[Array]] = {}
    for picture in pictures:
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        corners, ids, _ = look.detectMarkers(grey)
        for id_, quad in zip([] if ids is None else ids.ravel(), corners, strict=True):
            seen.setdefault(int(id_), []).append(np.asarray(quad, dtype=np.float64).reshape(4, 2))
    found = {id_: _consistent(quads) for id_, quads in seen.items() if id_ in wanted}
    if len(found) < LEAST_MARKERS:
        ids_text = ", ".join(str(i) for i in sorted(found)) or "none"
        raise CalibrationError(
            f"only {len(found)} of the layout's {len(wanted)} markers found (ids seen: {ids_text}); at least "
            f"{LEAST_MARKERS} are needed: uncover them, light them, check the dictionary, or use --corners"
        )
    spread = max(float(np.sqrt(np.mean(np.var(quads, axis=0).sum(axis=-1)))) for quads in found.values())
    return Sightings({id_: np.median(quads, axis=0) for id_, quads in found.items()}, spread)


def _consistent(quads: list[Array]) -> Array:
    """The sightings of one marker without impostors: those whose centre is near the median one."""
    stack = np.stack(quads)
    centres = stack.mean(axis=1)
    off = np.linalg.norm(centres - np.median(centres, axis=0), axis=1)
    side = math.sqrt(abs(float(np.median([cv2.contourArea(q.astype(np.float32)) for q in quads]))))
    kept = stack[off <= side]
    return kept if len(kept) else stack[:1]


def centre_px(corners_px: Array) -> Array:
    """The picture of a marker's centre, shape (2,): where the diagonals of its corners (4, 2) meet."""
    a, b, c, d = (np.append(p, 1.0) for p in corners_px)
    meet = np.cross(np.cross(a, c), np.cross(b, d))
    result: Array = meet[:2] / meet[2]
    return result


def corners_in(marker: Marker, turn_rad: float) -> Array:
    """A marker's corners in table inches, shape (4, 3), in OpenCV's order (clockwise from its top left)."""
    h = marker.side_in / 2
    flat = np.array([[-h, h], [h, h], [h, -h], [-h, -h]])
    c, s = math.cos(turn_rad), math.sin(turn_rad)
    turned = flat @ np.array([[c, s], [-s, c]])
    placed: Array = np.column_stack([turned, np.zeros(4)]) + np.array(marker.centre_in)
    return placed
