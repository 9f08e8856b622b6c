"""The lucky draw: who takes part, what is promised before it, a result anybody can compute, nothing to undo."""

import hashlib
import hmac
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hall_facts import NOW, erase, make_store, put_days, put_players, undone
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.hall import audit, draw_entries, draw_recipe, draws, game_sessions, points
from edge.hall.draw_entries import Missing, missing
from edge.hall.draw_recipe import Recipe, check, choose, python_program, shell_program, steps, winners
from edge.hall.draws import Draw
from edge.hall.errors import HallError

MONTH = "2026-02"
FEBRUARY = [f"2026-02-{day:02}" for day in range(1, 29)]
CALL = "four, eight, fifteen"


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    features = (game_sessions.migrations, draws.migrations)
    return make_store(tmp_path_factory.mktemp("draws") / "ladder.db", *features)


@pytest.fixture
def conn(hall: Path) -> Iterator[sqlite3.Connection]:
    with undone(hall) as conn:
        yield conn


def put_regulars(conn: sqlite3.Connection, count: int, *, hidden: int = 0) -> list[str]:
    """Players who take part in February's draw."""
    players = put_players(conn, count, hidden=hidden)
    for player in players:
        put_days(conn, player, FEBRUARY[:6])
    return players


def create(conn: sqlite3.Connection, by: str, *, prizes: int = 1) -> Draw:
    return draws.create(conn, MONTH, "A cue", by=by, now=NOW, prizes=prizes)


def frozen(conn: sqlite3.Connection, by: str, *, prizes: int = 1) -> Draw:
    return draws.freeze(conn, create(conn, by, prizes=prizes).id, by=by, now=NOW)


def drawn(conn: sqlite3.Connection, by: str, *, prizes: int = 1) -> Draw:
    return draws.draw(conn, frozen(conn, by, prizes=prizes).id, CALL, by=by, now=NOW)


@pytest.mark.parametrize(
    ("sessions", "half_points", "missed"),
    [
        (0, 0, Missing(6, 15.0)),
        (0, 1, Missing(6, 14.5)),
        (5, 29, Missing(1, 0.5)),
        (6, 0, Missing(0, 15.0)),
        (28, 60, Missing(0, 0.0)),
        (0, 30, Missing(6, 0.0)),
    ],
)
def test_six_sessions_or_fifteen_points(
    conn: sqlite3.Connection, sessions: int, half_points: int, missed: Missing
) -> None:
    (player,) = put_players(conn, 1)
    put_days(conn, player, [*FEBRUARY[:sessions], "2026-01-31", "2026-03-01"])
    if half_points:
        conn.execute("INSERT INTO points_monthly VALUES (?, ?, ?)", [player, MONTH, half_points])
    conn.execute("INSERT INTO points_monthly VALUES (?, '2026-01', 90)", [player])
    assert missing(conn, player, MONTH) == missed
    assert missed.eligible is (sessions >= 6 or half_points >= 30)
    assert draw_entries.eligible(conn, MONTH) == ([player] if missed.eligible else [])


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40)), min_size=1, max_size=8))
def test_who_takes_part_misses_nothing_and_is_a_member(hall: Path, months: list[tuple[int, int]]) -> None:
    with undone(hall) as conn:
        players = put_players(conn, len(months), guests=1)
        for player, (sessions, half_points) in zip(players, [*months[:-1], (9, 40), (9, 40)], strict=True):
            put_days(conn, player, FEBRUARY[:sessions])
            if half_points:
                conn.execute("INSERT INTO points_monthly VALUES (?, ?, ?)", [player, MONTH, half_points])
        erase(conn, players[-2])
        points.forget(conn, players[-2])
        plain = {p for p, (s, h) in zip(players[:-2], months[:-1], strict=True) if s >= 6 or h >= 30}
        assert set(draw_entries.eligible(conn, MONTH)) == plain
        assert plain == {p for p in players[:-2] if missing(conn, p, MONTH).eligible}


