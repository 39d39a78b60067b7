"""Every rule beside the provider types: a plan that breaks it and one that does not."""

import json
from typing import Any

import pytest
from plan_builder import findings, plan_of, resource, scope_of, urn_of

from mlops_stacks.checks import RULES, check
from mlops_stacks.plan import SECRET, UNKNOWN, PlannedResource

BUCKET = "aws:s3/bucket:Bucket"
KEY = "aws:kms/key:Key"
POLICY = "aws:iam/policy:Policy"
ROLE = "aws:iam/role:Role"
GROUP = "aws:sagemaker/modelPackageGroup:ModelPackageGroup"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"


def test_every_rule_explains_itself() -> None:
    assert len(RULES) >= 18
    assert all(text and not text.endswith(".") for text in RULES.values())


def test_duplicate_urn() -> None:
    assert findings("duplicate-urn", resource(KEY, "key"), resource(KEY, "other")) == []
    (finding,) = findings("duplicate-urn", resource(KEY, "key"), resource(KEY, "key"))
    assert "2 resources of scope 'dev' are called 'key'" in finding.message


def test_orphan() -> None:
    assert findings("orphan", resource(KEY, "key")) == []
    (finding,) = findings("orphan", resource(KEY, "key", parent="urn:nowhere"))
    assert finding.urn == urn_of(KEY, "key")
    assert findings("orphan", resource(KEY, "key", parent=None))
    assert findings("orphan", resource(KEY, "key", parent=urn_of(KEY, "key")))


def test_dangling_dependency() -> None:
    key = resource(KEY, "key")
    assert findings("dangling-dependency", key, resource(ROLE, "role", dependencies=(key.urn,))) == []
    (finding,) = findings("dangling-dependency", resource(ROLE, "role", dependencies=("urn:gone",)))
    assert "depends on urn:gone" in finding.message
    assert findings("dangling-dependency", resource(ROLE, "role", options={"provider": "urn:gone"}))


def test_default_provider() -> None:
    assert findings("default-provider", resource(KEY, "key")) == []
    assert findings("default-provider", resource("pulumi-python:dynamic/local:Folder", "folder")) == []
    assert findings("default-provider", resource("mlops-stacks:index:X", "x", custom=False)) == []
    (finding,) = findings("default-provider", resource(KEY, "key", options={}))
    assert "no explicit aws provider" in finding.message


@pytest.mark.parametrize(
    ("type_", "key", "good", "bad"),
    [
        (BUCKET, "bucket", "fares-dev-artifacts", "Fares_dev"),
        (BUCKET, "bucket", "a.b-c", "a..b"),
        (BUCKET, "bucket", "fares", "xn--fares"),
        (BUCKET, "bucket", "fares", "fares-s3alias"),
        (BUCKET, "bucket", "10.0.0.x", "10.0.0.1"),
        (ROLE, "name", "fares-dev_training", "fares dev"),
        (POLICY, "name", "fares.dev", "fares/dev"),
        ("aws:kms/alias:Alias", "name", "alias/fares", "fares-key"),
        ("aws:kms/alias:Alias", "name", "alias/fares/x", "alias/aws/fares"),
        ("aws:ecr/repository:Repository", "name", "fares/work-load", "Fares"),
        (GROUP, "modelPackageGroupName", "fares-dev-late", "fares_dev"),
        ("aws:sagemaker/mlflowTrackingServer:MlflowTrackingServer", "trackingServerName", "fares-dev", "-fares"),
    ],
)
def test_name_characters(type_: str, key: str, good: str, bad: str) -> None:
    assert findings("name-characters", resource(type_, "thing", {key: good})) == []
    (finding,) = findings("name-characters", resource(type_, "thing", {key: bad}))
    assert repr(bad) in finding.message


@pytest.mark.parametrize(
    ("type_", "key", "longest"),
    [(BUCKET, "bucket", 63), (ROLE, "name", 64), (GROUP, "modelPackageGroupName", 63)],
)
def test_name_length(type_: str, key: str, longest: int) -> None:
    assert findings("name-length", resource(type_, "thing", {key: "a" * longest})) == []
    (finding,) = findings("name-length", resource(type_, "thing", {key: "a" * (longest + 1)}))
    assert f"has {longest + 1} characters" in finding.message


def test_names_that_nobody_knows_yet_are_not_judged() -> None:
    for name in (UNKNOWN, SECRET, f"${{{urn_of(KEY, 'key')}#id}}-Bucket"):
        assert findings("name-characters", resource(BUCKET, "bucket", {"bucket": name})) == []


