"""The hall at the counter: how it goes, what is worth a look, every rank, and files that run nothing."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hall_visitor import PHONE, Browser, House, a_house, hidden

from edge.clock import stamp
from edge.hall import audit, ratings, results
from edge.hall.game_sessions import attend, begin_evening
from edge.hall.occasion import Occasion
from edge.hall.players import Player, erase_player, new_guest, sign_up
from edge.hall.results import Entered
from edge.stats.export import BOM

HOSTILE = (
    "=cmd|'/c calc'!A1", '+1+"1"', "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝HYPER", "＋1", "a\nb", '"quoted"; =1',
)  # fmt: skip
FORMULA = re.compile(r"[=+@\t\r\n＝＋－＠]|-(?!\d+(\.\d+)?$)")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path) as made:
        yield made


@pytest.fixture
def staff(house: House) -> Browser:
    return house.counter()


def an_evening(house: House, names: tuple[str, ...] = HOSTILE) -> list[str]:
    """An evening of yesterday with these players, each of whom beat the next."""
    at = datetime.now(UTC) - timedelta(days=1)
    here = Occasion(at, at.date().isoformat(), "Table 1")
    with house.evening.store.write() as conn:
        ids = [
            sign_up(conn, f"Player {letter}", stamp(at)).id
            for letter, _ in zip("ABCDEFGHIJK", names, strict=False)
        ]
        by = sign_up(conn, "Tess", stamp(at), frozenset({"player", "staff"})).id
        night = begin_evening(conn, here, by)
        attend(conn, night, ids, by, at)
        for number, (winner, loser) in enumerate(pairwise(ids)):
            what = Entered(f"m{number}", ((winner,), (loser,)), "8-ball", (3, 1), here.day, stamp(at), night.id)
            results.enter_result(conn, what, by, at + timedelta(seconds=20 * number))
        for player_id, name in zip(ids, names, strict=True):
            conn.execute("UPDATE players SET name = ? WHERE id = ?", [name, player_id])
    return ids


def rows_of(staff: Browser, path: str) -> list[dict[str, str]]:
    answer = staff.get(path)
    assert answer.mimetype == "text/csv"
    assert re.fullmatch(r'attachment; filename="[a-z0-9-]+\.csv"', answer.headers["Content-Disposition"])
    text = answer.get_data().decode()
    assert text.startswith(BOM)
    return list(csv.DictReader(io.StringIO(text.removeprefix(BOM), newline="")))


@pytest.mark.parametrize("name", ["members", "evenings", "matches", "audit", "board"])
def test_no_cell_of_any_file_is_a_formula(house: House, staff: Browser, name: str) -> None:
    an_evening(house)
    rows = rows_of(staff, f"/counter/hall/{name}.csv")
    cells = [cell for row in rows for cell in row.values()]
    assert cells
    assert [cell for cell in cells if FORMULA.match(cell)] == []
    assert all(None not in row and None not in row.values() for row in rows)
    if name != "audit":
        assert any(HOSTILE[0] in cell for cell in cells)
        assert any('"quoted"; =1' in cell for cell in cells)


def test_the_files_hold_what_was_played(house: House, staff: Browser) -> None:
    ids = an_evening(house, ("Ana", "Ben", "Cleo"))
    with house.evening.store.write() as conn:
        guest = new_guest(conn, stamp(datetime.now(UTC)))
        night = conn.execute("SELECT id FROM game_sessions").fetchone()["id"]
        conn.execute(
            "INSERT INTO game_attendances (game_session_id, player_id, at) VALUES (?, ?, ?)",
            [night, guest.id, stamp(datetime.now(UTC))],
        )
    members = rows_of(staff, "/counter/hall/members.csv")
    assert [row["name"] for row in members] == ["Ana", "Ben", "Cleo", "Stan", "Tess"]
    assert not any("hash" in column or "pin" in column or "mail" in column for column in members[0])
    evenings = rows_of(staff, "/counter/hall/evenings.csv")
    assert [(row["name"], row["matches"], row["won"]) for row in evenings] == [
        ("Ana", "1", "1"),
        ("Ben", "2", "1"),
        ("Cleo", "1", "0"),
        ("Guest", "0", "0"),
    ]
    matches = rows_of(staff, "/counter/hall/matches.csv")
    assert [(row["side_a"], row["side_b"], row["winner"], row["ruled"]) for row in matches] == [
        ("Ana", "Ben", "Ana", "1"),
        ("Ben", "Cleo", "Ben", "1"),
    ]
    with house.evening.store.write() as conn:
        erase_player(conn, ids[1], stamp(datetime.now(UTC)))
    assert {row["side_a"] for row in rows_of(staff, "/counter/hall/matches.csv")} == {"Ana", "A former player"}
    done = rows_of(staff, "/counter/hall/audit.csv")
    assert [row["what"] for row in done].count("match.entered") == 2
    assert {row["who"] for row in done} == {"Tess"}


def test_a_file_of_many_pages_is_whole(house: House, staff: Browser) -> None:
    at = stamp(datetime.now(UTC))
    with house.evening.store.write() as conn:
        for number in range(1201):
            audit.note(conn, at, "table.changed", f"table:t{number}", role="system")
    lines = [int(row["line"]) for row in rows_of(staff, "/counter/hall/audit.csv")]
    assert lines == list(range(lines[0], lines[0] + 1201))


def test_every_rank_is_seen_at_the_counter_and_there_alone(house: House, staff: Browser) -> None:
    names = tuple(f"Member {letter}" for letter in "ABCDEFGHIJK")
    an_evening(house, names)
    month = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m")
    page = staff.html(f"/counter/hall/board?month={month}")
    assert all(name in page for name in names)
    assert "Member K" in staff.html("/counter/hall/board?month=all")
    assert "Member K" not in house.browser().html("/boards")
    rows = rows_of(staff, "/counter/hall/board.csv?month=all")
    # All but the first and the last won one and lost one.
    assert [row["rank"] for row in rows] == ["1"] * 9 + ["10", "11"]
    for wrong in ("2999-01", "x", "2026-13"):
        staff.html(f"/counter/hall/board?month={wrong}", 404)
        staff.get(f"/counter/hall/board.csv?month={wrong}", 404)


def test_how_it_goes_is_shown_with_and_without_anything(house: House, staff: Browser) -> None:
    assert "Month by month" in staff.html("/counter/hall")
    an_evening(house, ("Ana", "Ben", "Cleo"))
    page = staff.html("/counter/hall")
    assert "<svg" in page
    assert "each gap counted as a minute at most" in page


def beat_often(house: House) -> tuple[Player, Player]:
    ana, ben = house.evening.player("Ana"), house.evening.player("Ben")
    at = datetime.now(UTC) - timedelta(hours=5)
    with house.evening.store.write() as conn:
        tess = sign_up(conn, "Tess", stamp(at), frozenset({"player", "staff"})).id
        for number in range(8):
            end = stamp(at + timedelta(minutes=number))
            what = Entered(f"m{number}", ((ana.id,), (ben.id,)), "8-ball", (3, 1), end[:10], end)
            results.enter_result(conn, what, tess, at)
        ratings.settle(conn)
    return ana, ben


def test_what_is_worth_a_look_is_looked_at_and_undone(house: House, staff: Browser) -> None:
    assert "Nothing to look at" in staff.html("/counter/hall/odd")
    beat_often(house)
    page = staff.html("/counter/hall/odd")
    assert "Ana won 8 matches over Ben, 8 of them in a row" in page
    sent = {name: hidden(page, name) for name in ("key", "latest")}
    staff.post("/counter/hall/odd", key=sent["key"], latest="2020-01-01")
    assert "Ana won 8" in staff.html("/counter/hall/odd")  # it has grown since that page
    location = staff.post("/counter/hall/odd", key=sent["key"], latest=sent["latest"]).location
    page = staff.html(location)
    assert "Nothing to look at" in page
    assert "Looked at: Ana" in page
    staff.post("/counter/undo", deed=hidden(page, "deed"), back="/counter/hall/odd")
    assert "Ana won 8" in staff.html("/counter/hall/odd")


def test_players_learn_nothing_of_it(house: House) -> None:
    ana, _ = beat_often(house)
    for browser in (house.browser(ana), house.browser(ana, PHONE), house.browser()):
        for path in ("/counter/hall", "/counter/hall/odd", "/counter/hall/board", "/counter/hall/audit.csv"):
            answer = browser.client.get(path, environ_overrides={"REMOTE_ADDR": browser.address})
            assert answer.status_code in (303, 401, 403)
            assert "Ben" not in answer.get_data(as_text=True)
