"""What a role must hold because a planned resource hands it to a service: the service acts with it from then on.

Each rule reads a planned resource, and names the page that says what the service does. `job_needs` has those of jobs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from call_accounts import PlannedAccount
from call_needs import Place
from call_policies import Need
from hand_definitions import started, steps_of, task_needs, tasks_of
from job_needs import (
    grant_needs,
    image_needs,
    job_needs,
    log_needs,
    network_needs,
    read_needs,
    write_needs,
)

from mlops_stacks.plan import PlannedResource


@dataclass(frozen=True)
class Handed:
    """A need of a role, and what makes it."""

    role: str
    """ARN."""
    need: Need
    resource: str

    def __str__(self) -> str:
        return f"{self.role.rsplit('/', 1)[-1]} must hold {self.need}, for {self.resource}"


Needs = Iterator[tuple[str, Need]]
Given = Mapping[str, Any]


def handed_over(account: PlannedAccount, scope: str) -> list[Handed]:
    """Every need that the resources of a scope make."""
    place = account.place(scope)
    return [
        Handed(role, need, resource.name)
        for resource in account.plan.resources
        if resource.scope == scope and resource.type in _RULES
        for role, need in _RULES[resource.type](account, place, resource, account.plain(dict(resource.inputs)))
    ]


def _as(role: Any, needs: Iterator[Need]) -> Needs:
    return ((str(role), need) for need in needs)


def _pipeline(_: PlannedAccount, place: Place, __: PlannedResource, given: Given) -> Needs:
    """SageMaker Developer Guide, "Define a pipeline": its role starts, follows and stops the jobs of its steps."""
    for step in steps_of(json.loads(given["pipelineDefinition"])):
        yield from started(step["Type"], step["Arguments"], given["roleArn"], place)
        for file in step.get("PropertyFiles", []):
            outputs = step["Arguments"]["ProcessingOutputConfig"]["Outputs"]
            (uri,) = [one["S3Output"]["S3Uri"] for one in outputs if one["OutputName"] == file["OutputName"]]
            text = uri if isinstance(uri, str) else "".join(map(str, uri["Std:Join"]["Values"][:1])) + "x"
            yield from _as(given["roleArn"], read_needs(f"{text}/{file['FilePath']}", place, listing=False))


def _state_machine(_: PlannedAccount, place: Place, __: PlannedResource, given: Given) -> Needs:
    """Step Functions Developer Guide, "IAM policies for integrated services": each state calls as the machine."""
    for state in tasks_of(json.loads(given["definition"])):
        yield from task_needs(state, given["roleArn"], place)


def _model(account: PlannedAccount, place: Place, resource: PlannedResource, given: Given) -> Needs:
    """The image and the files of a version stand in its model package, which no plan has: those of the pipelines."""
    group = f"/aws/sagemaker/Endpoints/{given['name']}"
    if any(given["name"] in str(one.inputs["target"]) for one in _jobs_of_schedules(account, resource, given)):
        group = "/aws/sagemaker/TransformJobs"
    yield from _as(given["executionRoleArn"], job_needs(given, group, place))
    for pipeline in account.of_type("aws:sagemaker/pipeline:Pipeline"):
        definition = account.document(pipeline.inputs["pipelineDefinition"])
        for step in steps_of(definition):
            if step["Type"] == "Training":
                arguments = step["Arguments"]
                yield from _as(
                    given["executionRoleArn"], image_needs(arguments["AlgorithmSpecification"]["TrainingImage"])
                )
                files = f"{arguments['OutputDataConfig']['S3OutputPath']}/model.tar.gz"
                yield from _as(given["executionRoleArn"], read_needs(files, place, listing=False))


def _jobs_of_schedules(account: PlannedAccount, model: PlannedResource, given: Given) -> list[PlannedResource]:
    schedules = account.of_type("aws:scheduler/schedule:Schedule", model.scope)
    return [one for one in schedules if given["name"] in str(account.plain(dict(one.inputs)))]


def _roles_of(account: PlannedAccount, scope: str, configuration: Given) -> set[str]:
    variants = [*configuration["productionVariants"], *configuration.get("shadowProductionVariants", [])]
    names = {one["modelName"] for one in variants}
    models = [account.plain(dict(one.inputs)) for one in account.of_type("aws:sagemaker/model:Model", scope)]
    return {str(one["executionRoleArn"]) for one in models if one["name"] in names}


def _configuration(account: PlannedAccount, place: Place, resource: PlannedResource, given: Given) -> Needs:
    """SageMaker Developer Guide, "Capture data from real-time endpoint" and "Create an asynchronous endpoint"."""
    capture, later = given.get("dataCaptureConfig"), given.get("asyncInferenceConfig")
    for role in _roles_of(account, resource.scope, given):
        if capture:
            yield from _as(role, write_needs(capture["destinationS3Uri"], place))
        if later:
            yield from _as(role, write_needs(later["outputConfig"]["s3OutputPath"], place))


def _endpoint(account: PlannedAccount, place: Place, resource: PlannedResource, given: Given) -> Needs:
    """SageMaker Developer Guide, "Auto-Rollback Configuration and Monitoring": alarms are read as the model's role."""
    rollback = (given.get("deploymentConfig") or {}).get("autoRollbackConfiguration") or {}
    for configuration in account.of_type("aws:sagemaker/endpointConfiguration:EndpointConfiguration", resource.scope):
        found = account.plain(dict(configuration.inputs))
        if found["name"] == given["endpointConfigName"]:
            for role in _roles_of(account, resource.scope, found):
                for alarm in rollback.get("alarms", []):
                    yield (
                        role,
                        Need("cloudwatch:DescribeAlarms", place.arn("cloudwatch", f"alarm:{alarm['alarmName']}")),
                    )


