"""SageMaker Feature Store: history as Parquet files on S3, the latest rows in an online store, both under our key.

SageMaker keeps one identifier for each record, so a group of several keys gets one more column that joins them. The
Glue catalogue has a database for the environment and a table for each group, which Feature Store makes itself, so
that Athena reads the history; the database's parameters say what each feature means.

SageMaker cannot change the columns of a group, nor where it keeps its rows. So these are hashed into the group's name:
a group that is defined anew is made beside its predecessor and begins empty, and the next run of the `ingest` step
fills it. It refuses a group without features, and never keeps rows online only.
"""

from typing import Any, NotRequired, Optional

import pulumi
import pulumi_aws as aws
from typing_extensions import TypedDict

from mlops_components.args import ArgsError, checked
from mlops_components.grants import AwsGrant, aws_grant
from mlops_components.lifecycle import Lifecycle, stateful
from mlops_components.naming import GLUE_DATABASE, SAGEMAKER_FEATURE_GROUP, content_hash, physical_name
from mlops_components.placement import AwsPlacement, aws_partition
from mlops_components.spec.feature import (
    RECORD_KEY,
    FeatureGroup,
    FeatureType,
    is_online,
    key_columns,
    record_identifier,
)
from mlops_components.tags import aws_tags

SERVICE = "sagemaker.amazonaws.com"
"""The service that assumes `role_arn`."""
FOLDER = "features"
"""Folder below the data root in which SageMaker keeps the history."""

_TYPES = {
    FeatureType.STRING: "String",
    FeatureType.INTEGER: "Integral",
    FeatureType.FLOAT: "Fractional",
    # There is no type of truth values: 0 and 1. Times are ISO 8601 in UTC.
    FeatureType.BOOLEAN: "Integral",
    FeatureType.TIMESTAMP: "String",
}


class FeatureThroughput(TypedDict):
    """Capacity that is paid for by the hour, whether used or not. SageMaker slows down what goes beyond it."""

    read_units: int
    """Reads of 4 KB a second."""
    write_units: int
    """Writes of 1 KB a second."""


class SageMakerFeatureStoreArgs(TypedDict):
    """What a feature store on SageMaker consists of."""

    placement: AwsPlacement
    """Environment, account and region."""
    groups: dict[str, FeatureGroup]
    """Feature group of the blueprint -> what it says."""
    data_root: pulumi.Input[str]
    """The foundation's `s3://` URI of data; the history goes into the folder `features` of it."""
    role_arn: pulumi.Input[str]
    """Role with which SageMaker writes the history; it may write that folder and nothing else."""
    key_arn: NotRequired[Optional[pulumi.Input[str]]]
    """Key of history and online store. Default: keys that AWS owns."""
    in_memory: NotRequired[bool]
    """Whether the latest rows are kept in memory: faster, at a higher price. Default false."""
    throughput: NotRequired[Optional[FeatureThroughput]]
    """Default: on demand, paid by request."""
    lifecycle: NotRequired[Lifecycle]
    """What becomes of the groups when the stack is destroyed; default `retain`. The files of the history are the
    bucket's, and share its fate."""


