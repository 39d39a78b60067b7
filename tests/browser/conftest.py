"""One real browser for the tests of the pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from real_browser import SIZE, started

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


@pytest.fixture(scope="session")
def started_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """One browser for all tests."""
    with started(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


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
