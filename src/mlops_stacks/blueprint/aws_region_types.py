"""Which regions CloudFormation's registry knows a type of resource in. Data only.

Read on 2026-11-21 from cfn-lint 1.58.0, which brings the registry of each region along; `tests/aws/foundation` compares
the two. It has nothing of me-south-1. That a type is missing proves something where Cloud Control makes the resource,
which goes by the same registry; anywhere else the service may be there all the same, and its absence is only likely.
"""

from __future__ import annotations

from collections.abc import Mapping

SOURCE = "CloudFormation's registry in cfn-lint 1.58.0, read on 2026-11-21"

UNKNOWN = frozenset({"me-south-1"})
"""Regions of which the source says nothing."""

WITHOUT: Mapping[str, frozenset[str]] = {
    "AWS::Lambda::Url": frozenset(
        {
            "ap-east-2",
            "ap-south-2",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-west-1",
            "cn-northwest-1",
            "eu-central-2",
            "il-central-1",
            "me-central-1",
            "mx-central-1",
            "us-gov-east-1",
            "us-gov-west-1",
        }
    ),
    "AWS::SageMaker::DataQualityJobDefinition": frozenset(
        {
            "af-south-1",
            "ap-east-2",
            "ap-south-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-west-1",
            "cn-north-1",
            "cn-northwest-1",
            "eu-central-2",
            "eu-south-1",
            "eu-south-2",
            "il-central-1",
            "me-central-1",
            "mx-central-1",
            "us-gov-east-1",
            "us-gov-west-1",
        }
    ),
    "AWS::SageMaker::Domain": frozenset({"ca-west-1", "mx-central-1"}),
    "AWS::SageMaker::EndpointConfig": frozenset({"me-central-1", "us-gov-east-1"}),
    "AWS::SageMaker::Experiment": frozenset(
        {
            "ap-east-2",
            "ap-south-2",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-west-1",
            "cn-north-1",
            "cn-northwest-1",
            "eu-central-2",
            "me-central-1",
            "mx-central-1",
            "us-gov-east-1",
            "us-gov-west-1",
        }
    ),
    "AWS::SageMaker::FeatureGroup": frozenset(
        {
            "ap-east-2",
            "ap-south-2",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-west-1",
            "me-central-1",
            "mx-central-1",
            "us-gov-east-1",
            "us-gov-west-1",
        }
    ),
    "AWS::SageMaker::MlflowApp": frozenset(
        {
            "af-south-1",
            "ap-east-1",
            "ap-east-2",
            "ap-northeast-3",
            "ap-south-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-west-1",
            "cn-north-1",
            "cn-northwest-1",
            "eu-central-2",
            "eu-south-1",
            "eu-south-2",
            "il-central-1",
            "me-central-1",
            "mx-central-1",
            "us-gov-east-1",
            "us-gov-west-1",
        }
    ),
    "AWS::SageMaker::MlflowTrackingServer": frozenset(
        {"ap-southeast-6", "cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1"}
    ),
    "AWS::SageMaker::ModelBiasJobDefinition": frozenset(
        {
            "af-south-1",
            "ap-east-2",
            "ap-south-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-west-1",
            "cn-north-1",
            "cn-northwest-1",
            "eu-central-2",
            "eu-south-1",
            "eu-south-2",
            "il-central-1",
            "me-central-1",
            "mx-central-1",
            "us-gov-east-1",
            "us-gov-west-1",
        }
    ),
    "AWS::SageMaker::ModelCard": frozenset({"ap-east-2", "ap-southeast-6"}),
    "AWS::SageMaker::ModelExplainabilityJobDefinition": frozenset(
        {
            "af-south-1",
            "ap-east-2",
            "ap-south-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-west-1",
            "cn-north-1",
            "cn-northwest-1",
            "eu-central-2",
            "eu-south-1",
            "eu-south-2",
            "il-central-1",
            "me-central-1",
            "mx-central-1",
            "us-gov-east-1",
            "us-gov-west-1",
        }
    ),
    "AWS::SageMaker::ModelPackageGroup": frozenset(
        {"ap-east-2", "ap-south-2", "ap-southeast-4", "ap-southeast-6", "cn-north-1", "cn-northwest-1", "us-gov-east-1"}
    ),
    "AWS::SageMaker::ModelQualityJobDefinition": frozenset(
        {
            "af-south-1",
            "ap-east-2",
            "ap-south-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-west-1",
            "cn-north-1",
            "cn-northwest-1",
            "eu-central-2",
            "eu-south-1",
            "eu-south-2",
            "il-central-1",
            "me-central-1",
            "mx-central-1",
            "us-gov-east-1",
            "us-gov-west-1",
        }
    ),
    "AWS::SageMaker::MonitoringSchedule": frozenset(
        {
            "af-south-1",
            "ap-east-2",
            "ap-south-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-west-1",
            "eu-central-2",
            "eu-south-1",
            "eu-south-2",
            "il-central-1",
            "me-central-1",
            "mx-central-1",
            "us-gov-east-1",
            "us-gov-west-1",
        }
    ),
    "AWS::SageMaker::UserProfile": frozenset({"ap-south-2", "ap-southeast-4", "ca-west-1", "mx-central-1"}),
}
"""Type -> regions in which it is not known."""
