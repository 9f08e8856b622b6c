"""What was tried, how hard it was, and where the cue ball should have stopped."""

import numpy as np
import pytest

from calibration.table import STANDARD_TABLES
from vision.aims import aims_at
from vision.difficulty import Stroke, chance, difficulty
from vision.evaluate.perfect import Sampler, overhead
from vision.facts import describe
from vision.leave import best_zone, circle, ease
from vision.model import Kind, Point
from vision.simulate.shotbook import ShotRecord, load_shot_book
from vision.simulate.truth import kind_of

TABLE = STANDARD_TABLES["9ft"]
BOOK = load_shot_book()


def said(shot: ShotRecord, seed: int = 0) -> Kind:
    sampler = Sampler(overhead(BOOK.table), 60.0, 0.02, np.random.default_rng(seed))
    return describe(sampler.facts(shot, 1.0123)).kind


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "least"),
    [
        ("break", 1.0),
        ("kick", 0.85),
        ("bank", 0.7),
        ("safety", 0.8),
        ("cut", 0.9),
        ("carom", 0.6),
        ("straight", 0.6),
    ],
)
def test_kinds_of_recorded_shots(kind: Kind, least: float) -> None:
    shots = [shot for shot in BOOK.shots if kind_of(shot) == kind][:20]
    assert shots
    right = [said(shot) == kind for shot in shots]
    assert np.mean(right) >= least, f"{sum(right)} of {len(right)}"


def test_an_aim_leads_over_the_ghost_ball_to_the_pocket() -> None:
    layout: dict[int, Point] = {0: (50.0, 25.0), 1: (80.0, 40.0)}
    aims = {(a.kind, a.pocket): a for a in aims_at(1, layout[0], layout, 0, TABLE)}
    straight = aims["pot", "corner-L-W"]
    assert straight.cut_deg < 20
    assert np.hypot(*(straight.ghost_in - np.array(layout[1]))) == pytest.approx(TABLE.ball_diameter_in)
    assert ("pot", "corner-0-0") not in aims  # that one lies behind the cue ball
    assert any(kind == "bank" for kind, _ in aims)
    blocked = layout | {2: (65.0, 32.5)}
    assert all(a.pocket != "corner-L-W" or a.kind == "bank" for a in aims_at(1, layout[0], blocked, 0, TABLE))


def test_longer_thinner_faster_shots_with_spin_are_harder() -> None:
    def aim(cue: Point, ball: Point) -> float:
        layout = {0: cue, 1: ball}
        options = [a for a in aims_at(1, cue, layout, 0, TABLE) if a.kind == "pot"]
        return min(difficulty(a, Stroke(), TABLE.ball_diameter_in) for a in options)

    near, far = aim((88.0, 41.0), (94.0, 45.5)), aim((20.0, 10.0), (50.0, 25.0))
    assert 0 <= near < 0.1
    assert 0.4 < far <= 1
    layout: dict[int, Point] = {0: (50.0, 25.0), 1: (80.0, 40.0)}
    plain = next(a for a in aims_at(1, layout[0], layout, 0, TABLE) if (a.kind, a.pocket) == ("pot", "corner-L-W"))
    easy = difficulty(plain, Stroke(3.0), TABLE.ball_diameter_in)
    assert difficulty(plain, Stroke(15.0), TABLE.ball_diameter_in) > easy
    assert difficulty(plain, Stroke(3.0, english=0.3), TABLE.ball_diameter_in) > easy
    assert difficulty(plain, Stroke(3.0, drawn=True), TABLE.ball_diameter_in) > easy


def test_a_chance_is_what_a_thousand_strokes_give() -> None:
    """The error of the cue's direction, carried over the ghost ball's geometry, against the formula."""
    rng = np.random.default_rng(3)
    layout: dict[int, Point] = {0: (40.0, 25.0), 1: (70.0, 36.0)}
    aim = next(a for a in aims_at(1, layout[0], layout, 0, TABLE) if (a.kind, a.pocket) == ("pot", "corner-L-W"))
    D = TABLE.ball_diameter_in
    to_ghost = aim.ghost_in - np.array(layout[0])
    made = 0
    for error in np.radians(rng.normal(0, 0.6, 4000)):
        c, s = np.cos(error), np.sin(error)
        way = np.array([c * to_ghost[0] - s * to_ghost[1], s * to_ghost[0] + c * to_ghost[1]]) / np.hypot(
            *to_ghost
        )
        to_ball = np.array(layout[1]) - np.array(layout[0])
        off = float(way[0] * to_ball[1] - way[1] * to_ball[0]) / D
        if abs(off) >= 1:
            continue
        line = np.sqrt(1 - off**2) * way + off * np.array([-way[1], way[0]])
        made += bool(np.degrees(np.arccos(min(1.0, float(line @ aim.direction)))) < aim.window_deg)
    assert made / 4000 == pytest.approx(chance(aim, Stroke(), D), abs=0.03)


def test_the_position_error_is_the_way_to_the_zone() -> None:
    zone = circle((50.0, 25.0), 6.0)
    assert zone.error_in((53.0, 25.0)) == 0.0
    assert zone.error_in((50.0, 40.0)) == pytest.approx(9.0)


def test_the_best_zone_is_where_the_next_ball_is_easy() -> None:
    layout: dict[int, Point] = {1: (85.0, 38.0), 2: (60.0, 30.0)}
    zone = best_zone(1, layout, None, TABLE)
    assert zone is not None
    inside = [ease(1, (float(x), float(y)), layout, None, TABLE) for x, y in zone.points_in]
    assert max(inside) < ease(1, (10.0, 10.0), layout, None, TABLE)
    assert zone.error_in((10.0, 10.0)) > 20
    buried = {1: (50.0, 25.0)} | {
        k + 2: (50 + 2.3 * np.cos(a), 25 + 2.3 * np.sin(a))
        for k, a in enumerate(np.linspace(0, 2 * np.pi, 6, endpoint=False))
    }
    assert best_zone(1, buried, None, TABLE) is None