def test_entries_are_filled_in_anew_until_the_list_is_fixed(conn: sqlite3.Connection) -> None:
    players = put_regulars(conn, 3)
    draw = create(conn, players[0])
    assert draw.tickets == 3
    tickets = {one.player_id: one.ticket for one in draw_entries.entries(conn, draw.id)}
    put_days(conn, players[0], FEBRUARY[:1], shots=0)
    (late,) = [one.id for one in [draws.get_draw(conn, draw.id)] if one]
    assert draws.populate(conn, late, by=players[1], now=NOW) == 2
    assert draws.populate(conn, late, by=players[1], now=NOW) == 2
    (deed,) = [one for one in audit.recent(conn, 20) if one.what == "draw.filled"]
    assert (deed.who, deed.after) == (players[1], {"tickets": 2, "came": 0, "gone": 1}), (
        "what changes nothing is no deed"
    )
    put_days(conn, players[0], FEBRUARY[:1])
    fixed = draws.freeze(conn, draw.id, by=players[0], now=NOW)
    assert fixed.tickets == 3, "who takes part is decided at that moment"
    after = {one.player_id: one.ticket for one in draw_entries.entries(conn, draw.id)}
    assert [after[p] == tickets[p] for p in players] == [False, True, True]
    assert draws.freeze(conn, draw.id, by=players[1], now="2026-05-01T00:00:00.000Z") == fixed, "asked twice"
    put_days(conn, players[1], FEBRUARY[:1], shots=0)
    with pytest.raises(HallError, match="draw_frozen"):
        draws.populate(conn, draw.id, by=players[0], now=NOW)
    own = draw_entries.ticket_of(conn, draw.id, players[1])
    assert own is not None
    assert own.number in (1, 2, 3)
    assert draw_entries.ticket_of(conn, draw.id, "nobody") is None


def test_the_list_is_numbered_by_ids_that_say_nothing(conn: sqlite3.Connection) -> None:
    players = put_regulars(conn, 12)
    orders = set()
    for _ in range(5):
        draw = frozen(conn, players[0])
        held = draw_entries.entries(conn, draw.id)
        assert [one.number for one in held] == list(range(1, 13))
        assert [one.ticket for one in held] == sorted(one.ticket for one in held)
        assert len({one.ticket for one in held}) == 12
        listed = "".join(f"{one.number} {one.ticket}\n" for one in held)
        assert draw.entries_hash == hashlib.sha256(listed.encode()).hexdigest()
        orders.add(tuple(one.player_id for one in held))
    assert len(orders) == 5


def test_the_seed_is_promised_first_and_shown_last(conn: sqlite3.Connection) -> None:
    players = put_regulars(conn, 3)
    draw = frozen(conn, players[0])
    secret = conn.execute("SELECT seed FROM lucky_draw_seeds WHERE draw_id = ?", [draw.id]).fetchone()["seed"]
    assert draw.commitment == hashlib.sha256(secret.encode()).hexdigest()
    assert len(secret) == 64
    told: list[object] = [
        draws.get_draw(conn, draw.id),
        draws.current(conn),
        draws.history(conn),
        audit.recent(conn, 9),
    ]
    told.append([tuple(row) for row in conn.execute("SELECT * FROM lucky_draws")])
    assert secret not in str(told)
    with pytest.raises(HallError, match="draw_not_drawn"):
        draws.recipe(conn, draw.id)
    after = draws.draw(conn, draw.id, CALL, by=players[0], now=NOW)
    assert after.seed == secret
    assert after.commitment == draw.commitment
    assert conn.execute("SELECT count(*) FROM lucky_draw_seeds").fetchone()[0] == 0


def plain_winners(draw: Draw, tickets: int) -> list[int]:
    """The rule, told once more."""
    won: list[int] = []
    counter = 0
    while len(won) < draw.prizes:
        text = "\n".join([draw.id, str(draw.entries_hash), str(draw.call), str(counter)])
        digest = hmac.new(str(draw.seed).encode(), text.encode(), "sha256").digest()
        number = int.from_bytes(digest[:6], "big")
        if number // tickets < 2**48 // tickets and number % tickets + 1 not in won:
            won.append(number % tickets + 1)
        counter += 1
    return won


