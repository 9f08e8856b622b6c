"""Shots to take along: every shot once, in the hall's time, and nothing that a spreadsheet would run."""

import csv
import io
import sqlite3
from datetime import datetime
from typing import Any

import pytest
from evening import ZONE, Evening
from hypothesis import given
from hypothesis import strategies as st

from edge.hall.players import Player, erase_player
from edge.stats.export import BOM, COLUMNS, Unnamed, safe_cell, shots_csv, shots_of

RACK = tuple(str(n) for n in range(1, 10))
UNNAMED = Unnamed("Guest", "A former player")


def rows_of(evening: Evening, player: Player, page: int = 500) -> list[dict[str, str]]:
    text = "".join(shots_csv(evening.store, player.id, ZONE, UNNAMED, page))
    assert text.startswith(BOM)
    return list(csv.DictReader(io.StringIO(text.removeprefix(BOM), newline="")))


def test_every_shot_is_a_row_with_what_is_known_of_it(evening: Evening) -> None:
    ana, ben = evening.player("Ana"), evening.player("Ben")
    evening.match(ana, ben, race_to=1)
    evening.shoot("1", kind="break", on_table=RACK)
    shot = evening.shoot("2", first="2", on_table=RACK[1:], speed_mph=7.654)
    evening.shoot("4", first="4", on_table=RACK[2:])  # not the lowest: a foul
    evening.shoot(first="3", on_table=RACK[2:])  # Ben's
    evening.leave()
    evening.mend(shot, cut_angle_deg=31.26)
    evening.practise(ana)
    stray = evening.shoot()
    evening.say("nobody", shot_id=stray)
    evening.shoot("1", "2")
    rows = rows_of(evening, ana)
    assert len(rows) == 4
    assert tuple(rows[0]) == COLUMNS
    second = {name: rows[1][name] for name in ("time", "utc_offset", "opponent", "game", "rack", "potted", "kind")}
    assert second == {
        "time": "2025-10-31 18:00:30",
        "utc_offset": "UTC-0500",
        "opponent": "Ben",
        "game": "9-ball",
        "rack": "1",
        "potted": "2",
        "kind": "cut",
    }
    assert (rows[1]["cue_speed_mph"], rows[1]["cut_angle_deg"], rows[1]["amended"]) == ("7.7", "31.3", "1")
    assert rows[2]["foul"] == "wrong ball first"
    assert (rows[3]["potted"], rows[3]["opponent"], rows[3]["kind_of_session"]) == ("1 2", "", "practice")
    assert [row["result"] for row in rows_of(evening, ben)] == ["miss"]


@pytest.mark.parametrize("page", [1, 2, 3, 500])
def test_pages_fit_together(evening: Evening, page: int) -> None:
    ana = evening.player("Ana")
    evening.practise(ana)
    shots = [evening.shoot("1", book=False) for _ in range(6)]
    evening.books.book()
    assert [row["shot"] for row in rows_of(evening, ana, page)] == shots


def test_the_hour_that_one_night_has_twice_is_told_apart(evening: Evening) -> None:
    ana = evening.player("Ana")
    evening.now = datetime.fromisoformat("2025-11-02T06:29:45Z")
    evening.practise(ana)
    evening.shoot("1")
    evening.wait(3585)
    evening.shoot("2")
    times = [(row["time"], row["utc_offset"]) for row in rows_of(evening, ana)]
    assert times == [("2025-11-02 01:30:00", "UTC-0500"), ("2025-11-02 01:30:00", "UTC-0600")]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ('=HYPERLINK("http://evil")', '\'=HYPERLINK("http://evil")'),
        ("+1", "'+1"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("＝1", "'＝1"),
        ("-", "'-"),
        ("--1", "'--1"),
        ("-1 ", "'-1 "),
        ("-1", "-1"),
        ("-1.25", "-1.25"),
        ("Ana-Lena", "Ana-Lena"),
        ("", ""),
    ],
)
def test_a_formula_is_text_and_a_negative_number_a_number(text: str, cell: str) -> None:
    assert safe_cell(text) == cell


@given(st.text(max_size=20))
def test_no_cell_begins_as_a_formula_does(text: str) -> None:
    cell = safe_cell(text)
    assert cell.removeprefix("'") == text.removeprefix("'")
    assert cell[:1] not in tuple("=+@\t\r\n")
    assert not cell.startswith("-") or float(cell) <= 0


def test_formulas_in_a_name_or_a_ball_are_text(evening: Evening) -> None:
    ana, ben = evening.player("Ana"), evening.player("Ben")
    with evening.store.write() as conn:
        conn.execute("UPDATE players SET name = '=cmd|''/c calc''!A1' WHERE id = ?", [ben.id])
    evening.match(ana, ben, race_to=1)
    evening.shoot("@bad", kind="break", on_table=RACK)
    row = rows_of(evening, ana)[0]
    assert row["opponent"] == "'=cmd|'/c calc'!A1"
    assert row["potted"] == "'@bad"


def test_opponents_without_a_name(evening: Evening) -> None:
    ana, ben, guest = evening.player("Ana"), evening.player("Ben"), evening.guest()
    for other in (ben, guest):
        evening.match(ana, other)
        evening.shoot("1", kind="break", on_table=RACK)
    with evening.store.write() as conn:
        erase_player(conn, ben.id, "2025-11-01T00:00:00.000Z")
    assert [row["opponent"] for row in rows_of(evening, ana)] == ["A former player", "Guest"]


def test_nobody_holds_the_store_while_the_file_is_fetched(evening: Evening) -> None:
    ana = evening.player("Ana")
    evening.practise(ana)
    for _ in range(4):
        evening.shoot("1", book=False)
    evening.books.book()
    pieces = shots_csv(evening.store, ana.id, ZONE, UNNAMED, 2)
    assert len(next(pieces).splitlines()) == 1
    assert len(next(pieces).splitlines()) == 2
    (busy, log, done) = checkpoint(evening)
    assert (busy, log) == (0, done)  # a reader in the middle would keep the log from being written back
    evening.shoot("2")
    assert sum(len(piece.splitlines()) for piece in pieces) == 3


def checkpoint(evening: Evening) -> tuple[Any, ...]:
    conn = sqlite3.connect(evening.store.path)
    try:
        return tuple(conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone())
    finally:
        conn.close()


def test_own_shots_come_page_by_page_newest_first(evening: Evening) -> None:
    ana, ben = evening.player("Ana"), evening.player("Ben")
    evening.practise(ana)
    shots = [evening.shoot("1", book=False) for _ in range(5)]
    evening.books.book()
    evening.practise(ben)
    of_ben = evening.shoot("1")
    with evening.store.read() as conn:
        first = shots_of(conn, ana.id, 3)
        rest = shots_of(conn, ana.id, 3, first[-1])
        assert first + rest == shots[::-1]
        assert shots_of(conn, ana.id, 3, rest[-1]) == []
        assert shots_of(conn, ana.id, 3, of_ben) == []
        assert shots_of(conn, ana.id, 3, "nothing") == []
