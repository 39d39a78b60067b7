"""The plugin: its committed schema is what its components say, and arguments in camel case arrive as they should."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pulumi
import pytest
from pulumi.provider.experimental.component import ComponentProvider

pytest_plugins = ["aws_plans"]

MAIN = Path(__file__).parents[2] / "components" / "__main__.py"


@pytest.fixture(scope="module")
def plugin() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mlops_stacks_plugin", MAIN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_schema_is_up_to_date(plugin: ModuleType) -> None:
    committed = plugin.SCHEMA.read_text(encoding="utf-8")
    assert committed == plugin.schema_text(), "run `python components/__main__.py --schema` and commit the result"


def test_every_component_input_and_output_is_described(plugin: ModuleType) -> None:
    schema = plugin.schema()
    assert set(schema["resources"]) == {f"mlops-stacks:index:{component.__name__}" for component in plugin.COMPONENTS}
    for kind in (*schema["resources"].values(), *schema["types"].values()):
        assert kind["description"]
        for properties in (kind.get("inputProperties", {}), kind.get("properties", {})):
            for name, described in properties.items():
                assert described.get("description"), name


def test_every_component_has_its_token_stage_and_platform(plugin: ModuleType) -> None:
    for component in plugin.COMPONENTS:
        source = Path(importlib.util.find_spec(component.__module__).origin).read_text()  # type: ignore[union-attr, arg-type]
        assert f'"mlops-stacks:index:{component.__name__}"' in source
        assert component.platform == "aws"
        assert hasattr(component, "stage") or "self.stage = " in source


def test_arguments_from_another_language_reach_the_component(plugin: ModuleType, plan_aws: Callable[..., Any]) -> None:
    inputs: dict[str, Any] = {
        "placement": {
            "blueprint": "shop",
            "scope": "dev",
            "accountId": "111122223333",
            "region": "eu-central-1",
            "tags": {"cost-centre": "42"},
        },
        "data": {"choice": "adopt", "name": "lake"},
        "logs": {"choice": "skip"},
        "trail": {"choice": "skip"},
        "oldVersionsDays": 5,
        "lifecycle": "protect",
    }
    provider = ComponentProvider(plugin.COMPONENTS, plugin.NAME)

    def build(options: pulumi.ResourceOptions) -> dict[str, Any]:
        made = provider.construct("foundation", "mlops-stacks:index:AwsFoundation", inputs, options)
        return {"dataRoot": made.state["dataRoot"]}

    plan = plan_aws(build)
    assert plan.outputs["dataRoot"] == "s3://lake"
    bucket = plan.resource("foundation-artifacts")
    assert bucket.inputs["tags"]["cost-centre"] == "42"
    assert bucket.options["protect"] is True


def test_the_plugin_needs_what_its_components_import(plugin: ModuleType) -> None:
    lines = MAIN.with_name("requirements.txt").read_text().splitlines()
    assert {line.split(">=")[0] for line in lines} == {
        "jinja2",
        "pulumi",
        "pulumi-aws",
        "pulumi-aws-native",
        "typing-extensions",
    }
    assert json.loads(plugin.SCHEMA.read_text())["name"] == "mlops-stacks"
