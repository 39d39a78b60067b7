"""Dynamic resources in a plan: the local platform is made of them."""

from pathlib import Path
from typing import Any

import pulumi
from pulumi import dynamic

from mlops_stacks.executors.in_process import StackIdentity
from mlops_stacks.executors.planner import plan_scope


class _Provider(dynamic.ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult("id", props)


class Folder(dynamic.Resource, module="local", name="Folder"):
    path: pulumi.Output[str]
    uri: pulumi.Output[str]
    port: pulumi.Output[int]
    labels: pulumi.Output[dict[str, str]]

    def __init__(self, name: str, path: str) -> None:
        labels = {"a": "b"}
        super().__init__(_Provider(), name, {"path": path, "labels": labels, "uri": None, "port": None})


def test_declared_outputs_become_tokens_and_the_pickled_provider_is_left_out() -> None:
    def program() -> None:
        folder = Folder("folder", "home")
        for key in ("path", "uri", "port", "labels"):
            pulumi.export(key, getattr(folder, key))

    identity = StackIdentity("mlops-stacks", "fares-dev", Path(__file__).parent)
    plan = plan_scope(program, identity, scope="dev", platform="local", earlier=None)
    _, folder = plan.resources
    assert folder.type == "pulumi-python:dynamic/local:Folder"
    assert folder.inputs == {"labels": {"a": "b"}, "path": "home"}
    assert folder.input_type is None
    assert plan.outputs == {
        "labels": {"a": "b"},
        "path": "home",
        "port": "[unknown]",
        "uri": f"${{{folder.urn}#uri}}",
    }