def _monitor(account: PlannedAccount, place: Place, resource: PlannedResource, given: Given) -> Needs:
    """A monitor is a processing job, whose input is what endpoints capture."""
    yield from _as(given["roleArn"], job_needs(given, "/aws/sagemaker/ProcessingJobs", place))
    inputs = next(one for name, one in given.items() if name.endswith("JobInput"))
    for configuration in account.of_type("aws:sagemaker/endpointConfiguration:EndpointConfiguration", resource.scope):
        capture = account.plain(dict(configuration.inputs)).get("dataCaptureConfig")
        if capture and capture["destinationS3Uri"].endswith(inputs["endpointInput"]["endpointName"].rsplit("-", 1)[-1]):
            yield from _as(given["roleArn"], read_needs(capture["destinationS3Uri"], place))


def _feature_group(_: PlannedAccount, place: Place, __: PlannedResource, given: Given) -> Needs:
    """AWS managed policies, AmazonSageMakerFeatureStoreAccess: how the offline store is written."""
    storage = (given.get("offlineStoreConfig") or {}).get("s3StorageConfig")
    if storage:
        bucket = storage["s3Uri"].removeprefix("s3://").split("/")[0]
        needs = [*write_needs(storage["s3Uri"], place), Need("s3:GetBucketAcl", f"arn:aws:s3:::{bucket}")]
        needs += [Need("s3:PutObjectAcl", one.resource) for one in needs if one.action == "s3:PutObject"]
        yield from _as(given["roleArn"], iter(needs))


def _mlflow(_: PlannedAccount, place: Place, __: PlannedResource, given: Given) -> Needs:
    """SageMaker Developer Guide, "Set up IAM permissions for MLflow": the role of the artifact store."""
    uri = given["artifactStoreUri"]
    needs = [*read_needs(uri, place), *write_needs(uri, place)]
    needs += [Need("s3:DeleteObject", one.resource) for one in needs if one.action == "s3:PutObject"]
    yield from _as(given["roleArn"], iter(needs))


