"""What really happened: the truth file, and two other forms it may come in."""

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from calibration.table import POCKET_NAMES
from vision.files import FileError, read_json
from vision.model import SCHEMA, Point

_IMAGE_POCKET = "image-"


@dataclass(frozen=True, slots=True)
class TrueBall:
    """A ball that was there: by pixels or by table inches, named as far as it is known."""

    ball: str | None = None
    group: str | None = None
    px: Point | None = None
    table_in: Point | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class TruePot:
    ball: str | None = None
    group: str | None = None
    pocket: str | None = None
    t_s: float | None = None


@dataclass(frozen=True, slots=True)
class TrueShot:
    """A shot that was played; `facts` keeps the other fields of the truth as they stand in the file."""

    potted: tuple[TruePot, ...] = ()
    start_s: float | None = None
    end_s: float | None = None
    result: str | None = None
    scratch: bool | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything known about a recording or a set of stills; None where nothing is.

    `pots` are those of the shots, or known by their times alone. `pockets_px` are the true pockets by name,
    `hands` the frames in which a hand, an arm or a cue is over the bed.
    """

    shots: tuple[TrueShot, ...] | None = None
    shots_total: int | None = None
    pots: tuple[TruePot, ...] | None = None
    frames: dict[int, tuple[TrueBall, ...]] | None = None
    pictures: dict[str, tuple[TrueBall, ...]] | None = None
    pockets_px: dict[str, Point] = field(default_factory=dict)
    pot_window_s: tuple[float, float] = (-0.5, 0.5)
    fps: float | None = None
    hands: frozenset[int] = frozenset()


def truth_of(document: dict[str, Any]) -> Truth:
    """The truth in a document of this program's own form. Raises KeyError, TypeError or ValueError."""
    return _from_schema(document)


def read_truth(path: Path, clip: str | None = None) -> Truth:
    """The truth in a file of any of the three forms; `clip` chooses one of a manifest. Raises FileError."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileError(f"{path} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise FileError(f"{path} is no JSON file ({error})") from error
    try:
        if isinstance(data, list):
            return _from_stills(data)
        if "clips" in data:
            return _from_manifest(_chosen(path, data["clips"], clip), path.parent)
        if data.get("schema") != SCHEMA:
            raise FileError(f"{path} has schema {data.get('schema')}, this program reads {SCHEMA}")
        return _from_schema(data)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise FileError(f"{path} is no truth file ({type(error).__name__}: {error}); see docs/files.md") from error


def read_manifest_clip(path: Path, clip: str) -> dict[str, Any]:
    """A clip's entry in a manifest as it stands there. Raises FileError."""
    return _chosen(path, read_json(path)["clips"], clip)


def _from_schema(data: dict[str, Any]) -> Truth:
    shots = data.get("shots")
    true_shots = None if shots is None else tuple(_shot(s) for s in shots)
    pockets = (data.get("calibration") or {}).get("pockets_px") or ()
    window = data.get("pot_window_s") or (-0.5, 0.5)
    return Truth(
        shots=true_shots,
        shots_total=None if true_shots is None else len(true_shots),
        pots=None if true_shots is None else tuple(p for s in true_shots for p in s.potted),
        frames=_ball_lists(data.get("frames"), "frame", int),
        pictures=_ball_lists(data.get("pictures"), "file", str),
        pockets_px={name: _point(px) for name, px in zip(POCKET_NAMES, pockets, strict=False)},
        pot_window_s=(float(window[0]), float(window[1])),
        fps=(data.get("source") or {}).get("fps"),
        hands=frozenset(int(e["frame"]) for e in data.get("frames") or () if e.get("hand")),
    )


def _ball_lists(entries: Any, key: str, kind: Any) -> Any:
    if entries is None:
        return None
    return {kind(e[key]): tuple(_ball(b) for b in e["balls"]) for e in entries}


def _ball(data: dict[str, Any]) -> TrueBall:
    px, table_in = data.get("px"), data.get("table_in")
    if px is None and table_in is None:
        raise ValueError("a ball needs px or table_in")
    return TrueBall(
        data.get("ball"),
        data.get("group"),
        None if px is None else _point(px),
        None if table_in is None else _point(table_in),
        data.get("state"),
    )


