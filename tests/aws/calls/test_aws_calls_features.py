"""What bringing and reading features was recorded calling, held against what steps, servers and people are granted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest
from call_accounts import PlannedAccount
from call_emulation import make
from call_needs import Need, needs_of
from call_policies import missing, unused
from call_programs import PLACED, planned
from call_recorder import recorded

from mlops_components.feature_store.sagemaker import FOLDER, SageMakerFeatureStore
from mlops_components.foundation.aws.foundation import AwsFoundation
from mlops_components.grants import AwsGrant
from mlops_components.spec.feature import SageMakerFeaturesRef
from mlops_stacks.runtime.features.history import typed_rows
from mlops_stacks.runtime.features.stores import ingest, join, online

pytest_plugins = ["aws.features.feature_records"]

GROUPS: dict[str, Any] = {
    "origin_delays": {
        "entity": "origin",
        "event_time": "known_at",
        "features": [{"name": "share", "type": "float"}],
    },
}
START = pd.Timestamp("2026-01-01", tz="UTC")


def build(options: Any) -> Mapping[str, list[AwsGrant]]:
    foundation = AwsFoundation("foundation", {"placement": PLACED}, options)
    store = SageMakerFeatureStore(
        "features",
        {
            "placement": PLACED,
            "groups": GROUPS,
            "data_root": foundation.data_root,
            "role_arn": f"arn:aws:iam::{PLACED['account_id']}:role/features",
            "key_arn": foundation.key_arn,
        },
        options,
    )
    history = [*store.grant_read_history()]
    return {
        "steps": [*store.grant_ingest(), *history, *foundation.grant_data_write(FOLDER)],
        "server": store.grant_read_online(),
        "people": [*history, *store.grant_read_online(), *foundation.grant_data_read(FOLDER)],
    }


@pytest.fixture
def account(emulator: str, online_features: Any) -> PlannedAccount:
    """An emulated account with the feature groups, and their online rows beside it."""
    made = planned(build, stage="feature_store")
    make(made)
    return made


def reference(account: PlannedAccount) -> SageMakerFeaturesRef:
    (group,) = account.of_type("aws:sagemaker/featureGroup:FeatureGroup")
    names = {"origin_delays": str(group.inputs["featureGroupName"])}
    return {"feature_groups": names, "region": PLACED["region"], "groups": GROUPS}


def rows(*values: float) -> dict[str, pd.DataFrame]:
    times = [START + pd.Timedelta(hours=hour) for hour in range(len(values))]
    table = pd.DataFrame({"origin": "EWR", "known_at": times, "share": values})
    return {"origin_delays": typed_rows("origin_delays", GROUPS["origin_delays"], table)}


def test_the_steps_bring_and_join_features_with_what_they_are_granted(account: PlannedAccount) -> None:
    """Rows are brought, corrected and taken back; then joined to others."""
    store = reference(account)
    with recorded() as calls:
        for brought in (rows(0.1, 0.2), rows(0.1, 0.3), rows(0.1)):
            ingest(store, brought)
        asked = pd.DataFrame({"origin": ["EWR"], "at": [START + pd.Timedelta(days=1)]})
        join(store, ["origin_delays.share"], asked, "at")
    policy, needs = account.roles["dev", "steps"].policy, needs_of(calls, account.place("dev"))
    assert {need.action for need in needs} >= {"sagemaker:PutRecord", "sagemaker:DeleteRecord", "s3:PutObject"}
    assert missing(policy, needs) == []
    assert {one.action for one in unused(policy, needs)} == {
        # Nothing of a history is ever deleted or uploaded in parts; the grant of a folder is for all of it.
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
    }


def test_a_server_looks_up_rows_and_no_more(account: PlannedAccount) -> None:
    store = reference(account)
    ingest(store, rows(0.1))
    with recorded() as calls:
        lookup = online(store)
        assert lookup is not None
        assert lookup.row("origin_delays", {"origin": "EWR"}, ["share"]) == {"share": 0.1}
        lookup.close()
    policy, needs = account.roles["dev", "server"].policy, needs_of(calls, account.place("dev"))
    assert missing(policy, needs) == []
    assert unused(policy, needs) == []


def test_people_read_history_and_rows_and_change_neither(account: PlannedAccount) -> None:
    store = reference(account)
    ingest(store, rows(0.1))
    with recorded() as calls:
        asked = pd.DataFrame({"origin": ["EWR"], "at": [START + pd.Timedelta(days=1)]})
        join(store, ["origin_delays.share"], asked, "at")
        lookup = online(store)
        assert lookup is not None
        lookup.row("origin_delays", {"origin": "EWR"}, ["share"])
        lookup.close()
    policy, needs = account.roles["dev", "people"].policy, needs_of(calls, account.place("dev"))
    assert missing(policy, needs) == []
    assert unused(policy, needs) == []
    group = account.place("dev").arn("sagemaker", f"feature-group/{store['feature_groups']['origin_delays']}")
    forbidden = [Need("sagemaker:PutRecord", group), Need("sagemaker:DeleteRecord", group)]
    assert missing(policy, forbidden) == forbidden