class SageMakerFeatureStore(pulumi.ComponentResource):
    """Feature groups of SageMaker, with their tables in the Glue catalogue."""

    stage = "feature_store"
    platform = "aws"

    feature_groups: pulumi.Output[dict[str, str]]
    """Feature group of the blueprint -> name of the feature group of SageMaker."""
    history: pulumi.Output[str]
    """`s3://` URI of the folder below which each group has a folder of its own."""
    online_store: pulumi.Output[str]
    """Address of the service that the latest rows are read from."""
    catalogue: pulumi.Output[str]
    """Database of the Glue catalogue; its tables are named as the feature groups, with underscores for hyphens."""

    def __init__(
        self, name: str, args: SageMakerFeatureStoreArgs, opts: Optional[pulumi.ResourceOptions] = None
    ) -> None:
        """Have a feature group for each group of the blueprint."""
        args = checked(args, SageMakerFeatureStoreArgs, "SageMakerFeatureStore")
        for group, definition in args["groups"].items():
            if not definition["features"]:
                raise ArgsError(f"SageMakerFeatureStore: the group '{group}' has no features; name at least one.")
        super().__init__("mlops-stacks:index:SageMakerFeatureStore", name, {**args}, opts)
        self._args = args
        self._names = {group: group_name(args, group) for group in sorted(args["groups"])}
        self.history = pulumi.Output.format("{0}/{1}", args["data_root"], FOLDER)
        database = self._catalogue(name)
        made = {group: self._group(name, group, database) for group in self._names}
        self.feature_groups = pulumi.Output.from_input({group: of.feature_group_name for group, of in made.items()})
        self.online_store = pulumi.Output.from_input(_address(args["placement"]["region"]))
        self.catalogue = database.name
        self.register_outputs({output: getattr(self, output) for output in SageMakerFeatureStore.__annotations__})

    def grant_ingest(self) -> list[AwsGrant]:
        """Permission to bring rows into the online store; files of the history take the data folder besides."""
        actions = [
            "sagemaker:BatchGetRecord",
            "sagemaker:DeleteRecord",
            "sagemaker:DescribeFeatureGroup",
            "sagemaker:PutRecord",
        ]
        return self._grant(actions, [*self._key_use()])

    def grant_read_history(self) -> list[AwsGrant]:
        """Permission to find the files of the history; reading them takes the data folder besides."""
        return self._grant(["sagemaker:DescribeFeatureGroup"], [])

    def grant_read_online(self) -> list[AwsGrant]:
        """Permission to look up the latest rows."""
        return self._grant(["sagemaker:GetRecord"], [*self._key_use()])

    def _grant(self, actions: list[str], more: list[AwsGrant]) -> list[AwsGrant]:
        arns = [_group_arn(self._args["placement"], physical) for physical in self._names.values()]
        return [aws_grant(actions, arns), *more] if arns else []

    def _key_use(self) -> list[AwsGrant]:
        """Reading and writing rows online takes the right to decrypt, of whoever does it."""
        key, region = self._args.get("key_arn"), self._args["placement"]["region"]
        through = {"StringEquals": {"kms:ViaService": [f"sagemaker.{region}.amazonaws.com"]}}
        return [aws_grant(["kms:Decrypt"], [key], through)] if key is not None else []

    def _catalogue(self, name: str) -> aws.glue.CatalogDatabase:
        placement = self._args["placement"]
        return aws.glue.CatalogDatabase(
            f"{name}-catalogue",
            name=catalogue_name(placement),
            description=f"History of the features of {placement['blueprint']} in {placement['scope']}",
            parameters=_described(self._args["groups"]),
            tags=aws_tags(placement, "feature_store"),
            # The tables describe files that stay where the lifecycle says so.
            opts=stateful(self, self._args.get("lifecycle", Lifecycle.RETAIN)),
        )

    def _group(self, name: str, group: str, database: aws.glue.CatalogDatabase) -> aws.sagemaker.FeatureGroup:
        args, definition, physical = self._args, self._args["groups"][group], self._names[group]
        return aws.sagemaker.FeatureGroup(
            f"{name}-{group}",
            feature_group_name=physical,
            record_identifier_feature_name=record_identifier(definition),
            event_time_feature_name=definition["event_time"],
            feature_definitions=[
                aws.sagemaker.FeatureGroupFeatureDefinitionArgs(feature_name=column, feature_type=kind)
                for column, kind in _columns(definition)
            ],
            role_arn=args["role_arn"],
            offline_store_config=self._offline(physical, database),
            online_store_config=self._online(definition),
            throughput_config=self._throughput(definition),
            tags={**aws_tags(args["placement"], "feature_store"), "entity": definition["entity"]},
            opts=stateful(self, args.get("lifecycle", Lifecycle.RETAIN)),
        )

    def _offline(
        self, physical: str, database: aws.glue.CatalogDatabase
    ) -> aws.sagemaker.FeatureGroupOfflineStoreConfigArgs:
        return aws.sagemaker.FeatureGroupOfflineStoreConfigArgs(
            s3_storage_config=aws.sagemaker.FeatureGroupOfflineStoreConfigS3StorageConfigArgs(
                s3_uri=self.history, kms_key_id=self._args.get("key_arn")
            ),
            disable_glue_table_creation=False,
            table_format="Glue",
            data_catalog_config=aws.sagemaker.FeatureGroupOfflineStoreConfigDataCatalogConfigArgs(
                catalog="AwsDataCatalog", database=database.name, table_name=table_name(physical)
            ),
        )

    def _online(self, definition: FeatureGroup) -> Optional[aws.sagemaker.FeatureGroupOnlineStoreConfigArgs]:
        if not is_online(definition):
            return None
        key, days = self._args.get("key_arn"), definition.get("ttl_days")
        security = aws.sagemaker.FeatureGroupOnlineStoreConfigSecurityConfigArgs(kms_key_id=key)
        ttl = aws.sagemaker.FeatureGroupOnlineStoreConfigTtlDurationArgs(unit="Days", value=days)
        return aws.sagemaker.FeatureGroupOnlineStoreConfigArgs(
            enable_online_store=True,
            storage_type="InMemory" if self._args.get("in_memory") else "Standard",
            security_config=security if key is not None else None,
            ttl_duration=ttl if days else None,
        )

    def _throughput(self, definition: FeatureGroup) -> Optional[aws.sagemaker.FeatureGroupThroughputConfigArgs]:
        capacity = self._args.get("throughput")
        if capacity is None:
            return aws.sagemaker.FeatureGroupThroughputConfigArgs(throughput_mode="OnDemand")
        return aws.sagemaker.FeatureGroupThroughputConfigArgs(
            throughput_mode="Provisioned",
            # A group that is not online is not read through SageMaker.
            provisioned_read_capacity_units=capacity["read_units"] if is_online(definition) else 0,
            provisioned_write_capacity_units=capacity["write_units"],
        )


