"""Every role of the whole blueprint: what its code was recorded calling, and what services do with it, and no more.

The code runs here, in the emulator, with the settings that the plan renders; it is told the tiny workload instead of
the example's, because that needs no data of its own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pandas as pd
import pytest
from behalf import ON_BEHALF
from call_accounts import PlannedAccount, Role
from call_emulation import make
from call_endpoints import endpoint_of, endpoints
from call_needs import Need, needs_of
from call_policies import Permission, missing, permissions, unused
from call_recorder import forget_clients, recorded
from full_plans import IMAGE, filled_plan
from hand_definitions import ANYWHERE
from hand_overs import Handed, handed_over

sys.path.insert(0, str(Path(__file__).parents[2] / "runtime"))

from runtime_helpers import step_settings_document

from mlops_components.spec.pipeline import STEPS
from mlops_stacks.runtime import lineage
from mlops_stacks.runtime.delivery.approval import approver
from mlops_stacks.runtime.delivery.commands import BuildError
from mlops_stacks.runtime.delivery.publish import Built, publish, start_delivery
from mlops_stacks.runtime.delivery.scan import scan
from mlops_stacks.runtime.delivery.stores import S3Store
from mlops_stacks.runtime.documents import server_settings
from mlops_stacks.runtime.features.history import typed_rows
from mlops_stacks.runtime.features.stores import ingest, join, online
from mlops_stacks.runtime.registry import open_registry
from mlops_stacks.runtime.step import run_step

pytest_plugins = ["aws.features.feature_records"]

REGION = "eu-west-1"
Doings = Callable[[PlannedAccount], None]


@pytest.fixture(scope="module")
def account() -> PlannedAccount:
    """The whole blueprint, with an image delivered and versions released."""
    return PlannedAccount(filled_plan("aws"))


@pytest.fixture
def emulated(
    account: PlannedAccount, emulator: str, online_features: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> PlannedAccount:
    """The same in the emulator, with what it knows to make."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, REGION)
    monkeypatch.setenv(lineage.IMAGE_VARIABLE, IMAGE)
    monkeypatch.setattr(online_features, "_region", REGION)
    forget_clients()
    make(account)
    return account


def rendered(account: PlannedAccount, beginning: str) -> tuple[str, dict[str, Any]]:
    """URI and content of a settings document that the plan puts on S3 for dev, or for all."""
    for resource in account.of_type("aws:s3/bucketObjectv2:BucketObjectv2"):
        key = str(resource.inputs["key"])
        if resource.scope in ("shared", "dev") and key.startswith(beginning):
            return f"s3://{account.plain(resource.inputs['bucket'])}/{key}", account.document(
                resource.inputs["content"]
            )
    pytest.fail(f"the plan has no object {beginning}…")


def put(uri: str, document: Any) -> None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(document).encode())


def features_of(groups: Mapping[str, Any], value: float = 0.5) -> dict[str, pd.DataFrame]:
    """One row for each feature group."""
    found = {}
    for name, group in groups.items():
        keys = group.get("keys", [group["entity"]])
        row = {**dict.fromkeys(keys, "EWR"), group["event_time"]: pd.Timestamp("2026-01-01", tz="UTC")}
        row |= {feature["name"]: value for feature in group["features"]}
        found[name] = typed_rows(name, group, pd.DataFrame([row]))
    return found


def write_settings(account: PlannedAccount) -> None:
    """What `up` puts on S3 for the steps, for a first run and for one that is compared with the version of the first.

    The tiny workload's; MLflow's requests are not botocore's; and the emulator takes a group's name, not its ARN.
    """
    uri, settings = rendered(account, "settings/delay-")
    tiny = step_settings_document()
    tried = {**settings, "workload": tiny["workload"], "parameters": {}, "acceptance": tiny["acceptance"]}
    tried |= {"tracking_uri": None, "features": [], "feature_store": None}
    tried |= {"registered_model": settings["registered_model"].rsplit("/", 1)[-1]}
    for run, serving in (("first", None), ("second", "1")):
        put(f"{uri.rsplit('/', 1)[0]}/{run}.json", {**tried, "serving_version": serving})


