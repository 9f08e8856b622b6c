"""What the shot's page needs to play it again: times and places, nothing of its looks."""

from typing import Any

from calibration.table import Table
from kiosk.table_svg import MARGIN_IN
from vision.model import Shot

HOLD_S = 0.4  # the balls rest this long before the first moves
MAX_POINTS = 400  # of one ball; more than a screen can show


def table_data(table: Table) -> dict[str, float]:
    """What places a ball on the drawing."""
    return {
        "length_in": table.length_in,
        "width_in": table.width_in,
        "ball_diameter_in": table.ball_diameter_in,
        "margin_in": MARGIN_IN,
    }


def replay_data(shot: Shot, table: Table) -> dict[str, Any]:
    """The shot as the player of replays reads it; times begin with the shot."""
    paths = {
        ball: [[round(t - shot.start_s, 3), round(x, 2), round(y, 2)] for t, x, y in _thinned(path)]
        for ball, path in shot.paths_in.items()
        if path
    }
    ends = [path[-1][0] for path in paths.values()]
    if shot.end_s is not None:
        ends.append(shot.end_s - shot.start_s)
    return {
        "table": table_data(table),
        "duration_s": round(max([0.0, *ends]), 3),
        "layout": {ball: [round(x, 2), round(y, 2)] for ball, (x, y) in shot.layout_start.items()},
        "paths": paths,
        "potted": {pot.ball: round(pot.t_s - shot.start_s, 3) for pot in shot.potted},
    }


def _thinned(path: tuple[tuple[float, float, float], ...]) -> list[tuple[float, float, float]]:
    step = max(1, -(-len(path) // MAX_POINTS))
    thin = list(path[::step])
    return thin if thin[-1] == path[-1] else [*thin, path[-1]]
