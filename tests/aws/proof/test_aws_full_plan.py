"""Every blueprint for AWS, planned whole: nothing to object to, and each request and policy such as AWS takes it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from full_plans import ENGINES, NAMES, filled_plan, first_plan, plan_by
from linter import as_managed_policy, complaints, needs_linter
from planned_requests import CALLS, complaints_of

from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.permissions.deployer import deployer_policies
from mlops_stacks.plan import Plan, PlannedResource

pytestmark = pytest.mark.no_cover  # plans of everything, whose lines others cover

PLANS: Mapping[str, Callable[[], Plan]] = {
    **{f"{name}-first": (lambda name=name: first_plan(name)) for name in NAMES},  # type: ignore[misc]
    **{f"{name}-filled": (lambda name=name: filled_plan(name)) for name in NAMES},  # type: ignore[misc]
}
each_plan = pytest.mark.parametrize("case", PLANS)


@each_plan
def test_nothing_to_object_to(case: str) -> None:
    assert [str(finding) for finding in PLANS[case]().errors] == []


def test_the_whole_blueprint_has_every_stage_in_three_environments() -> None:
    planned = filled_plan("aws")
    assert [scope.scope for scope in planned.scopes] == ["shared", "dev", "staging", "prod"]
    assert {resource.stage for resource in planned.resources if resource.stage} == {stage.value for stage in Stage}


@each_plan
def test_requests_are_such_as_aws_takes_them(case: str) -> None:
    """Types, names, lengths, patterns and choices, from botocore's models of the services."""
    resources = [resource for resource in PLANS[case]().resources if resource.type in CALLS]
    assert resources
    assert [sentence for resource in resources for sentence in complaints_of(resource)] == []


@each_plan
def test_every_sagemaker_resource_is_held_against_its_request(case: str) -> None:
    types = {resource.type for resource in PLANS[case]().resources if ":sagemaker" in resource.type}
    assert types - set(CALLS) == set()


def test_what_a_service_refuses_would_be_noticed() -> None:
    group = next(r for r in first_plan("aws").resources if r.type.endswith(":ModelPackageGroup"))
    broken = PlannedResource(**{**vars(group), "inputs": {"modelPackageGroupName": "under_score", "surprise": 1}})
    assert len(complaints_of(broken)) == 2


@needs_linter
@pytest.mark.parametrize("name", NAMES)
def test_the_deployer_of_a_blueprint_is_allowed_what_there_is(name: str, tmp_path: Path) -> None:
    policies = deployer_policies(filled_plan(name))
    documents = {
        f"{policy.scope}{policy.account}Part{number}".replace("-", ""): as_managed_policy(document)
        for policy in policies
        for number, document in enumerate(policy.documents)
    }
    assert {policy.scope for policy in policies} == {scope.scope for scope in filled_plan(name).scopes}
    assert complaints(documents, tmp_path) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_the_deployer_of_every_engine_is_allowed_what_there_is(engine: str) -> None:
    assert deployer_policies(plan_by(engine))


@pytest.mark.parametrize("engine", ENGINES)
def test_no_two_roles_have_one_name(engine: str) -> None:
    """In one scope, and so in one account; IAM refuses the second."""
    roles = Counter((r.scope, r.inputs["name"]) for r in plan_by(engine).resources if r.type == "aws:iam/role:Role")
    assert [name for name, count in roles.items() if count > 1] == []


@each_plan
def test_nothing_is_planned_twice(case: str) -> None:
    urns = Counter(resource.urn for resource in PLANS[case]().resources)
    assert [urn for urn, count in urns.items() if count > 1] == []


@each_plan
def test_every_document_that_claims_to_be_json_is(case: str) -> None:
    found = 0
    for resource in PLANS[case]().resources:
        for text in _texts(resource.inputs) if resource.custom else ():
            if re.match(r"\s*[\[{]\s*\"", text):
                json.loads(text)
                found += 1
    assert found > 5


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
