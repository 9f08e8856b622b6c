"""Pots taken back: a ball that is seen again on the table was not potted, whatever its way looked like."""

from dataclasses import dataclass, replace

import numpy as np

from vision.facts import Facts, describe
from vision.model import Shot
from vision.pots import Fate
from vision.track import Track, unlike
from vision.tracker import Tracker

DOUBT_S = 10.0  # after this long a ball that turns up has been put back
_ALIKE = 0.5
_JAWS_IN = 5.0


@dataclass(frozen=True)
class Told:
    """A shot handed on, what was known for it, and the tracks of the balls it says were potted."""

    facts: Facts
    shot: Shot
    potted: dict[int, Track]

    def without_seen_again(self, tracker: Tracker) -> tuple["Told", Shot | None]:
        """What stands now, and the shot's next revision where a potted ball lies on the table after all."""
        back = {i: s for i in self.potted if (s := self._seen_again(i, tracker))}
        if not back:
            return self, None
        fates = {i: fate for i, fate in self.facts.fates.items() if i not in back}
        layout = self.facts.layout_end | {i: (s.x_in, s.y_in) for i, s in back.items()}
        for same in back.values():
            layout.pop(same.id, None)
        facts = replace(self.facts, fates=fates, layout_end=layout)
        amended = replace(describe(facts), id=self.shot.id, revision=self.shot.revision + 1)
        return Told(facts, amended, {i: t for i, t in self.potted.items() if i not in back}), amended

    def _seen_again(self, ball: int, tracker: Tracker) -> Track | None:
        return seen_again(self.potted[ball], self.facts.fates[ball], tracker, self.facts.name(ball))


def seen_again(potted: Track, fate: Fate, tracker: Tracker, name: str) -> Track | None:
    """The ball on the table that can only be one believed potted; None where there is none.

    It turned up after the pot, away from any hand, and looks like it. The cue ball comes back by hand, however
    quickly: it counts in the pocket's jaws only.
    """
    for track in tracker.balls:
        if track is potted or track.placed or track.born_s < fate.t_s or track.state != "still":
            continue
        in_jaws = np.hypot(track.x_in - fate.pocket.x_in, track.y_in - fate.pocket.y_in) < _JAWS_IN
        if (in_jaws or name != "cue") and unlike(track, potted) < _ALIKE:
            return track
    return None
