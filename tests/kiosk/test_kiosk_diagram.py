"""Drawings: well-formed, true to the table's places, safe whatever the names are."""

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from calibration.table import STANDARD_TABLES
from kiosk.balls_svg import ball_icon, ball_set, sprite, symbol_id
from kiosk.diagram import moved_balls, paths_svg, position_at, shot_svg, simplified
from kiosk.replay import replay_data
from kiosk.table_svg import table_svg
from vision.balls import ball_sets
from vision.model import Contact, Cushion, FirstContact, Pot, Shot

NINE_FOOT = STANDARD_TABLES["9ft"]
AMERICAN = ball_set("american")
SVG = "{http://www.w3.org/2000/svg}"

SHOT = Shot(
    "s",
    10.0,
    "make",
    False,
    potted=(Pot("3", "solid", "corner-L-W", (0.0, 0.0), 12.0, 0.9),),
    first_contact=FirstContact("3", 11.0, (60.0, 25.0), (61.5, 26.5)),
    cushions=(Cushion("cue", "left", 11.5),),
    contacts=(Contact("cue", "3", 11.0), Contact("cue", "8", 12.0), Contact("5", "6", 12.0)),
    layout_start={"cue": (25.0, 25.0), "3": (61.5, 26.5), "8": (50.0, 10.0)},
    layout_end={"cue": (70.0, 30.0), "8": (50.0, 10.0)},
    paths_in={
        "cue": ((10.0, 25.0, 25.0), (11.0, 60.0, 25.0), (11.5, 65.0, 49.0), (12.5, 70.0, 30.0)),
        "3": ((11.0, 61.5, 26.5), (12.0, 100.8, 50.8)),
        "8": ((10.0, 50.0, 10.0), (12.5, 50.1, 10.0)),
    },
)


def tree(svg: Any) -> ElementTree.Element:
    return ElementTree.fromstring(str(svg))


@pytest.mark.parametrize("name", STANDARD_TABLES)
def test_every_table_is_drawn_with_six_pockets(name: str) -> None:
    drawing = tree(table_svg(STANDARD_TABLES[name], "/nap.webp?a=1&b=2"))
    holes = [c for c in drawing.iter(f"{SVG}circle") if c.get("fill") == "url(#hole)"]
    assert len(holes) == 6


def test_y_points_up_and_the_head_is_left() -> None:
    drawing = tree(shot_svg(SHOT, NINE_FOOT, AMERICAN, "t"))
    rings = [c for c in drawing.iter(f"{SVG}circle") if c.get("data-pocket") == "corner-L-W"]
    assert [(r.get("cx"), r.get("cy")) for r in rings] == [("100.8", "-0.8")]


def test_a_card_draws_the_ways_of_what_moved() -> None:
    drawing = tree(shot_svg(SHOT, NINE_FOOT, AMERICAN, "t"))
    ways = {p.get("data-way"): p.get("d") for p in drawing.iter(f"{SVG}path") if p.get("data-way")}
    assert ways == {"3": "M61.5 23.5L100.8 -0.8", "cue": "M25 25L60 25L65 1L70 20"}
    assert moved_balls(SHOT) == ["3", "cue"]


def test_the_large_view_marks_contact_cushion_and_rest() -> None:
    drawing = tree(paths_svg(SHOT, NINE_FOOT, AMERICAN))
    circles = list(drawing.iter(f"{SVG}circle"))
    assert [c.get("cx") for c in circles if c.get("data-ghost") == "cue"] == ["60"]
    assert [(c.get("cx"), c.get("cy")) for c in circles if c.get("data-cushion") == "left"] == [("65", "1")]
    # The second ball it met: half way between them. Where two unknown balls met is not known.
    met = [(c.get("data-contact"), c.get("cx"), c.get("cy")) for c in circles if c.get("data-contact")]
    assert met == [("8", "58.79", "25.25")]


def test_a_shot_of_which_nothing_is_known_is_an_empty_table() -> None:
    bare = Shot("s", 0.0, "unknown", False)
    for drawing in (shot_svg(bare, NINE_FOOT, AMERICAN, "t"), paths_svg(bare, NINE_FOOT, AMERICAN)):
        assert not [p for p in tree(drawing).iter() if p.get("data-way")]
    assert replay_data(bare, NINE_FOOT)["paths"] == {}


def test_names_and_titles_are_escaped() -> None:
    evil = '"/><script>&'
    shot = replace(SHOT, layout_start={evil: (1.0, 2.0)}, paths_in={evil: ((0.0, 1.0, 2.0), (1.0, 30.0, 2.0))})
    for drawing in (shot_svg(shot, NINE_FOOT, AMERICAN, evil), paths_svg(shot, NINE_FOOT, AMERICAN)):
        ways = [p.get("data-way") for p in tree(drawing).iter(f"{SVG}path")]
        assert evil in ways
    assert tree(ball_icon(evil, AMERICAN, evil)).get("aria-label") == evil


@pytest.mark.parametrize("name", ball_sets())
def test_every_ball_of_every_set_has_a_symbol(name: str) -> None:
    symbols = {s.get("id") for s in tree(sprite(ball_set(name))).iter(f"{SVG}symbol")}
    balls = [b.name for b in ball_sets()[name].balls] + ["solid?", "stripe?", "ball-4"]
    assert {symbol_id(ball) for ball in balls} <= symbols
    assert symbol_id("ball-4") == "ball-unknown"


def test_reds_share_a_symbol() -> None:
    assert symbol_id("red-11") == symbol_id("red")


def test_simplified_keeps_corners_and_ends() -> None:
    straight = [(t, 10.0 * t, 5.0) for t in range(20)]
    assert simplified(straight, 0.1) == [(0.0, 5.0), (190.0, 5.0)]
    corner = [*straight, (20.0, 190.0, 40.0)]
    assert simplified(corner, 0.1) == [(0.0, 5.0), (190.0, 5.0), (190.0, 40.0)]
    assert simplified([], 0.1) == []


def test_position_between_two_moments() -> None:
    path = SHOT.paths_in["cue"]
    assert position_at(path, 10.5) == (42.5, 25.0)
    assert position_at(path, 10.0) == (25.0, 25.0)
    assert position_at(path, 9.0) is None
    assert position_at((), 1.0) is None


def test_a_replay_begins_at_zero_and_ends_where_the_shot_did() -> None:
    data = replay_data(replace(SHOT, end_s=13.0), NINE_FOOT)
    assert data["duration_s"] == 3.0
    assert data["potted"] == {"3": 2.0}
    assert data["paths"]["cue"][0] == [0.0, 25.0, 25.0]
    long = tuple((10 + i / 240, 25.0 + i / 100, 25.0) for i in range(5000))
    thinned = replay_data(replace(SHOT, paths_in={"cue": long}), NINE_FOOT)["paths"]["cue"]
    assert len(thinned) <= 402
    assert thinned[-1][1] == round(long[-1][1], 2)
