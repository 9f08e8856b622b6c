"""What a hub can't take in is kept aside, holds up nothing, and comes in when its time has come."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from evening import a_shot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from telling_box import (
    AT,
    NOW,
    TellingBox,
    a_hub,
    a_player,
    amend_fact,
    count,
    fates,
    guest_row,
    only,
    row,
    session_row,
    shot_fact,
    source_row,
    whole_store,
)

from edge.clock import stamp
from edge.facts import Fact, OutboxRow, content_hash, make_fact, row_changed, uuid7
from edge.hall.players import sign_up
from edge.store import inbox
from edge.store.database import Store
from edge.store.replicas import REPLICAS


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Store]:
    with a_hub(tmp_path) as store:
        yield store


@pytest.fixture
def box(hub: Store) -> TellingBox:
    return TellingBox(hub)


def test_a_fact_that_was_spoilt_is_kept_and_not_believed(hub: Store, box: TellingBox) -> None:
    fact = source_row()
    answer = box.tell(Fact("row", fact.key, AT, fact.body.replace("a test", "a tesT"), fact.hash), source_row())
    assert (fates(answer), answer.ack) == ([(1, "dead")], 2)


# A poison row: what it says can't be, and what comes after it is taken in all the same.
HOSTILE: dict[str, Fact] = {
    "a kind of later": make_fact("rack", {"schema": 1}, AT),  # type: ignore[arg-type]
    "another schema": make_fact("row", {"schema": 2, "table": "sources"}, AT),
    "no schema": make_fact("row", {}, AT),
    "no object": Fact("row", uuid7(), AT, "[1]", content_hash("[1]")),
    "no JSON": Fact("row", uuid7(), AT, "{", content_hash("{")),
    "deep": Fact("row", uuid7(), AT, "[" * 90_000, content_hash("[" * 90_000)),
    "no table": row("nothing", "x", {"id": "x"}),
    "a list for a table": row(["sources"], "x", {"id": "x"}),  # type: ignore[arg-type]
    "the schema": row("sqlite_schema", "x", {"name": "x"}),
    "no key": row("sources", [], {"place": "x"}),
    "half a key": row("session_moves", ["s"], {"to_label": "x"}),
    "a key too long": row("sources", ["a", "b"], {"place": "x"}),
    "a key of lists": row("sources", [["a"]], {"place": "x"}),
    "a key of objects": row("sources", [{"b64": "AA=="}], {"place": "x"}),
    "a key that is text": make_fact(
        "row", {"schema": 1, "table": "sources", "key": "cam", "new": True, "values": {}}, AT
    ),
    "values that are a list": row("sources", "x", ["place"]),
    "a value that is a list": source_row(place=["a"]),
    "a value that is an object": source_row(place={"a": 1}),
    "a value that is no base 64": source_row(place={"b64": "!"}),
    "a value that is no number": source_row(table_length_in="long"),
    "a number that is too large": source_row(picture_width_px=1 << 70),
    "a row without what it needs": row("sources", "x", {"id": "x"}),
    "a row that refers to nothing": session_row("s", "nobody"),
    "a change of what is not here": row("sessions", "none", {"shots": 3}, new=False),
    "a session of no day": session_row("s2", "ana", day="someday"),
    "a session of no time": session_row("s3", "ana", started_at="once"),
    "a shot of no source": shot_fact(a_shot("cam/9"), "none"),
    "a shot that is none": make_fact(
        "shot", {"schema": 1, "shot": {"id": "x"}, "source_id": "cam", "played_at": AT, "ball_set": None}, AT
    ),
    "a shot of no time": shot_fact(a_shot("cam/8"), "cam", played_at="once"),
    "an amendment of no shot": amend_fact(replace(a_shot("cam/7"), revision=2)),
    "shots to erase that are none": make_fact("erased", {"schema": 1, "player_id": None, "shots": 7}, AT),
    "more shots to erase that are none": make_fact("erased", {"schema": 1, "player_id": None, "shots": [[1]]}, AT),
}


def test_what_can_not_be_is_put_aside_and_holds_up_nothing(hub: Store) -> None:
    with hub.write() as conn:
        conn.execute("UPDATE players SET id = 'ana' WHERE id = ?", [sign_up(conn, "Ana", AT).id])
    for what, fact in HOSTILE.items():
        box = TellingBox(hub)
        before = count(hub, "sources")
        answer = box.tell(source_row(id=f"before {what}"), fact, source_row(id=f"after {what}"))
        assert (answer.ack, fates(answer), count(hub, "sources")) == (3, [(2, "dead")], before + 2), what
        kept = only(hub, "SELECT kind, body, hash, why FROM set_aside WHERE device = ?", box.device)
        assert (kept["kind"], kept["body"], kept["hash"]) == (fact.kind, fact.body, fact.hash)
        assert kept["why"]
        assert box.send([]).ack == 3
    written = ("players", "sessions", "matches", "shots", "amendments", "plays", "metrics_daily", "player_points")
    assert [count(hub, table) for table in written] == [1, 0, 0, 0, 0, 0, 0, 0]


def test_what_stands_in_the_place_of_a_told_fact_and_can_not_be_holds_up_nothing(
    hub: Store, box: TellingBox
) -> None:
    box.tell(source_row())
    answer = box.send([OutboxRow(box.device, box.epoch, 1, HOSTILE["more shots to erase that are none"])])
    assert (answer.ack, [seq for seq, _ in fates(answer)]) == (1, [1])


def test_what_is_the_hubs_alone_no_table_writes(hub: Store, box: TellingBox) -> None:
    ana, before = a_player(hub), whole_store(hub)
    for replica in (one for one in REPLICAS if one.up is None):
        for key in (["x"] * len(replica.key), [ana] * len(replica.key), [1] * len(replica.key)):
            for values, new in (({}, True), ({"player_id": "x"}, False), (None, False)):
                answer = box.tell(row(replica.table, key, values, new=new))
                assert fates(answer) == [(box.seq, "dead")]
                assert "has no say" in answer.set_aside[0][2]
    after = whole_store(hub)
    for table in after.keys() - {"inbox", "inbox_lines", "set_aside", "changes"}:
        if table != "players":
            assert after[table] == before[table]
    assert len(after["players"]) == 1


def test_a_table_has_a_say_in_guests_and_in_no_other_player(hub: Store, box: TellingBox) -> None:
    ana = a_player(hub)
    for values in ({"roles": '["admin"]'}, {"name": "Bob", "name_key": "bob"}, {"erased": AT}, {"guest": 1}, None):
        assert fates(box.tell(row("players", ana, values, new=False))) == [(box.seq, "dead")]
    for other in ({"guest": 0, "roles": '["admin"]', "name": "Eve", "name_key": "eve"},):
        assert fates(box.tell(guest_row("g", **other))) == [(box.seq, "dead")]
    assert fates(box.tell(guest_row("g"))) == []
    assert fates(box.tell(row("players", "g", {"guest": 0, "roles": '["admin"]'}, new=False))) == [
        (box.seq, "dead")
    ]
    assert fates(box.tell(row("players", "g", {"name": "Guest 2"}, new=False))) == []
    assert only(hub, "SELECT name, roles, guest FROM players WHERE id = ?", ana)[:] == ("Ana", '["player"]', 0)
    assert only(hub, "SELECT name, roles, guest FROM players WHERE id = 'g'")[:] == ("Guest 2", '["player"]', 1)


def test_a_table_makes_codes_for_guests_and_for_nothing_else(hub: Store, box: TellingBox) -> None:
    ana = a_player(hub)
    code = {
        "hash": "h", "purpose": "phone", "player_id": ana, "payload": "{}", "created": AT, "expires": AT,
        "opened_at": None, "used_at": None, "who": None,
    }  # fmt: skip
    assert fates(box.tell(row("one_time_tokens", "h", code))) == [(1, "dead")]
    assert fates(box.tell(row("one_time_tokens", "h", {**code, "purpose": "claim"}))) == []
    assert fates(box.tell(row("one_time_tokens", "h", {"purpose": "phone"}, new=False))) == [(3, "dead")]
    assert only(hub, "SELECT purpose FROM one_time_tokens")[0] == "claim"


NAMES = (
    'place = (SELECT secret FROM device_keys), place', "place\" = 'x' --", "place; DROP TABLE players; --", "",
    "place) VALUES ('x'); --",
    "rowid", "_rowid_", "oid", "told_", "PLACE", "place ", "p\x00lace", "Place = NULL, id",
)  # fmt: skip


def test_a_column_that_is_none_is_left_out_whatever_it_is_called(hub: Store, box: TellingBox) -> None:
    """Names of columns stand in SQL: only those that the store itself has get there."""
    players, schema = whole_store(hub)["players"], only(hub, "SELECT group_concat(sql) FROM sqlite_schema")[0]
    for name in NAMES:
        box.tell(source_row(id=name, **{name: "hostile"}))
        box.tell(row("sources", name, {name: "hostile"}, new=False))
    stored = whole_store(hub)
    assert {one["id"]: one["place"] for one in stored["sources"]} == dict.fromkeys(NAMES, "a test")
    assert stored["players"] == players
    assert only(hub, "SELECT group_concat(sql) FROM sqlite_schema")[0] == schema
    assert stored["set_aside"] == []


def test_a_key_and_a_value_are_never_read_as_sql(hub: Store, box: TellingBox) -> None:
    for text in ("x' OR '1'='1", "'; DROP TABLE sources; --", '" OR 1 --', "%", "?", ":label", "told_", "NULL"):
        box.tell(source_row(), source_row(id=text, place=text))
        box.tell(row("sources", text, {"place": text + text}, new=False))
        assert {(one["id"], one["place"]) for one in whole_store(hub)["sources"]} == {
            ("cam", "a test"), (text, text + text),
        }  # fmt: skip
        box.tell(row("sources", text, None, new=False))
        assert [one["id"] for one in whole_store(hub)["sources"]] == ["cam"]


SCALARS = st.none() | st.integers(-(1 << 70), 1 << 70) | st.floats() | st.text(max_size=5) | st.booleans()
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
TABLES = st.sampled_from([*(one.table for one in REPLICAS if one.up), "players", "nothing"])


@given(st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_row_says_the_next_is_taken_in(hub: Store, data: st.DataObject) -> None:
    """Any table, any key, any values: no batch is held up, and nothing but that row is written."""
    box = TellingBox(hub)
    table = data.draw(TABLES)
    with hub.read() as conn:
        columns = [one["name"] for one in conn.execute(f"PRAGMA table_info('{table}')")] or ["id"]
    key = data.draw(st.lists(ANYTHING, max_size=2) | ANYTHING)
    values = data.draw(st.dictionaries(st.sampled_from(columns) | st.text(max_size=4), ANYTHING) | ANYTHING)
    content = {"schema": 1, "table": table, "key": key, "new": data.draw(ANYTHING), "values": values}
    body = json.dumps(content)
    poison = Fact("row", uuid7(), AT, body, content_hash(body))
    assert box.tell(poison, source_row(id=f"after {box.device}")).ack == 2
    assert count(hub, "sources", f"id = 'after {box.device}'") == 1


def test_a_fact_from_the_future_is_held_until_its_time_has_come(hub: Store, box: TellingBox) -> None:
    later = NOW + timedelta(days=3)
    held = row_changed("sources", ["cam"], json.loads(source_row().body)["values"], new=True, created=stamp(later))
    answer = box.tell(held)
    assert (fates(answer), answer.ack) == ([(1, "held")], 1)
    assert count(hub, "sources") == 0
    box.tell(source_row(id="cam2"), now=NOW + timedelta(days=1))
    assert count(hub, "sources") == 1
    box.tell(source_row(id="cam3"), now=later)
    assert count(hub, "sources") == 3
    assert count(hub, "set_aside", "taken_in_at IS NULL") == 0


def test_what_is_held_comes_in_its_turn_also_where_later_news_of_it_was_no_longer_from_the_future(
    hub: Store, box: TellingBox
) -> None:
    """A box's clock was three days ahead for a while: what it told then is not newer than what it told after."""
    ana, later = a_player(hub), NOW + timedelta(days=3)
    box.tell(session_row("s", ana))
    box.tell(row("sessions", "s", {"shots": 5}, new=False, created=stamp(later)))
    box.tell(row("sessions", "s", {"shots": 9}, new=False))
    box.tell(source_row(), now=later)
    assert only(hub, "SELECT shots FROM sessions")[0] == 9


