"""`ladder evaluate`: score results against a truth file, the pipeline on simulated halls, or reasoning alone."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from edge.cli import Failure
from edge.commands.simulate import parse_size
from vision.evaluate.kept import Kept
from vision.evaluate.perfect import BOOKS, EVALUATION_BOOKS, Outcome, Perfect, run_perfect
from vision.evaluate.plan import Plan, parse_seeds
from vision.evaluate.report import evaluate as score
from vision.evaluate.report import to_json, to_table
from vision.evaluate.result import Result, SeedResult
from vision.evaluate.simulated import MOST_PROCESSES, run
from vision.evaluate.statistics import Metric
from vision.evaluate.truth import read_truth
from vision.files import FileError, check_writable, read_balls, read_shots, read_tracks, write_json
from vision.simulate.conditions import EVALUATION_FROM
from vision.simulate.director import Pace

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_USUAL_SECONDS = 60.0
_MOST_SHOTS = 1000
_OPTIONS = {
    "truth": ("clip", "shots", "tracks", "balls"),
    "seeds": ("seconds", "shots", "fps", "size", "every", "pace", "keep", "processes"),
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
    "ladder evaluate --seeds 9001-9050 --shots 20 --fps 60 --pace brisk --keep results --json figures.json · "
    "ladder evaluate --perfect --noise-mm 1 --fps 60"
)
@click.option("--truth", type=_FILE, help="What really happened (docs/files.md).")
@click.option("--clip", help="Which clip, where the truth is a manifest of several.")
@click.option(
    "--shots",
    metavar="FILE|N",
    help="With --truth: what ladder track wrote. With --seeds: of each seed so many, in place of --seconds.",
)
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
    help="Of each seed, and on until its last shot is over.  [default: 60]",
)
@click.option("--fps", type=click.FloatRange(5, 240), default=30.0, show_default=True, help="Frames a second.")
@click.option("--size", default="1280x720", show_default=True, callback=parse_size, help="The picture's size.")
@click.option(
    "--every", type=click.IntRange(1), help="Score balls in one frame of so many.  [default: two frames a second]"
)
@click.option(
    "--pace", type=click.Choice(get_args(Pace)), default="usual", show_default=True,
    help="How long players idle between shots; brisk ones come, aim and leave, but do not think.",
)  # fmt: skip
@click.option(
    "--keep", type=_FOLDER, help="A folder for each seed's result: run again, it goes on where it was broken off."
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
    shots: str | None,
    tracks: Path | None,
    balls: Path | None,
    seeds: tuple[int, ...] | None,
    perfect: bool,
    books: tuple[str, ...],
    noise_mm: float,
    passes: int,
    seconds: float | None,
    fps: float,
    size: tuple[int, int],
    every: int | None,
    pace: Pace,
    keep: Path | None,
    processes: int,
    json_out: Path | None,
) -> None:
    """Score shots, tracks and balls: each figure with its sample size and 95 % interval.

    With --truth, results in files are scored. With --seeds, the pipeline follows simulated halls in memory and
    every figure is printed, a plain baseline (Hough circles, HSV, nearest centroid) beside it on the same frames;
    seeds from 9000 on are those for evaluation. With --perfect nothing is drawn: the recorded shots' positions,
    with noise, go to what describes shots, so that one sees whether sight or reasoning limits a figure.

    With ten seeds or more, intervals come from drawing whole seeds again, since what one hall shows hangs
    together; with fewer, balls are drawn again by stretches from shot to shot. Else shares have Wilson's interval,
    which takes each sample for a new one, and means, medians and percentiles are bootstrapped.
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
            plan = _plan(seeds, seconds, shots, fps=fps, size=size, every=every, pace=pace)
            result = _follow(plan, processes, None if keep is None else Kept(keep, plan))
            metrics, baseline, document = result.metrics(), result.baseline(), _document(plan, result)
        elif perfect:
            ideal = Perfect(books, fps, noise_mm, passes)
            metrics, document = _reason(ideal).metrics(), {"books": list(books), "noise_mm": noise_mm, "fps": fps}
        else:
            assert truth is not None
            metrics, document = _files(truth, clip, shots, tracks, balls), dict[str, object]()
        if json_out is not None:
            write_json(json_out, to_json(metrics, baseline) | document)
    except FileError as error:
        raise Failure(str(error)) from error
    Console(width=None).print(to_table(metrics, baseline))


def _files(
    truth: Path, clip: str | None, shots: str | None, tracks: Path | None, balls: Path | None
) -> list[Metric]:
    """The figures of results in files."""
    if shots is None and tracks is None and balls is None:
        raise click.UsageError("give at least one of --shots, --tracks and --balls")
    return score(
        read_truth(truth, clip),
        shots=None if shots is None else read_shots(Path(shots)),
        tracks=None if tracks is None else read_tracks(tracks),
        balls=None if balls is None else read_balls(balls),
    )


def _plan(
    seeds: tuple[int, ...], seconds: float | None, shots: str | None, *,
    fps: float, size: tuple[int, int], every: int | None, pace: Pace,
) -> Plan:  # fmt: skip
    if shots is None:
        return Plan(seeds, seconds or _USUAL_SECONDS, None, fps, size, every, pace)
    if seconds is not None:
        raise click.UsageError("give --seconds or --shots, not both")
    if not shots.isdigit() or not 1 <= int(shots) <= _MOST_SHOTS:
        raise click.UsageError(
            f"with --seeds, --shots says how many of each seed, 1 to {_MOST_SHOTS}: not {shots!r}"
        )
    return Plan(seeds, None, int(shots), fps, size, every, pace)


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _follow(plan: Plan, processes: int, kept: Kept | None) -> Result:
    with _progress(len(plan.seeds)) as report:
        result = run(plan, processes, report, kept)
    for seed, why in result.refused.items():
        click.echo(f"ladder: seed {seed} was not followed: {why}", err=True)
    kind = "rendered"
    if min(plan.seeds) < EVALUATION_FROM:
        kind += ", with seeds for development"
    click.echo(
        f"{kind}: {len(plan.seeds)} seed{'' if len(plan.seeds) == 1 else 's'}, {result.shots_played:,} shots in "
        f"{result.seconds:.0f} s at {plan.pace} pace, {result.frames:,} frames at {plan.fps:g} a second, "
        f"{plan.size[0]}×{plan.size[1]}, camera known; balls, and the plain baseline, in {result.sampled:,} of "
        f"the frames; {result.cpu_s:.0f} s of CPU"
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


def _document(plan: Plan, result: Result) -> dict[str, object]:
    return {
        "seeds": list(plan.seeds),
        "plan": plan.of_each_seed(),
        "shots": result.shots_played,
        "seconds": round(result.seconds, 2),
        "frames": result.frames,
        "sampled_frames": result.sampled,
        "cpu_s": round(result.cpu_s, 1),
        "refused": {str(seed): why for seed, why in result.refused.items()},
    }


@contextmanager
def _progress(total: int) -> Iterator[Callable[[SeedResult, int], None]]:
    """A bar on a terminal, elsewhere a line for each seed; it is told a seed and how many are done."""
    if not sys.stderr.isatty():
        yield lambda seed, done: click.echo(f"{_told(seed)}; {done} of {total} seeds", err=True)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("seeds", total=total)
        yield lambda seed, done: bar.update(task, completed=done, description=_told(seed))


def _told(seed: SeedResult) -> str:
    shots = f"{seed.shots_played} shot{'' if seed.shots_played == 1 else 's'}"
    return f"seed {seed.seed}: {shots} in {seed.seconds:.0f} s, {seed.cpu_s:.0f} s of CPU"
