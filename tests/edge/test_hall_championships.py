"""Championships: seeds by the quarter's points, a bracket folded from results, and corrections that show."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hall_facts import NOW, Played, erase, make_store, put_match, put_players, undone, withdraw
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.hall import audit, brackets, championship_results, championships, game_sessions
from edge.hall.brackets import fold, next_of, rounds, seed_order, size_for
from edge.hall.championships import Championship, bracket, months_of, qualified
from edge.hall.errors import HallError
from edge.hall.occasion import Occasion

QUARTER = "2026-Q1"
HERE = Occasion(datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01", "Table 1")
EARLY = Occasion(datetime(2025, 12, 31, tzinfo=UTC), "2025-12-31", "Table 1")
DAY_MINUTES = 24 * 60


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    features = (game_sessions.migrations, championships.migrations)
    return make_store(tmp_path_factory.mktemp("championships") / "ladder.db", *features)


@pytest.fixture
def conn(hall: Path) -> Iterator[sqlite3.Connection]:
    with undone(hall) as conn:
        yield conn


def put_points(conn: sqlite3.Connection, players: list[str]) -> None:
    """The first has the most points of the quarter, the last the fewest."""
    for place, player in enumerate(players):
        rows = [("2026-01", 200 - place), ("2026-03", 10), ("2025-12", 5 * place + 1)]
        conn.executemany("INSERT INTO points_monthly VALUES (?, ?, ?)", [[player, *row] for row in rows])


def create(conn: sqlite3.Connection, by: str, size: int | None = None, race_to: int = 3) -> Championship:
    return championships.create(conn, QUARTER, "8-ball", race_to, size, by=by, here=HERE)


def fitting(conn: sqlite3.Connection, championship_id: str, number: int) -> list[str]:
    now = championships.play_offs(conn, championship_id)
    return championship_results.fitting(conn, now.championship, now.tie(number))


class PlayOffs:
    """A championship that is played, match by match; `players` are in the order of their seeds."""

    def __init__(self, conn: sqlite3.Connection, count: int, size: int | None = None) -> None:
        self.conn = conn
        self.players = put_players(conn, count)
        put_points(conn, self.players)
        self.id = create(conn, self.players[0], size).id
        self.matches: dict[int, Played] = {}
        self.key = 0

    def tie(self, number: int) -> brackets.Tie:
        return next(n.tie for nodes in bracket(self.conn, self.id).rounds for n in nodes if n.tie.number == number)

    def play(self, number: int, winner_side: int) -> Played:
        """The two play the match, and it is linked."""
        sides = [self.players.index(str(one)) for one in self.tie(number).sides]
        self.key += 1
        match = Played(self.key, (sides[winner_side], sides[1 - winner_side]), (3, 1), DAY_MINUTES + self.key)
        put_match(self.conn, match, self.players)
        championship_results.set_result(self.conn, self.id, number, match.match_id, by=self.players[0], now=NOW)
        self.matches[number] = match
        return match

    def turn(self, number: int) -> None:
        """The result of a match is corrected to the other one having won."""
        match = self.matches[number]
        self.matches[number] = Played(match.key, (match.pair[1], match.pair[0]), match.score, match.minute)
        put_match(self.conn, self.matches[number], self.players)

    def play_all(self, rnd: Random | None = None) -> None:
        for number in sorted(one for numbers in rounds(size_for(len(self.players))) for one in numbers):
            if self.tie(number).status == "ready":
                self.play(number, rnd.randrange(2) if rnd else 0)

    @property
    def champion(self) -> str | None:
        entrant = bracket(self.conn, self.id).champion
        return None if entrant is None else entrant.player_id


# The pure fold.


def test_the_order_of_seeds() -> None:
    assert seed_order(2) == [1, 2]
    assert seed_order(4) == [1, 4, 2, 3]
    assert seed_order(8) == [1, 8, 4, 5, 2, 7, 3, 6]
    assert seed_order(16) == [1, 16, 8, 9, 4, 13, 5, 12, 2, 15, 7, 10, 3, 14, 6, 11]


@pytest.mark.parametrize(
    ("players", "size"), [(2, 2), (3, 4), (4, 4), (5, 8), (8, 8), (9, 16), (33, 64), (64, 64)]
)
def test_the_smallest_bracket_is_taken(players: int, size: int) -> None:
    assert size_for(players) == size


@given(st.integers(1, 6))
def test_if_the_better_seed_always_wins_the_best_meet_last(power: int) -> None:
    alive = seed_order(2**power)
    while len(alive) > 1:
        pairs = list(zip(alive[::2], alive[1::2], strict=True))
        assert all(sum(pair) == len(alive) + 1 for pair in pairs)
        alive = [min(pair) for pair in pairs]


@given(st.integers(2, 64))
def test_the_best_seeds_have_byes_and_nobody_else(count: int) -> None:
    players = [str(seed) for seed in range(1, count + 1)]
    ties = fold(players, {})
    byes = {tie.winner for tie in ties if tie.status == "bye"}
    assert byes == {str(seed) for seed in range(1, size_for(count) - count + 1)}
    assert sorted(one for tie in ties if tie.round == 1 for one in tie.sides if one) == sorted(players)
    assert [tie.number for tie in ties] == list(range(1, size_for(count)))
    for early, late in pairwise(rounds(size_for(count))):
        assert [next_of(number, size_for(count)) for number in early] == [n for n in late for _ in (0, 1)]
    assert next_of(size_for(count) - 1, size_for(count)) is None


@given(st.integers(2, 20), st.randoms(use_true_random=False))
def test_the_fold_is_a_knock_out(count: int, rnd: Random) -> None:
    players = [str(seed) for seed in range(1, count + 1)]
    played: dict[int, brackets.Played] = {}
    out: set[str] = set()
    while ready := [tie for tie in fold(players, played) if tie.status == "ready"]:
        tie = rnd.choice(ready)
        a, b = sorted(str(one) for one in tie.sides)
        assert not {a, b} & out, "who lost plays no more"
        winner = rnd.choice([a, b])
        out |= {a, b} - {winner}
        played[tie.number] = brackets.Played(f"m{tie.number}", frozenset((a, b)), winner)
    final = fold(players, played)[-1]
    assert {final.winner} == set(players) - out
    assert len(played) == count - 1


# The store.


@pytest.mark.parametrize("quarter", ["", "2026-Q0", "2026-Q5", "2026-01", "2026-Q11", "q1"])
def test_what_is_no_quarter_is_refused(quarter: str) -> None:
    with pytest.raises(HallError, match="quarter_unknown"):
        months_of(quarter)


def test_quarters_have_three_months() -> None:
    months = [month for number in range(1, 5) for month in months_of(f"2026-Q{number}")]
    assert months == [f"2026-{month:02}" for month in range(1, 13)]


def test_seeds_are_the_quarters_points_of_members_who_want_to_be_seen(conn: sqlite3.Connection) -> None:
    players = put_players(conn, 5, hidden=1, guests=1)
    put_points(conn, [*players[5:], *players[:3], players[4]])
    conn.execute("INSERT INTO points_monthly VALUES (?, '2026-02', 210)", [players[3]])
    assert qualified(conn, QUARTER) == [players[3], players[0], players[1], players[2]]
    conn.execute("UPDATE points_monthly SET half_points = 209 WHERE month = '2026-02'")
    assert qualified(conn, QUARTER)[:2] == [players[0], players[3]], "of equals the alphabet stands first"
    assert qualified(conn, "2025-Q4", 2) == [players[2], players[1]]
    erase(conn, players[1])
    assert players[1] not in qualified(conn, QUARTER)


def test_what_can_not_be_made(conn: sqlite3.Connection) -> None:
    players = put_players(conn, 3)
    with pytest.raises(HallError, match="championship_few"):
        create(conn, players[0])
    put_points(conn, players)
    with pytest.raises(HallError, match="championship_size"):
        create(conn, players[0], 5)
    for game, race_to in (("snooker", 3), ("8-ball", 0), ("8-ball", 26)):
        with pytest.raises(HallError, match="championship_play"):
            championships.create(conn, QUARTER, game, race_to, 4, by=players[0], here=HERE)
    with pytest.raises(HallError, match="quarter_early"):
        championships.create(conn, QUARTER, "8-ball", 3, 4, by=players[0], here=EARLY)
    made = create(conn, players[0], 4)
    with pytest.raises(HallError, match="championship_exists"):
        create(conn, players[0], 4)
    assert championships.championships(conn) == [made]
    assert championships.cancel(conn, made.id, by=players[0], now=NOW)
    assert not championships.cancel(conn, made.id, by=players[0], now=NOW)
    create(conn, players[0], 4)
    other = championships.create(conn, QUARTER, "straight pool", 100, None, by=players[0], here=HERE)
    assert other in championships.championships(conn)


@pytest.mark.parametrize(
    ("count", "size", "places"), [(20, 4, 4), (20, 8, 8), (20, 16, 16), (20, None, 20), (5, 16, 5)]
)
def test_how_many_take_part(conn: sqlite3.Connection, count: int, size: int | None, places: int) -> None:
    play_offs = PlayOffs(conn, count, size)
    first_round = bracket(conn, play_offs.id).rounds[0]
    entrants = {one.player_id for node in first_round for one in node.sides if one is not None}
    assert entrants == set(play_offs.players[:places])


def test_seeds_beyond_the_tenth_are_shown_to_nobody(conn: sqlite3.Connection) -> None:
    play_offs = PlayOffs(conn, 16)
    shown = {
        one.player_id: one.seed for node in bracket(conn, play_offs.id).rounds[0] for one in node.sides if one
    }
    assert shown == {p: seed if seed <= 10 else None for seed, p in enumerate(play_offs.players, 1)}


@settings(max_examples=25)
@given(st.integers(2, 17), st.randoms(use_true_random=False))
def test_played_out_the_champion_won_every_match(hall: Path, count: int, rnd: Random) -> None:
    with undone(hall) as conn:
        play_offs = PlayOffs(conn, count)
        play_offs.play_all(rnd)
        lost = {play_offs.players[match.pair[1]] for match in play_offs.matches.values()}
        assert {play_offs.champion} == set(play_offs.players) - lost
        assert len(play_offs.matches) == count - 1
        assert bracket(conn, play_offs.id).troubles == ()


@settings(max_examples=40)
@given(st.integers(3, 9), st.randoms(use_true_random=False))
def test_corrections_make_the_bracket_anew(hall: Path, count: int, rnd: Random) -> None:
    with undone(hall) as conn:
        play_offs = PlayOffs(conn, count)
        play_offs.play_all(rnd)
        for _ in range(rnd.randrange(1, 4)):
            play_offs.turn(rnd.choice(list(play_offs.matches)))
        # Round by round, from the results alone: who goes on, and which links are between others now.
        order = [seed - 1 for seed in seed_order(size_for(count))]
        alive: list[int | None] = [place if place < count else None for place in order]
        wrong = set()
        for numbers in rounds(size_for(count)):
            following: list[int | None] = []
            for index, number in enumerate(numbers):
                a, b = alive[2 * index], alive[2 * index + 1]
                match = play_offs.matches.get(number)
                if match is not None and {a, b} == set(match.pair):
                    following.append(match.pair[0])
                elif match is None:
                    following.append(a if b is None else b)
                else:
                    wrong.add(number)
                    following.append(None)
            alive = following
        now = bracket(conn, play_offs.id)
        assert {node.tie.number for node in now.troubles} == wrong
        assert play_offs.champion == (None if alive[0] is None else play_offs.players[alive[0]])


def test_a_correction_shows_what_was_played_by_others_and_can_be_taken_back(conn: sqlite3.Connection) -> None:
    play_offs = PlayOffs(conn, 4)
    play_offs.play_all()
    before = bracket(conn, play_offs.id)
    assert play_offs.champion == play_offs.players[0]
    play_offs.turn(1)
    (node,) = bracket(conn, play_offs.id).troubles
    assert (node.tie.number, node.tie.trouble, node.tie.status) == (3, "players", "ready")
    assert node.tie.match_id == play_offs.matches[3].match_id
    assert (node.winner, node.score) == (None, None)
    assert play_offs.champion is None
    play_offs.turn(1)
    assert bracket(conn, play_offs.id) == before
    play_offs.turn(1)
    play_offs.play(3, 0)
    assert play_offs.champion == play_offs.players[3]
    assert bracket(conn, play_offs.id).troubles == ()


def test_a_withdrawn_match_is_to_be_played_again(conn: sqlite3.Connection) -> None:
    play_offs = PlayOffs(conn, 4)
    play_offs.play_all()
    withdraw(conn, play_offs.matches[2])
    troubles = [(node.tie.number, node.tie.trouble) for node in bracket(conn, play_offs.id).troubles]
    assert troubles == [(2, "withdrawn"), (3, "players")]
    assert play_offs.tie(3).status == "waiting"
    with pytest.raises(HallError, match="championship_waiting"):
        championship_results.set_result(conn, play_offs.id, 3, "match-00003", by=play_offs.players[0], now=NOW)
    play_offs.play(2, 0)
    assert play_offs.champion == play_offs.players[0], "the final was between these two after all"


def test_the_score_stands_in_the_order_of_the_sides(conn: sqlite3.Connection) -> None:
    play_offs = PlayOffs(conn, 4)
    play_offs.play(1, 1)
    (first, second), _ = bracket(conn, play_offs.id).rounds
    assert first.score == (1, 3)
    assert first.winner == first.sides[1]
    assert second.score is None


def test_only_a_match_that_fits_can_be_linked(conn: sqlite3.Connection) -> None:
    play_offs = PlayOffs(conn, 8)
    players, by = play_offs.players, play_offs.players[0]
    right = Played(1, (7, 0), (3, 0), DAY_MINUTES)
    put_match(conn, right, players)
    wrong = {
        "others": Played(2, (0, 6), (3, 0), DAY_MINUTES),
        "race": Played(3, (0, 7), (5, 0), DAY_MINUTES),
        "before": Played(4, (0, 7), (3, 0), -1),
    }
    for match in wrong.values():
        put_match(conn, match, players)
    put_match(conn, Played(9, (0, 7), (3, 0), DAY_MINUTES), players)
    conn.execute("UPDATE matches SET game = '9-ball' WHERE id = 'match-00009'")
    assert fitting(conn, play_offs.id, 1) == [right.match_id]
    for match_id in (*(match.match_id for match in wrong.values()), "match-00009", "none"):
        with pytest.raises(HallError, match="championship_match"):
            championship_results.set_result(conn, play_offs.id, 1, match_id, by=by, now=NOW)
    championship_results.set_result(conn, play_offs.id, 1, right.match_id, by=by, now=NOW)
    linked, deeds = bracket(conn, play_offs.id), len(audit.recent(conn, 99))
    championship_results.set_result(conn, play_offs.id, 1, right.match_id, by=by, now=NOW)
    assert bracket(conn, play_offs.id) == linked
    assert len(audit.recent(conn, 99)) == deeds, "asked twice"
    put_match(conn, Played(10, (0, 7), (3, 0), DAY_MINUTES), players)
    with pytest.raises(HallError, match="championship_played"):
        championship_results.set_result(conn, play_offs.id, 1, "match-00010", by=by, now=NOW)
    for number in (0, 8, -1):
        with pytest.raises(HallError, match="championship_number"):
            championship_results.set_result(conn, play_offs.id, number, "match-00010", by=by, now=NOW)
    with pytest.raises(HallError, match="championship_unknown"):
        championship_results.set_result(conn, "none", 1, "match-00010", by=by, now=NOW)


def test_what_is_taken_back_must_not_have_been_followed(conn: sqlite3.Connection) -> None:
    play_offs = PlayOffs(conn, 4)
    by = play_offs.players[0]
    play_offs.play_all()
    with pytest.raises(HallError, match="championship_followed"):
        championship_results.clear_result(conn, play_offs.id, 1, by=by, now=NOW)
    championship_results.clear_result(conn, play_offs.id, 3, by=by, now=NOW)
    championship_results.clear_result(conn, play_offs.id, 1, by=by, now=NOW)
    assert bracket(conn, play_offs.id).rounds[0][0].tie.status == "ready"
    deeds = len(audit.recent(conn, 99))
    championship_results.clear_result(conn, play_offs.id, 1, by=by, now=NOW)
    assert len(audit.recent(conn, 99)) == deeds
    assert fitting(conn, play_offs.id, 1) == [play_offs.matches[1].match_id]


def test_who_does_not_come_lets_the_other_one_go_on(conn: sqlite3.Connection) -> None:
    play_offs = PlayOffs(conn, 4)
    players, by = play_offs.players, play_offs.players[0]
    with pytest.raises(HallError, match="championship_match"):
        championship_results.walk_over(conn, play_offs.id, 1, players[1], by=by, now=NOW)
    championship_results.walk_over(conn, play_offs.id, 1, players[3], by=by, now=NOW)
    walked = bracket(conn, play_offs.id)
    championship_results.walk_over(conn, play_offs.id, 1, players[3], by=by, now=NOW)
    assert bracket(conn, play_offs.id) == walked
    node = walked.rounds[0][0]
    assert (node.tie.walkover, node.tie.winner, node.score) == (True, players[3], None)
    play_offs.play(2, 0)
    championship_results.walk_over(conn, play_offs.id, 3, players[1], by=by, now=NOW)
    final = bracket(conn, play_offs.id)
    assert final.champion is not None
    assert final.champion.player_id == players[1]
    play_offs.turn(2)
    (trouble,) = bracket(conn, play_offs.id).troubles
    assert (trouble.tie.number, trouble.tie.trouble) == (3, "players"), "it was not against this one"


def test_staff_replace_somebody_before_anything_is_entered(conn: sqlite3.Connection) -> None:
    play_offs = PlayOffs(conn, 6, 4)
    players, by = play_offs.players, play_offs.players[0]
    (guest,) = put_players(conn, 0, guests=1)
    for out, into in (
        (players[1], players[0]),
        (players[4], players[5]),
        (players[1], guest),
        (players[1], "none"),
    ):
        with pytest.raises(HallError, match="championship_member"):
            championships.replace(conn, play_offs.id, out, into, by=by, now=NOW)
    championships.replace(conn, play_offs.id, players[1], players[5], by=by, now=NOW)
    after = bracket(conn, play_offs.id)
    assert [[one.player_id for one in node.sides if one] for node in after.rounds[0]] == [
        [players[0], players[3]],
        [players[5], players[2]],
    ]
    play_offs.play(1, 0)
    with pytest.raises(HallError, match="championship_begun"):
        championships.replace(conn, play_offs.id, players[2], players[4], by=by, now=NOW)


def test_a_cancelled_one_takes_no_results(conn: sqlite3.Connection) -> None:
    play_offs = PlayOffs(conn, 4)
    match = play_offs.play(1, 0)
    championships.cancel(conn, play_offs.id, by=play_offs.players[0], now=NOW)
    assert championships.championships(conn) == []
    with pytest.raises(HallError, match="championship_cancelled"):
        championship_results.set_result(conn, play_offs.id, 1, match.match_id, by=play_offs.players[0], now=NOW)
    again = create(conn, play_offs.players[0], 4)
    assert fitting(conn, again.id, 1) == [match.match_id], "its matches are free again"


def test_an_erased_player_moves_out_or_stays_as_a_place_without_a_name(conn: sqlite3.Connection) -> None:
    play_offs = PlayOffs(conn, 5)
    players = play_offs.players
    erase(conn, players[0])
    championships.forget(conn, players[0])
    first = bracket(conn, play_offs.id).rounds[0]
    assert [[one.player_id for one in node.sides if one] for node in first] == [
        [players[1], players[4]],
        [players[2], players[3]],
    ]
    play_offs.play(1, 0)
    erase(conn, players[4])
    championships.forget(conn, players[4])
    now = bracket(conn, play_offs.id)
    assert now.troubles == ()
    assert [one.name for one in now.rounds[0][0].sides if one] == ["Player 0001", None]


@pytest.mark.parametrize("begun", [False, True])
def test_two_who_are_one_have_one_place(conn: sqlite3.Connection, begun: bool) -> None:
    play_offs = PlayOffs(conn, 6, 4)
    players, by = play_offs.players, play_offs.players[0]
    if begun:
        championship_results.walk_over(conn, play_offs.id, 1, players[0], by=by, now=NOW)
    championships.take_over(conn, players[0], players[5])
    first = bracket(conn, play_offs.id).rounds[0][0]
    assert [one.player_id for one in first.sides if one] == [players[5], players[3]]
    assert first.tie.winner == (players[5] if begun else None)
    championships.take_over(conn, players[3], players[5])
    places = [one.player_id for node in bracket(conn, play_offs.id).rounds[0] for one in node.sides if one]
    assert places == ([players[5], players[3], players[1], players[2]] if begun else [players[5], *players[1:3]])