def _schedule(account: PlannedAccount, place: Place, resource: PlannedResource, given: Given) -> Needs:
    """Scheduler User Guide, "Universal targets" and "Templated targets"."""
    target = given["target"]
    if target["arn"].endswith(":sagemaker:createTransformJob"):
        request = json.loads(target["input"])
        job = place.arn("sagemaker", f"transform-job/{request['TransformJobName']}")
        yield target["roleArn"], Need("sagemaker:CreateTransformJob", job)
        for model in account.of_type("aws:sagemaker/model:Model", resource.scope):
            found = account.plain(dict(model.inputs))
            if found["name"] == request["ModelName"]:
                role = found["executionRoleArn"]
                yield from _as(role, job_needs(request, "/aws/sagemaker/TransformJobs", place))
    else:
        yield target["roleArn"], _call_of(target["arn"])


def _target(_: PlannedAccount, __: Place, ___: PlannedResource, given: Given) -> Needs:
    """EventBridge User Guide, "Amazon EventBridge targets"; topics and log groups have policies of their own."""
    if given.get("roleArn"):
        yield given["roleArn"], _call_of(given["arn"])


def _call_of(arn: str) -> Need:
    action = {
        "sagemaker": "sagemaker:StartPipelineExecution",
        "states": "states:StartExecution",
        "codepipeline": "codepipeline:StartPipelineExecution",
    }[arn.split(":")[2]]
    return Need(action, arn)


def _build(account: PlannedAccount, place: Place, resource: PlannedResource, given: Given) -> Needs:
    """CodeBuild User Guide, "Create a CodeBuild service role": logs, reports, input, output, and the source."""
    role, needs = given["serviceRole"], list[Need]()
    arn = place.arn("logs", f"log-group:{given['logsConfig']['cloudwatchLogs']['groupName']}:log-stream:a-stream")
    needs += [Need("logs:CreateLogStream", arn), Need("logs:PutLogEvents", arn)]
    script = json.loads(given["source"]["buildspec"])
    for group in script.get("reports", {}):
        name = group if group.startswith("arn:") else place.arn("codebuild", f"report-group/{group}")
        needs += [Need(f"codebuild:{do}", name) for do in ("CreateReport", "UpdateReport", "BatchPutTestCases")]
    for pipeline in account.of_type("aws:codepipeline/pipeline:Pipeline", resource.scope):
        found = account.plain(dict(pipeline.inputs))
        for action in _actions(found):
            if action["configuration"].get("ProjectName") == given["name"]:
                needs += [*_artifacts(found, [action], place), *_cloned(found, script)]
    yield from _as(role, iter(needs))
    yield from _as(role, network_needs(given.get("vpcConfig") or {}, place))


def _actions(pipeline: Given) -> list[Given]:
    return [action for stage in pipeline["stages"] for action in stage["actions"]]


def _artifacts(pipeline: Given, actions: list[Given], place: Place) -> Iterator[Need]:
    for store in pipeline["artifactStores"]:
        uri = f"s3://{store['location']}/{pipeline['name']}/x"
        if any(action.get("inputArtifacts") for action in actions):
            yield from read_needs(uri, place, listing=False)
        if any(action.get("outputArtifacts") for action in actions):
            yield from write_needs(uri, place)


def _cloned(pipeline: Given, script: Given) -> Iterator[Need]:
    """CodeBuild clones through the connection what CodePipeline hands it as a reference."""
    for action in _actions(pipeline):
        chosen = action["configuration"]
        if chosen.get("OutputArtifactFormat") == "CODEBUILD_CLONE_REF" and "git-credential-helper" in str(script):
            yield _connection(chosen)


def _connection(chosen: Given) -> Need:
    context = {"codeconnections:FullRepositoryId": chosen["FullRepositoryId"]}
    return Need("codeconnections:UseConnection", chosen["ConnectionArn"], context)


