"""YOLO11n's network in ONNX Runtime on one thread: what a neural detector would cost at the least."""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import numpy as np

from vision.bench.graph import to_onnx
from vision.bench.yolo11n import yolo11n

HEIGHT_PX, WIDTH_PX = 320, 640
HOW_TO_INSTALL = 'pip install "action-ladder[bench]", in a checkout .venv/bin/pip install -e ".[bench]"'
_WARM_UP = 5


class MissingExtraError(Exception):
    """The extra `bench` is not installed; the text says how to install it."""


def load_network() -> Callable[[], object]:
    """What sends one picture of 320 × 640, already prepared, through the network.

    Raises MissingExtraError without the packages onnx and onnxruntime.
    """
    missing = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed: {HOW_TO_INSTALL}"
        )
    import onnxruntime  # noqa: PLC0415 (of the extra `bench`)

    network = yolo11n(HEIGHT_PX, WIDTH_PX)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        to_onnx(network.graph, network.source, network.result), options, providers=["CPUExecutionProvider"]
    )
    picture = np.random.default_rng(0).random((1, 3, HEIGHT_PX, WIDTH_PX), dtype=np.float32)
    run = partial(session.run, None, {network.source: picture})
    for _ in range(_WARM_UP):
        run()
    return run
