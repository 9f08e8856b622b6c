"""Ladders made anew: whatever comes late, is corrected or withdrawn, in any order, it is a plain recomputation."""

import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from hall_facts import (
    BEGIN,
    NOW,
    Played,
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
from sqlite_work import instructions

from edge.clock import stamp
from edge.hall import ladders
from edge.hall.ladders import Ladder, Terms
from edge.hall.matches import get_match
from edge.hall.rulings import put_ruling

PLAYERS = 5
KEYS = 14


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("fold") / "ladder.db", ladders.migrations)


@dataclass(frozen=True, slots=True)
class Placed:
    """Somebody is put into a division at a place; `division` None: they leave."""

    minute: int
    who: int
    division: int | None
    place: int | None


@dataclass(frozen=True, slots=True)
class EventWithdrawn:
    minute: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A challenge that waits from one minute to another."""

    minute: int
    pair: tuple[int, int]
    until: int | None
    race_to: int


@dataclass(frozen=True, slots=True)
class Put:
    """Somebody says of a match that it counts, or that it does not."""

    key: int
    counts: bool


@dataclass(frozen=True, slots=True)
class Confirmed:
    key: int
    stands: bool


@dataclass(frozen=True, slots=True)
class Withdrawn:
    key: int


Fact = Placed | EventWithdrawn | Asked | Put | Confirmed | Withdrawn | Played


def moments() -> st.SearchStrategy[int]:
    return st.integers(0, 279).map(lambda number: number * 360 + 7)


def facts() -> st.SearchStrategy[Fact]:
    keys = st.integers(0, KEYS - 1)
    asked = st.tuples(moments(), st.permutations(range(PLAYERS)), st.none() | moments(), st.sampled_from([3, 4]))
    return st.one_of(
        st.builds(
            Placed,
            moments(),
            st.integers(0, PLAYERS - 1),
            st.sampled_from([0, 0, 0, 1, None]),
            st.none() | st.integers(1, PLAYERS + 1),
        ),
        st.builds(EventWithdrawn, moments()),
        asked.map(lambda told: Asked(told[0], (told[1][0], told[1][1]), told[2], told[3])),
        st.builds(Put, keys, st.sampled_from([True, True, False])),
        st.builds(Confirmed, keys, st.booleans()),
        st.builds(Withdrawn, keys),
        played(PLAYERS, KEYS),
        played(PLAYERS, KEYS),
    )


@dataclass(slots=True)
class Known:
    """The facts that hold, in plain Python. Everybody was put into the first division before anything else."""

    events: dict[int, Placed] = field(default_factory=dict)
    challenges: dict[int, Asked] = field(default_factory=dict)
    matches: dict[int, Played] = field(default_factory=dict)
    put: dict[int, bool] = field(default_factory=dict)
    confirmed: set[int] = field(default_factory=set)

    def counting(self) -> dict[int, Played]:
        """The matches that are for the ladder: those of which it was said, and those that met a challenge."""
        free, counting = dict(self.challenges), {}
        for key, match in sorted(self.matches.items(), key=lambda item: (item[1].minute, item[1].match_id)):
            said = self.put.get(key)
            met = [
                made
                for made, asked in sorted(free.items())
                if set(asked.pair) == set(match.pair)
                and made <= match.minute
                and (asked.until is None or match.minute < asked.until)
                and (said or (said is None and asked.race_to <= max(match.score)))
            ]
            if met:
                del free[met[0]]
            if met or said:
                counting[key] = match
        return counting


@dataclass(slots=True)
class Plain:
    """A ladder by the letter: each player's division and number of the place."""

    where: dict[int, tuple[int, int]] = field(default_factory=dict)
    won: dict[int, list[bool]] = field(default_factory=lambda: defaultdict(list))

    def leave(self, who: int) -> None:
        if who not in self.where:
            return
        division, place = self.where.pop(who)
        for other, (of, at) in self.where.items():
            if of == division and at > place:
                self.where[other] = (of, at - 1)

    def come(self, who: int, division: int, place: int | None) -> None:
        self.leave(who)
        members = sum(of == division for of, _ in self.where.values())
        place = members + 1 if place is None else min(place, members + 1)
        for other, (of, at) in self.where.items():
            if of == division and at >= place:
                self.where[other] = (of, at + 1)
        self.where[who] = (division, place)

    def win(self, winner: int, loser: int) -> None:
        if winner not in self.where or loser not in self.where:
            return
        (division, low), (of_loser, high) = self.where[winner], self.where[loser]
        if division != of_loser:
            return
        self.won[winner].append(True)
        self.won[loser].append(False)
        if high < low:
            for other, (of, at) in self.where.items():
                if of == division and high <= at < low:
                    self.where[other] = (of, at + 1)
            self.where[winner] = (division, high)


