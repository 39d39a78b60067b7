"""What deploying AWS's storage, keys, identities, networks and messages takes.

Sources: the tables "Actions, resources, and condition keys" of the Service Authorization Reference for what an action
may be limited to (a test asks cfn-lint, which has these tables); for which actions the provider calls, the AWS API
operations of each resource's life, compared with the published mapping of the tool Pike (2026-08).
"""

from __future__ import annotations

from collections.abc import Mapping

from mlops_stacks.permissions.row import Row, arn

_BUCKET = ("arn:{partition}:s3:::{bucket}",)
_OBJECT = ("arn:{partition}:s3:::{bucket}/*",)
_ROLE = ("arn:{partition}:iam::{account}:role/{name}",)
_ROLE_OF_POLICY = ("arn:{partition}:iam::{account}:role/{role}",)
_REPOSITORY = (arn("ecr", "repository/{name}"),)
_REPOSITORY_OF = (arn("ecr", "repository/{repository}"),)
_TOPIC = (arn("sns", "{name}"),)
_KEY = (arn("kms", "key/*"),)


def _bucket_setting(actions: str) -> Row:
    return Row(_BUCKET, f"s3: {actions} ListBucket")


# Reading a bucket asks for all of its settings, whether they are managed or not.
_BUCKET_READ = (
    "GetAccelerateConfiguration GetBucketAcl GetBucketCORS GetBucketLocation GetBucketLogging "
    "GetBucketObjectLockConfiguration GetBucketPolicy GetBucketRequestPayment GetBucketTagging GetBucketVersioning "
    "GetBucketWebsite GetEncryptionConfiguration GetLifecycleConfiguration GetReplicationConfiguration ListBucket "
    "ListTagsForResource"
)

