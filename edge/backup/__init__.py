"""Snapshots of a box: the store and what can't be made again, whole or not there; and how one is put back."""

from edge.backup.keeping import prune
from edge.backup.packing import pack, unpack
from edge.backup.restoring import Restored, restore
from edge.backup.snapshot import BackupError, Snapshot, find, latest, snapshots, verify
from edge.backup.taking import take

__all__ = [
    "BackupError",
    "Restored",
    "Snapshot",
    "find",
    "latest",
    "pack",
    "prune",
    "restore",
    "snapshots",
    "take",
    "unpack",
    "verify",
]
