"""What is counted through a match: turns at the table, runs, fouls, and the verdict of every play."""

from dataclasses import dataclass, field, replace

from edge.hall.games.model import Verdict
from edge.hall.games.ruling import Judgement, Stroke


@dataclass(slots=True)
class Tally:
    """Counts by player; `run` and `stayed` are of the last shot. `missed` is the last shot, by its place
    and player, where it may turn out a safety won."""

    innings: list[int] = field(default_factory=lambda: [0, 0])
    best: list[int] = field(default_factory=lambda: [0, 0])
    fouls: list[int] = field(default_factory=lambda: [0, 0])
    run: int = 0
    stayed: bool = False
    last_player: int | None = None
    last_id: str | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    missed: tuple[int, int] | None = None

    def skip(self, shot_id: str) -> None:
        """A play that belongs to no rack."""
        self.verdicts.append(Verdict(shot_id, None, None, None, None, True, (), False, 0, 0, True))

    def add(self, shot_id: str, rack: int, stroke: Stroke, ruled: Judgement) -> None:
        """Counts a play. A turn at the table begins where the last one ended, by whatever."""
        player = stroke.player
        if not self.stayed or player != self.last_player:
            self.innings[player] += 1
            self.run = 0
        self.run += len(ruled.legal_pots)
        self.best[player] = max(self.best[player], self.run)
        if ruled.foul is not None:
            self.fouls[player] += 1
        self._settle_safety(stroke, ruled)
        self.stayed, self.last_player, self.last_id = ruled.stays, player, shot_id
        sure = stroke.player_sure and ruled.sure
        inning = self.innings[0] + self.innings[1]
        self.verdicts.append(
            Verdict(
                shot_id, player, rack, inning, ruled.foul, ruled.foul_sure, ruled.legal_pots, ruled.stays,
                ruled.points, self.run, sure,
            )
        )  # fmt: skip

    def end_turn(self) -> None:
        """A rack's end ends the turn at the table too."""
        self.stayed, self.missed = False, None

    def _settle_safety(self, stroke: Stroke, ruled: Judgement) -> None:
        if self.missed is not None and self.missed[1] != stroke.player:
            place = self.missed[0]
            if ruled.foul is not None or stroke.play.result != "unknown":
                won = ruled.foul is not None or not (ruled.legal_pots or ruled.stays)
                self.verdicts[place] = replace(self.verdicts[place], safety_won=won)
        missed = ruled.foul is None and not ruled.stays and not stroke.is_break and ruled.end is None
        self.missed = (len(self.verdicts), stroke.player) if missed else None
