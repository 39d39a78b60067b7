"""Which permissions a call takes: the action is mostly the call's own name, the resource is what it was given.

Sources: the tables "Actions defined by …" and "Resource types defined by …" of the Service Authorization Reference for
each service; for S3 besides "Required permissions for Amazon S3 API operations" of its User Guide, and for keys
"Protecting data with SSE-KMS" there. A call that is not in these tables is refused, not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from call_policies import Need
from call_recorder import Call


@dataclass(frozen=True)
class Place:
    """Where calls go, and which key encrypts what they reach."""

    account: str
    region: str
    bucket_keys: Mapping[str, str] = field(default_factory=dict)
    """Bucket -> ARN of the key that encrypts it by default."""
    key_aliases: Mapping[str, str] = field(default_factory=dict)
    """ARN of a key -> its alias, by which other accounts know it."""
    feature_key: str | None = None
    """The key that encrypts the online rows of features."""

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something here."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


class UnknownCallError(Exception):
    """Nobody has written down what this call takes."""


Made = Iterator[Need]
Rule = Callable[[Mapping[str, Any], Place], Iterable[Need]]


def needs_of(calls: Iterable[Call], place: Place) -> list[Need]:
    """Every permission that the calls take, each once, in the order of the first call for it."""
    found: dict[tuple[str, str, str], Need] = {}
    for call in calls:
        for need in _needs(call, place):
            found.setdefault((need.action, need.resource, str(sorted(need.context.items()))), need)
    return list(found.values())


def _needs(call: Call, place: Place) -> Iterable[Need]:
    rule = _RULES.get((call.service, call.operation))
    if rule is None:
        raise UnknownCallError(f"{call}: say in call_needs.py which permissions it takes")
    return rule(call.parameters, place)


# --- S3 -------------------------------------------------------------------------------------------------------------


def _object(action: str, *, key: str = "") -> Rule:
    def rule(given: Mapping[str, Any], place: Place) -> Made:
        yield Need(f"s3:{action}", f"arn:aws:s3:::{given['Bucket']}/{given['Key']}")
        yield from _key(given["Bucket"], key, place)

    return rule


def _key(bucket: str, actions: str, place: Place) -> Made:
    # A bucket key is asked for through S3, on whose behalf the caller's own permission is looked at.
    if bucket in place.bucket_keys:
        for action in actions.split():
            via = {"kms:ViaService": f"s3.{place.region}.amazonaws.com"}
            yield Need(f"kms:{action}", place.bucket_keys[bucket], via)


def _looked_for(given: Mapping[str, Any], place: Place) -> Made:
    """Whether an object is there is told (404, not 403) only to who may list it; its key then counts as the prefix."""
    yield Need("s3:ListBucket", f"arn:aws:s3:::{given['Bucket']}", {"s3:prefix": given["Key"]})


def _bucket(action: str) -> Rule:
    def rule(given: Mapping[str, Any], place: Place) -> Made:
        context = {"s3:prefix": given["Prefix"]} if "Prefix" in given else {}
        yield Need(f"s3:{action}", f"arn:aws:s3:::{given['Bucket']}", context)

    return rule


def _copy(given: Mapping[str, Any], place: Place) -> Made:
    source = given["CopySource"]
    bucket, key = source.split("/", 1) if isinstance(source, str) else (source["Bucket"], source["Key"])
    yield from _object("GetObject", key="Decrypt")({"Bucket": bucket, "Key": key}, place)
    yield from _object("PutObject", key="GenerateDataKey")(given, place)


def _delete_many(given: Mapping[str, Any], place: Place) -> Made:
    for one in given["Delete"]["Objects"]:
        yield Need("s3:DeleteObject", f"arn:aws:s3:::{given['Bucket']}/{one['Key']}")


_READ, _WRITE = _object("GetObject", key="Decrypt"), _object("PutObject", key="GenerateDataKey")
# The parts of an upload are decrypted once it is complete.
_PART = _object("PutObject", key="GenerateDataKey Decrypt")

# --- everything else ------------------------------------------------------------------------------------------------


def _named(service: str, action: str, resource: str, *more: str) -> Rule:
    """An action on a resource whose ARN is made of what the call was given; `{Name}` stands for a parameter.

    A parameter that is an ARN already is taken as it is. `more` are further actions on the same resource.
    """

    def rule(given: Mapping[str, Any], place: Place) -> Made:
        arn = _arn(service, resource, given, place)
        for one in (f"{service}:{action}", *more):
            yield Need(one, arn)

    return rule


def _arn(service: str, resource: str, given: Mapping[str, Any], place: Place) -> str:
    if resource == "*":
        return "*"
    for name, value in given.items():
        if f"{{{name}}}" in resource and isinstance(value, str) and value.startswith("arn:"):
            return value
    return place.arn(service, resource.format_map(given))


def _several(*rules: Rule) -> Rule:
    return lambda given, place: (need for rule in rules for need in rule(given, place))


def _create_version(given: Mapping[str, Any], place: Place) -> Made:
    """The version's number is not known before; the group's name and a slash are.

    The developer guide asks for the group besides ("Deploy a model version from a different account").
    """
    group = given["ModelPackageGroupName"]
    name = group.rsplit("/", 1)[-1]
    yield Need("sagemaker:CreateModelPackage", place.arn("sagemaker", f"model-package/{name}/1"))
    yield Need(
        "sagemaker:CreateModelPackage",
        group if group.startswith("arn:") else place.arn("sagemaker", f"model-package-group/{name}"),
    )


def _list_versions(given: Mapping[str, Any], place: Place) -> Made:
    name = given["ModelPackageGroupName"].rsplit("/", 1)[-1]
    yield Need("sagemaker:ListModelPackages", place.arn("sagemaker", f"model-package/{name}/1"))


def _records(action: str) -> Rule:
    """Rows of a feature group; whoever reads or writes them must be able to decrypt them."""
    named = _named("sagemaker", action, "feature-group/{FeatureGroupName}")

    def rule(given: Mapping[str, Any], place: Place) -> Made:
        for one in given.get("Identifiers", [given]):
            yield from named(one, place)
        if place.feature_key:
            via = {"kms:ViaService": f"sagemaker.{place.region}.amazonaws.com"}
            yield Need("kms:Decrypt", place.feature_key, via)

    return rule


def _tagged(given: Mapping[str, Any], place: Place) -> Made:
    yield Need("sagemaker:AddTags", given["ResourceArn"])


def _nothing(given: Mapping[str, Any], place: Place) -> Made:
    """`sts:GetCallerIdentity` takes no permission (STS API Reference)."""
    yield from ()


def _deployment(given: Mapping[str, Any], place: Place) -> Made:
    """CodeDeploy User Guide, "CodeDeploy permissions reference": a revision is registered, a configuration read."""
    application, group = given["applicationName"], given["deploymentGroupName"]
    yield Need("codedeploy:CreateDeployment", place.arn("codedeploy", f"deploymentgroup:{application}/{group}"))
    for action in ("GetApplicationRevision", "RegisterApplicationRevision"):
        yield Need(f"codedeploy:{action}", place.arn("codedeploy", f"application:{application}"))
    yield Need("codedeploy:GetDeploymentConfig", place.arn("codedeploy", f"deploymentconfig:{group}-x"))


def _alias(given: Mapping[str, Any], place: Place) -> Made:
    for ending in ("", f":{given['Name']}"):
        yield Need("lambda:GetAlias", place.arn("lambda", f"function:{given['FunctionName']}{ending}"))


_SAGEMAKER: Mapping[str, str] = {
    "DescribeModelPackageGroup": "model-package-group/{ModelPackageGroupName}",
    "DescribeModelPackage": "model-package/{ModelPackageName}",
    "UpdateModelPackage": "model-package/{ModelPackageArn}",
    "DescribeModelCard": "model-card/{ModelCardName}",
    "CreateModelCard": "model-card/{ModelCardName}",
    "UpdateModelCard": "model-card/{ModelCardName}",
    "StartPipelineExecution": "pipeline/{PipelineName}",
    "DescribePipeline": "pipeline/{PipelineName}",
    "UpdatePipeline": "pipeline/{PipelineName}",
    "DescribePipelineExecution": "pipeline/{PipelineExecutionArn}",
    "ListPipelineExecutions": "pipeline/{PipelineName}",
    "ListPipelineExecutionSteps": "pipeline/{PipelineExecutionArn}",
    "DescribeEndpoint": "endpoint/{EndpointName}",
    "DescribeFeatureGroup": "feature-group/{FeatureGroupName}",
    "CreateExperiment": "experiment/{ExperimentName}",
    "DescribeExperiment": "experiment/{ExperimentName}",
    "CreateTrial": "experiment-trial/{TrialName}",
    "DescribeTrial": "experiment-trial/{TrialName}",
    "CreateTrialComponent": "experiment-trial-component/{TrialComponentName}",
    "UpdateTrialComponent": "experiment-trial-component/{TrialComponentName}",
    "DescribeTrialComponent": "experiment-trial-component/{TrialComponentName}",
}

_RULES: Mapping[tuple[str, str], Rule] = {
    ("s3", "GetObject"): _READ,
    ("s3", "HeadObject"): _several(_READ, _looked_for),
    ("s3", "PutObject"): _WRITE,
    ("s3", "CopyObject"): _copy,
    ("s3", "CreateMultipartUpload"): _PART,
    ("s3", "UploadPart"): _PART,
    ("s3", "CompleteMultipartUpload"): _PART,
    ("s3", "AbortMultipartUpload"): _object("AbortMultipartUpload"),
    ("s3", "DeleteObject"): _object("DeleteObject"),
    ("s3", "DeleteObjects"): _delete_many,
    ("s3", "ListObjectsV2"): _bucket("ListBucket"),
    ("s3", "ListObjects"): _bucket("ListBucket"),
    ("s3", "HeadBucket"): _bucket("ListBucket"),
    ("s3", "GetBucketLocation"): _bucket("GetBucketLocation"),
    **{("sagemaker", name): _named("sagemaker", name, resource) for name, resource in _SAGEMAKER.items()},
    ("sagemaker", "CreateModelPackage"): _create_version,
    ("sagemaker", "ListModelPackages"): _list_versions,
    ("sagemaker", "AddTags"): _tagged,
    **{
        ("sagemaker-featurestore-runtime", name): _records(name)
        for name in ("GetRecord", "PutRecord", "DeleteRecord", "BatchGetRecord")
    },
    ("sagemaker-runtime", "InvokeEndpoint"): _named("sagemaker", "InvokeEndpoint", "endpoint/{EndpointName}"),
    ("secretsmanager", "GetSecretValue"): _named("secretsmanager", "GetSecretValue", "secret:{SecretId}-AbCdEf"),
    ("lambda", "GetAlias"): _alias,
    ("codedeploy", "CreateDeployment"): _deployment,
    ("sns", "Publish"): _named("sns", "Publish", "{TopicArn}"),
    ("sts", "GetCallerIdentity"): _nothing,
    ("states", "StartExecution"): _named("states", "StartExecution", "stateMachine:{stateMachineArn}"),
    ("stepfunctions", "StartExecution"): _named("states", "StartExecution", "stateMachine:{stateMachineArn}"),
    ("ecr", "GetAuthorizationToken"): _named("ecr", "GetAuthorizationToken", "*"),
    ("ecr", "DescribeImages"): _named("ecr", "DescribeImages", "repository/{repositoryName}"),
    ("ecr", "DescribeImageScanFindings"): _named("ecr", "DescribeImageScanFindings", "repository/{repositoryName}"),
    ("ecr", "BatchGetImage"): _named("ecr", "BatchGetImage", "repository/{repositoryName}"),
    ("codepipeline", "ListActionExecutions"): _named("codepipeline", "ListActionExecutions", "{pipelineName}"),
    ("codepipeline", "StartPipelineExecution"): _named("codepipeline", "StartPipelineExecution", "{name}"),
}
"""(Service, operation), as botocore names them -> what it takes."""
