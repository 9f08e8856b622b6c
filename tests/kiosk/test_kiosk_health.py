"""The health page, and health as programs ask for it: `/healthz` and `/metrics`."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fake_box import FakeBox
from flask import Flask
from flask.testing import FlaskClient
from health_scene import MadeUp
from prometheus_text import parse

from edge.hall.tables import own_table, require_own_table
from edge.health.check import SELDOM_S, Check, Finding, Scene, scene_of
from edge.health.machine import Machine
from edge.health.registry import CHECKS, all_checks
from edge.health.watch import HealthWatch
from edge.store.sync_state import count_unsent, keep_acked, own_lines
from kiosk.api import machine_metrics
from kiosk.api.prometheus import Metric, text
from kiosk.box import EXTENSION
from kiosk.counter.tables import _health
from kiosk.technician.health_page import health_page
from kiosk.texts import translator

T = translator()
PHONE = {"REMOTE_ADDR": "192.168.1.20"}
Show = Callable[..., None]


@pytest.fixture
def show(app: Flask, client: FlaskClient) -> Show:
    """Lets the kiosk's checks find this."""

    def find(**states: Finding) -> None:
        checks = [Check(name, lambda _, found=found: found) for name, found in states.items()]  # type: ignore[misc]
        watch = HealthWatch(lambda: scene_of(app.extensions[EXTENSION].paths), lambda: checks)
        app.extensions[EXTENSION] = replace(app.extensions[EXTENSION], health=watch)

    return find


FULL = Finding("bad", "Nothing is left on the disk.", "Delete old recordings.", "df -h")
WARM = Finding("warn", "The machine is at 78 °C.", "Give it air.")
FINE = Finding("ok", "ladder.db is there.")
DARK = Finding("unknown", "Nobody watches the table.")


def page(client: FlaskClient, address: str = "/health") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def order(html: str) -> list[str]:
    return re.findall(r'data-check="(\w+)"', html)


def test_the_page_shows_what_calls_first_with_what_to_do(client: FlaskClient, show: Show) -> None:
    show(store=FINE, camera=DARK, temperature=WARM, disk=FULL)
    html = page(client)
    assert order(html) == ["disk", "temperature", "camera", "store"]
    assert "Something must be done" in html
    for said in (
        "Disk space",
        "Act",
        "Nothing is left",
        "Delete old recordings.",
        "<code>df -h</code>",
        "Not known",
    ):
        assert said in html


@pytest.mark.parametrize(
    ("states", "verdict", "calling"),
    [
        ({"store": FINE, "camera": DARK}, "All is well", 0),
        ({"store": FINE, "temperature": WARM}, "Worth a look", 1),
        ({"disk": FULL, "temperature": WARM}, "Something must be done", 2),
        ({}, "All is well", 0),
    ],
)
def test_the_verdict_is_the_gravest_that_was_found(states: dict[str, Finding], verdict: str, calling: int) -> None:
    shown = health_page([replace(found, check=name) for name, found in states.items()], T)
    assert (shown.title, len(shown.calling)) == (verdict, calling)


def test_states_differ_by_shape_and_word_not_by_colour_alone() -> None:
    shown = health_page([replace(one, check="x") for one in (FULL, WARM, FINE, DARK)], T)
    rows = shown.calling + shown.quiet
    assert len({row.icon for row in rows}) == len({row.word for row in rows}) == 4


def test_a_check_of_a_room_above_is_shown_by_its_own_name(client: FlaskClient, show: Show) -> None:
    show(lag=FINE)
    assert "<h3>Lag</h3>" in page(client)


def test_every_check_of_ours_has_a_name_on_the_page() -> None:
    shown = health_page([replace(FINE, check=check.name) for check in all_checks()], T)
    assert [row.title for row in shown.quiet] == [T(f"health.name.{check.name}") for check in all_checks()]


