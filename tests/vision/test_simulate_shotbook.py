"""The shot book obeys physics and the table, and holds what a demonstration and the tests need."""

import dataclasses
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from vision.simulate.shotbook import (
    POTTED,
    ROLLING,
    SLIDING,
    Physics,
    ShotBook,
    ShotRecord,
    evolve,
    load_shot_book,
    pocket_of,
)

BOOK = load_shot_book()
OTHERS = ("shotbook-7ft", "shotbook-evaluation-9ft", "shotbook-evaluation-8ft", "shotbook-evaluation-7ft")
Array = NDArray[np.float64]


def test_holds_whole_games_in_a_small_file() -> None:
    shipped = files("vision.simulate").joinpath("shotbook.npz").read_bytes()
    assert len(shipped) < 3_000_000
    assert len(BOOK.shots) >= 120
    assert len(BOOK.racks) >= 8
    assert {rack[0].game for rack in BOOK.racks} == {"8-ball", "9-ball"}
    assert all(rack[0].intent == "break" for rack in BOOK.racks)
    assert sum(shot.made for shot in BOOK.shots) >= 60
    assert sum(not shot.pots for shot in BOOK.shots) >= 30
    assert sum(shot.scratch for shot in BOOK.shots) >= 5
    assert {"pot", "bank", "kick", "safety"} <= {shot.intent for shot in BOOK.shots}


@pytest.mark.parametrize("rack", range(len(BOOK.racks)))
def test_balls_stay_on_the_table_and_out_of_each_other(rack: int) -> None:
    table = BOOK.table
    for shot in BOOK.racks[rack]:
        for t in np.linspace(0, shot.duration_s, 40):
            places = np.array(list(shot.positions(float(t)).values()))
            beyond = np.maximum(-places, places - (table.length_in, table.width_in))
            assert beyond.max() < table.side_offset_in
            gaps = np.linalg.norm(places[:, None] - places, axis=2) + 9 * np.eye(len(places))
            assert gaps.min() > table.ball_diameter_in - 0.012


@pytest.mark.parametrize("name", OTHERS)
def test_the_other_books_obey_their_tables_too(name: str) -> None:
    book = load_shot_book(name)
    assert name.endswith(book.table.name)
    assert len(book.shots) >= 50
    size = (book.table.length_in, book.table.width_in)
    for shot in book.shots:
        for t in np.linspace(0, shot.duration_s, 12):
            places = np.array(list(shot.positions(float(t)).values()))
            assert np.maximum(-places, places - size).max() < book.table.side_offset_in
            gaps = np.linalg.norm(places[:, None] - places, axis=2) + 9 * np.eye(len(places))
            assert gaps.min() > book.table.ball_diameter_in - 0.012
        for pot in shot.pots:
            pocket = next(p for p in book.table.pockets if p.name == pocket_of(pot))
            place = shot.state(pot.ball, pot.t_s - 1e-4)[1]
            off = np.hypot(place[0] - pocket.x_in, place[1] - pocket.y_in)
            assert off == pytest.approx(pocket.radius_in, abs=0.15)


def _energy(shot: ShotRecord, t_s: float) -> float:
    """Kinetic energy per mass, in²/s²: ½v² + ½·⅖r²ω² over the balls on the table."""
    states = [shot.state(ball, t_s) for ball in shot.motions]
    r2 = shot.physics.radius_in**2
    return sum(0.5 * float(v @ v) + 0.2 * r2 * float(w @ w) for s, _, v, w in states if s != POTTED)


def test_energy_only_falls() -> None:
    for shot in BOOK.shots[::4]:
        energies = [_energy(shot, float(t)) for t in np.linspace(1e-4, shot.duration_s + 1e-3, 60)]
        assert energies[0] > 0
        assert all(after <= before * 1.0005 + 0.5 for before, after in pairwise(energies))
        assert energies[-1] < 1e-3 * energies[0]


def test_pieces_join_without_jumps() -> None:
    for shot in BOOK.shots:
        for motion in shot.motions.values():
            for i in range(len(motion.t_s) - 1):
                if motion.state[i + 1] == POTTED:
                    continue
                dt = float(motion.t_s[i + 1] - motion.t_s[i])
                end, _, _ = evolve(
                    int(motion.state[i]),
                    motion.position[i],
                    motion.velocity[i],
                    motion.spin[i],
                    dt,
                    physics=shot.physics,
                )
                assert np.hypot(*(end - motion.position[i + 1])) < 1e-3


def test_a_potted_ball_was_at_the_rim_of_its_pocket() -> None:
    pockets = {p.name: p for p in BOOK.table.pockets}
    for shot in BOOK.shots:
        for pot in shot.pots:
            pocket = pockets[pocket_of(pot)]
            _, place, velocity, _ = shot.state(pot.ball, pot.t_s - 1e-4)
            inward = np.array([pocket.x_in, pocket.y_in]) - place
            assert np.hypot(*inward) == pytest.approx(pocket.radius_in, abs=0.15)
            assert velocity @ inward > 0
            assert pot.ball not in shot.layout_end


