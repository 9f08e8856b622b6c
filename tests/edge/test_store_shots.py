"""A shot is stored once, is never edited, and its fact stands in the outbox with it."""

import json
import math
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from edge.clock import stamp
from edge.facts import canonical, content_hash
from edge.store.database import Store
from edge.store.outbox import rows_after
from edge.store.shots import (
    Bests,
    Counts,
    Outcome,
    Source,
    best_shots,
    count_all_shots,
    count_shots,
    get_shot,
    get_source,
    recent_shots,
    shot_after,
    shot_before,
    store_shot,
    store_source,
)
from vision.model import FirstContact, Pot, Shot, Spin, VerticalSpin, shot_to_json

NOW = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
SOURCE = Source("cam", "sim", stamp(NOW), "9ft", 100.0, 50.0, 2.25, "cal", 1920, 1080, 60.0)
MAKE = Shot(
    "cam@12.5",
    12.5,
    "make",
    scratch=False,
    end_s=16.0,
    potted=(
        Pot("7", "solid", "side-W", (960.0, 40.0), 14.0, 0.9),
        Pot("cue", "cue", "side-0", (1.0, 2.0), 15.0, 0.9),
    ),
    first_contact=FirstContact("7", 13.0, (30.0, 20.0), (50.0, 40.0)),
    cut_angle_deg=31.25,
    spin=Spin(VerticalSpin("draw", 0.8)),
    kind="cut",
    tags=("long",),
    layout_start={"cue": (20.0, 10.0)},
    paths_in={"cue": ((12.5, 20.0, 10.0), (13.0, 30.0, 20.0))},
)


def put(store: Store, shot: Shot, played_at: datetime = NOW, ball_set: str | None = None) -> Outcome:
    with store.write() as conn:
        store_source(conn, SOURCE)
        return store_shot(conn, shot, SOURCE.id, played_at, ball_set)


def outbox(store: Store) -> list[tuple[int, str]]:
    with store.read() as conn:
        return [(row.seq, row.fact.kind) for row in rows_after(conn, 0, 1000)]


def test_a_shot_comes_back_as_it_was_stored(store: Store) -> None:
    assert put(store, MAKE) == "stored"
    with store.read() as conn:
        stored = get_shot(conn, MAKE.id)
    assert stored is not None
    assert stored.shot == MAKE
    assert stored.as_json() == shot_to_json(MAKE)
    assert (stored.source_id, stored.played_at, stored.amended) == ("cam", NOW, False)


def test_a_shot_of_an_older_version_is_told_with_what_that_did_not_know(store: Store) -> None:
    put(store, MAKE)
    with store.read() as conn:
        stored = get_shot(conn, MAKE.id)
    assert stored is not None
    known = {name: value for name, value in shot_to_json(MAKE).items() if name not in ("contacts", "kind")}
    older = replace(stored, body=canonical(known))
    assert older.as_json() == shot_to_json(older.shot)


def test_columns_say_what_the_shot_says(store: Store) -> None:
    put(store, MAKE)
    with store.read() as conn:
        row = conn.execute("SELECT * FROM shots").fetchone()
    assert json.loads(row["potted"]) == ["7"], "the cue ball is no object ball"
    assert (row["potted_count"], row["pocket"], row["first_ball"]) == (1, "side-W", "7")
    assert (row["spin_vertical"], row["spin_side"], row["kind"]) == ("draw", "unknown", "cut")
    assert row["cut_angle_deg"] == 31.25
    assert json.loads(row["body"])["paths_in"]["cue"][1] == [13.0, 30.0, 20.0]


def test_the_same_shot_again_changes_nothing(store: Store) -> None:
    put(store, MAKE)
    assert put(store, MAKE, NOW + timedelta(hours=1)) == "known"
    with store.read() as conn:
        assert [s.played_at for s in recent_shots(conn, 10)] == [NOW]
    assert outbox(store) == [(1, "shot")]


def test_other_content_under_the_same_revision_is_refused(store: Store) -> None:
    put(store, MAKE)
    assert put(store, replace(MAKE, result="miss")) == "conflict"
    with store.read() as conn:
        stored = get_shot(conn, MAKE.id)
    assert stored is not None
    assert stored.shot == MAKE