def test_what_a_check_says_is_never_markup(client: FlaskClient, show: Show) -> None:
    show(disk=Finding("bad", "<script>alert(1)</script>", "<b>", "<i>"))
    html = page(client)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_the_page_asks_for_itself_again(client: FlaskClient, show: Show) -> None:
    show(disk=FULL)
    assert 'hx-get="/health/now"' in page(client)
    part = page(client, "/health/now")
    assert order(part) == ["disk"]
    assert "<html" not in part


def test_the_ways_to_it_are_for_those_who_may_see_it(client: FlaskClient) -> None:
    assert 'href="/health"' in page(client, "/condition")
    on_a_phone = client.get("/condition", environ_overrides=PHONE).get_data(as_text=True)
    assert 'href="/health"' not in on_a_phone
    assert client.get("/health", environ_overrides=PHONE).status_code in (302, 303)


def test_the_real_checks_are_on_the_page(client: FlaskClient, fake_box: FakeBox, app: Flask) -> None:
    fake_box.write_live()
    page(client)
    app.extensions[EXTENSION].health.settle()
    html = page(client)
    assert sorted(order(html)) == sorted(check.name for check in all_checks())
    assert "itself failed" not in html


def test_health_gives_what_is_bad_as_a_reason_and_nothing_else(
    client: FlaskClient, fake_box: FakeBox, show: Show
) -> None:
    fake_box.write_live()
    show(store=FINE, camera=DARK, temperature=WARM)
    assert client.get("/healthz").json == {"ok": True, "reasons": []}
    show(disk=FULL, temperature=WARM)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json == {"ok": False, "reasons": [{"code": "disk", "text": "Nothing is left on the disk."}]}


def test_one_cause_is_one_reason(client: FlaskClient, fake_box: FakeBox, show: Show) -> None:
    fake_box.write_live(status="no-camera", message="The cable is out.")
    fake_box.paths.store.unlink()
    show(store=replace(FULL, text="There is no store."), vision=FULL, camera=FULL)
    codes = [reason["code"] for reason in client.get("/healthz").json["reasons"]]  # type: ignore[index]
    assert codes == ["store", "no-camera"]


def test_asking_often_does_not_look_often(client: FlaskClient, app: Flask, fake_box: FakeBox) -> None:
    fake_box.write_live()
    looks: list[str] = []

    def counted(check: Check) -> Check:
        def look(scene: Scene) -> Finding:
            looks.append(check.name)
            return check.look(scene)

        return replace(check, look=look)

    box = app.extensions[EXTENSION]
    checks = [counted(check) for check in CHECKS]
    app.extensions[EXTENSION] = replace(
        box, health=HealthWatch(lambda: scene_of(box.paths, serving=True), lambda: checks, lambda: 0.0)
    )
    for _ in range(20):
        client.get("/healthz")
        client.get("/metrics")
        app.extensions[EXTENSION].health.settle()
    assert sorted(looks) == sorted(check.name for check in CHECKS)
    assert {check.name for check in CHECKS if check.every_s >= SELDOM_S} >= {"integrity", "writing"}


def test_staff_see_at_the_counter_that_the_box_needs_care(fake_box: FakeBox, show: Show, app: Flask) -> None:
    fake_box.write_live()
    show(disk=FULL)
    with fake_box.store.write() as conn:
        require_own_table(conn, "Table 1", "9ft", datetime.now(UTC))
    with fake_box.store.read() as conn:
        table = own_table(conn)
    assert table is not None
    with app.test_request_context("/"):
        told = _health(table)
    assert told is not None
    assert (told.state, told.text) == ("trouble", "The box needs care")


