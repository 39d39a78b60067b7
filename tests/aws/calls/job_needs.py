"""What SageMaker does as the role that a job is given, read off the job's request.

Source: SageMaker Developer Guide, "How to use SageMaker execution roles", the sections on the roles of
CreateProcessingJob, CreateTrainingJob and CreateModel: what each needs always, and what besides with a network of one's
own, with encrypted input, and with keys for output and volumes. For S3's part in keys: as in `call_needs`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from call_needs import Place
from call_policies import Need

_IMAGE = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/([^@:]+)")
_S3 = re.compile(r"s3://([a-z0-9.-]+)/?([\w./=-]*)")
_CODE = ("environment", "containerarguments", "containerentrypoint", "hyperparameters", "tags")
"""What the code reads from these is the code's own doing, and recorded."""
Leaf = tuple[tuple[str, ...], Any]


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Every value of a request with its path in lower case; joined texts as one, what a run chooses as `x`."""
    if isinstance(value, Mapping):
        if "Std:Join" in value:
            yield path, "".join(one if isinstance(one, str) else "x" for one in value["Std:Join"]["Values"])
        else:
            for name, one in value.items():
                yield from leaves(one, (*path, name.removesuffix(".$").lower()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from leaves(one, path)
    else:
        yield path, value


def job_needs(request: Mapping[str, Any], log_group: str, place: Place, *, measures: str = "") -> Iterator[Need]:
    """Everything that a job with this request takes; its logs lie in `log_group`, its measures have that name too."""
    yield from log_needs(log_group, place)
    yield Need("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": measures or log_group})
    for path, value in leaves(request):
        if isinstance(value, str) and not any(part in _CODE for part in path):
            yield from image_needs(value)
            yield from _s3_needs(path, value, place)
            yield from _key_needs(path, value)
    yield from network_needs(request, place)


def log_needs(group: str, place: Place) -> Iterator[Need]:
    """To write logs; CloudWatch Logs ends the ARN of a group with `:log-stream:` and the stream, if there is one."""
    arn = place.arn("logs", f"log-group:{group}:log-stream:")
    yield Need("logs:CreateLogGroup", arn)
    yield Need("logs:DescribeLogStreams", arn)
    for action in ("CreateLogStream", "PutLogEvents"):
        yield Need(f"logs:{action}", f"{arn}a-stream")


def image_needs(image: str) -> Iterator[Need]:
    """To pull an image, from whosever registry: two accounts must both allow it."""
    found = _IMAGE.match(image)
    if found:
        account, region, name = found.groups()
        for action in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer"):
            yield Need(f"ecr:{action}", f"arn:aws:ecr:{region}:{account}:repository/{name}")
        yield Need("ecr:GetAuthorizationToken", "*")


def network_needs(request: Mapping[str, Any], place: Place) -> Iterator[Need]:
    """To put network interfaces into subnets of one's own."""
    found = list(leaves(request))
    subnets = {str(value) for path, value in found if path[-1:] in (("subnets",), ("subnetids",))}
    groups = {str(value) for path, value in found if path[-1:] == ("securitygroupids",)}
    for subnet in sorted(subnets):
        inside = {"ec2:Subnet": place.arn("ec2", f"subnet/{subnet}")}
        interface = place.arn("ec2", "network-interface/eni-0123456789abcdef0")
        for action in ("CreateNetworkInterface", "CreateNetworkInterfacePermission"):
            yield Need(f"ec2:{action}", interface, inside)
            yield Need(f"ec2:{action.replace('Create', 'Delete')}", interface, inside)
        yield Need("ec2:CreateNetworkInterface", inside["ec2:Subnet"])
    for group in sorted(groups):
        yield Need("ec2:CreateNetworkInterface", place.arn("ec2", f"security-group/{group}"))
    if subnets:
        for noun in ("NetworkInterfaces", "Vpcs", "DhcpOptions", "Subnets", "SecurityGroups"):
            yield Need(f"ec2:Describe{noun}", "*")


def read_needs(uri: str, place: Place, *, listing: bool = True) -> Iterator[Need]:
    """To read an object, or whatever lies in a folder."""
    for bucket, key in _S3.findall(uri):
        file = "." in key.rsplit("/", 1)[-1]
        yield Need("s3:GetObject", f"arn:aws:s3:::{bucket}/{key if file else key.rstrip('/') + '/x'}")
        if listing:
            yield Need("s3:ListBucket", f"arn:aws:s3:::{bucket}", {"s3:prefix": key})
        yield from through_s3("kms:Decrypt", bucket, place)


def write_needs(uri: str, place: Place) -> Iterator[Need]:
    """To write an object into a folder."""
    for bucket, key in _S3.findall(uri):
        yield Need("s3:PutObject", f"arn:aws:s3:::{bucket}/{key.rstrip('/')}/x")
        yield from through_s3("kms:GenerateDataKey", bucket, place)


def through_s3(action: str, bucket: str, place: Place) -> Iterator[Need]:
    """To use the key of a bucket, as S3 does for its caller."""
    if bucket in place.bucket_keys:
        key = place.bucket_keys[bucket]
        context = {"kms:ViaService": f"s3.{place.region}.amazonaws.com"}
        if key in place.key_aliases:
            context["kms:ResourceAliases"] = place.key_aliases[key]
        yield Need(action, key, context)


def grant_needs(key: str) -> Iterator[Need]:
    """To let a service use a key from now on, as for a volume."""
    yield Need("kms:CreateGrant", key, {"kms:GrantIsForAWSResource": "true"})
    yield Need("kms:DescribeKey", key)


def _s3_needs(path: tuple[str, ...], value: str, place: Place) -> Iterator[Need]:
    if "s3://" in value:
        written = any("output" in part or "destination" in part for part in path)
        yield from write_needs(value, place) if written else read_needs(value, place)


def _key_needs(path: tuple[str, ...], value: str) -> Iterator[Need]:
    if path[-1] == "volumekmskeyid":
        yield from grant_needs(value)
    elif path[-1] == "kmskeyid" and any("output" in part for part in path):
        yield Need("kms:Encrypt", value)
