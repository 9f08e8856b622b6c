"""What frames are measured against, taken between them in the same run: floor, decoder, neural network."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from vision.bench.decode import time_decoding
from vision.bench.film import Moment, fresh
from vision.bench.floor import Floor
from vision.bench.network import MissingExtraError, load_network
from vision.bench.stopwatch import Lap, timed

_FLOOR_EVERY = 5
_DECODED = 60
_NETWORK_RUNS = 4


@dataclass
class Yardsticks:
    """Laps taken after every reel, so that they meet the same machine as the frames. `network` stays empty where
    the extra `bench` is not installed; `missing` then says how to install it."""

    floor: Floor
    fps: float
    cold: bool = False
    luma: list[Lap] = field(default_factory=list)
    regions: list[Lap] = field(default_factory=list)
    decode: list[Lap] = field(default_factory=list)
    network: list[Lap] = field(default_factory=list)
    missing: str | None = None
    _run_network: Callable[[], object] | None = None

    def __post_init__(self) -> None:
        try:
            self._run_network = load_network()
        except MissingExtraError as error:
            self.missing = str(error)

    def take(self, reel: list[Moment]) -> None:
        """Measures on a reel's frames what can be measured on them, each as the pipeline met it."""
        for k in range(1, len(reel), _FLOOR_EVERY):
            before, frame = (m.frame if self.cold else fresh(m.frame) for m in reel[k - 1 : k + 1])
            self.luma.append(timed(partial(self.floor.luma, before, frame))[1])
            self.regions.append(timed(partial(self.floor.regions, frame))[1])
        self.decode += time_decoding([m.frame for m in reel[:_DECODED]], self.fps)
        if self._run_network is not None:
            self._run_network()  # what it needs has left the caches meanwhile
            self.network += [timed(self._run_network)[1] for _ in range(_NETWORK_RUNS)]

    def both_floors(self) -> list[Lap]:
        """Luma difference and regions together."""
        pairs = zip(self.luma, self.regions, strict=True)
        return [Lap(a.cpu_ms + b.cpu_ms, a.wall_ms + b.wall_ms) for a, b in pairs]
