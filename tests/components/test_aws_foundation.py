"""The foundation on AWS: exact resources, closed buckets, and access that is described rather than given."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from mlops_components.args import ArgsError
from mlops_components.foundation.aws.foundation import AwsFoundation, AwsSharedFoundation
from mlops_components.grants import AwsGrant

pytest_plugins = ["aws_plans"]

Plans = Callable[..., Any]
SETTINGS = {
    "": "Bucket",
    "-encryption": "BucketServerSideEncryptionConfiguration",
    "-lifecycle": "BucketLifecycleConfiguration",
    "-ownership": "BucketOwnershipControls",
    "-policy": "BucketPolicy",
    "-public-access": "BucketPublicAccessBlock",
    "-versioning": "BucketVersioning",
}
LOGGED = {**SETTINGS, "-logging": "BucketLogging"}
KEY = {"foundation-key": "Key", "foundation-key-alias": "Alias"}
TRAIL = {"foundation-trail": "Trail"}
OTHER = "444455556666"


def bucket(purpose: str, settings: dict[str, str]) -> dict[str, str]:
    return {f"foundation-{purpose}{ending}": token for ending, token in settings.items()}


def foundation(plan_aws: Plans, place: Plans, *, findings: frozenset[str] = frozenset(), **args: Any) -> Any:
    def build(options: pulumi.ResourceOptions) -> dict[str, Any]:
        given: Any = {"placement": place(), **args}
        made = AwsFoundation("foundation", given, options)
        return {output: getattr(made, output) for output in AwsFoundation.__annotations__}

    return plan_aws(build, findings=findings)


def test_by_default_there_are_a_key_four_buckets_and_a_trail(plan_aws: Plans, place: Plans) -> None:
    plan = foundation(plan_aws, place)
    assert plan.types() == {
        **KEY,
        **TRAIL,
        **bucket("logs", SETTINGS),
        **bucket("artifacts", LOGGED),
        **bucket("data", LOGGED),
        **bucket("capture", LOGGED),
    }
    assert {resource.stage for resource in plan.custom()} == {"foundation"}
    assert {resource.platform for resource in plan.custom()} == {"aws"}
    assert plan.resource("foundation-artifacts").inputs["bucket"] == "shop-dev-artifacts-111122223333"
    assert plan.outputs["artifact_root"] == "s3://shop-dev-artifacts-111122223333"
    assert plan.outputs["data_root"] == "s3://shop-dev-data-111122223333"
    assert plan.outputs["capture_root"] == "s3://shop-dev-capture-111122223333"
    assert plan.outputs["log_bucket_name"] == "shop-dev-logs-111122223333"
    assert plan.outputs["key_arn"] == plan.token("foundation-key")
    assert plan.outputs["artifact_bucket_arn"] == plan.token("foundation-artifacts")


@pytest.mark.parametrize("purpose", ["artifacts", "data", "capture", "logs"])
def test_every_bucket_is_private_versioned_and_behind_tls(purpose: str, plan_aws: Plans, place: Plans) -> None:
    plan = foundation(plan_aws, place)
    arn = plan.token(f"foundation-{purpose}")
    block = plan.resource(f"foundation-{purpose}-public-access").inputs
    ways = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert all(block[way] is True for way in ways)
    ownership = plan.resource(f"foundation-{purpose}-ownership").inputs
    assert ownership["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
    versioning = plan.resource(f"foundation-{purpose}-versioning").inputs
    assert versioning["versioningConfiguration"] == {"status": "Enabled"}
    statements = plan.statements(f"foundation-{purpose}-policy")
    for sid, condition in (
        ("RefusePlainHttp", {"Bool": {"aws:SecureTransport": "false"}}),
        ("RefuseOldTls", {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
    ):
        assert statements[sid] == {
            "Sid": sid,
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": ["s3:*"],
            "Resource": [arn, f"{arn}/*"],
            "Condition": condition,
        }
    logs = {"AccessLogs", "TrailLooksAtTheBucket", "TrailWrites"}
    assert set(statements) == {"RefusePlainHttp", "RefuseOldTls"} | (logs if purpose == "logs" else set())


@pytest.mark.parametrize("purpose", ["artifacts", "data", "capture"])
def test_buckets_use_the_key_and_log_to_the_log_bucket(purpose: str, plan_aws: Plans, place: Plans) -> None:
    plan = foundation(plan_aws, place)
    assert plan.resource(f"foundation-{purpose}-encryption").inputs["rules"] == [
        {
            "applyServerSideEncryptionByDefault": {
                "sseAlgorithm": "aws:kms",
                "kmsMasterKeyId": plan.token("foundation-key"),
            },
            "bucketKeyEnabled": True,
        }
    ]
    logging = plan.resource(f"foundation-{purpose}-logging")
    assert logging.inputs["targetBucket"] == "shop-dev-logs-111122223333"
    assert logging.inputs["targetPrefix"] == f"s3/{purpose}/"
    assert plan.resource("foundation-logs-policy").urn in logging.dependencies


def test_the_log_bucket_takes_logs_of_its_own_buckets_only(plan_aws: Plans, place: Plans) -> None:
    plan = foundation(plan_aws, place, data={"choice": "adopt", "name": "lake"})
    statement = plan.statements("foundation-logs-policy")["AccessLogs"]
    assert statement["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert statement["Resource"] == [plan.token("foundation-logs") + "/s3/*"]
    assert statement["Condition"] == {
        "ArnLike": {
            "aws:SourceArn": [
                "arn:aws:s3:::shop-dev-artifacts-111122223333",
                "arn:aws:s3:::shop-dev-capture-111122223333",
            ]
        },
        "StringEquals": {"aws:SourceAccount": "111122223333"},
    }
    # S3 cannot deliver access logs to a bucket that is encrypted with a key of one's own.
    rule = plan.resource("foundation-logs-encryption").inputs["rules"][0]
    assert rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "AES256"


def test_changes_of_access_follow_one_another(plan_aws: Plans, place: Plans) -> None:
    plan = foundation(plan_aws, place)

    def waits(name: str, other: str) -> bool:
        return plan.resource(other).urn in plan.resource(name).dependencies

    assert waits("foundation-data-public-access", "foundation-data-ownership")
    assert waits("foundation-data-policy", "foundation-data-public-access")
    assert waits("foundation-data-lifecycle", "foundation-data-versioning")


@pytest.mark.parametrize(
    ("args", "expiry"),
    [
        ({}, {"artifacts": None, "data": None, "capture": 90, "logs": 365}),
        (
            {"data": {"expire_days": 30}, "capture": {"expire_days": None}, "logs": {"expire_days": 10}},
            {"artifacts": None, "data": 30, "capture": None, "logs": 10},
        ),
    ],
)
def test_objects_expire_as_asked(args: Any, expiry: dict[str, int | None], plan_aws: Plans, place: Plans) -> None:
    plan = foundation(plan_aws, place, old_versions_days=12, **args)
    for purpose, days in expiry.items():
        rules = {rule["id"]: rule for rule in plan.resource(f"foundation-{purpose}-lifecycle").inputs["rules"]}
        assert rules["old-versions"]["noncurrentVersionExpiration"] == {"noncurrentDays": 12}
        assert rules["old-versions"]["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}
        assert rules.get("expiry", {}).get("expiration", {}).get("days") == days


def test_the_key_rotates_and_trusts_the_account_alone(plan_aws: Plans, place: Plans) -> None:
    plan = foundation(plan_aws, place, trail={"choice": "skip"})
    key = plan.resource("foundation-key").inputs
    assert (key["enableKeyRotation"], key["rotationPeriodInDays"], key["deletionWindowInDays"]) == (True, 365, 30)
    assert plan.resource("foundation-key-alias").inputs["name"] == "alias/shop-dev"
    (statement,) = plan.document("foundation-key")["Statement"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    assert not [action for action in statement["Action"] if "*" in action]
    # Without these two nobody could ever mend the policy or use the key.
    assert {"kms:PutKeyPolicy", "kms:GenerateDataKey"} <= set(statement["Action"])


def test_services_and_other_accounts_use_the_key_on_conditions(plan_aws: Plans, place: Plans) -> None:
    plan = foundation(plan_aws, place, key_services=["sns.amazonaws.com"], reader_account_ids=[OTHER, "111122223333"])
    statements = plan.statements("foundation-key")
    assert statements["ServicesForThisAccount"]["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}
    assert statements["ServicesForThisAccount"]["Principal"] == {"Service": ["sns.amazonaws.com"]}
    readers = statements["ReadersThroughS3"]
    assert readers["Principal"] == {"AWS": [f"arn:aws:iam::{OTHER}:root"]}
    assert readers["Action"] == ["kms:Decrypt", "kms:DescribeKey"]
    assert readers["Condition"] == {"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}
    assert plan.statements("foundation-artifacts-policy")["Readers"]["Action"] == ["s3:GetObject"]
    assert "Readers" not in plan.statements("foundation-data-policy")


def test_the_partition_follows_the_region(plan_aws: Plans, place: Plans) -> None:
    plan = foundation(plan_aws, lambda: place(region="cn-north-1"))
    assert plan.statements("foundation-key")["AccountDecidesByItsOwnPolicies"]["Principal"] == {
        "AWS": "arn:aws-cn:iam::111122223333:root"
    }


def test_an_adopted_key_and_bucket_are_referred_to_and_left_alone(plan_aws: Plans, place: Plans) -> None:
    arn = f"arn:aws:kms:eu-central-1:{OTHER}:key/1"
    plan = foundation(plan_aws, place, key={"choice": "adopt", "arn": arn}, data={"choice": "adopt", "name": "lake"})
    assert plan.types() == {
        **TRAIL,
        **bucket("logs", SETTINGS),
        **bucket("artifacts", LOGGED),
        **bucket("capture", LOGGED),
    }
    rule = plan.resource("foundation-artifacts-encryption").inputs["rules"][0]
    assert rule["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"] == arn
    assert plan.outputs["key_arn"] == arn
    assert plan.outputs["data_root"] == "s3://lake"
    assert plan.outputs["data_bucket_arn"] == "arn:aws:s3:::lake"


def test_what_is_skipped_goes_into_the_artifacts_bucket(plan_aws: Plans, place: Plans) -> None:
    skip = {"choice": "skip"}
    plan = foundation(
        plan_aws,
        place,
        key=skip,
        data=skip,
        capture=skip,
        logs=skip,
        trail=skip,
        findings=frozenset({"bucket-encryption"}),
    )
    assert plan.types() == bucket("artifacts", SETTINGS)
    rule = plan.resource("foundation-artifacts-encryption").inputs["rules"][0]
    assert rule == {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
    assert plan.outputs["data_root"] == "s3://shop-dev-artifacts-111122223333/data"
    assert plan.outputs["capture_root"] == "s3://shop-dev-artifacts-111122223333/capture"
    assert (plan.outputs["key_arn"], plan.outputs["log_bucket_name"]) == ("", "")


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ({"artifacts": {"choice": "skip"}}, "'artifacts' cannot be skipped"),
        ({"data": {"choice": "adopt"}}, "'data.name' is missing; write its name"),
        ({"key": {"choice": "adopt"}}, "'key.arn' is missing; write the ARN"),
        ({"logs": {"choice": "skip"}}, "the trail has nowhere to be kept"),
        ({"trail": {"choice": "adopt"}}, "'trail.arn' is missing"),
        ({"budget": {"monthly_usd": 1.0}}, "nobody is told of it"),
        ({"topics": {"gossip": {"emails": []}}}, "'topics' names 'gossip'"),
        ({"network": {"choice": "create", "cidr": "10.0.0.0/16", "zones": ["a"]}}, "name 2 to 8"),
        ({"network": {"choice": "create", "cidr": "10.0.0.0/8", "zones": ["a", "b"]}}, "is a /8"),
        ({"network": {"choice": "create", "cidr": "10.0.0.1/16", "zones": ["a", "b"]}}, "is not a network"),
        ({"network": {"choice": "adopt"}}, "write 'network.vpc_id'"),
        ({"data": {"choice": "borrow"}}, "'data.choice' is text; write one of 'create', 'adopt', 'skip'"),
        ({"buckets": {}}, "'buckets' is not a key of AwsFoundationArgs"),
    ],
)
def test_what_cannot_be_is_refused_in_words(args: Any, sentence: str, plan_aws: Plans, place: Plans) -> None:
    with pytest.raises(ArgsError, match=sentence):
        foundation(plan_aws, place, **args)


@pytest.mark.parametrize(
    ("lifecycle", "option"), [("delete", None), ("retain", "retainOnDelete"), ("protect", "protect")]
)
def test_only_what_holds_data_has_a_lifecycle(
    lifecycle: str, option: str | None, plan_aws: Plans, place: Plans
) -> None:
    plan = foundation(plan_aws, place, lifecycle=lifecycle)
    marked = {
        resource.name: mark
        for resource in plan.custom()
        for mark in ("retainOnDelete", "protect")
        if resource.options.get(mark)
    }
    stateful = ("key", "logs", "artifacts", "data", "capture")
    assert marked == ({f"foundation-{what}": option for what in stateful} if option else {})
    assert plan.resource("foundation-data").inputs.get("forceDestroy", False) is (lifecycle == "delete")


def test_a_retained_bucket_stays_as_closed_as_it_was(plan_aws: Plans, place: Plans) -> None:
    plan = foundation(plan_aws, place)
    for ending in LOGGED:
        if ending:
            setting = plan.resource(f"foundation-data{ending}")
            assert setting.options["deletedWith"] == plan.resource("foundation-data").urn


def granted(plan_aws: Plans, place: Plans, ask: Callable[[AwsFoundation], list[AwsGrant]], **args: Any) -> Any:
    def build(options: pulumi.ResourceOptions) -> dict[str, Any]:
        given: Any = {"placement": place(), **args}
        return {"grants": ask(AwsFoundation("foundation", given, options))}

    plan = plan_aws(build)
    return plan, plan.outputs["grants"]


def test_a_read_grant_lists_reads_and_decrypts_one_folder(plan_aws: Plans, place: Plans) -> None:
    plan, grants = granted(plan_aws, place, lambda made: made.grant_artifacts_read("runs"))
    arn = plan.token("foundation-artifacts")
    assert grants == [
        {
            "actions": ["s3:ListBucket"],
            "resources": [arn],
            "conditions": {"StringLike": {"s3:prefix": ["runs", "runs/*"]}},
        },
        {"actions": ["s3:GetObject"], "resources": [f"{arn}/runs/*"]},
        {
            "actions": ["kms:Decrypt"],
            "resources": [plan.token("foundation-key")],
            "conditions": {"StringEquals": {"kms:ViaService": ["s3.eu-central-1.amazonaws.com"]}},
        },
    ]


def test_a_write_grant_on_a_skipped_bucket_stays_in_its_folder(plan_aws: Plans, place: Plans) -> None:
    plan, grants = granted(plan_aws, place, lambda made: made.grant_capture_write("delay"), capture={"choice": "skip"})
    objects = [grant for grant in grants if "s3:PutObject" in grant["actions"]]
    assert [grant["resources"] for grant in objects] == [[plan.token("foundation-artifacts") + "/capture/delay/*"]]
    assert [grant["actions"] for grant in grants if "kms:GenerateDataKey" in grant["actions"]] == [
        ["kms:Decrypt", "kms:GenerateDataKey"]
    ]


def shared(plan_aws: Plans, place: Plans, **args: Any) -> Any:
    def build(options: pulumi.ResourceOptions) -> dict[str, Any]:
        given: Any = {"placement": place("shared"), **args}
        made = AwsSharedFoundation("shared", given, options)
        outputs = {output: getattr(made, output) for output in AwsSharedFoundation.__annotations__}
        return {**outputs, "pull": made.grant_images_pull(), "push": made.grant_images_push()}

    return plan_aws(build)


def test_the_shared_scope_has_a_key_and_one_repository(plan_aws: Plans, place: Plans) -> None:
    plan = shared(plan_aws, place)
    assert plan.types() == {
        "shared-key": "Key",
        "shared-key-alias": "Alias",
        "shared-images": "Repository",
        "shared-images-lifecycle": "LifecyclePolicy",
    }
    repository = plan.resource("shared-images").inputs
    assert repository["name"] == "shop-shared-images"
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert repository["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": plan.token("shared-key")}]
    assert plan.outputs["repository_url"] == plan.token("shared-images", "repositoryUrl")
    (rule,) = plan.document("shared-images-lifecycle")["rules"]
    assert rule["selection"]["tagStatus"] == "untagged"


def test_other_accounts_may_pull_images_and_nothing_else(plan_aws: Plans, place: Plans) -> None:
    plan = shared(plan_aws, place, reader_account_ids=[OTHER, "111122223333"], keep_tagged=50)
    (statement,) = plan.document("shared-images-policy")["Statement"]
    assert statement["Principal"] == {"AWS": [f"arn:aws:iam::{OTHER}:root"]}
    assert statement["Action"] == ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    kept = plan.document("shared-images-lifecycle")["rules"][1]["selection"]
    assert (kept["tagStatus"], kept["countType"], kept["countNumber"]) == ("tagged", "imageCountMoreThan", 50)
    assert {"ecr:PutImage"} <= set(plan.outputs["push"][0]["actions"])
    assert "ecr:PutImage" not in plan.outputs["pull"][0]["actions"]
    assert plan.outputs["pull"][1] == {"actions": ["ecr:GetAuthorizationToken"], "resources": ["*"]}


def test_lambda_retrieves_images_for_the_functions_of_named_accounts(plan_aws: Plans, place: Plans) -> None:
    here = "111122223333"
    plan = shared(plan_aws, place, reader_account_ids=[OTHER, here], function_account_ids=[OTHER, here])
    statement = plan.statements("shared-images-policy")["LambdaRetrieves"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert statement["Action"] == ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    functions = [f"arn:aws:lambda:eu-central-1:{account}:function:*" for account in sorted([here, OTHER])]
    assert statement["Condition"] == {"ArnLike": {"aws:SourceArn": functions}}
    alone = shared(plan_aws, place, function_account_ids=[here])
    assert list(alone.statements("shared-images-policy")) == ["LambdaRetrieves"]
