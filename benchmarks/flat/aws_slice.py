"""The resources of benchmarks/aws.yaml as one would write them by hand: plain pulumi_aws, no component, no blueprint.

A test keeps it equal to the composed plan (tests/benchmarks/test_flat_programs.py), so that their times compare.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pulumi
import pulumi_aws as aws
from aws_documents import (
    DEV,
    KEY_ACTIONS,
    LOGGED,
    PROD,
    REGION,
    THROUGH_S3,
    Scope,
    allow,
    bucket_policy,
    by_trail,
    policy,
    root_of,
    tracking_policy,
)
from planning import plan_scopes

from mlops_stacks.plan import ScopePlan

DESCRIPTION = "Will a flight from New York arrive more than 15 minutes late?"


def aws_provider(scope: Scope) -> aws.Provider:
    """The provider of a stack's account."""
    return aws.Provider("aws", region=REGION, allowed_account_ids=[scope.account])


def kms_key(scope: Scope, provider: aws.Provider, *, data: bool) -> aws.kms.Key:
    """A key with rotation, and its alias; where there is data, readers and the trail use it too."""
    statements = [
        allow(
            [f"kms:{action}" for action in KEY_ACTIONS.split()],
            ["*"],
            Sid="AccountDecidesByItsOwnPolicies",
            Principal={"AWS": root_of(scope.account)},
        )
    ]
    if data:
        statements.append(
            allow(
                ["kms:Decrypt", "kms:DescribeKey"],
                ["*"],
                Sid="ReadersThroughS3",
                Principal={"AWS": [root_of(scope.reader)]},
                Condition={"StringEquals": {"kms:ViaService": THROUGH_S3}},
            )
        )
        use = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
        statements.append(by_trail(scope, "TrailOfThisScope", use, "*"))
    key = aws.kms.Key(
        "key",
        description=f"Encrypts what flights keeps in {scope.name}",
        enable_key_rotation=True,
        rotation_period_in_days=365,
        deletion_window_in_days=30,
        policy=policy(*statements),
        tags=scope.tags("foundation"),
        opts=scope.stateful(provider),
    )
    aws.kms.Alias(
        "key-alias",
        name=f"alias/flights-{scope.name}",
        target_key_id=key.key_id,
        opts=pulumi.ResourceOptions(provider=provider),
    )
    return key


def images(scope: Scope, provider: aws.Provider, key: aws.kms.Key) -> aws.ecr.Repository:
    """The image repository, which the other account may pull from."""
    repository = aws.ecr.Repository(
        "images",
        name=f"flights-{scope.name}-images",
        encryption_configurations=[
            aws.ecr.RepositoryEncryptionConfigurationArgs(encryption_type="KMS", kms_key=key.arn)
        ],
        force_delete=False,
        image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
        image_tag_mutability="IMMUTABLE",
        tags=scope.tags("foundation"),
        opts=scope.stateful(provider),
    )
    attached = pulumi.ResourceOptions(provider=provider, deleted_with=repository)
    untagged = {
        "rulePriority": 1,
        "description": "Expire untagged images",
        "selection": {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": 14,
        },
        "action": {"type": "expire"},
    }
    aws.ecr.LifecyclePolicy(
        "images-lifecycle", repository=repository.name, policy=json.dumps({"rules": [untagged]}), opts=attached
    )
    pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    aws.ecr.RepositoryPolicy(
        "images-policy",
        repository=repository.name,
        policy=policy(allow(pull, Sid="EnvironmentsPull", Principal={"AWS": [root_of(scope.reader)]})),
        opts=attached,
    )
    return repository


