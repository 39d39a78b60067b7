"""Makes in the emulator what a plan has made by the time that our code runs: only what the emulator knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import boto3
from call_accounts import PlannedAccount


def make(account: PlannedAccount) -> None:
    """Make the planned buckets, groups, topics and secrets, from their planned inputs."""
    for resource in account.plan.resources:
        if resource.type in _MAKERS:
            _MAKERS[resource.type](account.plain(dict(resource.inputs)))


def _bucket(given: Mapping[str, Any]) -> None:
    client = boto3.client("s3")
    client.create_bucket(
        Bucket=given["bucket"], CreateBucketConfiguration={"LocationConstraint": client.meta.region_name}
    )


def _package_group(given: Mapping[str, Any]) -> None:
    boto3.client("sagemaker").create_model_package_group(ModelPackageGroupName=given["modelPackageGroupName"])


def _feature_group(given: Mapping[str, Any]) -> None:
    """The emulator answers with `…/offline-store/…` itself where SageMaker says in which folder the history is."""
    columns = [
        {"FeatureName": one["featureName"], "FeatureType": one["featureType"]} for one in given["featureDefinitions"]
    ]
    storage = given["offlineStoreConfig"]["s3StorageConfig"]
    boto3.client("sagemaker").create_feature_group(
        FeatureGroupName=given["featureGroupName"],
        RecordIdentifierFeatureName=given["recordIdentifierFeatureName"],
        EventTimeFeatureName=given["eventTimeFeatureName"],
        FeatureDefinitions=columns,
        OfflineStoreConfig={"S3StorageConfig": {"S3Uri": storage["s3Uri"], "KmsKeyId": storage["kmsKeyId"]}},
        OnlineStoreConfig={"EnableOnlineStore": "onlineStoreConfig" in given},
        RoleArn=given["roleArn"],
    )


def _topic(given: Mapping[str, Any]) -> None:
    boto3.client("sns").create_topic(Name=given["name"])


def _object(given: Mapping[str, Any]) -> None:
    boto3.client("s3").put_object(Bucket=given["bucket"], Key=given["key"], Body=given["content"].encode())


_MAKERS: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketObjectv2:BucketObjectv2": _object,
    "aws:sagemaker/featureGroup:FeatureGroup": _feature_group,
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup": _package_group,
    "aws:sns/topic:Topic": _topic,
}
