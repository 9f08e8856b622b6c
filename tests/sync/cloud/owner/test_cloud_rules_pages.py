"""The rules as a form: kept for all halls or for one, and nothing that can't be."""

from dataclasses import fields

import pytest
from flask.testing import FlaskClient
from owner_scene import EMAIL, deeds_of, put_hall, send

from sync.cloud import rules
from sync.cloud.db import Database
from sync.cloud.owner.rules_form import FIELDS, LOOK, read_form, values_of
from sync.cloud.rules import ALL_HALLS, Rules

TYPED = {
    "winners": "ladder",
    "by": "hours",
    "same_player": "nobody",
    "least_sessions": "6",
    "least_hours": "2,5",
    "free_month": "no",
    "free_ladders": "3",
    "active_players": "8",
    "counted": "others",
    "look_hours": "48",
}
OTHER = Rules("ladder", "hours", 8, "others", False, 3, "nobody", 6, 2.5, 48)


def rules_of(db: Database, hall_id: str) -> Rules:
    with db.read() as conn:
        return rules.rules_of(conn, hall_id)


def test_rules_are_kept_for_all_halls_or_for_one(db: Database, client: FlaskClient) -> None:
    hall, other = put_hall(db, "Chalk City"), put_hall(db, "Corner Pocket")
    assert send(client, f"/halls/{hall.id}/rules", **TYPED).status_code == 303
    assert (rules_of(db, hall.id), rules_of(db, other.id)) == (OTHER, Rules())
    page = client.get(f"/halls/{hall.id}/rules").text
    assert "rules of its own" in page
    assert 'value="2.5"' in page
    send(client, "/rules", **(TYPED | {"never": "1", "look_hours": ""}))
    assert rules_of(db, other.id).look_hours is None
    assert rules_of(db, hall.id).look_hours == 48
    assert send(client, f"/halls/{hall.id}/rules/as-all").status_code == 303
    assert rules_of(db, hall.id).look_hours is None
    assert deeds_of(db, hall.id) == [(EMAIL, "rules-own"), (EMAIL, "rules-forget")]
    assert deeds_of(db, ALL_HALLS) == [(EMAIL, "rules")]


def test_a_hall_may_keep_the_rules_of_all_as_its_own(db: Database, client: FlaskClient) -> None:
    hall = put_hall(db, "Chalk City")
    send(client, f"/halls/{hall.id}/rules", **values_of(Rules()))
    send(client, "/rules", **TYPED)
    assert rules_of(db, hall.id) == Rules()
    assert deeds_of(db, hall.id) == [(EMAIL, "rules-own")]


def test_the_form_as_it_stands_changes_nothing(db: Database, client: FlaskClient) -> None:
    """What the page shows, sent back, are the same rules."""
    for one in (
        Rules(),
        Rules(look_hours=None),
        Rules("ladder", "hours", 8, "others", False, 3, "nobody", 6, 2.5, 0),
    ):
        assert read_form(values_of(one)) == one
    send(client, "/rules", **values_of(Rules()))
    assert deeds_of(db, ALL_HALLS) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("least_sessions", "four"), ("least_sessions", "2.5"), ("least_sessions", "0"), ("active_players", "1e9"),
     ("least_hours", "nan"), ("least_hours", "inf"), ("look_hours", ""), ("look_hours", "-1"), ("winners", "me"),
     ("free_ladders", "1"), ("counted", ""), ("least_hours", "9" * 400)],
)  # fmt: skip
def test_rules_that_can_t_be_are_refused_with_the_form_as_it_was_typed(
    db: Database, client: FlaskClient, name: str, value: str
) -> None:
    hall = put_hall(db, "Chalk City")
    answer = send(client, f"/halls/{hall.id}/rules", **(TYPED | {name: value}))
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert 'value="48"' in answer.text or name == "look_hours"
    assert rules_of(db, hall.id) == Rules()


def test_every_rule_there_is_stands_in_the_form() -> None:
    assert {one.name for one in (*FIELDS, LOOK)} == {one.name for one in fields(Rules)}
