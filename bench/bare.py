"""
What people do today: the same POST from a pool of threads, no record kept.

python -m bench.bare session|fresh URL NUMBER THREADS; prints wall seconds, CPU seconds, PSS in MB.
"""

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from bench.measure import memory

HEADERS = {"Authorization": "User dXNlcg==, Organization b3JnYW5pemF0aW9u"}


def body(number: int) -> dict[str, Any]:
    """Return the document that creates one instance, as the platform's guide has it."""
    return {
        "element": {"key": "zuorav2"},
        "configuration": {
            "zuorav2.sandbox": True,
            "username": "bench@example.com",
            "password": "not-a-real-password",
        },
        "tags": ["bench", f"bare-{number}"],
        "name": f"Instance {number}",
    }


def senders(url: str) -> dict[str, Callable[[int], None]]:
    """Return the two ways of sending, by name."""
    kept = threading.local()

    def session(number: int) -> None:
        if not hasattr(kept, "session"):
            kept.session = requests.Session()
            kept.session.trust_env = False
        _keep(kept.session.post(url, json=body(number), headers=HEADERS, timeout=60))

    def fresh(number: int) -> None:
        _keep(requests.post(url, json=body(number), headers=HEADERS, timeout=60))

    return {"session": session, "fresh": fresh}


def _keep(answer: requests.Response) -> None:
    answer.raise_for_status()
    document = answer.json()
    assert document["id"]
    assert document["token"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("how", choices=["session", "fresh"])
    parser.add_argument("url")
    parser.add_argument("number", type=int)
    parser.add_argument("threads", type=int)
    chosen = parser.parse_args()
    send = senders(chosen.url)[chosen.how]
    with ThreadPoolExecutor(chosen.threads) as pool:
        list(pool.map(send, range(chosen.threads)))
        began, spent = time.monotonic(), time.process_time()
        list(pool.map(send, range(chosen.number)))
        seconds, cpu = time.monotonic() - began, time.process_time() - spent
    json.dump({"seconds": seconds, "cpu": cpu, "memory": memory(os.getpid())}, sys.stdout)


if __name__ == "__main__":
    main()
