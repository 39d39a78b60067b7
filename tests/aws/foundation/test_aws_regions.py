"""The table of regions says what botocore says, and every service that a stage uses is asked of it."""

from __future__ import annotations

from typing import Any

import botocore
import pytest
from botocore.loaders import Loader

from mlops_stacks.blueprint.aws_regions import EVERYWHERE, MISSING, REGIONS, SOURCE, TITLES
from mlops_stacks.blueprint.aws_rules.region import USES

PARTITIONS = ("aws", "aws-cn", "aws-us-gov")


@pytest.fixture(scope="module")
def partitions() -> list[Any]:
    """botocore's own table."""
    every = Loader().load_data("endpoints")["partitions"]
    return [partition for partition in every if partition["partition"] in PARTITIONS]


def _missing(partitions: list[Any], service: str) -> set[str]:
    absent: set[str] = set()
    for partition in partitions:
        there = partition["services"].get(service, {}).get("endpoints", {})
        absent |= set(partition["regions"]) - set(there)
    return absent


def test_the_source_is_the_botocore_of_these_tests() -> None:
    assert SOURCE.startswith(f"botocore {botocore.__version__},"), "read the table anew, change version and date"


def test_the_regions_are_all_there_are(partitions: list[Any]) -> None:
    assert {region for partition in partitions for region in partition["regions"]} == REGIONS


@pytest.mark.parametrize("service", sorted(MISSING))
def test_a_service_is_missing_where_botocore_has_it_not(service: str, partitions: list[Any]) -> None:
    assert _missing(partitions, service) == MISSING[service]


@pytest.mark.parametrize("service", sorted(EVERYWHERE))
def test_what_is_everywhere_is_everywhere(service: str, partitions: list[Any]) -> None:
    assert _missing(partitions, service) == set()


def test_every_service_that_is_asked_for_has_a_row_and_a_title() -> None:
    asked = {service for services in USES.values() for service in services}
    assert asked <= set(MISSING)
    assert set(TITLES) == set(MISSING)
