"""When the bytes of a request came, by the kernel's clock: this process may have been busy since."""

import asyncio
import socket
import struct
import time
from contextlib import suppress

# Where `struct tcp_info` of Linux has the milliseconds since data came last (tcpi_last_data_recv).
LAST_DATA = 52


def moment(writer: asyncio.StreamWriter) -> float:
    """Return it in seconds since 1970; the time of now where the kernel does not tell."""
    now, raw = time.time(), writer.get_extra_info("socket")
    with suppress(AttributeError, OSError, struct.error):
        told = raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, LAST_DATA + 4)
        (milliseconds,) = struct.unpack_from("I", told, LAST_DATA)
        return float(now - milliseconds / 1000)
    return now
