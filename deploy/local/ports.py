"""Free ports on this machine, found by binding them."""

from __future__ import annotations

import random
import socket
from pathlib import Path

LOWEST = 10_240
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do; without it a connection that ended a moment ago would make the port look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, below the range the kernel hands to outgoing connections.

    Within that range a client that keeps trying while its server restarts can be given the very port it is
    calling, and so connect to itself and keep the server from coming back.
    """
    try:
        first_outgoing = int(RANGE.read_text().split()[0])
    except (OSError, ValueError):
        first_outgoing = 32_768
    if first_outgoing - LOWEST < 1_000:
        return _assigned(count)
    found: set[int] = set()
    for port in random.SystemRandom().sample(range(LOWEST, first_outgoing), 1_000):
        if is_free(port):
            found.add(port)
        if len(found) == count:
            return sorted(found)
    return _assigned(count)


def _assigned(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()
