"""The network of YOLO11n, after its published description, batch normalisation folded into the convolutions.

It stands for what a neural detector costs. Nothing was trained: weights are random, which takes as long. Its size
is checked against the published one [Jocher and Qiu, Ultralytics YOLO11, 2024: 2.6 million parameters, 6.5 GFLOPs
at 640 × 640; block by block in Khanam and Hussain, arXiv 2410.17725].
"""

from dataclasses import dataclass

import numpy as np

from vision.bench.graph import Graph

CLASSES = 80
_BINS = 16  # of the distribution over each side's distance
_STRIDES = (8, 16, 32)


@dataclass(frozen=True, slots=True)
class Network:
    """The graph, its input of shape (1, 3, height, width) and its output of shape (1, 4 + 80, boxes)."""

    graph: Graph
    source: str
    result: str


def yolo11n(height_px: int, width_px: int) -> Network:
    """The network for pictures of one size. Raises ValueError for a side that is no multiple of 32."""
    if height_px % 32 or width_px % 32:
        raise ValueError(f"{width_px}×{height_px} does not fit the network: multiples of 32")
    g = Graph()
    source = g.input("images", (1, 3, height_px, width_px))
    x = _conv(g, source, 16, 3, stride=2)
    x = _conv(g, x, 32, 3, stride=2)
    x = _c3k2(g, x, 64, 0.25)
    x = _conv(g, x, 64, 3, stride=2)
    p3 = _c3k2(g, x, 128, 0.25)
    x = _conv(g, p3, 128, 3, stride=2)
    p4 = _c3k2(g, x, 128, deep=True)
    x = _conv(g, p4, 256, 3, stride=2)
    x = _c3k2(g, x, 256, deep=True)
    x = _pyramid_pooling(g, x, 256)
    p5 = _attending(g, x, 256)
    middle = _c3k2(g, g.joined([g.doubled(p5), p4]), 128)
    small = _c3k2(g, g.joined([g.doubled(middle), p3]), 64)
    middle = _c3k2(g, g.joined([_conv(g, small, 64, 3, stride=2), middle]), 128)
    large = _c3k2(g, g.joined([_conv(g, middle, 128, 3, stride=2), p5]), 256, deep=True)
    return Network(g, source, _detect(g, [small, middle, large]))


def _conv(g: Graph, x: str, out: int, kernel: int = 1, *, stride: int = 1, groups: int = 1) -> str:
    return g.silu(g.conv(x, out, kernel, stride, groups))


def _bottleneck(g: Graph, x: str, share: float) -> str:
    """Two 3 × 3 convolutions and a way round them."""
    channels = g.shapes[x][1]
    return g.plus(x, _conv(g, _conv(g, x, int(channels * share), 3), channels, 3))


def _c3k2(g: Graph, x: str, out: int, share: float = 0.5, *, deep: bool = False) -> str:
    """C3k2: half of the channels go through a block, and all that came about is mixed."""
    hidden = int(out * share)
    first, second = g.split(_conv(g, x, 2 * hidden), [hidden, hidden])
    block = _c3k(g, second) if deep else _bottleneck(g, second, 0.5)
    return _conv(g, g.joined([first, second, block]), out)