def model_group(scope: Scope, provider: aws.Provider) -> aws.sagemaker.ModelPackageGroup:
    """The registry's group of the model, which the other account may register in and deploy from; and its card."""
    name = f"flights-{scope.name}-delay"
    group = aws.sagemaker.ModelPackageGroup(
        "models-delay",
        model_package_group_name=name,
        model_package_group_description=DESCRIPTION,
        tags=scope.tags("model_registry"),
        opts=scope.stateful(provider),
    )
    others = {"AWS": [root_of(scope.reader)]}
    versions = f"arn:aws:sagemaker:{REGION}:{scope.account}:model-package/{name}/*"
    deploy = ["CreateModel", "CreateModelPackage", "DescribeModelPackage", "ListModelPackages"]
    deploy = [f"sagemaker:{action}" for action in deploy]
    aws.sagemaker.ModelPackageGroupPolicy(
        "models-delay-policy",
        model_package_group_name=group.model_package_group_name,
        resource_policy=group.arn.apply(
            lambda arn: policy(
                allow(["sagemaker:DescribeModelPackageGroup"], [arn], Sid="ReadGroup", Principal=others),
                allow(deploy, [versions], Sid="RegisterAndDeployVersions", Principal=others),
            )
        ),
        opts=pulumi.ResourceOptions(provider=provider, deleted_with=group),
    )
    tags = scope.tags("model_registry")
    overview = {"model_name": "delay", "model_description": DESCRIPTION, "model_owner": tags["owner"]}
    more = {"custom_details": {"blueprint": "flights", "versions": name}}
    aws.sagemaker.ModelCard(
        "models-delay-card",
        model_card_name=name,
        model_card_status="Draft",
        content=json.dumps({"model_overview": overview, "additional_information": more}),
        tags=tags,
        opts=scope.stateful(provider),
    )
    return group


def bucket(
    scope: Scope,
    provider: aws.Provider,
    purpose: str,
    *,
    key: aws.kms.Key | None,
    expire_days: int | None = None,
) -> tuple[aws.s3.Bucket, aws.s3.BucketPolicy]:
    """A private, encrypted, versioned bucket, and its policy."""
    made = aws.s3.Bucket(
        purpose,
        bucket=scope.bucket(purpose),
        force_destroy=scope.lifecycle == "delete",
        tags=scope.tags("foundation"),
        opts=scope.stateful(provider),
    )

    def attached(*after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(provider=provider, deleted_with=made, depends_on=list(after))

    aws.s3.BucketServerSideEncryptionConfiguration(
        f"{purpose}-encryption",
        bucket=made.bucket,
        rules=[
            aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                apply_server_side_encryption_by_default=(
                    aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                        sse_algorithm="aws:kms" if key else "AES256", kms_master_key_id=key.arn if key else None
                    )
                ),
                bucket_key_enabled=True if key else None,
            )
        ],
        opts=attached(),
    )
    ownership = aws.s3.BucketOwnershipControls(
        f"{purpose}-ownership",
        bucket=made.bucket,
        rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
        opts=attached(),
    )
    block = aws.s3.BucketPublicAccessBlock(
        f"{purpose}-public-access",
        bucket=made.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=attached(ownership),
    )
    access = aws.s3.BucketPolicy(
        f"{purpose}-policy",
        bucket=made.bucket,
        policy=made.arn.apply(lambda arn: bucket_policy(scope, purpose, arn)),
        opts=attached(block),
    )
    versioning = aws.s3.BucketVersioning(
        f"{purpose}-versioning",
        bucket=made.bucket,
        versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
        opts=attached(),
    )
    aws.s3.BucketLifecycleConfiguration(
        f"{purpose}-lifecycle", bucket=made.bucket, rules=expiry_rules(expire_days), opts=attached(versioning)
    )
    return made, access


def expiry_rules(expire_days: int | None) -> list[aws.s3.BucketLifecycleConfigurationRuleArgs]:
    """Old versions go after 90 days, and where wanted everything after `expire_days`."""
    everything = aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix="")
    rules = [
        aws.s3.BucketLifecycleConfigurationRuleArgs(
            id="old-versions",
            status="Enabled",
            filter=everything,
            noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                noncurrent_days=90
            ),
            abort_incomplete_multipart_upload=(
                aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(days_after_initiation=7)
            ),
        )
    ]
    if expire_days is not None:
        expiration = aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=expire_days)
        rules.append(
            aws.s3.BucketLifecycleConfigurationRuleArgs(
                id="expiry", status="Enabled", filter=everything, expiration=expiration
            )
        )
    return rules


def trail(
    scope: Scope,
    provider: aws.Provider,
    logs: tuple[aws.s3.Bucket, aws.s3.BucketPolicy],
    key: aws.kms.Key,
    watched: list[aws.s3.Bucket],
) -> None:
    """A trail of every access to objects of the watched buckets, kept with the other logs."""
    field = aws.cloudtrail.TrailAdvancedEventSelectorFieldSelectorArgs
    objects = [pulumi.Output.concat(each.arn, "/") for each in watched]
    aws.cloudtrail.Trail(
        "trail",
        name=scope.trail,
        s3_bucket_name=logs[0].bucket,
        s3_key_prefix="trail",
        kms_key_id=key.arn,
        enable_log_file_validation=True,
        include_global_service_events=False,
        is_multi_region_trail=False,
        advanced_event_selectors=[
            aws.cloudtrail.TrailAdvancedEventSelectorArgs(
                name="Objects of models and data",
                field_selectors=[
                    field(field="eventCategory", equals=["Data"]),
                    field(field="resources.type", equals=["AWS::S3::Object"]),
                    field(field="resources.ARN", starts_withs=objects),
                ],
            )
        ],
        tags=scope.tags("foundation"),
        opts=pulumi.ResourceOptions(provider=provider, depends_on=[logs[1]]),
    )


