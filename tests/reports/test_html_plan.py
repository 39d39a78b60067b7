"""The HTML page of a plan: one file, complete, and nothing that a text in the plan could break out of."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_builder import plan_of, resource, scope_of, urn_of

from mlops_stacks.plan import SECRET, Finding, Plan, Severity
from mlops_stacks.reports.differences import differences
from mlops_stacks.reports.html import render_html

BUCKET = "aws:s3/bucket:Bucket"
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'`${alert(1)}<!--&lt;\u2028"


class Page(HTMLParser):
    """Elements and texts of a page, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        (self.scripts if self._in_script else self.words).append(data)

    @property
    def data(self) -> Any:
        return json.loads(self.scripts[0])

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def environments(dev: dict[str, Any], prod: dict[str, Any], **fields: Any) -> Plan:
    """One bucket, in an account of its own in each of two environments."""
    return plan_of(
        scope_of(resource(BUCKET, "data", dev, **fields)),
        scope_of(resource(BUCKET, "data", prod, scope="prod"), scope="prod", account="222222222222"),
    )


def test_the_page_asks_nobody_and_runs_only_its_own_script() -> None:
    text = render_html(environments({"bucket": "a"}, {"bucket": "b"}))
    page = Page(text)
    policy = next(
        a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert len(page.scripts) == 2
    digest = base64.b64encode(hashlib.sha256(page.scripts[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    loading = [(t, a) for t, a in page.tags if {"src", "srcset", "action", "data", "poster"} & set(a) or t == "link"]
    assert loading == [("link", {"rel": "icon", "href": "data:,"})]
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", text)
    assert not re.search(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval)\b", text)


def test_every_resource_is_there_with_what_it_needs_and_where_it_comes_from() -> None:
    bucket = resource(BUCKET, "data", {"bucket": "fares-data", "password": SECRET}, source="buckets.py:7")
    policy = resource("aws:s3/bucketPolicy:BucketPolicy", "policy", {"bucket": f"${{{bucket.urn}#id}}"})
    finding = Finding("some-rule", Severity.WARNING, policy.urn, "it looks odd", "look again")
    plan = plan_of(scope_of(bucket, policy, outputs={"bucket": {"name": "x"}})).with_findings([finding])
    page = Page(render_html(plan))
    nodes = {node["name"]: node for node in page.data["nodes"]}
    assert set(nodes) == {"target", "data", "policy"}
    assert nodes["policy"]["needs"] == [page.data["nodes"].index(nodes["data"])]
    assert nodes["data"]["inputs"] == {"bucket": "fares-data", "password": "[secret]"}
    assert (nodes["data"]["source"], nodes["data"]["physical"]) == ("buckets.py:7", "fares-data")
    assert nodes["target"]["kind"] == "link"
    assert page.data["findings"][0]["node"] == page.data["nodes"].index(nodes["policy"])
    assert "warning it looks odd policy some-rule look again" in page.text
    assert "bucket.name x" in page.text


@pytest.mark.parametrize(
    "where", ["blueprint", "name", "type", "key", "value", "document", "message", "output", "scope"]
)
def test_no_text_breaks_out(where: str) -> None:
    given_ = {
        key: EVIL if key == where else "plain" for key in ("blueprint", "name", "key", "value", "message", "output")
    }
    inputs = {given_["key"]: given_["value"], "policy": json.dumps({"a": EVIL if where == "document" else "b"})}
    scope = EVIL if where == "scope" else "dev"
    thing = resource(EVIL if where == "type" else BUCKET, given_["name"], inputs, scope=scope)
    plan = plan_of(scope_of(thing, scope=scope, outputs={"o": given_["output"]}))
    plan = replace(plan, blueprint=given_["blueprint"]).with_findings(
        [Finding("rule", Severity.ERROR, thing.urn, given_["message"], "mend it")]
    )
    plain = render_html(
        plan_of(scope_of(resource(BUCKET, "plain"))).with_findings([Finding("r", Severity.ERROR, "", "m", "f")])
    )
    page = Page(render_html(plan))
    assert len(page.scripts) == 2
    assert page.scripts[1] == Page(plain).scripts[1]
    assert not [tag for tag, attributes in page.tags if tag == "img" or any(key.startswith("on") for key in attributes)]
    if where in ("name", "key", "value"):
        assert EVIL in json.dumps(page.data, ensure_ascii=False) or json.dumps(EVIL)[1:-1] in json.dumps(page.data)


TEXT = st.text(max_size=40)


@settings(max_examples=60, deadline=None)
@given(TEXT, st.dictionaries(TEXT, TEXT | st.integers() | st.lists(TEXT), max_size=3), TEXT)
def test_any_text_arrives_as_it_is(name: str, values: dict[str, Any], message: str) -> None:
    thing = resource(BUCKET, name, values)
    plan = plan_of(scope_of(thing)).with_findings([Finding("rule", Severity.INFO, thing.urn, message, "")])
    data = Page(render_html(plan)).data
    assert (data["nodes"][1]["name"], data["nodes"][1]["inputs"]) == (name, values)
    assert data["findings"][0]["message"] == message


def test_the_same_plan_gives_the_same_bytes() -> None:
    plan = environments({"bucket": "a"}, {"bucket": "b"})
    assert render_html(plan) == render_html(plan)


def test_an_empty_plan_says_that_it_is_empty() -> None:
    assert "Nothing was planned, so nothing is exported." in Page(render_html(plan_of())).text


def test_differences_are_those_that_somebody_decided() -> None:
    plan = environments(
        {"bucket": "fares-dev-data-111111111111", "expire": 30, "same": "x", "rules": [{"days": 1}]},
        {"bucket": "fares-prod-data-222222222222", "expire": 400, "same": "x"},
        options={"protect": True},
    )
    data = next(each for each in differences(plan) if each.name == "data")
    assert [(change.path, change.values, change.expected) for change in data.changes] == [
        ("bucket", ("fares-dev-data-111111111111", "fares-prod-data-222222222222"), True),
        ("expire", ("30", "400"), False),
        ("rules[0].days", ("1", None), False),
        ("option protect", ("true", None), False),
    ]
    assert data.urns == (urn_of(BUCKET, "data"), urn_of(BUCKET, "data", "fares-prod"))
    assert not data.expected
    target = next(each for each in differences(plan) if each.name == "target")
    assert target.expected


def test_a_resource_that_an_environment_lacks_is_a_difference() -> None:
    plan = plan_of(scope_of(resource(BUCKET, "data")), scope_of(scope="prod"))
    (found,) = differences(plan)
    assert (found.name, found.urns[1], found.changes, found.expected) == ("data", None, (), False)


def test_equal_environments_and_a_single_one_say_so() -> None:
    same = plan_of(scope_of(), scope_of(scope="prod"))
    assert differences(same) == ()
    assert "dev, prod have the same resources with the same inputs." in Page(render_html(same)).text
    assert "This plan has 1 environment: there is nothing to compare." in Page(render_html(plan_of(scope_of()))).text


def test_an_account_is_no_difference_but_a_longer_number_that_holds_it_is() -> None:
    plan = environments({"value": "1111111111119"}, {"value": "2222222222229"})
    data = next(each for each in differences(plan) if each.name == "data")
    assert [change.expected for change in data.changes] == [False]


@pytest.mark.parametrize("name", ["aws", "local"])
def test_a_shipped_blueprint_has_all_its_resources_on_the_page(name: str) -> None:
    from mlops_stacks.operations.opening import open_project
    from mlops_stacks.operations.planning import plan

    root = Path(__file__).parents[2]
    planned = plan(open_project(root / "blueprints" / f"{name}.yaml", root, releases=False))
    page = Page(render_html(planned))
    assert [node["urn"] for node in page.data["nodes"]] == [r.urn for r in planned.resources if ":Stack::" not in r.urn]


def test_documents_are_compared_value_by_value_and_each_environments_account_is_its_own() -> None:
    def policy(account: str, effect: str) -> dict[str, Any]:
        return {"policy": json.dumps({"Principal": [f"arn:aws:iam::{account}:root"], "Effect": effect})}

    plan = environments(policy("222222222222", "Allow"), policy("111111111111", "Deny"))
    data = next(each for each in differences(plan) if each.name == "data")
    assert [(change.path, change.expected) for change in data.changes] == [
        ("policy.Principal[0]", True),
        ("policy.Effect", False),
    ]
