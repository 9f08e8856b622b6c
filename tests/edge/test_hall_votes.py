"""The month's votes: one a member and kind, for others who came, and nobody learns of whom."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hall_facts import NOW, erase, make_store, put_days, put_players, undone
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.hall import audit, game_sessions, votes
from edge.hall.errors import HallError
from edge.hall.occasion import Occasion
from edge.hall.votes import KINDS, Kind

MONTH = "2026-02"
HERE = Occasion(datetime(2026, 2, 28, 12, tzinfo=UTC), "2026-02-28", "Table 1")
BEFORE = Occasion(datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31", "Table 1")


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    features = (game_sessions.migrations, votes.migrations)
    return make_store(tmp_path_factory.mktemp("votes") / "ladder.db", *features)


@pytest.fixture
def conn(hall: Path) -> Iterator[sqlite3.Connection]:
    with undone(hall) as conn:
        yield conn


@pytest.fixture
def here(conn: sqlite3.Connection) -> list[str]:
    """Three who came, one who came and is hidden, a guest who came, and one who did not."""
    players = put_players(conn, 5, hidden=2, guests=1)
    conn.execute("UPDATE players SET visible = 1 WHERE id = ?", [players[3]])
    came = [*players[:3], players[4], players[5]]
    for player in came:
        put_days(conn, player, ["2026-02-28"])
    put_days(conn, players[3], ["2026-01-31", "2026-03-01"])
    return [*came, players[3]]


def vote(conn: sqlite3.Connection, voter: str, candidate: str, kind: Kind = "mvp", when: Occasion = HERE) -> None:
    votes.vote(conn, MONTH, kind, voter=voter, candidate=candidate, here=when)


def counts(conn: sqlite3.Connection, kind: Kind = "mvp") -> dict[str, int]:
    return {one.player_id: one.votes for one in votes.counts(conn, MONTH)[kind]}


def test_candidates_are_the_others_who_came_and_want_to_be_seen(conn: sqlite3.Connection, here: list[str]) -> None:
    assert [one.name for one in votes.candidates(conn, MONTH, here[0])] == ["Player 0001", "Player 0002"]
    assert [one.player_id for one in votes.candidates(conn, MONTH, here[3])] == here[:3]


def test_who_may_not_vote_and_who_can_not_be_voted_for(conn: sqlite3.Connection, here: list[str]) -> None:
    first, second, third, hidden, guest, away = here
    for voter in (guest, away, "nobody"):
        with pytest.raises(HallError, match="vote_attend"):
            vote(conn, voter, first)
    for candidate in (hidden, guest, away, "nobody"):
        with pytest.raises(HallError, match="vote_candidate"):
            vote(conn, first, candidate)
    with pytest.raises(HallError, match="vote_own"):
        vote(conn, first, first)
    with pytest.raises(HallError, match="vote_closed"):
        vote(conn, first, second, when=BEFORE)
    assert counts(conn) == {}
    vote(conn, hidden, first)
    vote(conn, third, first, "best_teammate")
    assert counts(conn) == counts(conn, "best_teammate") == {first: 1}


def test_a_vote_can_be_changed_until_it_is_closed(conn: sqlite3.Connection, here: list[str]) -> None:
    first, second, third = here[:3]
    vote(conn, first, second)
    vote(conn, first, third)
    assert counts(conn) == {third: 1}
    assert votes.voted(conn, MONTH, first) == {"mvp"}
    votes.close(conn, MONTH, NOW)
    votes.close(conn, MONTH, NOW)
    assert not votes.is_open(conn, MONTH, HERE)
    with pytest.raises(HallError, match="vote_closed"):
        vote(conn, first, second)
    assert counts(conn) == {third: 1}


def test_nothing_tells_who_voted_for_whom(conn: sqlite3.Connection, here: list[str]) -> None:
    vote(conn, here[0], here[1])
    assert audit.recent(conn, 10) == []
    columns = {row["name"] for row in conn.execute("SELECT name FROM pragma_table_info('award_votes')")}
    assert columns == {"month", "kind", "voter", "candidate"}, "neither a stamp nor an order"
    with pytest.raises(sqlite3.OperationalError, match="rowid"):
        conn.execute("SELECT rowid FROM award_votes")
    # Everything this feature gives away, but to the voter: no id of a voter is in it.
    told = list(votes.counts(conn, MONTH).values())
    assert here[0] not in str(told)
    assert votes.voted(conn, MONTH, here[0]) == {"mvp"}


def test_two_who_are_one_have_one_vote_and_none_for_themselves(conn: sqlite3.Connection, here: list[str]) -> None:
    first, second, third, hidden = here[:4]
    vote(conn, first, second)
    vote(conn, hidden, third)
    vote(conn, third, first)
    vote(conn, hidden, first, "best_teammate")
    votes.take_over(conn, hidden, first)
    assert counts(conn) == {second: 1, first: 1}, "the own vote is kept, the other one falls away"
    assert counts(conn, "best_teammate") == {}


@settings(max_examples=100)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("vote"), st.integers(0, 4), st.integers(0, 4), st.sampled_from(KINDS)),
            st.tuples(
                st.sampled_from(["away", "came", "hide", "erase", "one"]),
                st.integers(0, 4),
                st.integers(0, 4),
                st.just(""),
            ),
        ),
        max_size=25,
    )
)
def test_counts_are_a_plain_recount_whatever_happens_in_between(
    hall: Path, story: list[tuple[str, int, int, str]]
) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 5)
        came, seen, gone = set(range(5)), set(range(5)), set[int]()
        for player in players:
            put_days(conn, player, ["2026-02-10"])
        cast: dict[tuple[str, int], int] = {}
        for what, who, other, kind in story:
            if what == "vote":
                allowed = who != other and who in came - gone and other in (came & seen) - gone
                try:
                    vote(conn, players[who], players[other], "mvp" if kind == "mvp" else "best_teammate")
                    assert allowed
                    cast[kind, who] = other
                except HallError:
                    assert not allowed
            elif what in ("away", "came") and who not in gone:
                put_days(conn, players[who], ["2026-02-10"], shots=3 if what == "came" else 0)
                (came.add if what == "came" else came.discard)(who)
            elif what == "hide" and who not in gone:
                conn.execute("UPDATE players SET visible = 0 WHERE id = ?", [players[who]])
                seen.discard(who)
            elif what == "erase":
                erase(conn, players[who])
                votes.forget(conn, players[who])
                gone.add(who)
                cast = {key: whom for key, whom in cast.items() if who not in (key[1], whom)}
            elif what == "one" and who != other and not {who, other} & gone:
                votes.take_over(conn, players[who], players[other])
                others = {key: w for key, w in cast.items() if {key[1], w} != {who, other}}
                moved = {key: other if w == who else w for key, w in others.items()}
                own = {(k, other): w for (k, v), w in moved.items() if v == who}
                cast = own | {(k, v): w for (k, v), w in moved.items() if v != who}
        for kind in KINDS:
            here = (came & seen) - gone
            plain = Counter(w for (k, v), w in cast.items() if k == kind and v in came - gone and w in here)
            assert counts(conn, kind) == {players[who]: number for who, number in plain.items()}
            falling = [one.votes for one in votes.counts(conn, MONTH)[kind]]
            assert falling == sorted(falling, reverse=True)
