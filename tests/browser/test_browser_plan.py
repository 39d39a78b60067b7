"""The page of a plan in a real browser: what a person sees of it, and what happens when they use it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_plans import large_plan
from browser_scripts import BOXES, CONTRAST, CROSSINGS, REQUESTS, overlapping

from mlops_stacks.plan import Finding, Plan, PlannedResource, ScopePlan, Severity
from mlops_stacks.reports.html import render_html

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

pytestmark = [pytest.mark.slow]

Show = Callable[[str], "Chrome"]
ROOT = Path(__file__).parents[2]
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


@cache
def large() -> str:
    return render_html(large_plan())


@cache
def shipped(name: str) -> str:
    from mlops_stacks.operations.opening import open_project
    from mlops_stacks.operations.planning import plan

    return render_html(plan(open_project(ROOT / "blueprints" / f"{name}.yaml", ROOT, releases=False)))


def all_of(browser: Chrome, selector: str) -> list[WebElement]:
    return browser.find_elements("css selector", selector)


def one(browser: Chrome, selector: str) -> WebElement:
    return browser.find_element("css selector", selector)


def card(browser: Chrome, name: str, scope: str = "dev") -> WebElement:
    """The card of a resource, which the page's data knows by name and scope."""
    nodes = json.loads(one(browser, "#data").get_property("textContent"))["nodes"]
    (number,) = [index for index, node in enumerate(nodes) if (node["name"], node["scope"]) == (name, scope)]
    return one(browser, f"#r-{number}")


def press(browser: Chrome, *keys: str) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(browser).send_keys(*keys).perform()


def hover(browser: Chrome, element: WebElement) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(browser).move_to_element(element).perform()


def names(browser: Chrome) -> list[str]:
    titles = browser.execute_script("return [...document.querySelectorAll('.node')].map((node) => node.title)")
    return [title.splitlines()[0] for title in titles]


@pytest.mark.parametrize("name", ["aws", "local"])
def test_a_shipped_plan_loads_nothing_and_overlaps_nowhere(show: Show, name: str) -> None:
    browser = show(shipped(name))
    assert overlapping(browser.execute_script(BOXES)) == []
    one(browser, "#expand").click()
    assert overlapping(browser.execute_script(BOXES)) == []
    assert browser.execute_script(CROSSINGS)["crossed"] == 0
    assert browser.execute_script(REQUESTS) == []


def test_300_resources_are_there_within_two_seconds_and_stay_apart(show: Show) -> None:
    browser = show(large())
    loaded = "return performance.timing.loadEventEnd - performance.timing.navigationStart"
    expanded = (
        "const began = performance.now(); document.getElementById('expand').click();"
        "document.body.offsetHeight; return performance.now() - began"
    )
    assert browser.execute_script(loaded) + browser.execute_script(expanded) < 2000
    assert len(all_of(browser, ".node.resource")) == 300
    assert overlapping(browser.execute_script(BOXES)) == []
    crossings = browser.execute_script(CROSSINGS)
    assert crossings["crossed"] == 0
    assert crossings["points"] > 10_000


def test_cards_and_lines_that_were_in_each_others_way_would_be_found(show: Show) -> None:
    browser = show(shipped("aws"))
    second = "arguments[0].style.left = arguments[1].style.left; arguments[0].style.top = arguments[1].style.top"
    browser.execute_script(second, *all_of(browser, ".node")[:2])
    assert len(overlapping(browser.execute_script(BOXES))) == 1
    browser.execute_script("document.querySelector('.edge').setAttribute('d', 'M0 0L900 900')")
    assert browser.execute_script(CROSSINGS)["crossed"] > 0


def test_lanes_are_in_display_order_in_each_scope(show: Show) -> None:
    from mlops_stacks.blueprint.vocabulary import Stage

    browser = show(large())
    lanes = [(lane.get_attribute("data-scope"), lane.get_attribute("data-stage")) for lane in all_of(browser, ".lane")]
    tops = [lane.rect["y"] for lane in all_of(browser, ".lane")]
    assert tops == sorted(tops)
    for scope in ("dev", "staging", "prod"):
        assert [stage for each, stage in lanes if each == scope] == list(Stage)


