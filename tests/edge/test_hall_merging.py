"""Merging: two accounts of one person stand afterwards as if there had been one from the beginning."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from evening import Evening
from whole_hall import RACK, an_evening, everything, play_a_rack

from edge.clock import stamp
from edge.hall import audit, consents, game_sessions, groups, logins, merging, pins, results, stats_views
from edge.hall.errors import HallError
from edge.hall.players import Player, get_player, save_player
from edge.hall.points import hall_of_fame, month_board
from edge.hall.results import Entered
from edge.hall.roles import give_role
from edge.hall.taking_over import TakenOver

OLD = "2025-01-05T12:00:00.000Z"


@pytest.fixture
def evening(tmp_path: Path) -> Iterator[Evening]:
    with an_evening(tmp_path / "one") as evening:
        yield evening


def staff(evening: Evening) -> Player:
    tess = evening.player("Tess")
    with evening.store.write() as conn:
        return give_role(conn, tess.id, "staff", stamp(evening.now))


def merge(evening: Evening, gone: Player, stays: Player, by: Player) -> TakenOver:
    with evening.store.write() as conn:
        return merging.merge(conn, gone.id, stays.id, by.id, evening.now)


def refused(evening: Evening, key: str, gone: Player, stays: Player, by: Player) -> None:
    with pytest.raises(HallError) as refusal, evening.store.read() as conn:
        merging.preview(conn, gone.id, stays.id, by.id)
    assert refusal.value.key == key
    with pytest.raises(HallError) as refusal, evening.store.write() as conn:
        merging.merge(conn, gone.id, stays.id, by.id, evening.now)
    assert refusal.value.key == key


def spend_two_evenings(evening: Evening, ana: Player, first: Player, second: Player, tess: str) -> None:
    """Matches against Ana and practice on one day and the next, and an evening entered by staff; the second day is
    played under the second account."""
    evening.match(ana, first, race_to=1)
    play_a_rack(evening)
    evening.leave()
    evening.wait(600)
    evening.practise(first, {"makes": 5})
    for ball in RACK[:8]:
        evening.shoot(ball, first=ball, on_table=RACK)
    evening.say("nobody", shot_id=evening.shoot(), speaker=first.id)
    evening.leave()
    evening.wait(20 * 3600)
    evening.match(second, ana, race_to=1)
    play_a_rack(evening)
    evening.leave()
    evening.wait(3600)
    with evening.store.write() as conn:
        night = game_sessions.begin_evening(conn, evening.here, tess, evening_id="night")
        for number, (winner, loser) in enumerate(((second, ana), (ana, second), (first, ana))):
            sides = ((winner.id,), (loser.id,))
            what = Entered(f"m{number}", sides, "8-ball", (3, number), night.day, stamp(evening.now), night.id)
            results.enter_result(conn, what, tess, evening.now)
            evening.wait(600)


def a_hall(evening: Evening, *, one: bool) -> dict[str, list[str]]:
    tess, ana, gus = staff(evening), evening.player("Ana"), evening.player("Gus")
    second = gus if one else evening.player("Gus again")
    spend_two_evenings(evening, ana, gus, second, tess.id)
    if not one:
        merge(evening, second, gus, tess)
        assert second.id not in str(evening.rows("SELECT * FROM matches"))
    told = everything(evening.store, {ana.id: "Ana", gus.id: "Gus", second.id: "Gus", tess.id: "Tess"})
    # The row of the one that went stays, without a name.
    told["players"] = [row for row in told["players"] if "'erased': '" not in row]
    return told


def test_it_is_as_if_there_had_been_one_from_the_beginning(tmp_path: Path) -> None:
    with an_evening(tmp_path / "two") as evening:
        as_two = a_hall(evening, one=False)
    with an_evening(tmp_path / "one") as evening:
        as_one = a_hall(evening, one=True)
    assert as_two.keys() == as_one.keys()
    for table in as_one:
        if table not in ("game_attendances", "takeovers"):  # the second says just that
            assert as_two[table] == as_one[table], table
    # The earlier tick of the two goes; both say the same.
    assert len(as_two["game_attendances"]) == len(as_one["game_attendances"]) == 2
    assert any("one_pack_king" in row for row in as_two["user_achievements"])


def test_a_badge_keeps_the_day_on_which_either_had_it_first(evening: Evening) -> None:
    tess, ana, other = staff(evening), evening.player("Ana"), evening.player("Ana again")
    for who in (other, ana):
        evening.practise(who)
        for ball in RACK[:8]:
            evening.shoot(ball, first=ball, on_table=RACK)
        evening.leave()
        evening.wait(3600)
    first = evening.rows("SELECT min(earned_at) AS at FROM user_achievements")[0]["at"]
    merge(evening, other, ana, tess)
    kings = evening.rows("SELECT player_id, earned_at FROM user_achievements WHERE badge = 'one_pack_king'")
    assert kings == [{"player_id": ana.id, "earned_at": first}]


def test_a_preview_tells_what_would_move_and_moves_nothing(evening: Evening) -> None:
    tess, ana, ben, other = staff(evening), evening.player("Ana"), evening.player("Ben"), evening.player("Anna")
    evening.match(other, ben, race_to=1)
    play_a_rack(evening)
    evening.leave()
    with evening.store.write() as conn:
        logins.add_card(conn, b"key", "04A3B2C1", other.id, evening.now)
        consents.give_answer(conn, other.id, "no", stamp(evening.now), other.id)
        conn.execute("UPDATE players SET created = ? WHERE id = ?", [OLD, other.id])
        told = merging.preview(conn, other.id, ana.id, tess.id)
    assert (told.sessions, told.shots, told.matches, told.evenings, told.cards) == (1, 3, 1, 0, 1)
    assert (told.clips, told.visible, told.member_since) == ("no", True, OLD)
    assert evening.rows("SELECT 1 FROM sessions WHERE player_id = ?", ana.id) == []


def test_what_the_two_had_besides_play(evening: Evening) -> None:
    tess, ana, other = staff(evening), evening.player("Ana"), evening.player("Anna")
    with evening.store.write() as conn:
        for player in (ana, other):
            pins.keep_pin(conn, player.id, pins.hash_pin(b"pepper", "4826"), evening.now)
        logins.add_card(conn, b"key", "04A3B2C1", other.id, evening.now)
        phones = [logins.new_login(conn, one.id, "phone", evening.now, 0.0) for one in (ana, other)]
        groups.override(conn, other.id, "elite", tess.id, stamp(evening.now))
        conn.execute("UPDATE players SET created = ?, visible = 0 WHERE id = ?", [OLD, other.id])
        for week in ("2025-10-06", "2025-10-13"):
            stats_views.note(conn, other.id, week)
        stats_views.note(conn, ana.id, "2025-10-08")
    merge(evening, other, ana, tess)
    with evening.store.read() as conn:
        stays, gone = get_player(conn, ana.id), get_player(conn, other.id)
        assert stays is not None
        assert gone is not None
        assert (stays.name, stays.created, stays.visible) == ("Ana", OLD, False)
        assert (gone.name, gone.erased, gone.roles) == ("", stamp(evening.now), frozenset())
        assert logins.find_card(conn, b"key", "04A3B2C1") == ana.id
        assert [logins.who_is(conn, token, evening.now) for token in phones] == [ana.id, None]
        assert (pins.has_pin(conn, ana.id), pins.has_pin(conn, other.id)) == (True, False)
        assert groups.group_of(conn, ana.id) == "elite"
        assert groups.overridden(conn, ana.id)
        assert stats_views.lookers(conn, "2025-10-01", "2025-11-01") == {"2025-10-06": 1, "2025-10-13": 1}
        assert hall_of_fame(conn) == []
        deed = audit.about(conn, f"player:{ana.id}")[0]
    assert (deed.what, deed.who, deed.before) == ("player.merged", tess.id, {"gone": other.id})
    refused(evening, "merge_nobody", other, ana, tess)  # the request came twice


@pytest.mark.parametrize(
    ("of_gone", "of_stays", "holds"),
    [
        ("no", "yes", "no"),
        ("yes", "no", "no"),
        ("no", None, "no"),
        ("yes", None, "yes"),
        (None, "yes", "yes"),
        ("yes", "yes", "yes"),
        (None, None, None),
    ],
)
def test_the_stricter_consent_holds(
    evening: Evening, of_gone: consents.Answer | None, of_stays: consents.Answer | None, holds: str | None
) -> None:
    tess, ana, other = staff(evening), evening.player("Ana"), evening.player("Anna")
    with evening.store.write() as conn:
        for player, answer in ((other, of_gone), (ana, of_stays)):
            if answer is not None:
                consents.give_answer(conn, player.id, answer, stamp(evening.now), player.id)
    merge(evening, other, ana, tess)
    with evening.store.read() as conn:
        found = consents.consent_of(conn, ana.id)
        assert consents.consent_of(conn, other.id) is None
    assert (None if found is None else found.answer) == holds


def test_two_who_met_are_two_people(evening: Evening) -> None:
    tess, ana, ben, cleo, dan = staff(evening), *(evening.player(name) for name in ("Ana", "Ben", "Cleo", "Dan"))
    evening.match(ana, ben, race_to=1)
    refused(evening, "merge_played", ana, ben, tess)
    evening.leave()
    refused(evening, "merge_played", ben, ana, tess)
    with evening.store.write() as conn:
        sides = ((ana.id, cleo.id), (ben.id, dan.id))
        what = Entered("pairs", sides, "8-ball", (3, 1), evening.here.day, stamp(evening.now))
        results.enter_result(conn, what, tess.id, evening.now)
    for one, other in ((ana, cleo), (cleo, dan), (dan, ana)):
        refused(evening, "merge_played", one, other, tess)


def test_a_result_that_was_struck_off_keeps_nobody_apart(evening: Evening) -> None:
    tess, ana, other = staff(evening), evening.player("Ana"), evening.player("Anna")
    with evening.store.write() as conn:
        what = Entered("slip", ((ana.id,), (other.id,)), "8-ball", (3, 1), evening.here.day, stamp(evening.now))
        results.enter_result(conn, what, tess.id, evening.now)
    refused(evening, "merge_played", other, ana, tess)
    with evening.store.write() as conn:
        results.strike(conn, "slip", tess.id, evening.now)
    merge(evening, other, ana, tess)
    with evening.store.read() as conn:
        assert month_board(conn, evening.here.month) == []


def test_who_can_t_be_merged(evening: Evening) -> None:
    tess, ana, ben, guest = staff(evening), evening.player("Ana"), evening.player("Ben"), evening.guest()
    olga = evening.player("Olga")
    with evening.store.write() as conn:
        give_role(conn, olga.id, "operator", stamp(evening.now))
    refused(evening, "merge_nobody", ana, ana, tess)
    refused(evening, "merge_nobody", ana, replace(ben, id="nobody"), tess)
    refused(evening, "merge_guest", ana, guest, tess)
    refused(evening, "merge_role", olga, ana, tess)
    refused(evening, "person_not_yours", ana, olga, tess)
    refused(evening, "person_not_yours", ana, ben, ben)
    evening.practise(ana)
    with evening.store.write() as conn:
        conn.execute("UPDATE sessions SET table_label = 'Table 2'")
    evening.practise(ben)
    refused(evening, "merge_at_tables", ana, ben, tess)


def test_a_guest_becomes_a_member_by_staff_too(evening: Evening) -> None:
    tess, ana, ben, guest = staff(evening), evening.player("Ana"), evening.player("Ben"), evening.guest()
    evening.match(ben, guest, race_to=1)
    play_a_rack(evening)
    evening.leave()
    assert merge(evening, guest, ana, tess) == TakenOver(1, 7)
    with evening.store.read() as conn:
        assert {place.name: place.points for place in month_board(conn, "2025-10")} == {"Ana": 2.5, "Ben": 1.5}
        stays = get_player(conn, ana.id)
    assert stays is not None
    assert stays.visible
    assert stays.created == ana.created


def test_who_plays_now_goes_on_under_the_other_name(evening: Evening) -> None:
    tess, ana, other = staff(evening), evening.player("Ana"), evening.player("Anna")
    evening.practise(other)
    evening.shoot("1")
    merge(evening, other, ana, tess)
    evening.shoot("2")
    assert evening.rows("SELECT player_id, shots FROM sessions") == [{"player_id": ana.id, "shots": 2}]


def test_a_wish_to_be_seen_is_not_made_by_merging(evening: Evening) -> None:
    tess, ana, other = staff(evening), evening.player("Ana"), evening.player("Anna")
    with evening.store.write() as conn:
        save_player(conn, replace(ana, visible=False))
    merge(evening, other, ana, tess)
    with evening.store.read() as conn:
        stays = get_player(conn, ana.id)
    assert stays is not None
    assert not stays.visible
