"""Which parts of the bed are looked at, and when: at rest none, people after a moment, a change of light never."""

import numpy as np
from numpy.typing import NDArray

from vision.detect.changes import TILE, ChangeWatch

Picture = NDArray[np.uint8]
REACH = np.full((90, 160), 255, dtype=np.uint8)
ROWS, COLUMNS = (values.ravel() for values in np.mgrid[4:84:10, 4:156:10])
STEP_S = 1 / 60
NONE = np.zeros((90 // TILE, 160 // TILE), dtype=bool)


def picture(level: int, patch: int | None = None) -> Picture:
    made = np.full((90, 160), level, dtype=np.uint8)
    if patch is not None:
        made[40:56, 80:96] = patch
    return made


def watch_of(first: Picture) -> ChangeWatch:
    watch = ChangeWatch(REACH, (ROWS, COLUMNS))
    assert watch.busy(first, 0.0).all()
    watch.look_at(np.ones(watch.shape, dtype=bool), 0.0, again=False)
    return watch


def test_at_rest_nothing_is_busy_and_noise_is_rest() -> None:
    rng = np.random.default_rng(1)
    watch = watch_of(picture(60))
    for k in range(20):
        noisy = np.clip(picture(60) + rng.normal(0, 3, (90, 160)), 0, 255).astype(np.uint8)
        t_s = (k + 1) * STEP_S
        assert not watch.busy(noisy, t_s).any()
        assert not watch.due(NONE, t_s).any()


def test_what_changed_stays_busy_until_it_is_looked_at() -> None:
    watch = watch_of(picture(60))
    for k in range(1, 4):
        busy = watch.busy(picture(60, 200), k * STEP_S)
        assert busy[40 // TILE : 56 // TILE, 80 // TILE : 96 // TILE].all()
        assert busy.sum() == 4
    watch.look_at(busy, 4 * STEP_S, again=False)
    assert not watch.busy(picture(60, 200), 5 * STEP_S).any()


def test_what_nobody_knows_waits_a_moment_and_is_looked_at_once_more_when_it_is_quiet() -> None:
    watch = watch_of(picture(60))
    looks = []
    for k in range(1, 120):
        t_s = k * STEP_S
        watch.busy(picture(60, 200), t_s)
        due = watch.due(NONE, t_s)
        if due.any():
            looks.append(t_s)
            watch.look_at(due, t_s, again=True)
    assert len(looks) == 2
    assert 0.05 < looks[0] < 0.3
    assert looks[1] > looks[0]


def test_what_goes_on_stirring_waits_longer_and_is_then_looked_at_as_a_whole() -> None:
    """A person who moves: not looked at bit by bit where a shirt happens to be of one colour."""
    watch = watch_of(picture(60))
    looks = []
    for k in range(1, 90):
        t_s = k * STEP_S
        person = picture(60)
        person[8 : 48 + 2 * (k % 2) * TILE, 40:120] = 150
        watch.busy(person, t_s)
        due = watch.due(NONE, t_s)
        if due.any():
            looks.append((t_s, int(due.sum())))
            watch.look_at(due, t_s, again=False)
    assert looks
    assert 0.8 < looks[0][0] < 1.2
    assert looks[0][1] >= (48 - 8) * (120 - 40) // TILE**2


def test_what_passes_quickly_is_never_looked_at() -> None:
    watch = watch_of(picture(60))
    due = []
    for k in range(1, 60):
        t_s = k * STEP_S
        watch.busy(picture(60, 200 if k in (3, 4, 5) else None), t_s)
        due.append(watch.due(NONE, t_s).any())
    assert not any(due)


def test_light_that_changes_on_everything_is_no_change_of_the_table() -> None:
    watch = watch_of(picture(80, 160))
    dimmer = np.round(16 + (picture(80, 160).astype(float) - 16) * 0.75).astype(np.uint8)
    assert not watch.busy(dimmer, STEP_S).any()
    assert watch.busy(np.where(picture(0, 1) > 0, 40, dimmer).astype(np.uint8), 2 * STEP_S).sum() == 4


def test_regions_hold_their_tiles_with_a_margin() -> None:
    watch = watch_of(picture(60))
    tiles = np.zeros(watch.shape, dtype=bool)
    tiles[3, 4] = tiles[8, 15] = True
    regions = watch.regions(tiles)
    assert len(regions) == 2
    for left, top, right, bottom in regions:
        assert right - left == bottom - top == 3 * TILE
