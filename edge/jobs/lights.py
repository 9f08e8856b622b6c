"""How the box is, for the light at its pins: what the health checks find, in one word."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from edge.hardware import Hardware, Wellness
from edge.health.check import scene_of
from edge.health.registry import all_checks
from edge.health.watch import HealthWatch
from edge.runtime.paths import Paths
from edge.settings import Settings
from edge.store.database import Store

YOUNG_S = 90.0  # so long a box that starts may lack something


def wellness_of(paths: Paths) -> Callable[[], Wellness]:
    """Asks the health checks, each when it is due. A box is well when nothing is bad."""
    watch = HealthWatch(lambda: scene_of(paths, serving=True), all_checks)

    def wellness() -> Wellness:
        findings = watch.findings()
        scene = scene_of(paths)
        if scene.live is not None and scene.live.get("status") == "starting":
            return "starting"
        if any(finding.state == "bad" for finding in findings):
            young = not scene.services or max(scene.services.values()) < YOUNG_S
            return "starting" if young else "wrong"
        return "well"

    return wellness


@contextmanager
def at_the_pins(paths: Paths, settings: Settings, store: Store) -> Iterator[None]:
    """Light, button and buzzer work inside the block, where the settings name any."""
    hardware = Hardware(settings.hardware, store, settings.table.label, wellness_of(paths))
    hardware.start()
    try:
        yield
    finally:
        hardware.stop()
