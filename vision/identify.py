"""Which ball is which: colours over many views, one assignment over the set in play, `unknown` where honest.

Costs are negative log likelihoods (`vision.palette`). The same likelihood tells the set in play, where it is
not given, and how vividly this camera shows colours.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vision.assignment import linear_sum_assignment
from vision.balls import Ball, BallSet, ball_sets
from vision.evidence import Evidence, same_light
from vision.palette import Palette, features
from vision.racks import NEVER, Racks
from vision.track import Track

Array = NDArray[np.float64]

_UNKNOWN = 28.0  # the cost of a view of a ball that is none of the set's: that of colours met by chance
_KEPT = 1.5  # what changing a likely name costs, for each view after the first that it rests on
_KEPT_MOST = 8.0
_LOST = 0.5  # what a ball out of sight weighs against one view of a ball that is seen
# How likely a name must be to be said: these chances are cautious (the looks of one ball are not independent, and
# weigh little). A wrong cue ball spoils a shot, an unknown one does not.
_SURE = 0.25
_SURE_CUE = 0.5
_SURE_GROUP = 0.6
_CUE_THERE = 3.0  # the cue ball lies on the table 19 times in 20
_STRUCK, _STRUCK_MOST = 4.0, 16.0  # what each shot tells about who is the cue ball, and all of them together
_BALANCING = 12  # rounds of Sinkhorn's scaling
_VIVIDNESS = (0.6, 0.8, 1.0, 1.25, 1.5)
_TUNE_VIEWS = 2  # of each ball, to tune with
_TUNE_EVERY = 10  # settlings
_DIMMER = 8.0  # what each fallback for white costs: the whitest ball is the likeliest
_PLAIN_VIVIDNESS = 0.8
_OTHER_SET = 6.0  # by how much another set must be likelier than the one in play
_UNUSUAL_SIZE = 10.0
_UNUSUAL_SET = {"tv": 2.0}
_SMALL_IN = 2.15  # balls smaller than this are snooker's
_ALIKE = 3  # so many balls of one kind teach what this table's are like


@dataclass(frozen=True)
class _Tuning:
    """What the likelihoods were made with."""

    ball_set: BallSet
    palette: Palette
    white: Array
    views: int

    @property
    def slots(self) -> list[int]:
        """The kind in each of the set's places."""
        return [i for i, b in enumerate(self.ball_set.balls) for _ in range(b.count)]

    def costs(self, fits: Array, views: Array) -> Array:
        """The cost of every ball in every place of the set, then of each being unknown, from log likelihoods
        of shape (balls, kinds) that rest on so many views, shape (balls,): shape (balls, places + balls)."""
        expected = np.array([_CUE_THERE if b.group == "cue" else 0.0 for b in self.ball_set.balls])
        unknown = np.where(np.eye(len(fits)) > 0, _UNKNOWN * np.sqrt(views), NEVER)
        return np.hstack([-(fits + expected)[:, self.slots], unknown])


