"""What the kiosk remembers, so that a page need not wait for it, is never out of date."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fake_box import FakeBox
from flask import Flask

from edge.store.shots import get_shot
from kiosk import fragments
from kiosk.box import EXTENSION, Box
from kiosk.kept import Kept


@pytest.fixture
def box(app: Flask) -> Box:
    made: Box = app.extensions[EXTENSION]
    return made


def counted(made: list[str], value: str) -> Callable[[], str]:
    def make() -> str:
        made.append(value)
        return value

    return make


def test_a_value_is_made_once_and_the_one_asked_for_least_goes_first() -> None:
    kept: Kept[str, str] = Kept(2)
    made: list[str] = []
    for key in "abab":
        assert kept.get(key, counted(made, key)) == key
    assert made == ["a", "b"]
    kept.get("a", counted(made, "a"))
    kept.get("c", counted(made, "c"))  # b goes
    assert [kept.get(key, counted(made, key)) for key in "ab"] == ["a", "b"]
    assert made == ["a", "b", "c", "b"]


def test_what_could_not_be_made_is_tried_again() -> None:
    kept: Kept[str, str] = Kept(2)

    def fails() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        kept.get("a", fails)
    assert kept.get("a", lambda: "made") == "made"


def test_the_total_is_what_is_stored_however_often_it_is_asked_for(box: Box, fake_box: FakeBox) -> None:
    assert box.records.total() == 0
    for count in (1, 3, 3, 8):
        fake_box.fill(count - box.records.total())
        assert box.records.total() == count
    with fake_box.store.write() as conn:  # the latest are erased: everything is counted anew
        conn.execute("DELETE FROM shots WHERE rowid > 5")
    assert box.records.total() == 5
    fake_box.fill(1)
    assert box.records.total() == 6


def test_a_card_shows_the_shot_as_it_stands(app: Flask, box: Box, fake_box: FakeBox) -> None:
    shot = fake_box.fill(1)[0]

    def card() -> str:
        with app.app_context():
            return fragments.card(box.records.recent(1)[0])

    first = card()
    assert card() is first, "drawn once"
    fake_box.save(replace(shot, revision=2, result="unknown", potted=()), datetime.now(UTC))
    amended = card()
    assert 'class="card unknown"' in amended
    assert amended != first
    with app.app_context():
        assert fragments.card(box.records.recent(1)[0], fresh=True) != amended


def test_a_stored_shot_is_read_when_it_is_asked_for(fake_box: FakeBox) -> None:
    shot = fake_box.fill(1)[0]
    with fake_box.store.read() as conn:
        stored = get_shot(conn, shot.id)
    assert stored is not None
    assert (stored.id, stored.revision) == (shot.id, 1)
    assert stored.shot.id == shot.id
    assert stored.shot is stored.shot
