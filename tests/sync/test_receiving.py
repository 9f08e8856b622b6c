"""A hub takes in batches: every fact once, in its order; what can't be taken in is kept aside and holds up
nothing."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from evening import a_shot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from telling_box import (
    AT,
    NOW,
    TellingBox,
    a_hub,
    amend_fact,
    count,
    guest_row,
    only,
    row,
    session_row,
    shot_fact,
    source_row,
    whole_store,
)

from edge.clock import stamp
from edge.facts import Fact, OutboxRow, content_hash, erased, make_fact, row_changed, uuid7
from edge.hall import merging, taking_over
from edge.hall.players import erase_player, sign_up
from edge.hall.plays import seen_of
from edge.hall.sessions import get_session, move_session
from edge.store import changes, inbox
from edge.store.changes import Reader
from edge.store.database import Store
from edge.store.replicas import REPLICAS
from sync import protocol
from sync.protocol import Answer, ProblemError
from sync.receiving import receive


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Store]:
    with a_hub(tmp_path) as store:
        yield store


@pytest.fixture
def box(hub: Store) -> TellingBox:
    return TellingBox(hub)


def fates(answer: Answer) -> list[tuple[int, str]]:
    return [(seq, fate) for seq, fate, _ in answer.set_aside]


SEEN = json.dumps(asdict(seen_of(a_shot("cam/1", ["1"]))))


def a_play(shot_id: str, session_id: str, player_id: str, **other: Any) -> Fact:
    values = {
        "shot_id": shot_id, "session_id": session_id, "match_id": None, "player_id": player_id,
        "day": "2026-11-30", "played_at": AT, "lasted_s": 4.0, "result": "make", "scratch": 0, "kind": "cut",
        "potted": 1, "cue_speed_mph": 8.0, "difficulty": None, "cell": 3, "seen": SEEN, "rack": None,
        "inning": None, "run": 1, "points": 0, "foul": None, "sure": 1, "safety_won": None, **other,
    }  # fmt: skip
    return row("plays", shot_id, values)


def an_evening(player_id: str) -> list[Fact]:
    return [
        source_row(),
        session_row("s", player_id),
        shot_fact(a_shot("cam/1", ["1"])),
        a_play("cam/1", "s", player_id),
        row("sessions", "s", {"shots": 1, "active_s": 49.0}, new=False),
    ]


def a_player(hub: Store, name: str = "Ana") -> str:
    with hub.write() as conn:
        return sign_up(conn, name, AT).id


def test_what_happened_at_a_table_is_the_halls(hub: Store, box: TellingBox) -> None:
    ana = a_player(hub)
    answer = box.tell(*an_evening(ana))
    assert (answer.ack, answer.set_aside) == (5, ())
    assert only(hub, "SELECT shots, makes FROM metrics_daily WHERE player_id = ?", ana)[:] == (1, 1)
    assert only(hub, "SELECT sum(half_points) FROM player_points WHERE player_id = ?", ana)[0] > 0
    assert count(hub, "to_book") == 0  # its own box has booked it


def test_the_same_batch_again_is_a_success_and_changes_nothing(hub: Store, box: TellingBox) -> None:
    rows = box.numbered(*an_evening(a_player(hub)))
    first = box.send(rows)
    before = whole_store(hub)
    assert box.send(rows) == first
    assert whole_store(hub) == before


@given(st.data())
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_batches_come_every_fact_is_taken_in_once(tmp_path: Path, data: st.DataObject) -> None:
    """Batches that overlap, come twice, late or out of order: as if each fact had come once, in its turn."""
    with a_hub(tmp_path / uuid7()) as hub:
        box = TellingBox(hub)
        ana = a_player(hub)
        shots = [a_shot(f"cam/{n}", ["1"] if n % 2 else []) for n in range(1, 5)]
        facts = [source_row(), session_row("s", ana)]
        for n, shot in enumerate(shots, 1):
            facts += [
                shot_fact(shot),
                a_play(shot.id, "s", ana, result=shot.result),
                row("sessions", "s", {"shots": n, "active_s": 40.0 * n}, new=False),
            ]
        rows = box.numbered(*facts)
        spans = st.tuples(st.integers(0, len(rows) - 1), st.integers(1, 6))
        for begin, length in data.draw(st.lists(spans, max_size=6)):
            box.send(rows[begin : begin + length])
        acked = 0
        while acked < len(rows):
            acked = box.send(rows[acked : acked + data.draw(st.integers(1, 7))]).ack
        assert count(hub, "shots") == 4
        assert count(hub, "plays") == 4
        assert only(hub, "SELECT shots, active_s FROM sessions")[:] == (4, 160.0)
        assert only(hub, "SELECT shots, makes FROM metrics_daily")[:] == (4, 2)
        assert count(hub, "inbox") == len(rows)
        assert count(hub, "set_aside", "taken_in_at IS NULL") == 0


def test_a_gap_is_not_acknowledged(hub: Store, box: TellingBox) -> None:
    ana = a_player(hub)
    rows = box.numbered(*an_evening(ana))
    assert box.send(rows[:1]).ack == 1
    before = whole_store(hub)
    assert box.send(rows[3:]).ack == 1
    assert whole_store(hub) == before  # nothing overtakes what was told before it
    assert box.send([rows[1], rows[2], rows[4]]).ack == 3
    assert box.send(rows[3:]).ack == 5
    assert only(hub, "SELECT shots FROM sessions")[0] == 1


def test_a_line_begins_where_its_sender_says(hub: Store) -> None:
    box = TellingBox(hub, begins=41)
    assert box.tell(source_row()).ack == 41


def test_a_line_whose_beginning_is_gone_for_good_goes_on_with_what_is_there(hub: Store, box: TellingBox) -> None:
    """A hub that was restored to before what its tables still have: they can't tell that again, and say so."""
    assert box.tell(source_row()).ack == 1
    box.seq, box.begins = 40, 41
    assert box.tell(source_row(id="cam2")).ack == 41
    box.begins = 1
    assert box.send([]).ack == 41