def test_a_higher_revision_amends_and_the_first_stays(store: Store) -> None:
    put(store, MAKE)
    withdrawn = replace(MAKE, revision=2, result="miss", potted=(), first_contact=None, cut_angle_deg=None)
    assert put(store, withdrawn) == "amended"
    assert put(store, withdrawn) == "known"
    assert put(store, MAKE) == "known", "an old revision does not come back"
    with store.read() as conn:
        stored = get_shot(conn, MAKE.id)
        assert stored is not None
        assert (stored.shot, stored.amended) == (withdrawn, True)
        assert conn.execute("SELECT result FROM shots").fetchone()["result"] == "make"
        row = conn.execute("SELECT cut_angle_deg, first_ball, revision FROM shots_now").fetchone()
        assert tuple(row) == (None, None, 2), "what an amendment leaves empty is empty"
    assert outbox(store) == [(1, "shot"), (2, "amend")]


def test_the_latest_of_several_amendments_counts(store: Store) -> None:
    for revision in (1, 2, 5, 3):
        put(store, replace(MAKE, revision=revision, kind="bank" if revision == 5 else "cut"))
    with store.read() as conn:
        assert [(s.shot.revision, s.shot.kind) for s in recent_shots(conn, 10)] == [(5, "bank")]


def ball_set(store: Store) -> str | None:
    with store.read() as conn:
        stored = get_shot(conn, MAKE.id)
        assert stored is not None
        assert recent_shots(conn, 1) == [stored]
    return stored.ball_set


def test_a_shot_keeps_the_ball_set_it_was_played_with(store: Store) -> None:
    assert put(store, MAKE, ball_set="tv") == "stored"
    assert ball_set(store) == "tv"
    assert put(store, MAKE, ball_set="american") == "known", "the set is no part of what is compared"
    assert ball_set(store) == "tv"


def test_an_amendment_names_its_own_ball_set_or_keeps_the_first(store: Store) -> None:
    put(store, MAKE, ball_set="american")
    put(store, replace(MAKE, revision=2, scratch=True), ball_set=None)
    assert ball_set(store) == "american"
    put(store, replace(MAKE, revision=3, scratch=True), ball_set="tv")
    assert ball_set(store) == "tv"
    with store.read() as conn:
        told = [json.loads(row.fact.body)["ball_set"] for row in rows_after(conn, 0, 9)]
    assert told == ["american", None, "tv"]


@pytest.mark.parametrize("table", ["shots", "amendments", "outbox"])
def test_nothing_stored_can_be_edited(store: Store, table: str) -> None:
    put(store, MAKE)
    put(store, replace(MAKE, revision=2, scratch=True))
    with pytest.raises(sqlite3.IntegrityError, match="never"), store.write() as conn:
        conn.execute(f"UPDATE {table} SET body = '{{}}'")


def test_a_shot_without_its_source_is_refused_whole(store: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError), store.write() as conn:
        store_shot(conn, MAKE, "nobody", NOW)
    assert outbox(store) == []


def test_a_fact_keeps_the_text_it_was_hashed_with(store: Store) -> None:
    put(store, MAKE)
    with store.read() as conn:
        (row,) = rows_after(conn, 0, 10)
    content = json.loads(row.fact.body)
    assert content_hash(row.fact.body) == row.fact.hash
    assert canonical(content) == row.fact.body
    assert (content["shot_id"], content["source_id"]) == (MAKE.id, "cam")
    assert content["shot"]["potted"][0]["ball"] == "7"


def test_a_number_that_is_none_never_reaches_the_store(store: Store) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        put(store, replace(MAKE, cue_speed_mph=math.nan))
    assert outbox(store) == []