def test_a_click_opens_a_component_and_another_closes_it(show: Show) -> None:
    browser = show(large())
    closed = len(all_of(browser, ".node"))
    lines = len(all_of(browser, ".edge"))
    card(browser, "serving").click()
    assert card(browser, "serving").get_attribute("aria-expanded") == "true"
    assert len(all_of(browser, ".node")) == closed + 9
    assert len(all_of(browser, ".edge")) > lines
    assert one(browser, "#side h2").text == "serving"
    card(browser, "serving").click()
    assert card(browser, "serving").get_attribute("aria-expanded") == "false"
    assert len(all_of(browser, ".node")) == closed


def test_it_can_be_used_with_the_keyboard_alone(show: Show) -> None:
    from selenium.webdriver.common.keys import Keys

    browser = show(large())
    first = card(browser, "foundation", "shared")
    assert [each.id for each in all_of(browser, '.node[tabindex="0"]')] == [first.id]
    first.send_keys(Keys.ARROW_RIGHT)
    assert card(browser, "foundation", "shared").get_attribute("aria-expanded") == "true"
    press(browser, Keys.ARROW_DOWN, Keys.ENTER)
    assert browser.switch_to.active_element.get_attribute("title").startswith("foundation-key")
    assert one(browser, "#side h2").text == "foundation-key"
    press(browser, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert card(browser, "foundation", "shared").get_attribute("aria-expanded") == "false"
    press(browser, "/", "alarm")
    assert one(browser, "#count").text == "30 of 300 resources"
    press(browser, Keys.ESCAPE)
    assert one(browser, "#count").text == "300 resources"


def test_search_and_filters_leave_what_matches_and_what_it_is_in(show: Show) -> None:
    from selenium.webdriver.support.ui import Select

    browser = show(large())
    one(browser, "#search").send_keys("bucket-encryption")
    assert one(browser, "#count").text == "34 of 300 resources"
    assert all(name.endswith("bucket-encryption") or "-bucket" not in name for name in names(browser))
    Select(one(browser, "#filter-scope")).select_by_visible_text("prod")
    Select(one(browser, "#filter-stage")).select_by_value("serving")
    assert names(browser) == ["serving", "serving-bucket-encryption"]
    one(browser, "#search").send_keys(" there-is-no-such-thing")
    assert "Nothing matches" in one(browser, ".canvas").text
    one(browser, "#search").clear()
    one(browser, "#search").send_keys(" ")
    Select(one(browser, "#filter-scope")).select_by_value("")
    Select(one(browser, "#filter-stage")).select_by_value("")
    Select(one(browser, "#filter-finding")).select_by_value("error")
    assert one(browser, "#count").text == "3 of 300 resources"
    Select(one(browser, "#filter-finding")).select_by_value("")
    Select(one(browser, "#filter-type")).select_by_visible_text("aws.s3.Alarm")
    assert one(browser, "#count").text == "30 of 300 resources"


def test_a_scope_can_be_closed(show: Show) -> None:
    browser = show(large())
    one(browser, '.band button[data-scope="prod"]').click()
    assert {lane.get_attribute("data-scope") for lane in all_of(browser, ".lane")} == {"shared", "dev", "staging"}


def test_hovering_shows_what_is_needed_and_what_needs_it(show: Show) -> None:
    browser = show(large())
    card(browser, "serving").click()
    hover(browser, card(browser, "serving-bucket-policy"))
    assert "up" in card(browser, "serving-key").get_attribute("class").split()
    assert "on" not in card(browser, "foundation", "prod").get_attribute("class").split()
    assert all_of(browser, ".edge.up.direct")
    hover(browser, one(browser, "h1"))


def test_a_finding_leads_to_its_resource_and_can_be_filtered(show: Show) -> None:
    browser = show(large())
    one(browser, '.chips [data-severity="error"]').click()
    shown = [each for each in all_of(browser, ".finding") if each.is_displayed()]
    assert len(shown) == 3
    link = shown[0].find_element("css selector", "a")
    name = link.text
    link.click()
    selected = one(browser, '.node[aria-selected="true"]')
    assert selected.get_attribute("title").splitlines()[0] == name == one(browser, "#side h2").text
    assert 0 <= selected.rect["y"] - browser.execute_script("return scrollY") < 1100
    assert "allows more than one action" in one(browser, "#side").text


def test_the_panel_masks_secrets_opens_documents_and_follows_references(show: Show) -> None:
    browser = show(large())
    card(browser, "serving").click()
    card(browser, "serving-bucket-policy").click()
    panel = one(browser, "#side")
    assert "password secret" in panel.text
    assert "policy document" in panel.text
    assert "mlops_components/things.py:12" in panel.text
    all_of(browser, "#side .token")[0].click()
    assert one(browser, "#side h2").text == "serving-key"


def test_an_address_leads_to_a_resource(show: Show) -> None:
    browser = show(large())
    browser.execute_script("location.hash = '#r-40'")
    nodes = json.loads(one(browser, "#data").get_property("textContent"))["nodes"]
    assert one(browser, '.node[aria-selected="true"]').get_attribute("id") == "r-40"
    assert one(browser, "#side h2").text == nodes[40]["name"]


def test_differences_of_names_alone_are_shown_on_demand(show: Show) -> None:
    browser = show(large())
    shown = (
        "return [...document.querySelectorAll('.differences td.path')]"
        ".filter((cell) => cell.checkVisibility()).map((cell) => cell.textContent)"
    )
    assert set(browser.execute_script(shown)) == {"days", "option protect"}
    one(browser, "#expected").click()
    assert set(browser.execute_script(shown)) == {"days", "name", "option protect"}


def test_nothing_in_a_plan_runs(show: Show) -> None:
    urn = f"urn:pulumi:x::mlops-stacks::t::{EVIL}"
    inputs = {EVIL: EVIL, "document": json.dumps({EVIL: EVIL})}
    thing = PlannedResource(urn, EVIL, EVIL, None, EVIL, EVIL, EVIL, inputs, options={EVIL: EVIL}, source=EVIL)
    plan = Plan(EVIL, EVIL, None, (ScopePlan(EVIL, EVIL, (thing,), {EVIL: EVIL}),))
    browser = show(render_html(plan.with_findings([Finding(EVIL, Severity.ERROR, urn, EVIL, EVIL)])))
    one(browser, ".finding a").click()
    assert one(browser, "#side h2").text == EVIL
    assert one(browser, "h1").text == EVIL
    assert all_of(browser, "img") == []
    assert len(all_of(browser, "script")) == 2


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_has_enough_contrast(show: Show, resized: Callable[..., None], theme: str) -> None:
    resized(1500, 1100, theme)
    browser = show(large())
    card(browser, "serving").click()
    card(browser, "serving-bucket-policy").click()
    hover(browser, one(browser, "h1"))
    time.sleep(0.3)
    assert browser.execute_script(CONTRAST) == []


def test_the_theme_can_be_chosen(show: Show) -> None:
    browser = show(shipped("local"))
    before = one(browser, "body").value_of_css_property("background-color")
    one(browser, "#theme").click()
    assert one(browser, "body").value_of_css_property("background-color") != before


@pytest.mark.parametrize("width", [500, 900])
def test_a_narrow_window_hides_nothing(show: Show, resized: Callable[..., None], width: int) -> None:
    resized(width, 900)
    browser = show(shipped("aws"))
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    card(browser, "foundation").click()
    assert one(browser, "#side").is_displayed()
    one(browser, "#side .close").click()
    assert not one(browser, "#side").is_displayed()
    assert overlapping(browser.execute_script(BOXES)) == []


def test_every_control_has_a_name_and_every_card_a_role(show: Show) -> None:
    browser = show(large())
    named = (
        "return [...document.querySelectorAll('button, input, select, a')].filter("
        "(e) => !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length)).length"
    )
    assert browser.execute_script(named) == 0
    assert {each.aria_role for each in all_of(browser, ".node")[:5]} == {"treeitem"}
    assert one(browser, ".canvas").aria_role == "tree"


def test_it_prints(show: Show) -> None:
    import base64

    browser = show(shipped("aws"))
    printed = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"])
    assert printed.startswith(b"%PDF")
    assert len(printed) > 20_000
