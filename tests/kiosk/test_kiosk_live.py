"""The stream: states as they come, every card once, no listener in another's way."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fake_box import FakeBox
from flask import Flask
from flask.testing import FlaskClient

from edge.clock import now_stamp
from edge.hall.occasion import occasion
from edge.hall.players import sign_up
from edge.hall.sitting import start_practice
from edge.store.shots import store_shot
from kiosk import live
from kiosk.box import EXTENSION
from kiosk.live import STORE_LOOK_S, Hub, event, event_id
from kiosk.live_state import LoadWatch, read_live

Event = dict[str, str]


@pytest.fixture
def hub(app: Flask) -> Hub:
    hub: Hub = app.extensions[EXTENSION].hub
    hub.start()
    return hub


class Listener:
    """Reads a stream event by event."""

    def __init__(self, hub: Hub, last_seen: str | None = None) -> None:
        self._texts = hub.stream(last_seen)
        self._events = self._parsed()

    def _parsed(self) -> Iterator[Event]:
        for text in self._texts:
            for block in text.split("\n\n"):
                fields: Event = {}
                for line in block.splitlines():
                    name, _, value = line.partition(": ")
                    fields[name] = fields[name] + "\n" + value if name in fields else value
                if fields.get("event") == "beat":
                    raise AssertionError("nothing came for seconds")
                if "event" in fields:
                    yield fields

    def until(self, name: str, wanted: Callable[[str], bool] = lambda _: True) -> Event:
        for found in self._events:
            if found["event"] == name and wanted(found.get("data", "")):
                return found
        raise AssertionError(f"the stream ended before {name}")

    def shots_until_state(self, box: Any, message: str) -> list[str]:
        """The ids of the cards that come before the state with this message, which is written now."""
        box.write_live(message=message)
        ids = []
        for found in self._events:
            if found["event"] == "shot":
                ids.append(found["id"])
            if found["event"] == "live" and json.loads(found["data"])["message"] == message:
                return ids
        raise AssertionError("the stream ended")

    def close(self) -> None:
        self._texts.close()  # type: ignore[attr-defined]


def ids(shots: list[Any]) -> list[str]:
    return [event_id(shot.id, str(shot.revision)) for shot in shots]


def test_states_are_delivered_with_their_balls(hub: Hub, fake_box: FakeBox) -> None:
    listener = Listener(hub)
    fake_box.write_live(message="first")
    state = json.loads(listener.until("live", lambda data: "first" in data)["data"])
    assert {b["ball"] for b in state["balls"]} == set(fake_box.pool.balls)
    fake_box.write_live(message="second")
    listener.until("live", lambda data: "second" in data)


def test_a_new_shot_comes_once_with_its_card_and_counts(hub: Hub, fake_box: FakeBox) -> None:
    fake_box.fill(3)
    newest = ids(fake_box.fill(1))[0]
    listener = Listener(hub, newest)
    listener.until("today", lambda html: "<dd>4</dd>" in html)
    _, shot = fake_box.shoot()
    fake_box.save(shot)
    found = listener.until("shot")
    assert found["id"] == event_id(shot.id, "1")
    assert f'data-shot="{shot.id}"' in found["data"]
    listener.until("today", lambda html: "<dd>5</dd>" in html)
    assert listener.shots_until_state(fake_box, "after") == []


def test_a_card_waits_until_it_is_known_what_the_shot_counted(
    hub: Hub, fake_box: FakeBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "BOOKED_WITHIN_S", 60.0)
    newest = fake_box.fill(1)[-1]
    listener = Listener(hub, ids([newest])[0])
    listener.until("today")
    with fake_box.store.write() as conn:
        player = sign_up(conn, "Ana", now_stamp())
        start_practice(conn, player.id, occasion(UTC, "Table 1"))
    _, shot = fake_box.shoot()
    with fake_box.store.write() as conn:
        store_shot(conn, shot, fake_box.source_id, datetime.now(UTC), "american")
    time.sleep(3 * STORE_LOOK_S)
    fake_box.books.book()
    found = listener.until("shot")
    assert f'data-shot="{shot.id}"' in found["data"]
    assert "Ana" in found["data"], "the first card that came says whose shot it was"


def test_a_card_comes_without_it_when_nobody_enters_the_shot(hub: Hub, fake_box: FakeBox) -> None:
    newest = fake_box.fill(1)[-1]
    listener = Listener(hub, ids([newest])[0])
    listener.until("today")
    _, shot = fake_box.shoot()
    with fake_box.store.write() as conn:
        store_shot(conn, shot, fake_box.source_id, datetime.now(UTC), "american")
    assert f'data-shot="{shot.id}"' in listener.until("shot")["data"]


def test_a_page_that_reconnects_gets_what_it_missed_and_no_more(hub: Hub, fake_box: FakeBox) -> None:
    shots = fake_box.fill(5)
    listener = Listener(hub, ids(shots)[2])
    assert listener.until("shot")["id"] == ids(shots)[3]
    assert listener.until("shot")["id"] == ids(shots)[4]
    assert listener.shots_until_state(fake_box, "after") == []


def test_a_page_that_knows_nothing_gets_the_latest(hub: Hub, fake_box: FakeBox) -> None:
    shots = fake_box.fill(20)
    listener = Listener(hub, "1@long-gone")
    assert listener.until("shot")["id"] == ids(shots)[-16]


def test_an_amended_shot_is_told_again_with_its_revision(hub: Hub, fake_box: FakeBox) -> None:
    from dataclasses import replace

    shots = fake_box.fill(2)
    listener = Listener(hub, ids(shots)[-1])
    listener.until("today")
    fake_box.save(replace(shots[0], revision=2, result="unknown"))
    found = listener.until("shot")
    assert found["id"] == event_id(shots[0].id, "2")
    assert 'data-version="2"' in found["data"]


def test_whose_shot_it_was_is_told_again_when_that_changes(hub: Hub, fake_box: FakeBox) -> None:
    from datetime import UTC, datetime

    from edge.clock import now_stamp
    from edge.hall.occasion import occasion
    from edge.hall.players import sign_up
    from edge.hall.sitting import leave_table, start_practice

    with fake_box.store.write() as conn:
        player = sign_up(conn, "Ana", now_stamp())
        start_practice(conn, player.id, occasion(UTC, "Table 1"))
    _, shot = fake_box.shoot()
    fake_box.save(shot)
    listener = Listener(hub)
    assert "Ana" in listener.until("shot")["data"]
    with fake_box.store.write() as conn:
        leave_table(conn, "Table 1", datetime.now(UTC), "player", datetime.now(UTC))
    assert "Ana" not in listener.until("shot")["data"]
    late = Listener(hub)
    assert "Ana" not in late.until("shot")["data"]
    assert late.shots_until_state(fake_box, "after") == []


def test_a_slow_listener_misses_states_but_no_card(hub: Hub, fake_box: FakeBox) -> None:
    slow = Listener(hub)
    slow.until("today")
    quick = Listener(hub)
    shots = []
    for i in range(30):
        fake_box.write_live(message=f"state {i}")
        quick.until("live", lambda data, i=i: f"state {i}" in data)  # type: ignore[misc]
        if i % 10 == 0:
            shots.append(fake_box.shoot()[1])
            fake_box.save(shots[-1])
            quick.until("shot")
    states = 0
    cards: list[str] = []
    while len(cards) < len(shots):
        found = next(slow._events)
        states += found["event"] == "live"
        if found["event"] == "shot":
            cards.append(found["id"])
    assert cards == ids(shots)
    assert states <= 3


def test_status_is_told_when_it_changes(hub: Hub, fake_box: FakeBox) -> None:
    listener = Listener(hub)
    listener.until("status", lambda html: "Starting" in html)
    fake_box.write_live(status="no-camera", message="The cable is out.")
    assert "The cable is out." in listener.until("notice", lambda html: "No camera" in html)["data"]
    fake_box.write_live()
    listener.until("status", lambda html: "Live" in html)


@pytest.mark.parametrize(
    ("name", "says"), [("dropped", "The box is busy"), ("dropped_by_sensor", "The camera skips")]
)
def test_lost_frames_are_said_by_whoever_loses_them(hub: Hub, fake_box: FakeBox, name: str, says: str) -> None:
    listener = Listener(hub)
    fake_box.write_live(message="before")
    listener.until("live", lambda data: "before" in data)
    setattr(fake_box, name, 100)
    fake_box.write_live(message="after")
    listener.until("status", lambda html: says in html)


def test_a_broken_live_file_is_survived(hub: Hub, fake_box: FakeBox) -> None:
    listener = Listener(hub)
    fake_box.paths.live_json.write_text("{half a sta")
    listener.until("status")
    for nonsense in ("[]", '{"status": 7, "health": 3, "table": {"length_in": "x"}, "balls": null}'):
        fake_box.paths.live_json.write_text(nonsense)
    fake_box.write_live(message="well again")
    listener.until("live", lambda data: "well again" in data)


def test_closing_ends_every_stream(hub: Hub, fake_box: FakeBox) -> None:
    listeners = [Listener(hub) for _ in range(3)]
    ended = []

    def listen(listener: Listener) -> None:
        ended.append(sum(1 for _ in listener._events))

    threads = [threading.Thread(target=listen, args=[one]) for one in listeners]
    for thread in threads:
        thread.start()
    hub.close()
    for thread in threads:
        thread.join()
    assert len(ended) == 3
    assert hub.listeners == 0


def test_no_more_listeners_than_there_are_threads_for(app: Flask, client: FlaskClient, hub: Hub) -> None:
    hub.max_listeners = 1
    listener = Listener(hub)
    listener.until("hello")
    answer = client.get("/stream")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    listener.close()
    answer = client.get("/stream", headers={"Last-Event-ID": "1@x"})
    assert answer.status_code == 200
    assert answer.mimetype == "text/event-stream"
    answer.close()


def test_an_event_keeps_its_shape_whatever_it_holds() -> None:
    text = event("shot", "one\ntwo\r\n\r\nevent: live", "1@a\nid: b\0")
    assert text == "event: shot\nid: 1@aid: b\ndata: one\ndata: two\ndata: \ndata: event: live\n\n"


def test_dropped_frames_are_noticed_and_forgotten() -> None:
    watch = LoadWatch()
    for second in range(6):
        watch.note(second, 50 * second, 10 * second)
    assert watch.overloaded
    for second in range(6, 14):
        watch.note(second, 50 * second, 50)
    assert not watch.overloaded
    watch.note(14, 3, 0)  # vision began anew
    assert not watch.overloaded


def test_an_old_state_is_a_service_that_hangs(fake_box: FakeBox) -> None:
    import os

    fake_box.write_live()
    assert read_live(fake_box.paths.live_json).status == "live"
    os.utime(fake_box.paths.live_json, (0, 0))
    assert read_live(fake_box.paths.live_json).status == "stalled"
    fake_box.write_live(status="ended")
    os.utime(fake_box.paths.live_json, (0, 0))
    assert read_live(fake_box.paths.live_json).status == "ended"