def twice(type_: str, first: dict[str, Any], second: dict[str, Any], account: str = "111111111111") -> list[str]:
    dev = scope_of(resource(type_, "thing", first))
    prod = scope_of(resource(type_, "thing", second, scope="prod"), scope="prod", account=account)
    return [finding.message for finding in check(plan_of(dev, prod)) if finding.rule == "duplicate-name"]


def test_duplicate_name() -> None:
    assert twice(ROLE, {"name": "a"}, {"name": "b"}) == []
    (message,) = twice(ROLE, {"name": "a"}, {"name": "A"})
    assert "scope 'prod'" in message
    assert "scope 'dev'" in message
    assert twice(ROLE, {"name": "a"}, {"name": "a"}, account="222222222222") == []
    assert twice(BUCKET, {"bucket": "fares"}, {"bucket": "fares"}, account="222222222222") != []
    group = {"modelPackageGroupName": "late"}
    assert twice(GROUP, group, group) != []
    assert twice(GROUP, group, {**group, "region": "us-east-1"}) == []


def test_immutable_name() -> None:
    type_ = "aws:sagemaker/endpointConfiguration:EndpointConfiguration"
    assert findings("immutable-name", resource(type_, "config", {"name": "fares-dev-late-0f3a9c2b11"})) == []
    assert findings("immutable-name", resource(type_, "config", {"name": UNKNOWN})) == []
    assert "without a hash" in findings("immutable-name", resource(type_, "config", {"name": "fares"}))[0].message
    assert "no physical name" in findings("immutable-name", resource(type_, "config"))[0].message


def test_hash_in_logical_name() -> None:
    type_ = "aws:sagemaker/model:Model"
    inputs = {"name": "fares-0f3a9c2b11"}
    assert findings("hash-in-logical-name", resource(type_, "late-model", inputs)) == []
    assert len(findings("hash-in-logical-name", resource(type_, "late-0f3a9c2b11", inputs))) == 1


@pytest.mark.parametrize(
    "inputs",
    [
        {"masterPassword": "hunter2"},
        {"environment": {"variables": {"DB_PASSWORD": "hunter2"}}},
        {"env": [{"name": "API_KEY", "value": "abc"}]},
        {"login": {"token": "abc"}},
        {"github": [{"accessToken": "abc"}]},
    ],
)
def test_plain_secret(inputs: dict[str, Any]) -> None:
    (finding,) = findings("plain-secret", resource("aws:x/y:Z", "thing", inputs))
    assert "hunter2" not in finding.message
    assert "abc" not in finding.message


@pytest.mark.parametrize(
    "inputs",
    [
        {"masterPassword": SECRET},
        {"masterPassword": UNKNOWN},
        {"password": f"${{{urn_of('aws:x', 'x')}#value}}"},
        {"password": "arn:aws:secretsmanager:eu-west-1:111111111111:secret:x"},
        {"passwordLength": 20, "secretName": "fares", "creationToken": "fares", "partitionKey": "id", "password": ""},
        {"env": [{"name": "API_KEY_NAME", "value": "abc"}, {"name": "API_KEY", "valueFrom": "x"}]},
    ],
)
def test_what_is_no_plain_secret(inputs: dict[str, Any]) -> None:
    assert findings("plain-secret", resource("aws:x/y:Z", "thing", inputs)) == []


def test_plain_secret_in_outputs() -> None:
    assert findings("plain-secret", outputs={"password": SECRET, "uri": "s3://x"}) == []
    (finding,) = findings("plain-secret", outputs={"registry": {"password": "x"}})
    assert "output `registry.password`" in finding.message


def policy(statement: dict[str, Any], type_: str = POLICY, key: str = "policy") -> PlannedResource:
    return resource(type_, "policy", {key: json.dumps({"Version": "2012-10-17", "Statement": [statement]})})


