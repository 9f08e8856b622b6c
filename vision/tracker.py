"""Balls through time: every detection to at most one ball, every ball in at most one place."""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calibration.table import Table
from vision.assignment import linear_sum_assignment
from vision.detect.expected import Expected
from vision.model import Detection, Point
from vision.pots import fate_of
from vision.sample import Sample
from vision.track import CONFIRM, SAME_PLACE_IN, Track, levels, tone_of, unlike, unlike_lately

Array = NDArray[np.float64]
Cover = Callable[[Array], Array]  # of places, shape (N, 2), the covered share, shape (N,)

_FASTEST_IN_S = 560.0  # a hard break: 32 mph
_BIRTH_S = 0.6
_OPENING_S = 0.3  # what moves this early was moving when the recording began
_UNKNOWN_IN_S = 300.0  # a ball seen once may go as fast as this
_COVERED_IN_S = 500.0  # and one that was struck under a hand, as this
_WAITING_S = 0.05
_LEAP_S = 0.08
_COAST_S = 0.4
_FOUND_AGAIN_IN_S = 300.0  # a ball out of sight may be found as far away as this speed carries it
_ROLLED_ON, _SLOW_IN_S = 2.5, 10.0  # times as fast as it was, and no slower, one lost while it rolled may go
_ADOPT_S = 0.25
_LOST_S = 30.0
_RATTLE_S = 0.6
_RATTLE_IN = 10.0
_WANTED_S, _STRUCK_S, _MISSING_S = 0.15, 0.3, 4.0
_SURELY = 0.8  # a ball seen so well in the very first picture needs no second one to be believed
_SMEAR = 0.18  # half the share of its way from frame to frame that a ball is smeared over, in dim light
_HITS_IN_S = 3.0  # slower balls set off no others
_AGAINST = 1.15  # balls nearer than this, in diameters, may touch
_UNLIKE, _ANOTHER = 1.2, 2.0
_MUCH_ALIKE = 0.7
_MOMENT_S = 1.0
_SMEARED = 0.3
_LATELY = 0.1  # what it counts that a ball looks as it did a moment ago only
_COVERED = 0.35  # the part of a silhouette that, being foreign, can hide a ball
_FAR = 1e6


@dataclass(frozen=True, slots=True)
class Now:
    """One frame, what was found in it, and the balls known before, each with the place where it should be now."""

    index: int
    t_s: float
    detections: list[Detection]
    tracks: list[Track]
    where: list[Point]


