"""Records the strokes that the demo's people play, from the shot book: `python -m edge.demo.record`.

Describing a shot takes a tenth of a second, so what the pipeline says of them ships with the program, each way
with as few points as draw it.
"""

import gzip
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from edge.bench.patterns import BOOK, described
from edge.demo.strokes import FILE, kind_of_stroke
from vision.model import Shot, shot_to_json
from vision.simulate.shotbook import load_shot_book

OFF_IN = 0.25  # so far a way may lead past where the ball was
MOST_OF_A_KIND = 12

Way = tuple[tuple[float, float, float], ...]


def record() -> list[Shot]:
    """The strokes: not more than some of each kind."""
    book, counts, kept = load_shot_book(BOOK), Counter[object](), []
    for rack in range(len(book.racks)):
        for shot in described(book, rack):
            kind = kind_of_stroke(shot)
            counts[kind] += 1
            if kind is not None and counts[kind] <= MOST_OF_A_KIND:
                kept.append(replace(shot, paths_in={ball: simpler(way) for ball, way in shot.paths_in.items()}))
    return kept


def simpler(way: Way) -> Way:
    """A way with as few of its points as lead nowhere more than `OFF_IN` past it at any time."""
    if len(way) < 3:
        return way
    (t0, x0, y0), (t1, x1, y1) = way[0], way[-1]
    worst, off = 0, 0.0
    for place, (t, x, y) in enumerate(way[1:-1], 1):
        share = (t - t0) / (t1 - t0)
        found = max(abs(x - x0 - share * (x1 - x0)), abs(y - y0 - share * (y1 - y0)))
        if found > off:
            worst, off = place, found
    if off <= OFF_IN:
        return (way[0], way[-1])
    return (*simpler(way[: worst + 1])[:-1], *simpler(way[worst:]))


def packed(shots: Sequence[Shot]) -> bytes:
    """The file's content, the same for the same shots."""
    text = json.dumps([shot_to_json(shot) for shot in shots], separators=(",", ":"))
    return gzip.compress(text.encode(), mtime=0)


if __name__ == "__main__":
    found = record()
    FILE.write_bytes(packed(found))
    print(f"{len(found)} strokes, {FILE.stat().st_size:,} bytes in {FILE.name}")
