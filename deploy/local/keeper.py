"""Outlives the runs that use a home's servers and stops the servers when the last of those runs is gone.

A run that ends as it should has stopped them already; this is for the one that was killed.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import select
import sys
from pathlib import Path

from deploy.local import holders
from deploy.local.servers import stop_unneeded


def main(home: Path) -> None:
    with (home / "keeper").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        while not holders.staying(home):
            alive = holders.living(home)
            if not alive:
                asyncio.run(stop_unneeded(home))
                if not holders.needed(home):
                    return
                continue
            _wait_for_the_end_of(alive[0])


def _wait_for_the_end_of(pid: int) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        select.select([handle], [], [])
    finally:
        os.close(handle)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
