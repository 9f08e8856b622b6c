"""From tracks to shots: when one begins and ends, and what happened in between."""

from dataclasses import dataclass, field

import numpy as np

from calibration.file import Calibration
from vision.facts import Facts, describe_fully
from vision.feel import USUAL, Feel
from vision.identify import Names
from vision.model import Phase, Point, Shot
from vision.motion import Path, caused, make_path
from vision.pots import Fate, fate_of, fate_when_struck, fate_when_vanished, rolled_in
from vision.quality import Quality
from vision.track import Track
from vision.tracker import Tracker
from vision.withdraw import DOUBT_S, Told, seen_again

_QUIET_S = 0.12  # this long without motion ends a shot
_WAIT_HIDDEN_S = 8.0  # this long a ball that rolled behind a player is waited for
_MOVED_IN = 0.5
_MIN_DISPLACEMENT_IN = 1.5
_MIN_SPEED_IN_S = 6.0
_MIN_ROLLING = 4  # steps without a gap that show balls rolling by themselves
_STEP_S = 0.15
_UNSEEN_S = 0.5
_REMEMBER_S = 30.0
_PREDICTED_S = 0.1  # a ball that would reach a pocket later than this has not been potted yet


@dataclass
class Episode:
    """Something moves: the layout before, and the balls that moved."""

    start_s: float
    layout: dict[int, Point]
    quiet_since_s: float | None = None
    moved: set[int] = field(default_factory=set)


class ShotFinder:
    """Watches the tracks of one table and hands on each shot when it is over.

    `feel` is what is known of the table's cloth and rails, `quality` how well its shots were seen; both grow.
    """

    def __init__(self, calibration: Calibration, source_id: str, feel: Feel = USUAL) -> None:
        self.feel = feel
        self.quality = Quality()
        self.calibration = calibration
        self.table = calibration.table
        self.source_id = source_id
        self._episode: Episode | None = None
        self._told: Told | None = None
        self._index = 0
        self._t_s = 0.0

    @property
    def phase(self) -> Phase:
        return "still" if self._episode is None else "shot"

    def update(self, index: int, t_s: float, tracker: Tracker, names: Names) -> list[Shot]:
        """The shots that ended with this frame or are seen differently now, amended."""
        self._index, self._t_s = index, t_s
        return self._second_thoughts(tracker) + self._ended(t_s, tracker, names)

    def _ended(self, t_s: float, tracker: Tracker, names: Names) -> list[Shot]:
        moving = [t for t in tracker.tracks if t.is_ball and t.state == "moving" and _has_moved(t)]
        episode = self._episode
        if episode is None:
            if moving:
                self._episode = self._begin(moving, tracker)
            return []
        episode.moved |= {t.id for t in moving}
        if moving or self._awaited(episode, tracker, t_s):
            episode.quiet_since_s = None
            return []
        if episode.quiet_since_s is None:
            episode.quiet_since_s = t_s
        if t_s - episode.quiet_since_s < _QUIET_S:
            return []
        return self._end(tracker, names, complete=True)

    def finish(self, tracker: Tracker, names: Names) -> list[Shot]:
        """The shot still going on when the recording ended, marked incomplete."""
        return [] if self._episode is None else self._end(tracker, names, complete=False)

    def _begin(self, moving: list[Track], tracker: Tracker) -> Episode:
        start_s = min(_left_s(t) for t in moving)
        layout = {t.id: _resting_place(t) for t in tracker.tracks if t.is_ball}
        return Episode(start_s, layout, moved={t.id for t in moving})

    def _awaited(self, episode: Episode, tracker: Tracker, t_s: float) -> bool:
        """Whether a ball that moved is out of sight for the moment."""
        return any(
            t.id in episode.moved and t.missed_s is not None and t_s - t.history[-1].t_s < _WAIT_HIDDEN_S
            for t in tracker.tracks
            if t.state in ("moving", "hidden") and not t.history[-1].resting
        )

    def _end(self, tracker: Tracker, names: Names, *, complete: bool) -> list[Shot]:
        episode = self._episode
        assert episode is not None
        self._episode = None
        names.settle(tracker.balls, tracker.lost)
        known = [t for t in (*tracker.tracks, *tracker.lost) if t.id in episode.layout or _lay_there(t, episode)]
        paths = [
            path
            for t in known
            if t.id in episode.moved and (path := make_path(t.id, t.history, episode.start_s)) is not None
        ]
        paths = caused(paths, names.cue, self.table.ball_diameter_in)
        gone = {t.id: t for t in known if _out_of_sight(t)}
        fates = {i: fate for i, t in gone.items() if (fate := self._fate(t, paths, episode)) is not None}
        fates = {i: fate for i, fate in fates.items() if seen_again(gone[i], fate, tracker, names.of(i)) is None}
        end = {t.id: (t.x_in, t.y_in) for t in tracker.tracks if t.is_ball and t.id not in fates}
        self._tidy(tracker, fates)
        if not _is_shot(paths, fates, names, tracker):
            return []
        _note_cue(paths, known, names)
        facts = Facts(
            source_id=self.source_id,
            calibration=self.calibration,
            ball_set=names.ball_set,
            paths=paths,
            fates=fates,
            names={t.id: names.of(t.id) for t in (*known, *tracker.tracks)},
            layout_start=episode.layout,
            layout_end=end,
            complete=complete and self._saw_start(paths),
            feel=self.feel,
        )
        described = describe_fully(facts)
        self.feel = described.feel
        self.quality += described.quality
        self._told = Told(facts, described.shot, {i: gone[i] for i in fates})
        return [described.shot]

    def _fate(self, track: Track, paths: list[Path], episode: Episode) -> Fate | None:
        """The pocket that a ball out of sight fell into by now, from its own way or that of what met it."""
        rolled = any(p.ball == track.id for p in paths)
        fate = fate_of(track.history, self.table) if rolled or rolled_in(track.history, self.table) else None
        if fate is None and track.gone and (track.missed_s or 0) >= episode.start_s:
            others = [p for p in paths if p.ball != track.id]
            fate = fate_when_struck(_resting_place(track), track.missed_s or track.last_s, others, self.table)
        if fate is None and track.gone and rolled:
            fate = fate_when_vanished(track.history, self.table)
        return fate if fate is not None and fate.t_s < self._t_s + _PREDICTED_S else None

    def _tidy(self, tracker: Tracker, fates: dict[int, Fate]) -> None:
        """Begins every path anew and lets go of the balls that were potted or have long been lost."""
        for t in (*tracker.tracks, *tracker.lost):
            t.forget()
        tracker.lost = [t for t in tracker.lost if t.id not in fates and self._t_s - t.last_s < _REMEMBER_S]
        tracker.tracks = [t for t in tracker.tracks if t.id not in fates]

    def _second_thoughts(self, tracker: Tracker) -> list[Shot]:
        """The last shot without the pots of balls that are seen again: none or one."""
        if self._told is None:
            return []
        if self._t_s - (self._told.shot.end_s or 0.0) > DOUBT_S:
            self._told = None
            return []
        self._told, amended = self._told.without_seen_again(tracker)
        return [amended] if amended else []

    def _saw_start(self, paths: list[Path]) -> bool:
        """Whether the balls were seen to lie still before the first one moved."""
        return any(p.rest_in is not None for p in paths)