@pytest.mark.parametrize("prizes", [1, 3, 7])
def test_the_winners_follow_from_seed_list_and_call(conn: sqlite3.Connection, prizes: int) -> None:
    players = put_regulars(conn, 7, hidden=2)
    draw = drawn(conn, players[0], prizes=prizes)
    assert [one.number for one in draw.winners] == plain_winners(draw, 7)
    assert [one.place for one in draw.winners] == list(range(1, prizes + 1))
    names = {one.player_id: one.name for one in draw_entries.entries(conn, draw.id)}
    for one in draw.winners:
        own = next(entry for entry in draw_entries.entries(conn, draw.id) if entry.number == one.number)
        assert own.place == one.place
        seen = own.player_id not in players[5:]
        expected = (own.player_id, names[own.player_id]) if seen else (None, None)
        assert (one.player_id, one.name) == expected
    assert check(draws.recipe(conn, draw.id))


def test_it_is_drawn_once(conn: sqlite3.Connection) -> None:
    players = put_regulars(conn, 9)
    first = drawn(conn, players[0])
    deeds = len(audit.recent(conn, 99))
    for number in range(20):
        assert draws.draw(conn, first.id, f"again {number}", by=players[0], now=NOW) == first
    assert len(audit.recent(conn, 99)) == deeds
    assert draws.history(conn) == [first]
    assert draws.current(conn) == []


def test_what_is_refused(conn: sqlite3.Connection) -> None:
    players = put_regulars(conn, 2)
    draw = create(conn, players[0], prizes=3)
    with pytest.raises(HallError, match="draw_entries"):
        draws.freeze(conn, draw.id, by=players[0], now=NOW)
    with pytest.raises(HallError, match="draw_open"):
        draws.draw(conn, draw.id, CALL, by=players[0], now=NOW)
    with pytest.raises(HallError, match="draw_unknown"):
        draws.freeze(conn, "none", by=players[0], now=NOW)
    with pytest.raises(HallError, match="draw_unknown"):
        draws.void(conn, "none", "mistake", by=players[0], now=NOW)
    for prize, key in (("", "prize_length"), ("x" * 81, "prize_length"), ("A \x1b cue", "prize_refused")):
        with pytest.raises(HallError, match=key):
            draws.create(conn, MONTH, prize, by=players[0], now=NOW)
    for prizes in (0, -1, 21):
        with pytest.raises(HallError, match="prize_count"):
            create(conn, players[0], prizes=prizes)
    with pytest.raises(HallError, match="month_unknown"):
        draws.create(conn, "2026-13", "A cue", by=players[0], now=NOW)
    with pytest.raises(HallError, match="draw_unknown"):
        draws.create(conn, MONTH, "A cue", by=players[0], now=NOW, draw_id="$(reboot)")
    fixed = frozen(conn, players[0])
    for call, key in (("abc", "call_length"), ("x" * 81, "call_length"), ("12\u200b34", "call_refused")):
        with pytest.raises(HallError, match=key):
            draws.draw(conn, fixed.id, call, by=players[0], now=NOW)
    assert draws.draw(conn, fixed.id, "  un\u0303o \n dos ", by=players[0], now=NOW).call == "uño dos"


def test_a_request_that_comes_twice_makes_one_draw(conn: sqlite3.Connection) -> None:
    (player,) = put_regulars(conn, 1)
    draw_id = "0190a0a0-0000-7000-8000-000000000001"
    first = draws.create(conn, MONTH, "A cue", by=player, now=NOW, draw_id=draw_id)
    assert draws.create(conn, MONTH, "A cue", by=player, now=NOW, draw_id=draw_id) == first
    assert draws.current(conn) == [first]