def test_a_box_tells_no_other_boxs_facts(hub: Store, box: TellingBox) -> None:
    batch = protocol.unpack(protocol.pack(box.device, box.epoch, 1, box.numbered(source_row())))
    with pytest.raises(ProblemError) as refused:
        receive(hub, batch, uuid7(), NOW)
    assert refused.value.status == 403
    assert count(hub, "sources") == 0


def test_the_same_number_with_another_content_is_put_aside(hub: Store, box: TellingBox) -> None:
    box.tell(source_row())
    other = OutboxRow(box.device, box.epoch, 1, source_row(place="another"))
    answer = box.send([other])
    assert (answer.status, fates(answer), answer.ack) == (409, [(1, "conflict")], 1)
    assert only(hub, "SELECT place FROM sources")[0] == "a test"
    assert box.send([other]) == answer
    assert count(hub, "set_aside") == 1


def test_the_same_key_with_another_content_is_put_aside(hub: Store, box: TellingBox) -> None:
    first, other = source_row(), source_row(id="cam2")
    box.tell(first)
    answer = box.tell(Fact("row", first.key, AT, other.body, other.hash))
    assert (answer.status, fates(answer), answer.ack) == (409, [(2, "conflict")], 2)
    assert count(hub, "sources") == 1


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


def test_shots_of_a_player_who_was_erased_meanwhile_are_to_be_deleted(hub: Store, box: TellingBox) -> None:
    ana = a_player(hub)
    with hub.write() as conn:
        erase_player(conn, ana, AT)
    box.tell(*an_evening(ana))
    assert only(hub, "SELECT player_id FROM erasures")[0] == ana


