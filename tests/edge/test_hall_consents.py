"""Consent to being recorded: asked once, every answer kept, and nobody recorded without a yes."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hall_facts import NOW, make_store, put_players, undone

from edge.hall import consents
from edge.hall.consents import Consent, consent_of, give_answer, may_record, needs_asking
from edge.hall.players import erase_player

LATER = "2026-05-01T00:00:00.000Z"
EARLIER = "1970-01-01T00:00:00.000Z"


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("consents") / "ladder.db", consents.migrations)


@pytest.fixture
def conn(hall: Path) -> Iterator[sqlite3.Connection]:
    with undone(hall) as conn:
        yield conn


def test_a_player_is_asked_once_whatever_the_answer(conn: sqlite3.Connection) -> None:
    yes, no = put_players(conn, 2)
    for player in (yes, no):
        assert needs_asking(conn, player)
        assert not may_record(conn, player)
        assert consent_of(conn, player) is None
    give_answer(conn, yes, "yes", NOW, yes)
    give_answer(conn, no, "no", NOW, no)
    assert not needs_asking(conn, yes)
    assert not needs_asking(conn, no)
    assert may_record(conn, yes)
    assert not may_record(conn, no)


def test_a_mind_can_be_changed_and_every_answer_stays(conn: sqlite3.Connection) -> None:
    (player,) = put_players(conn, 1)
    give_answer(conn, player, "yes", NOW, player)
    give_answer(conn, player, "no", LATER, "staff-1")
    assert consent_of(conn, player) == Consent(player, "no", consents.WORDING, LATER, "staff-1")
    assert not may_record(conn, player)
    assert conn.execute("SELECT count(*) FROM consents").fetchone()[0] == 2


def test_the_last_answer_holds_even_when_the_clock_went_back(conn: sqlite3.Connection) -> None:
    (player,) = put_players(conn, 1)
    give_answer(conn, player, "yes", NOW, player)
    give_answer(conn, player, "no", EARLIER, player)
    assert not may_record(conn, player)


def test_a_yes_holds_for_what_was_asked_and_a_no_for_good(conn: sqlite3.Connection) -> None:
    yes, no = put_players(conn, 2)
    give_answer(conn, yes, "yes", NOW, yes, wording_version=1)
    give_answer(conn, no, "no", NOW, no, wording_version=1)
    assert needs_asking(conn, yes, 2)
    assert not may_record(conn, yes, 2)
    assert not needs_asking(conn, no, 2)
    give_answer(conn, yes, "yes", LATER, yes, wording_version=2)
    assert not needs_asking(conn, yes, 2)
    assert may_record(conn, yes, 2)


def test_guests_are_not_asked_and_never_recorded(conn: sqlite3.Connection) -> None:
    (guest,) = put_players(conn, 0, guests=1)
    assert not needs_asking(conn, guest)
    give_answer(conn, guest, "yes", NOW, guest)
    assert not may_record(conn, guest)


def test_nobody_is_asked_or_recorded_who_is_not_there(conn: sqlite3.Connection) -> None:
    (gone,) = put_players(conn, 1)
    give_answer(conn, gone, "yes", NOW, gone)
    erase_player(conn, gone, LATER)
    for player in (gone, "no such player", "\0", ""):
        assert not may_record(conn, player)
        assert not needs_asking(conn, player)


def test_answers_are_never_edited(conn: sqlite3.Connection) -> None:
    (player,) = put_players(conn, 1)
    give_answer(conn, player, "no", NOW, player)
    with pytest.raises(sqlite3.IntegrityError, match="never edited"):
        conn.execute("UPDATE consents SET answer = 'yes'")
    with pytest.raises(sqlite3.IntegrityError):
        give_answer(conn, player, "perhaps", NOW, player)  # type: ignore[arg-type]


def test_nothing_is_left_of_a_player_who_is_forgotten(conn: sqlite3.Connection) -> None:
    one, other = put_players(conn, 2)
    give_answer(conn, one, "yes", NOW, one)
    give_answer(conn, other, "yes", NOW, other)
    consents.forget(conn, one)
    assert consent_of(conn, one) is None
    assert may_record(conn, other)
