"""Shots reported against shots played: found, make or miss, pots, and what was measured of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from vision.evaluate import statistics as st
from vision.evaluate.names import Pockets, group_of, same_ball
from vision.evaluate.spin import Said, macro_f1, score_labels
from vision.evaluate.statistics import Metric
from vision.evaluate.truth import TruePot, TrueShot, Truth
from vision.model import Contact, Pot, Shot

START_S, END_S = 0.2, 0.5
_ROUNDING_S = 1e-3
_TURNED_RAIL = {"head": "foot", "foot": "head", "left": "right", "right": "left"}


@dataclass(frozen=True)
class Game:
    """One recording: what was played, what was reported, and how its pockets go together. `frame_s` is the time
    from one frame to the next, where it is known."""

    truth: Truth
    shots: Sequence[Shot]
    pockets: Pockets
    frame_s: float | None = None


class Pair(NamedTuple):
    """A shot played and the one reported for it."""

    true: TrueShot
    shot: Shot
    game: Game


_MEASURES: tuple[tuple[str, str, str], ...] = (
    ("cut_angle_deg", "cut angle, mean error", "°"),
    ("cue_distance_in", "cue distance, mean error", "in"),
    ("pocket_distance_in", "pocket distance, mean error", "in"),
    ("cue_speed_mph", "speed, mean error", "mph"),
)


def score_shots(games: Sequence[Game]) -> list[Metric]:
    """Figures for the shots of recordings of one kind, all taken together."""
    metrics: list[Metric] = []
    reported = sum(len(game.shots) for game in games)
    totals = [game.truth.shots_total for game in games if game.truth.shots_total is not None]
    if totals:
        metrics.append(Metric("shots played", float(sum(totals)), sum(totals)))
    metrics.append(Metric("shots reported", float(reported), reported))
    known = [game for game in games if game.truth.shots is not None]
    if known:
        pairs = [Pair(t, s, game) for game in known for t, s in match_shots(game.truth.shots or (), game.shots)]
        true = [shot for game in known for shot in game.truth.shots or ()]
        metrics.append(st.f1(_found_name(true), len(pairs), len(true), sum(len(game.shots) for game in known)))
        ends = [abs(p.shot.end_s - p.true.end_s) for p in pairs if p.true.end_s and p.shot.end_s is not None]
        metrics.append(st.share(f"end within {END_S:g} s", sum(e <= END_S for e in ends), len(ends)))
        metrics = st.within("shots", metrics) + _of_pairs(pairs)
    pots = [game for game in games if game.truth.pots is not None]
    if pots:
        metrics += st.within("outcome", _of_pots(pots))
    sections = list(dict.fromkeys(metric.section for metric in metrics))
    metrics.sort(key=lambda metric: sections.index(metric.section))
    return [metric for metric in metrics if metric.n or metric.name.startswith(("shots", "pots", "false"))]


def match_shots(true: Sequence[TrueShot], shots: Sequence[Shot]) -> list[tuple[TrueShot, Shot]]:
    """Pairs one to one: by start within ± 0.2 s, or in order where no start is known."""
    if any(shot.start_s is None for shot in true):
        return list(zip(true, shots, strict=False))
    if not true or not shots:
        return []
    starts = np.array([float(t.start_s or 0.0) for t in true])
    off = np.abs(starts[:, None] - np.array([s.start_s for s in shots])[None, :])
    rows, columns = linear_sum_assignment(np.where(off <= START_S, off, 1e6))
    return [(true[i], shots[j]) for i, j in zip(rows, columns, strict=True) if off[i, j] <= START_S]


def match_pots(
    true: Sequence[TruePot], potted: Sequence[Pot], window_s: tuple[float, float]
) -> list[tuple[TruePot, Pot]]:
    """Pairs one to one of pots whose time is right, or unknown."""
    if not true or not potted:
        return []
    off = np.array([[0.0 if t.t_s is None else p.t_s - t.t_s for p in potted] for t in true])
    fits = (off >= window_s[0] - 1e-9) & (off <= window_s[1] + 1e-9)
    unlike = np.array([[not _same_pot_ball(t, p) for p in potted] for t in true])
    cost = np.where(fits, np.abs(off) + unlike, 1e6)
    rows, columns = linear_sum_assignment(cost)
    return [(true[i], potted[j]) for i, j in zip(rows, columns, strict=True) if fits[i, j]]


def _found_name(true: Sequence[TrueShot]) -> str:
    known = all(shot.start_s is not None for shot in true)
    return f"shots found (F1, start ± {START_S:g} s)" if known else "shots found (F1, in order)"


def _of_pairs(pairs: Sequence[Pair]) -> list[Metric]:
    outcome = [
        _agreement("make or miss right", pairs, lambda t: t.result, lambda s: s.result),
        _agreement("scratch right", pairs, lambda t: t.scratch, lambda s: s.scratch),
        _scratch_recall(pairs),
        _all_pots_right(pairs),
        _first_contact(pairs),
    ]
    geometry = []
    for field, name, unit in _MEASURES:
        known = [
            (p.true.facts[field], getattr(p.shot, field)) for p in pairs if p.true.facts.get(field) is not None
        ]
        said = [(true, seen) for true, seen in known if seen is not None]
        if known and not said:
            geometry.append(st.not_reported(name, len(known)))
            continue
        geometry.append(st.mean(name, [abs(seen - true) for true, seen in said], unit))
        if known and field != "cut_angle_deg":
            relative = [100 * abs(seen - true) / true for true, seen in said if true]
            geometry.append(st.mean(f"{name}, relative", relative, "%"))
    return [
        *st.within("outcome", outcome),
        *st.within("geometry", geometry),
        *st.within("events", [*_contacts(pairs), *_cushions(pairs), *_kinds(pairs)]),
        *st.within("spin", _spin(pairs)),
    ]


def _agreement(
    name: str, pairs: Sequence[Pair], of_true: Callable[[TrueShot], Any], of_shot: Callable[[Shot], Any]
) -> Metric:
    known = [(of_true(p.true), of_shot(p.shot)) for p in pairs if of_true(p.true) is not None]
    return st.share(name, sum(a == b for a, b in known), len(known))


def _scratch_recall(pairs: Sequence[Pair]) -> Metric:
    scratches = [p.shot.scratch for p in pairs if p.true.scratch]
    return st.share("scratches found", sum(scratches), len(scratches))


def _all_pots_right(pairs: Sequence[Pair]) -> Metric:
    """Shots whose potted balls and their pockets are all right, with none too many."""
    right = 0
    for t, s, game in pairs:
        matched = match_pots(t.potted, s.potted, (-np.inf, np.inf))
        good = all(_same_pot_ball(a, b) and _same_pocket(a, b, game.pockets) is not False for a, b in matched)
        right += len(matched) == len(t.potted) == len(s.potted) and good
    return st.share("potted balls and pockets right", right, len(pairs))


def _first_contact(pairs: Sequence[Pair]) -> Metric:
    known = [
        (p.true.facts["first_contact"], p.shot.first_contact) for p in pairs if "first_contact" in p.true.facts
    ]
    right = sum(seen is not None and same_ball(str(true["ball"]), seen.ball) for true, seen in known)
    return st.share("first contact right", right, len(known))


def _contacts(pairs: Sequence[Pair]) -> list[Metric]:
    """Contacts of balls: the first of each shot, with its ball and its time, and those after it."""
    timed = [p for p in pairs if p.game.frame_s and "t_s" in p.true.facts.get("first_contact", {})]
    right = 0
    for t, s, game in timed:
        true, seen = t.facts["first_contact"], s.first_contact
        if seen is not None and same_ball(str(true["ball"]), seen.ball):
            right += abs(seen.t_s - true["t_s"]) <= (game.frame_s or 0) + _ROUNDING_S
    said = sum(p.shot.first_contact is not None for p in timed)
    metrics = [st.f1("first ball contact (F1, within one frame)", right, len(timed), said)]
    return [*metrics, _later_contacts(timed)]


def _later_contacts(timed: Sequence[Pair]) -> Metric:
    """Contacts after the first, one to one: the same two balls, the time within one frame."""
    name = "later ball contacts (F1, within one frame)"
    right = expected = reported = 0
    for t, s, game in timed:
        true = [e for e in t.facts.get("events", ()) if e["kind"] == "ball"][1:]
        seen = [c for c in s.contacts if not _is_first(c, s)]
        fits = np.array([[_same_contact(a, b, game.frame_s or 0) for b in seen] for a in true], dtype=bool)
        rows, columns = linear_sum_assignment(~fits.reshape(len(true), len(seen)))
        right += int(fits.reshape(len(true), len(seen))[rows, columns].sum())
        expected, reported = expected + len(true), reported + len(seen)
    if expected and not reported:
        return st.not_reported(name, expected)
    return st.f1(name, right, expected, reported)


def _is_first(contact: Contact, shot: Shot) -> bool:
    first = shot.first_contact
    return first is not None and contact.t_s == first.t_s and first.ball in (contact.ball, contact.other)


def _same_contact(true: dict[str, Any], seen: Contact, frame_s: float) -> bool:
    a, b = str(true["ball"]), str(true["other"])
    same = (same_ball(a, seen.ball) and same_ball(b, seen.other)) or (
        same_ball(a, seen.other) and same_ball(b, seen.ball)
    )
    return same and abs(seen.t_s - true["t_s"]) <= frame_s + _ROUNDING_S


def _cushions(pairs: Sequence[Pair]) -> list[Metric]:
    """Cushion contacts, one to one: the same ball, the same rail, the time within one frame."""
    timed = [p for p in pairs if p.game.frame_s and "cushions" in p.true.facts]
    right = expected = reported = 0
    for t, s, game in timed:
        true, turned = t.facts["cushions"], game.pockets.is_turned
        fits = np.array(
            [
                [
                    same_ball(str(a["ball"]), b.ball)
                    and a["rail"] == (_TURNED_RAIL[b.rail] if turned else b.rail)
                    and abs(a["t_s"] - b.t_s) <= (game.frame_s or 0) + _ROUNDING_S
                    for b in s.cushions
                ]
                for a in true
            ],
            dtype=bool,
        ).reshape(len(true), len(s.cushions))
        rows, columns = linear_sum_assignment(~fits)
        right += int(fits[rows, columns].sum())
        expected, reported = expected + len(true), reported + len(s.cushions)
    if expected and not reported:
        return [st.not_reported("cushion contacts (F1, within one frame)", expected)]
    return [st.f1("cushion contacts (F1, within one frame)", right, expected, reported)]


def _kinds(pairs: Sequence[Pair]) -> list[Metric]:
    """The kind of shot: all, those that are no break, and the mean of each kind's F1."""
    known = [
        (str(p.true.facts["kind"]), p.shot.kind) for p in pairs if p.true.facts.get("kind", "unknown") != "unknown"
    ]
    others = [(true, seen) for true, seen in known if true != "break"]
    right = st.share("kind right", sum(a == b for a, b in known), len(known))
    if others and all(seen in ("break", "unknown") for _, seen in known):
        return [
            right,
            st.not_reported("kind beyond the break", len(others)),
            st.not_reported("kind macro-F1", len(known)),
        ]
    return [
        right,
        st.share("kind beyond the break", sum(a == b for a, b in others), len(others)),
        Metric("kind macro-F1", macro_f1(known), len(known), "%"),
    ]


