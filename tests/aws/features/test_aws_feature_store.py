"""The feature store on AWS: what is made, for whom, and what SageMaker would say to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws.shapes import check_request
from compose.documents import aws
from projects import project_of

from mlops_components.args import ArgsError
from mlops_components.feature_store.sagemaker import SageMakerFeatureStore
from mlops_components.spec.feature import record_key
from mlops_stacks.operations.planning import plan
from mlops_stacks.plan import PlannedResource, ScopePlan

pytest_plugins = ["components.aws_plans"]

GROUPS: dict[str, Any] = {
    "origin_delays": {
        "entity": "origin",
        "event_time": "known_at",
        "features": [{"name": "share", "type": "float", "description": "Share of late flights"}],
    },
    "route_delays": {
        "entity": "route",
        "keys": ["origin", "dest"],
        "event_time": "known_at",
        "online": False,
        "features": [
            {"name": "flights", "type": "integer"},
            {"name": "busy", "type": "boolean"},
            {"name": "last", "type": "timestamp"},
        ],
    },
}


def dev(groups: dict[str, Any] | None = None, options: dict[str, Any] | None = None, **more: Any) -> ScopePlan:
    """The plan of dev with a feature store."""
    stages = {"foundation": {}, "feature_store": options or {}}
    document = aws(stages=stages, models={}, feature_groups=groups or GROUPS, **more)
    planned = plan(project_of(document, Path("/project")))
    assert planned.errors == ()
    return next(scope for scope in planned.scopes if scope.scope == "dev")


def groups_of(scope: ScopePlan) -> dict[str, PlannedResource]:
    found = [r for r in scope.resources if r.type.endswith("FeatureGroup") and r.custom]
    return {r.name.removeprefix("feature-store-"): r for r in found}


def request_of(resource: PlannedResource) -> dict[str, Any]:
    """The planned inputs as the call that the provider makes of them."""

    def named(value: Any) -> Any:
        if isinstance(value, dict):
            return {_call_name(key): named(item) for key, item in value.items()}
        return [named(item) for item in value] if isinstance(value, list) else value

    inputs = {key: value for key, value in resource.inputs.items() if key not in ("tags", "tagsAll")}
    return {**named(inputs), "Tags": [{"Key": k, "Value": v} for k, v in resource.inputs["tags"].items()]}


def _call_name(key: str) -> str:
    return {"s3Uri": "S3Uri", "s3StorageConfig": "S3StorageConfig"}.get(key, key[0].upper() + key[1:])


@pytest.mark.parametrize(
    "options", [{}, {"online_storage": "in_memory"}, {"throughput": {"read_units": 10, "write_units": 5}}]
)
def test_sagemaker_would_take_every_group(options: dict[str, Any]) -> None:
    made = groups_of(dev(options=options))
    assert sorted(made) == ["origin_delays", "route_delays"]
    for resource in made.values():
        assert check_request("sagemaker", "CreateFeatureGroup", request_of(resource)) == []


def test_a_group_has_its_columns_its_key_and_a_table() -> None:
    scope = dev()
    made = groups_of(scope)
    route = made["route_delays"].inputs
    assert [(c["featureName"], c["featureType"]) for c in route["featureDefinitions"]] == [
        ("record_key", "String"),
        ("origin", "String"),
        ("dest", "String"),
        ("known_at", "String"),
        ("flights", "Integral"),
        ("busy", "Integral"),
        ("last", "String"),
    ]
    assert (route["recordIdentifierFeatureName"], route["eventTimeFeatureName"]) == ("record_key", "known_at")
    assert "onlineStoreConfig" not in route
    origin = made["origin_delays"].inputs
    assert origin["recordIdentifierFeatureName"] == "origin"
    key = scope.outputs["foundation"]["key_arn"]
    assert origin["onlineStoreConfig"] == {
        "enableOnlineStore": True,
        "storageType": "Standard",
        "securityConfig": {"kmsKeyId": key},
    }
    assert origin["offlineStoreConfig"]["s3StorageConfig"] == {
        "s3Uri": f"{scope.outputs['foundation']['data_root']}/features",
        "kmsKeyId": key,
    }
    assert origin["throughputConfig"] == {"throughputMode": "OnDemand"}
    database = next(r for r in scope.resources if r.type.endswith("CatalogDatabase"))
    catalogue = origin["offlineStoreConfig"]["dataCatalogConfig"]
    assert database.inputs["name"] == "flights_dev"
    assert catalogue["tableName"] == origin["featureGroupName"].replace("-", "_")
    assert database.inputs["parameters"]["origin_delays.share"] == "Share of late flights"


def test_a_group_that_is_defined_anew_has_another_name_beside_its_predecessor() -> None:
    changed = json.loads(json.dumps(GROUPS))
    changed["origin_delays"]["features"].append({"name": "flights", "type": "integer"})
    described = json.loads(json.dumps(GROUPS))
    described["origin_delays"]["features"][0]["description"] = "Another text"
    described["origin_delays"]["ttl_days"] = 3
    first, second, third = (
        dev(groups).outputs["feature_store"]["feature_groups"] for groups in (GROUPS, changed, described)
    )
    names = [
        {r.name: r.inputs["featureGroupName"] for r in groups_of(dev(g)).values()} for g in (GROUPS, changed, described)
    ]
    assert names[0]["feature-store-origin_delays"] != names[1]["feature-store-origin_delays"]
    assert names[0]["feature-store-route_delays"] == names[1]["feature-store-route_delays"]
    assert names[0] == names[2]
    assert sorted(first) == sorted(second) == sorted(third) == ["origin_delays", "route_delays"]


def test_rows_that_expire_say_so_to_sagemaker() -> None:
    groups = {"origin_delays": {**GROUPS["origin_delays"], "ttl_days": 3}}
    config = groups_of(dev(groups))["origin_delays"].inputs["onlineStoreConfig"]
    assert config["ttlDuration"] == {"unit": "Days", "value": 3}


def test_capacity_that_is_paid_for_is_not_read_where_nothing_is_online() -> None:
    made = groups_of(dev(options={"throughput": {"read_units": 10, "write_units": 5}}))
    throughput = {name: r.inputs["throughputConfig"] for name, r in made.items()}
    assert throughput["origin_delays"]["provisionedReadCapacityUnits"] == 10
    assert throughput["route_delays"]["provisionedReadCapacityUnits"] == 0
    assert {t["provisionedWriteCapacityUnits"] for t in throughput.values()} == {5}


def test_sagemaker_may_write_the_history_and_nothing_else() -> None:
    policy = next(r for r in dev().resources if r.type.endswith("RolePolicy"))
    statements = json.loads(policy.inputs["policy"])["Statement"]
    written = {
        resource
        for statement in statements
        for resource in statement["Resource"]
        if any(action.startswith("s3:Put") for action in statement["Action"])
    }
    assert written
    assert all(resource.endswith("/features/*") for resource in written), written


def test_without_a_key_of_your_own_sagemaker_is_named_none() -> None:
    stages = {"foundation": {"key": {"mode": "skip"}}, "feature_store": {}}
    document = aws(stages=stages, models={}, feature_groups=GROUPS)
    scope = next(s for s in plan(project_of(document, Path("/project"))).scopes if s.scope == "dev")
    inputs = groups_of(scope)["origin_delays"].inputs
    assert "kmsKeyId" not in inputs["offlineStoreConfig"]["s3StorageConfig"]
    assert "securityConfig" not in inputs["onlineStoreConfig"]


@pytest.mark.parametrize(
    ("lifecycle", "expected"),
    [("delete", {}), ("retain", {"retainOnDelete": True}), ("protect", {"protect": True})],
)
def test_groups_and_catalogue_hold_data(lifecycle: str, expected: dict[str, Any]) -> None:
    scope = dev(options={"lifecycle": lifecycle})
    kept = [r for r in scope.resources if r.type.endswith(("FeatureGroup", "CatalogDatabase")) and r.custom]
    assert len(kept) == 3
    for resource in kept:
        assert {k: v for k, v in resource.options.items() if k in ("retainOnDelete", "protect") and v} == expected


def test_no_two_entities_share_a_record_key() -> None:
    pairs = [("a|b", "c"), ("a", "b|c"), ("a\\", "b|c"), ("a\\|b", "c"), ("", "|"), ("|", ""), ("a", "b")]
    assert len({record_key(pair) for pair in pairs}) == len(pairs)
    assert record_key(["a|b"]) == "a|b"


def test_a_group_without_features_is_refused_in_words(plan_aws: Callable[..., Any], place: Callable[..., Any]) -> None:
    args: Any = {
        "placement": place(),
        "groups": {"empty": {"entity": "origin", "event_time": "at", "features": []}},
        "data_root": "s3://bucket",
        "role_arn": "arn:aws:iam::111122223333:role/features",
    }
    with pytest.raises(ArgsError, match="the group 'empty' has no features"):
        plan_aws(lambda options: SageMakerFeatureStore("features", args, options) and None)
