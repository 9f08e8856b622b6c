"""Ratings: the owner's formulas, and a replay that never depends on when a match became known."""

import random
import sqlite3
from dataclasses import replace
from pathlib import Path
from statistics import fmean, linear_regression

import pytest
from hall_facts import (
    DAYS,
    NOW,
    Played,
    erase,
    in_order,
    make_store,
    played,
    put_match,
    put_players,
    put_results,
    undone,
    withdraw,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.hall import ratings
from edge.hall.matches import Result
from edge.hall.players import get_player, name_guest
from edge.hall.ratings import Rating

elos = st.floats(0, 3000)
fargos = st.floats(0, 1000)
rated = st.builds(Rating, elos, fargos, st.integers(0, 3000))
score = st.integers(1, 25).flatmap(lambda race: st.tuples(st.just(race), st.integers(0, race - 1)))


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("ratings") / "ladder.db", ratings.migrations)


def result(score: tuple[int, int], game: str = "8-ball") -> Result:
    winner = "a" if score[0] > score[1] else "b"
    return Result("m", game, max(score), "2026-01-01", NOW, ("a", "b"), score, False, winner, rated=True)


def test_the_owners_numbers() -> None:
    assert Rating() == Rating(1000.0, 500.0, 0)
    assert ratings.elo_gain(1000, 1000) == 16.0
    assert ratings.elo_expected(1400, 1000) == pytest.approx(10 / 11)
    assert ratings.rack_odds(600, 500) == 2.0
    assert ratings.rack_chance(600, 500) == 2 / 3
    assert [Rating(elo=elo).elite for elo in (1199.99, 1200.0)] == [False, True]
    assert [Rating(racks=racks).preliminary for racks in (199, 200)] == [True, False]


@given(elos, elos)
def test_what_is_expected_of_both_is_one(a: float, b: float) -> None:
    assert ratings.elo_expected(a, b) + ratings.elo_expected(b, a) == pytest.approx(1.0)


@given(fargos, st.floats(-400, 400))
def test_a_hundred_points_double_the_odds_whoever_is_meant(a: float, d: float) -> None:
    assert ratings.rack_odds(a + d + 100, a) == pytest.approx(2 * ratings.rack_odds(a + d, a))
    assert ratings.rack_chance(a + d, a) + ratings.rack_chance(a, a + d) == pytest.approx(1.0)
    chance = ratings.rack_chance(a + d, a)
    assert chance / (1 - chance) == pytest.approx(2 ** (d / 100))


@given(rated, rated, score, st.sampled_from(["8-ball", "straight pool"]))
def test_a_winner_gets_what_the_other_gives_and_never_loses(
    a: Rating, b: Rating, score: tuple[int, int], game: str
) -> None:
    a_after, b_after = ratings.rated_after(result(score, game), (a, b))
    assert a_after.elo + b_after.elo == pytest.approx(a.elo + b.elo, abs=1e-9)
    assert a_after.elo >= a.elo
    assert b_after.elo <= b.elo
    assert a_after.elo - a.elo <= 32.0


@given(rated, rated, score)
def test_both_sides_of_a_match_are_treated_alike(a: Rating, b: Rating, score: tuple[int, int]) -> None:
    ab = ratings.rated_after(result(score), (a, b))
    ba = ratings.rated_after(result(score[::-1]), (b, a))
    assert (ab[0].elo, ab[1].elo) == pytest.approx((ba[1].elo, ba[0].elo), abs=1e-9)
    assert (ab[0].fargo, ab[1].fargo, ab[0].racks) == (ba[1].fargo, ba[0].fargo, ba[1].racks)


@given(rated, rated, st.integers(0, 25), st.integers(0, 25))
def test_more_racks_than_the_odds_say_raise_the_rating_and_fewer_lower_it(
    a: Rating, b: Rating, won: int, lost: int
) -> None:
    moved = ratings.fargo_after(a, b, won, lost) - a.fargo
    surprise = won - (won + lost) * ratings.rack_chance(a.fargo, b.fargo)
    assert moved * surprise >= 0
    if won:
        assert ratings.fargo_after(a, b, won, lost) > ratings.fargo_after(a, b, won - 1, lost + 1)
    # Between equals the winner of more racks never loses.
    equal = replace(a, fargo=b.fargo)
    assert won < lost or ratings.fargo_after(equal, b, won, lost) >= equal.fargo


