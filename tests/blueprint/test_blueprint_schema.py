"""The JSON Schema: committed as generated, never stricter than the loader, and strict enough to be of use."""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema
import pytest
from blueprint_cases import ERRORS, HAPPY, fixed_components, problems
from hypothesis import given, settings
from hypothesis import strategies as st
from random_documents import documents, mutated, places, shared_fixture

from mlops_stacks.blueprint import assemble, schema
from mlops_stacks.blueprint.loading import load, read_text
from mlops_stacks.blueprint.problems import BlueprintError
from mlops_stacks.blueprint.yaml_tree import YamlError, read

__all__ = ["fixed_components"]
pytestmark = pytest.mark.usefixtures("fixed_components")
VALIDATOR = jsonschema.Draft202012Validator(json.loads(schema.FILE.read_text()))

BEYOND_A_SCHEMA = {
    # What the values themselves do not show,
    "duplicate_key",
    "duplicate_key_deep",
    "leading_zero",
    "account_with_leading_zero",
    "merge_key",
    "python_tag",
    "number_as_key",
    "not_a_number",
    "mapping_as_key",
    "fraction",
    "unknown_anchor",
    # and what only rules between fields know.
    "stage_needs_another",
    "no_workload",
    "rollout_that_the_engine_cannot_do",
    "secret_manager_on_a_laptop",
    "cron",
    "field_that_nothing_reads",
    "port_twice",
    "stage_on_a_cloud_without_target",
    "engine_without_component",
    # What only the rules of AWS know.
    "access",
    "adopted_network",
    "approval_of_nothing",
    "bucket_names",
    "bucket_twice",
    "budget_in_govcloud",
    "budget_of_which_nobody_hears",
    "cidr_of_no_use",
    "cidrs_overlap",
    "connection_with_host",
    "connection_without_host",
    "copies_on_fargate",
    "days_of_month_and_week",
    "delivery_of_two_branches",
    "delivery_of_two_repositories",
    "delivery_without_deployer",
    "delivery_without_repository",
    "feature_columns",
    "feature_throughput_in_memory",
    "instance_types",
    "job_machines",
    "key_of_another_region",
    "key_that_is_none",
    "machine_for_training_alone",
    "monitoring_limits",
    "monitoring_of_a_service",
    "monitoring_region",
    "monitoring_schedule",
    "monitoring_without_capture",
    "monitors_without_cloud_control",
    "news_of_no_budget",
    "public_addresses",
    "region_unknown",
    "registry_in_another_region",
    "repository_of_github",
    "retired_machines",
    "role_of_another_account",
    "rolling_that_nothing_reads",
    "rollout_on_lambda",
    "rollouts",
    "smoke_parameters_without_smoke",
    "studio_for_nobody",
    "studio_machines",
    "studio_people_and_disk",
    "studio_without_network",
    "two_dockerfiles",
    "zones",
}


def test_the_committed_schema_is_the_generated_one() -> None:
    command = "mlops-stacks schema > src/mlops_stacks/blueprint/blueprint.schema.json"
    assert schema.FILE.read_text() == schema.schema_text(), f"the models have changed: run `{command}`"


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(VALIDATOR.schema)


@pytest.mark.parametrize("path", HAPPY, ids=lambda path: path.name)
def test_it_accepts_every_happy_file(path: Any) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(load(path).document)] == []


@pytest.mark.parametrize("path", ERRORS, ids=lambda path: path.name)
def test_it_refuses_what_a_schema_can_refuse(path: Any) -> None:
    try:
        tree, _ = read(read_text(path))
    except YamlError:
        return
    reason = path.name.split(".")[2]
    refused = tree is None or not VALIDATOR.is_valid(tree.plain())
    assert refused or reason in BEYOND_A_SCHEMA


@settings(shared_fixture, max_examples=150)
@given(st.data())
def test_it_accepts_whatever_the_loader_accepts(data: st.DataObject) -> None:
    document = data.draw(mutated())
    if not problems(json.dumps(document)):
        assert [error.message for error in VALIDATOR.iter_errors(document)] == []


def test_it_refuses_most_of_what_the_loader_refuses_for_its_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assemble, "broken_rules", lambda *_: [])
    chance = random.Random(20130317)
    broken = found = 0
    for _ in range(1500):
        document = json.loads(json.dumps(chance.choice(documents_once())))
        container, key = chance.choice(places(document))
        if isinstance(container, dict) and chance.random() < 0.4:
            container[f"{key}x"] = container.pop(key)
        else:
            container[key] = chance.choice([3, -1, "text", True, 1.5, [], {}, {"mode": "x"}, [1]])
        if problems(json.dumps(document)):
            broken += 1
            found += not VALIDATOR.is_valid(document)
    assert broken > 500
    assert found / broken > 0.95


_DOCUMENTS: list[dict[str, Any]] = []


def documents_once() -> list[dict[str, Any]]:
    """The happy documents, read once."""
    if not _DOCUMENTS:
        _DOCUMENTS.extend(documents())
    return _DOCUMENTS


def test_fields_are_described_by_their_docstrings() -> None:
    definitions = VALIDATOR.schema["$defs"]
    target = definitions["AwsTarget"]
    assert target["properties"]["account"]["description"].startswith("Twelve digits, in quotes")
    assert definitions["Schedule"]["properties"]["timezone"]["description"] == "IANA name; default `UTC`."
    assert definitions["AwsFoundation"]["properties"]["lifecycle"]["description"]


def test_an_editor_is_told_of_stages_and_engines() -> None:
    choices = VALIDATOR.schema["$defs"]["Stages"]["anyOf"]
    assert "serving" in choices[0]["items"]["enum"]
    generic = choices[1]["properties"]["serving"]["anyOf"][-2]
    assert {"local", "sagemaker", "kserve"} <= set(generic["properties"]["engine"]["enum"])


def test_an_overlay_may_be_partial_and_the_base_may_not() -> None:
    document = load(HAPPY[0]).document | {"workload": {"path": "code"}}
    assert not VALIDATOR.is_valid(document)
    with pytest.raises(BlueprintError):
        assemble_or_raise(document)
    environments = {name: {**(env or {}), "workload": {"path": "x"}} for name, env in document["environments"].items()}
    document = load(HAPPY[0]).document | {"environments": environments}
    assert VALIDATOR.is_valid(document)


def assemble_or_raise(document: dict[str, Any]) -> None:
    """Raises `BlueprintError` where the loader would."""
    _, found = assemble.assemble(document)
    if found:
        raise BlueprintError(found)
