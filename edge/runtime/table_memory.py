"""What the box knows of its tables, kept across restarts: `table-feel.json`, which docs/files.md describes.

A feel belongs to one table: to the place its pictures come from, to its size, and to where it lies in them. So
what a trial with another camera or another size learns stands beside it and never in its stead.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calibration.file import Calibration
from calibration.whole_file import replace_file
from edge.clock import now_stamp
from vision.feel import USUAL, Feel, feel_from_json

SCHEMA = 1
# A camera set up again over the same table sees a nose corner no further from where it was: as a share of the
# picture. Found anew without markers it is off by an inch, which is a hundredth.
_SAME_PLACE = 0.03
_SAME_SIZE_IN = 0.5
_MOST_TABLES = 8

Corners = tuple[tuple[float, float], ...]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seat:
    """One table before one camera: `corners` are its nose corners as shares of the picture, in the calibration's
    order, so that a table taken the other way round is another one: its rails have other names."""

    place: str
    length_in: float
    width_in: float
    ball_diameter_in: float
    corners: Corners

    def is_of(self, other: "Seat") -> bool:
        """Whether both are a table of one size before one camera, wherever it lies in the picture."""
        return self.place == other.place and (
            abs(self.length_in - other.length_in) <= _SAME_SIZE_IN
            and abs(self.width_in - other.width_in) <= _SAME_SIZE_IN
            and abs(self.ball_diameter_in - other.ball_diameter_in) <= 0.02
        )

    def lies_as(self, other: "Seat") -> bool:
        """Whether both lie at the same place in the picture."""
        return bool(np.abs(np.subtract(self.corners, other.corners)).max() <= _SAME_PLACE)


def seat_of(place: str, calibration: Calibration) -> Seat:
    """The table of a calibration, seen from a place."""
    table, camera = calibration.table, calibration.camera
    shares = calibration.corners_px / (camera.width_px, camera.height_px)
    corners = tuple((round(float(u), 4), round(float(v), 4)) for u, v in shares)
    return Seat(place, table.length_in, table.width_in, table.ball_diameter_in, corners)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one table, and when it last learnt."""

    seat: Seat
    feel: Feel
    saved_at: str


class TableMemory:
    """The feels of a box's tables. `note` costs nothing and is for the thread that sees; `save` is for one that
    may wait for the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: tuple[Known, ...] = _read(path)
        self._failing = False

    def feel(self, seat: Seat) -> Feel:
        """What is known of this table; the usual feel where that is nothing."""
        known = next((k for k in self._known if k.seat.is_of(seat)), None)
        if known is None:
            others = [k.seat for k in self._known if k.seat.place == seat.place]
            if others:
                log.warning(
                    "%s shows a table of %.0f × %.0f in, known is one of %.0f × %.0f in: it is learnt anew",
                    seat.place, seat.length_in, seat.width_in, others[0].length_in, others[0].width_in,
                )  # fmt: skip
            return USUAL
        if not known.seat.lies_as(seat):
            log.warning(
                "%s shows the table at another place in the picture, or the other way round, than when %d shots "
                "told of its cloth and rails: it is learnt anew",
                seat.place, known.feel.shots,
            )  # fmt: skip
            return USUAL
        log.info("%d shots told of this table's cloth and rails before", known.feel.shots)
        return known.feel

    def note(self, seat: Seat, feel: Feel) -> None:
        """Takes over what is known of a table from now on."""
        others = [k for k in self._known if not k.seat.is_of(seat)]
        self._known = (Known(seat, feel, now_stamp()), *others)[:_MOST_TABLES]

    def save(self) -> None:
        """Writes the file. Where that fails it is said, once, and the next shot tries again."""
        try:
            replace_file(self._path, _document(self._known), durable=True)
        except OSError as error:
            if not self._failing:
                log.warning("%s can't be written, so a restart forgets the table: %s", self._path, error)
            self._failing = True
        else:
            self._failing = False


def _document(known: Sequence[Known]) -> bytes:
    tables = [
        {
            "place": k.seat.place,
            "table": {
                "length_in": k.seat.length_in,
                "width_in": k.seat.width_in,
                "ball_diameter_in": k.seat.ball_diameter_in,
            },
            "corners": [list(corner) for corner in k.seat.corners],
            "saved_at": k.saved_at,
            "feel": k.feel.to_json(),
        }
        for k in known
    ]
    return (json.dumps({"schema": SCHEMA, "tables": tables}, indent=1) + "\n").encode()


def _read(path: Path) -> tuple[Known, ...]:
    """What a file holds; nothing, said in the log, when it is damaged."""
    try:
        return tuple(_known(entry) for entry in _tables(json.loads(path.read_bytes())))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s can't be read (%s): what was known of the table is learnt anew", path, error)
        return ()


def _tables(document: dict[str, Any]) -> list[dict[str, Any]]:
    if document["schema"] != SCHEMA:
        raise ValueError(f"schema {document['schema']}, this program reads {SCHEMA}")
    return list(document["tables"])


def _known(entry: dict[str, Any]) -> Known:
    size = {name: float(entry["table"][name]) for name in ("length_in", "width_in", "ball_diameter_in")}
    corners = np.asarray(entry["corners"], dtype=np.float64)
    if corners.shape != (4, 2) or not np.isfinite(corners).all():
        raise ValueError("a table has four corners")
    seat = Seat(str(entry["place"]), **size, corners=tuple((float(u), float(v)) for u, v in corners))
    return Known(seat, feel_from_json(entry["feel"]), str(entry["saved_at"]))