def _delivery(account: PlannedAccount, place: Place, _: PlannedResource, given: Given) -> Needs:
    """CodePipeline User Guide, "Manage the CodePipeline service role"; SNS Developer Guide, "Key management"."""
    role, needs = given["roleArn"], [*_artifacts(given, _actions(given), place)]
    topics = {account.arn(one): one.inputs for one in account.of_type("aws:sns/topic:Topic")}
    for action in _actions(given):
        chosen = action["configuration"]
        if action["provider"] == "CodeStarSourceConnection":
            needs.append(_connection(chosen))
        elif action["provider"] == "CodeBuild":
            project = place.arn("codebuild", f"project/{chosen['ProjectName']}")
            needs += [Need("codebuild:StartBuild", project), Need("codebuild:BatchGetBuilds", project)]
        elif chosen.get("NotificationArn"):
            topic = chosen["NotificationArn"]
            needs.append(Need("sns:Publish", topic))
            key = account.plain(topics[topic].get("kmsMasterKeyId")) if topic in topics else None
            via = {"kms:ViaService": f"sns.{place.region}.amazonaws.com"}
            needs += [Need(f"kms:{do}", key, via) for do in ("Decrypt", "GenerateDataKey") if key]
    yield from _as(role, iter(needs))


def _function(_: PlannedAccount, place: Place, __: PlannedResource, given: Given) -> Needs:
    """Lambda Developer Guide, "Defining permissions with an execution role", with a VPC, X-Ray and a key."""
    group = given["loggingConfig"]["logGroup"]
    needs = [one for one in log_needs(group, place) if one.action in ("logs:CreateLogStream", "logs:PutLogEvents")]
    if given.get("vpcConfig"):
        permission = "NetworkInterfacePermission"
        needs += [one for one in network_needs(given["vpcConfig"], place) if not one.action.endswith(permission)]
        interface = place.arn("ec2", "network-interface/eni-0123456789abcdef0")
        for subnet in given["vpcConfig"]["subnetIds"]:
            inside = {"ec2:Subnet": place.arn("ec2", f"subnet/{subnet}")}
            needs += [Need(f"ec2:{do}PrivateIpAddresses", interface, inside) for do in ("Assign", "Unassign")]
    if (given.get("tracingConfig") or {}).get("mode") == "Active":
        needs += [Need(f"xray:{do}", "*") for do in ("PutTraceSegments", "PutTelemetryRecords")]
    if given.get("kmsKeyArn"):
        needs.append(Need("kms:Decrypt", given["kmsKeyArn"]))
    yield from _as(given["role"], iter(needs))


def _task(_: PlannedAccount, place: Place, __: PlannedResource, given: Given) -> Needs:
    """ECS Developer Guide, "Amazon ECS task execution IAM role": the image and the logs."""
    for container in json.loads(given["containerDefinitions"]):
        yield from _as(given["executionRoleArn"], image_needs(container["image"]))
        group = container["logConfiguration"]["options"]["awslogs-group"]
        written = [one for one in log_needs(group, place) if "Stream" in one.action or "Put" in one.action]
        yield from _as(given["executionRoleArn"], (one for one in written if "Describe" not in one.action))


def _service(account: PlannedAccount, place: Place, _: PlannedResource, given: Given) -> Needs:
    """AWS managed policies, AmazonECSInfrastructureRolePolicyForLoadBalancers: whoever shifts requests."""
    for balancer in given.get("loadBalancers", []):
        advanced = balancer.get("advancedConfiguration")
        if advanced:
            needs = [
                Need(f"elasticloadbalancing:{do}Targets", group)
                for do in ("Register", "Deregister")
                for group in (balancer["targetGroupArn"], advanced["alternateTargetGroupArn"])
            ]
            rule = advanced["productionListenerRule"].replace("app/balancer/", f"app/{_balancer(account)}/")
            needs += [Need("elasticloadbalancing:ModifyRule", rule)]
            needs += [
                Need(f"elasticloadbalancing:Describe{noun}", "*")
                for noun in ("Listeners", "Rules", "TargetGroups", "TargetHealth")
            ]
            yield from _as(advanced["roleArn"], iter(needs))


