"""Stills: one picture from a file."""

from pathlib import Path

import cv2
import numpy as np

from vision.frames.source import FrameSourceError, Plane

SMALLEST_PX, LARGEST_PX = 64, 8192


def read_picture(path: Path) -> Plane:
    """The picture in a file as BGR, shape (h, w, 3), turned the way its EXIF data says.

    Raises FrameSourceError with what to do.
    """
    data = _read(path)
    try:
        picture = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise FrameSourceError(f"{path} can't be read as a picture ({error.err}): use a PNG or JPEG") from error
    if picture is None:
        raise FrameSourceError(f"{path} is no picture this program can read: use a PNG or JPEG")
    check_size(path, picture.shape[1], picture.shape[0])
    return np.asarray(picture, dtype=np.uint8)


def check_size(path: Path, width_px: int, height_px: int) -> None:
    """Raises FrameSourceError for a picture too small or too large to show a table."""
    if min(width_px, height_px) < SMALLEST_PX:
        raise FrameSourceError(
            f"{path} is only {width_px}×{height_px} pixels: a table needs {SMALLEST_PX} at the very least"
        )
    if max(width_px, height_px) > LARGEST_PX:
        raise FrameSourceError(
            f"{path} is {width_px}×{height_px} pixels: scale it down, {LARGEST_PX} a side is the most"
        )


def check_file(path: Path) -> None:
    """Raises FrameSourceError when the path is no readable, non-empty file."""
    try:
        if path.is_dir():
            raise FrameSourceError(f"{path} is a folder: name a file in it")
        if not path.exists():
            raise FrameSourceError(f"{path} does not exist: check the name")
        if not path.is_file():
            raise FrameSourceError(f"{path} is no plain file: name a recording")
        if path.stat().st_size == 0:
            raise FrameSourceError(f"{path} is empty: copy or record it again")
    except OSError as error:
        raise FrameSourceError(f"{path} can't be read: {error.strerror}") from error


def _read(path: Path) -> bytes:
    check_file(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise FrameSourceError(f"{path} can't be read: {error.strerror}") from error
