"""What grows is found, and what the pipeline keeps is bounded."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pytest

from vision.bench.footprint import Held, footprint, growing, total_bytes
from vision.pipeline import Pipeline
from vision.simulate.conditions import conditions
from vision.simulate.source import SimulatedTable
from vision.simulate.take import Take


@dataclass
class Kept:
    kept: list[tuple[int, str]] = field(default_factory=list)
    latest: deque[float] = field(default_factory=lambda: deque(maxlen=50))
    by_name: dict[str, np.ndarray] = field(default_factory=dict)


class Slotted:
    __slots__ = ("inner",)

    def __init__(self, inner: object) -> None:
        self.inner = inner


def test_every_place_counts_its_items_and_bytes() -> None:
    root = Slotted(Kept([(1001, "one"), (1002, "two")], by_name={"a": np.zeros(1000), "b": np.zeros(500)}))
    held = footprint(root)
    assert held[".inner.kept[]"].items == 2
    assert held[".inner.kept[][]"].items == 4
    assert held[".inner.by_name[]"].items == 2
    assert held[".inner.by_name[]"].size_bytes >= 12_000
    assert total_bytes(held) >= 12_000


def test_a_thing_counts_once_and_a_circle_ends() -> None:
    root = Kept()
    shared = np.zeros(1000)
    root.by_name = {"a": shared, "b": shared}
    root.kept.append(root)  # type: ignore[arg-type]
    assert footprint(root)[".by_name[]"].items == 1


def test_growth_is_told_where_it_happens_and_bounded_deques_are_not_growth() -> None:
    root = Kept()
    snapshots: list[dict[str, Held]] = []
    for k in range(1, 4):
        root.kept += [(1000 * k + n, "x") for n in range(10)]
        root.latest.extend(float(n) for n in range(10 * k))
        root.by_name = {"a": np.zeros(1000 * k)}
        snapshots.append(footprint(root))
    assert growing(snapshots) == [".kept[][]", ".kept[]"]
    assert growing(snapshots, least=25) == []


def test_what_grows_once_does_not_go_on_growing() -> None:
    assert growing([{"a": Held(1, 8)}, {"a": Held(9, 8)}, {"a": Held(9, 8)}]) == []


@pytest.mark.slow
def test_the_pipeline_holds_no_more_after_many_shots() -> None:
    """No place within it gains as many items as there were shots, and all of it stays as large as it was."""
    shots = 12
    take = Take(SimulatedTable.under(conditions(3), size=(640, 360), fps=15), shots=shots)
    pipeline = Pipeline(take.table.calibration, None, take.id)
    snapshots: list[dict[str, Held]] = []
    seen, due = 0, 3
    for frame in take:
        seen += len(pipeline.process(frame).shots)
        done = take.table.shots()
        if len(done) >= due and frame.t_s > done[-1][1].rest_s + 0.9:
            snapshots.append(footprint(pipeline))
            due = len(done) + 3
    assert seen >= shots // 2, "too few shots were seen to tell"
    assert len(snapshots) >= 3
    assert growing(snapshots, least=shots // 2) == []
    assert total_bytes(snapshots[-1]) < 1.1 * total_bytes(snapshots[0])
