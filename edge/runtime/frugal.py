"""A process keeps to what it needs: one thread for pictures, and memory that is free goes back."""

import ctypes

# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8

# A block from this size on (a picture's luma, a whole table's colours) comes from the system and goes back when it
# is freed. glibc raises this limit to the largest block that was ever freed, and then keeps what others leave.
_BLOCK_BYTES = 1_000_000
# So much free memory is kept for what comes with every frame: asking the system each time made frames 25 % dearer.
_SPARE_BYTES = 16_000_000


# A service that serves pages makes much at once now and then (a snapshot for the box that keeps the copy).
_SPARE_BETWEEN_PAGES_BYTES = 1_000_000


def be_frugal() -> None:
    """For the process that watches; to be called at its start, before its threads."""
    import cv2  # noqa: PLC0415 (27 MB, and who serves pages looks at no pictures)

    cv2.setNumThreads(1)
    _hand_memory_back(_SPARE_BYTES)


def be_frugal_with_pages() -> None:
    """For a process that serves pages; to be called before its threads."""
    _hand_memory_back(_SPARE_BETWEEN_PAGES_BYTES)


def _hand_memory_back(spare_bytes: int) -> None:
    """Tells glibc's allocator; another one (musl, macOS) has no such settings and is left as it is."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(_M_MMAP_THRESHOLD, _BLOCK_BYTES)
    mallopt(_M_TRIM_THRESHOLD, spare_bytes)
    mallopt(_M_ARENA_MAX, 1)  # a heap for each thread would keep a spare for each
