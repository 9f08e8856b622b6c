"""The table's condition: its page and drawing, the chip on the live page, and its figures for Prometheus."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from fake_box import FakeBox, worn_table
from flask.testing import FlaskClient

from calibration.table import RAIL_NAMES, STANDARD_TABLES, RailName
from kiosk.live_state import Reading
from kiosk.technician.condition_svg import condition_svg, pace_svg
from kiosk.texts import translator
from vision.feel import USUAL, Estimate
from vision.live import Learnt
from vision.quality import Quality

SVG = "{http://www.w3.org/2000/svg}"
T = translator()
NINE_FOOT = STANDARD_TABLES["9ft"]
POOR = Quality(10, 1000, 300, 40, 1, 20, 0, 0, 9.0)


def page(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def show(box: Any, learnt: Learnt) -> None:
    box.learnt = learnt
    box.write_live()


def figure(html: str, name: str) -> str:
    """What stands under one of the page's labels, its markup taken off."""
    found = re.search(rf'<div class="{name}"><dt>[^<]*</dt><dd>(.*?)</dd>', html, re.DOTALL)
    assert found is not None
    return re.sub(r"<[^>]*>", " ", found[1]).strip()


def test_nobody_watches(client: FlaskClient) -> None:
    html = page(client, "/condition")
    assert "The table is not watched" in html
    assert "<dd>" not in html
    assert 'href="/"' in html


def test_before_the_first_shot_nothing_is_claimed(client: FlaskClient, fake_box: FakeBox) -> None:
    show(fake_box, Learnt())
    html = page(client, "/condition")
    assert "Still learning" in html
    assert "0 of 20" in html
    assert [figure(html, name) for name in ("cloth", "grip", "rails", "fall")] == ["–"] * 4
    assert "No shot has been seen yet." in html
    assert 'class="rim"' not in html


def test_a_table_in_order_says_so_with_its_figures(client: FlaskClient, fake_box: FakeBox) -> None:
    worn = worn_table()
    sound = replace(
        worn.feel, rails={name: Estimate(0.82, 0.012) for name in RAIL_NAMES}, tilt_x=Estimate(0, 1e-4)
    )
    show(fake_box, replace(worn, feel=sound))
    html = page(client, "/condition")
    assert "Nothing needs care" in html
    assert "<li>" not in html
    cloth = figure(html, "cloth")
    assert "Normal" in cloth
    assert "0.0124" in cloth
    assert "±\N{NO-BREAK SPACE}0.0002" in cloth
    assert "0.21" in figure(html, "grip")
    assert "±\N{NO-BREAK SPACE}0.004" in figure(html, "grip"), "never ± 0.00"
    assert figure(html, "lost") == "1 of 120"
    assert "99.5" in figure(html, "seen")
    assert "0.7" in figure(html, "scatter")
    assert figure(html, "learnt") == "340"


def test_what_needs_care_is_said_with_what_to_do(client: FlaskClient, fake_box: FakeBox) -> None:
    show(fake_box, replace(worn_table(), quality=POOR))
    html = page(client, "/condition")
    told = re.findall(r"<li>(.*?)</li>", html)
    assert len(told) == 3
    assert "left rail is dead" in told[0]
    assert "towards the head rail" in told[1]
    assert told[2].startswith("Moving balls are out of sight in 30 %")
    assert told[2].endswith(".")


def test_a_broken_state_or_one_of_another_version_is_none(client: FlaskClient, fake_box: FakeBox) -> None:
    fake_box.write_live()
    sound = json.loads(fake_box.paths.live_json.read_text())
    spoilt: list[dict[str, Any]] = [
        {"feel": None},
        {"feel": {"format": 9}},
        {"quality": []},
        {"quality": {"shots": "x"}},
        {"condition": 3, "feel": 4, "quality": 5},
        {"condition": {"warnings": "x"}, "feel": {}, "quality": {}},
    ]
    for parts in spoilt:
        fake_box.paths.live_json.write_text(json.dumps(sound | parts))
        assert "The table is not watched" in page(client, "/condition")
        assert page(client, "/")
        assert "ladder_table" not in client.get("/metrics").get_data(as_text=True)


CHIP = re.compile(r'<a class="button[^"]*care[^"]*" href="/condition".*?</a>', re.DOTALL)


@pytest.mark.parametrize(
    ("needing", "said"),
    [
        ((), None),
        (("table",), "Table needs care"),
        (("sight",), "Camera needs care"),
        (("table", "sight"), "Table and camera need care"),
    ],
)
def test_the_live_page_leads_there_and_says_when_something_needs_care(
    client: FlaskClient, fake_box: FakeBox, needing: tuple[str, ...], said: str | None
) -> None:
    worn = worn_table()
    feel, quality = worn.feel if "table" in needing else USUAL, POOR if "sight" in needing else worn.quality
    show(fake_box, Learnt(feel, quality))
    (chip,) = CHIP.findall(page(client, "/"))
    assert ("needed" in chip) == (said is not None)
    assert (said or 'aria-label="Table condition"') in chip


def test_the_stream_tells_when_care_is_needed_and_not_the_figures_with_every_ball(
    app: Any, fake_box: FakeBox
) -> None:
    hub = app.extensions["kiosk"].hub
    fake_box.write_live()
    hub.start()
    texts = hub.stream(None)
    _until(texts, "event: care", 'aria-label="Table condition"')
    show(fake_box, worn_table())
    told = _until(texts, "event: care", "Table needs care")
    assert "event: live" in told
    assert '"balls"' in told
    assert not any(f'"{name}":' in told for name in ("feel", "condition", "quality"))
    texts.close()