STORAGE: Mapping[str, Row] = {
    "aws:s3/bucket:Bucket": Row(
        _BUCKET,
        f"s3: CreateBucket DeleteBucket PutBucketTagging TagResource UntagResource ListBucketVersions {_BUCKET_READ}",
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _bucket_setting(
        "GetLifecycleConfiguration PutLifecycleConfiguration"
    ),
    "aws:s3/bucketLogging:BucketLogging": _bucket_setting("GetBucketLogging PutBucketLogging"),
    "aws:s3/bucketNotification:BucketNotification": _bucket_setting("GetBucketNotification PutBucketNotification"),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _bucket_setting(
        "GetBucketOwnershipControls PutBucketOwnershipControls"
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _bucket_setting("GetBucketPolicy PutBucketPolicy DeleteBucketPolicy"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _bucket_setting(
        "GetBucketPublicAccessBlock PutBucketPublicAccessBlock"
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _bucket_setting(
        "GetEncryptionConfiguration PutEncryptionConfiguration"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _bucket_setting("GetBucketVersioning PutBucketVersioning"),
    "aws:s3/bucketObjectv2:BucketObjectv2": Row(
        _OBJECT,
        "s3: PutObject PutObjectTagging GetObject GetObjectTagging GetObjectVersion DeleteObject DeleteObjectVersion",
        key="kms: Decrypt GenerateDataKey",
    ),
    "aws:secretsmanager/secret:Secret": Row(
        (arn("secretsmanager", "secret:{name}-*"),),
        "secretsmanager: CreateSecret DescribeSecret DeleteSecret UpdateSecret GetResourcePolicy PutResourcePolicy "
        "DeleteResourcePolicy TagResource UntagResource",
        key="kms: Decrypt GenerateDataKey",
    ),
    "aws:glue/catalogDatabase:CatalogDatabase": Row(
        (arn("glue", "catalog"), arn("glue", "database/{name}")),
        "glue: CreateDatabase GetDatabase UpdateDatabase DeleteDatabase",
    ),
    "aws:glue/catalogTable:CatalogTable": Row(
        (arn("glue", "catalog"), arn("glue", "database/{databaseName}"), arn("glue", "table/{databaseName}/{name}")),
        "glue: CreateTable GetTable UpdateTable DeleteTable GetPartitionIndexes",
    ),
    "aws:athena/workgroup:Workgroup": Row(
        (arn("athena", "workgroup/{name}"),),
        "athena: CreateWorkGroup GetWorkGroup UpdateWorkGroup DeleteWorkGroup TagResource UntagResource "
        "ListTagsForResource",
    ),
}

KEYS_AND_IDENTITIES: Mapping[str, Row] = {
    "aws:kms/key:Key": Row(
        _KEY,
        "",
        anywhere="kms: CreateKey ListAliases",
        own="kms: DescribeKey GetKeyPolicy PutKeyPolicy GetKeyRotationStatus EnableKeyRotation DisableKeyRotation "
        "ListResourceTags TagResource UntagResource UpdateKeyDescription EnableKey DisableKey ScheduleKeyDeletion",
        tagging="kms: TagResource",
    ),
    "aws:kms/alias:Alias": Row(
        (arn("kms", "{name}"), arn("kms", "key/*")),
        "kms: CreateAlias UpdateAlias DeleteAlias",
        anywhere="kms: ListAliases",
    ),
    "aws:iam/role:Role": Row(
        _ROLE,
        "iam: CreateRole DeleteRole GetRole UpdateRole UpdateRoleDescription UpdateAssumeRolePolicy TagRole UntagRole "
        "ListRoleTags ListRolePolicies ListAttachedRolePolicies ListInstanceProfilesForRole "
        "PutRolePermissionsBoundary",
    ),
    "aws:iam/rolePolicy:RolePolicy": Row(_ROLE_OF_POLICY, "iam: PutRolePolicy GetRolePolicy DeleteRolePolicy GetRole"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Row(
        _ROLE_OF_POLICY, "iam: AttachRolePolicy DetachRolePolicy ListAttachedRolePolicies"
    ),
    "aws:iam/policy:Policy": Row(
        ("arn:{partition}:iam::{account}:policy/{name}",),
        "iam: CreatePolicy DeletePolicy GetPolicy GetPolicyVersion ListPolicyVersions CreatePolicyVersion "
        "DeletePolicyVersion ListPolicyTags TagPolicy UntagPolicy",
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Row(
        ("arn:{partition}:iam::{account}:oidc-provider/{url}",),
        "iam: CreateOpenIDConnectProvider DeleteOpenIDConnectProvider GetOpenIDConnectProvider "
        "AddClientIDToOpenIDConnectProvider RemoveClientIDFromOpenIDConnectProvider "
        "UpdateOpenIDConnectProviderThumbprint ListOpenIDConnectProviderTags TagOpenIDConnectProvider "
        "UntagOpenIDConnectProvider",
    ),
    "aws:ecr/repository:Repository": Row(
        _REPOSITORY,
        "ecr: CreateRepository DeleteRepository DescribeRepositories PutImageScanningConfiguration "
        "PutImageTagMutability ListTagsForResource TagResource UntagResource",
        key="kms: DescribeKey",
        key_for_services="kms: CreateGrant RetireGrant",
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Row(
        _REPOSITORY_OF, "ecr: PutLifecyclePolicy GetLifecyclePolicy DeleteLifecyclePolicy"
    ),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": Row(
        _REPOSITORY_OF, "ecr: SetRepositoryPolicy GetRepositoryPolicy DeleteRepositoryPolicy"
    ),
}

MESSAGES: Mapping[str, Row] = {
    "aws:sns/topic:Topic": Row(
        _TOPIC,
        "sns: CreateTopic DeleteTopic GetTopicAttributes SetTopicAttributes ListTagsForResource TagResource "
        "UntagResource",
    ),
    "aws:sns/topicPolicy:TopicPolicy": Row((arn("sns", "*"),), "sns: GetTopicAttributes SetTopicAttributes"),
    "aws:sns/topicSubscription:TopicSubscription": Row(
        (arn("sns", "*"),),
        "sns: Subscribe",
        anywhere="sns: GetSubscriptionAttributes SetSubscriptionAttributes Unsubscribe",
    ),
    "aws:budgets/budget:Budget": Row(
        ("arn:{partition}:budgets::{account}:budget/{name}",),
        "budgets: ModifyBudget ViewBudget TagResource UntagResource ListTagsForResource",
    ),
    "aws:cloudtrail/trail:Trail": Row(
        (arn("cloudtrail", "trail/{name}"),),
        "cloudtrail: CreateTrail DeleteTrail UpdateTrail StartLogging StopLogging GetTrail GetTrailStatus "
        "GetEventSelectors PutEventSelectors GetInsightSelectors AddTags RemoveTags ListTags",
        anywhere="cloudtrail: DescribeTrails",
        key="kms: DescribeKey",
    ),
    "aws:cloudwatch/logGroup:LogGroup": Row(
        (arn("logs", "log-group:{name}"), arn("logs", "log-group:{name}:*")),
        "logs: CreateLogGroup DeleteLogGroup PutRetentionPolicy DeleteRetentionPolicy AssociateKmsKey "
        "DisassociateKmsKey TagResource UntagResource ListTagsForResource",
        anywhere="logs: DescribeLogGroups",
    ),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": Row(
        (), "", anywhere="logs: PutResourcePolicy DescribeResourcePolicies DeleteResourcePolicy"
    ),
    "aws:cloudwatch/eventRule:EventRule": Row(
        (arn("events", "rule/{name}"),),
        "events: PutRule DescribeRule DeleteRule EnableRule DisableRule TagResource UntagResource ListTagsForResource",
    ),
    "aws:cloudwatch/eventTarget:EventTarget": Row(
        (arn("events", "rule/{rule}"),), "events: PutTargets ListTargetsByRule RemoveTargets"
    ),
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": Row(
        (arn("events", "event-bus/default"),),
        "events: DescribeEventBus",
        anywhere="events: PutPermission RemovePermission",
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Row(
        (arn("cloudwatch", "alarm:{name}"),),
        "cloudwatch: PutMetricAlarm DescribeAlarms DeleteAlarms TagResource UntagResource ListTagsForResource",
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": Row(
        (arn("cloudwatch", "alarm:{alarmName}"),),
        "cloudwatch: PutCompositeAlarm DescribeAlarms DeleteAlarms TagResource UntagResource ListTagsForResource",
    ),
    "aws:cloudwatch/dashboard:Dashboard": Row(
        ("arn:{partition}:cloudwatch::{account}:dashboard/{dashboardName}",),
        "cloudwatch: PutDashboard GetDashboard DeleteDashboards",
    ),
}

_EC2_DESCRIBE = (
    "ec2: DescribeAccountAttributes DescribeAvailabilityZones DescribeNetworkAcls DescribeNetworkInterfaces "
    "DescribePrefixLists DescribeRouteTables DescribeSecurityGroupRules DescribeSecurityGroups DescribeSubnets "
    "DescribeTags DescribeVpcEndpoints DescribeVpcs"
)


def _ec2(kinds: str, create: str, own: str, anywhere: str = "") -> Row:
    """EC2 chooses the names. What is made is tagged at once, and only what is tagged may be changed."""
    arns = tuple(arn("ec2", f"{kind}/*") for kind in kinds.split())
    return Row(
        arns,
        f"ec2: {create}",
        f"{_EC2_DESCRIBE} {anywhere}",
        f"ec2: {own} CreateTags",
        tagging="ec2: CreateTags" if create else "",
    )


NETWORK: Mapping[str, Row] = {
    "aws:ec2/vpc:Vpc": _ec2("vpc", "CreateVpc", "DeleteVpc ModifyVpcAttribute DescribeVpcAttribute DeleteTags"),
    "aws:ec2/subnet:Subnet": _ec2("subnet vpc", "CreateSubnet", "DeleteSubnet DeleteTags", "ModifySubnetAttribute"),
    "aws:ec2/routeTable:RouteTable": _ec2("route-table vpc", "CreateRouteTable", "DeleteRouteTable DeleteTags"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _ec2(
        "route-table subnet", "", "AssociateRouteTable DisassociateRouteTable ReplaceRouteTableAssociation"
    ),
    "aws:ec2/route:Route": _ec2("route-table", "", "CreateRoute ReplaceRoute DeleteRoute"),
    "aws:ec2/internetGateway:InternetGateway": _ec2(
        "internet-gateway vpc",
        "CreateInternetGateway",
        "AttachInternetGateway DetachInternetGateway DeleteInternetGateway DeleteTags",
        "DescribeInternetGateways",
    ),
    "aws:ec2/eip:Eip": _ec2(
        "elastic-ip", "AllocateAddress", "ReleaseAddress DeleteTags", "DescribeAddresses DescribeAddressesAttribute"
    ),
    "aws:ec2/natGateway:NatGateway": _ec2(
        "natgateway subnet elastic-ip", "CreateNatGateway", "DeleteNatGateway DeleteTags", "DescribeNatGateways"
    ),
    "aws:ec2/securityGroup:SecurityGroup": _ec2(
        "security-group vpc",
        "CreateSecurityGroup",
        "DeleteSecurityGroup RevokeSecurityGroupEgress RevokeSecurityGroupIngress AuthorizeSecurityGroupEgress "
        "AuthorizeSecurityGroupIngress DeleteTags",
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _ec2(
        "security-group",
        "RevokeSecurityGroupEgress RevokeSecurityGroupIngress",
        "AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress",
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _ec2(
        "vpc-endpoint vpc subnet security-group route-table",
        "CreateVpcEndpoint",
        "DeleteVpcEndpoints ModifyVpcEndpoint DeleteTags",
    ),
    "aws:ec2/flowLog:FlowLog": _ec2(
        "vpc-flow-log vpc", "CreateFlowLogs", "DeleteFlowLogs DeleteTags", "DescribeFlowLogs"
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _ec2(
        "security-group security-group-rule",
        "AuthorizeSecurityGroupEgress",
        "RevokeSecurityGroupEgress ModifySecurityGroupRules DeleteTags",
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _ec2(
        "security-group security-group-rule",
        "AuthorizeSecurityGroupIngress",
        "RevokeSecurityGroupIngress ModifySecurityGroupRules DeleteTags",
    ),
}
