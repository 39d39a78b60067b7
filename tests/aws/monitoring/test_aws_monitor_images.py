"""Addresses of AWS's own images: of each region's own account, in the registry of its partition."""

from __future__ import annotations

import pytest

from mlops_components.spec.monitor_images import CLARIFY, MODEL_MONITOR, clarify_image, model_monitor_image
from mlops_stacks.blueprint.aws_regions import REGIONS


@pytest.mark.parametrize(
    ("region", "address"),
    [
        ("af-south-1", "875698925577.dkr.ecr.af-south-1.amazonaws.com"),
        ("eu-south-1", "933208885752.dkr.ecr.eu-south-1.amazonaws.com"),
        ("us-west-2", "159807026194.dkr.ecr.us-west-2.amazonaws.com"),
        ("cn-north-1", "453000072557.dkr.ecr.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_the_analyzer_of_data_and_model_quality(region: str, address: str) -> None:
    assert model_monitor_image(region) == f"{address}/sagemaker-model-monitor-analyzer"


@pytest.mark.parametrize(
    ("region", "account"),
    [("ap-northeast-3", "912233562940"), ("eu-central-2", "730335477804"), ("us-gov-west-1", "598674086554")],
)
def test_the_analyzer_of_bias_and_attributions(region: str, account: str) -> None:
    assert clarify_image(region) == f"{account}.dkr.ecr.{region}.amazonaws.com/sagemaker-clarify-processing:1.0"


def test_where_no_image_is_known_there_is_no_address() -> None:
    assert model_monitor_image("us-gov-west-1") is None
    assert clarify_image("eu-south-2") is None


@pytest.mark.parametrize("table", [MODEL_MONITOR, CLARIFY])
def test_each_line_is_a_region_and_an_account_of_its_own(table: dict[str, str]) -> None:
    assert set(table) <= REGIONS
    assert len(set(table.values())) == len(table)
    assert all(len(account) == 12 and account.isdigit() for account in table.values())