@given(fargos, fargos, st.integers(0, 500), score)
def test_a_robust_rating_moves_less_and_a_robust_opponent_tells_more(
    own: float, other: float, racks: int, score: tuple[int, int]
) -> None:
    def moved(own_racks: int, other_racks: int) -> float:
        a, b = Rating(fargo=own, racks=own_racks), Rating(fargo=other, racks=other_racks)
        return abs(ratings.fargo_after(a, b, *score) - own)

    assert moved(racks, 100) >= moved(racks + 100, 100)
    assert moved(100, racks) <= moved(100, racks + 100)


def test_how_far_a_match_moves_a_rating() -> None:
    # By hand: 4 s = 577.08. Newcomers, 7-3: 10 racks tell 10·8/18 = 4.444 of them.
    start, robust = Rating(), Rating(racks=92)
    assert ratings.fargo_after(start, start, 7, 3) == pytest.approx(500 + 577.08 * 0.2 * 4.444 / 12.444, abs=0.01)
    # 92 racks and the prior weigh 100: told are 10·8/18 by a newcomer, 10·100/110 by an equal.
    assert ratings.fargo_after(robust, start, 7, 3) == pytest.approx(
        500 + 577.08 * 0.2 * 4.444 / 104.444, abs=0.01
    )
    assert ratings.fargo_after(robust, robust, 7, 3) == pytest.approx(
        500 + 577.08 * 0.2 * 9.091 / 109.091, abs=0.01
    )
    # A rating never weighs more than 1008 racks.
    old, older = Rating(racks=1000), Rating(racks=5000)
    assert ratings.fargo_after(old, start, 7, 3) == ratings.fargo_after(older, start, 7, 3)


def test_straight_pool_has_no_racks() -> None:
    a, b = ratings.rated_after(result((100, 40), "straight pool"), (Rating(), Rating()))
    assert (a.elo, a.fargo, a.racks) == (1016.0, 500.0, 0)
    assert (b.elo, b.fargo, b.racks) == (984.0, 500.0, 0)


def test_ratings_find_what_players_are_worth() -> None:
    rnd = random.Random(5)
    worth = [rnd.gauss(500, 100) for _ in range(20)]
    now = [Rating() for _ in worth]
    for _ in range(1500):
        i, j = rnd.sample(range(20), 2)
        chance = ratings.rack_chance(worth[i], worth[j])
        racks = [0, 0]
        while max(racks) < 7:
            racks[rnd.random() >= chance] += 1
        now[i], now[j] = ratings.rated_after(result((racks[0], racks[1])), (now[i], now[j]))
    mean, found = fmean(worth), fmean(rating.fargo for rating in now)
    true, seen = [w - mean for w in worth], [rating.fargo - found for rating in now]
    assert fmean(abs(s - t) for s, t in zip(seen, true, strict=True)) < 12
    assert 0.9 < linear_regression(true, seen).slope < 1.1, "100 points stay 100 points"


def replayed(matches: list[Played], players: list[str]) -> dict[str, Rating]:
    """What a plain replay from the beginning gives."""
    now = {player: Rating() for player in players}
    for match in in_order(matches):
        one = match.result(players)
        before = (now[one.players[0]], now[one.players[1]])
        now.update(zip(one.players, ratings.rated_after(one, before), strict=True))
    return now


def everything(conn: sqlite3.Connection) -> list[tuple[object, ...]]:
    rows = [tuple(row) for row in conn.execute("SELECT * FROM rating_changes ORDER BY match_id, player_id")]
    return rows + [tuple(row) for row in conn.execute("SELECT * FROM ratings ORDER BY player_id")]


stories = st.lists(st.one_of(played(4, keys=15), played(4, keys=15), st.integers(0, 14)), max_size=30)