def test_what_is_told_of_somebody_whose_account_became_anothers_is_the_others(hub: Store, box: TellingBox) -> None:
    """Ana was merged into Bea while her table was out of reach, where she played on."""
    ana, bea = a_player(hub), a_player(hub, "Bea")
    evening = an_evening(ana)
    box.tell(*evening[:2])
    with hub.write() as conn:
        boss = sign_up(conn, "Boss", AT, frozenset({"player", "admin"}))
        merging.merge(conn, ana, bea, boss.id, NOW)
        after = changes.latest(conn)
    answer = box.tell(*evening[2:], session_row("s2", ana), row("sessions", "s2", {"player_id": ana}, new=False))
    assert answer.set_aside == ()
    assert [count(hub, "plays", f"player_id = '{one}'") for one in (ana, bea)] == [0, 1]
    assert [count(hub, "sessions", f"player_id = '{one}'") for one in (ana, bea)] == [0, 2]
    assert only(hub, "SELECT shots FROM metrics_daily WHERE player_id = ?", bea)[0] == 1
    assert count(hub, "erasures") == 0  # nothing of it is to be deleted
    with hub.read() as conn:  # and the table is told whose they are
        told, _ = changes.rows_since(conn, REPLICAS, Reader("Table 3", "2026-01-01"), after, 1000)
    whose = {one.key: (one.values or {})["player_id"] for one in told if one.table == "sessions"}
    assert whose == {("s",): bea, ("s2",): bea}


def test_what_a_guest_played_against_whoever_claims_them_stays_the_guests(hub: Store, box: TellingBox) -> None:
    ana = a_player(hub)
    match = {
        "id": "m", "game": "9-ball", "race_to": 1, "breaks": "alternate", "first_breaker": 0,
        "table_label": "Table 3", "player_a": "g", "player_b": ana, "started_at": AT, "day": "2026-11-30",
        "status": "open", "score_a": 0, "score_b": 0, "hill_hill": 0, "winner": None, "state": "{}",
    }  # fmt: skip
    box.tell(guest_row("g"), session_row("s0", "g"))
    with hub.write() as conn:
        taking_over.take_over(conn, "g", ana, NOW)
    box.tell(
        row("matches", "m", match),
        session_row("s1", "g", kind="match", match_id="m"),
        session_row("s2", ana, kind="match", match_id="m"),
        row("matches", "m", {"winner": "g", "status": "over", "ended_at": AT}, new=False),
        session_row("s3", "g"),
    )
    assert only(hub, "SELECT player_a, player_b, winner FROM matches")[:] == ("g", ana, "g")
    whose = {one["id"]: one["player_id"] for one in whole_store(hub)["sessions"]}
    assert whose == {"s0": ana, "s1": "g", "s2": ana, "s3": ana}


def test_a_stay_at_two_tables_is_counted_whole(hub: Store, box: TellingBox) -> None:
    """Each table tells how many shots it has seen of a stay that staff have moved."""
    other, ana = TellingBox(hub), a_player(hub)
    box.tell(*an_evening(ana))
    with hub.write() as conn:
        session = get_session(conn, "s")
        assert session is not None
        move_session(conn, session, "Table 5", NOW)
    other.tell(
        source_row(id="cam5", table_label="Table 5"),
        shot_fact(a_shot("cam5/1"), "cam5"),
        a_play("cam5/1", "s", ana, result="miss", run=0),
        row("sessions", "s", {"shots": 1, "active_s": 49.0, "active_at": AT}, new=False),
    )
    assert only(hub, "SELECT shots FROM sessions")[0] == 2
    assert only(hub, "SELECT shots, makes FROM metrics_daily")[:] == (2, 1)


def test_what_is_told_of_a_row_that_was_deleted_here_is_no_dead_letter(hub: Store, box: TellingBox) -> None:
    """Of somebody who was erased, before their table has heard of it."""
    box.tell(*an_evening(a_player(hub)))
    with hub.write() as conn:
        conn.execute("DELETE FROM sessions")
    answer = box.tell(
        row("sessions", "s", {"shots": 2}, new=False),
        row("plays", "cam/1", {"run": 2}, new=False),
        shot_fact(a_shot("cam/2")),
        a_play("cam/2", "s", "whoever"),
        row("sessions", "s", None, new=False),
    )
    assert (answer.ack, answer.set_aside) == (10, ())
    assert (count(hub, "sessions"), count(hub, "plays")) == (0, 0)


