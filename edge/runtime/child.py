"""A service as a child of `ladder run`: a `ladder` command that does not outlive who started it.

Run as `python -m edge.runtime.child PARENT_PID COMMAND …`.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent(parent_pid: int) -> None:
    """Asks Linux for a SIGTERM when the parent ends, however it ends; elsewhere this does nothing."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent_pid:  # it ended before we asked
        sys.exit(0)


def main() -> None:
    from edge.cli import ladder  # noqa: PLC0415 (after the parent is held)

    ladder(args=sys.argv[2:], prog_name="ladder")


if __name__ == "__main__":
    end_with_parent(int(sys.argv[1]))
    main()
