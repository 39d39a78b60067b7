"""What nothing proves is in a region, and networks that could never be connected: said, and not refused."""

from __future__ import annotations

import json
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from projects import project_of

from mlops_stacks.blueprint import aws_region_types as registry
from mlops_stacks.blueprint.aws_regions import REGIONS
from mlops_stacks.blueprint.aws_rules.region import BY_CLOUD_CONTROL, MADE_OTHERWISE
from mlops_stacks.operations import planning
from mlops_stacks.operations.cautions import cautions
from mlops_stacks.operations.preflight import Outcome, preflight
from mlops_stacks.plan import Severity
from mlops_stacks.project import Project

_LINTER = Path(__file__).parents[3] / ".venvs" / "cfn-lint"
ACCOUNTS = {"dev": "111111111111", "prod": "222222222222", "test": "333333333333"}


def document(region: str, *environments: str, **stages: Any) -> dict[str, Any]:
    zones = [f"{region}a", f"{region}b"] if stages.get("foundation") else []
    return {
        "schema_version": 1,
        "name": "shop",
        "platform": "aws",
        "shared": {"target": {"account": ACCOUNTS["dev"], "region": region}},
        "environments": {
            name: {"target": {"account": ACCOUNTS[name], "region": region, "zones": zones}} for name in environments
        },
        "stages": {"foundation": {}, **stages},
    }


def project(raw: dict[str, Any]) -> Project:
    made: Project = project_of(raw, Path("/project"))
    return made


def said(of: Project) -> list[str]:
    found = list(cautions(of, of.scopes(None)))
    assert {finding.severity for finding in found} <= {Severity.WARNING}
    return [f"{finding.rule} {finding.message}" for finding in found]


def test_the_table_is_that_of_the_linter() -> None:
    installed = distributions(path=[str(folder) for folder in _LINTER.glob("lib/*/site-packages")])
    versions = {one.version for one in installed if one.name == "cfn-lint"}
    if not versions:
        pytest.skip("no cfn-lint in .venvs/cfn-lint; `python3 run.py` installs it there")
    assert f"cfn-lint {versions.pop()}," in registry.SOURCE, "read the table anew, change version and date"
    (folder,) = _LINTER.glob("lib/python*/site-packages/cfnlint/data/schemas/providers")
    known = {
        region: set(json.loads(file.read_text())) for region in REGIONS if (file := folder / f"{region}.json").exists()
    }
    assert REGIONS - set(known) == registry.UNKNOWN
    for token, regions in registry.WITHOUT.items():
        assert {region for region, types in known.items() if token not in types} == regions, token


def test_every_type_that_is_asked_for_has_a_row() -> None:
    asked = {*BY_CLOUD_CONTROL.values(), *(token for tokens in MADE_OTHERWISE.values() for token in tokens)}
    assert asked <= set(registry.WITHOUT)


@pytest.mark.parametrize(
    ("region", "flavour", "unproven"),
    [
        ("eu-west-1", "app", False),
        ("eu-south-1", "app", True),
        ("eu-south-1", "server", False),
        ("cn-north-1", "server", True),
        ("us-gov-west-1", "server", True),
        # Nothing is known of it, so nothing is said of it.
        ("me-south-1", "app", False),
    ],
)
def test_mlflow_where_nothing_proves_it(region: str, flavour: str, unproven: bool) -> None:
    made = project(document(region, "dev", experiment_tracking={"flavour": flavour}))
    found = said(made)
    assert len(found) == unproven
    if unproven:
        assert found[0].startswith(
            f"region-unproven environments.dev.stages.experiment_tracking: that AWS has this in {region} is unproven"
        )


def test_other_stages_where_nothing_proves_them() -> None:
    made = project(document("ap-south-2", "dev", model_registry={}, feature_store={}))
    assert [each.split(":")[0] for each in said(made)] == [
        "region-unproven shared.stages.model_registry",
        "region-unproven environments.dev.stages.feature_store",
    ]


def test_what_cloud_control_would_make_is_refused_where_it_cannot() -> None:
    with pytest.raises(AssertionError, match=r"Cloud Control, .* knows no AWS::SageMaker::Experiment in eu-central-2"):
        project(document("eu-central-2", "dev", experiment_tracking={"engine": "sagemaker_experiments"}))


def test_a_plan_warns_of_networks_that_could_never_be_connected() -> None:
    network = {"network": {"mode": "create", "cidr": "10.20.0.0/16"}}
    made = project(document("eu-west-1", "dev", "prod", foundation=network))
    (finding,) = (each for each in planning.plan(made).findings if each.rule == "networks-overlap")
    assert finding.severity is Severity.WARNING
    assert finding.message.startswith(
        "environments.prod.stages.foundation.network.cidr: 10.20.0.0/16 overlaps with the network of dev in another "
    )
    # Of each environment only what is its own is said.
    assert not list(cautions(made, ("shared", "dev")))
    apart = document("eu-west-1", "dev", "prod", foundation=network)
    apart["environments"]["prod"]["stages"] = {"foundation": {"network": {"mode": "create", "cidr": "10.21.0.0/16"}}}
    assert said(project(apart)) == []


@pytest.mark.parametrize(("region", "outcome"), [("me-south-1", Outcome.WARNING), ("eu-west-1", Outcome.OK)])
def test_preflight_says_what_it_cannot_know(region: str, outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlops_stacks.operations.preflight._quotas", lambda *_: iter(()))
    (check,) = (each for each in preflight(project(document(region, "dev")), None) if each.name == "region")
    assert (check.outcome, region in check.message) == (outcome, True)
