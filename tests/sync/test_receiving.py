"""A hub takes in batches: every fact once, in its order, and what it comes to is the hall's."""

from collections.abc import Iterator
from dataclasses import replace
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
    a_play,
    a_player,
    amend_fact,
    count,
    evening_facts,
    fates,
    guest_row,
    only,
    row,
    session_row,
    shot_fact,
    source_row,
    whole_store,
)

from edge.facts import Fact, OutboxRow, erased, uuid7
from edge.hall import merging, taking_over
from edge.hall.players import erase_player, sign_up
from edge.hall.sessions import get_session, move_session
from edge.store import changes
from edge.store.changes import Reader
from edge.store.database import Store
from edge.store.replicas import REPLICAS
from sync import protocol
from sync.protocol import ProblemError
from sync.receiving import receive


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Store]:
    with a_hub(tmp_path) as store:
        yield store


@pytest.fixture
def box(hub: Store) -> TellingBox:
    return TellingBox(hub)


def test_what_happened_at_a_table_is_the_halls(hub: Store, box: TellingBox) -> None:
    ana = a_player(hub)
    answer = box.tell(*evening_facts(ana))
    assert (answer.ack, answer.set_aside) == (5, ())
    assert only(hub, "SELECT shots, makes FROM metrics_daily WHERE player_id = ?", ana)[:] == (1, 1)
    assert only(hub, "SELECT sum(half_points) FROM player_points WHERE player_id = ?", ana)[0] > 0
    assert count(hub, "to_book") == 0  # its own box has booked it


def test_the_same_batch_again_is_a_success_and_changes_nothing(hub: Store, box: TellingBox) -> None:
    rows = box.numbered(*evening_facts(a_player(hub)))
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
    rows = box.numbered(*evening_facts(ana))
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


def test_shots_of_a_player_who_was_erased_meanwhile_are_to_be_deleted(hub: Store, box: TellingBox) -> None:
    ana = a_player(hub)
    with hub.write() as conn:
        erase_player(conn, ana, AT)
    box.tell(*evening_facts(ana))
    assert only(hub, "SELECT player_id FROM erasures")[0] == ana


def test_what_is_told_of_somebody_whose_account_became_anothers_is_the_others(hub: Store, box: TellingBox) -> None:
    """Ana was merged into Bea while her table was out of reach, where she played on."""
    ana, bea = a_player(hub), a_player(hub, "Bea")
    evening = evening_facts(ana)
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
    box.tell(*evening_facts(ana))
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
    box.tell(*evening_facts(a_player(hub)))
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
    box.tell(*evening_facts(ana))
    box.tell(erased(None, ["cam/1"], created=AT))
    assert (count(hub, "shots"), count(hub, "plays")) == (0, 0)
    assert count(hub, "metrics_daily", "shots > 0") == 0


def test_a_fact_that_takes_anothers_place_before_it_was_told_again_counts(hub: Store, box: TellingBox) -> None:
    """Under the number of a shot that the hub has already: the shot goes."""
    rows = box.numbered(*evening_facts(a_player(hub)))
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
