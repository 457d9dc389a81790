"""Opens pages from disk in a real Chromium and tells what they asked for and complained about."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, sync_playwright

__all__ = ["Opened", "chromium", "drawn", "open_page"]

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Opened(NamedTuple):
    """A page with what it asked for (addresses, its own first) and what it complained about."""

    page: Page
    requests: list[str]
    errors: list[str]


def chromium() -> str:
    """Path of an installed Chromium; without one the test is skipped, or fails where CI is set."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None and os.environ.get("CI"):
        pytest.fail(f"none of {', '.join(_NAMES)} is installed, and CI must look at the pages")
    return found or pytest.skip(f"none of {', '.join(_NAMES)} is installed: pages are not looked at")


@contextmanager
def open_page(path: Path, **options: object) -> Iterator[Opened]:
    """`path` opened in a fresh Chromium, figures drawn; `options` as for a browser context (viewport, color_scheme)."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=_FLAGS)
        page = browser.new_context(**options).new_page()
        opened = Opened(page, [], [])
        page.on("request", lambda request: opened.requests.append(request.url))
        page.on("console", lambda message: message.type in ("error", "warning") and opened.errors.append(message.text))
        page.on("pageerror", lambda error: opened.errors.append(str(error)))
        page.on("dialog", lambda dialog: (opened.errors.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.goto(path.resolve().as_uri())
        page.wait_for_selector("html[data-figures-drawn]", state="attached")
        yield opened
        browser.close()


def drawn(page: Page) -> int:
    """How many figures the page says it has drawn."""
    return int(page.evaluate("document.documentElement.dataset.figuresDrawn"))