def recompute(known: Known, *, final_only: bool = False) -> Plain:
    plain = Plain()
    for who in range(PLAYERS):
        plain.come(who, 0, None)
    counting = known.counting()
    happened: list[tuple[int, str, Placed | Played]] = [(e.minute, "", e) for e in known.events.values()]
    happened += [
        (match.minute, match.match_id, match)
        for key, match in counting.items()
        if key in known.confirmed or not final_only
    ]
    for _, _, what in sorted(happened, key=lambda one: one[:2]):
        if isinstance(what, Played):
            plain.win(*what.pair)
        elif what.division is None:
            plain.leave(what.who)
        else:
            plain.come(what.who, what.division, what.place)
    return plain


@dataclass(slots=True)
class Story:
    """A ladder in a store, and the same facts in plain Python."""

    conn: sqlite3.Connection
    players: list[str]
    staff: str
    ladder: Ladder
    known: Known = field(default_factory=Known)

    def at(self, minute: int) -> str:
        return stamp(BEGIN + timedelta(minutes=minute))

    def enter(self, fact: Fact) -> None:
        if isinstance(fact, Placed | EventWithdrawn):
            self._event(fact)
        elif isinstance(fact, Asked):
            self._challenge(fact)
        else:
            self._match(fact)

    def _event(self, fact: Placed | EventWithdrawn) -> None:
        before = self.known.events.pop(fact.minute, None)
        if before is not None:  # no two events at one moment: the earlier one known is withdrawn
            self.conn.execute(
                "UPDATE ladder_events SET withdrawn_at = ?, withdrawn_by = ? WHERE at = ?",
                [NOW, self.staff, self.at(fact.minute)],
            )
        if isinstance(fact, Placed):
            self.known.events[fact.minute] = fact
            division = None if fact.division is None else self.ladder.divisions[fact.division].id
            self.conn.execute(
                "INSERT INTO ladder_events (ladder_id, kind, player_id, division_id, place, at, by)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    self.ladder.id,
                    "left" if division is None else "placed",
                    self.players[fact.who],
                    division,
                    None if division is None else fact.place,
                    self.at(fact.minute),
                    self.staff,
                ],
            )
        ladders.settle_ladder(self.conn, self.ladder.id)

    def _challenge(self, fact: Asked) -> None:
        if fact.minute in self.known.challenges:
            return
        self.known.challenges[fact.minute] = fact
        until = None if fact.until is None else self.at(fact.until)
        pair = [self.players[side] for side in fact.pair]
        self.conn.execute(
            "INSERT INTO ladder_challenges (id, ladder_id, division_id, challenger, challenged, race_to, made_at,"
            " deadline, ended_at, ended_as) VALUES (?, ?, ?, ?, ?, ?, ?, '2026-12-31', ?, ?)",
            [f"c-{fact.minute:09}", self.ladder.id, self.ladder.divisions[0].id, *pair, fact.race_to]
            + [self.at(fact.minute), until, None if until is None else "called_off"],
        )
        for match in list(self.known.matches.values()):
            ladders.settle_match(self.conn, match.match_id)

    def _match(self, fact: Played | Put | Confirmed | Withdrawn) -> None:
        known = self.known
        if isinstance(fact, Played):
            put_match(self.conn, fact, self.players)
            self.conn.execute("UPDATE matches SET started_at = ended_at WHERE id = ?", [fact.match_id])
            known.matches[fact.key] = fact
        match = known.matches.get(fact.key)
        if match is None:
            return
        if isinstance(fact, Withdrawn):
            withdraw(self.conn, match)
            del known.matches[fact.key]
        elif isinstance(fact, Put):
            known.put[fact.key] = fact.counts
            self.conn.execute(
                "INSERT INTO ladder_matches (match_id, ladder_id, role, by, at) VALUES (?, ?, 'staff', ?, ?)",
                [match.match_id, self.ladder.id if fact.counts else None, self.staff, NOW],
            )
        elif isinstance(fact, Confirmed) and fact.stands:
            known.confirmed.add(fact.key)
            put_ruling(self.conn, match.match_id, match.score, self.staff, NOW)
        elif isinstance(fact, Confirmed):
            known.confirmed.discard(fact.key)
            self.conn.execute(
                "UPDATE rulings SET withdrawn_at = ?, withdrawn_by = ? WHERE match_id = ?",
                [NOW, self.staff, match.match_id],
            )
        ladders.settle_match(self.conn, match.match_id)

    def enter_anew(self, known: Known, rnd: Random) -> None:
        """What holds by `known`, as if nothing else had ever been known, in some order."""
        told: list[list[Fact]] = [[fact] for fact in known.events.values()]
        told += [[fact] for fact in known.challenges.values()]
        for key, match in known.matches.items():
            about: list[Fact] = [match]
            about += [Put(key, known.put[key])] if key in known.put else []
            about += [Confirmed(key, True)] if key in known.confirmed else []
            told.append(about)
        rnd.shuffle(told)
        for fact in (fact for about in told for fact in about):
            self.enter(fact)

    def standings(self) -> dict[int, tuple[object, ...]]:
        return {
            self.players.index(row.player_id): (
                n,
                row.place,
                row.played,
                row.won,
                row.streak,
                row.provisional,
            )
            for n, division in enumerate(self.ladder.divisions)
            for row in ladders.standings(self.conn, self.ladder.id, division.id)
        }

    def due(self) -> dict[int, tuple[object, ...]]:
        plain, sure = recompute(self.known), recompute(self.known, final_only=True)
        due: dict[int, tuple[object, ...]] = {}
        for who, where in plain.where.items():
            won = plain.won[who]
            streak = next((n for n, one in enumerate(reversed(won)) if not one), len(won))
            due[who] = (*where, len(won), sum(won), streak, sure.where.get(who) != where)
        return due

    def met(self) -> list[tuple[str, str | None]]:
        return [tuple(row) for row in self.conn.execute("SELECT id, met_by FROM ladder_challenges ORDER BY id")]