def run_a_pipeline(account: PlannedAccount) -> None:
    """Two runs, one step of which is tried again; and features, which the tiny workload has none of."""
    uri, settings = rendered(account, "settings/delay-")
    bucket = uri.rsplit("/", 2)[0]
    for run, steps in (("first", STEPS), ("second", [*STEPS[:4], *STEPS[3:-1]])):
        for step in steps:
            assert run_step(step, f"{bucket}/settings/{run}.json", f"{bucket}/runs/delay/{run}") == 0, step
    store = settings["feature_store"]
    ingest(store, features_of(store["groups"]))
    ingest(store, features_of(store["groups"], value=0.25))
    asked = pd.DataFrame({"origin": ["EWR"], "dest": ["EWR"], "at": [pd.Timestamp("2026-02-01", tz="UTC")]})
    join(store, settings["features"], asked, "at")


def serve(account: PlannedAccount) -> None:
    """What a server asks AWS for: its settings, and rows of features."""
    uri, settings = rendered(account, "serving/delay/")
    server_settings(uri)
    lookup = online(settings["feature_store"])
    for name, group in settings["feature_store"]["groups"].items():
        keys = dict.fromkeys(group.get("keys", [group["entity"]]), "EWR")
        lookup.row(name, keys, [feature["name"] for feature in group["features"]])
    lookup.close()


def publish_a_package(account: PlannedAccount) -> None:
    """The last build of CI 1, whose delivery the emulator cannot start."""
    uri, _ = rendered(account, "ci/settings")
    wheels = Path("wheels")
    wheels.mkdir(exist_ok=True)
    (wheels / "flight_delay-1.0.0-py3-none-any.whl").write_bytes(b"")
    package = publish(uri, Built(IMAGE, "0" * 40, "main", wheels, Path("reports")))
    (name,) = [str(p.inputs["name"]) for p in account.of_type("aws:codepipeline/pipeline:Pipeline") if "cd1" in p.name]
    with suppress(BuildError):
        start_delivery(name, package)


def scan_an_image(_: PlannedAccount) -> None:
    """The emulator has no such image; that was asked."""
    with suppress(BuildError):
        scan(IMAGE, "high", minutes=0)


def look_ahead(account: PlannedAccount) -> None:
    """What a delivery will bring: packages and versions."""
    _, settings = rendered(account, "ci/settings")
    store = S3Store(settings["packages"])
    for package in store.packages():
        store.package(package.version)
    group = "flights-shared-delay"
    registry = open_registry(None, f"sagemaker://{REGION}")
    registry.versions(group)
    registry.latest_approved(group)


def deliver(account: PlannedAccount) -> None:
    """What the verbs of a delivery ask, apart from `pulumi up`: packages, versions, and who approved."""
    look_ahead(account)
    for pipeline in account.of_type("aws:codepipeline/pipeline:Pipeline"):
        if "cd" in str(pipeline.inputs["name"]).rsplit("-", 1)[-1]:
            with suppress(BuildError):
                approver(str(pipeline.inputs["name"]), "an-execution", "prod")


def deliver_and_record(account: PlannedAccount) -> None:
    """The same, where the environment is the last one: versions are marked as released."""
    deliver(account)
    open_registry(None, f"sagemaker://{REGION}").released("flights-shared-delay", "1")


def approve(_: PlannedAccount) -> None:
    """What an approver's verbs ask."""
    registry = open_registry(None, f"sagemaker://{REGION}")
    registry.versions("flights-shared-delay")
    registry.approve("flights-shared-delay", "1", "anna")
    registry.reject("flights-shared-delay", "1", "it drifted")


DOINGS: Mapping[tuple[str, str], Doings] = {
    ("dev", "training"): run_a_pipeline,
    ("dev", "serving"): serve,
    ("shared", "cipublish"): publish_a_package,
    ("shared", "ciscan"): scan_an_image,
    ("shared", "team_risk"): approve,
    ("shared", "cdplan"): look_ahead,
    ("shared", "cdupdev"): deliver,
    ("shared", "cdupstaging"): deliver,
    ("shared", "cdupprod"): deliver_and_record,
}
"""(Scope, purpose) of a role -> the code of ours that runs with it. The other roles are services' and readers'."""


