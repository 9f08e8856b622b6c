"""Players: which names can be, who is found by them, guests who become somebody, and who is gone."""

from dataclasses import replace
from datetime import timedelta
from math import dist

import pytest
from evening import SOURCE, ZONE, Evening, a_shot
from hypothesis import given
from hypothesis import strategies as st

from calibration.table import STANDARD_TABLES, Table
from edge.clock import stamp
from edge.hall.drills import drills
from edge.hall.occasion import occasion
from edge.hall.players import (
    NAME_CHARS,
    PlayerError,
    clean_name,
    erase_player,
    find_player,
    free_name,
    get_player,
    name_guest,
    names_like,
    new_guest,
    sign_up,
)
from edge.hall.sitting import at_table, leave_table, move_table, start_match, start_practice
from edge.hall.words import nowhere_word
from edge.store.shots import store_shot, store_source

NOW = "2025-10-31T20:00:00.000Z"


@pytest.mark.parametrize(
    "name", ["Ana", "Åsa Öberg", "O'Neil", "J.-P. Dupont", "王小明", "Ana 2", "Muñoz", "اَلْ علی"]
)
def test_names_of_any_script_can_be(name: str) -> None:
    assert clean_name(f"  {name} ") == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "name_length"),
        ("A", "name_length"),
        ("x" * 25, "name_length"),
        ("12345", "name_characters"),
        ("a\u202eb", "name_characters"),
        ("<b>Ana</b>", "name_characters"),
        ("=SUM(A1)", "name_characters"),
        ("Ana\0", "name_characters"),
        ("The Beginner", "name_refused"),
        ("b-team", "name_refused"),
        ("Guest", "name_refused"),
        ("guest 3", "name_refused"),
    ],
)
def test_other_names_are_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(PlayerError) as refused:
        clean_name(name)
    assert refused.value.key == why


@given(st.text(max_size=40))
def test_whatever_is_typed_is_a_name_or_a_reason(text: str) -> None:
    try:
        name = clean_name(text)
    except PlayerError:
        return
    assert NAME_CHARS[0] <= len(name) <= NAME_CHARS[1]
    assert clean_name(name) == name
    assert nowhere_word(name) is None


def test_a_name_is_found_however_it_is_written_and_had_once(evening: Evening) -> None:
    with evening.store.write() as conn:
        ana = sign_up(conn, "Ana Öberg", NOW)
        for written in ("ana öberg", "ANA  ÖBERG", " Ana O\u0308berg "):
            assert find_player(conn, written) == ana
            with pytest.raises(PlayerError, match="name_taken"):
                free_name(conn, written)
        assert find_player(conn, "Ana") is None


def test_names_are_offered_by_their_beginning(evening: Evening) -> None:
    with evening.store.write() as conn:
        for name in ("Ben", "Bea", "Anton", "bert"):
            sign_up(conn, name, NOW)
        assert [p.name for p in names_like(conn, "be", 5)] == ["Bea", "Ben", "bert"]
        assert len(names_like(conn, "be", 2)) == 2
        assert names_like(conn, "", 5) == []
        assert names_like(conn, "%", 5) == []


def test_names_are_offered_by_their_later_words_too_after_the_others(evening: Evening) -> None:
    with evening.store.write() as conn:
        for name in ("Ana Petrov", "Pete", "Peter Petrov", "Jean Pierre Petit", "Carpet"):
            sign_up(conn, name, NOW)
        found = [player.name for player in names_like(conn, "pet", 9)]
        assert found == ["Pete", "Peter Petrov", "Ana Petrov", "Jean Pierre Petit"]
        assert [player.name for player in names_like(conn, "pet", 3)] == found[:3]
        assert [player.name for player in names_like(conn, "pierre pet", 3)] == ["Jean Pierre Petit"]


def test_a_guest_is_found_by_nobody_until_there_is_a_name(evening: Evening) -> None:
    with evening.store.write() as conn:
        guest = new_guest(conn, NOW)
        assert find_player(conn, guest.name) is None
        named = name_guest(conn, guest, "Gus")
        assert find_player(conn, "gus") == named
        assert named.id == guest.id
        assert not named.guest


