"""Where a name leads, and whether one may go there."""

import ipaddress
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

Resolve = Callable[[str, int], list[str]]

# Networks that lead inward though Python may call them global: translated and tunneled forms.
INWARD = [
    ipaddress.ip_network(network)
    for network in (
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
        "::/96",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "fec0::/10",
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


def addresses_of(host: str, port: int, *, resolve: Resolve, seconds: float) -> list[str]:
    """
    Return the addresses of `host`, asked once.

    :raises TimeoutError: no answer in time.
    :raises OSError: the name has no address.
    """
    return _threads().submit(resolve, host, port).result(timeout=max(seconds, 0.001))


def is_public(address: str) -> bool:
    """Tell whether `address` is one that the whole internet routes."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    if mapped is not None or getattr(parsed, "scope_id", None):
        return False
    is_inward = any(parsed.version == net.version and parsed in net for net in INWARD)
    return parsed.is_global and not parsed.is_multicast and not is_inward