def _shot(data: dict[str, Any]) -> TrueShot:
    potted = tuple(
        TruePot(p.get("ball"), p.get("group"), p.get("pocket"), p.get("t_s")) for p in data.get("potted") or ()
    )
    known = ("potted", "start_s", "end_s", "result", "scratch")
    return TrueShot(
        potted,
        data.get("start_s"),
        data.get("end_s"),
        data.get("result"),
        data.get("scratch"),
        {key: value for key, value in data.items() if key not in known and value is not None},
    )


def _chosen(path: Path, clips: list[dict[str, Any]], clip: str | None) -> dict[str, Any]:
    if clip is None:
        raise FileError(f"{path} describes {len(clips)} clips: choose one with --clip")
    found = [c for c in clips if clip in (c["file"], Path(c["file"]).name, Path(c["file"]).stem)]
    if len(found) != 1:
        names = ", ".join(Path(c["file"]).stem for c in clips)
        raise FileError(f"{path} has no clip {clip!r}: there are {names}")
    return found[0]


def _from_manifest(clip: dict[str, Any], folder: Path) -> Truth:
    geometry = clip.get("geometry") or {}
    window = clip.get("pot_window_ms") or (-500, 500)
    truth = Truth(
        pockets_px={name: _point(px) for name, px in (geometry.get("pockets_px") or {}).items()},
        pot_window_s=(window[0] / 1000, window[1] / 1000),
        frames=_boxes(clip, folder),
    )
    if "pot_times_ms" in clip:
        pots = tuple(TruePot(t_s=ms / 1000) for ms in clip["pot_times_ms"])
        return replace(truth, pots=pots, shots_total=clip.get("shots_total"))
    shots = tuple(_manifest_shot(s) for s in clip["shots"])
    return replace(truth, shots=shots, shots_total=len(shots), pots=tuple(p for s in shots for p in s.potted))


def _manifest_shot(data: dict[str, Any]) -> TrueShot:
    pots = []
    for entry in data["potted"]:
        name = re.sub(r"\s*\(.*\)", "", entry["ball"]).strip()
        group = name.removeprefix("a ") if name.startswith("a ") else None
        pots.append(TruePot(None if group else name, group, entry.get("pocket")))
    facts = {"first_contact": {"ball": data["first_contact"]}} if "first_contact" in data else {}
    return TrueShot(tuple(pots), result="make" if pots else "miss", facts=facts)


def _boxes(clip: dict[str, Any], folder: Path) -> dict[int, tuple[TrueBall, ...]] | None:
    """Balls of the first (0) and the last (−1) frame, from box files beside the clip."""
    if "boxes" not in clip:
        return None
    groups = {1: "cue", 2: "eight", 3: "solid", 4: "stripe"}
    frames = {}
    for index, name in zip((0, -1), clip["boxes"], strict=True):
        lines = (folder / clip["file"]).with_name(name).read_text(encoding="utf-8").split("\n")
        rows = [[float(v) for v in line.split()] for line in lines if line.strip()]
        # A box x, y, w, h covers pixels x … x + w − 1.
        frames[index] = tuple(
            TrueBall(group=groups.get(int(c)), px=(x + (w - 1) / 2, y + (h - 1) / 2)) for x, y, w, h, c in rows
        )
    return frames


def _from_stills(data: list[dict[str, Any]]) -> Truth:
    pictures = {}
    for entry in data:
        balls = []
        for ball in entry["balls"]:
            colour = ball.get("colour")
            name = None if colour in (None, "", "UNKNOWN") else "cue" if colour == "WHITE" else colour.lower()
            u, v = ball["px"]  # from the pixel's corner
            balls.append(TrueBall(name, None, (float(u) - 0.5, float(v) - 0.5)))
        pictures[Path(entry["image"]).name] = tuple(balls)
    return Truth(pictures=pictures)


def is_image_pocket(name: str) -> bool:
    """Whether a pocket is named by its place in the picture."""
    return name.startswith(_IMAGE_POCKET)


def _point(values: Any) -> Point:
    return float(values[0]), float(values[1])