class Tracker:
    """Follows the balls of one table.

    `tracks` holds every ball believed on the table, hidden ones included; `lost` those whose place was seen empty
    and that are not found elsewhere.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.tracks: list[Track] = []
        self.lost: list[Track] = []
        self._next = 0
        self._first_s: float | None = None

    @property
    def balls(self) -> list[Track]:
        """The tracks that are balls beyond doubt."""
        return [t for t in self.tracks if t.is_ball]

    def expected(self, t_s: float) -> Expected:
        """Where to expect which balls at a time: `tracks` in their order, then lost ones where they lay."""
        waiting = [t for t in self.lost if t.at_home and t.fate is None and t_s - t.last_s < _LOST_S]
        everyone = [*self.tracks, *waiting]
        if not everyone:
            return Expected.none()
        return Expected(
            np.array([t.predicted(t_s, self.table) for t in everyone]),
            np.array([(t.x_in, t.y_in) for t in everyone]),
            np.array([t.state == "moving" and not t.gone for t in everyone]),
            np.array([t.settling and not t.gone for t in everyone]),
            np.array([self._wanted(t, t_s) for t in everyone]),
            np.array([self._reach(t, t_s) for t in everyone]),
            np.array([_SMEAR * t.speed * min(t_s - t.last_s, _LEAP_S) for t in everyone]),
            any(self._is_missing(t, t_s) for t in (*self.tracks, *self.lost)),
        )

    @staticmethod
    def _wanted(track: Track, t_s: float) -> bool:
        """Whether a ball that is not where it should be is to be searched for at once; one that was covered just
        now may have been struck under the hand."""
        if track.gone or not track.is_ball:
            return False
        if track.state == "hidden":
            return track.hidden_s is not None and t_s - track.hidden_s < _STRUCK_S
        return track.missed_s is None or t_s - track.missed_s < _WANTED_S

    @staticmethod
    def _is_missing(track: Track, t_s: float) -> bool:
        """Whether a ball is not seen, and nothing says where it is."""
        if not track.is_ball or track.fate is not None:
            return False
        return track.missed_s is not None and track.state != "hidden" and t_s - track.missed_s < _MISSING_S

    def update(
        self, index: int, t_s: float, detections: list[Detection], changed: NDArray[np.bool_], cover: Cover
    ) -> None:
        """Brings the tracks to a frame.

        `changed`, one per track in the order of `expected`, says whether the place where it was last seen was
        looked at again (where it was not, nothing changed there); `cover` tells how much of a place something
        foreign covers.
        """
        if self._first_s is None:
            self._first_s = t_s
        tracks = list(self.tracks)
        looked = [i for i in range(len(tracks)) if changed[i]]
        where = [t.predicted(t_s, self.table) for t in tracks]
        now = Now(index, t_s, detections, tracks, where)
        # Where nothing changed a ball still lies, and no other comes there.
        unchanged = [t for i, t in enumerate(tracks) if not changed[i] and t.state == "still"]
        spare = [j for j in range(len(detections)) if not self._occupied(detections[j], unchanged)]
        struck = self._may_have_been_struck(now)
        spare = self._match_by_motion(now, spare, looked, struck)
        sighted = [t for t in tracks if t.last_s == t_s]
        spare = [j for j in spare if not self._occupied(detections[j], sighted)]
        spare = self._match_by_place(now, spare)
        missing = [i for i in looked if tracks[i].last_s < t_s]
        covers = dict(zip(missing, cover(np.array([where[i] for i in missing])), strict=True)) if missing else {}
        absent = [(tracks[i], covers[i]) for i in missing if tracks[i].is_ball]
        # In a hand much looks round: only a ball followed up to there is one.
        by_hand = [j for j in spare if detections[j].by_hand]
        spare = [j for j in spare if not detections[j].by_hand]
        # A ball whose place is seen to be empty has been struck away; a covered one waits, or went on a little. No
        # hand or body sends off what it hides.
        gone = [track for track, covered in absent if covered < _COVERED or track.speed > 3]
        spare = self._match_by_leap(now, spare, gone, np.inf, _UNLIKE)
        absent = [(t, covered) for t, covered in absent if t.last_s < t_s]
        waiting = [track for track, _ in absent if track.id in struck or not track.by_hand]
        spare = self._match_by_leap(now, spare, waiting, _COVERED_IN_S, _MUCH_ALIKE)
        for i, track in enumerate(tracks):
            if track.last_s == t_s or track not in self.tracks:
                continue
            if not changed[i] and track.state != "hidden" and track.missed_s is None:
                track.unchanged(index, t_s)
            else:
                self._miss(track, t_s, float(covers.get(i, 0.0)))
        spare = self._find_again(now, spare)
        for j in (*spare, *by_hand):
            self._born(index, t_s, detections[j])
        self._adopt()
        self._tidy(t_s)

    def _occupied(self, d: Detection, there: list[Track]) -> bool:
        """Whether one of some balls lies where another is found: an edge can show it twice."""
        near = 0.7 * self.table.ball_diameter_in
        return any(math.hypot(t.x_in - d.x_in, t.y_in - d.y_in) < near for t in there)

    def _match_by_motion(self, now: Now, spare: list[int], looked: list[int], struck: set[int]) -> list[int]:
        """Gives the balls that were looked for the detections where their motion brings them; hands back the
        detections left over. `struck` are the ids of those that another ball may have met."""
        if not looked or not spare:
            return spare
        tracks = [now.tracks[i] for i in looked]
        where = np.array([now.where[i] for i in looked])
        fastest_in_s = max(t.speed for t in now.tracks)
        gate = np.array([self._gate(t, now.t_s, fastest_in_s, t.id in struck) for t in tracks])[:, None]
        distance = _distances(where, now.detections, spare)
        unlike = self._likeness(tracks, [now.detections[j] for j in spare], now.t_s)
        cost = distance / gate + unlike
        # A ball in a deep shadow looks unlike itself where it lies, but no white ball rolls on as a black one.
        cost[(distance > gate) | ((unlike > _ANOTHER) & (distance > SAME_PLACE_IN))] = _FAR
        # A hand does not set off the ball beside it.
        by_hand = np.array([now.detections[j].by_hand for j in spare])
        at_rest = np.array([t.is_ball and (t.state != "moving" or not t.has_left) for t in tracks])
        cost[at_rest[:, None] & by_hand[None] & (distance > SAME_PLACE_IN)] = _FAR
        untouched = {t.id for t in tracks if t.id not in struck} if _in_play(now) else set()
        return self._sight_all(now, spare, tracks, cost, untouched)

    def _match_by_place(self, now: Now, spare: list[int]) -> list[int]:
        """Gives balls out of sight the detections where they last lay."""
        absent = [
            t
            for t in (*self.tracks, *self.lost)
            if t.last_s < now.t_s and t.at_home and t.fate is None and now.t_s - t.last_s < _LOST_S
        ]
        if not absent or not spare:
            return spare
        homes = [t.last_rest() or t.history[-1] for t in absent]
        where = np.array([(h.x_in, h.y_in) for h in homes])
        cost = _distances(where, now.detections, spare)
        cost[cost > SAME_PLACE_IN] = _FAR
        return self._sight_all(now, spare, absent, cost)

    def _match_by_leap(
        self, now: Now, spare: list[int], tracks: list[Track], fastest_in_s: float, most_unlike: float
    ) -> list[int]:
        """Gives balls that left their places the detections that a strike could have sent them to."""
        if not tracks or not spare:
            return spare
        reach = np.array([self._reach(t, now.t_s) for t in tracks])
        since = np.array([min(now.t_s - t.last_s, _LEAP_S) for t in tracks])
        reach = np.minimum(reach, 0.5 + fastest_in_s * since)[:, None]
        leap = _distances(np.array([(t.x_in, t.y_in) for t in tracks]), now.detections, spare)
        unlike = self._likeness(tracks, [now.detections[j] for j in spare], now.t_s)
        cost = leap / reach + unlike
        cost[(leap > reach) | (unlike > most_unlike)] = _FAR
        return self._sight_all(now, spare, tracks, cost)

    def _sight_all(
        self,
        now: Now,
        spare: list[int],
        tracks: list[Track],
        cost: Array,
        untouched: Collection[int] = (),
    ) -> list[int]:
        """Pairs tracks with spare detections at the least cost; hands back the detections left over. `untouched`
        are the ids of balls that nothing can have set off."""
        used = set()
        for a, b in _solve(cost):
            track = tracks[a]
            if track.gone:
                self._take_back(track)
            d = now.detections[spare[b]]
            track.sight(now.index, now.t_s, d, self.table, untouched=track.id in untouched)
            used.add(spare[b])
        return [j for j in spare if j not in used]

    def _take_back(self, track: Track) -> None:
        """A lost ball is on the table after all."""
        self.lost.remove(track)
        if track not in self.tracks:
            self.tracks.append(track)
        track.gone, track.fate = False, None

    @staticmethod
    def _gate(track: Track, t_s: float, fastest_in_s: float, struck: bool) -> float:
        """How far from its prediction a ball may be found, in inches; `struck`: another may have hit it."""
        dt = t_s - track.last_s
        if track.hits == 1:
            return 0.5 + _UNKNOWN_IN_S * dt
        if track.state != "moving":
            dt = min(dt, _WAITING_S)  # however long it was hidden, it lay still
        gate = 0.5 + 0.3 * track.speed * dt + 60 * dt * dt
        # One that has just set out did so somewhere within the last frame: it is faster than it looks.
        if struck or track.just_left:
            gate = max(gate, 0.8 + 1.1 * fastest_in_s * dt)
        return gate

    def _may_have_been_struck(self, now: Now) -> set[int]:
        """The ids of the balls that may have met a moving one since they were last seen, and of those that lie
        against them: a blow goes through a rack at once."""
        close = 1.35 * self.table.ball_diameter_in
        balls = [(t, t.x_in, t.y_in, *place) for t, place in zip(now.tracks, now.where, strict=True)]
        struck: set[int] = set()
        for one, x, y, u, v in balls:
            if one.speed < _HITS_IN_S or (one.by_hand and not one.is_ball):
                continue
            far = close + math.hypot(u - x, v - y)
            for other, a, b, c, d in balls:
                out_of_reach = abs(a - x) > far + abs(c - a) or abs(b - y) > far + abs(d - b)
                if other is one or out_of_reach:
                    continue
                if _segments_near((x, y), (u, v), (a, b), (c, d)) < close:
                    struck |= {one.id, other.id}
        waiting = [ball for ball in balls if ball[0].id in struck]
        while waiting:
            _, x, y, *_ = waiting.pop()
            for ball in balls:
                near = math.hypot(ball[1] - x, ball[2] - y) < _AGAINST * self.table.ball_diameter_in
                if near and ball[0].id not in struck:
                    struck.add(ball[0].id)
                    waiting.append(ball)
        return struck

    def _reach(self, track: Track, t_s: float) -> float:
        """How far a ball may have gone since it was last seen, whatever struck it."""
        dt = max(t_s - track.last_s, 1 / 60)
        if track.at_home or track.just_left:
            return 1.0 + _FASTEST_IN_S * min(dt, _LEAP_S)
        return 2.0 + _ROLLED_ON * max(track.speed, _SLOW_IN_S) * min(dt, _LEAP_S)

    @staticmethod
    def _likeness(tracks: list[Track], detections: list[Detection], t_s: float) -> Array:
        """How unlike each track and detection look, shape (tracks, detections): 0 the same, 1 clearly not.

        A smeared ball is a mixture of itself and the cloth, by half at most.
        """
        looks = [d.look if d.look is not None else np.zeros((1, 3), dtype=np.float32) for d in detections]
        cloth = np.array([look[-1] for look in looks], dtype=np.float64)
        looking = np.array([tone_of(look) for look in looks])
        seen = looking - cloth
        tones = np.array([t.tone for t in tracks])
        own = tones[:, None] - cloth[None]
        part = (own * seen[None]).sum(axis=2) / np.maximum(np.square(own).sum(axis=2), 1e-6)
        part = np.clip(part, 0.5, 1.0)
        apart = np.linalg.norm(seen[None] - part[..., None] * own, axis=2)
        unlike: Array = apart / levels(tones)[:, None] + _SMEARED * (1 - part)
        # The lamp is nearer to one end, and shows a ball from one side: a moment ago it looked much as now.
        recent = [i for i, t in enumerate(tracks) if t.lately is not None and t_s - t.last_s < _MOMENT_S]
        if recent:
            lately = np.array([tracks[i].lately for i in recent])
            apart = np.linalg.norm(looking[None] - lately[:, None], axis=2) / levels(lately)[:, None]
            unlike[recent] = np.minimum(unlike[recent], _LATELY + apart)
        return unlike

    def _miss(self, track: Track, t_s: float, cover: float) -> None:
        """Not found where it should be: hidden where something covers the place, else lost after a while."""
        if track.missed_s is None:
            track.missed_s = t_s
        covered = cover > _COVERED
        if covered and track.is_ball and track.state == "moving" and not track.has_left:
            # What came before it stirred its outline: it lies where it lay.
            track.lie_still()
        if track.state == "still":
            if covered:
                track.state, track.hidden_s = "hidden", track.last_s
            elif t_s - track.missed_s > 0.15:
                self._lose(track)
            return
        if track.state == "hidden" and track.speed < 3:
            if not covered and t_s - track.missed_s > 0.3:
                self._lose(track)
            elif covered:
                track.missed_s = t_s
            return
        if t_s - track.missed_s > _COAST_S or not self._on_table(track, t_s):
            if covered and self._on_table(track, t_s):
                x, y = track.predicted(t_s, self.table)
                track.x_in, track.y_in, track.last_s = x, y, t_s
                track.vx, track.vy, track.state, track.missed_s = 0.0, 0.0, "hidden", t_s
                track.hidden_s = t_s
            else:
                self._lose(track)

    def _on_table(self, track: Track, t_s: float) -> bool:
        x, y = track.x_in + track.vx * (t_s - track.last_s), track.y_in + track.vy * (t_s - track.last_s)
        return -1 < x < self.table.length_in + 1 and -1 < y < self.table.width_in + 1

    def _lose(self, track: Track) -> None:
        """Its place is empty: it went on as a ball that turned up since it was hidden, or nobody knows where."""
        if track.is_ball and track.hidden_s is not None:
            hidden_s = track.hidden_s
            newer = [
                t for t in self.tracks if t is not track and t.born_s > hidden_s and t.confirmed and not t.gone
            ]
            likely = [t for t in newer if t.away >= CONFIRM and unlike(track, t) < _MUCH_ALIKE]
            if likely:
                self._become(track, min(likely, key=lambda t: unlike(track, t)))
                return
        track.gone = True
        if track.is_ball:
            track.fate = fate_of(track.history, self.table)
            self.lost.append(track)

    def _find_again(self, now: Now, spare: list[int]) -> list[int]:
        """Gives spare detections to lately lost balls that look like them and could be there."""
        # What fell into a pocket may rattle in its jaws; later a hand may take it out, which is no ball in play.
        absent = [t for t in self.lost if now.t_s - t.last_s < (_LOST_S if t.fate is None else _RATTLE_S)]
        spare = [j for j in spare if now.detections[j].quality > 0.6]
        if not absent or not spare:
            return spare
        alike = self._likeness(absent, [now.detections[j] for j in spare], now.t_s)
        cost = np.full(alike.shape, _FAR)
        for a, track in enumerate(absent):
            for b, j in enumerate(spare):
                d = now.detections[j]
                distance = float(np.hypot(d.x_in - track.x_in, d.y_in - track.y_in))
                # What went missing a moment ago and what turns up now are one ball unless they look quite unlike.
                most = _UNLIKE if now.t_s - track.last_s < _MOMENT_S else _MUCH_ALIKE
                if not _may_be_back(track, d.x_in, d.y_in):
                    continue
                if alike[a, b] < most and distance < 6 + _may_go_in_s(track) * (now.t_s - track.last_s):
                    cost[a, b] = alike[a, b] + distance / 100 + min(0.1 * (now.t_s - track.last_s), 0.5)
        return self._sight_all(now, spare, absent, cost)

    def _adopt(self) -> None:
        """A ball that seems new just as one that looks like it went missing is that one; beside a hand, where much
        looks round, not before it has left the hand."""
        fresh = [t for t in self.tracks if t.away >= CONFIRM and not t.settled and not t.gone]
        for new in [t for t in fresh if t.placed or t.hits < 2 * CONFIRM]:
            absent = [
                t
                for t in (*self.tracks, *self.lost)
                if t is not new
                and t.is_ball
                and t.missed_s is not None
                and abs(new.born_s - t.missed_s) < _ADOPT_S
            ]
            absent.sort(key=lambda t: unlike_lately(t, new))
            old = next((t for t in absent if self._could_be(t, new)), None)
            if old is not None:
                self._become(old, new)

    def _could_be(self, old: Track, new: Track) -> bool:
        """Whether a missing ball looks like a new one and a strike could have sent it there."""
        first = new.history[0]
        if not _may_be_back(old, first.x_in, first.y_in):
            return False
        far = float(np.hypot(first.x_in - old.x_in, first.y_in - old.y_in))
        reach = 6 + _FASTEST_IN_S * max(new.born_s - old.history[-1].t_s, 1 / 60)
        return unlike_lately(old, new) < _UNLIKE and far < reach

    def _become(self, old: Track, new: Track) -> None:
        """The old track goes on where the new one is."""
        old.history += [replace(s, since_s=None) for s in new.history]
        old.x_in, old.y_in, old.x_px, old.y_px = new.x_in, new.y_in, new.x_px, new.y_px
        old.vx, old.vy, old.last_s, old.state, old.missed_s = new.vx, new.vy, new.last_s, "moving", None
        old.hidden_s, old.by_hand, old.lately = None, new.by_hand, new.lately
        self.tracks.remove(new)
        if old.gone:
            self._take_back(old)

    def _born(self, index: int, t_s: float, d: Detection) -> None:
        track = Track(
            self._next, d.x_in, d.y_in, d.x_px, d.y_px, t_s, last_s=t_s, by_hand=d.by_hand, placed=d.by_hand
        )
        track.away = int(not d.by_hand)
        track.opening = self._first_s is not None and t_s < self._first_s + _OPENING_S
        if t_s == self._first_s and d.quality > _SURELY:
            track.hits = CONFIRM
        self._next += 1
        track.late_s = d.late_s
        track.history = [Sample(index, t_s + d.late_s, d.x_in, d.y_in, d.x_px, d.y_px, d.quality)]
        if d.look is not None:
            track.looks = [d.look]
        self.tracks.append(track)

    def _tidy(self, t_s: float) -> None:
        """Forgets what is gone, never confirmed, or stands where another ball is."""
        near = 0.7 * self.table.ball_diameter_in
        keep: list[Track] = []
        for t in sorted(self.tracks, key=lambda t: (-t.confirmed, t.state == "hidden", t.born_s)):
            if t.gone or (not t.confirmed and (t.missed_s is not None or t_s - t.last_s > _BIRTH_S)):
                continue
            if any(math.hypot(t.x_in - k.x_in, t.y_in - k.y_in) < near for k in keep):
                if t.confirmed:
                    self._lose(t)
                continue
            keep.append(t)
        self.tracks = keep


def _in_play(now: Now) -> bool:
    """Whether a ball has been rolling for a while: the cue has done its work, and only balls set off others."""
    return any(t.is_ball and t.state == "moving" and t.speed > _HITS_IN_S and not t.just_left for t in now.tracks)


def _may_go_in_s(track: Track) -> float:
    """How fast a ball out of sight may go: one seen rolling about as it did, one that lay still as if struck."""
    if track.at_home or track.just_left:
        return _FOUND_AGAIN_IN_S
    return min(_FOUND_AGAIN_IN_S, _ROLLED_ON * max(track.speed, _SLOW_IN_S))


def _may_be_back(track: Track, x_in: float, y_in: float) -> bool:
    """Whether a lost ball can lie at a place: one that fell into a pocket comes back to its jaws only."""
    fate = track.fate
    return fate is None or bool(np.hypot(fate.pocket.x_in - x_in, fate.pocket.y_in - y_in) < _RATTLE_IN)


def _distances(places: Array, detections: list[Detection], chosen: list[int]) -> Array:
    """Inches between places, shape (N, 2), and the chosen detections: shape (N, len(chosen))."""
    found = np.array([(detections[j].x_in, detections[j].y_in) for j in chosen])
    result: Array = np.linalg.norm(places[:, None] - found[None], axis=2)
    return result


def _solve(cost: Array) -> list[tuple[int, int]]:
    rows, cols = linear_sum_assignment(cost)
    return [(int(i), int(j)) for i, j in zip(rows, cols, strict=True) if cost[i, j] < _FAR]


def _segments_near(a: Point, b: Point, c: Point, d: Point) -> float:
    """The least distance between two points that go evenly from a to b and from c to d in the same time."""
    x, y = c[0] - a[0], c[1] - a[1]
    dx, dy = d[0] - b[0] - x, d[1] - b[1] - y
    length = dx * dx + dy * dy
    part = 0.0 if length == 0 else min(max(-(x * dx + y * dy) / length, 0.0), 1.0)
    return math.hypot(x + part * dx, y + part * dy)
