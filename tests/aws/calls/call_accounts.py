"""A plan as AWS would have carried it out: every ARN and name that only AWS gives, in the form that AWS gives it.

Policies can then be decided, and held against calls. What it says of ARNs follows "Resource types defined by …" of the
Service Authorization Reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from call_needs import Place

from mlops_stacks.plan import Plan, PlannedResource

# Resource type without its module -> service and resource of the ARN, from the resource's inputs. Where AWS chooses
# (part of) the name, it is made up here, of the right form.
_ARNS: Mapping[str, tuple[str, str]] = {
    "aws:kms/key:Key": ("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    "aws:ecr/repository:Repository": ("ecr", "repository/{name}"),
    "aws:sns/topic:Topic": ("sns", "{name}"),
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup": ("sagemaker", "model-package-group/{modelPackageGroupName}"),
    "aws:sagemaker/mlflowApp:MlflowApp": ("sagemaker", "mlflow-app/app-ABCDEFGHIJKL"),
    "aws:sagemaker/mlflowTrackingServer:MlflowTrackingServer": (
        "sagemaker",
        "mlflow-tracking-server/{trackingServerName}",
    ),
    "aws:sagemaker/pipeline:Pipeline": ("sagemaker", "pipeline/{pipelineName}"),
    "aws:sagemaker/featureGroup:FeatureGroup": ("sagemaker", "feature-group/{featureGroupName}"),
    "aws:sagemaker/endpoint:Endpoint": ("sagemaker", "endpoint/{name}"),
    "aws:sagemaker/endpointConfiguration:EndpointConfiguration": ("sagemaker", "endpoint-config/{name}"),
    "aws:sagemaker/model:Model": ("sagemaker", "model/{name}"),
    "aws:sagemaker/domain:Domain": ("sagemaker", "domain/d-abcdefghijkl"),
    "aws:sagemaker/monitoringSchedule:MonitoringSchedule": ("sagemaker", "monitoring-schedule/{name}"),
    "aws:codebuild/project:Project": ("codebuild", "project/{name}"),
    "aws:codebuild/reportGroup:ReportGroup": ("codebuild", "report-group/{name}"),
    "aws:codepipeline/pipeline:Pipeline": ("codepipeline", "{name}"),
    "aws:codeconnections/connection:Connection": (
        "codeconnections",
        "connection/aaaaaaaa-1111-2222-3333-444444444444",
    ),
    "aws:codestarconnections/connection:Connection": (
        "codeconnections",
        "connection/aaaaaaaa-1111-2222-3333-444444444444",
    ),
    "aws:lambda/function:Function": ("lambda", "function:{name}"),
    "aws:sfn/stateMachine:StateMachine": ("states", "stateMachine:{name}"),
    "aws:cloudwatch/logGroup:LogGroup": ("logs", "log-group:{name}"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ("cloudwatch", "alarm:{name}"),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": ("cloudwatch", "alarm:{alarmName}"),
    "aws:cloudwatch/eventRule:EventRule": ("events", "rule/{name}"),
    "aws:ecs/cluster:Cluster": ("ecs", "cluster/{name}"),
    "aws:ecs/taskDefinition:TaskDefinition": ("ecs", "task-definition/{family}:1"),
    "aws:lb/loadBalancer:LoadBalancer": ("elasticloadbalancing", "loadbalancer/app/{name}/0123456789abcdef"),
    "aws:lb/targetGroup:TargetGroup": ("elasticloadbalancing", "targetgroup/{name}/0123456789abcdef"),
    "aws:lb/listener:Listener": ("elasticloadbalancing", "listener/app/balancer/0123456789abcdef/0123456789abcdef"),
    "aws:lb/listenerRule:ListenerRule": (
        "elasticloadbalancing",
        "listener-rule/app/balancer/0123456789abcdef/0123456789abcdef/0123456789abcdef",
    ),
    "aws:athena/workgroup:Workgroup": ("athena", "workgroup/{name}"),
    "aws:glue/catalogDatabase:CatalogDatabase": ("glue", "database/{name}"),
    "aws:secretsmanager/secret:Secret": ("secretsmanager", "secret:{name}-AbCdEf"),
    "aws:ec2/subnet:Subnet": ("ec2", "subnet/subnet-0123456789abcdef0"),
    "aws:ec2/vpc:Vpc": ("ec2", "vpc/vpc-0123456789abcdef0"),
    "aws:ec2/securityGroup:SecurityGroup": ("ec2", "security-group/sg-0123456789abcdef0"),
    "aws:scheduler/scheduleGroup:ScheduleGroup": ("scheduler", "schedule-group/{name}"),
    "aws:sqs/queue:Queue": ("sqs", "{name}"),
    "aws:sagemaker/studioLifecycleConfig:StudioLifecycleConfig": (
        "sagemaker",
        "studio-lifecycle-config/{studioLifecycleConfigName}",
    ),
    "aws:sagemaker/userProfile:UserProfile": ("sagemaker", "user-profile/d-abcdefghijkl/{userProfileName}"),
    "aws:sagemaker/modelCard:ModelCard": ("sagemaker", "model-card/{modelCardName}"),
    "aws:cloudtrail/trail:Trail": ("cloudtrail", "trail/{name}"),
}
_ACCOUNT_WIDE: Mapping[str, str] = {
    "aws:iam/role:Role": "role/{name}",
    "aws:iam/policy:Policy": "policy/{name}",
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": "oidc-provider/{url}",
}
_TOKEN = re.compile(r"\$\{(urn:[^}]*)#([A-Za-z0-9_.\[\]]+)\}")
_IDS = {"aws:ec2/subnet:Subnet": "subnet-0123456789abcdef0", "aws:ec2/vpc:Vpc": "vpc-0123456789abcdef0"}


@dataclass(frozen=True)
class Role:
    """A planned role: who may take it, and every permission that it has."""

    scope: str
    name: str
    stage: str | None
    trust: Mapping[str, Any]
    policy: Mapping[str, Any]

    @property
    def services(self) -> list[str]:
        """The services that may take it."""
        principals = [one["Principal"].get("Service", []) for one in self.trust["Statement"]]
        return sorted({name for one in principals for name in ([one] if isinstance(one, str) else one)})


class PlannedAccount:
    """Every scope of a plan, each in the account and region of its provider."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._by_urn = {resource.urn: resource for resource in plan.resources}
        self._targets = {
            r.scope: (_text(r.inputs["allowedAccountIds"]), str(r.inputs["region"]))
            for r in plan.resources
            if r.type == "pulumi:providers:aws"
        }

    def of_type(self, kind: str, scope: str | None = None) -> Iterator[PlannedResource]:
        """The planned resources of one type, e.g. `aws:s3/bucket:Bucket`."""
        return (r for r in self.plan.resources if r.type == kind and scope in (None, r.scope))

    def plain(self, value: Any) -> Any:
        """A planned value with each token replaced by what AWS would give."""
        if isinstance(value, str):
            return _TOKEN.sub(lambda found: self._output(found[1], found[2]), value)
        if isinstance(value, Mapping):
            return {name: self.plain(one) for name, one in value.items()}
        return [self.plain(one) for one in value] if isinstance(value, list | tuple) else value

    def document(self, text: str) -> Any:
        """A planned JSON document, likewise."""
        return json.loads(self.plain(text))

    def arn(self, resource: PlannedResource) -> str:
        """The ARN of a planned resource."""
        inputs, (account, region) = self.plain(dict(resource.inputs)), self._targets[resource.scope]
        if resource.type == "aws:s3/bucket:Bucket":
            return f"arn:aws:s3:::{inputs['bucket']}"
        if resource.type in _ACCOUNT_WIDE:
            named = _ACCOUNT_WIDE[resource.type].format_map(inputs).replace("https://", "")
            return f"arn:aws:iam::{account}:{named}"
        assert resource.type in _ARNS, f"say in call_accounts.py what the ARN of a {resource.type} is"
        service, named = _ARNS[resource.type]
        return f"arn:aws:{service}:{region}:{account}:{named.format_map(inputs)}"

    def _output(self, urn: str, output: str) -> str:
        resource = self._by_urn[urn]
        if output == "arn" or output.endswith("Arn"):
            return self.arn(resource)
        if output in resource.inputs:
            return str(self.plain(resource.inputs[output]))
        if resource.type in _IDS:
            return _IDS[resource.type]
        return self.arn(resource).rsplit("/", 1)[-1].rsplit(":", 1)[-1]

    @cached_property
    def roles(self) -> Mapping[tuple[str, str], Role]:
        """(Scope, name without blueprint and scope) -> role."""
        found = {}
        for role in self.of_type("aws:iam/role:Role"):
            statements = [
                statement
                for policy in self.of_type("aws:iam/rolePolicy:RolePolicy", role.scope)
                if policy.inputs["role"] in (f"${{{role.urn}#name}}", f"${{{role.urn}#id}}", role.inputs["name"])
                for statement in self.document(policy.inputs["policy"])["Statement"]
            ]
            trust = self.document(role.inputs["assumeRolePolicy"])
            name = str(role.inputs["name"])
            short = name.removeprefix(f"{self.plan.blueprint}-{role.scope}-")
            assert (role.scope, short) not in found, f"two roles of {role.scope} are called {name}"
            found[role.scope, short] = Role(role.scope, name, role.stage, trust, {"Statement": statements})
        return found

    def place(self, scope: str) -> Place:
        """Where calls of a scope go, with the keys of the buckets everywhere."""
        keys = {}
        for setting in self.of_type(
            "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
        ):
            rule = setting.inputs["rules"][0]["applyServerSideEncryptionByDefault"]
            if rule.get("kmsMasterKeyId"):
                keys[self.plain(setting.inputs["bucket"])] = self.plain(rule["kmsMasterKeyId"])
        named = dict[str, str]()
        for alias in self.of_type("aws:kms/alias:Alias"):
            for key in self.of_type("aws:kms/key:Key", alias.scope):
                named[self.arn(key)] = self.plain(alias.inputs["name"])
        groups = self.of_type("aws:sagemaker/featureGroup:FeatureGroup", scope)
        online = [group.inputs.get("onlineStoreConfig") or {} for group in groups]
        sealed = [self.plain(one["securityConfig"]["kmsKeyId"]) for one in online if one.get("securityConfig")]
        return Place(*self._targets[scope], keys, named, sealed[0] if sealed else None)


def _text(accounts: Any) -> str:
    """The one account of a provider; numbers and lists are text in its configuration."""
    (account,) = json.loads(accounts) if isinstance(accounts, str) else accounts
    return str(account)
