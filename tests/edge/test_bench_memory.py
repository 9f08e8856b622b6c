"""The memory of the vision process: its own, of the real service, with all that was played stored."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge.bench.memory import MemoryBenchError, MemoryPlan, measure_imports, measure_memory
from edge.bench.rss import peak_mb, resident_mb


def test_what_is_resident_is_the_kernel_s_count() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    assert resident_mb() == pytest.approx(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, rel=0.1)
    before = resident_mb()
    held = np.ones(12_500_000)
    assert resident_mb() - before > 0.9 * held.nbytes / 1e6
    assert peak_mb() >= resident_mb()


def test_a_kernel_that_does_not_say_is_named(tmp_path: Path) -> None:
    (tmp_path / "status").write_text("Name:\tpython\n")
    with pytest.raises(RuntimeError, match="has no VmRSS"):
        resident_mb(tmp_path / "status")


def test_imports_are_charged_one_by_one() -> None:
    costs = dict(measure_imports(("json", "numpy", "numpy")))
    assert list(costs) == ["Python itself", "json", "numpy"]
    assert costs["Python itself"] > 3


def test_watching_a_camera_loads_neither_scipy_nor_the_decoder_of_films() -> None:
    imports = (
        "import edge.commands.vision, edge.runtime.vision_parts, edge.runtime.shot_writer, vision.frames.v4l2"
    )
    heavy = "print(sorted({name.partition('.')[0] for name in sys.modules} & {'cv2', 'scipy', 'av', 'rich'}))"
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys; {imports}; {heavy}"], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "['cv2']"


@pytest.mark.slow
def test_the_vision_process_runs_to_the_end_of_play() -> None:
    report = measure_memory(MemoryPlan(seed=1, seconds=6.0, size=(640, 360), fps=15.0))
    assert (report.frames, report.dropped_frames) == (90, 0)
    assert report.shots >= 1
    assert len(report.marks) == 6
    assert report.peak_mb >= max(mark.resident_mb for mark in report.marks) > report.start_mb > 50
    least_mb = 320 * 180 / 1e6  # the cloth, if only in one channel at half size
    assert all(least_mb < mark.pipeline_mb < mark.resident_mb for mark in report.marks)


@pytest.mark.slow
def test_a_process_that_fails_says_why() -> None:
    with pytest.raises(MemoryBenchError, match=r"failed with status \d+: .*ended before its first frame"):
        measure_memory(MemoryPlan(seed=1, seconds=1.0, size=(320, 180), fps=1000.0))