def _balancer(account: PlannedAccount) -> str:
    return str(next(account.of_type("aws:lb/loadBalancer:LoadBalancer")).inputs["name"])


def _deployments(account: PlannedAccount, place: Place, resource: PlannedResource, given: Given) -> Needs:
    """AWS managed policies, AWSCodeDeployRoleForLambdaLimited: aliases are moved, alarms watched."""
    for alias in account.of_type("aws:lambda/alias:Alias", resource.scope):
        name = account.plain(alias.inputs["functionName"])
        for function in (f"function:{name}", f"function:{name}:{alias.inputs['name']}"):
            for action in ("GetAlias", "UpdateAlias", "GetProvisionedConcurrencyConfig"):
                yield given["serviceRoleArn"], Need(f"lambda:{action}", place.arn("lambda", function))
    for alarm in (given.get("alarmConfiguration") or {}).get("alarms", []):
        need = Need("cloudwatch:DescribeAlarms", place.arn("cloudwatch", f"alarm:{alarm}"))
        yield given["serviceRoleArn"], need


def _domain(_: PlannedAccount, place: Place, __: PlannedResource, given: Given) -> Needs:
    """SageMaker Developer Guide, execution roles, "CreateDomain API" with a key, and the logs of apps."""
    settings = given.get("defaultUserSettings") or given.get("userSettings") or {}
    yield from _as(settings["executionRole"], log_needs("/aws/sagemaker/studio", place))


def _profile(account: PlannedAccount, place: Place, resource: PlannedResource, given: Given) -> Needs:
    yield from _domain(account, place, resource, given)
    for domain in account.of_type("aws:sagemaker/domain:Domain", resource.scope):
        key = account.plain(domain.inputs.get("kmsKeyId"))
        if key:
            yield from _as(given["userSettings"]["executionRole"], grant_needs(key))


_RULES: Mapping[str, Callable[[PlannedAccount, Place, PlannedResource, Given], Needs]] = {
    "aws:sagemaker/pipeline:Pipeline": _pipeline,
    "aws:sfn/stateMachine:StateMachine": _state_machine,
    "aws:sagemaker/model:Model": _model,
    "aws:sagemaker/endpointConfiguration:EndpointConfiguration": _configuration,
    "aws:sagemaker/endpoint:Endpoint": _endpoint,
    "aws:sagemaker/featureGroup:FeatureGroup": _feature_group,
    "aws:sagemaker/mlflowApp:MlflowApp": _mlflow,
    "aws:sagemaker/mlflowTrackingServer:MlflowTrackingServer": _mlflow,
    "aws:sagemaker/domain:Domain": _domain,
    "aws:sagemaker/userProfile:UserProfile": _profile,
    "aws-native:sagemaker:DataQualityJobDefinition": _monitor,
    "aws-native:sagemaker:ModelQualityJobDefinition": _monitor,
    "aws-native:sagemaker:ModelBiasJobDefinition": _monitor,
    "aws-native:sagemaker:ModelExplainabilityJobDefinition": _monitor,
    "aws:scheduler/schedule:Schedule": _schedule,
    "aws:cloudwatch/eventTarget:EventTarget": _target,
    "aws:codebuild/project:Project": _build,
    "aws:codepipeline/pipeline:Pipeline": _delivery,
    "aws:lambda/function:Function": _function,
    "aws:ecs/taskDefinition:TaskDefinition": _task,
    "aws:ecs/service:Service": _service,
    "aws:codedeploy/deploymentGroup:DeploymentGroup": _deployments,
}
"""Resource type -> what it makes the roles that it hands over need."""
RULES = frozenset(_RULES)
"""The types of which that is known."""