def _spin(pairs: Sequence[Pair]) -> list[Metric]:
    """Draw, stun or follow, and side; side also where the cue ball met a cushion, which is where it shows."""
    at_rail = [p for p in pairs if any(c["ball"] == "cue" for c in p.true.facts.get("cushions", ()))]
    return [
        *score_labels("vertical spin", _labels(pairs, "vertical")),
        *score_labels("side spin", _labels(pairs, "side")),
        *score_labels("side spin where the cue ball met a cushion", _labels(at_rail, "side")),
    ]


def _labels(pairs: Sequence[Pair], axis: str) -> list[Said]:
    labels = []
    for t, s, _ in pairs:
        true = ((t.facts.get("spin") or {}).get(axis) or {}).get("label")
        if true not in (None, "unknown"):
            spin = getattr(s.spin, axis)
            labels.append(Said(str(true), str(spin.label), spin.confidence))
    return labels


def _of_pots(games: Sequence[Game]) -> list[Metric]:
    potted = sum(len(shot.potted) for game in games for shot in game.shots)
    true = [pot for game in games for pot in game.truth.pots or ()]
    matched = [
        (t, p, game)
        for game in games
        for t, p in match_pots(
            game.truth.pots or (), [pot for shot in game.shots for pot in shot.potted], game.truth.pot_window_s
        )
    ]
    low, high = games[0].truth.pot_window_s
    when = f" ({low:+g} … {high:+g} s)" if any(t.t_s is not None for t in true) else ""
    placed = [_same_pocket(t, p, game.pockets) for t, p, game in matched]
    known = [ok for ok in placed if ok is not None]
    balls = [_same_pot_ball(t, p) for t, p, _ in matched if t.ball or t.group]
    late = [p.t_s - t.t_s for t, p, _ in matched if t.t_s is not None]
    return [
        st.share(f"pots found{when}", len(matched), len(true)),
        Metric("false pots", float(potted - len(matched)), potted),
        st.share("pocket right", sum(known), len(known)),
        st.share("potted ball right", sum(balls), len(balls)),
        st.median("pot time, reported − true", late, "s"),
    ]


def _same_pot_ball(true: TruePot, pot: Pot) -> bool:
    if true.ball is not None:
        return same_ball(true.ball, pot.ball)
    if true.group is not None:
        return true.group in (pot.group, group_of(pot.ball))
    return True


def _same_pocket(true: TruePot, pot: Pot, pockets: Pockets) -> bool | None:
    return None if true.pocket is None else pockets.same(true.pocket, pot.pocket)
