"""A real browser, without a window and without a network; where there is none, these tests are skipped."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-prefers-reduced-motion",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
SIZE = (1500, 1100)


@pytest.fixture(scope="session")
def started_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """One browser for all tests."""
    driver = shutil.which("chromedriver")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not driver or not program:
        pytest.skip("no chromium with chromedriver on PATH (Debian: `apt-get install chromium chromium-driver`)")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}", f"--window-size={SIZE[0]},{SIZE[1]}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    browser.set_page_load_timeout(60)
    yield browser
    browser.quit()


@pytest.fixture
def browser(started_browser: Chrome) -> Iterator[Chrome]:
    """The browser at its usual size, light, and with nothing complained about in the end."""
    resize(started_browser, *SIZE)
    started_browser.get_log("browser")
    yield started_browser
    complaints = started_browser.get_log("browser")
    started_browser.get("about:blank")
    assert complaints == []


@pytest.fixture
def show(browser: Chrome, tmp_path: Path) -> Callable[[str], Chrome]:
    """Opens a page from a file."""

    def opened(text: str) -> Chrome:
        file = tmp_path / "page.html"
        file.write_text(text, encoding="utf-8")
        browser.get(file.as_uri())
        return browser

    return opened


def resize(browser: Chrome, width: int, height: int, *, theme: str = "light") -> None:
    """Make the viewport exactly so large."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    preference = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", preference)


@pytest.fixture
def resized(browser: Chrome) -> Callable[..., None]:
    """Changes the viewport and the system's theme: `resized(width, height, theme="dark")`."""
    return lambda width, height, theme="light": resize(browser, width, height, theme=theme)
