"""`ladder evaluate`: score results against a truth file, the pipeline on simulated halls, or reasoning alone."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from edge.cli import Failure
from edge.commands.simulate import parse_size
from vision.evaluate.perfect import BOOKS, EVALUATION_BOOKS, Outcome, Perfect, run_perfect
from vision.evaluate.report import evaluate as score
from vision.evaluate.report import to_json, to_table
from vision.evaluate.simulated import MOST_PROCESSES, Plan, Result, parse_seeds, run
from vision.evaluate.truth import read_truth
from vision.files import FileError, check_writable, read_balls, read_shots, read_tracks, write_json
from vision.simulate.conditions import EVALUATION_FROM

_FILE = click.Path(dir_okay=False, path_type=Path)
_OPTIONS = {
    "truth": ("clip", "shots", "tracks", "balls"),
    "seeds": ("seconds", "fps", "size", "every", "processes"),
    "perfect": ("fps", "books", "noise_mm", "passes"),
}


def _seeds(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    if value is None:
        return None
    try:
        return parse_seeds(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from error


def _books(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in value.split(",")))
    for name in names:
        if name not in BOOKS:
            raise click.BadParameter(f"no shot book is called {name!r}: there are {', '.join(BOOKS)}", ctx, param)
    return names


@click.command(
    epilog="Examples: ladder evaluate --truth truth.json --shots shots.json --tracks tracks.csv · "
    "ladder evaluate --seeds 9001-9003 --seconds 60 --json figures.json · "
    "ladder evaluate --perfect --noise-mm 1 --fps 60"
)
@click.option("--truth", type=_FILE, help="What really happened (docs/files.md).")
@click.option("--clip", help="Which clip, where the truth is a manifest of several.")
@click.option("--shots", type=_FILE, help="What ladder track wrote.")
@click.option("--tracks", type=_FILE, help="What ladder track --tracks wrote; needs --shots.")
@click.option("--balls", type=_FILE, help="What ladder detect wrote.")
@click.option("--seeds", callback=_seeds, help="In place of files: simulated halls, such as 9001-9003,9010.")
@click.option(
    "--perfect", is_flag=True, help="In place of either: the shot books, as if every ball were seen, with noise."
)
@click.option(
    "--books", default=",".join(EVALUATION_BOOKS), show_default=True, callback=_books, help="Which shot books."
)
@click.option(
    "--noise-mm",
    type=click.FloatRange(0, 50),
    default=1.0,
    show_default=True,
    help="Standard deviation of a position on each axis.",
)
@click.option(
    "--passes",
    type=click.IntRange(1, 50),
    default=2,
    show_default=True,
    help="How often each book is played, every second time in a mirror.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0, 3600, min_open=True),
    default=60.0,
    show_default=True,
    help="Of each seed, and on until its last shot is over.",
)
@click.option("--fps", type=click.FloatRange(5, 240), default=30.0, show_default=True, help="Frames a second.")
@click.option("--size", default="1280x720", show_default=True, callback=parse_size, help="The picture's size.")
@click.option(
    "--every", type=click.IntRange(1), default=5, show_default=True, help="Score balls in one frame of so many."
)
@click.option(
    "--processes", type=click.IntRange(1, MOST_PROCESSES), default=MOST_PROCESSES, show_default=True,
    help="How many seeds at a time.",
)  # fmt: skip
@click.option("--json", "json_out", type=_FILE, help="Where to write the figures as JSON.")
@click.pass_context
def evaluate(
    ctx: click.Context,
    *,
    truth: Path | None,
    clip: str | None,
    shots: Path | None,
    tracks: Path | None,
    balls: Path | None,
    seeds: tuple[int, ...] | None,
    perfect: bool,
    books: tuple[str, ...],
    noise_mm: float,
    passes: int,
    seconds: float,
    fps: float,
    size: tuple[int, int],
    every: int,
    processes: int,
    json_out: Path | None,
) -> None:
    """Score shots, tracks and balls: each figure with its sample size and 95 % interval.

    With --truth, results in files are scored. With --seeds, the pipeline follows simulated halls in memory and
    every figure is printed, a plain baseline (Hough circles, HSV, nearest centroid) beside it on the same frames;
    seeds from 9000 on are those for evaluation. With --perfect nothing is drawn: the recorded shots' positions,
    with noise, go to what describes shots, so that one sees whether sight or reasoning limits a figure.

    Shares have Wilson's interval, which takes each sample for a new one; means, medians and percentiles are
    bootstrapped, in blocks of successive values where there are many.
    """
    modes = [
        m for m, on in (("truth", truth is not None), ("seeds", seeds is not None), ("perfect", perfect)) if on
    ]
    if len(modes) != 1:
        raise click.UsageError("give --truth to score files, or --seeds to score simulated halls, or --perfect")
    known = dict.fromkeys(name for names in _OPTIONS.values() for name in names)
    for name in known:
        if name not in _OPTIONS[modes[0]] and _is_given(ctx, name):
            raise click.UsageError(f"--{name.replace('_', '-')} does not go with --{modes[0]}")
    baseline = None
    try:
        check_writable(json_out)
        if seeds is not None:
            result = _follow(Plan(seeds, seconds, fps, size, every), processes)
            metrics, baseline, document = result.metrics(), result.baseline(), _document(seeds, result)
        elif perfect:
            plan = Perfect(books, fps, noise_mm, passes)
            metrics, document = _reason(plan).metrics(), {"books": list(books), "noise_mm": noise_mm, "fps": fps}
        else:
            assert truth is not None
            if shots is None and tracks is None and balls is None:
                raise click.UsageError("give at least one of --shots, --tracks and --balls")
            metrics = score(
                read_truth(truth, clip),
                shots=None if shots is None else read_shots(shots),
                tracks=None if tracks is None else read_tracks(tracks),
                balls=None if balls is None else read_balls(balls),
            )
            document = dict[str, object]()
        if json_out is not None:
            write_json(json_out, to_json(metrics, baseline) | document)
    except FileError as error:
        raise Failure(str(error)) from error
    Console(width=None).print(to_table(metrics, baseline))


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _follow(plan: Plan, processes: int) -> Result:
    with _progress(len(plan.seeds)) as report:
        result = run(plan, processes, report)
    for seed, why in result.refused.items():
        click.echo(f"ladder: seed {seed} was not followed: {why}", err=True)
    kind = "rendered"
    if min(plan.seeds) < EVALUATION_FROM:
        kind += ", with seeds for development"
    click.echo(
        f"{kind}: {len(plan.seeds)} seed{'' if len(plan.seeds) == 1 else 's'}, {result.seconds:.0f} s, "
        f"{result.frames:,} frames at {plan.fps:g} a second, {plan.size[0]}×{plan.size[1]}, camera known; "
        f"balls, and the plain baseline, in {result.sampled:,} of the frames"
    )
    return result


def _reason(plan: Perfect) -> Outcome:
    outcome = run_perfect(plan)
    kind = (
        "perfect positions" if set(plan.books) <= set(EVALUATION_BOOKS) else "perfect positions, for development"
    )
    click.echo(
        f"{kind}: {len(outcome.describe_ms):,} shots of {', '.join(plan.books)}, {plan.fps:g} frames a second, "
        f"{plan.noise_mm:g} mm noise"
    )
    return outcome


def _document(seeds: tuple[int, ...], result: Result) -> dict[str, object]:
    return {
        "seeds": list(seeds),
        "seconds": round(result.seconds, 2),
        "frames": result.frames,
        "sampled_frames": result.sampled,
        "refused": {str(seed): why for seed, why in result.refused.items()},
    }


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None] | None]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("seeds", total=total)
        yield lambda _: bar.advance(task)
