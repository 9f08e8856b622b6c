"""Who wins a month: pure rules over the scores of one hall.

The same scores and the same rules always give the same winners. Nobody gets two rewards in a period.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sync.cloud.rules import Rules

Kind = Literal["half", "free"]
Why = Literal["first", "runner-up"]

HALL = ""  # the slot of a hall's one winner; a ladder's is its id
NEAR = 3  # so many are named who were close


@dataclass(frozen=True, slots=True)
class Score:
    """A player's month on one ladder, or on none. Shares are 0–100; `reached_at` is when the last session
    ended."""

    player: str
    name: str | None
    ladder: str
    ladder_name: str
    coach_avg: float
    hours: float
    hours_norm: float
    win_rate: float
    total: float
    sessions: int
    shots: int
    reached_at: str


@dataclass(frozen=True, slots=True)
class Award:
    """Who wins a slot, of what kind and why; `ladders` are those that made it a free month."""

    slot: str
    score: Score
    kind: Kind
    why: Why
    ladders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Near:
    """Somebody who was close: how far behind, and what was missing to be able to win, in words, if anything
    was."""

    score: Score
    behind: float
    missing: str


@dataclass(frozen=True, slots=True)
class Decision:
    """A month, decided. `near` are the next ones of each slot; `nobody` says why a month has no winner."""

    awards: tuple[Award, ...] = ()
    near: dict[str, tuple[Near, ...]] = field(default_factory=dict)
    nobody: str = ""


def order(score: Score, rules: Rules) -> tuple[object, ...]:
    """Sorts the best first: by score, then hours, sessions, who got there first; at last by id, so that it is the
    same everywhere."""
    first = (-score.total, -score.hours) if rules.by == "score" else (-score.hours, -score.total)
    return (*first, -score.sessions, score.reached_at, score.player, score.ladder)


def best_rows(scores: Iterable[Score], rules: Rules) -> list[Score]:
    """Each player's best row, the best first."""
    best: dict[str, Score] = {}
    for score in sorted(scores, key=lambda one: order(one, rules)):
        best.setdefault(score.player, score)
    return list(best.values())


def missing(score: Score, rules: Rules) -> str:
    """What somebody lacks to be able to win, in words; nothing where nothing is."""
    lacks = []
    if score.sessions < rules.least_sessions:
        lacks.append(_count(rules.least_sessions - score.sessions, "session"))
    if score.hours < rules.least_hours:
        lacks.append(f"{rules.least_hours - score.hours:.1f} hours")
    return " and ".join(lacks)


def decide(scores: Sequence[Score], rules: Rules, barred: Collection[str] = ()) -> Decision:
    """The winners of a month. `barred` have a reward of this period already, in another hall."""
    if not scores:
        return Decision(nobody="nobody trained")
    slots = _slots(scores, rules)
    if not slots:
        return Decision(nobody="nobody who trained is on a ladder")
    awards: list[Award] = []
    near: dict[str, tuple[Near, ...]] = {}
    taken = set(barred)
    for slot, ranked in slots:
        able = [score for score in ranked if not missing(score, rules)]
        free = [score for score in able if score.player not in taken]
        passed_over = bool(able) and able[0].player in taken
        winner = None if not free or (passed_over and rules.same_player == "nobody") else free[0]
        near[slot] = _near(ranked, winner, rules)
        if winner is None:
            continue
        taken.add(winner.player)
        ladders = counting_ladders(scores, winner.player, rules)
        is_free = rules.free_month and len(ladders) >= rules.free_ladders
        awards.append(
            Award(
                slot,
                winner,
                "free" if is_free else "half",
                "runner-up" if passed_over else "first",
                ladders if is_free else (),
            )
        )
    nobody = "" if awards else _why_nobody(slots, rules, taken)
    return Decision(tuple(awards), near, nobody)


def counting_ladders(scores: Iterable[Score], player: str, rules: Rules) -> tuple[str, ...]:
    """The ladders of a player in which enough have trained, by name; `scores` are all rows of the hall."""
    on: dict[str, set[str]] = {}
    names: dict[str, str] = {}
    for score in scores:
        if score.ladder and score.sessions > 0:
            on.setdefault(score.ladder, set()).add(score.player)
            names[score.ladder] = score.ladder_name
    least = rules.active_players + (1 if rules.counted == "others" else 0)
    return tuple(
        names[ladder]
        for ladder, players in sorted(on.items(), key=lambda one: (names[one[0]], one[0]))
        if player in players and len(players) >= least
    )


def _slots(scores: Sequence[Score], rules: Rules) -> list[tuple[str, list[Score]]]:
    """What there is to win, each with those who compete for it, best first; the ladder with most players first."""
    if rules.winners == "hall":
        return [(HALL, best_rows(scores, rules))]
    on: dict[str, list[Score]] = {}
    for score in scores:
        if score.ladder:
            on.setdefault(score.ladder, []).append(score)
    ranked = [(ladder, sorted(rows, key=lambda one: order(one, rules))) for ladder, rows in on.items()]
    return sorted(ranked, key=lambda one: (-len(one[1]), one[0]))


def _near(ranked: Sequence[Score], winner: Score | None, rules: Rules) -> tuple[Near, ...]:
    first = winner or (ranked[0] if ranked else None)
    if first is None:
        return ()
    others = [score for score in ranked if winner is None or score.player != winner.player]
    return tuple(Near(score, _behind(first, score, rules), missing(score, rules)) for score in others[:NEAR])


def _behind(first: Score, score: Score, rules: Rules) -> float:
    ahead = first.total - score.total if rules.by == "score" else first.hours - score.hours
    return round(ahead, 2)


def _why_nobody(slots: Sequence[tuple[str, list[Score]]], rules: Rules, taken: Collection[str]) -> str:
    if any(not missing(score, rules) for _, ranked in slots for score in ranked if score.player in taken):
        return "whoever could have won has a reward of this month already"
    return f"nobody reached {_count(rules.least_sessions, 'session')} and {rules.least_hours:g} hours"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