def test_a_match_that_was_over_is_not_broken_off_by_a_table_that_had_not_heard(
    hub: Store, box: TellingBox
) -> None:
    """Its winner walked to another table, where it looked as if it went on."""
    ana, bea, other = a_player(hub), a_player(hub, "Bea"), TellingBox(hub)
    match = {
        "id": "m", "game": "9-ball", "race_to": 1, "breaks": "alternate", "first_breaker": 0,
        "table_label": "Table 3", "player_a": ana, "player_b": bea, "started_at": AT, "day": "2026-11-30",
        "status": "over", "score_a": 1, "score_b": 0, "hill_hill": 0, "winner": ana, "ended_at": AT, "state": "{}",
    }  # fmt: skip
    box.tell(row("matches", "m", match))
    with hub.read() as conn:
        after = changes.latest(conn)
    other.tell(row("matches", "m", {"status": "abandoned", "ended_at": AT.replace("12:", "13:")}, new=False))
    assert only(hub, "SELECT status, winner, ended_at FROM matches")[:] == ("over", ana, AT)
    with hub.read() as conn:
        told, _ = changes.rows_since(conn, REPLICAS, Reader("Table 5", "2026-01-01"), after, 1000)
    assert [(one.values or {})["status"] for one in told if one.table == "matches"] == ["over"]
    box.tell(
        row("matches", "m", {"status": "abandoned", "winner": None}, new=False)
    )  # its own table takes it back
    assert only(hub, "SELECT status, winner FROM matches")[:] == ("abandoned", None)


def test_an_erased_shot_goes_with_what_it_counted(hub: Store, box: TellingBox) -> None:
    ana = a_player(hub)
    box.tell(*an_evening(ana))
    box.tell(erased(None, ["cam/1"], created=AT))
    assert (count(hub, "shots"), count(hub, "plays")) == (0, 0)
    assert count(hub, "metrics_daily", "shots > 0") == 0


def test_a_fact_that_takes_anothers_place_before_it_was_told_again_counts(hub: Store, box: TellingBox) -> None:
    """Under the number of a shot that the hub has already: the shot goes."""
    rows = box.numbered(*an_evening(a_player(hub)))
    box.send(rows)
    gone = OutboxRow(box.device, box.epoch, 3, replace(erased(None, ["cam/1"], created=AT), key=rows[2].fact.key))
    answer = box.send([gone])
    assert (answer.status, answer.ack) == (200, 5)
    assert count(hub, "shots") == 0
    assert box.send(rows[2:3]).ack == 5
    assert count(hub, "shots") == 0  # the same again is no other


def test_an_amendment_stands_over_its_shot(hub: Store, box: TellingBox) -> None:
    shot = a_shot("cam/1", ["1"])
    mended = replace(a_shot("cam/1", []), revision=2)
    box.tell(source_row(), shot_fact(shot), amend_fact(mended), amend_fact(mended))
    assert only(hub, "SELECT revision, result FROM shots_now")[:] == (2, "miss")
    other = amend_fact(replace(a_shot("cam/1", ["2"]), revision=2))
    assert fates(box.tell(other)) == [(5, "dead")]
    assert only(hub, "SELECT result FROM shots_now")[0] == "miss"


def test_what_is_set_aside_is_shown_whole(hub: Store, box: TellingBox) -> None:
    box.tell(HOSTILE["no table"])
    with hub.read() as conn:
        (aside,) = inbox.waiting(conn)
        assert inbox.waiting(conn, device=uuid7()) == []
        assert inbox.count_waiting(conn) == {"dead": 1}
    assert (aside.device, aside.seq, aside.fate, aside.fact) == (box.device, 1, "dead", HOSTILE["no table"])
