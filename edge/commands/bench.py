"""`ladder bench`: the performance table, each figure as a ratio measured in the same run."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from edge.cli import Failure
from edge.commands.progress import progress

if TYPE_CHECKING:
    from vision.bench.frames import FramePlan

_FUNCTIONS = 25


def _size(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, int]:
    from edge.commands.simulate import parse_size  # noqa: PLC0415

    return parse_size(ctx, param, value)


def _seeds(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    from vision.evaluate.plan import parse_seeds  # noqa: PLC0415

    try:
        return parse_seeds(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from error


@click.command(
    epilog="Examples: ladder bench · ladder bench --profile · ladder bench --memory 60 --fps 30 · "
    "ladder bench --live · ladder bench --pages · ladder bench --seeds 1-8 --seconds 30 --json bench.json"
)
@click.option("--seeds", default="1-4", show_default=True, callback=_seeds, help="Simulated halls, such as 1-4,7.")
@click.option(
    "--seconds",
    type=click.FloatRange(0, 3600, min_open=True),
    default=20.0,
    show_default=True,
    help="Of each seed, and on until its last shot is over.",
)
@click.option("--fps", type=click.FloatRange(5, 240), default=60.0, show_default=True, help="Frames a second.")
@click.option("--size", default="1920x1080", show_default=True, callback=_size, help="The picture's size.")
@click.option("--cold", is_flag=True, help="Planes from main memory, not just written as a decoder leaves them.")
@click.option("--profile", is_flag=True, help="In place of the table: where the time of a frame in play goes.")
@click.option(
    "--memory",
    "minutes",
    type=click.FloatRange(0, 600, min_open=True),
    metavar="MINUTES",
    help="In place of the table: the memory of the vision process over so much play of the first seed.",
)
@click.option(
    "--live",
    is_flag=True,
    help="In place of the table: frames of the first seed at a camera's pace, a kiosk in use; which are lost.",
)
@click.option(
    "--slow-ms", default=0.0, show_default=True, help="With --live: so much slower a frame, an overload."
)
@click.option(
    "--pages",
    is_flag=True,
    help="In place of the table: the kiosk's pages in a big hall, made in $TMPDIR (4.5 GB for a million shots).",
)
@click.option(
    "--shots", type=click.IntRange(100), default=1_000_000, show_default=True, help="With --pages: shots stored."
)
@click.option("--players", type=click.IntRange(3), default=2_000, show_default=True, help="With --pages.")
@click.option("--months", type=click.IntRange(1, 240), default=24, show_default=True, help="With --pages.")
@click.option(
    "--rounds",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="With --pages: how often each is asked.",
)
@click.option(
    "--json", "json_out", type=click.Path(dir_okay=False, path_type=Path), help="Where to write it as JSON."
)
def bench(
    *,
    seeds: tuple[int, ...],
    seconds: float,
    fps: float,
    size: tuple[int, int],
    cold: bool,
    profile: bool,
    minutes: float | None,
    live: bool,
    slow_ms: float,
    pages: bool,
    shots: int,
    players: int,
    months: int,
    rounds: int,
    json_out: Path | None,
) -> None:
    """Measure how fast the table is followed, on one thread.

    Frames of simulated halls are drawn into memory beforehand and followed one by one. Each figure is CPU time of
    the thread, as a ratio to what was measured in the same run, with the absolute beside it.
    """
    import cv2  # noqa: PLC0415

    from vision.bench.frames import FramePlan  # noqa: PLC0415

    cv2.setNumThreads(1)
    plan = FramePlan(seeds, seconds, size, fps, cold=cold)
    if sum((profile, minutes is not None, live, pages)) > 1:
        raise click.UsageError("give one of --profile, --memory, --live and --pages")
    if pages:
        _pages((shots, players, months), rounds, json_out)
    elif live:
        _live(plan, slow_ms, json_out)
    elif minutes is not None:
        _memory(plan, minutes, json_out)
    elif profile:
        _profile(plan, json_out)
    else:
        _measure(plan, json_out)


def _measure(plan: "FramePlan", json_out: Path | None) -> None:
    from dataclasses import asdict  # noqa: PLC0415

    from edge.bench.latency import shelf, waits  # noqa: PLC0415
    from edge.bench.tables import waits_table  # noqa: PLC0415
    from vision.bench.delays import delays  # noqa: PLC0415
    from vision.bench.frames import time_frames  # noqa: PLC0415
    from vision.bench.report import Report, notes, to_json, to_table  # noqa: PLC0415
    from vision.files import FileError, check_writable, write_json  # noqa: PLC0415

    try:
        check_writable(json_out)
        with progress("frames", len(plan.seeds) * plan.seconds) as told, shelf(plan.fps, plan.size) as store:
            times = time_frames(plan, told, store.add)
            waited = waits(delays(times.handed, times.rests), store.close())
        report = Report(plan, times)
        if json_out is not None:
            document = to_json(report) | {
                "shots_played": len(times.rests),
                "latency": [asdict(wait) for wait in waited],
            }
            write_json(json_out, document)
    except FileError as error:
        raise Failure(str(error)) from error
    _print(to_table(report))
    _print(waits_table(waited, len(times.rests)))
    for note in notes(report):
        click.echo(note)


def _profile(plan: "FramePlan", json_out: Path | None) -> None:
    from dataclasses import asdict  # noqa: PLC0415

    from vision.bench.profile import profile_play  # noqa: PLC0415
    from vision.bench.report import costs_table  # noqa: PLC0415
    from vision.files import FileError, check_writable, write_json  # noqa: PLC0415

    try:
        check_writable(json_out)
        with progress("frames", len(plan.seeds) * plan.seconds) as told:
            found = profile_play(plan, told)
        if json_out is not None:
            write_json(json_out, asdict(found))
    except (FileError, ValueError) as error:
        raise Failure(str(error)) from error
    click.echo(
        f"{found.frames:,} frames in play, {found.frame_ms:.2f} ms each while being profiled (dearer than usual)"
    )
    _print(costs_table("what the pipeline calls for a frame", found.stages, found.frame_ms))
    _print(costs_table("the dearest functions", found.functions[:_FUNCTIONS], found.frame_ms))


def _memory(plan: "FramePlan", minutes: float, json_out: Path | None) -> None:
    from dataclasses import asdict  # noqa: PLC0415

    from edge.bench.memory import MemoryBenchError, MemoryPlan, measure_imports, measure_memory  # noqa: PLC0415
    from edge.bench.tables import imports_table, memory_table  # noqa: PLC0415
    from vision.files import FileError, check_writable, write_json  # noqa: PLC0415

    wanted = MemoryPlan(plan.seeds[0], 60 * minutes, plan.size, plan.fps)
    try:
        check_writable(json_out)
        imports = measure_imports()
        report = measure_memory(wanted)
        if json_out is not None:
            document = {"plan": asdict(wanted), "memory": asdict(report), "imports_mb": dict(imports)}
            write_json(json_out, {"schema": 1} | document)
    except (FileError, MemoryBenchError) as error:
        raise Failure(str(error)) from error
    _print(imports_table(imports))
    _print(memory_table(wanted, report))


def _live(plan: "FramePlan", slow_ms: float, json_out: Path | None) -> None:
    from dataclasses import asdict  # noqa: PLC0415

    from edge.bench.live import Soak, measure_live  # noqa: PLC0415
    from vision.files import FileError, check_writable, write_json  # noqa: PLC0415

    try:
        check_writable(json_out)
        report = measure_live(Soak(plan.size, plan.fps, plan.seconds, seed=plan.seeds[0], slow_s=slow_ms / 1000))
        if json_out is not None:
            write_json(json_out, {"schema": 1} | asdict(report))
    except (FileError, RuntimeError) as error:
        raise Failure(str(error)) from error
    click.echo(report.in_words())


def _pages(hall: tuple[int, int, int], rounds: int, json_out: Path | None) -> None:
    from tempfile import TemporaryDirectory  # noqa: PLC0415

    from edge.bench.big_hall import HallPlan, make_box  # noqa: PLC0415
    from edge.bench.pages import measure_pages  # noqa: PLC0415
    from edge.bench.tables import events_table, pages_table  # noqa: PLC0415
    from edge.bench.visitor import VisitError  # noqa: PLC0415
    from edge.store.errors import StoreError  # noqa: PLC0415
    from vision.files import FileError, check_writable, write_json  # noqa: PLC0415

    plan = HallPlan(*hall)
    try:
        check_writable(json_out)
        with TemporaryDirectory(prefix="ladder-pages-") as folder:
            with progress("the hall", plan.shots) as told:
                paths, made = make_box(Path(folder), plan, told)
            with progress("its pages", 1.0) as told:
                report = measure_pages(paths, made, rounds=rounds, told=told)
        if json_out is not None:
            write_json(json_out, report.to_json())
    except (FileError, RuntimeError, StoreError, ValueError, VisitError) as error:
        raise Failure(str(error)) from error
    _print(pages_table(report))
    _print(events_table(report))
    for path in report.absent:
        click.echo(f"{path} is not there")


def _print(table: object) -> None:
    console = Console()
    console.width = max(console.width, 160)  # narrower, the figures would be cut
    console.print(table)