def test_events_happen_where_they_say() -> None:
    L, W = BOOK.table.length_in, BOOK.table.width_in
    r = BOOK.table.ball_radius_in
    nose = {"head": (0, r), "foot": (0, L - r), "right": (1, r), "left": (1, W - r)}
    for shot in BOOK.shots[::3]:
        for e in shot.events:
            place = shot.state(e.ball, e.t_s)[1]
            if e.kind == "cushion":
                axis, at = nose[e.other]
                assert place[axis] == pytest.approx(at, abs=0.05)
            elif e.kind == "ball":
                assert np.hypot(*(place - shot.state(e.other, e.t_s)[1])) == pytest.approx(2 * r, abs=0.01)


def test_each_shot_starts_where_the_last_one_ended() -> None:
    for rack in BOOK.racks:
        for before, after in pairwise(rack):
            assert after.number == before.number + 1
            for ball, place in after.layout_start.items():
                in_hand = ball == "cue" and np.hypot(*(place - before.layout_end.get("cue", place + 9))) > 0.02
                if not in_hand:
                    assert np.hypot(*(place - before.layout_end[ball])) < 1e-3


def test_only_the_cue_ball_moves_first_and_at_time_zero() -> None:
    for shot in BOOK.shots:
        assert np.hypot(*shot.state("cue", 1e-6)[2]) == pytest.approx(shot.strike.speed_in_s, rel=1e-3)
        angle = np.degrees(np.arctan2(*shot.state("cue", 1e-6)[2][::-1]))
        assert angle == pytest.approx(shot.strike.direction_deg, abs=0.01)
        others = [shot.state(b, 1e-6)[2] for b in shot.motions if b != "cue"]
        assert all(np.hypot(*v) == 0 for v in others)


def _stepped(state: int, v: Array, w: Array, dt_s: float, physics: Physics) -> tuple[Array, Array]:
    """Displacement and velocity by 20,000 Euler steps of Coulomb friction at the contact point."""
    place, n = np.zeros(2), 20_000
    v, w = v.copy(), w.copy()
    for _ in range(n):
        u = v + physics.radius_in * np.array([-w[1], w[0]])
        if state == SLIDING:
            pull = physics.sliding_friction * physics.gravity_in_s2 * u / np.hypot(*u)
            w[:2] -= 2.5 / physics.radius_in * np.array([pull[1], -pull[0]]) * dt_s / n
        else:
            pull = physics.rolling_friction * physics.gravity_in_s2 * v / np.hypot(*v)
        place += v * dt_s / n
        v -= pull * dt_s / n
    return place, v


@pytest.mark.parametrize("state", [SLIDING, ROLLING])
def test_closed_forms_agree_with_small_steps(state: int) -> None:
    physics = BOOK.physics
    v, w = np.array([60.0, -22.0]), np.array([14.0, -9.0, 30.0])
    place, after, _ = evolve(state, np.zeros(2), v, w, 0.12, physics=physics)
    stepped, stepped_after = _stepped(state, v, w, 0.12, physics)
    assert place == pytest.approx(stepped, abs=0.002)
    assert after == pytest.approx(stepped_after, abs=0.02)


def test_sliding_turns_into_rolling_at_the_recorded_time() -> None:
    """The slide lasts 2u/(7μg), u the contact point's speed."""
    checked = 0
    for shot in BOOK.shots:
        for motion in shot.motions.values():
            for i in np.flatnonzero((motion.state[:-1] == SLIDING) & (motion.state[1:] == ROLLING)):
                u = motion.velocity[i] + shot.physics.radius_in * motion.spin[i, [1, 0]] * (-1, 1)
                lasts = 2 * np.hypot(*u) / (7 * shot.physics.sliding_friction * shot.physics.gravity_in_s2)
                assert motion.t_s[i + 1] - motion.t_s[i] == pytest.approx(lasts, abs=2e-4)
                checked += 1
    assert checked > 500


def test_a_mirror_swaps_sides_and_is_its_own_inverse() -> None:
    shot = next(s for s in BOOK.shots if s.pots and s.strike.side > 0.1)
    mirror = shot.mirrored(BOOK.table.width_in)
    pockets = {p.name: p for p in BOOK.table.pockets}
    pot = mirror.pots[0]
    place = mirror.state(pot.ball, pot.t_s - 1e-4)[1]
    pocket = pockets[pocket_of(pot)]
    assert np.hypot(place[0] - pocket.x_in, place[1] - pocket.y_in) < pocket.radius_in + 0.2
    assert mirror.strike.side == -shot.strike.side
    assert mirror.cut_angle_deg == pytest.approx(shot.cut_angle_deg)
    assert mirror.motions["cue"].spin[1, 2] == -shot.motions["cue"].spin[1, 2]
    again = mirror.mirrored(BOOK.table.width_in)
    assert again.events == shot.events
    assert again.state("cue", 0.7)[1] == pytest.approx(shot.state("cue", 0.7)[1])


def test_a_book_survives_its_file() -> None:
    book = ShotBook(BOOK.table, BOOK.physics, BOOK.shots[:3])
    again = ShotBook.from_bytes(book.to_bytes())
    assert again.table == book.table
    assert [dataclasses.replace(s, motions={}) for s in again.shots] == [
        dataclasses.replace(s, motions={}) for s in book.shots
    ]
    for a, b in zip(again.shots, book.shots, strict=True):
        assert np.allclose(a.state("cue", 1.0)[1], b.state("cue", 1.0)[1])


def test_evolving_a_book_record_never_needs_the_simulator() -> None:
    import sys

    assert "pooltool" not in sys.modules
