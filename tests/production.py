"""What production's settings answer, as JSON on standard output (tests/test_production.py runs it)."""

import json
import sys
from typing import Any

import django
from django.conf import settings
from django.test import Client

HOST = "desk.example.com"
FORGED_HOSTS = [
    "evil.example",
    "evil.example:443",
    f"{HOST}.evil.example",
    f"evil.example/{HOST}",
    f"{HOST}@evil.example",
    f"evil.example#{HOST}",
    f"{HOST} evil.example",
    f"{HOST},evil.example",
    f"{HOST}\\evil.example",
    f"{HOST}:80@evil.example",
    f"{HOST}:evil.example",
    f"evil.example%00.{HOST}",
    f"evil.example?{HOST}",
    "http://evil.example",
    "//evil.example",
    f"evil-{HOST}",
    f"evil.example.{HOST}",
    "127.0.0.1",
    "[::1]",
    "localhost",
    "169.254.169.254",
    "*",
]
# What proxies and frameworks elsewhere take from a header.
FORGED_HEADERS = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Server": "evil.example",
    "X-Forwarded-Port": "666",
    "X-Forwarded-Prefix": "//evil.example",
    "X-Forwarded-Scheme": "http",
    "X-Forwarded-Ssl": "off",
    "X-Host": "evil.example",
    "X-Original-Host": "evil.example",
    "X-Original-URL": "//evil.example/admin/",
    "X-Rewrite-URL": "//evil.example/admin/",
    "X-HTTP-Host-Override": "evil.example",
    "Forwarded": "for=evil.example;host=evil.example;proto=http",
    "X-HTTP-Method-Override": "DELETE",
    "Proxy": "http://evil.example",
}


def main() -> None:
    """Ask as the proxy of deploy/Caddyfile does, without a database."""
    django.setup()
    # Files as they lie in static/: collecting them takes long, and changes names only.
    settings.STORAGES["staticfiles"]["BACKEND"] = (
        "django.contrib.staticfiles.storage.StaticFilesStorage"
    )
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    json.dump(answers(), sys.stdout)


def answers() -> dict[str, Any]:
    """Return what is answered to whom."""
    return {
        "page": ask("/sign-in/"),
        "file": ask("/static/css/site.css"),
        "api": ask("/api/v1/instances"),
        "live": ask("/livez"),
        "missing": ask("/static/nothing.css"),
        "plain": ask("/sign-in/", X_Forwarded_Proto="http"),
        "plain api": ask("/api/v1/instances", X_Forwarded_Proto="http"),
        "start": ask("/"),
        "forged hosts": {host: forged(host) for host in FORGED_HOSTS},
        "forged headers": {
            name: [ask("/sign-in/", **{name: value}), ask("/", **{name: value})]
            for name, value in FORGED_HEADERS.items()
        },
        "device": settings.SIGN_IN["DEVICE_COOKIE"],
    }


def forged(host: str) -> list[dict[str, Any]]:
    """Return what pages and redirects answer to a host that is not ours, over https and http."""
    paths = ("/sign-in/", "/", "/api/v1/instances", "/static/css/site.css")
    return [
        ask(path, Host=host, X_Forwarded_Proto=scheme)
        for path in paths
        for scheme in ("https", "http")
        # A file is the same whatever the host; it names none.
        if (path, scheme) != ("/static/css/site.css", "https")
    ]


def ask(path: str, **headers: str) -> dict[str, Any]:
    """Return status, headers, cookies and where the other host is named."""
    sent = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    answer = Client(raise_request_exception=False).get(path, headers=sent)
    text = b"".join(answer) if answer.streaming else answer.content
    return {
        "status": answer.status_code,
        "headers": dict(answer.headers),
        "cookies": {name: morsel.OutputString() for name, morsel in answer.cookies.items()},
        "names evil": b"evil" in text or "evil" in str(answer.headers),
    }


if __name__ == "__main__":
    main()
