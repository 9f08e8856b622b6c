"""A match as a fold over what the camera saw and what people said, from the first break to how it stands.

Nothing is kept between two folds: a mended shot or a new word makes the match anew, in time linear in its shots.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from edge.hall.games.eight_ball import EIGHT_BALL, EIGHT_BALL_BREAK_WINS
from edge.hall.games.heard import Heard, hear
from edge.hall.games.model import (
    Breaks,
    Ending,
    GameName,
    Group,
    InHand,
    MatchState,
    Play,
    Question,
    Rack,
    Why,
    Word,
)
from edge.hall.games.nine_ball import NINE_BALL
from edge.hall.games.rack import OTHER_GROUP, RackInPlay
from edge.hall.games.rotation import ball_on
from edge.hall.games.ruling import Judgement, RuleSet, Stroke
from edge.hall.games.seams import JUST_BEGUN, between_racks, broke_unseen, is_new_rack, is_rebreak, likely_winner
from edge.hall.games.straight_pool import STRAIGHT_POOL
from edge.hall.games.tally import Tally
from edge.hall.games.ten_ball import TEN_BALL


def play_match(
    game: GameName,
    race_to: int | tuple[int, int],
    first_breaker: int,
    plays: Sequence[Play],
    words: Iterable[Word] = (),
    *,
    breaks: Breaks = "alternate",
    break_wins: bool = False,
) -> MatchState:
    """How a match stands after these plays, oldest first, and these words, in the order in which they were said.

    `race_to` is racks, or points of straight pool; a pair gives each player an own race. `breaks` says who breaks
    the next rack (Regulation 15 alternates), `break_wins` that the 8 on the break wins a rack of 8-ball. A word
    about a shot that is not among the plays says nothing. Raises ValueError for a race to nothing, or a breaker
    who is neither 0 nor 1.
    """
    race = (race_to, race_to) if isinstance(race_to, int) else race_to
    if min(race) < 1 or first_breaker not in (0, 1):
        raise ValueError("a race is to at least 1, and the first breaker is 0 or 1")
    heard = hear(words)
    while True:
        match = _Match(_rules_of(game, break_wins), race, first_breaker, breaks, heard)
        if match.fold(plays):
            return match.state()


def _rules_of(game: GameName, break_wins: bool) -> RuleSet:
    if game == "8-ball":
        return EIGHT_BALL_BREAK_WINS if break_wins else EIGHT_BALL
    return {"9-ball": NINE_BALL, "10-ball": TEN_BALL, "straight pool": STRAIGHT_POOL}[game]


class _Match:
    """The fold's working state; it lives no longer than one fold."""

    def __init__(self, rules: RuleSet, race: tuple[int, int], breaker: int, breaks: Breaks, heard: Heard) -> None:
        self.rules, self.race, self.breaks, self.heard = rules, race, breaks, heard
        self.game = rules.game
        self.money = rules.money  # None where no racks are counted
        self.racked = self.money is not None
        self.rack = RackInPlay(1, breaker, True, rules.balls)
        self.racks: list[Rack] = []
        self.settled: list[bool] = []  # of each rack: whether a person said who won it
        self.guesses: list[int | None] = []
        self.rack_of: dict[str, int] = {}
        self.left_over = self.rack.size // 2
        self.score = [0, 0]
        self.turn, self.turn_sure = breaker, True
        self.why: Why = "breaks"
        self.in_hand: InHand | None = None
        self.in_hand_sure = True
        self.over = False
        self.winner: int | None = None
        self.how: Literal["race", "said by a person"] | None = None
        self.tally = Tally()
        self.lasting: list[Question] = []

    def fold(self, plays: Sequence[Play]) -> bool:
        """Plays the match; False where a word turned out to mend what has been played past: fold once more."""
        self._add_points(None)
        if not self._hear(None):
            return False
        for play in plays:
            self._take(play)
            if play.shot_id in self.heard.here and not self._hear(play.shot_id):
                return False
        return True

    def _take(self, play: Play) -> None:
        said = self.heard.shooters.get(play.shot_id)
        if not self.over and said is None and between_racks(self.rack, play, self.left_over):
            self.tally.skip(play.shot_id)
            return
        if not self.over:
            self._begin_rack_unsaid(play)
        if self.over:
            self.tally.skip(play.shot_id)
            return
        stroke = self._stroke(play, said)
        ruled = self.rules.judge(self.rack, stroke)
        self._name_groups(play.shot_id, ruled)
        self._count(stroke, ruled)
        self._ask(stroke, ruled)
        self._pass_on(stroke, ruled)
        self._add_points(play.shot_id)

    def _begin_rack_unsaid(self, play: Play) -> None:
        """Where the balls were racked and nobody said so."""
        rack = self.rack
        if self.money is not None and is_new_rack(rack, play):
            guess = likely_winner(rack, self.turn, self.money) if self.turn_sure else None
            self._close(None, "not seen", False, guess=guess)
        elif is_rebreak(rack, play):
            if rack.again is not None:
                self.turn = rack.again
            self.turn_sure = self.turn_sure and rack.again_sure
            rack.rack_again()
            self.tally.end_turn()

    def _stroke(self, play: Play, said: int | None) -> Stroke:
        """The play at its place: who is at the table, and whether it is the break."""
        rack, heard, shot_id = self.rack, self.heard, play.shot_id
        first = rack.opening and rack.shots == 0
        unseen = first and broke_unseen(rack, play)
        player, sure = self.turn, self.turn_sure
        if unseen:
            rack.blurred, sure = True, False
        if said is not None:
            player, sure = said, True
        elif not sure and not first and self.rules.likelier is not None:
            player, sure = self.rules.likelier(rack, play, player)
        if first and not unseen:
            rack.breaker, rack.breaker_sure = player, sure
        if shot_id in heard.racks and (rack.said is None or rack.said[0] < heard.racks[shot_id][0]):
            rack.said = heard.racks[shot_id]
        group = heard.groups.get(shot_id)
        return Stroke(
            play,
            player,
            sure,
            is_break=first and not unseen,
            follows_break=rack.shots == 1,
            call=heard.calls.get(shot_id),
            group=group if group is None or player == 0 else OTHER_GROUP[group],
        )

    def _name_groups(self, shot_id: str, ruled: Judgement) -> None:
        group = self.heard.groups.get(shot_id)
        if group is not None and self.game == "8-ball":
            self.rack.groups = [group, OTHER_GROUP[group]]
            self.rack.groups_sure = True
            ruled.asks = tuple(ask for ask in ruled.asks if ask[0] != "groups")

    def _count(self, stroke: Stroke, ruled: Judgement) -> None:
        """Fouls, points and the verdict."""
        rack, player, shot_id = self.rack, stroke.player, stroke.play.shot_id
        if not self.racked:
            due = self.race[player] - self.score[player]
            if ruled.points > due:  # the race ends with the ball that reaches it
                ruled.points, ruled.legal_pots = due, ruled.legal_pots[:due]
            self.score[player] += ruled.points
        if ruled.foul is None or ruled.why == "three fouls":
            rack.fouls[player], rack.fouls_sure[player] = 0, True
        elif ruled.foul != "breaking foul":  # by 4.11 that is none of three
            rack.fouls[player] += 1
            rack.fouls_sure[player] = rack.fouls_sure[player] and ruled.foul_sure
        self.tally.add(shot_id, rack.number, stroke, ruled)
        self.rack_of[shot_id] = rack.number
        rack.break_id = rack.break_id or shot_id
        rack.last_id = shot_id
        rack.shots += 1
        rack.again, rack.again_sure = ruled.again, ruled.again_sure

    def _pass_on(self, stroke: Stroke, ruled: Judgement) -> None:
        player = stroke.player
        self.turn = ruled.turn if ruled.turn is not None else (player if ruled.stays else 1 - player)
        self.turn_sure = stroke.player_sure and ruled.sure
        self.why = ruled.why
        self.in_hand, self.in_hand_sure = ruled.in_hand, ruled.foul_sure and self.turn_sure
        if ruled.end is not None:
            self._close(*ruled.end)
        elif ruled.rerack:
            last = self.rack
            self.rack = RackInPlay(last.number + 1, self.turn, self.turn_sure, last.full)
            self.rack.opening = ruled.third_foul
            self.rack.fouls, self.rack.fouls_sure = last.fouls, last.fouls_sure

    def _ask(self, stroke: Stroke, ruled: Judgement) -> None:
        """Keeps the questions that still matter, and adds those of this shot."""
        rack, shot_id, player = self.rack, stroke.play.shot_id, stroke.player
        if rack.questions:
            rack.questions = [(p, q) for p, q in rack.questions if self._matters(p, q, player, ruled)]
        for kind, about in ruled.asks:
            if kind == "points" and shot_id in self.heard.points:
                continue
            guess = 1 - player if kind == "three_fouls" else player if kind == "groups" else None
            question = Question(kind, shot_id, rack.number, guess, about)
            if self.racked:
                rack.questions.append((player, question))
            else:
                self.lasting.append(question)

    def _matters(self, asked_of: int, question: Question, player: int, ruled: Judgement) -> bool:
        """Whether an earlier question of this rack still decides something after a later shot."""
        if question.kind == "which_ball":
            return not (self.rack.groups_certain if self.game == "8-ball" else self.rack.certain)
        if question.kind == "groups":
            return question.shot_id not in self.heard.groups and not self.rack.groups_sure
        if self.game == "8-ball":
            return False
        return asked_of != player or ruled.foul is not None  # it counts among three

    def _close(
        self, winner: int | None, how: Ending, sure: bool, *, order: int = -1, guess: int | None = None
    ) -> None:
        """Ends the rack. What a person said of it, in words later than `order`, beats how it ended."""
        rack = self.rack
        said = rack.said is not None and rack.said[0] > order
        if rack.said is not None and said:
            if rack.said[1] != winner:
                winner, how = rack.said[1], "said by a person"
            sure = True
        self.racks.append(Rack(rack.number, winner, how, sure, rack.breaker, rack.last_id, rack.break_id))
        self.settled.append(said or order >= 0)
        self.guesses.append(winner if winner is not None else guess)
        self.left_over = rack.lying_count if rack.shots else rack.size // 2
        self.tally.end_turn()
        if winner is not None:
            self.score[winner] += 1
        self._end_race()
        if not self.over:
            self._next_rack(rack.breaker_sure)

    def _next_rack(self, breaker_sure: bool) -> None:
        last = self.racks[-1]
        breaker = 1 - last.breaker
        if self.breaks != "alternate":
            breaker_sure = last.winner is not None and last.sure
            if last.winner is not None:
                breaker = last.winner if self.breaks == "winner" else 1 - last.winner
        self.rack = RackInPlay(last.number + 1, breaker, breaker_sure, self.rules.balls)
        self.turn, self.turn_sure, self.why = breaker, breaker_sure, "breaks"
        self.in_hand, self.in_hand_sure = None, True

    def _add_points(self, shot_id: str | None) -> None:
        given = self.heard.points.get(shot_id)
        if given is not None and not self.racked and not self.over:
            self.score = [min(s + g, r) for s, g, r in zip(self.score, given, self.race, strict=True)]
        if not self.racked:
            self._end_race()

    def _end_race(self) -> None:
        if self.over:
            return
        for player in (0, 1):
            if self.score[player] >= self.race[player]:
                self.over, self.winner, self.how = True, player, "race"
                return

    def _hear(self, after: str | None) -> bool:
        """The words said here. False where one mends a rack after which the match was over: fold once more."""
        for order, word in self.heard.here.get(after, ()):
            if order in self.heard.pinned:
                continue
            if self.over:
                if word.kind == "rack" and self._pin(order, word):
                    return False
            elif word.kind == "end":
                self.over, self.winner, self.how = True, word.player, "said by a person"
            elif word.kind == "turn" and word.player is not None:
                self._give_turn(word.player)
            elif word.kind == "rack" and word.player is not None and self.racked:
                self._give_rack(order, word, word.player)
        return True

    def _give_turn(self, player: int) -> None:
        if player != self.turn:
            self.in_hand, self.in_hand_sure = None, True
        self.turn, self.turn_sure, self.why = player, True, "said by a person"
        if self.rack.opening and self.rack.shots == 0:
            self.rack.breaker, self.rack.breaker_sure = player, True

    def _give_rack(self, order: int, word: Word, player: int) -> None:
        rack = self.rack
        meant = None if word.shot_id is None else self.rack_of.get(word.shot_id)
        if meant is not None:  # a rack that is over was told when it closed
            if meant == rack.number and rack.shots:
                self._close(player, "said by a person", True, order=order)
            return
        if word.shot_id is not None and self.heard.racks[word.shot_id][0] != order:
            return  # said again, later, of a shot that is of no rack
        asked = bool(self.racks) and not self.settled[-1]
        if asked and (rack.shots == 0 or (self.racks[-1].winner is None and rack.shots <= JUST_BEGUN)):
            self._mend_last(player)
        else:
            self._close(player, "said by a person", True, order=order)

    def _mend_last(self, player: int) -> None:
        last = self.racks[-1]
        how: Ending = last.how if last.winner == player else "said by a person"
        self.racks[-1] = replace(last, winner=player, how=how, sure=True)
        self.settled[-1] = True
        if last.winner is not None:
            self.score[last.winner] -= 1
        self.score[player] += 1
        self._end_race()
        breaker_said = self.why == "said by a person"
        if not self.over and self.rack.shots == 0 and self.breaks != "alternate" and not breaker_said:
            self._next_rack(True)

    def _pin(self, order: int, word: Word) -> bool:
        """Ties a word about the last rack of a race to that rack, so that a new fold knows it in time."""
        if self.how != "race" or not self.racks or word.player is None:
            return False
        last = self.racks[-1]
        if self.settled[-1] and last.winner == word.player:
            return False
        if last.shot_id is None or (word.shot_id is not None and word.shot_id in self.rack_of):
            return False
        self.heard.racks[last.shot_id] = (order, word.player)
        self.heard.pinned.add(order)
        return True

    def _questions(self) -> tuple[Question, ...]:
        asked = [
            Question("rack_winner", rack.shot_id, rack.number, guess)
            for rack, settled, guess in zip(self.racks, self.settled, self.guesses, strict=True)
            if not settled and not rack.sure
        ]
        asked += self.lasting
        if not self.over:
            asked += [question for _, question in self.rack.questions]
            if not self.turn_sure:
                asked.append(Question("turn", self.tally.last_id, self.rack.number, self.turn))
        return tuple(asked)

    def state(self) -> MatchState:
        rack, race, score, tally = self.rack, self.race, self.score, self.tally
        groups = rack.groups
        needs_one = all(r > 1 and s == r - 1 for s, r in zip(score, race, strict=True))
        return MatchState(
            game=self.game,
            race_to=race,
            turn=None if self.over else self.turn,
            turn_sure=self.turn_sure,
            why=self.why,
            rack=rack.number,
            breaker=rack.breaker,
            score=(score[0], score[1]),
            racks=tuple(self.racks),
            points=(0, 0) if self.racked else (score[0], score[1]),
            groups=(groups[0], groups[1]),
            groups_sure=rack.groups_sure,
            left=(_left(rack, groups[0]), _left(rack, groups[1])),
            lying=rack.lying() if self.racked else (),
            ball_on=ball_on(rack) if self.game in ("9-ball", "10-ball") else None,
            in_hand=None if self.over else self.in_hand,
            in_hand_sure=self.in_hand_sure,
            hill_hill=self.racked and needs_one and not self.over,
            over=self.over,
            winner=self.winner,
            how=self.how,
            innings=(tally.innings[0], tally.innings[1]),
            run=tally.run if tally.stayed else 0,
            best_run=(tally.best[0], tally.best[1]),
            fouls=(tally.fouls[0], tally.fouls[1]),
            consecutive_fouls=(rack.fouls[0], rack.fouls[1]),
            verdicts=tuple(tally.verdicts),
            questions=self._questions(),
        )


def _left(rack: RackInPlay, group: Group | None) -> int | None:
    return None if group is None else rack.left(group)
