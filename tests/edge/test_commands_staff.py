"""`ladder staff`: roles are listed, given and taken, and every change is in the audit."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge.commands.staff import staff
from edge.hall import audit
from edge.hall.players import PlayerError, erase_player, find_player, new_guest, sign_up
from edge.hall.roles import ROLES, give_role, hall_people, take_role
from edge.store.database import Store
from edge.store.migrations import migrate

NOW = "2026-04-01T20:00:00.000Z"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    migrate(tmp_path / "ladder.db")
    with Store(tmp_path / "ladder.db") as store:
        with store.write() as conn:
            sign_up(conn, "Ana M.", NOW)
            sign_up(conn, "Ben", NOW)
        yield store


def ladder_staff(store: Store, *words: str) -> Result:
    return CliRunner().invoke(staff, [*words, "--data", str(store.path.parent)])


def test_a_role_is_given_and_taken_and_that_is_in_the_audit(store: Store) -> None:
    assert ladder_staff(store).output == "nobody has a role yet: ladder staff NAME --role admin\n"
    given = ladder_staff(store, "ana m.", "--role", "admin")
    assert (given.exit_code, given.output) == (0, "Ana M.: admin\n")
    assert ladder_staff(store, "Ana M.", "--role", "coach").output == "Ana M.: admin, coach\n"
    assert ladder_staff(store).output == "Ana M.: admin, coach\n"
    taken = ladder_staff(store, "Ana M.", "--role", "admin", "--remove")
    assert (taken.exit_code, taken.output) == (0, "Ana M.: coach\n")
    assert ladder_staff(store, "Ana M.", "--role", "coach", "--remove").output == "Ana M.: no role\n"
    with store.read() as conn:
        ana = find_player(conn, "Ana M.")
        assert ana is not None
        assert ana.roles == {"player"}
        deeds = audit.about(conn, f"player:{ana.id}")
    assert [(deed.what, deed.role, deed.who) for deed in deeds] == [("player.roles_changed", "system", None)] * 4
    assert (deeds[-1].before, deeds[-1].after) == ({"roles": ["player"]}, {"roles": ["admin", "player"]})


def test_a_role_given_twice_is_given_once(store: Store) -> None:
    for _ in range(2):
        assert ladder_staff(store, "Ben", "--role", "staff").output == "Ben: staff\n"
    with store.read() as conn:
        assert len(audit.recent(conn, 10)) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Zoe", "--role", "staff"), "nobody here is called Zoe: players sign up at a table first"),
        (("Ben", "--role", "admin", "--remove"), "Ben is no admin: no role"),
    ],
)
def test_what_can_not_be_done_is_said_in_a_line(store: Store, words: tuple[str, ...], said: str) -> None:
    result = ladder_staff(store, *words)
    assert (result.exit_code, result.stderr) == (1, f"ladder: {said}\n")


@pytest.mark.parametrize(
    "words", [("Ben",), ("--role", "staff"), ("--remove",), ("Ben", "--role", "king"), ("Ben", "x")]
)
def test_a_line_that_makes_no_sense_is_refused(store: Store, words: tuple[str, ...]) -> None:
    assert ladder_staff(store, *words).exit_code == 2
    with store.read() as conn:
        assert hall_people(conn) == []


def test_no_store_is_said(tmp_path: Path) -> None:
    result = CliRunner().invoke(staff, ["--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "run ladder migrate" in result.stderr


def test_help_has_an_example_and_names_every_role() -> None:
    text = CliRunner().invoke(staff, ["--help"]).output
    assert "ladder staff" in text
    assert all(role in text for role in ROLES)


def test_who_of_the_staff_gave_a_role_is_noted(store: Store) -> None:
    with store.write() as conn:
        ben = find_player(conn, "Ben")
        assert ben is not None
        assert give_role(conn, ben.id, "staff", NOW, by="ada").staff
        assert not take_role(conn, ben.id, "staff", NOW, by="ada").staff
        assert [(deed.role, deed.who) for deed in audit.recent(conn, 10)] == [("staff", "ada")] * 2


def test_a_guest_and_somebody_erased_have_no_role(store: Store) -> None:
    with store.write() as conn:
        ben = find_player(conn, "Ben")
        assert ben is not None
        give_role(conn, ben.id, "admin", NOW)
        erase_player(conn, ben.id, NOW)
        assert hall_people(conn) == []
        for player_id in (ben.id, new_guest(conn, NOW).id, "nobody"):
            for change in (give_role, take_role):
                with pytest.raises(PlayerError):
                    change(conn, player_id, "staff", NOW)