def _c3k(g: Graph, x: str) -> str:
    """C3k: two bottlenecks on one half, nothing on the other."""
    channels = g.shapes[x][1]
    through = _conv(g, x, channels // 2)
    for _ in range(2):
        through = _bottleneck(g, through, 1.0)
    return _conv(g, g.joined([through, _conv(g, x, channels // 2)]), channels)


def _pyramid_pooling(g: Graph, x: str, out: int) -> str:
    """SPPF: the greatest of ever wider surroundings."""
    seen = [_conv(g, x, g.shapes[x][1] // 2)]
    for _ in range(3):
        seen.append(g.pooled(seen[-1], 5))
    return _conv(g, g.joined(seen), out)


def _attending(g: Graph, x: str, out: int) -> str:
    """C2PSA: attention and a small feed-forward net on half of the channels."""
    hidden = out // 2
    first, second = g.split(_conv(g, x, 2 * hidden), [hidden, hidden])
    second = g.plus(second, _attention(g, second))
    second = g.plus(second, g.conv(_conv(g, second, 2 * hidden), hidden, 1))
    return _conv(g, g.joined([first, second]), out)


def _attention(g: Graph, x: str) -> str:
    """Self-attention over all pixels in heads of 64 channels, with a 3 × 3 convolution for place."""
    _, channels, height, width = g.shapes[x]
    heads, pixels = channels // 64, height * width
    key, value = 32, 64
    qkv = g.reshaped(g.conv(x, heads * (2 * key + value), 1), (1, heads, 2 * key + value, pixels))
    q, k, v = g.split(qkv, [key, key, value], axis=2)
    likeness = g.with_constant("Mul", g.product(g.turned(q, [0, 1, 3, 2]), k), np.array(key**-0.5, np.float32))
    weights = g.turned(g.softmax(likeness, axis=3), [0, 1, 3, 2])
    mixed = g.reshaped(g.product(v, weights), (1, channels, height, width))
    place = g.conv(g.reshaped(v, (1, channels, height, width)), channels, 3, groups=channels)
    return g.conv(g.plus(mixed, place), channels, 1)


def _detect(g: Graph, levels: list[str]) -> str:
    """Boxes (centre and size in pixels) and class scores of every cell of three levels: (1, 84, cells)."""
    sides_wide = max(16, g.shapes[levels[0]][1] // 4, 4 * _BINS)
    classes_wide = max(g.shapes[levels[0]][1], min(CLASSES, 100))
    sides, classes = [], []
    for x in levels:
        cells = g.shapes[x][2] * g.shapes[x][3]
        side = g.conv(_conv(g, _conv(g, x, sides_wide, 3), sides_wide, 3), 4 * _BINS, 1)
        own = _apart(g, _apart(g, x, classes_wide), classes_wide)
        sides.append(g.reshaped(side, (1, 4 * _BINS, cells)))
        classes.append(g.reshaped(g.conv(own, CLASSES, 1), (1, CLASSES, cells)))
    scores = g.joined(classes, axis=2)
    boxes = _boxes(g, g.joined(sides, axis=2), levels)
    return g.joined([boxes, g.add("Sigmoid", [scores], g.shapes[scores])])


def _apart(g: Graph, x: str, out: int) -> str:
    """A 3 × 3 convolution of each channel by itself, then one across channels."""
    channels = g.shapes[x][1]
    return _conv(g, _conv(g, x, channels, 3, groups=channels), out)


def _boxes(g: Graph, sides: str, levels: list[str]) -> str:
    """From distributions over the distances of four sides to boxes [Li et al., Generalized Focal Loss, 2020]."""
    cells = g.shapes[sides][2]
    shares = g.softmax(g.turned(g.reshaped(sides, (1, 4, _BINS, cells)), [0, 2, 1, 3]), axis=1)
    distances = g.reshaped(g.conv(shares, 1, 1, bias=False), (1, 4, cells))
    near, far = g.split(distances, [2, 2])
    anchors = [_anchors(*g.shapes[x][2:]) for x in levels]
    middle = np.concatenate(anchors, axis=1)[None].astype(np.float32)
    stride = np.concatenate([np.full(a.shape[1], s) for a, s in zip(anchors, _STRIDES, strict=True)])
    low, high = (g.with_constant("Sub", near, middle, first=True), g.with_constant("Add", far, middle))
    centre = g.with_constant("Div", g.plus(low, high), np.array(2, np.float32))
    size = g.add("Sub", [high, low], g.shapes[low])
    return g.with_constant("Mul", g.joined([centre, size]), stride[None, None].astype(np.float32))


def _anchors(rows: int, columns: int) -> np.ndarray:
    """The middles of a level's cells in cells, shape (2, rows · columns)."""
    v, u = np.mgrid[:rows, :columns] + 0.5
    return np.stack([u.ravel(), v.ravel()])