class Names:
    """Names for tracks, settled anew while evidence comes in; `cue` is the cue ball's track, if known.

    `ball_set` is the set in play; None tells it from the balls seen, and from their size which is likelier.
    """

    def __init__(self, ball_set: BallSet | None, ball_diameter_in: float = 2.25) -> None:
        self.cue: int | None = None
        small = ball_diameter_in < _SMALL_IN
        self._sets = [ball_set] if ball_set else list(ball_sets().values())
        self._prior = {s.name: _UNUSUAL_SET.get(s.name, 0.0) for s in self._sets}
        for name in self._prior:
            self._prior[name] += _UNUSUAL_SIZE if (name == "snooker") != small else 0.0
        self._usual = ball_set or ball_sets()["snooker" if small else "american"]
        self._evidence = Evidence()
        self._racks = Racks()
        self._tuning: _Tuning | None = None
        self._since = 0
        self._fits: dict[int, tuple[int, Array]] = {}
        self._kind: dict[int, tuple[int, float]] = {}  # by track: the kind, and how likely it was
        self._names: dict[int, str] = {}
        self._struck: dict[int, float] = {}  # by track: what taking it for the cue ball costs, from shots seen

    @property
    def ball_set(self) -> BallSet:
        """The set in play as far as it is known."""
        return self._tuning.ball_set if self._tuning else self._usual

    def of(self, track: int) -> str:
        return self._names.get(track, f"ball-{track}")

    def struck(self, first: int, others: list[int]) -> None:
        """Notes who began a shot: the cue ball did, whatever its colour, and no other ball on the table is one."""
        for track in others:
            self._struck[track] = min(_STRUCK_MOST, self._struck.get(track, 0.0) + _STRUCK)
        self._struck[first] = max(-_STRUCK_MOST, min(0.0, self._struck.get(first, 0.0)) - _STRUCK)

    def settle(self, tracks: list[Track], lost: list[Track] | None = None) -> None:
        """Assigns the set's balls to the confirmed tracks; `lost` ones keep what no ball in sight claims."""
        seen = [t for t in (*tracks, *(lost or [])) if t.confirmed and t.looks]
        if not seen:
            return
        self._evidence.gather(seen)
        self._struck = {t: cost for t, cost in self._struck.items() if t in self._evidence.views}
        tuning = self._tuned(seen)
        fits = np.array([self._fit(t.id, tuning) for t in seen])
        views = np.array([len(self._evidence.views[t.id].looks) for t in seen])
        cost = tuning.costs(fits, views)
        cost[:, : len(tuning.slots)] += self._held(seen, tuning)
        cues = [j for j, kind in enumerate(tuning.slots) if tuning.ball_set.balls[kind].group == "cue"]
        cost[:, cues] += np.array([self._struck.get(t.id, 0.0) for t in seen])[:, None]
        gone = [t.gone for t in seen]
        cost[gone] *= (_LOST / np.sqrt(views[gone]))[:, None]
        assigned = self._racks.assign(cost, tuning.slots, tuning.ball_set)
        likely = _balanced(assigned.cost)
        self.cue = None
        given: dict[int, str] = {}
        for i, j in zip(assigned.rows, assigned.columns, strict=True):
            kind = tuning.slots[j] if j < len(tuning.slots) else None
            self._give(seen[i], kind, likely[i, : len(tuning.slots)], given)
        self._names = given

    def _give(self, seen: Track, kind: int | None, likely: Array, given: dict[int, str]) -> None:
        """Notes a track's name in `given`: the assigned kind's where it is likely, else its group, else none.

        A ball out of sight is as sure of a name that no other claims as it was when it was seen.
        """
        assert self._tuning is not None
        balls = self._tuning.ball_set.balls
        chance = np.bincount(self._tuning.slots, weights=likely, minlength=len(balls))
        track, (held, then) = seen.id, self._kind.get(seen.id, (-1, 0.0))
        if seen.gone and kind == held:
            chance[held] = then
        if kind is not None and chance[kind] >= (_SURE_CUE if balls[kind].group == "cue" else _SURE):
            self._kind[track] = kind, float(chance[kind])
            given[track] = self._numbered(track, balls[kind], given)
            if balls[kind].group == "cue":
                self.cue = track
            return
        self._kind.pop(track, None)
        for group in ("solid", "stripe"):
            if sum(chance[i] for i, b in enumerate(balls) if b.group == group) >= _SURE_GROUP:
                given[track] = _first_free(f"{group}?", given)
                return
        given[track] = f"ball-{track}"

    def _numbered(self, track: int, ball: Ball, given: dict[int, str]) -> str:
        """The ball's name; one of many alike keeps its number, a new one takes the first free."""
        if ball.count == 1:
            return ball.name
        held = self._names.get(track, "")
        if held.startswith(f"{ball.name}-") and held not in given.values():
            return held
        others = {name for other, name in self._names.items() if other in self._evidence.views and other != track}
        taken = others | set(given.values())
        return next(name for n in range(1, len(taken) + 2) if (name := f"{ball.name}-{n}") not in taken)

    def _held(self, seen: list[Track], tuning: _Tuning) -> Array:
        """What changing its name would cost each track in each of the set's places, shape (tracks, places)."""
        held = np.zeros((len(seen), len(tuning.slots)))
        for i, track in enumerate(seen):
            kind, chance = self._kind.get(track.id, (-1, 0.0))
            if kind >= 0 and not track.gone:
                views = len(self._evidence.views[track.id].looks)
                held[i, np.array(tuning.slots) != kind] = chance * min(_KEPT_MOST, _KEPT * (views - 1))
        return held

    def _fit(self, track: int, tuning: _Tuning) -> Array:
        """The log likelihood of a track's views under each kind, shape (kinds,).

        Views of one ball share its paint and its lamp: n of them count as √n.
        """
        views = self._evidence.views[track]
        known = self._fits.get(track)
        if known is None or known[0] != views.version:
            relative = self._evidence.relative([*views.looks], tuning.white)
            fit = tuning.palette.log_likelihood(relative).sum(axis=0) / np.sqrt(len(relative))
            known = self._fits[track] = (views.version, fit)
        return known[1]

    def _tuned(self, seen: list[Track]) -> _Tuning:
        """The tuning, made anew when there is twice the evidence or, now and then, where white looks different."""
        evidence, old = self._evidence, self._tuning
        views = sum(len(v.looks) for v in evidence.views.values())
        self._since += 1
        if old is not None:
            other_light = self._since >= _TUNE_EVERY and not any(same_light(old.white, w) for w in evidence.whites)
            if views < 2 * old.views and not other_light:
                self._fits = {t.id: self._fits[t.id] for t in seen if t.id in self._fits}
                return old
        looks = [(i, look) for i, t in enumerate(seen) for look in [*evidence.views[t.id].looks][-_TUNE_VIEWS:]]
        owners = np.array([i for i, _ in looks])
        self._tuning = self._best(np.stack([look for _, look in looks]).astype(np.float64), owners, views)
        self._fits = {}
        self._since = 0
        if old is not None and self._tuning.ball_set is not old.ball_set:
            self._kind, self._names = {}, {}
        return self._tuning

    def _best(self, looks: Array, owners: Array, views: int) -> _Tuning:
        """The likeliest white, set and vividness for looks, shape (N, M, 3), of the balls `owners`, shape (N,)."""
        playing = self._tuning.ball_set if self._tuning else None
        whites = list(self._evidence.whites)
        if self._tuning is not None:
            whites.append(self._tuning.white)

        def tried(white: Array, ball_set: BallSet, vividness: float) -> tuple[float, _Tuning, dict[int, int]]:
            b, g, r = self._evidence.cloth / white
            tuning = _Tuning(ball_set, Palette(ball_set.balls, (b, g, r), vividness), white, views)
            cost, kinds = _assigned(tuning, looks / white, owners)
            cost += self._prior[ball_set.name] - (_OTHER_SET if playing is ball_set else 0.0)
            return cost, tuning, kinds

        options = []
        for ball_set in self._sets:
            costs = [tried(w, ball_set, _PLAIN_VIVIDNESS)[0] + _DIMMER * i for i, w in enumerate(whites)]
            best = int(np.argmin(costs))
            options += [(_DIMMER * best, *tried(whites[best], ball_set, v)) for v in _VIVIDNESS]
        _, _, tuning, kinds = min(options, key=lambda option: option[0] + option[1])
        learnt = _learnt(tuning.ball_set, looks / tuning.white, owners, kinds)
        return replace(tuning, palette=replace(tuning.palette, learnt=learnt))