def test_outbox_numbers_are_not_given_twice_nor_skipped(store: Store) -> None:
    put(store, MAKE)

    def fail_half_way() -> None:
        with store.write() as conn:
            store_shot(conn, replace(MAKE, id="cam@20", start_s=20.0), SOURCE.id, NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    put(store, replace(MAKE, id="cam@30", start_s=30.0))
    assert [seq for seq, _ in outbox(store)] == [1, 2]
    with store.write() as conn:
        conn.execute("DELETE FROM outbox")
    put(store, replace(MAKE, id="cam@40", start_s=40.0))
    assert [seq for seq, _ in outbox(store)] == [3]


def test_pages_of_shots_follow_each_other(store: Store) -> None:
    # Two played at the same moment: neither may be skipped nor shown twice.
    moments = [NOW + timedelta(seconds=s) for s in (0, 1, 1, 2, 3)]
    for number, moment in enumerate(moments):
        put(store, replace(MAKE, id=f"cam@{number}", start_s=float(number)), moment)
    with store.read() as conn:
        seen: list[str] = []
        page = recent_shots(conn, 2)
        while page:
            seen += [s.shot.id for s in page]
            page = recent_shots(conn, 2, before=seen[-1])
        assert seen == [f"cam@{n}" for n in (4, 3, 2, 1, 0)]
        assert recent_shots(conn, 2, before="nothing") == []
        assert get_shot(conn, "nothing") is None


def test_counts_are_of_shots_as_they_stand(store: Store) -> None:
    put(store, MAKE)
    put(store, replace(MAKE, id="cam@20", start_s=20.0, kind="break"))
    put(
        store,
        replace(MAKE, id="cam@20", start_s=20.0, kind="break", revision=2, result="miss", potted=(), scratch=True),
    )
    put(store, replace(MAKE, id="cam@30", start_s=30.0, result="unknown", potted=()))
    put(store, replace(MAKE, id="cam@40", start_s=40.0), NOW + timedelta(days=1))
    with store.read() as conn:
        today = count_shots(conn, stamp(NOW), stamp(NOW + timedelta(days=1)))
        nothing = count_shots(conn, stamp(NOW - timedelta(days=1)), stamp(NOW))
    assert today == Counts(shots=3, makes=1, misses=1, unknown=1, scratches=1, breaks=1, potted=1)
    assert nothing == Counts()


def test_neighbours_follow_the_time_played_and_then_the_id(store: Store) -> None:
    for name, second in (("a", 5), ("c", 1), ("b", 1), ("d", 9)):
        put(store, replace(MAKE, id=name), NOW + timedelta(seconds=second))
    with store.read() as conn:
        assert [shot_after(conn, name) for name in "bcad"] == ["c", "a", "d", None]
        assert [shot_before(conn, name) for name in "bcad"] == [None, "b", "c", "a"]
        assert (shot_after(conn, "nothing"), shot_before(conn, "nothing")) == (None, None)


def test_bests_are_of_shots_as_they_stand_and_of_their_span(store: Store) -> None:
    tomorrow = NOW + timedelta(days=1)
    put(store, replace(MAKE, id="a", cue_speed_mph=8.0, pocket_distance_in=40.0))
    put(store, replace(MAKE, id="b", cue_speed_mph=21.5, pocket_distance_in=None))
    put(store, replace(MAKE, id="missed", result="miss", cue_speed_mph=None, pocket_distance_in=90.0))
    put(store, replace(MAKE, id="withdrawn", cue_speed_mph=30.0, pocket_distance_in=80.0))
    put(store, replace(MAKE, id="withdrawn", revision=2, result="miss", pocket_distance_in=80.0))
    put(store, replace(MAKE, id="later", cue_speed_mph=40.0, pocket_distance_in=95.0), tomorrow)
    with store.read() as conn:
        assert best_shots(conn, stamp(NOW), stamp(tomorrow)) == Bests(21.5, 40.0)
        assert best_shots(conn, stamp(NOW - timedelta(days=1)), stamp(NOW)) == Bests(None, None)
        assert count_all_shots(conn) == 5


def test_a_source_comes_back_as_it_was_first_stored(store: Store) -> None:
    with store.write() as conn:
        store_source(conn, SOURCE)
        store_source(conn, replace(SOURCE, table_name="8ft"))
    with store.read() as conn:
        assert get_source(conn, SOURCE.id) == SOURCE
        assert get_source(conn, "nobody") is None


@pytest.mark.parametrize(
    "ask",
    [
        lambda conn: recent_shots(conn, 9),
        lambda conn: recent_shots(conn, 9, before=MAKE.id),
        lambda conn: get_shot(conn, MAKE.id),
        lambda conn: shot_after(conn, MAKE.id),
        lambda conn: shot_before(conn, MAKE.id),
        lambda conn: count_shots(conn, stamp(NOW), stamp(NOW)),
        lambda conn: best_shots(conn, stamp(NOW), stamp(NOW)),
        lambda conn: get_source(conn, SOURCE.id),
    ],
    ids=["recent", "page", "get", "after", "before", "counts", "bests", "source"],
)
def test_what_pages_ask_is_found_by_index(store: Store, ask: Callable[[sqlite3.Connection], object]) -> None:
    with store.read() as conn:
        asked: list[str] = []
        conn.set_trace_callback(asked.append)
        ask(conn)
        conn.set_trace_callback(None)
        steps = [row["detail"] for sql in asked for row in conn.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert steps
    whole = [step for step in steps if step.startswith("SCAN") and "shots_by_time" not in step]
    assert not whole, "reads every row"
    assert not [step for step in steps if "B-TREE" in step], "sorts half a million shots for one page"
