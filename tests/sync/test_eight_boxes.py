"""Eight boxes on one machine, as real processes that speak real HTTP: one hall, for all at its tables."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from served_hall import ServedHall
from waiting import wait_until

from edge.hall import ladders
from edge.hall.ladders import Terms
from edge.store.database import Store, connect

NAMES = ("Ana", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gwen")
AWAY = "The hall can&#39;t be reached"


def a_ladder(hall: ServedHall) -> tuple[str, dict[str, str]]:
    """A ladder of everybody, made by staff, and the players' ids by name."""
    with Store(hall.hub.store) as store, store.write() as conn:
        ids = {row["name"]: row["id"] for row in conn.execute("SELECT id, name FROM players")}
        ladder = ladders.create_ladder(
            conn, Terms("Friday", "9-ball", 5, 2, 14), ["First"], ids["Ana"], "2026-01-01T00:00:00.000Z"
        )
        ladders.add_members(
            conn, ladder.divisions[0].id, [ids[name] for name in NAMES], ids["Ana"], "2026-01-01T00:00:00.000Z"
        )
    return ladder.id, ids


@pytest.mark.slow
def test_seven_tables_and_a_hub_are_one_hall_with_the_hub_and_without(tmp_path: Path) -> None:
    hall = ServedHall(tmp_path, len(NAMES))
    try:
        for name, screen in zip(NAMES, hall.screens, strict=True):
            screen.sign_up(name)
            screen.practise(3)
        require_one_ladder_place(hall)
        hall.hub_process.stop()
        for screen in hall.screens:
            screen.shoot(2)
            assert screen.visitor.get("/").status == 200
            answer = screen.visitor.get("/me")
            assert (answer.status, AWAY in answer.text) == (503, True)
        hall.hub_process.start()
        for screen in hall.screens:
            screen.shoot(1)
        hall.all_is_told()
        hall.require_promises()
        assert len(hall.promised()) == 6 * len(NAMES)
        require_seen_at_the_hub(hall)
        wait_until(lambda: hall.screens[0].visitor.get("/me").status == 200)
    finally:
        hall.stop()


def require_one_ladder_place(hall: ServedHall) -> None:
    """All are on one ladder, as three tables show; at two the same place is wanted at once, and one gets it."""
    ladder_id, ids = a_ladder(hall)
    for screen in hall.screens[2:5]:
        page = screen.visitor.page(f"/me/ladders/{ladder_id}").text
        assert all(name in page for name in NAMES)
    path = f"/me/ladders/{ladder_id}/challenge/{ids['Ana']}"
    with ThreadPoolExecutor(2) as both:
        statuses = list(both.map(lambda screen: screen.post(path), hall.screens[1:3]))
    assert sorted(statuses) == [303, 409]
    with closing(connect(hall.hub.store, "read")) as conn:
        assert len(ladders.challenges(conn, ladder_id)) == 1


def require_seen_at_the_hub(hall: ServedHall) -> None:
    """At the hub everybody has the shots of their table, each once; its own screen shows them."""
    assert hall.hub_screen.check_in("Ana") == 303
    page = hall.hub_screen.visitor.page("/me/shots").text
    assert len(set(re.findall(r"cam-1/\d{5}", page))) == 6
    with closing(connect(hall.hub.store, "read")) as conn:
        rows = conn.execute("SELECT p.name, count(*) FROM plays JOIN players p ON p.id = player_id GROUP BY 1")
        assert {tuple(row) for row in rows} == {(name, 6) for name in NAMES}
