"""A whole session in a real browser, whose profile is searched afterwards."""

import base64
import hashlib
import os
import shutil
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from tests.leaks.journey import Journey

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


def browse(journey: Journey, address: str, certificate: Path, profile: Path) -> None:
    """Sign in, search, send forms, reveal and copy the token, sign out, close the browser."""
    with sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            profile,
            executable_path=next(filter(None, map(shutil.which, BROWSERS))),
            args=[*QUIET, f"--ignore-certificate-errors-spki-list={fingerprint(certificate)}"],
            env={"PATH": os.environ["PATH"], "HOME": str(profile.parent / "home")},
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(30_000)
        page = context.new_page()
        sign_in(journey, page, address)
        send_forms(journey, page, address)
        reveal(journey, page, address)
        page.get_by_role("button", name="Sign out").first.click()
        expect(page.get_by_role("heading", name="Sign in to Elementdesk")).to_be_visible()
        note_cookies(journey, context)
        context.close()


def fingerprint(certificate: Path) -> str:
    """Return by what Chromium knows the one certificate that it shall trust, and then cache by."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(encoded).digest()).decode()


def sign_in(journey: Journey, page: Page, address: str) -> None:
    page.goto(f"{address}/sign-in/")
    for password in (journey.planted.secret("wrong password in the browser"), journey.olivias):
        page.get_by_label("Username").fill("olivia")
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_load_state()
    page.get_by_label("Code").fill(journey.record.papers["olivia"].pop())
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    note_cookies(journey, page.context)
    page.goto(f"{address}/instances/?q={journey.planted.control}")


def send_forms(journey: Journey, page: Page, address: str) -> None:
    """One form that is refused, and is left again, and one that is accepted."""
    page.goto(f"{address}/instances/new/")
    typed = page.get_by_role("textbox", name="Password")
    typed.fill(journey.planted.secret("refused password in the browser"))
    page.get_by_role("button", name="Create instance").click()
    expect(page.get_by_text("Name (name) is missing.").first).to_be_visible()
    page.goto(f"{address}/instances/new/")
    page.locator("#id_name").fill("Browsed")
    page.get_by_role("textbox", name="User name").fill(journey.account.sandbox.username)
    typed.fill(journey.account.sandbox.password)
    page.get_by_role("button", name="Create instance").click()
    expect(page.locator(".page-head .status-active")).to_be_visible(timeout=60_000)


def reveal(journey: Journey, page: Page, address: str) -> None:
    """Show who it is once more, then the token, hide it, show it again and leave, go back, copy it."""
    where = f"/instances/{journey.instances[0]}/token/"
    page.goto(f"{address}/sign-in/confirm/?next={where}")
    page.get_by_label("Password").fill(journey.olivias)
    page.get_by_role("button", name="Confirm", exact=True).click()
    page.wait_for_url(f"{address}{where}")
    output = page.locator("[data-secret-output]")
    page.get_by_role("button", name="Reveal").click()
    expect(output).to_have_text(journey.token)
    page.get_by_role("button", name="Hide").click()
    page.get_by_role("button", name="Reveal").click()
    expect(output).to_have_text(journey.token)
    page.goto(f"{address}/instances/")
    page.go_back()
    page.get_by_role("button", name="Copy", exact=True).first.click()
    expect(page.locator("[data-secret-note]")).to_contain_text("Copied")


def note_cookies(journey: Journey, context: BrowserContext) -> None:
    """Take note of the cookies, which are secrets of their own."""
    for cookie in context.cookies():
        journey.planted.note("cookie of the browser", cookie["value"])
