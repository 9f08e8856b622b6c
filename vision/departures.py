"""How balls left the places where they lay, by the slide-and-roll fit of all of them at once."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vision.feel import Feel
from vision.motion import Departure, Path
from vision.slide import SIZE, SPEED, T0, Legs, fit
from vision.start import Start, with_cloth

Array = NDArray[np.float64]

_FIT_S = 0.3  # how much of a path is fitted
_MOST = 24
_BEND_DEG = 12.0
_REST_IN = 0.02  # how well a resting ball's place is known


def departures(
    paths: Sequence[Path],
    cue: int | None,
    noise_in: float,
    feel: Feel,
    before: Sequence[tuple[Departure | None, float | None]],
) -> list[Departure | None]:
    """How each path began, None where it is too short to tell; `cue` is the ball that a cue struck. `before`
    holds what is known already: each one's departure, roughly, and when it first met something.

    A ball that another set off hardly spins at first; a struck one spins as the tip made it.
    """
    guesses = [d for d, _ in before]
    runs = [_run(p, d, end_s) for p, (d, end_s) in zip(paths, before, strict=True)]
    chosen = [i for i, g in enumerate(guesses) if g is not None and len(runs[i]) >= 2 and paths[i].rest_in]
    if not chosen:
        return guesses
    legs = _legs([(paths[i], guesses[i], runs[i]) for i in chosen], cue, noise_in, feel)
    fitted = fit(legs, noise_in)
    for s, i in enumerate(chosen):
        x, guess = fitted.parameters[s], guesses[i]
        assert guess is not None
        speed = float(np.hypot(*x[SPEED]))
        if speed > 1e-3:
            way = x[SPEED] / speed
            guesses[i] = replace(
                guess,
                t_s=float(x[T0]),
                direction=(float(way[0]), float(way[1])),
                speed_in_s=speed,
                covariance=fitted.covariance[s, :5, :5],
            )
    return guesses


def _run(path: Path, guess: Departure | None, end_s: float | None) -> NDArray[np.int64]:
    """The sights of the first leg: from the first one away from rest up to a bend, or for `_FIT_S`."""
    if guess is None:
        return np.zeros(0, dtype=np.int64)
    way = path.points_in - path.points_in[0]
    far = np.linalg.norm(way, axis=1)
    first = 1 if path.rest_in is not None else 0
    after = np.arange(first, len(path.t_s) - (1 if path.rested else 0))
    after = after[path.t_s[after] <= max(guess.t_s, path.t_s[min(first, len(path.t_s) - 1)]) + _FIT_S][:_MOST]
    if end_s is not None:
        return np.asarray(after[path.t_s[after] < end_s], dtype=np.int64)
    along = way[after] @ np.asarray(guess.direction)
    bent = (far[after] > 0.5) & (along < np.cos(np.radians(_BEND_DEG)) * far[after])
    # Going back along the same line is a turn as well.
    bent |= np.concatenate([[False], np.diff(along) < -0.15]) if len(after) else bent
    end = int(np.argmax(bent)) if bent.any() else len(after)
    return np.asarray(after[:end], dtype=np.int64)


def _legs(
    chosen: list[tuple[Path, Departure | None, NDArray[np.int64]]],
    cue: int | None,
    noise_in: float,
    feel: Feel,
) -> Legs:
    S, N = len(chosen), max(len(run) for _, _, run in chosen)
    t, places, seen = np.zeros((S, N)), np.zeros((S, N, 2)), np.zeros((S, N), dtype=bool)
    guess, prior = np.zeros((S, SIZE)), np.zeros((S, SIZE, SIZE))
    earliest, latest = np.zeros(S), np.zeros(S)
    for s, (path, leaving, run) in enumerate(chosen):
        assert leaving is not None
        n = len(run)
        t[s, :n], places[s, :n], seen[s, :n] = path.t_s[run], path.points_in[run], True
        t[s, n:] = path.t_s[run[-1]]
        velocity = np.asarray(leaving.direction) * leaving.speed_in_s
        start = Start(leaving.t_s, np.asarray(leaving.from_in), velocity, 10.0, max(_REST_IN, 0.4 * noise_in))
        guess[s], prior[s] = with_cloth(start.struck() if path.ball == cue else start.set_off(), feel)
        rest_s = path.rest_until_s if path.rest_until_s is not None else path.t_s[0]
        # What strayed less than the tracker notices may have left earlier.
        earliest[s], latest[s] = rest_s - 0.12, path.t_s[run[0]] - 1e-3
    guess[:, T0] = np.clip(guess[:, T0], earliest, latest)
    return Legs(t, places, seen, guess, prior, earliest, latest)
