"""The roles of the other engines: what their code was recorded calling, what they are handed over for, and no more."""

from __future__ import annotations

import importlib.util
import io
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import botocore
import pytest
import test_aws_calls_full_plan as whole
from behalf_by_engine import BY_ENGINE
from call_accounts import PlannedAccount, Role
from call_emulation import make
from call_needs import Need, needs_of
from call_policies import Permission, missing, permissions, unused
from call_recorder import Call, forget_clients, recorded
from full_plans import IMAGE, plan_by
from hand_definitions import ANYWHERE
from hand_overs import handed_over

import mlops_components.serving as serving
from mlops_stacks.runtime import lineage
from mlops_stacks.runtime.serving.model_files import local_uri

pytest_plugins = ["aws.features.feature_records"]

ROLES = {
    "lambda": ("serving", "shift", "deploy"),
    "ecs": ("serving", "launch", "traffic"),
    "step_functions": ("training", "pipeline", "start"),
    "github_actions": ("cijobs",),
    "gitlab_ci": ("cijobs",),
}


def role_of(account: PlannedAccount, purpose: str) -> Role:
    (role,) = [one for (scope, of), one in account.roles.items() if of == purpose and scope in ("shared", "dev")]
    return role


def unexplained(account: PlannedAccount, role: Role, needs: list[Need]) -> list[Permission]:
    handed = [one.need for one in handed_over(account, role.scope) if one.role.endswith(f":role/{role.name}")]
    somewhere = {need.action for need in handed if need.resource == ANYWHERE}
    return [one for one in unused(role.policy, [*needs, *handed]) if one.action not in somewhere]


def excess(engine: str, account: PlannedAccount, purpose: str, needs: list[Need]) -> list[str]:
    found = unexplained(account, role_of(account, purpose), needs)
    return [str(one) for one in found if not any(entry.covers(purpose, one) for entry in BY_ENGINE[engine])]


@pytest.fixture(params=[f"{engine} {purpose}" for engine, purposes in ROLES.items() for purpose in purposes])
def case(request: pytest.FixtureRequest) -> tuple[str, str]:
    engine, purpose = request.param.split()
    return engine, purpose


def test_whoever_a_page_speaks_of_may_do_what_it_says(case: tuple[str, str]) -> None:
    engine, purpose = case
    held = {one.action for one in permissions(role_of(PlannedAccount(plan_by(engine)), purpose).policy)}
    entries = [entry for entry in BY_ENGINE[engine] if entry.speaks_of(purpose)]
    assert [action for entry in entries for action in entry.actions if action not in held] == []


@pytest.mark.parametrize(("engine", "purpose"), [("lambda", "deploy"), ("ecs", "launch"), ("ecs", "traffic"),
                                             ("step_functions", "pipeline"), ("step_functions", "start")])  # fmt: skip
def test_a_role_without_code_of_ours_may_do_what_a_page_says(engine: str, purpose: str) -> None:
    assert excess(engine, PlannedAccount(plan_by(engine)), purpose, []) == []


def shift_code() -> ModuleType:
    """The function's code, as Lambda would load it."""
    file = Path(serving.__file__).parent / "templates" / "shift.py"
    spec = importlib.util.spec_from_file_location("shift", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Answer:
    status_code = 200


@pytest.fixture
def answered() -> Iterator[None]:
    """Lambda and CodeDeploy, which the emulator does not have whole."""
    answers: Mapping[str, Any] = {"GetAlias": {"FunctionVersion": "1"}, "CreateDeployment": {"deploymentId": "d-1"}}

    def answer(model: Any, **_: Any) -> tuple[_Answer, Any]:
        return _Answer(), answers[model.name]

    def listen(session: Any) -> None:
        session.register("before-call", answer)

    botocore.register_initializer(listen)
    yield
    botocore.unregister_initializer(listen)
    forget_clients()


def test_the_function_that_shifts_may_start_a_deployment_and_no_more(
    answered: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = PlannedAccount(plan_by("lambda"))
    (function,) = [
        f for f in account.of_type("aws:lambda/function:Function") if str(f.inputs["name"]).endswith("shift")
    ]
    (started,) = account.of_type("aws:lambda/invocation:Invocation")
    for name, value in function.inputs["environment"]["variables"].items():
        monkeypatch.setenv(name, account.plain(value))
    monkeypatch.setenv("AWS_DEFAULT_REGION", whole.REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    with recorded() as calls:
        shift_code().handler({**account.document(started.inputs["input"]), "version": "2"}, None)
    assert [call.operation for call in calls] == ["GetAlias", "CreateDeployment"]
    needs = needs_of(calls, account.place("dev"))
    assert [str(need) for need in missing(role_of(account, "shift").policy, needs)] == []
    assert excess("lambda", account, "shift", needs) == []


MODEL = "s3://flights-dev-artifacts-111111111111/runs/delay/model.tar.gz"


def _registered() -> str:
    """A version with files; returns the ARN of its model package."""
    bucket, _, key = MODEL.removeprefix("s3://").partition("/")
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz"):
        pass
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=content.getvalue())
    made = boto3.client("sagemaker").create_model_package(
        ModelPackageGroupName="flights-shared-delay",
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": MODEL}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )
    return str(made["ModelPackageArn"])


def _serve_what_it_fetches(account: PlannedAccount) -> None:
    """Outside of SageMaker a server looks for its model itself."""
    whole.serve(account)
    local_uri("arn:aws:sagemaker:eu-west-1:123456789012:model-package/flights-shared-delay/1")


def _jobs_of_ci(account: PlannedAccount) -> None:
    whole.scan_an_image(account)
    whole.publish_a_package(account)


CODE: Mapping[tuple[str, str], Callable[[PlannedAccount], None]] = {
    ("lambda", "serving"): _serve_what_it_fetches,
    ("ecs", "serving"): _serve_what_it_fetches,
    ("step_functions", "training"): whole.run_a_pipeline,
    ("github_actions", "cijobs"): _jobs_of_ci,
    ("gitlab_ci", "cijobs"): _jobs_of_ci,
}


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "purpose"), CODE)
def test_code_may_do_what_it_was_recorded_doing_and_no_more(
    engine: str, purpose: str, emulator: str, online_features: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    account = PlannedAccount(plan_by(engine))
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, whole.REGION)
    monkeypatch.setenv(lineage.IMAGE_VARIABLE, IMAGE)
    monkeypatch.setattr(online_features, "_region", whole.REGION)
    forget_clients()
    make(account)
    doings = CODE[engine, purpose]
    if doings is _serve_what_it_fetches:
        assert _registered().endswith("/1")
    same = {_jobs_of_ci: whole.publish_a_package, _serve_what_it_fetches: whole.serve}
    whole.prepared(account, same.get(doings, doings))
    calls: list[Call]
    with recorded() as calls:
        doings(account)
    role = role_of(account, purpose)
    place = account.place(role.scope)
    needs = needs_of([call.in_account(place.account) for call in calls], place)
    assert [str(need) for need in missing(role.policy, needs)] == []
    assert excess(engine, account, purpose, needs) == []
