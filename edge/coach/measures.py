"""What a session's plays say of aim, cue-ball control and positional accuracy.

- *Aim*: of the attempts, the makes, against what their difficulty lets expect.
- *Cue-ball control*: of the strokes that potted a ball and have a stroke of the same visit after them to judge by,
  and of the scratches, the share that left a makeable ball.
- *Positional accuracy*: how easy the attempt was that followed a make in the same visit.

Difficulty is the chance of a miss, 0 to 1. Planned leaves do not exist yet; once they do, how far the cue ball
stopped from where it was meant to takes the third one's place.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from edge.clock import from_stamp
from edge.coach.score import BANDS, MEASURES, UNIT, UNKNOWN_BAND, Cell, Measure, Measured, Tally

# What `measure` reads of a play.
PLAY_COLUMNS = "player_id, played_at, result, scratch, kind, difficulty, rack, inning"
MAKEABLE = 0.5  # a ball that is missed no more often than this
# Whoever takes longer may have set the balls anew.
SAME_VISIT = timedelta(minutes=2)

Row = Mapping[str, Any]


def measure(rows: Sequence[Row], player_id: str) -> Measured:
    """What is measured of a player's own strokes in a session; rows are all its plays with `PLAY_COLUMNS`, in the
    order in which they were played."""
    cells = {one: [[0, 0, 0] for _ in range(BANDS)] for one in MEASURES}

    def add(what: Measure, difficulty: float | None, got: int, due: int = 0) -> None:
        cell = cells[what][band_of(difficulty)]
        cell[0] += 1
        cell[1] += got
        cell[2] += due

    last = len(rows) - 1
    for place, row in enumerate(rows):
        kind, result, difficulty = row["kind"], row["result"], row["difficulty"]
        if row["player_id"] != player_id or kind == "break":
            continue
        if kind != "safety" and result != "unknown":
            add("aim", difficulty, UNIT * (result == "make"), 0 if difficulty is None else ease(difficulty))
        if row["scratch"]:
            add("control", difficulty, 0)
        elif result == "make" and place < last and in_one_visit(row, rows[place + 1]):
            left = rows[place + 1]
            if left["kind"] == "safety":
                add("control", difficulty, 0)
            elif left["kind"] != "break" and left["difficulty"] is not None:
                add("control", difficulty, UNIT * (left["difficulty"] <= MAKEABLE))
                add("position", difficulty, ease(left["difficulty"]))
    return {one: Tally(tuple(Cell(*cell) for cell in cells[one])) for one in MEASURES}


def in_one_visit(row: Row, later: Row) -> bool:
    """Whether a stroke is the next of the same visit as that before it."""
    if any(row[name] != later[name] for name in ("player_id", "rack", "inning")):
        return False
    return from_stamp(later["played_at"]) - from_stamp(row["played_at"]) <= SAME_VISIT


def band_of(difficulty: float | None) -> int:
    """The quarter of difficulty, from 0 on; the last band is of those of which it is not known."""
    return UNKNOWN_BAND if difficulty is None else min(UNKNOWN_BAND - 1, max(0, int(difficulty * UNKNOWN_BAND)))


def ease(difficulty: float) -> int:
    """How likely a stroke is made, in thousandths."""
    return round(UNIT * (1 - min(1.0, max(0.0, difficulty))))
