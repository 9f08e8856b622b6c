"""Every night the training scores of the months that are open are made anew; from a month's end on every hour,
until the month is final.

At a table of a hall there is nothing to do: the hub does it. While the clock can't be trusted nothing is done, for
no month is to be closed by it. What the cloud is told of this is `sync`'s affair.
"""

from datetime import UTC, timedelta

from edge.hall import training_sessions
from edge.hall.training_periods import GRACE, begin, bounds, freeze_here, make_final, open_periods, waits_for
from edge.hall.training_scores import settle_scores
from edge.jobs.job import Bench, night
from edge.store import changes

AFTER = timedelta(hours=2)  # so that one of the hours comes after the last of them


class StoppedError(Exception):
    """The program is to end; the rest is done at its next start."""


class Training:
    name = "training"
    limit_s = 1800.0
    noted = True

    def due(self, bench: Bench) -> str | None:
        """The night; the hour, by UTC, while a month that is over is not final, for as long as a cloud waits."""
        moment = bench.moment
        if not moment.trusted:
            return None
        with bench.store.read() as conn:
            if changes.role_of(conn) == "table":
                return None
            ends = [bounds(period, moment.zone)[1] for period in open_periods(conn)]
        hourly = any(end <= moment.now < end + GRACE + AFTER for end in ends)
        return f"{moment.now.astimezone(UTC):%Y-%m-%dT%H}" if hourly else night(moment)

    def run(self, bench: Bench, period: str) -> str:  # noqa: ARG002
        now, zone = bench.moment.now, bench.moment.zone
        with bench.store.write() as conn:
            months = begin(conn, now, zone)
            # Asked before the scores are made anew, so that what is told by now is in them.
            waits = {month: waits_for(conn, month, now, zone) for month in months}
            players = training_sessions.players_of(conn)
        for player_id in players:
            if bench.stopping():
                raise StoppedError(f"{len(players)} players were not all counted")
            with bench.store.read() as conn:
                plan = training_sessions.gather(conn, player_id)
            with bench.store.write() as conn:
                training_sessions.put(conn, plan)
        final, frozen = [], []
        with bench.store.write() as conn:
            for month in months:
                settle_scores(conn, month, now, zone)
                if not waits[month]:
                    make_final(conn, month, now)
                    final.append(month)
            if not bench.paths.cloud.exists():
                frozen = freeze_here(conn, now, zone)
        return _in_words(len(players), final, frozen, waits)


def _in_words(players: int, final: list[str], frozen: list[str], waits: dict[str, list[str]]) -> str:
    said = [f"{players} players"]
    said += [f"{month} is final" for month in final]
    said += [f"{month} is frozen" for month in frozen]
    said += [
        f"{month} waits for {', '.join(what)}"
        for month, what in waits.items()
        if what and what != ["the month's end"]
    ]
    return ", ".join(said)