def test_who_was_erased_leaves_no_name_and_frees_it(evening: Evening) -> None:
    with evening.store.write() as conn:
        ana = sign_up(conn, "Ana", NOW)
        erase_player(conn, ana.id, NOW)
        gone = get_player(conn, ana.id)
        assert gone is not None
        assert (gone.name, gone.email, gone.roles, gone.visible) == ("", None, frozenset(), False)
        assert find_player(conn, "Ana") is None
        sign_up(conn, "Ana", NOW)


def test_whoever_starts_something_ends_what_went_on(evening: Evening) -> None:
    ana, ben = evening.player("Ana"), evening.player("Ben")
    first = evening.practise(ana)
    evening.wait(60)
    with evening.store.write() as conn:
        second = start_practice(conn, ben.id, evening.here)
        assert [s.id for s in at_table(conn, "Table 1").sessions] == [second.id]
    assert evening.session(first.id).end_reason == "next"


def test_who_has_just_checked_in_plays_the_match_in_that_session(evening: Evening) -> None:
    ana, ben = evening.player("Ana"), evening.player("Ben")
    waiting = evening.practise(ana)
    with evening.store.write() as conn:
        match = start_match(conn, (ana.id, ben.id), "8-ball", 3, evening.here)
        sitting = at_table(conn, "Table 1")
    assert sitting.match is not None
    assert sitting.match.id == match.id
    assert waiting.id in {session.id for session in sitting.sessions}
    assert {session.kind for session in sitting.sessions} == {"match"}


@pytest.mark.parametrize("table", STANDARD_TABLES.values(), ids=lambda table: table.name)
def test_every_drill_lies_on_every_table(table: Table) -> None:
    for drill in drills().values():
        layout = drill.layout(table)
        for x, y in layout.values():
            assert table.ball_radius_in <= x <= table.length_in - table.ball_radius_in
            assert table.ball_radius_in <= y <= table.width_in - table.ball_radius_in
        places = list(layout.values())
        apart = min(dist(a, b) for i, a in enumerate(places) for b in places[:i])
        assert apart >= table.ball_diameter_in
        assert 0 < drill.needs <= drill.reps


def test_two_tables_know_nothing_of_each_other(evening: Evening) -> None:
    ana, ben = evening.player("Ana"), evening.player("Ben")
    evening.practise(ana)
    with evening.store.write() as conn:
        start_practice(conn, ben.id, occasion(ZONE, "Table 2", evening.now))
        assert [p.id for p in at_table(conn, "Table 1").players] == [ana.id]
        assert [p.id for p in at_table(conn, "Table 2").players] == [ben.id]
        leave_table(conn, "Table 2", evening.now, "staff", evening.now)
        assert at_table(conn, "Table 1").taken
        assert not at_table(conn, "Table 2").taken


def test_nobody_sits_at_two_tables(evening: Evening) -> None:
    ana = evening.player("Ana")
    first = evening.practise(ana)
    evening.wait(60)
    with evening.store.write() as conn:
        start_practice(conn, ana.id, occasion(ZONE, "Table 2", evening.now))
    assert evening.session(first.id).end_reason == "next"


def test_a_shot_belongs_to_the_table_it_was_played_at_however_its_players_moved(evening: Evening) -> None:
    ana = evening.player("Ana")
    session = evening.practise(ana)
    with evening.store.write() as conn:
        store_source(conn, replace(SOURCE, id="one", table_label="Table 1"))
        store_source(conn, replace(SOURCE, id="two", table_label="Table 2"))
    before = evening.now + timedelta(seconds=10)
    evening.wait(60)
    with evening.store.write() as conn:
        assert [s.id for s in move_table(conn, "Table 1", "Table 2", evening.now)] == [session.id]
        # Told only now: one of each table from before the move and after it.
        for source, when in (("one", before), ("two", before), ("one", evening.now), ("two", evening.now)):
            at = when + timedelta(seconds=5)
            store_shot(conn, a_shot(f"{source}/{stamp(at)}", ("1",)), source, at, "american")
    evening.books.book()
    whose = {row["shot_id"] for row in evening.rows("SELECT shot_id FROM plays")}
    assert whose == {
        f"one/{stamp(before + timedelta(seconds=5))}",
        f"two/{stamp(evening.now + timedelta(seconds=5))}",
    }
