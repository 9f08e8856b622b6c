"""All jobs, in the order in which they are looked at: room on the disk comes first, for the others need it."""

from edge.jobs.disk import DiskGuard
from edge.jobs.housekeeping import Housekeeping
from edge.jobs.job import Job
from edge.jobs.prune import PruneSnapshots
from edge.jobs.snapshot import NightlySnapshot
from edge.jobs.training import Training


def all_jobs() -> tuple[Job, ...]:
    """New ones: some remember what they saw last."""
    return (DiskGuard(), NightlySnapshot(), PruneSnapshots(), Housekeeping(), Training())
