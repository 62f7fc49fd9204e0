"""Runs a program so that it cannot be orphaned (`tied`), or so that it belongs to nobody (`free`).

    leash.py tied SIGNAL PROGRAM …   becomes the program; the kernel sends it SIGNAL when our parent dies
    leash.py free PROGRAM …          starts the program in a session of its own and prints its process id

A program of its own, so that the parent need not run code between fork and exec, which is unsafe beside
threads. `tied` needs Linux; elsewhere the program simply starts.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def tie(signal_number: int) -> None:
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        # The parent may have died before the kernel was told.
        if os.getppid() != parent:
            sys.exit(1)


def main(arguments: list[str]) -> None:
    mode, *command = arguments
    if mode == "tied":
        name, *command = command
        tie(signal.Signals[name])
    else:
        child = os.fork()
        if child:
            sys.stdout.write(f"{child}\n")
            return
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        # Whoever reads our answer must see it end.
        os.dup2(2, 1)
    os.execvpe(command[0], command, os.environ)  # noqa: S606 - the command line is our caller's own


if __name__ == "__main__":
    main(sys.argv[1:])
