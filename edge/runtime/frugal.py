"""The watching process keeps to what it needs: one thread for pictures, and memory that is free goes back."""

import ctypes

import cv2

# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8

# A block from this size on (a picture's luma, a whole table's colours) comes from the system and goes back when it
# is freed. glibc raises this limit to the largest block that was ever freed, and then keeps what others leave.
_BLOCK_BYTES = 1_000_000
# So much free memory is kept for what comes with every frame: asking the system each time made frames 25 % dearer.
_SPARE_BYTES = 16_000_000


def be_frugal() -> None:
    """To be called at the start of the process, before its threads."""
    cv2.setNumThreads(1)
    _hand_memory_back()


def _hand_memory_back() -> None:
    """Tells glibc's allocator; another one (musl, macOS) has no such settings and is left as it is."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(_M_MMAP_THRESHOLD, _BLOCK_BYTES)
    mallopt(_M_TRIM_THRESHOLD, _SPARE_BYTES)
    mallopt(_M_ARENA_MAX, 1)  # a heap for each thread would keep a spare for each