def group_name(args: SageMakerFeatureStoreArgs, group: str) -> str:
    """Return the name of SageMaker's feature group; another definition has another name."""
    placement, definition = args["placement"], args["groups"][group]
    fixed = [
        key_columns(definition),
        definition["event_time"],
        _columns(definition),
        is_online(definition),
        args.get("in_memory", False),
    ]
    parts = (placement["blueprint"], placement["scope"], group, content_hash(fixed))
    return physical_name(parts, SAGEMAKER_FEATURE_GROUP)


def table_name(physical: str) -> str:
    """Return the name of a feature group's table; Athena takes underscores, and no hyphens without quotes."""
    return physical.replace("-", "_")


def catalogue_name(placement: AwsPlacement) -> str:
    """Return the name of the catalogue's database."""
    return physical_name((placement["blueprint"], placement["scope"]), GLUE_DATABASE).replace("-", "_")


def _columns(definition: FeatureGroup) -> list[list[str]]:
    """The columns of a group in SageMaker, with their types: identifier, other keys, event time, features."""
    keys = key_columns(definition)
    joined = [RECORD_KEY] if len(keys) > 1 else []
    texts = [*joined, *keys, definition["event_time"]]
    features = [[feature["name"], _TYPES[FeatureType(feature["type"])]] for feature in definition["features"]]
    return [*([column, "String"] for column in texts), *features]


def _described(groups: dict[str, FeatureGroup]) -> dict[str, str]:
    """What the catalogue says of groups and features, by name."""
    entities = {group: f"one row for each {of['entity']}" for group, of in groups.items()}
    features: dict[str, Any] = {
        f"{group}.{feature['name']}": feature.get("description")
        for group, of in groups.items()
        for feature in of["features"]
    }
    return {**entities, **{name: text for name, text in features.items() if text}}


def _group_arn(placement: AwsPlacement, physical: str) -> str:
    where = f"{placement['region']}:{placement['account_id']}"
    # SageMaker writes the names of feature groups in lower case in ARNs; ours are.
    return f"arn:{aws_partition(placement['region'])}:sagemaker:{where}:feature-group/{physical}"


def _address(region: str) -> str:
    domain = "amazonaws.com.cn" if aws_partition(region) == "aws-cn" else "amazonaws.com"
    return f"https://featurestore-runtime.sagemaker.{region}.{domain}"
