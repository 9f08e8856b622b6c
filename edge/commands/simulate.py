"""`ladder simulate`: clips of the simulated table, with exact truth."""

import re
from dataclasses import replace
from pathlib import Path

import click

from edge.cli import Failure
from edge.commands.progress import progress
from vision.simulate.clips import Clip, record_clip
from vision.simulate.conditions import Conditions, conditions
from vision.simulate.look import LOOKS, look_named
from vision.simulate.shotbook import load_shot_book
from vision.simulate.source import SimulatedTable
from vision.video.writer import VideoError

_FOLDER = click.Path(file_okay=False, path_type=Path)
_USUAL_SECONDS = 60.0


def parse_size(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, int]:
    """A picture's size from its text, such as 1280x720."""
    match = re.fullmatch(r"(\d+)[x×](\d+)", value)
    size = (int(match[1]), int(match[2])) if match else (0, 0)
    if not all(160 <= side <= 4096 and side % 2 == 0 for side in size):
        raise click.BadParameter("WIDTHxHEIGHT in even numbers from 160 to 4096, such as 1280x720", ctx, param)
    return size


@click.command(
    epilog="Examples: ladder simulate --seed 7 --out clips · "
    "ladder simulate --seed 1 --count 20 --seconds 30 --fps 60 --size 1920x1080 --out clips"
)
@click.option("--out", type=_FOLDER, required=True, help="The folder for the clips; made where it is missing.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="The (first) seed.")
@click.option("--count", type=click.IntRange(1, 1000), default=1, show_default=True, help="How many seeds.")
@click.option("--seconds", type=click.FloatRange(0, 3600, min_open=True), help="How long at least.  [default: 60]")
@click.option("--shots", type=click.IntRange(1, 1000), help="How many shots, in place of --seconds.")
@click.option("--fps", type=click.FloatRange(1, 240), default=30.0, show_default=True, help="Frames a second.")
@click.option("--size", default="1280x720", show_default=True, callback=parse_size, help="The picture's size.")
@click.option("--table", help="7ft, 8ft or 9ft, in place of the seed's own.")
@click.option("--rack", type=click.IntRange(min=0), help="Which rack of the shot book, from its break.")
@click.option("--look", type=click.Choice(sorted(LOOKS)), help="A ready look, in place of the seed's own.")
def simulate(
    *,
    out: Path,
    seed: int,
    count: int,
    seconds: float | None,
    shots: int | None,
    fps: float,
    size: tuple[int, int],
    table: str | None,
    rack: int | None,
    look: str | None,
) -> None:
    """Film the simulated table: H.264 clips, each with its exact truth and its camera's calibration.

    Every seed is another hall: cloth, light, camera, lens, noise, people, table, game. Seeds from 9000 on are
    for evaluation: never tune on them. A shot under way at the end is played until its balls are at rest. The
    files are named seed-N.mp4, seed-N-truth.json and seed-N-calibration.json.
    """
    if seconds is not None and shots is not None:
        raise click.UsageError("give --seconds or --shots, not both")
    if shots is None and seconds is None:
        seconds = _USUAL_SECONDS
    halls = [_hall(s, table, rack, look) for s in range(seed, seed + count)]
    for hall in halls:
        try:
            with progress(f"seed {hall.seed}", seconds) as report:
                clip = record_clip(
                    SimulatedTable.under(hall, size=size, fps=fps),
                    out,
                    f"seed-{hall.seed}",
                    shots=shots,
                    seconds=seconds,
                    crf=hall.crf,
                    progress=report,
                )
        except VideoError as error:
            raise Failure(str(error)) from error
        except OSError as error:
            raise Failure(f"{error.filename or out} can't be written: {error.strerror}") from error
        click.echo(_told(hall, clip, fps))


def _hall(seed: int, table: str | None, rack: int | None, look: str | None) -> Conditions:
    """The seed's conditions with what was asked for in their place."""
    try:
        hall = conditions(seed, table)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if rack is not None:
        racks = len(load_shot_book(hall.book).racks)
        if rack >= racks:
            raise click.UsageError(f"the game of seed {seed} has racks 0 to {racks - 1}: there is no rack {rack}")
        hall = replace(hall, rack=rack, shot=0)
    return hall if look is None else replace(hall, look=look_named(look))


def _told(hall: Conditions, clip: Clip, fps: float) -> str:
    shots = f"{clip.shots} shot{'' if clip.shots == 1 else 's'}"
    return f"{shots} in {clip.frames / fps:.1f} s → {clip.video} ({hall.in_words()})"
