"""How long decoding a frame takes: H.264 as `ladder simulate` writes it, one thread, software."""

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import Any

import av
import numpy as np

from vision.bench.stopwatch import Lap, timed
from vision.frames.source import Frame

_CRF, _PRESET = 21, "veryfast"


def time_decoding(frames: list[Frame], fps: float) -> list[Lap]:
    """Encodes the frames, at 1080p some 10 ms each, and then times how each packet is decoded to its planes. The
    decoder hands pictures on a few packets late, so single laps are those of packets and only their mean is a
    frame's."""
    packets = list(_encoded(frames, fps))
    decoder: Any = av.CodecContext.create("h264", "r")
    decoder.thread_type, decoder.thread_count = "NONE", 1
    done = [timed(partial(decoder.decode, packet)) for packet in (*packets, None)]
    decoded = sum(len(pictures) for pictures, _ in done)
    if decoded != len(frames):
        raise RuntimeError(f"{len(frames)} frames were encoded and {decoded} decoded")
    return [lap for _, lap in done[:-1]]


def _encoded(frames: list[Frame], fps: float) -> Iterator[Any]:
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = frames[0].width_px, frames[0].height_px
    encoder.pix_fmt = "yuv420p"
    encoder.framerate = Fraction(fps).limit_denominator(1001)
    encoder.time_base = 1 / encoder.framerate
    encoder.thread_count = 1
    encoder.options = {"preset": _PRESET, "crf": str(_CRF)}
    for k, frame in enumerate(frames):
        planar = np.concatenate([plane.ravel() for plane in (frame.y, frame.u, frame.v)])
        picture = av.VideoFrame.from_ndarray(
            planar.reshape(frame.height_px * 3 // 2, frame.width_px), format="yuv420p"
        )
        picture.pts = k
        picture.time_base = encoder.time_base
        yield from encoder.encode(picture)
    yield from encoder.encode(None)
