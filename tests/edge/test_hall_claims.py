"""Claims: what a guest played stands afterwards as if it had been played under one's own name."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from evening import Evening
from whole_hall import RACK, an_evening, everything, play_a_rack

from edge.hall import audit, claims, logins
from edge.hall.matches import get_match
from edge.hall.players import Player, PlayerError, get_player, name_guest
from edge.hall.points import month_board
from edge.hall.ratings import rating_of
from edge.hall.taking_over import TakenOver


@pytest.fixture
def evening(tmp_path: Path) -> Iterator[Evening]:
    with an_evening(tmp_path / "one") as evening:
        yield evening


def spend_the_evening(evening: Evening, ana: Player, who: Player) -> None:
    """Two matches against Ana with a practice between them, on two days."""
    evening.match(ana, who, race_to=1)
    play_a_rack(evening)
    evening.leave()
    evening.wait(600)
    evening.practise(who, {"makes": 5})
    for ball in RACK[:8]:
        evening.shoot(ball, first=ball, on_table=RACK)
    stray = evening.shoot()
    evening.say("nobody", shot_id=stray, speaker=who.id)
    evening.leave()
    evening.wait(20 * 3600)
    evening.match(who, ana, race_to=1)
    play_a_rack(evening)
    evening.leave()


def claim_by_code(evening: Evening, guest: Player, player: Player) -> TakenOver:
    with evening.store.write() as conn:
        code = logins.make_claim_code(conn, guest.id, evening.now)
    with evening.store.write() as conn:
        return claims.claim(conn, f" {code.lower()} ", player.id, evening.now)


def sign_up_after_all(evening: Evening, guest: Player) -> Player:
    with evening.store.write() as conn:
        player = name_guest(conn, guest, "Gus")
        claims.signed_up(conn, player.id, evening.now)
    return player


def claim_as_new_player(evening: Evening, guest: Player) -> Player:
    gus = evening.player("Gus")
    assert claim_by_code(evening, guest, gus) == TakenOver(3, 18)
    return gus


@pytest.mark.parametrize("become", [sign_up_after_all, claim_as_new_player])
def test_it_is_as_if_it_had_been_played_under_one_s_own_name(
    tmp_path: Path, become: Callable[[Evening, Player], Player]
) -> None:
    with an_evening(tmp_path / "as a guest") as evening:
        ana, guest = evening.player("Ana"), evening.guest()
        spend_the_evening(evening, ana, guest)
        gus = become(evening, guest)
        as_guest = everything(evening.store, {ana.id: "Ana", gus.id: "Gus"})
    with an_evening(tmp_path / "as oneself") as evening:
        ana, gus = evening.player("Ana"), evening.player("Gus")
        spend_the_evening(evening, ana, gus)
        as_oneself = everything(evening.store, {ana.id: "Ana", gus.id: "Gus"})
    assert as_guest == as_oneself
    assert any("one_pack_king" in row for row in as_guest["user_achievements"])


def test_matches_become_rated_and_both_get_their_points(evening: Evening) -> None:
    ana, guest = evening.player("Ana"), evening.guest()
    match = evening.match(ana, guest, race_to=1)
    play_a_rack(evening)
    evening.leave()
    with evening.store.read() as conn:
        assert [(p.name, p.points) for p in month_board(conn, "2025-10")] == [("Ana", 1.0)]
    gus = sign_up_after_all(evening, guest)
    with evening.store.read() as conn:
        assert {p.name: p.points for p in month_board(conn, "2025-10")} == {"Ana": 1.5, "Gus": 2.5}
        assert (rating_of(conn, gus.id).elo, rating_of(conn, ana.id).elo) == (1016, 984)
        found = get_match(conn, match.id)
    assert found is not None
    assert found.winner == gus.id


def test_what_was_played_against_oneself_stays_the_guest_s(evening: Evening) -> None:
    ana, guest = evening.player("Ana"), evening.guest()
    evening.match(ana, guest, race_to=1)
    play_a_rack(evening)
    evening.leave()
    with evening.store.write() as conn:
        code = logins.make_claim_code(conn, guest.id, evening.now)
    with pytest.raises(PlayerError, match="claim_self"), evening.store.write() as conn:
        claims.claim(conn, code, ana.id, evening.now)
    evening.wait(60)
    evening.practise(guest)
    evening.shoot("1")
    evening.leave()
    with evening.store.write() as conn:
        assert claims.claim(conn, code, ana.id, evening.now) == TakenOver(1, 1, left=1)
    with evening.store.read() as conn:
        assert get_player(conn, guest.id) is not None
    owners = evening.rows("SELECT DISTINCT player_id FROM plays WHERE match_id IS NULL")
    assert owners == [{"player_id": ana.id}]
    assert evening.rows("SELECT shots FROM metrics_daily WHERE player_id = ?", guest.id) == [{"shots": 7}]
    assert evening.rows("SELECT shots FROM metrics_daily WHERE player_id = ?", ana.id) == [{"shots": 4}]


def test_a_day_that_both_played_adds_up(evening: Evening) -> None:
    ana, guest = evening.player("Ana"), evening.guest()
    for who in (ana, guest):
        evening.practise(who)
        evening.shoot("1")
        evening.shoot()
        evening.leave()
    claim_by_code(evening, guest, ana)
    assert evening.rows("SELECT player_id, shots, makes FROM metrics_daily") == [
        {"player_id": ana.id, "shots": 4, "makes": 2}
    ]
    assert evening.rows("SELECT player_id, half_points FROM points_alltime") == [
        {"player_id": ana.id, "half_points": 2}
    ]
    assert evening.rows("SELECT id FROM players") == [{"id": ana.id}]


def test_a_code_works_once_and_not_for_ever(evening: Evening) -> None:
    ana, ben, guest, late = evening.player("Ana"), evening.player("Ben"), evening.guest(), evening.guest()
    for who in (guest, late):
        evening.practise(who)
        evening.shoot("1")
        evening.leave()
    with evening.store.write() as conn:
        code = logins.make_claim_code(conn, guest.id, evening.now)
        old = logins.make_claim_code(conn, late.id, evening.now - timedelta(days=logins.CLAIM_DAYS))
        claims.claim(conn, code, ana.id, evening.now)
    for typed in (code, old, "B4KX-79QM", "", "'; DROP TABLE players"):
        with pytest.raises(PlayerError, match="claim_unknown"), evening.store.write() as conn:
            claims.claim(conn, typed, ben.id, evening.now)
    with evening.store.read() as conn:
        deeds = audit.about(conn, f"player:{ana.id}")
    assert [(deed.what, deed.after) for deed in deeds] == [("guest.claimed", {"sessions": 1, "shots": 1})]


def test_the_code_of_a_guest_who_signed_up_opens_nothing(evening: Evening) -> None:
    ana, guest = evening.player("Ana"), evening.guest()
    evening.practise(guest)
    evening.shoot("1")
    with evening.store.write() as conn:
        code = logins.make_claim_code(conn, guest.id, evening.now)
    sign_up_after_all(evening, guest)
    with pytest.raises(PlayerError, match="claim_unknown"), evening.store.write() as conn:
        claims.claim(conn, code, ana.id, evening.now)


def test_who_plays_as_a_guest_now_goes_on_as_the_player(evening: Evening) -> None:
    ana, guest = evening.player("Ana"), evening.guest()
    evening.practise(guest)
    evening.shoot("1")
    claim_by_code(evening, guest, ana)
    evening.shoot("2")
    assert evening.rows("SELECT player_id, shots FROM sessions") == [{"player_id": ana.id, "shots": 2}]
    assert evening.rows("SELECT shots FROM metrics_daily WHERE player_id = ?", ana.id) == [{"shots": 2}]
