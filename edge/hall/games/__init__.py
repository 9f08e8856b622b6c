"""The rules of a match: pure functions of what the camera saw and what people said.

`play_match` folds plays and words into a `MatchState`. Rules are the WPA's Rules of Play, effective 15 March 2016,
one file per game; what a camera can't see or hear is said there, and marked as not sure.
"""

from edge.hall.games.fold import play_match
from edge.hall.games.model import (
    Breaks,
    GameName,
    Group,
    MatchState,
    Play,
    Question,
    QuestionKind,
    Rack,
    Verdict,
    Word,
    WordKind,
)

__all__ = [
    "Breaks",
    "GameName",
    "Group",
    "MatchState",
    "Play",
    "Question",
    "QuestionKind",
    "Rack",
    "Verdict",
    "Word",
    "WordKind",
    "play_match",
]
