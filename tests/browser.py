"""Open pages from disk in a real Chromium, and record their requests and console errors."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

__all__ = ["FLAGS", "Opened", "chromium", "drawn", "launched", "open_page", "opened_in"]

_NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Opened(NamedTuple):
    """A page with the addresses it requested, its own first, and its errors and warnings."""

    page: Page
    requests: list[str]
    errors: list[str]


def chromium() -> str:
    """Path of an installed Chromium; without one, the test is skipped, or fails if CI is set."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None and os.environ.get("CI"):
        pytest.fail(f"none of {', '.join(_NAMES)} is installed; CI must test the pages")
    return found or pytest.skip(f"none of {', '.join(_NAMES)} is installed; pages are not tested")


@contextmanager
def launched() -> Iterator[Browser]:
    """Chromium for several pages; meanwhile this thread can run no other event loop."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def open_page(path: Path, **options: object) -> Iterator[Opened]:
    """Open `path` in a Chromium of its own, see `opened_in`."""
    with launched() as browser, opened_in(browser, path, **options) as opened:
        yield opened


@contextmanager
def opened_in(browser: Browser, path: Path, **options: object) -> Iterator[Opened]:
    """Open `path` in a fresh context, which shares no storage with others, and wait for its figures.

    `options` are those of a browser context, such as viewport and color_scheme.
    """
    with browser.new_context(**options) as context:
        page = context.new_page()
        opened = Opened(page, [], [])
        page.on("request", lambda request: opened.requests.append(request.url))
        page.on("console", lambda message: message.type in ("error", "warning") and opened.errors.append(message.text))
        page.on("pageerror", lambda error: opened.errors.append(str(error)))
        page.on("dialog", lambda dialog: (opened.errors.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.goto(path.resolve().as_uri())
        page.wait_for_selector("html[data-figures-drawn]", state="attached")
        yield opened


def drawn(page: Page) -> int:
    """Number of figures that the page has drawn."""
    return int(page.evaluate("document.documentElement.dataset.figuresDrawn"))
