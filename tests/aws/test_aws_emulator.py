"""The emulator answers, and each test begins with an empty one."""

from __future__ import annotations

import os
import urllib.request

import boto3
import pytest


@pytest.mark.parametrize("time", ["first", "second"])
def test_each_test_begins_with_an_empty_emulator(emulator: str, time: str) -> None:
    s3 = boto3.client("s3")
    assert s3.list_buckets()["Buckets"] == []
    s3.create_bucket(Bucket="once", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    assert os.environ["AWS_ENDPOINT_URL"] == emulator
    with urllib.request.urlopen(f"{emulator}/moto-api/", timeout=5) as answer:
        assert answer.status == 200