def prepared(account: PlannedAccount, doings: Doings) -> None:
    """What others have done before, by other roles."""
    if doings is run_a_pipeline:
        write_settings(account)
    if doings is serve:
        _, settings = rendered(account, "serving/delay/")
        ingest(settings["feature_store"], features_of(settings["feature_store"]["groups"]))
    if doings is publish_a_package:
        put(*rendered(account, "ci/settings"))
    if doings in (approve, look_ahead, deliver, deliver_and_record):
        put(*rendered(account, "ci/settings"))
        publish_a_package(account)
        container = {"Image": IMAGE, "ModelDataUrl": "s3://flights-dev-artifacts-111111111111/runs/delay/model.tar.gz"}
        boto3.client("sagemaker").create_model_package(
            ModelPackageGroupName="flights-shared-delay",
            ModelApprovalStatus="Approved",
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )


def excess(role: Role, purpose: str, needs: list[Need]) -> list[str]:
    """Permissions for which there is neither a call, nor a resource that the role is handed over for, nor a page."""
    extra = unexplained(role, needs)
    return [str(one) for one in extra if not any(entry.covers(purpose, one) for entry in ON_BEHALF)]


def unexplained(role: Role, needs: list[Need]) -> list[Permission]:
    """Permissions of a role that none of its needs asks for, nor those of the resources that it is handed over for."""
    handed = [one.need for one in handed_over_in(role.scope) if one.role.endswith(f":role/{role.name}")]
    somewhere = {need.action for need in handed if need.resource == ANYWHERE}
    return [one for one in unused(role.policy, [*needs, *handed]) if one.action not in somewhere]


@cache
def handed_over_in(scope: str) -> list[Handed]:
    """The needs that come of handing over roles in a scope."""
    return handed_over(PlannedAccount(filled_plan("aws")), scope)


@pytest.mark.slow
@pytest.mark.parametrize(("scope", "purpose"), DOINGS)
def test_code_may_do_what_it_was_recorded_doing_and_no_more(scope: str, purpose: str, emulated: PlannedAccount) -> None:
    role, doings = emulated.roles[scope, purpose], DOINGS[scope, purpose]
    prepared(emulated, doings)
    place = emulated.place(scope)
    with recorded() as calls:
        doings(emulated)
    needs = needs_of([call.in_account(place.account) for call in calls], place)
    assert needs
    assert [str(need) for need in missing(role.policy, needs)] == []
    assert excess(role, purpose, needs) == []
    if scope != "shared":  # what is shared has no network
        assert {endpoint_of(call.service, call.operation) for call in calls} <= endpoints(emulated, scope)


def test_a_role_without_code_of_ours_may_do_what_a_page_says(account: PlannedAccount) -> None:
    found = {
        f"{scope} {purpose}": excess(role, purpose, [])
        for (scope, purpose), role in account.roles.items()
        if scope in ("shared", "dev") and (scope, purpose) not in DOINGS
    }
    assert {name: too_much for name, too_much in found.items() if too_much} == {}


def test_whoever_a_page_speaks_of_may_do_what_it_says(account: PlannedAccount) -> None:
    held: dict[str, set[str]] = {}
    for (scope, purpose), role in account.roles.items():
        if scope in ("shared", "dev"):
            held.setdefault(purpose, set()).update(one.action for one in permissions(role.policy))
    lacking = [
        f"{purpose} lacks {action}: {entry.source}"
        for entry in ON_BEHALF
        for purpose, actions in held.items()
        for action in entry.actions
        if entry.speaks_of(purpose) and action not in actions
    ]
    assert lacking == []


def test_no_page_is_cited_for_nothing(account: PlannedAccount) -> None:
    """For what is handed over anyhow, or by nobody held."""
    given = [(purpose, one) for (_, purpose), role in account.roles.items() for one in unexplained(role, [])]
    stale = [
        f"{action}: {entry.source}"
        for entry in ON_BEHALF
        for action in entry.actions
        if not any(one.action == action and entry.covers(purpose, one) for purpose, one in given)
    ]
    assert stale == []


def test_environments_differ_in_their_account_only(account: PlannedAccount) -> None:
    """What is recorded in dev holds for the others: their roles have the same actions."""

    def actions(scope: str) -> dict[str, set[str]]:
        return {
            purpose: {one.action for one in permissions(role.policy)}
            for (of, purpose), role in account.roles.items()
            if of == scope and purpose in ("training", "pipeline", "start", "features", "tracking", "baseline")
        }

    assert actions("dev")
    assert actions("prod") == actions("staging") == actions("dev")
