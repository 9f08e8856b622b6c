"""All figures for one result, as values, as JSON and as a table."""

from dataclasses import asdict, replace
from typing import Any

from rich.table import Table as RichTable

from vision.evaluate.detection import Found, Picture, Ruler, score_pictures, still_jitter, total_error
from vision.evaluate.names import Pockets
from vision.evaluate.shots import Game, score_shots
from vision.evaluate.statistics import Metric
from vision.evaluate.truth import Truth
from vision.files import FileError, ShotsFile, TrackRow
from vision.model import SCHEMA


def evaluate(
    truth: Truth,
    *,
    shots: ShotsFile | None = None,
    tracks: list[TrackRow] | None = None,
    balls: dict[str, Any] | None = None,
) -> list[Metric]:
    """Every figure that truth and results allow. Raises FileError where they don't belong together."""
    metrics: list[Metric] = []
    if shots is not None and (truth.shots is not None or truth.pots is not None):
        metrics += score_shots([Game(truth, shots.shots, _pockets(truth, shots.document), _frame_s(truth, shots))])
    if tracks is not None:
        if truth.frames is not None:
            metrics += _score_tracks(truth, tracks, shots)
        metrics.append(still_jitter(tracks))
    if balls is not None:
        metrics += _score_balls(truth, balls)
    if not metrics:
        raise FileError("the truth says nothing about these results: see docs/files.md for what is compared")
    return metrics


def to_json(metrics: list[Metric], baseline: list[Metric] | None = None) -> dict[str, Any]:
    """The report as a JSON document; with a baseline, its figure of the same name stands in each."""
    entries = [asdict(metric) for metric in metrics]
    if baseline is not None:
        beside = _by_name(baseline)
        for entry in entries:
            other = beside.get((entry["section"], entry["name"]))
            entry["baseline"] = None if other is None else asdict(other)
    return {"schema": SCHEMA, "metrics": entries}


def to_table(metrics: list[Metric], baseline: list[Metric] | None = None) -> RichTable:
    """The report as a table for a terminal, with a baseline's figures of the same names beside it."""
    beside = _by_name(baseline or [])
    table = RichTable(box=None, pad_edge=False, header_style="bold")
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("95 % interval", justify="right")
    table.add_column("n", justify="right")
    if baseline is not None:
        table.add_column("plain baseline", justify="right")
        table.add_column("95 % interval", justify="right")
        table.add_column("n", justify="right")
    section = ""
    for m in metrics:
        if m.section != section:
            section = m.section
            table.add_row(f"[bold]{section}[/bold]")
        other = beside.get((m.section, m.name))
        table.add_row(
            f"  {m.name}" if section else m.name, *in_words(m), *(() if other is None else in_words(other))
        )
    return table


def _by_name(metrics: list[Metric]) -> dict[tuple[str, str], Metric]:
    return {(metric.section, metric.name): metric for metric in metrics}


def in_words(metric: Metric) -> tuple[str, str, str]:
    """A figure, its interval and its sample size as a table shows them."""
    value = metric.note or ("–" if metric.value is None else f"{_number(metric.value)} {metric.unit}".strip())
    bounds = (metric.low, metric.high)
    interval = " – ".join(_number(b) for b in bounds if b is not None)
    return value, interval, f"{metric.n:,}"


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"


def _pockets(truth: Truth, document: dict[str, Any]) -> Pockets:
    return Pockets(truth.pockets_px, (document.get("calibration") or {}).get("pockets_px"))


def _frame_s(truth: Truth, shots: ShotsFile) -> float | None:
    fps = truth.fps or shots.document["source"].get("fps")
    return 1 / fps if fps else None


def _score_tracks(truth: Truth, tracks: list[TrackRow], shots: ShotsFile | None) -> list[Metric]:
    if shots is None:
        raise FileError("tracks are scored on their table: give the --shots of the same recording too")
    last = int(shots.document["source"]["frames"]) - 1
    wanted = {last if frame == -1 else frame: balls for frame, balls in (truth.frames or {}).items()}
    seen: dict[int, list[Found]] = {frame: [] for frame in wanted}
    for row in tracks:
        if row.frame in seen:
            b = row.ball
            seen[row.frame].append(Found(b.ball, (b.x_px, b.y_px), (b.x_in, b.y_in)))
    ruler = _ruler(shots.document, {})
    pairs: list[Picture] = [(balls, seen[frame], ruler) for frame, balls in wanted.items()]
    return score_pictures(_turned(truth, shots.document, pairs), "tracks: ", ranked=False)


def _score_balls(truth: Truth, document: dict[str, Any]) -> list[Metric]:
    if truth.pictures is None:
        raise FileError("the truth names no pictures to compare --balls with")
    try:
        found = {picture["file"]: picture for picture in document["pictures"]}
        seen = {name: [_found(b) for b in picture["balls"]] for name, picture in found.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(f"the balls file is damaged ({error}): run ladder detect again") from error
    strangers = sorted(set(found) - set(truth.pictures))
    if strangers:
        raise FileError(f"the truth knows no picture {strangers[0]}")
    pairs: list[Picture] = [
        (truth.pictures[name], balls, _ruler(document, found[name])) for name, balls in seen.items()
    ]
    metrics = score_pictures(_turned(truth, document, pairs), "stills: ", ranked=True)
    return [Metric("pictures", float(len(pairs)), len(pairs)), *metrics]


def _found(ball: dict[str, Any]) -> Found:
    return Found(ball["ball"], tuple(ball["px"]), tuple(ball["table_in"]), float(ball.get("quality") or 0.0))


def _ruler(document: dict[str, Any], picture: dict[str, Any]) -> Ruler:
    """How to measure in a picture: by its own calibration, or the one all share."""
    try:
        return Ruler.of(document["table"], picture.get("calibration") or document["calibration"])
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(f"the result lacks its table or its calibration ({error})") from error


def _turned(truth: Truth, document: dict[str, Any], pairs: list[Picture]) -> list[Picture]:
    """The pictures measured the way round that fits the truth."""
    turned = _pockets(truth, document).is_turned
    if turned is None:
        turned = total_error(pairs, True) < total_error(pairs, False)
    return [(true, found, replace(ruler, turned=turned)) for true, found, ruler in pairs]
