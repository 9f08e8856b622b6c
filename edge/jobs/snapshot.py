"""Every night a snapshot, when anything has changed since the last."""

from edge.backup import latest, take
from edge.backup.taking import DamagedSourceError
from edge.jobs.job import Bench, night
from edge.store import damage
from edge.store.database import data_version

MB = 1_000_000


class NightlySnapshot:
    """The first night after a start it is taken in any case: what others wrote is known from then on."""

    name = "snapshot"
    limit_s = 4 * 3600.0  # a million shots to a slow card
    noted = True

    def __init__(self) -> None:
        self._version: int | None = None

    def due(self, bench: Bench) -> str | None:
        return night(bench.moment)

    def run(self, bench: Bench, period: str) -> str:  # noqa: ARG002
        # Of the connection that writes: what is written by it, such as that a job was done, is no change.
        with bench.store.write() as conn:
            version = data_version(conn)
        last = latest(bench.paths)
        if version == self._version and last is not None:
            return f"nothing has changed since {last.name}"
        least = bench.settings.disk.least_free_mb * MB
        try:
            made = take(bench.paths, bench.moment.now, least_free_bytes=least, stopping=bench.stopping)
        except DamagedSourceError as error:
            damage.mark(bench.paths.store, str(error))
            raise
        self._version = version
        return f"{made.name}, {made.size / MB:.1f} MB"
