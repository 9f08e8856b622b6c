"""What the rules are told and what they say: frozen values without behaviour.

Players are 0 and 1. Fouls, endings and reasons are stable keys in plain words; the sentences that people read
stand in the kiosk's catalogue.
"""

from dataclasses import dataclass
from typing import Literal

GameName = Literal["8-ball", "9-ball", "10-ball", "straight pool"]
Breaks = Literal["alternate", "winner", "loser"]
Group = Literal["solid", "stripe"]
InHand = Literal["anywhere", "behind the head string"]
Foul = Literal[
    "scratch",
    "ball off the table",
    "no ball met",
    "wrong ball first",
    "no cushion after contact",
    "illegal break",
    "breaking foul",
    "called by a person",
]
Why = Literal[
    "breaks", "potted", "missed", "foul", "spotted", "push out", "safety", "not seen", "three fouls",
    "said by a person",
]  # fmt: skip
Ending = Literal[
    "8 potted", "8 on the break", "8 early", "8 on a foul", "8 off the table", "9 potted", "9 on the break",
    "10 potted", "three fouls", "said by a person", "not seen",
]  # fmt: skip
QuestionKind = Literal["rack_winner", "turn", "which_ball", "foul", "push_out", "three_fouls", "groups", "points"]


@dataclass(frozen=True, slots=True)
class Play:
    """One shot as it stands now, with what people mended of it.

    `potted` are the object balls that fell, in order: `1` to `15`, or `solid?`, `stripe?`, `ball-3` where the
    camera can't tell. `first_ball` is the first object ball that the cue ball met; `met_anything` is False where
    it surely met none. `on_table` are the object balls that lay when the shot began. `off_table` left the table
    and fell into no pocket; `to_cushion` met a cushion after the first contact. None is what nobody knows.
    """

    shot_id: str
    result: Literal["make", "miss", "unknown"]
    scratch: bool
    potted: tuple[str, ...] = ()
    first_ball: str | None = None
    met_anything: bool | None = None
    is_break: bool | None = None
    cushion_after_contact: bool | None = None
    on_table: tuple[str, ...] | None = None
    complete: bool = True
    confidence: float | None = None
    off_table: tuple[str, ...] = ()
    to_cushion: tuple[str, ...] | None = None


WordKind = Literal[
    "shooter", "turn", "rack", "foul", "no foul", "push out", "safety", "solids", "stripes", "points", "end"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """What a person said with a tap. Words come in the order in which they were said; a later beats an earlier.

    `after` is the play it follows, None before the first. `shot_id` is the shot meant, where None means `after`.

    - `shooter`: that shot was played by `player`.
    - `turn`: `player` is at the table now; before a break, breaks.
    - `rack`: `player` won the rack of that shot. Without `shot_id` it is the rack going on, or the last one where
      the camera ended it or nobody saw its end and the next has only just begun; where neither is left to be said,
      a rack that nobody saw.
    - `foul`, `no foul`: what that shot was.
    - `push out`, `safety`: that shot was announced as one; the turn passes and nothing potted counts.
    - `solids`, `stripes`: from that shot on `player` has that group.
    - `points`: straight pool; at that shot `player` gets `amount` points more, fewer where it is negative.
    - `end`: the match ends here, with `player` as its winner or with none.
    """

    kind: WordKind
    player: int | None = None
    shot_id: str | None = None
    after: str | None = None
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules make of one play.

    `player` is None where the shot belongs to no rack: played after the match, or between two racks. `inning`
    counts the turns at the table of the whole match from 1. `stays`: the shooter plays on. `run` is how many balls
    were potted legally in this turn so far. `sure`: who played and who is next are beyond doubt; `foul_sure` the
    same of the foul, or of there being none. `safety_won`: a miss without a foul after which the opponent fouled
    or potted nothing; None for other shots and while it can't be told.
    """

    shot_id: str
    player: int | None
    rack: int | None
    inning: int | None
    foul: Foul | None
    foul_sure: bool
    legal_pots: tuple[str, ...]
    stays: bool
    points: int
    run: int
    sure: bool
    safety_won: bool | None = None


@dataclass(frozen=True, slots=True)
class Rack:
    """A rack that is over. `winner` None does not count until somebody says who won it. `shot_id` is its last shot
    and `break_id` its first, None where none was seen."""

    number: int
    winner: int | None
    how: Ending
    sure: bool
    breaker: int
    shot_id: str | None = None
    break_id: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Something to ask people. A word about `shot_id` answers it, of the kind that stands here:

    `rack_winner` and `three_fouls`: `rack` · `turn`: `turn` · `foul`: `foul` or `no foul` · `push_out`: `foul` or
    `push out` · `groups`: `solids` or `stripes` · `points`: `points`, 0 where the score is right · `which_ball`:
    a mended shot. `guess` is what the rules hold for likely; `about` a foul, a ball or a group.
    """

    kind: QuestionKind
    shot_id: str | None
    rack: int
    guess: int | None = None
    about: str | None = None


@dataclass(frozen=True, slots=True)
class MatchState:
    """How a match stands.

    `score` is what is raced for: racks, or in straight pool `points`. `turn` is None once the match is over; `why`
    says what made it so. `rack` and `breaker` are of the rack going on. 8-ball: `groups` by player, None while the
    table is open, and `left`, how many balls of it each still has before the 8. `lying` are the balls that should
    lie on the table, `ball_on` the lowest of them in 9-ball and 10-ball. `run` is of the turn going on.
    """

    game: GameName
    race_to: tuple[int, int]
    turn: int | None
    turn_sure: bool
    why: Why
    rack: int
    breaker: int
    score: tuple[int, int]
    racks: tuple[Rack, ...]
    points: tuple[int, int]
    groups: tuple[Group | None, Group | None]
    groups_sure: bool
    left: tuple[int | None, int | None]
    lying: tuple[str, ...]
    ball_on: str | None
    in_hand: InHand | None
    in_hand_sure: bool
    hill_hill: bool
    over: bool
    winner: int | None
    how: Literal["race", "said by a person"] | None
    innings: tuple[int, int]
    run: int
    best_run: tuple[int, int]
    fouls: tuple[int, int]
    consecutive_fouls: tuple[int, int]
    verdicts: tuple[Verdict, ...]
    questions: tuple[Question, ...]