def test_what_refers_to_what_is_not_here_is_taken_in_when_that_has_come(hub: Store, box: TellingBox) -> None:
    other = TellingBox(hub)
    answer = box.tell(session_row("s", "g"), row("sessions", "s", {"shots": 2}, new=False))
    assert fates(answer) == [(1, "dead"), (2, "held")]
    other.tell(guest_row("g"))
    assert only(hub, "SELECT player_id, shots FROM sessions")[:] == ("g", 2)
    assert count(hub, "set_aside", "taken_in_at IS NULL") == 0


def test_what_waits_is_not_kept_waiting_by_what_will_never_come(hub: Store, box: TellingBox) -> None:
    """Hundreds that refer to nothing don't hold up one whose time has come."""
    box.tell(*(session_row(f"s{n}", "nobody") for n in range(250)))
    box.tell(session_row("s", "g"))
    box.tell(guest_row("g"))
    for n in range(3):
        box.tell(source_row(id=f"cam{n}"))
    assert [one["id"] for one in whole_store(hub)["sessions"]] == ["s"]


def test_what_is_set_aside_is_shown_whole(hub: Store, box: TellingBox) -> None:
    box.tell(HOSTILE["no table"])
    with hub.read() as conn:
        (aside,) = inbox.waiting(conn)
        assert inbox.waiting(conn, device=uuid7()) == []
        assert inbox.count_waiting(conn) == {"dead": 1}
    assert (aside.device, aside.seq, aside.fate, aside.fact) == (box.device, 1, "dead", HOSTILE["no table"])
