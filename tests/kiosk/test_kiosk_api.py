"""The API: health with reasons, metrics, the live state, shots, and a description that is true."""

import json
import re
from urllib.parse import quote

import pytest
from fake_box import FakeBox
from flask import Flask
from flask.testing import FlaskClient

from vision.model import shot_from_json, shot_to_json


def test_health_is_well_while_the_table_is_live(client: FlaskClient, fake_box: FakeBox) -> None:
    fake_box.write_live()
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json == {"ok": True, "reasons": []}


def test_health_names_every_reason(client: FlaskClient, fake_box: FakeBox) -> None:
    fake_box.write_live(status="no-camera", message="The cable is out.")
    fake_box.paths.store.unlink()
    answer = client.get("/healthz")
    assert answer.status_code == 503
    reasons = {r["code"]: r["text"] for r in answer.json["reasons"]}  # type: ignore[index]
    assert reasons["no-camera"] == "The cable is out."
    assert "ladder migrate" in reasons["store"]


def test_health_without_a_live_state_is_starting(client: FlaskClient) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert [r["code"] for r in answer.json["reasons"]] == ["starting"]  # type: ignore[index]


def test_metrics_are_prometheus_text(client: FlaskClient, fake_box: FakeBox) -> None:
    fake_box.fill(2)
    fake_box.write_live()
    answer = client.get("/metrics")
    assert answer.mimetype == "text/plain"
    lines = answer.get_data(as_text=True).splitlines()
    values = dict(line.split(" ") for line in lines if not line.startswith("#"))
    assert values["ladder_up"] == "1"
    assert values["ladder_shots_total"] == "2"
    assert values["ladder_camera_fps"] == values["ladder_process_fps"] == "60"
    assert values["ladder_frames_dropped_by_sensor_total"] == "0"
    assert values["ladder_frames_waiting"] == "1"
    assert all(re.fullmatch(r'[a-z_0-9]+({[a-z]+="[a-z]+"})?', name) for name in values)


def test_live_is_the_state_or_none(client: FlaskClient, fake_box: FakeBox) -> None:
    assert client.get("/api/live").json["state"] is None  # type: ignore[index]
    fake_box.write_live()
    live = client.get("/api/live").json
    assert live is not None
    assert live["status"] == "live"
    assert live["state"]["balls"]


def test_shots_come_in_pages_and_whole(client: FlaskClient, fake_box: FakeBox) -> None:
    stored = [shot.id for shot in reversed(fake_box.fill(5))]
    first = client.get("/api/shots?limit=3").json
    assert first is not None
    second = client.get(f"/api/shots?limit=3&before={quote(first['next'], safe='')}").json
    assert second is not None
    assert [s["id"] for s in first["shots"] + second["shots"]] == stored
    assert second["next"] is None
    one = client.get(f"/api/shots/{quote(stored[0], safe='')}").json
    assert one == first["shots"][0]
    assert one["ball_set"] == "american"
    extra = ("played_at", "source_id", "ball_set", "table")
    bare = {key: value for key, value in first["shots"][0].items() if key not in extra}
    assert shot_to_json(shot_from_json(bare)) == bare


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=-1"])
def test_a_bad_limit_is_refused(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/api/shots?{query}")
    assert answer.status_code == 400
    assert answer.json is not None


def test_before_a_shot_that_is_not_there_is_nothing(client: FlaskClient, fake_box: FakeBox) -> None:
    fake_box.fill(2)
    answer = client.get("/api/shots?before=" + "x" * 3000)
    assert answer.json == {"shots": [], "next": None}


def test_the_camera_picture(client: FlaskClient, fake_box: FakeBox) -> None:
    assert client.get("/live.jpg").status_code == 404
    fake_box.paths.live_jpg.write_bytes(b"\xff\xd8picture")
    answer = client.get("/live.jpg")
    assert answer.data == b"\xff\xd8picture"
    assert answer.mimetype == "image/jpeg"
    answer.close()


def test_the_description_is_true(app: Flask, client: FlaskClient) -> None:
    described = client.get("/api/openapi.json").json
    assert described is not None
    rules = {
        (re.sub(r"<(?:\w+:)?(\w+)>", lambda part: "{month}" if part[1] == "month" else "{id}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.") or rule.endpoint == "counter_enter.check"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert rules == {(path, method.upper()) for path, told in described["paths"].items() for method in told}


def test_what_the_description_refers_to_is_there(client: FlaskClient) -> None:
    described = client.get("/api/openapi.json").json
    assert described is not None
    named = {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    assert set(re.findall(r'"\$ref": ?"([^"]+)"', json.dumps(described))) == named
    for path, told in described["paths"].items():
        for operation in told.values():
            parts = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert parts == set(re.findall(r"{(\w+)}", path))
