"""`ladder run`: the whole box for a person at a terminal."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from edge.cli import Failure
from edge.commands.options import data_option, stop_on_signals
from edge.commands.vision import camera_options
from edge.locks import LockHeldError, file_lock
from edge.runtime.damage_watch import leaving_when_damaged
from edge.runtime.paths import Paths, box_paths, forget_live, make_directories
from edge.runtime.role import Role, RoleWatch, is_set_aside
from edge.runtime.supervisor import Service, Supervisor, answers, how_it_ended, ladder_child, port_is_free
from edge.settings import Settings, SettingsError, load_settings
from edge.store.errors import StoreError

# Where the demo's cloud and sandbox are looked for; of a taken one the next that is free is used, and said.
CLOUD_PORT, SANDBOX_PORT = 8090, 8095
# A kiosk that takes longer is said to; it is waited for all the same.
SLOW_S = 20.0
LOOK_S = 0.2
ASKED_S = 1.0  # whoever asks whether the box runs holds its lock for a moment


@click.command()
@data_option
@camera_options
@click.option("--port", type=click.IntRange(1, 65535), help="The kiosk's port.  [default: settings, else 8080]")
@click.option(
    "--demo",
    is_flag=True,
    help="A hall called Chalk City with months behind it, in a folder of its own under --data, and its cloud.",
)
def run(data: Path | None, port: int | None, demo: bool, **_camera: Any) -> None:
    """Run the whole box: the camera is watched, and the kiosk shows what it sees.

    Without a camera it runs on a simulated table. Ctrl-C stops everything.

    \b
    Examples:
      ladder run
      ladder run --demo
      ladder run --camera game.mp4 --table 8ft --data ./data --port 8090
    """
    paths = box_paths(data)
    if demo:
        paths = box_paths(paths.data / "demo")
    try:
        if demo:
            _make_demo(paths, port)
        make_directories(paths)
        with stop_on_signals() as stop:
            camera = camera_arguments(click.get_current_context().params)
            while not stop.is_set():
                with file_lock(paths.running, timeout_s=ASKED_S):
                    settings = _prepare(paths)
                    _run(paths, settings, port or settings.kiosk.port, camera, stop, demo=demo)
                while is_set_aside(paths) and not stop.wait(LOOK_S):
                    pass
        click.echo("Stopped.")
    except LockHeldError as error:
        raise Failure(f"another ladder run works in {paths.data}: stop it, or choose another --data") from error
    except (SettingsError, StoreError, OSError) as error:
        raise Failure(str(error)) from error


def _make_demo(paths: Paths, port: int | None) -> None:
    """Makes the demo where there is none, in a process of its own, as `_make_store_ready`. Raises Failure."""
    settings = load_settings(paths.settings)
    _require_port(settings.kiosk.host, port or settings.kiosk.port)  # before anybody waits
    make = Service("demo", ("cloud", "--demo", "--data", str(paths.data.parent), "make-demo"))
    if subprocess.run(ladder_child(make), check=False).returncode:
        raise Failure("there is no demo, so nothing was started")


def _prepare(paths: Paths) -> Settings:
    """Settings and store, made where they are missing; nothing of an earlier run is left to be shown."""
    forget_live(paths)
    make_directories(paths)
    settings = load_settings(paths.settings)
    click.echo(f"Starting the store in {paths.data} …")
    _make_store_ready(paths)
    return settings


def _make_store_ready(paths: Paths) -> None:
    """In a process of its own: what it loads would stay in this one, which only waits. Raises Failure."""
    migrate = ladder_child(Service("migrate", ("migrate", "--data", str(paths.data))))
    said = ""
    with subprocess.Popen(migrate, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            _say_unless_empty(said)
            said = line.rstrip().removeprefix("ladder: ")
    if process.returncode:
        raise Failure(said or f"the store was not made ready: {how_it_ended(process.returncode)}")
    _say_unless_empty(said)


def _say_unless_empty(line: str) -> None:
    if line:
        click.echo(line)


def _require_port(host: str, port: int) -> None:
    try:
        free = port_is_free(host, port)
    except OSError as error:
        raise Failure(f"the kiosk can't listen on {host}, port {port}: {error.strerror}") from error
    if not free:
        raise Failure(f"port {port} is in use: stop what listens there, or choose another with --port")


def _run(
    paths: Paths, settings: Settings, port: int, camera: list[str], stop: threading.Event, *, demo: bool = False
) -> None:
    """Runs the services until told to stop, or until they have to begin anew."""
    _require_port(settings.kiosk.host, port)
    watch = RoleWatch(paths)
    role = watch.look()
    services = _services(paths, role, port, camera)
    if demo:
        services.append(_demo_cloud(paths, port))
    click.echo(f"Starting {', '.join(service.name for service in services)} …")

    def why_over() -> str | None:
        if is_set_aside(paths):
            return "The services end for a while: this box is worked on …"
        return (
            None if watch.look() == role else "This box has another place in its hall: the services begin anew …"
        )

    over = threading.Event()
    probe = _KioskProbe(settings.kiosk.host, port, _how_to_check_in() if demo else "")
    with leaving_when_damaged(paths.store, over) as damage, _ending(stop, over, why_over):
        Supervisor(services, click.echo).run(over, probe.ready)
    if damage.found is None:
        _fold_log(paths)
    elif not stop.is_set():
        click.echo("The services have ended, and the store is mended …")
    forget_live(paths)


def _services(paths: Paths, role: Role, port: int, camera: list[str]) -> list[Service]:
    data = ("--data", str(paths.data))
    found = [
        Service("vision", ("vision", *data, *camera)),
        Service("kiosk", ("kiosk", *data, "--port", str(port))),
        Service("jobs", ("jobs", *data)),
    ]
    if role.lets_in:
        found.append(Service("hub", ("hub", *data)))
    if role.is_table or role.tells_cloud:
        found.append(Service("sync", ("sync", *data)))
    return found


def _demo_cloud(paths: Paths, port: int) -> Service:
    """The demo's cloud with its sandbox, beside a kiosk at that port."""
    ports = [str(wanted + (wanted == port)) for wanted in (CLOUD_PORT, SANDBOX_PORT)]
    data = ("--data", str(paths.data.parent))
    return Service("cloud", ("cloud", "--demo", *data, "--port", ports[0], "--sandbox-port", ports[1]))


