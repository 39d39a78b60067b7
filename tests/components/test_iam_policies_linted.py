"""Every policy that the AWS slice renders, read by cfn-lint: are the actions real, and the resources theirs?

cfn-lint knows the actions of each service and the ARNs that each takes. It reads CloudFormation, so each document is
put into a template of the resource that would carry it, with ARNs as AWS makes them in place of the plan's tokens. It
runs in an environment of its own, because it brings 140 MB that nothing else here needs.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from mlops_components.experiment_tracking.sagemaker_mlflow import ARTIFACT_FOLDER, SERVICE, SageMakerMlflow
from mlops_components.foundation.aws.foundation import AwsFoundation, AwsSharedFoundation
from mlops_components.grants import AwsGrant
from mlops_components.identity.aws import AwsIdentity, AwsIdentityArgs
from mlops_components.model_registry.sagemaker import SageMakerModelRegistry

pytest_plugins = ["aws_plans"]

HERE = "arn:aws:{service}:eu-central-1:111122223333:{resource}"
OTHER = "444455556666"
OWN = Path(__file__).parents[2] / ".venvs" / "cfn-lint" / "bin" / "cfn-lint"
LINTER = str(OWN) if OWN.exists() else shutil.which("cfn-lint")
needs_linter = pytest.mark.skipif(
    LINTER is None, reason="cfn-lint is neither in .venvs/cfn-lint nor on PATH; `pip install cfn-lint==1.58.0` there"
)
# Whether to keep a resource is asked of templates; here Pulumi's lifecycle says it.
IGNORED = ("I3011", "W3011")


def the_whole_slice(place: Callable[..., Any], flavour: str) -> Callable[[pulumi.ResourceOptions], None]:
    """A program with every policy of the slice: roles with all grants, other accounts, a service that uses the key."""

    def build(options: pulumi.ResourceOptions) -> None:
        shared = AwsSharedFoundation(
            "shared",
            {
                "placement": place("shared"),
                "reader_account_ids": [OTHER],
                "function_account_ids": [OTHER],
                "keep_tagged": 50,
            },
            options,
        )
        foundation = AwsFoundation(
            "foundation",
            {"placement": place(), "reader_account_ids": [OTHER], "key_services": ["sns.amazonaws.com"]},
            options,
        )
        registry = SageMakerModelRegistry(
            "registry",
            {"placement": place("shared"), "models": ["delay", "price_eu"], "reader_account_ids": [OTHER]},
            options,
        )

        def identity(purpose: str, grants: list[AwsGrant]) -> AwsIdentityArgs:
            return {
                "placement": place(),
                "purpose": purpose,
                "on_behalf_of": "experiment_tracking",
                "services": [SERVICE],
                "grants": grants,
            }

        grants = foundation.grant_artifacts_write(ARTIFACT_FOLDER)
        role = AwsIdentity("service", identity("tracking", grants), options)
        tracking: Any = {
            "placement": place(),
            "models": ["delay"],
            "artifact_root": foundation.artifact_root,
            "role_arn": role.role_arn,
            "flavour": flavour,
        }
        mlflow = SageMakerMlflow("tracking", tracking, options)
        everything = [
            *foundation.grant_artifacts_read("runs"),
            *foundation.grant_data_write(),
            *foundation.grant_capture_read(),
            *shared.grant_images_push(),
            *mlflow.grant_track(),
            *registry.grant_register("delay"),
            *registry.grant_deploy("price_eu"),
        ]
        AwsIdentity("pipeline", identity("training", everything), options)

    return build


def arn_of(resource: Any) -> str:
    """An ARN as AWS would make it."""
    inputs, kind = resource.inputs, resource.type.rsplit(":", 1)[-1]
    if kind == "Bucket":
        return f"arn:aws:s3:::{inputs['bucket']}"
    made = {
        "Key": ("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab"),
        "Repository": ("ecr", f"repository/{inputs.get('name')}"),
        "ModelPackageGroup": ("sagemaker", f"model-package-group/{inputs.get('modelPackageGroupName')}"),
        "MlflowApp": ("sagemaker", "mlflow-app/app-ABCDEFGHIJKL"),
        "MlflowTrackingServer": ("sagemaker", f"mlflow-tracking-server/{inputs.get('trackingServerName')}"),
    }
    service, name = made[kind]
    return HERE.format(service=service, resource=name)


def template(plan: Any) -> dict[str, Any]:
    """The CloudFormation template that carries every policy document of a plan."""
    arns = {f"${{{resource.urn}#arn}}": resource for resource in plan.custom()}

    def plain(text: str) -> Any:
        return json.loads(re.sub(r"\$\{[^}]*#arn\}", lambda found: arn_of(arns[found[0]]), text))

    bodies: dict[str, Callable[[Any], tuple[str, dict[str, Any]]]] = {
        "Key": lambda i: ("AWS::KMS::Key", {"KeyPolicy": plain(i["policy"])}),
        "BucketPolicy": lambda i: (
            "AWS::S3::BucketPolicy",
            {"Bucket": i["bucket"], "PolicyDocument": plain(i["policy"])},
        ),
        "RepositoryPolicy": lambda i: ("AWS::ECR::Repository", {"RepositoryPolicyText": plain(i["policy"])}),
        "LifecyclePolicy": lambda i: (
            "AWS::ECR::Repository",
            {"LifecyclePolicy": {"LifecyclePolicyText": i["policy"]}},
        ),
        "Role": lambda i: (
            "AWS::IAM::Role",
            {"RoleName": i["name"], "AssumeRolePolicyDocument": plain(i["assumeRolePolicy"])},
        ),
        "RolePolicy": lambda i: (
            "AWS::IAM::Policy",
            {"PolicyName": i["name"], "Roles": [i["role"]], "PolicyDocument": plain(i["policy"])},
        ),
        "ModelPackageGroupPolicy": lambda i: (
            "AWS::SageMaker::ModelPackageGroup",
            {
                "ModelPackageGroupName": i["modelPackageGroupName"],
                "ModelPackageGroupPolicy": plain(i["resourcePolicy"]),
            },
        ),
    }
    resources = {}
    for resource in plan.custom():
        body = bodies.get(resource.type.rsplit(":", 1)[-1])
        if body is not None:
            kind, properties = body(resource.inputs)
            resources[re.sub(r"\W|_", "", resource.name.title())] = {"Type": kind, "Properties": properties}
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def complaints(document: dict[str, Any], folder: Path) -> list[str]:
    """What cfn-lint has against a template."""
    file = folder / "template.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    assert LINTER is not None
    command = [
        LINTER,
        "--format",
        "json",
        "--include-checks",
        "I",
        "--ignore-checks",
        *IGNORED,
        "--template",
        str(file),
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert run.stdout, run.stderr
    return [
        f"{found['Rule']['Id']} {'/'.join(map(str, found['Location']['Path']))}: {found['Message']}"
        for found in json.loads(run.stdout)
    ]


@needs_linter
@pytest.mark.parametrize("flavour", ["app", "server"])
def test_every_policy_names_real_actions_on_resources_of_theirs(
    flavour: str, plan_aws: Callable[..., Any], place: Callable[..., Any], tmp_path: Path
) -> None:
    document = template(plan_aws(the_whole_slice(place, flavour)))
    kinds = {resource["Type"] for resource in document["Resources"].values()}
    assert len(kinds) == 6
    assert len(document["Resources"]) == 14
    assert complaints(document, tmp_path) == []


@needs_linter
def test_the_linter_would_notice(plan_aws: Callable[..., Any], place: Callable[..., Any], tmp_path: Path) -> None:
    document = template(plan_aws(the_whole_slice(place, "app")))
    policy = document["Resources"]["PipelinePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    policy.append({"Effect": "Allow", "Action": ["s3:GetObjects"], "Resource": ["arn:aws:s3:::b/*"]})
    policy.append({"Effect": "Allow", "Action": ["ecr:PutImage"], "Resource": ["arn:aws:s3:::b/*"]})
    found = complaints(document, tmp_path)
    assert [complaint.split(" ")[0] for complaint in found] == ["I3510", "W3037"]
