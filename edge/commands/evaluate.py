"""`ladder evaluate`: score results against a truth file."""

from pathlib import Path

import click
from rich.console import Console

from edge.cli import Failure
from vision.evaluate.report import evaluate as score
from vision.evaluate.report import to_json, to_table
from vision.evaluate.truth import read_truth
from vision.files import FileError, read_balls, read_shots, read_tracks, write_json

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog="Example: ladder evaluate --truth truth.json --shots shots.json --tracks tracks.csv")
@click.option("--truth", type=_FILE, required=True, help="What really happened (docs/files.md).")
@click.option("--clip", help="Which clip, where the truth is a manifest of several.")
@click.option("--shots", type=_FILE, help="What ladder track wrote.")
@click.option("--tracks", type=_FILE, help="What ladder track --tracks wrote; needs --shots.")
@click.option("--balls", type=_FILE, help="What ladder detect wrote.")
@click.option("--json", "json_out", type=_FILE, help="Where to write the figures as JSON.")
def evaluate(
    *,
    truth: Path,
    clip: str | None,
    shots: Path | None,
    tracks: Path | None,
    balls: Path | None,
    json_out: Path | None,
) -> None:
    """Score shots, tracks and balls: each figure with its sample size and 95 % interval."""
    if shots is None and tracks is None and balls is None:
        raise click.UsageError("give at least one of --shots, --tracks and --balls")
    try:
        metrics = score(
            read_truth(truth, clip),
            shots=None if shots is None else read_shots(shots),
            tracks=None if tracks is None else read_tracks(tracks),
            balls=None if balls is None else read_balls(balls),
        )
        if json_out is not None:
            write_json(json_out, to_json(metrics))
    except FileError as error:
        raise Failure(str(error)) from error
    Console(width=None).print(to_table(metrics))