def test_a_void_draw_stays_in_the_history_with_its_reason(conn: sqlite3.Connection) -> None:
    players = put_regulars(conn, 3)
    draw = drawn(conn, players[0])
    voided = draws.void(conn, draw.id, "doubt", by=players[1], now=NOW)
    assert (voided.state, voided.reason, voided.winners) == ("voided", "doubt", draw.winners)
    assert draws.void(conn, draw.id, "mistake", by=players[1], now=NOW) == voided
    with pytest.raises(HallError, match="draw_voided"):
        draws.populate(conn, draw.id, by=players[0], now=NOW)
    with pytest.raises(HallError, match="draw_voided"):
        draws.draw(conn, draw.id, CALL, by=players[0], now=NOW)
    assert draws.history(conn) == [voided]
    assert check(draws.recipe(conn, draw.id)), "and can still be checked"
    waiting = frozen(conn, players[0])
    draws.void(conn, waiting.id, "cancelled", by=players[0], now=NOW)
    assert [one.id for one in draws.history(conn)] == [waiting.id, draw.id]
    assert conn.execute("SELECT count(*) FROM lucky_draw_seeds").fetchone()[0] == 0


@pytest.mark.parametrize("reason", ["absent", "mistake"])
def test_drawn_anew_has_a_seed_of_its_own(conn: sqlite3.Connection, reason: draws.Reason) -> None:
    players = put_regulars(conn, 4)
    first = drawn(conn, players[0])
    again = draws.redraw(conn, first.id, reason, by=players[0], now=NOW)
    assert draws.redraw(conn, first.id, reason, by=players[0], now=NOW) == again, "asked twice"
    assert (again.state, again.replaces, again.prize) == ("open", first.id, first.prize)
    assert again.commitment != first.commitment
    left = {one.player_id for one in draw_entries.entries(conn, again.id)}
    gone = {one.player_id for one in first.winners} if reason == "absent" else set()
    assert left == set(players) - gone
    draws.freeze(conn, again.id, by=players[0], now=NOW)
    second = draws.draw(conn, again.id, CALL, by=players[0], now=NOW)
    third = draws.redraw(conn, second.id, "absent", by=players[0], now=NOW)
    gone |= {one.player_id for one in second.winners}
    assert {one.player_id for one in draw_entries.entries(conn, third.id)} == set(players) - gone


