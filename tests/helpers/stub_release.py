"""Releases for tests: wheels of any version, whose `ladder` keeps a store of one number."""

import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]

_LADDER = """
import json, os, sys, time
from pathlib import Path

VERSION, SCHEMA, BAD = {version!r}, {schema!r}, {bad!r}
data = Path(os.environ["LADDER_DATA"]) if "LADDER_DATA" in os.environ else Path("/nowhere")
store = data / "ladder.db"


def main():
    word = sys.argv[1]
    if word == "--version":
        print("ladder, version", VERSION)
    elif word == "migrate":
        there = int(store.read_text().split()[0]) if store.exists() else 0
        if there > SCHEMA:
            sys.exit("ladder: the store was written by a newer version")
        (data / "migrating").touch()
        while (data / "slow").exists():
            time.sleep(0.05)
        if there < SCHEMA:
            store.write_text(f"{{SCHEMA}} made by {{VERSION}}")
    elif word == "doctor":
        bad = ["vision"] if BAD else []
        bad += ["camera"] if (data / "unplugged").exists() else []
        told = [{{"check": one, "state": "bad", "text": f"The {{one}} is not well."}} for one in bad]
        print(json.dumps({{"findings": told}}))
        sys.exit(1 if bad else 0)
    elif word == "enrol":
        (data / "hub.json").write_text(" ".join(sys.argv[2:]))
"""

_BOX_SIDE = """
import os, shutil, sys
from pathlib import Path

data = Path(os.environ["LADDER_DATA"])
word, given = sys.argv[1], sys.argv[2:]
if word == "snapshot":
    (data / "backups").mkdir(exist_ok=True)
    name = f"kept-{len(list((data / 'backups').iterdir()))}"
    shutil.copy(data / "ladder.db", data / "backups" / name)
    print(name)
if word == "restore":
    (data / "ladder.db").rename(data / "aside.db")
    shutil.copy(data / "backups" / given[0], data / "ladder.db")
    print(data / "aside.db")
"""


def stub_wheel(folder: Path, version: str, *, schema: int = 1, bad: bool = False, units: str = "") -> Path:
    """A wheel of Action Ladder whose program is a stub. `units` is added to every unit, so that they differ."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"action_ladder-{version}-py3-none-any.whl"
    info, shared = f"action_ladder-{version}.dist-info", f"action_ladder-{version}.data/data/share/action-ladder"
    files = {
        "stub_ladder.py": _LADDER.format(version=version, schema=schema, bad=bad),
        "edge/__init__.py": "",
        "edge/provision/__init__.py": "",
        "edge/provision/box_side.py": _BOX_SIDE,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: action-ladder\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: stub\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\nladder = stub_ladder:main\n",
    }
    for unit in (ROOT / "systemd").iterdir():
        if unit.is_file():
            files[f"{shared}/systemd/{unit.name}"] = unit.read_text() + units
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in files)
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(zipfile.ZipInfo(name), text)
    return path
