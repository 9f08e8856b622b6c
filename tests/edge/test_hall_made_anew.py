"""Whatever is mended, said and taken back, in whatever order: what stands is what a plain recomputation gives."""

import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from evening import Evening
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.hall import points, ratings, streaks
from edge.hall.said import Said
from edge.hall.scoring import recount
from edge.hall.sitting import at_table

RACK = tuple(str(n) for n in range(1, 10))
STANDS = (
    "SELECT * FROM plays ORDER BY shot_id",
    "SELECT * FROM metrics_daily ORDER BY player_id, date",
    "SELECT id, shots, active_s FROM sessions ORDER BY id",
    "SELECT id, status, score_a, score_b, winner, hill_hill, state FROM matches ORDER BY id",
    "SELECT player_id, half_points FROM points_monthly ORDER BY player_id",
    "SELECT player_id, elo, fargo FROM ratings ORDER BY player_id",
    "SELECT * FROM streaks WHERE best_wins + best_days > 0 ORDER BY player_id",
)


def spend(evening: Evening, seed: int, steps: int) -> None:
    """An evening of two players, with practice, matches, mended shots and taps."""
    chance = random.Random(seed)
    players = [evening.player("Ana"), evening.player("Ben")]
    said: list[Said] = []
    shots: list[str] = []
    evening.practise(players[0])
    for _ in range(steps):
        what = chance.random()
        if what < 0.06:
            evening.leave()
            said = []
            if chance.random() < 0.5:
                evening.practise(chance.choice(players))
            else:
                game = chance.choice(["8-ball", "9-ball", "10-ball", "straight pool"])
                evening.match(players[0], players[1], game, chance.choice([1, 2, 5]))
        elif what < 0.16 and shots:
            potted = chance.random() < 0.5
            evening.mend(chance.choice(shots), potted=(), scratch=potted, result="miss")
        elif what < 0.28 and match_goes_on(evening):
            kind = chance.choice(["turn", "rack", "foul", "no foul", "end"])
            side = None if "foul" in kind else chance.randrange(2)
            said.append(evening.say(kind, side=side))  # type: ignore[arg-type]
        elif what < 0.34 and said:
            evening.unsay(said.pop(chance.randrange(len(said))))
        else:
            count = chance.choice([0, 0, 1, 1, 2])
            balls = chance.sample([*RACK, "cue"], count)
            lying = RACK[chance.randrange(4) :]
            kind = chance.choice(["cut", "break", "safety", "straight"])
            shots.append(evening.shoot(*balls, kind=kind, first=chance.choice([None, *lying]), on_table=lying))


def match_goes_on(evening: Evening) -> bool:
    with evening.store.read() as conn:
        return at_table(conn, "Table 1").match is not None


def forget_what_follows(evening: Evening) -> None:
    """Of shots nothing is left but what was seen and said."""
    with evening.store.write() as conn:
        conn.execute("DELETE FROM plays")
        conn.execute("DELETE FROM metrics_daily")
        conn.execute("UPDATE sessions SET shots = 0, active_s = 0")


@pytest.mark.slow
@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 60))
def test_what_stands_is_what_a_plain_recomputation_gives(seed: int, steps: int) -> None:
    with TemporaryDirectory() as folder:
        evening = Evening(Path(folder))
        spend(evening, seed, steps)
        stands = [evening.rows(sql) for sql in STANDS]
        forget_what_follows(evening)
        with evening.store.write() as conn:
            ids = [row["id"] for row in conn.execute("SELECT id FROM shots ORDER BY id")]
            random.Random(seed).shuffle(ids)
            conn.executemany("INSERT INTO to_book (shot_id) VALUES (?)", [[shot_id] for shot_id in ids])
        evening.books.book()
        with evening.store.write() as conn:
            for session in at_table(conn, "Table 1").sessions:
                recount(conn, session, evening.now)
            ratings.settle(conn)
            for row in conn.execute("SELECT id FROM players").fetchall():
                points.settle(conn, row["id"], evening.here.stamp)
                streaks.settle(conn, row["id"])
        assert [evening.rows(sql) for sql in STANDS] == stands
        evening.close()