CHANGES = [
    "UPDATE lucky_draws SET commitment = 'x'",
    "UPDATE lucky_draws SET prize = 'A car'",
    "UPDATE lucky_draws SET entries_hash = 'x'",
    "UPDATE lucky_draws SET call = 'other'",
    "UPDATE lucky_draws SET drawn_at = NULL, call = NULL, seed = NULL",
    "DELETE FROM lucky_draws",
    "UPDATE lucky_draw_entries SET number = 9 WHERE number = 1",
    "UPDATE lucky_draw_entries SET ticket = 'x' WHERE number = 1",
    "UPDATE lucky_draw_entries SET place = 2 WHERE place = 1",
    "DELETE FROM lucky_draw_entries WHERE number = 1",
    "INSERT INTO lucky_draw_entries (draw_id, ticket) SELECT id, 'x' FROM lucky_draws",
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_promised_is_not_edited(conn: sqlite3.Connection, change: str) -> None:
    players = put_regulars(conn, 3)
    drawn(conn, players[0])
    with pytest.raises(sqlite3.IntegrityError, match="draw"):
        conn.execute(change)


def test_an_erased_players_ticket_stays_without_a_name(conn: sqlite3.Connection) -> None:
    players = put_regulars(conn, 4)
    fixed, still_open = drawn(conn, players[0], prizes=4), create(conn, players[0])
    before = draws.recipe(conn, fixed.id)
    erase(conn, players[2])
    draw_entries.forget(conn, players[2])
    assert draws.recipe(conn, fixed.id) == before
    assert sorted(str(one.player_id) for one in draw_entries.entries(conn, fixed.id)) == sorted(
        ["None", players[0], players[1], players[3]]
    )
    after = draws.get_draw(conn, fixed.id)
    assert after is not None
    assert [one.number for one in after.winners] == list(before.winners)
    assert "Player 0002" not in str(draws.history(conn))
    assert {one.player_id for one in draw_entries.entries(conn, still_open.id)} == {*players[:2], players[3]}


def test_two_who_are_one_have_one_ticket_and_what_it_won(conn: sqlite3.Connection) -> None:
    players = put_regulars(conn, 3)
    held = [drawn(conn, players[0])]
    while {one.winners[0].player_id for one in held} != set(players):  # chance decides, so until each has won once
        held.append(drawn(conn, players[0]))
    open_draw = create(conn, players[0])
    won_by = [one.winners[0].player_id for one in held]
    draw_entries.take_over(conn, players[1], players[0])
    for before, winner in zip(held, won_by, strict=True):
        after = draws.get_draw(conn, before.id)
        assert after is not None
        assert after.winners[0].player_id == (players[2] if winner == players[2] else players[0])
        owners = [one.player_id for one in draw_entries.entries(conn, before.id)]
        assert Counter(owners) == {players[0]: 1, players[2]: 1, None: 1}
    owners = [one.player_id for one in draw_entries.entries(conn, open_draw.id)]
    assert sorted(map(str, owners)) == sorted([players[0], players[2]])


def test_two_who_are_one_and_both_won_keep_the_own_ticket(conn: sqlite3.Connection) -> None:
    players = put_regulars(conn, 2)
    draw = drawn(conn, players[0], prizes=2)
    own = draw_entries.ticket_of(conn, draw.id, players[1])
    draw_entries.take_over(conn, players[0], players[1])
    assert draw_entries.ticket_of(conn, draw.id, players[1]) == own


# The arithmetic alone.

calls = st.text(st.characters(blacklist_categories=["C", "Z"]), min_size=4, max_size=30)


def make_recipe(rnd: Random, tickets: int, prizes: int, call: str) -> Recipe:
    seed = f"{rnd.getrandbits(256):064x}"
    listed = tuple(sorted(f"{rnd.getrandbits(64):016x}" for _ in range(tickets)))
    digest = draw_recipe.entries_hash(listed)
    won = winners(steps(seed, "draw-1", digest, call, (tickets, prizes)))
    return Recipe("draw-1", draw_recipe.commitment(seed), listed, digest, call, seed, prizes, won)


def chi_squared(counts: Counter[int], cells: int) -> float:
    mean = sum(counts.values()) / cells
    return sum((counts[cell] - mean) ** 2 / mean for cell in range(1, cells + 1))


# The 99.9 % points for 6 and 20 degrees of freedom.
@pytest.mark.parametrize(("tickets", "most"), [(7, 22.46), (21, 45.31)])
@pytest.mark.parametrize("place", [0, 2])
def test_every_ticket_wins_as_often(tickets: int, most: float, place: int) -> None:
    rnd = Random(tickets)
    counts = Counter(make_recipe(rnd, tickets, 3, CALL).winners[place] for _ in range(4200))
    assert chi_squared(counts, tickets) < most


def test_a_call_is_as_good_as_any_other() -> None:
    recipe = make_recipe(Random(5), 7, 1, CALL)
    counts = Counter(
        winners(steps(recipe.seed, recipe.draw_id, recipe.entries_hash, f"call {n}", (7, 1)))[0]
        for n in range(4200)
    )
    assert chi_squared(counts, 7) < 22.46


@given(st.integers(1, 40), st.data())
def test_winners_are_different_tickets_of_the_list(tickets: int, data: st.DataObject) -> None:
    prizes = data.draw(st.integers(1, tickets))
    recipe = make_recipe(Random(tickets), tickets, prizes, data.draw(calls))
    assert len(set(recipe.winners)) == prizes
    assert set(recipe.winners) <= set(range(1, tickets + 1))
    assert [step.counter for step in recipe.steps] == list(range(len(recipe.steps)))
    assert recipe.steps[-1].what == "won"
    assert check(recipe)


def test_numbers_over_the_largest_multiple_are_passed_over() -> None:
    # 2^48 is 1 more than a multiple of 3: one number must not count, and the next one decides.
    numbers = [2**48 - 1, 2**48 - 2, 2**48 - 2, 2**48 - 1, 0]
    taken = choose(lambda counter: f"{numbers[counter]:012x}" + "f" * 52, 3, 2)
    assert [(step.ticket, step.what) for step in taken] == [
        (None, "over"),
        (3, "won"),
        (3, "again"),
        (None, "over"),
        (1, "won"),
    ]
    assert choose(lambda _: "f" * 64, 4, 1)[0].ticket == 4, "all numbers count where there is no remainder"


def test_more_winners_than_tickets_there_are_not() -> None:
    for tickets, prizes in ((0, 0), (1, 2), (3, 0)):
        with pytest.raises(ValueError, match="can't win"):
            choose(lambda _: "0" * 64, tickets, prizes)


@given(st.integers(2, 30), st.data())
def test_whatever_is_changed_the_check_fails(tickets: int, data: st.DataObject) -> None:
    recipe = make_recipe(Random(tickets), tickets, min(3, tickets), CALL)
    where = data.draw(st.integers(0, tickets - 1))
    other = f"{int(recipe.tickets[where], 16) ^ 1:016x}"
    listed = (*recipe.tickets[:where], other, *recipe.tickets[where + 1 :])
    assert not check(replace(recipe, tickets=listed))
    assert not check(replace(recipe, tickets=recipe.tickets[:-1]))
    assert not check(replace(recipe, tickets=(*recipe.tickets, other)))
    assert not check(replace(recipe, seed=f"{int(recipe.seed, 16) ^ 1:064x}"))
    assert not check(replace(recipe, commitment="0" * 64))
    assert not check(replace(recipe, winners=(recipe.winners[0] % tickets + 1, *recipe.winners[1:])))
    # A list of one's own with its own hash, or another call, gives other numbers.
    forged = replace(recipe, tickets=listed, entries_hash=draw_recipe.entries_hash(listed))
    assert forged.steps[0].hmac != recipe.steps[0].hmac
    assert replace(recipe, call=CALL + "!").steps[0].hmac != recipe.steps[0].hmac


def run(program: str, command: list[str]) -> tuple[int, str]:
    done = subprocess.run(command, input=program.encode(), capture_output=True, check=False, timeout=60)
    return done.returncode, (done.stdout + done.stderr).decode()


SHELL = pytest.param("sh", marks=pytest.mark.skipif(
    shutil.which("openssl") is None or shutil.which("sha256sum") is None,
    reason="the printed shell program needs openssl and sha256sum",
))  # fmt: skip


def printed(recipe: Recipe, language: str) -> tuple[str, list[str]]:
    if language == "sh":
        return shell_program(recipe), ["sh"]
    return python_program(recipe), [sys.executable, "-"]


@pytest.mark.parametrize("language", [SHELL, "python"])
@pytest.mark.parametrize(
    ("tickets", "prizes", "call"),
    [
        (1, 1, "1234"),
        (8, 3, "it's 'quoted' \"twice\" $HOME `ls`"),
        (23, 5, r"a\nb %s \\ 100%"),
        (6, 6, "drei Bälle 🎱"),
    ],
)
def test_the_printed_programs_give_the_same_winners(language: str, tickets: int, prizes: int, call: str) -> None:
    recipe = make_recipe(Random(tickets), tickets, prizes, call)
    code, output = run(*printed(recipe, language))
    assert (code, output.strip()) == (0, " ".join(["winning tickets:", *map(str, recipe.winners)]))


@pytest.mark.parametrize("language", [SHELL, "python"])
def test_the_printed_programs_say_what_was_changed(language: str) -> None:
    recipe = make_recipe(Random(3), 8, 2, CALL)
    listed = (*recipe.tickets[:3], "0" * 16, *recipe.tickets[4:])
    for changed, said in (
        (replace(recipe, seed="0" * 64), "another seed"),
        (replace(recipe, tickets=listed), "another list"),
        (replace(recipe, tickets=recipe.tickets[1:]), "another list"),
    ):
        code, output = run(*printed(changed, language))
        assert code == 1
        assert said in output


def test_a_draw_of_the_store_can_be_done_again_from_what_is_printed(conn: sqlite3.Connection) -> None:
    players = put_regulars(conn, 5)
    draw = drawn(conn, players[0], prizes=2)
    code, output = run(*printed(draws.recipe(conn, draw.id), "python"))
    won = [str(one.number) for one in draw.winners]
    assert (code, output.split()[2:]) == (0, won)
