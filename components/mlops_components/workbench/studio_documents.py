"""What the workbench writes for Studio: who may do what in a domain, and what runs when JupyterLab starts."""

import base64
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Optional

from jinja2 import Environment, StrictUndefined

from mlops_components.grants import document, statement
from mlops_components.placement import AwsPlacement, aws_partition

CONTENT_LIMIT = 16_384
"""The longest content of a lifecycle configuration, in base64. SageMaker API, `StudioLifecycleConfigContent`."""
_LOGS = "log-group:/aws/sagemaker/studio"
"""Where Studio puts the logs of applications."""


def start_script(variables: Mapping[str, str], script: Optional[str]) -> str:
    """Return what runs when JupyterLab starts, in base64, as SageMaker takes it."""
    source = files(__package__).joinpath("templates", "studio_start.sh.j2").read_text(encoding="utf-8")
    # A shell script, not a page: what goes in is quoted by the script itself.
    template = Environment(undefined=StrictUndefined, autoescape=False, trim_blocks=True).from_string(source)  # noqa: S701
    text = template.render(variables=json.dumps(dict(variables), indent=2, sort_keys=True), script=script)
    return base64.b64encode(text.encode()).decode()


def user_policy(placement: AwsPlacement, domain: str, profile: str, instance_types: Sequence[str]) -> str:
    """Return what a person may do in the domain: open and run private spaces of their own, on these machines.

    Source: SageMaker Developer Guide, "Give your users access to spaces", without shared spaces.
    """
    own = {
        "ArnLike": {"sagemaker:OwnerUserProfileArn": _arn(placement, f"user-profile/{domain}/{profile}")},
        "StringEquals": {"sagemaker:SpaceSharingType": "Private"},
    }
    # A request that names no machine gets the domain's own, which is one of these.
    sized = {**own, "ForAllValues:StringEquals": {"sagemaker:InstanceTypes": ["system", *instance_types]}}
    spaces, apps = _arn(placement, f"space/{domain}/*"), _arn(placement, f"app/{domain}/*")
    statements: list[dict[str, Any]] = [
        *_openings(placement, domain, profile),
        statement(
            "Allow",
            ["sagemaker:ListApps", "sagemaker:ListDomains", "sagemaker:ListSpaces", "sagemaker:ListUserProfiles"],
            ["*"],
        ),
        statement("Allow", ["sagemaker:DescribeApp", "sagemaker:DescribeSpace"], [apps, spaces]),
        statement(
            "Allow",
            ["sagemaker:CreateSpace", "sagemaker:DeleteSpace", "sagemaker:UpdateSpace"],
            [spaces],
            conditions=own,
        ),
        statement("Allow", ["sagemaker:CreateApp"], [apps], conditions=sized),
        statement("Allow", ["sagemaker:DeleteApp"], [apps], conditions=own),
        # Studio tags what it makes, and may tag nothing else.
        statement(
            "Allow",
            ["sagemaker:AddTags"],
            [apps, spaces],
            conditions={"Null": {"sagemaker:TaggingAction": "false"}},
        ),
    ]
    return document(statements)


def opening_policy(placement: AwsPlacement, domain: str, profile: str) -> str:
    """Return what opens Studio as one person, and does nothing else."""
    return document(_openings(placement, domain, profile))


def logs_policy(placement: AwsPlacement) -> str:
    """Return what lets Studio write the logs of applications."""
    group = _arn(placement, _LOGS, service="logs")
    actions = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return document([statement("Allow", actions, [group, f"{group}:*"])])


def _openings(placement: AwsPlacement, domain: str, profile: str) -> list[dict[str, Any]]:
    person = _arn(placement, f"user-profile/{domain}/{profile}")
    return [
        statement("Allow", ["sagemaker:CreatePresignedDomainUrl", "sagemaker:DescribeUserProfile"], [person]),
        statement("Allow", ["sagemaker:DescribeDomain"], [_arn(placement, f"domain/{domain}")]),
    ]


def _arn(placement: AwsPlacement, resource: str, service: str = "sagemaker") -> str:
    where = f"{placement['region']}:{placement['account_id']}"
    return f"arn:{aws_partition(placement['region'])}:{service}:{where}:{resource}"
