"""Results of single seeds kept in a folder, so that an evaluation that was broken off goes on where it was."""

import gzip
import json
from pathlib import Path

from vision.evaluate.plan import Plan
from vision.evaluate.result import SeedResult
from vision.files import FileError, write_json

_PLAN = "plan.json"


class Kept:
    """The results that a folder holds of one plan.

    Each plan, and each state of the program, has a folder within it of its own, named by the plan's fingerprint;
    results of several machines may be copied together there.
    """

    def __init__(self, folder: Path, plan: Plan) -> None:
        """Makes the folder. Raises FileError where it can't be made."""
        self.folder = folder / plan.fingerprint()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"{self.folder} can't be made: {error.strerror}") from error
        write_json(self.folder / _PLAN, plan.of_each_seed())

    def read(self, seed: int) -> SeedResult | None:
        """A seed's result, or None where there is none. Raises FileError for a damaged one."""
        path = self._path(seed)
        try:
            data = json.loads(gzip.decompress(path.read_bytes()))
            return SeedResult.from_json(data)
        except FileNotFoundError:
            return None
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise FileError(f"{path} is damaged ({error}): delete it, and its seed is evaluated again") from error

    def write(self, result: SeedResult) -> None:
        """Keeps a seed's result, whole or not at all. Raises FileError."""
        path = self._path(result.seed)
        partial = path.with_name(f".{path.name}.part")
        text = json.dumps(result.to_json(), separators=(",", ":"), allow_nan=False)
        try:
            partial.write_bytes(gzip.compress(text.encode(), mtime=0))
            partial.replace(path)
        except OSError as error:
            raise FileError(f"{path} can't be written: {error.strerror}") from error

    def _path(self, seed: int) -> Path:
        return self.folder / f"seed-{seed}.json.gz"