def _left_s(track: Track) -> float:
    """When a moving ball left its place; one found again after a while left unseen."""
    rest = track.last_rest()
    start = track.history.index(rest) if rest is not None else 0
    first, second = track.history[start], track.history[min(start + 1, len(track.history) - 1)]
    return first.t_s if second.t_s - first.t_s < _UNSEEN_S else second.t_s


def _has_moved(track: Track) -> bool:
    first = track.last_rest() or track.history[0]
    return float(np.hypot(track.x_in - first.x_in, track.y_in - first.y_in)) > _MOVED_IN


def _lay_there(track: Track, episode: Episode) -> bool:
    """Whether a ball that was out of sight when an episode began had come to rest before."""
    since = track.history[0].since_s
    return track.settled and since is not None and since <= episode.start_s


def _resting_place(track: Track) -> Point:
    first = track.last_rest() or track.history[0]
    return (first.x_in, first.y_in)


def _out_of_sight(track: Track) -> bool:
    return track.gone or track.state == "hidden" or track.missed_s is not None


def _is_shot(paths: list[Path], fates: dict[int, Fate], names: Names, tracker: Tracker) -> bool:
    """Whether what moved was struck: something rolled far and fast enough by itself, the cue ball among it."""
    rolled = [
        p
        for p in paths
        if p.fastest_in_s > _MIN_SPEED_IN_S and (p.displacement_in > _MIN_DISPLACEMENT_IN or p.ball in fates)
    ]
    # Hard and short shots leave few samples each: a ball set off by another adds its own.
    if sum(_rolling_samples(p) for p in rolled) < _MIN_ROLLING:
        return False
    cue = names.cue
    if cue is None or len(paths) > 1 or any(p.ball == cue for p in paths):
        return True
    # A pocket's pale liner can pass for a cue ball; out on the bed a still cue ball means that a hand was at work.
    still = (t for t in tracker.tracks if t.id == cue and t.state == "still")
    return all(tracker.table.in_mouth(t.x_in, t.y_in) for t in still)


def _note_cue(paths: list[Path], known: list[Track], names: Names) -> None:
    """Lets the names know which ball began the shot, where that was seen."""
    first = min(paths, key=lambda p: p.t_s[min(1, len(p.t_s) - 1)], default=None)
    if first is not None and first.rest_in is not None:
        names.struck(first.ball, [t.id for t in known if t.id != first.ball])


def _rolling_samples(path: Path) -> int:
    """The longest run of samples in which the ball goes on, seen without a gap."""
    best = run = 0
    step = np.linalg.norm(np.diff(path.points_in, axis=0), axis=1)
    for i, dt in enumerate(np.diff(path.t_s)):
        run = run + 1 if step[i] > 0.05 and dt < _STEP_S else 0
        best = max(best, run)
    return best
