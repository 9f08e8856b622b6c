"""What is freed goes back to the system, though a large block was freed before and small ones are kept between."""

import subprocess
import sys

import pytest

_SCRIPT = """
import sys
import numpy as np
from edge.bench.rss import resident_mb
from edge.runtime.frugal import be_frugal

if sys.argv[1] == "frugal":
    be_frugal()
np.ones(16_000_000, np.uint8)
before_mb = resident_mb()
pictures, kept = [], []
for _ in range(40):
    pictures.append(np.ones(2_000_000, np.uint8))
    kept.append(np.ones(20_000, np.uint8))
held_mb = resident_mb() - before_mb
pictures.clear()
print(held_mb, resident_mb() - before_mb)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the allocator of Linux is told")
@pytest.mark.parametrize(("how", "least_mb", "most_mb"), [("frugal", 0.0, 15.0), ("usual", 60.0, 90.0)])
def test_freed_pictures_go_back_to_the_system(how: str, least_mb: float, most_mb: float) -> None:
    ran = subprocess.run([sys.executable, "-c", _SCRIPT, how], capture_output=True, text=True, check=True)
    held_mb, left_mb = (float(number) for number in ran.stdout.split())
    assert held_mb > 75
    assert least_mb <= left_mb <= most_mb


def test_pictures_take_one_thread() -> None:
    script = "import cv2; from edge.runtime.frugal import be_frugal; be_frugal(); print(cv2.getNumThreads())"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "1"
