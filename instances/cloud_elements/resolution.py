"""Where a name leads, and whether one may go there."""

import ipaddress
import os
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

Resolve = Callable[[str, int], Sequence[str]]

# IANA gives the public internet no other part of IPv6. What maps or translates IPv4 (::/96,
# ::ffff:0:0/96, 64:ff9b::/96, 64:ff9b:1::/48) lies outside.
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
# Networks that lead elsewhere though Python, or a version of it, calls them global.
INWARD = [
    ipaddress.ip_network(network)
    for network in (
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "2001::/23",
        "2002::/16",
        "3fff::/20",
    )
]


def resolve_with_system(host: str, port: int) -> list[str]:
    """Ask the system's resolver for every address of `host`."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


@cache
def _threads() -> ThreadPoolExecutor:
    # The system's resolver knows no time limit, so it is asked on threads that can be left behind.
    return ThreadPoolExecutor(32, thread_name_prefix="resolve")


# The threads of a parent process are not there in its child.
os.register_at_fork(after_in_child=_threads.cache_clear)


def addresses_of(host: str, port: int, *, resolve: Resolve, seconds: float) -> list[str]:
    """
    Return the addresses of `host`, asked once.

    :raises TimeoutError: no answer in time.
    :raises OSError: the name has no address.
    """
    asked = _threads().submit(resolve, host, port)
    try:
        found = list(asked.result(timeout=seconds))
    finally:
        asked.cancel()
    if not found:
        raise OSError
    return found


def is_public(address: str) -> bool:
    """Tell whether `address` is one that the whole internet routes."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if parsed.version == 6 and ("%" in address or parsed not in GLOBAL_UNICAST):
        return False
    is_inward = any(parsed.version == net.version and parsed in net for net in INWARD)
    return parsed.is_global and not parsed.is_multicast and not is_inward