def begin(conn: sqlite3.Connection) -> Story:
    players = put_players(conn, PLAYERS + 1)
    staff = players.pop()
    before = stamp(BEGIN.replace(year=2025))
    ladder = ladders.create_ladder(conn, Terms("House ladder", race_to=3), ["Gold", "Silver"], staff, before)
    ladders.add_members(conn, ladder.divisions[0].id, players, staff, before)
    return Story(conn, players, staff, ladder)


@pytest.mark.slow
@settings(max_examples=200)
@given(st.lists(facts(), max_size=40), st.randoms(use_true_random=False))
def test_whatever_comes_late_is_corrected_or_withdrawn_it_is_a_plain_recomputation(
    path: Path, facts: list[Fact], rnd: Random
) -> None:
    with undone(path) as conn:
        story = begin(conn)
        for fact in facts:
            story.enter(fact)
        assert story.standings() == story.due()
        known, stands, met = story.known, story.standings(), story.met()
        rows = conn.execute("SELECT match_id FROM ladder_results ORDER BY match_id").fetchall()
        assert {row["match_id"] for row in rows} <= {m.match_id for m in known.counting().values()}
        for who, player in enumerate(story.players):
            final = sum(key in known.confirmed for key, m in known.counting().items() if who in m.pair)
            assert len(ladders.ladder_outcomes(conn, player)) <= final
    with undone(path) as conn:
        story = begin(conn)
        story.enter_anew(known, rnd)
        assert (story.standings(), story.met()) == (stands, met)


def test_settling_again_changes_nothing(path: Path) -> None:
    with undone(path) as conn:
        story = begin(conn)
        story.enter(Played(1, (3, 0), (3, 1), 500))
        story.enter(Put(1, True))
        before = conn.total_changes
        assert ladders.settle_ladder(conn, story.ladder.id) == frozenset()
        rows = 2 * PLAYERS  # the standings are written again, a history is not
        assert conn.total_changes - before == rows


LADDERS, MEMBERS, MATCHES = 12, 40, 500