def _assigned(tuning: _Tuning, relative: Array, owners: Array) -> tuple[float, dict[int, int]]:
    """The cost of the best assignment of a set's balls, and the kind each owner gets."""
    each = tuning.palette.log_likelihood(relative)
    count = np.bincount(owners)
    whose = owners[None, :] == np.arange(len(count))[:, None]
    fits = (whose @ each) / np.sqrt(count)[:, None]
    slots = tuning.slots
    cost = tuning.costs(fits, count.astype(np.float64))
    rows, columns = linear_sum_assignment(cost)
    kinds = {int(i): slots[j] for i, j in zip(rows, columns, strict=True) if j < len(slots)}
    return float(cost[rows, columns].sum()), kinds


def _learnt(
    ball_set: BallSet, relative: Array, owners: Array, kinds: dict[int, int]
) -> tuple[tuple[int, tuple[float, float]], ...]:
    """The chroma of kinds of which several balls lie here (the reds): (kind, (red–green, yellow–blue))."""
    chroma = np.median(features(relative)[..., :2], axis=1)
    learnt = []
    for kind, ball in enumerate(ball_set.balls):
        mine = [i for i, owner in enumerate(owners) if kinds.get(int(owner)) == kind]
        if ball.count > 1 and len({int(owners[i]) for i in mine}) >= _ALIKE:
            a, b = np.median(chroma[mine], axis=0)
            learnt.append((kind, (float(a), float(b))))
    return tuple(learnt)


def _balanced(cost: Array) -> Array:
    """How likely each pairing is, shape as `cost`: exp(−cost) scaled so that every row sums to one and no column
    to more [Sinkhorn 1967]."""
    likely = np.exp(-(cost - cost.min(axis=1, keepdims=True)))
    for _ in range(_BALANCING):
        likely /= np.maximum(likely.sum(axis=0, keepdims=True), 1.0)
        likely /= np.maximum(likely.sum(axis=1, keepdims=True), 1e-12)
    result: Array = likely
    return result


def _first_free(name: str, given: dict[int, str]) -> str:
    """The name, or the first of `name-2`, `name-3` … that no other ball has."""
    taken = set(given.values())
    if name not in taken:
        return name
    return next(other for n in range(2, len(taken) + 3) if (other := f"{name}-{n}") not in taken)
