"""Shots reported against shots played: found, make or miss, pots, and what was measured of each."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from vision.evaluate import statistics as st
from vision.evaluate.names import Pockets, group_of, same_ball
from vision.evaluate.statistics import Metric
from vision.evaluate.truth import TruePot, TrueShot, Truth
from vision.model import Pot, Shot

START_S, END_S = 0.2, 0.5
Pair = tuple[TrueShot, Shot]

_MEASURES: tuple[tuple[str, str, str], ...] = (
    ("cut_angle_deg", "cut angle, mean error", "°"),
    ("cue_distance_in", "cue distance, mean error", "in"),
    ("pocket_distance_in", "pocket distance, mean error", "in"),
    ("cue_speed_mph", "speed, mean error", "mph"),
)


def score_shots(truth: Truth, shots: Sequence[Shot], pockets: Pockets) -> list[Metric]:
    """Figures for the shots of one recording."""
    metrics: list[Metric] = []
    if truth.shots_total is not None:
        metrics.append(Metric("shots played", float(truth.shots_total), truth.shots_total))
    metrics.append(Metric("shots reported", float(len(shots)), len(shots)))
    if truth.shots is not None:
        pairs = match_shots(truth.shots, shots)
        metrics.append(st.f1(_found_name(truth.shots), len(pairs), len(truth.shots), len(shots)))
        metrics += _of_pairs(pairs, pockets)
    if truth.pots is not None:
        metrics += _of_pots(truth, shots, pockets)
    return metrics


def match_shots(true: Sequence[TrueShot], shots: Sequence[Shot]) -> list[Pair]:
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


def _of_pairs(pairs: Sequence[Pair], pockets: Pockets) -> list[Metric]:
    metrics = [
        _agreement("make or miss right", pairs, lambda t: t.result, lambda s: s.result),
        _agreement("scratch right", pairs, lambda t: t.scratch, lambda s: s.scratch),
        _scratch_recall(pairs),
        _all_pots_right(pairs, pockets),
        _agreement("kind right", pairs, lambda t: t.facts.get("kind"), lambda s: s.kind),
        _first_contact(pairs),
    ]
    ends = [abs(s.end_s - t.end_s) for t, s in pairs if t.end_s is not None and s.end_s is not None]
    metrics.append(st.share(f"end within {END_S:g} s", sum(e <= END_S for e in ends), len(ends)))
    for field, name, unit in _MEASURES:
        known = [(t.facts[field], getattr(s, field)) for t, s in pairs if t.facts.get(field) is not None]
        errors = [abs(seen - true) for true, seen in known if seen is not None]
        metrics.append(st.mean(name, errors, unit))
        if known and field != "cut_angle_deg":
            relative = [100 * abs(seen - true) / true for true, seen in known if seen is not None and true]
            metrics.append(st.mean(f"{name}, relative", relative, "%"))
    metrics += _spin(pairs, "vertical") + _spin(pairs, "side")
    return [metric for metric in metrics if metric.n]


def _agreement(
    name: str, pairs: Sequence[Pair], of_true: Callable[[TrueShot], Any], of_shot: Callable[[Shot], Any]
) -> Metric:
    known = [(of_true(t), of_shot(s)) for t, s in pairs if of_true(t) is not None]
    return st.share(name, sum(a == b for a, b in known), len(known))


def _scratch_recall(pairs: Sequence[Pair]) -> Metric:
    scratches = [s.scratch for t, s in pairs if t.scratch]
    return st.share("scratches found", sum(scratches), len(scratches))


def _all_pots_right(pairs: Sequence[Pair], pockets: Pockets) -> Metric:
    """Shots whose potted balls and their pockets are all right, with none too many."""
    right = 0
    for t, s in pairs:
        matched = match_pots(t.potted, s.potted, (-np.inf, np.inf))
        good = all(_same_pot_ball(a, b) and _same_pocket(a, b, pockets) is not False for a, b in matched)
        right += len(matched) == len(t.potted) == len(s.potted) and good
    return st.share("potted balls and pockets right", right, len(pairs))


def _first_contact(pairs: Sequence[Pair]) -> Metric:
    known = [(t.facts["first_contact"], s.first_contact) for t, s in pairs if "first_contact" in t.facts]
    right = sum(seen is not None and same_ball(str(true["ball"]), seen.ball) for true, seen in known)
    return st.share("first contact right", right, len(known))


def _spin(pairs: Sequence[Pair], axis: str) -> list[Metric]:
    labels = []
    for t, s in pairs:
        true = ((t.facts.get("spin") or {}).get(axis) or {}).get("label")
        if true not in (None, "unknown"):
            labels.append((true, getattr(s.spin, axis).label))
    said = [(true, seen) for true, seen in labels if seen != "unknown"]
    return [
        st.share(f"{axis} spin right where said", sum(a == b for a, b in said), len(said)),
        st.share(f"{axis} spin said", len(said), len(labels)),
    ]


def _of_pots(truth: Truth, shots: Sequence[Shot], pockets: Pockets) -> list[Metric]:
    true = truth.pots or ()
    potted = [pot for shot in shots for pot in shot.potted]
    matched = match_pots(true, potted, truth.pot_window_s)
    low, high = truth.pot_window_s
    when = f" ({low:+g} … {high:+g} s)" if any(t.t_s is not None for t in true) else ""
    placed = [_same_pocket(t, p, pockets) for t, p in matched]
    known = [ok for ok in placed if ok is not None]
    balls = [_same_pot_ball(t, p) for t, p in matched if t.ball or t.group]
    late = [p.t_s - t.t_s for t, p in matched if t.t_s is not None]
    metrics = [
        st.share(f"pots found{when}", len(matched), len(true)),
        Metric("false pots", float(len(potted) - len(matched)), len(potted)),
        st.share("pocket right", sum(known), len(known)),
        st.share("potted ball right", sum(balls), len(balls)),
        st.median("pot time, reported − true", late, "s"),
    ]
    return [m for m in metrics if m.n or m.name.startswith(("pots", "false"))]


def _same_pot_ball(true: TruePot, pot: Pot) -> bool:
    if true.ball is not None:
        return same_ball(true.ball, pot.ball)
    if true.group is not None:
        return true.group in (pot.group, group_of(pot.ball))
    return True


def _same_pocket(true: TruePot, pot: Pot, pockets: Pockets) -> bool | None:
    return None if true.pocket is None else pockets.same(true.pocket, pot.pocket)