def fill(conn: sqlite3.Connection, count: int, matches: int) -> list[Ladder]:
    """So many ladders of 40 with so many matches each over 24 months, the latest three not confirmed."""
    players = put_players(conn, MEMBERS + 1)
    staff = players.pop()
    rnd = Random(7)
    made = [
        ladders.create_ladder(conn, Terms(f"Ladder {n}", race_to=3), ["One", "Two"], staff, stamp(BEGIN))
        for n in range(count)
    ]
    for number, ladder in enumerate(made):
        ladders.add_members(conn, ladder.divisions[0].id, players, staff, stamp(BEGIN))
        step = 24 * 30 * 24 * 60 // matches
        told = [
            Played(number * 10_000 + n, (pair[0], pair[1]), (3, 1), (n + 1) * step)
            for n in range(matches)
            for pair in [rnd.sample(range(MEMBERS), 2)]
        ]
        put_results(conn, [match.result(players) for match in told])
        conn.executemany(
            "INSERT INTO ladder_matches (match_id, ladder_id, role, by, at) VALUES (?, ?, 'player', NULL, ?)",
            [[match.match_id, ladder.id, NOW] for match in told[::2]],
        )
        conn.executemany(
            "INSERT INTO ladder_challenges (id, ladder_id, division_id, challenger, challenged, race_to, made_at,"
            " deadline, met_by) VALUES (?, ?, ?, ?, ?, 3, ?, '2026-01-20', ?)",
            [
                [f"c{m.key}", ladder.id, ladder.divisions[0].id, players[m.pair[0]], players[m.pair[1]]]
                + [stamp(m.end), m.match_id]
                for m in told[1::2]
            ],
        )
        for match in told[:-3]:
            put_ruling(conn, match.match_id, match.score, staff, NOW)
        ladders.settle_ladder(conn, ladder.id)
    return made


def work(path: Path, count: int, matches: int) -> dict[str, int]:
    """What each deed costs on the first of so many ladders."""
    with undone(path) as conn:
        first = fill(conn, count, matches)[0]
        rows = ladders.standings(conn, first.id, first.divisions[0].id)
        member = rows[20].player_id
        waiting = ladders.to_confirm(conn)[0].match_id
        match = get_match(conn, waiting)
        assert match is not None
        assert len(ladders.to_confirm(conn)) == 3 * count
        assert ladders.count_to_confirm(conn, first.id) == 3
        assert sum(row.played for row in rows) == 2 * matches
        return {
            name: instructions(conn, act)
            for name, act in {
                "standings": lambda: ladders.standings(conn, first.id, first.divisions[0].id),
                "to_confirm": lambda: ladders.to_confirm(conn, 3),
                "count_to_confirm": lambda: ladders.count_to_confirm(conn, first.id),
                "challenges": lambda: ladders.challenges(conn, first.id),
                "count_challenges": lambda: ladders.count_challenges(conn, first.id),
                "division_sizes": lambda: ladders.division_sizes(conn, first.id),
                "overdue": lambda: ladders.overdue(conn, "2027-01-01"),
                "for_ladder": lambda: ladders.for_ladder(conn, match),
                "my_ladders": lambda: ladders.my_ladders(conn, member),
                "settle_ladder": lambda: ladders.settle_ladder(conn, first.id),
                "settle_match": lambda: ladders.settle_match(conn, waiting),
                "outcomes": lambda: ladders.ladder_outcomes(conn, member),
            }.items()
        }


@pytest.mark.slow
def test_a_ladders_work_does_not_grow_with_the_other_ladders_nor_a_page_with_what_was_played(path: Path) -> None:
    whole, alone, young = work(path, LADDERS, MATCHES), work(path, 1, MATCHES), work(path, 1, MATCHES // 10)
    print(whole, alone, young)
    for name in set(whole) - {"my_ladders", "outcomes", "settle_match"}:
        assert whole[name] <= 1.3 * alone[name] + 200, name
    for name in set(alone) - {"settle_ladder", "settle_match", "outcomes"}:
        assert alone[name] <= 1.3 * young[name] + 200, name
    assert whole["my_ladders"] <= 1.3 * LADDERS * alone["my_ladders"]
    assert alone["settle_ladder"] < 150 * MATCHES + 20_000