def enter(conn: sqlite3.Connection, players: list[str], stands: dict[int, Played], fact: Played | int) -> str:
    """Enters a match or withdraws the one with that key; returns the id of what was touched."""
    if isinstance(fact, Played):
        put_match(conn, fact, players)
        stands[fact.key] = fact
        return fact.match_id
    if fact in stands:
        withdraw(conn, stands.pop(fact))
    return Played(fact, (0, 1), (3, 0), 0).match_id


@pytest.mark.slow
@settings(max_examples=150)
@given(stories)
def test_late_corrected_and_withdrawn_matches_give_what_a_plain_replay_gives(
    hall: Path, story: list[Played | int]
) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 4)
        stands: dict[int, Played] = {}
        for fact in story:
            ratings.settle_match(conn, enter(conn, players, stands, fact))
        expected = replayed(list(stands.values()), players)
        assert {p: ratings.rating_of(conn, p) for p in players} == expected
        assert sum(r.elo for r in expected.values()) == pytest.approx(4000.0, abs=1e-6)
        kept = everything(conn)
        ratings.settle(conn, "2026-02-01")
        assert everything(conn) == kept, "settled twice is settled once"
        ratings.settle(conn)
        assert everything(conn) == kept


@pytest.mark.slow
@settings(max_examples=60)
@given(stories, stories)
def test_an_erased_players_matches_go_on_counting_for_the_opponents(
    hall: Path, story: list[Played | int], then: list[Played | int]
) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 4)
        stands: dict[int, Played] = {}
        for fact in story:
            ratings.settle_match(conn, enter(conn, players, stands, fact))
        before = {p: ratings.history(conn, p, 100) for p in players[2:]}
        for player in players[:2]:
            erase(conn, player)
            ratings.forget(conn, player)
        assert {p: ratings.history(conn, p, 100) for p in players[2:]} == before
        for fact in then:
            ratings.settle_match(conn, enter(conn, players, stands, fact))
        expected = replayed(list(stands.values()), players)
        assert all(ratings.rating_of(conn, p) == expected[p] for p in players[2:])
        for table in ("rating_changes", "ratings"):
            assert {row[0] for row in conn.execute(f"SELECT player_id FROM {table}")} <= set(players[2:])


def test_a_summary_and_a_chart_of_what_matches_did(hall: Path) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 2)
        for key in range(5):
            put_match(conn, Played(key, (0, 1), (3, 1), key), players)
        assert ratings.settle(conn) == 5
        first = ratings.change_in(conn, "match-00000", players[0])
        assert first is not None
        assert (first.before, first.after.elo, first.after.racks) == (Rating(), 1016.0, 4)
        chart = ratings.history(conn, players[0], 3)
        assert [change.match_id for change in chart] == ["match-00002", "match-00003", "match-00004"]
        assert chart[-1].after == ratings.rating_of(conn, players[0])
        assert chart[0].after == chart[1].before
        assert ratings.change_in(conn, "match-00009", players[0]) is None


def test_a_guests_matches_count_once_the_guest_is_somebody(hall: Path) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 1, guests=1)
        match = Played(0, (0, 1), (3, 1), 0)
        put_match(conn, match, players)
        assert ratings.settle_match(conn, match.match_id) == 0
        assert ratings.rating_of(conn, players[0]) == Rating()
        guest = get_player(conn, players[1])
        assert guest is not None
        name_guest(conn, guest, "Somebody")
        assert ratings.settle_match(conn, match.match_id) == 1
        assert ratings.rating_of(conn, players[1]).elo == 984.0


@pytest.mark.slow
def test_of_twenty_thousand_matches_only_those_since_a_change_are_replayed(hall: Path) -> None:
    rnd = random.Random(3)
    with undone(hall) as conn:
        players = put_players(conn, 200)
        pairs = [rnd.sample(range(200), 2) for _ in range(20_000)]
        minutes = sorted(rnd.randrange(DAYS * 24 * 60) for _ in pairs)
        matches = [
            Played(key, (pair[0], pair[1]), (5, rnd.randrange(5)), minute)
            for key, (pair, minute) in enumerate(zip(pairs, minutes, strict=True))
        ]
        put_results(conn, (match.result(players) for match in matches))
        assert ratings.settle(conn) == 20_000
        assert ratings.settle_match(conn, matches[-1].match_id) <= 20