def _how_to_check_in() -> str:
    from edge.demo.people import PIN, STAFF, WALKS_THROUGH  # noqa: PLC0415 (not for a real box)

    return f"Check in as {WALKS_THROUGH} with the PIN {PIN}; {STAFF} works there, at /counter, with the same PIN."


def _fold_log(paths: Paths) -> None:
    """Ends SQLite's log, which a service that was killed leaves: by it the next start knows a clean end."""
    from edge.store.database import connect  # noqa: PLC0415 (not for --help)

    with suppress(StoreError), closing(connect(paths.store)):
        pass


@contextmanager
def _ending(stop: threading.Event, over: threading.Event, why_over: Callable[[], str | None]) -> Iterator[None]:
    """Inside the block `over` is set with `stop`, and when there is another reason, which is said."""
    ended = threading.Event()

    def follow() -> None:
        while not (stop.wait(LOOK_S) or ended.is_set()):
            why = why_over()
            if why is not None:
                click.echo(why)
                break
        over.set()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class _KioskProbe:
    """Says where the kiosk is once it answers, and that it takes long when it does."""

    def __init__(self, host: str, port: int, more: str = "") -> None:
        self._host, self._port, self._more = host, port, more
        self._asked = 0

    def ready(self) -> bool:
        if answers(self._host, self._port):
            shown = "localhost" if self._host in ("127.0.0.1", "0.0.0.0", "::", "::1") else self._host
            click.echo(f"Kiosk: http://{shown}:{self._port}    (Ctrl-C stops everything)")
            _say_unless_empty(self._more)
            return True
        self._asked += 1
        if self._asked == round(SLOW_S / 0.2):
            click.echo("The kiosk has not answered yet; still waiting …")
        return False


def camera_arguments(params: dict[str, Any]) -> list[str]:
    """The camera's options, as click parsed them, as the words of a command line for `ladder vision`."""
    words: list[str] = []
    for name, value in params.items():
        if name in ("data", "port", "demo") or value is None or value is False:
            continue
        words.append("--" + name.replace("_", "-"))
        if name == "corners":
            words.append(" ".join(f"{x},{y}" for x, y in value))
        elif value is not True:
            words.append(str(value))
    return words