def _until(texts: Iterator[str], *wanted: str) -> str:
    """What comes up to the block with all of this; fails when the stream has nothing to say for seconds."""
    told = ""
    for text in texts:
        assert "event: beat" not in text, told
        told += text
        if any(all(part in block for part in wanted) for block in text.split("\n\n")):
            return told
    raise AssertionError("the stream ended")


def layer(feel: Any, table: Any = NINE_FOOT) -> ElementTree.Element:
    return ElementTree.fromstring(str(condition_svg(feel, table, T)))


def states(drawing: ElementTree.Element) -> dict[str | None, str]:
    return {
        g.get("data-rail"): str(g.get("class")).split()[1] for g in drawing.iter(f"{SVG}g") if g.get("data-rail")
    }


def test_each_rail_is_fine_dead_or_not_known_well() -> None:
    feel = worn_table().feel
    some: dict[RailName, Estimate] = {
        "head": Estimate(0.81, 0.012),
        "foot": Estimate(0.8, 0.06),
        "left": feel.rails["left"],
    }
    assert states(layer(feel)) == {"head": "fine", "foot": "fine", "right": "fine", "left": "needed"}
    known = states(layer(replace(feel, rails=some)))
    assert known == {"head": "fine", "foot": "unknown", "left": "fine", "right": "unknown"}
    assert set(states(layer(replace(feel, shots=5))).values()) == {"fine"}, "nothing is dead yet"


@pytest.mark.parametrize(
    ("along", "across", "direction"),
    [(0.0012, 0.0, (1, 0)), (-0.0012, 0.0, (-1, 0)), (0.0, 0.0012, (0, -1)), (0.009, -0.009, (0.7, 0.7))],
)
def test_the_arrow_points_where_balls_roll_off(
    along: float, across: float, direction: tuple[float, float]
) -> None:
    feel = replace(worn_table().feel, tilt_x=Estimate(along, 5e-5), tilt_y=Estimate(across, 5e-5))
    (tip,) = [p for p in layer(feel).iter(f"{SVG}polygon") if p.get("class") == "tip"]
    x, y = (float(v) for v in str(tip.get("points")).split()[0].split(","))
    size = (x * x + y * y) ** 0.5
    assert (x / size, y / size) == pytest.approx(direction, abs=0.02)
    assert size < 15, "it stays near its bull's eye"


def test_a_level_table_has_a_spot_and_no_arrow() -> None:
    feel = replace(worn_table().feel, tilt_x=Estimate(0.0001, 5e-5), tilt_y=Estimate(0.0, 5e-5))
    drawing = layer(feel)
    assert [p for p in drawing.iter(f"{SVG}polygon") if p.get("class") == "tip"] == []
    assert [c.get("cx") for c in drawing.iter(f"{SVG}circle") if c.get("class") == "spot"] == ["0.63"]


@pytest.mark.parametrize("name", STANDARD_TABLES)
def test_figures_lie_on_the_cloth_of_every_table(name: str) -> None:
    table = STANDARD_TABLES[name]
    drawing = layer(worn_table().feel, table)
    scale = table.length_in / 100
    for box in drawing.iter(f"{SVG}rect"):
        x, y, w, h = (scale * float(str(box.get(key))) for key in ("x", "y", "width", "height"))
        assert x > 0 < y
        assert x + w < table.length_in
        assert y + h < table.width_in


def test_a_faster_cloth_stands_further_right() -> None:
    def here(rolling: float) -> float:
        drawing = ElementTree.fromstring(str(pace_svg(Estimate(rolling, 0.0003))))
        return next(float(str(c.get("cx"))) for c in drawing.iter(f"{SVG}circle"))

    assert here(0.5) == 0 < here(0.012) < here(0.008) < here(0.001) == 100


def test_metrics_tell_of_the_table_and_of_the_eye(client: FlaskClient, fake_box: FakeBox) -> None:
    show(fake_box, worn_table())
    lines = client.get("/metrics").get_data(as_text=True).splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values["ladder_table_rolling_resistance"] == "0.0124"
    assert values["ladder_table_rolling_resistance_sd"] == "0.0002"
    assert values['ladder_table_rebound{rail="left"}'] == "0.68"
    assert values['ladder_table_rebound_sd{rail="left"}'] == "0.015"
    assert (values["ladder_table_slope_along"], values["ladder_table_slope_along_sd"]) == ("-0.0011", "5e-05")
    assert (values["ladder_table_shots"], values["ladder_sight_shots"]) == ("340", "48")
    assert values["ladder_sight_unseen_ratio"] == "0.005"
    assert (values["ladder_sight_lost_balls"], values["ladder_sight_moving_balls"]) == ("1", "120")
    assert values["ladder_sight_scatter_mm"] == "0.7"
    types = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(types) == len(set(types)), "a figure with labels is described once"


def test_metrics_claim_nothing_before_a_shot(client: FlaskClient, fake_box: FakeBox) -> None:
    fake_box.write_live()
    names = {line.split()[0] for line in client.get("/metrics").get_data(as_text=True).splitlines()}
    assert {n for n in names if n.startswith(("ladder_table", "ladder_sight"))} == {
        "ladder_table_shots",
        "ladder_sight_shots",
    }


def test_a_reading_without_a_state_needs_no_care() -> None:
    assert Reading().cares == ()
    assert Reading().learnt is None