READ = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::fares/*"]}


@pytest.mark.parametrize("action", ["*", "s3:*", ["s3:GetObject", "s3:Get*"]])
def test_wildcard_action(action: Any) -> None:
    assert findings("wildcard-action", policy(READ)) == []
    assert len(findings("wildcard-action", policy({**READ, "Action": action}))) == 1
    assert findings("wildcard-action", policy({**READ, "Action": action, "Effect": "Deny"})) == []


def test_wildcard_action_by_exclusion_and_in_a_keys_policy() -> None:
    assert findings("wildcard-action", policy({"Effect": "Allow", "NotAction": "iam:*", "Resource": "arn:x"}))
    account = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "kms:*"}
    assert findings("wildcard-action", policy({**account, "Resource": "*"}, KEY)) == []
    anyone = {**account, "Principal": {"AWS": "arn:aws:iam::111111111111:role/x"}}
    assert len(findings("wildcard-action", policy(anyone, KEY))) == 1


@pytest.mark.parametrize(
    "arn", ["*", "arn:aws:s3:::*", "arn:aws:sagemaker:eu-west-1:111111111111:*", "arn:aws:iam::111111111111:role/*"]
)
def test_wildcard_resource(arn: str) -> None:
    assert findings("wildcard-resource", policy(READ)) == []
    assert len(findings("wildcard-resource", policy({**READ, "Resource": arn}))) == 1
    assert findings("wildcard-resource", policy({"Effect": "Allow", "Action": "s3:GetObject", "NotResource": arn}))


def test_actions_that_take_no_resource_may_name_all() -> None:
    login = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
    assert findings("wildcard-resource", policy(login)) == []
    assert findings("wildcard-resource", policy({**login, "Action": [login["Action"], "s3:GetObject"]}))


def test_policies_inside_roles_are_read_too() -> None:
    wide = json.dumps({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::fares"}})
    role = resource(ROLE, "role", {"inlinePolicies": [{"name": "x", "policy": wide}]})
    (finding,) = findings("wildcard-action", role)
    assert "inlinePolicies[0].policy" in finding.message


def test_public_principal() -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    assert findings("public-principal", policy(trust, ROLE, "assumeRolePolicy")) == []
    for everyone in ("*", {"AWS": "*"}, {"AWS": ["arn:x", "*"]}):
        wide = {**trust, "Principal": everyone}
        assert len(findings("public-principal", policy(wide, ROLE, "assumeRolePolicy"))) == 1
        assert findings("public-principal", policy({**wide, "Condition": {"Bool": {}}}, ROLE, "assumeRolePolicy")) == []


def test_broad_managed_policy() -> None:
    type_ = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    for name in ("AmazonSageMakerFullAccess", "AdministratorAccess", "service-role/XFullAccessY"):
        arn = f"arn:aws:iam::aws:policy/{name}"
        assert len(findings("broad-managed-policy", resource(type_, "attachment", {"policyArn": arn}))) == 1
        assert len(findings("broad-managed-policy", resource(ROLE, "role", {"managedPolicyArns": [arn]}))) == 1
    narrow = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    assert findings("broad-managed-policy", resource(type_, "attachment", {"policyArn": narrow})) == []


def test_unreadable_policy() -> None:
    assert findings("unreadable-policy", resource(POLICY, "policy", {"policy": UNKNOWN})) == []
    assert findings("unreadable-policy", policy(READ)) == []
    assert len(findings("unreadable-policy", resource(POLICY, "policy", {"policy": "{'Statement': []}"}))) == 1


def secured(**ways: bool) -> list[PlannedResource]:
    bucket = resource(BUCKET, "bucket", {"bucket": "fares"})
    on_it = {"bucket": (bucket.urn,)}
    token = f"${{{bucket.urn}#id}}"
    all_ways = dict.fromkeys(
        ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True
    )
    rules = [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}]
    return [
        bucket,
        resource(BLOCK, "block", {"bucket": token, **all_ways, **ways}, property_dependencies=on_it),
        resource(ENCRYPTION, "encryption", {"bucket": "fares", "rules": rules}),
    ]


def test_public_bucket() -> None:
    assert findings("public-bucket", *secured()) == []
    assert "without blockPublicPolicy" in findings("public-bucket", *secured(blockPublicPolicy=False))[0].message
    bucket, _, encryption = secured()
    assert "has no BucketPublicAccessBlock" in findings("public-bucket", bucket, encryption)[0].message
    acl = resource("aws:s3/bucketAcl:BucketAcl", "acl", {"bucket": "fares", "acl": "public-read"})
    assert "ACL 'public-read'" in findings("public-bucket", *secured(), acl)[0].message


def test_bucket_encryption() -> None:
    assert findings("bucket-encryption", *secured()) == []
    assert len(findings("bucket-encryption", *secured()[:2])) == 1
    weak = [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]
    weakly = resource(ENCRYPTION, "encryption", {"bucket": "fares", "rules": weak})
    assert "'AES256'" in findings("bucket-encryption", *secured()[:2], weakly)[0].message


def test_what_exists_already_is_not_ours_to_secure() -> None:
    adopted = resource(BUCKET, "theirs", {"bucket": "Theirs"}, options={"read": "Theirs", "provider": urn_of("x", "y")})
    for rule in ("public-bucket", "bucket-encryption", "name-characters"):
        assert findings(rule, adopted) == []
