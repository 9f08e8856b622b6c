"""Every night the snapshots that are not to be kept any more are deleted."""

from edge.backup import prune
from edge.jobs.job import Bench, night


class PruneSnapshots:
    name = "prune"
    limit_s = 600.0
    noted = True

    def due(self, bench: Bench) -> str | None:
        return night(bench.moment)

    def run(self, bench: Bench, period: str) -> str:  # noqa: ARG002
        keep = bench.settings.backup
        gone = prune(bench.paths, bench.moment.zone, keep.keep_days, keep.keep_weeks)
        return f"{len(gone)} deleted"
