"""The CrossGuard pack: its rules on plain objects, and the pack itself in an environment of its own."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venvs" / "policies" / "bin" / "python"
BUCKET = "aws:s3/bucket:Bucket"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
WAYS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


class Unknown(Exception):  # noqa: N818 - plays the part of another's class
    """Plays pulumi_policy's UnknownValueError."""


class Props(dict[str, Any]):
    """Properties of which one cannot be known during a preview."""

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if value is Unknown:
            raise Unknown
        return value


@pytest.fixture(scope="module")
def rules() -> ModuleType:
    spec = importlib.util.spec_from_file_location("policy_rules", ROOT / "policies" / "rules.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def resource(kind: str, name: str, props: dict[str, Any], provider: str | None = "aws", **sources: Any) -> Any:
    return SimpleNamespace(
        resource_type=kind,
        props=Props(props),
        urn=f"urn:pulumi:flights-dev::mlops-stacks::{kind}::{name}",
        name=name,
        provider=provider and SimpleNamespace(name=provider, urn=f"urn:pulumi:s::p::pulumi:providers:aws::{provider}"),
        parent=None,
        property_dependencies={key: [source] for key, source in sources.items()},
    )


def violations(rules: ModuleType, rule: str, *resources: Any) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []
    rules.report(rule, resources, Unknown, lambda message, urn: told.append((message, urn)))
    return told


def test_an_open_bucket_is_told_with_the_remedy(rules: ModuleType) -> None:
    bucket = resource(BUCKET, "data", {"bucket": "flights-data"})
    ((message, urn),) = violations(rules, "public-bucket", bucket)
    assert urn == bucket.urn
    assert "To mend it: add one" in message


def test_what_a_preview_cannot_know_is_no_violation(rules: ModuleType) -> None:
    bucket = resource(BUCKET, "data", {"bucket": Unknown})
    block = resource(BLOCK, "block", {"bucket": Unknown, **dict.fromkeys(WAYS, True)}, bucket=bucket)
    assert violations(rules, "public-bucket", bucket, block) == []


def test_a_wildcard_inside_a_policy_is_found(rules: ModuleType) -> None:
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::flights/*"}
    policy = resource("aws:iam/policy:Policy", "all", {"policy": json.dumps({"Statement": [statement]})})
    assert len(violations(rules, "wildcard-action", policy)) == 1
    assert violations(rules, "public-principal", policy) == []


def test_a_default_provider_is_refused(rules: ModuleType) -> None:
    assert violations(rules, "default-provider", resource(BUCKET, "data", {}, "default_7_51_1"))
    assert not violations(rules, "default-provider", resource(BUCKET, "data", {}, "aws"))
    assert not violations(rules, "default-provider", resource("mlops-stacks:index:Foundation", "f", {}, None))


@pytest.mark.skipif(not PYTHON.exists(), reason="the pack's environment is made by `python3 run.py test`")
def test_the_pack_loads_in_its_own_environment(rules: ModuleType) -> None:
    """`PolicyPack` itself blocks until the engine speaks to it, so the module is loaded under another name."""
    code = (
        "import runpy; pack = runpy.run_path('policies/__main__.py', run_name='pack')\n"
        "policies = pack['policies']()\n"
        "from pulumi_policy import StackValidationArgs\n"
        "for policy in policies: policy.validate(StackValidationArgs([]), print)\n"
        "print(*sorted(policy.name for policy in policies))"
    )
    done = subprocess.run([PYTHON, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == sorted(rules.RULES)