def tracking_role(
    scope: Scope, provider: aws.Provider, artifacts: aws.s3.Bucket, key: aws.kms.Key
) -> pulumi.Output[str]:
    """ARN of the role of the tracking server, known once its policy is attached."""
    trust = policy(
        allow(
            ["sts:AssumeRole"],
            Principal={"Service": ["sagemaker.amazonaws.com"]},
        )
    )
    opts = pulumi.ResourceOptions(provider=provider)
    role = aws.iam.Role(
        "tracking-role",
        name=f"flights-{scope.name}-tracking",
        assume_role_policy=trust,
        tags=scope.tags("experiment_tracking"),
        opts=opts,
    )
    grants = aws.iam.RolePolicy(
        "tracking-policy",
        name="grants",
        role=role.name,
        policy=pulumi.Output.all(artifacts.arn, key.arn).apply(lambda arns: tracking_policy(arns[0], arns[1])),
        opts=opts,
    )
    return pulumi.Output.all(role.arn, grants.id).apply(lambda both: str(both[0]))


def shared() -> None:
    """What exists once: image repository and model registry."""
    scope = Scope("shared", DEV, PROD, "retain")
    provider = aws_provider(scope)
    key = kms_key(scope, provider, data=False)
    repository = images(scope, provider, key)
    group = model_group(scope, provider)
    pulumi.export("key_arn", key.arn)
    pulumi.export("repository_arn", repository.arn)
    pulumi.export("repository_name", repository.name)
    pulumi.export("repository_url", repository.repository_url)
    pulumi.export("registered_models", {"delay": group.arn})


def environment(scope: Scope) -> None:
    """Buckets, key and tracking server of an environment."""
    provider = aws_provider(scope)
    key = kms_key(scope, provider, data=True)
    logs, logs_policy = bucket(scope, provider, "logs", key=None, expire_days=400)
    pulumi.export("key_arn", key.arn)
    pulumi.export("logs_bucket", logs.bucket)
    made = {
        purpose: bucket(scope, provider, purpose, key=key, expire_days=90 if purpose == "capture" else None)[0]
        for purpose in LOGGED
    }
    for purpose, each in made.items():
        aws.s3.BucketLogging(
            f"{purpose}-logging",
            bucket=each.bucket,
            target_bucket=logs.bucket,
            target_prefix=f"s3/{purpose}/",
            opts=pulumi.ResourceOptions(provider=provider, deleted_with=each, depends_on=[logs_policy]),
        )
        pulumi.export(f"{purpose}_bucket", each.bucket)
        pulumi.export(f"{purpose}_bucket_arn", each.arn)
        pulumi.export(f"{purpose}_root", pulumi.Output.format("s3://{0}", each.bucket))
    trail(scope, provider, (logs, logs_policy), key, [made["artifacts"], made["data"]])
    app = aws.sagemaker.MlflowApp(
        "tracking",
        name=f"flights-{scope.name}",
        artifact_store_uri=pulumi.Output.format("s3://{0}/mlflow", made["artifacts"].bucket),
        role_arn=tracking_role(scope, provider, made["artifacts"], key),
        account_default_status="DISABLED",
        model_registration_mode="AutoModelRegistrationDisabled",
        weekly_maintenance_window_start="Sun:03:00",
        tags=scope.tags("experiment_tracking"),
        opts=scope.stateful(provider),
    )
    pulumi.export("tracking_uri", app.arn)


def plan() -> tuple[ScopePlan, ...]:
    """The plans of all scopes."""
    scopes = (Scope("dev", DEV, PROD, "delete"), Scope("prod", PROD, DEV, "protect"))
    environments = {scope.name: functools.partial(environment, scope) for scope in scopes}
    return plan_scopes("flights", "aws", Path.cwd(), {"shared": shared, **environments})


if __name__ == "__main__":
    plan()