def test_metrics_are_what_a_scraper_takes(client: FlaskClient, fake_box: FakeBox, show: Show) -> None:
    fake_box.fill(2)
    fake_box.write_live()
    show(store=FINE, camera=DARK, temperature=WARM, disk=FULL)
    families = parse(client.get("/metrics").get_data(as_text=True))
    value = {name: family.samples.get(()) for name, family in families.items()}
    assert value["ladder_up"] == 0.0
    assert value["ladder_camera_fps"] == value["ladder_process_fps"] == 60.0
    assert value["ladder_skipped_fps"] == 0.0
    assert value["ladder_frame_ms_p50"] == 8.2
    assert value["ladder_frames_waiting"] == 1.0
    assert (value["ladder_shots_waiting"], value["ladder_shots_waiting_room"]) == (3.0, 10_000.0)
    assert value["ladder_shots_refused_total"] == 2.0
    assert families["ladder_shots_refused_total"].kind == "counter"
    assert value["ladder_database_bytes"] == fake_box.paths.store.stat().st_size
    assert value["ladder_database_schema_current"] == 1.0
    assert value["ladder_outbox_waiting"] == 2.0
    assert value["ladder_shots_unstored"] == 0.0
    assert 0 < (value["ladder_disk_free_bytes"] or 0) <= (value["ladder_disk_total_bytes"] or 0)
    assert families["ladder_health"].samples == {
        (("check", "store"),): 0.0,
        (("check", "temperature"),): 1.0,
        (("check", "disk"),): 2.0,
    }


def test_metrics_of_a_box_without_store_and_vision_are_still_told(client: FlaskClient, fake_box: FakeBox) -> None:
    fake_box.paths.store.unlink()
    families = parse(client.get("/metrics").get_data(as_text=True))
    assert families["ladder_up"].samples == {(): 0.0}
    assert families["ladder_database_bytes"].samples == {(): 0.0}
    assert families["ladder_database_schema_current"].samples == {(): 0.0}
    assert not {"ladder_outbox_waiting", "ladder_shots_total", "ladder_camera_fps"} & families.keys()


def test_metrics_of_the_machine(app: Flask, fake_box: FakeBox, tmp_path: Path) -> None:
    made_up = MadeUp(tmp_path / "machine")
    made_up.runs(10, 3600, "ladder", "vision", "--data", str(fake_box.paths.data))
    made_up.runs(11, 60, "ladder", "kiosk", "--data", str(fake_box.paths.data))
    box = app.extensions[EXTENSION]
    families = parse(text(machine_metrics.of_machine(box, made_up.machine)))
    assert families["ladder_temperature_celsius"].samples == {(): 51.0}
    assert families["ladder_memory_available_bytes"].samples == {(): 2_048_000_000.0}
    assert families["ladder_service_uptime_seconds"].samples == {
        (("service", "vision"),): 3600.0,
        (("service", "kiosk"),): 60.0,
    }
    silent = text(machine_metrics.of_machine(box, Machine(tmp_path / "nothing", lambda _: None)))
    assert parse(silent).keys() == {"ladder_disk_free_bytes", "ladder_disk_total_bytes"}


@pytest.mark.parametrize(("acked", "waiting"), [(0, 5.0), (2, 3.0), (3, 2.0), (5, 0.0)])
def test_what_is_acknowledged_does_not_wait(app: Flask, fake_box: FakeBox, acked: int, waiting: float) -> None:
    fake_box.fill(5)
    with fake_box.store.write() as conn:
        own_lines(conn)
        keep_acked(conn, conn.execute("SELECT epoch FROM identity").fetchone()[0], acked)
        conn.execute("DELETE FROM outbox WHERE seq <= ?", [min(2, acked)])
        assert count_unsent(conn) == waiting
    families = parse(text(machine_metrics.of_store(app.extensions[EXTENSION], [])))
    assert families["ladder_outbox_waiting"].samples == {(): waiting}


def test_numbers_and_words_are_written_as_the_format_wants_them() -> None:
    odd = Metric("odd", 'a "b" \\ c\nd', {'say "no" \\\n': 0.1 + 0.2, "bytes": 123_456_789_012.0}, label="which")
    (family,) = parse(text([odd, Metric("nothing", "None known", None)])).values()
    assert family.samples == {(("which", 'say "no" \\\n'),): 0.3, (("which", "bytes"),): 123_456_789_012.0}
    assert family.help == 'a "b" \\\\ c\\nd'
