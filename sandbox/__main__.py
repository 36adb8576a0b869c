"""The command line: python -m sandbox --port 8001 [--host 127.0.0.1] [--tls] [--data DIR].

With --demo-environment it only prints the demo account's values, one NAME=value a line, for whoever
sets up a demo without importing the sandbox.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from sandbox import demo
from sandbox.certificates import Authority
from sandbox.platform import Platform
from sandbox.server import Server


def main() -> None:
    arguments = _parser().parse_args()
    if arguments.demo_environment:
        sys.stdout.writelines(f"{name}={value}\n" for name, value in _demo_environment().items())
    else:
        asyncio.run(_serve(arguments))


def _demo_environment() -> dict[str, str]:
    return {
        "USER_SECRET": demo.USER_SECRET,
        "ORGANIZATION_SECRET": demo.ORGANIZATION_SECRET,
        "ZUORA_SANDBOX_USERNAME": demo.ZUORA_SANDBOX.username,
        "ZUORA_SANDBOX_PASSWORD": demo.ZUORA_SANDBOX.password,
        "ZUORA_PRODUCTION_USERNAME": demo.ZUORA_PRODUCTION.username,
        "ZUORA_PRODUCTION_PASSWORD": demo.ZUORA_PRODUCTION.password,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--tls", action="store_true", help="serve HTTPS with an own authority")
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep the state in this folder")
    parser.add_argument(
        "--public", default="", metavar="URL", help="where browsers reach the consent pages"
    )
    parser.add_argument(
        "--demo-environment", action="store_true", help="print the demo account's values and stop"
    )
    return parser


async def _serve(arguments: argparse.Namespace) -> None:
    stopping = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stopping.set)
    authority = Authority(_authority_folder(arguments.data)) if arguments.tls else None
    platform = Platform(arguments.data)
    platform.public_origin = arguments.public.rstrip("/")
    server = Server(platform, arguments.host, arguments.port, authority)
    await server.start()
    trust = f", authority {authority.pem}" if authority else ""
    sys.stdout.write(f"Sandbox listening on {server.base_url}{trust}\n")
    sys.stdout.flush()
    await stopping.wait()
    await server.stop()
    if authority:
        authority.close()


def _authority_folder(data: Path | None) -> Path | None:
    return data / "tls" if data else None


if __name__ == "__main__":
    main()
