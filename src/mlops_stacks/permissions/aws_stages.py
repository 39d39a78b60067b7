"""What deploying AWS's machine learning, compute and delivery services takes. Sources: as in `aws_base`."""

from __future__ import annotations

from collections.abc import Mapping

from mlops_stacks.permissions.row import Row, arn

_TAGS = "AddTags DeleteTags ListTags"
_KEY = "kms: DescribeKey"
_GRANT = "kms: CreateGrant"


def _sagemaker(kind: str, name: str, actions: str, **more: object) -> Row:
    return Row((arn("sagemaker", f"{kind}/{name}"),), f"sagemaker: {actions} {_TAGS}", **more)  # type: ignore[arg-type]


def _life(noun: str, *, update: bool = True) -> str:
    return f"Create{noun} Describe{noun} Delete{noun}" + (f" Update{noun}" if update else "")


# aws-native carries out its resources through Cloud Control, which asks for the service's own actions as well.
_CLOUD_CONTROL = (
    "cloudformation: CreateResource GetResource UpdateResource DeleteResource GetResourceRequestStatus "
    "CancelResourceRequest"
)


def _job_definition(kind: str, noun: str, **more: object) -> Row:
    return _sagemaker(kind, "{jobDefinitionName}", _life(noun, update=False), hashed=True, **more)


MACHINE_LEARNING: Mapping[str, Row] = {
    "aws:sagemaker/model:Model": _sagemaker(
        "model", "{name}", _life("Model", update=False), hashed=True, anywhere="ec2: DescribeVpcEndpoints"
    ),
    "aws:sagemaker/endpointConfiguration:EndpointConfiguration": _sagemaker(
        "endpoint-config",
        "{name}",
        _life("EndpointConfig", update=False),
        hashed=True,
        key=_KEY,
        key_for_services=_GRANT,
    ),
    "aws:sagemaker/endpoint:Endpoint": Row(
        (arn("sagemaker", "endpoint/{name}"), arn("sagemaker", "endpoint-config/{name}-*")),
        f"sagemaker: {_life('Endpoint')} {_TAGS}",
    ),
    "aws:sagemaker/pipeline:Pipeline": _sagemaker("pipeline", "{pipelineName}", _life("Pipeline")),
    "aws:sagemaker/featureGroup:FeatureGroup": _sagemaker(
        "feature-group",
        "{featureGroupName}",
        _life("FeatureGroup"),
        key=f"{_KEY} Decrypt GenerateDataKey",
        key_for_services=f"{_GRANT} RetireGrant",
    ),
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup": _sagemaker(
        "model-package-group", "{modelPackageGroupName}", _life("ModelPackageGroup", update=False)
    ),
    "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy": Row(
        (arn("sagemaker", "model-package-group/{modelPackageGroupName}"),),
        "sagemaker: PutModelPackageGroupPolicy GetModelPackageGroupPolicy DeleteModelPackageGroupPolicy",
    ),
    "aws:sagemaker/modelCard:ModelCard": _sagemaker("model-card", "{modelCardName}", _life("ModelCard"), key=_KEY),
    "aws:sagemaker/mlflowApp:MlflowApp": Row(
        (arn("sagemaker", "mlflow-app/*"),), f"sagemaker: {_life('MlflowApp')} {_TAGS}"
    ),
    "aws:sagemaker/mlflowTrackingServer:MlflowTrackingServer": _sagemaker(
        "mlflow-tracking-server", "{trackingServerName}", _life("MlflowTrackingServer")
    ),
    "aws:sagemaker/domain:Domain": Row(
        (arn("sagemaker", "domain/*"),),
        f"sagemaker: {_life('Domain')} {_TAGS}",
        anywhere="ec2: DescribeSecurityGroups DescribeSubnets DescribeVpcs",
        key=_KEY,
        key_for_services=_GRANT,
        linked=("sagemaker.amazonaws.com",),
    ),
    "aws:sagemaker/userProfile:UserProfile": Row(
        (arn("sagemaker", "user-profile/*/{userProfileName}"),), f"sagemaker: {_life('UserProfile')} {_TAGS}"
    ),
    "aws:sagemaker/space:Space": Row(
        (arn("sagemaker", "space/*/{spaceName}"),), f"sagemaker: {_life('Space')} {_TAGS}"
    ),
    "aws:sagemaker/studioLifecycleConfig:StudioLifecycleConfig": _sagemaker(
        "studio-lifecycle-config",
        "{studioLifecycleConfigName}",
        _life("StudioLifecycleConfig", update=False),
        hashed=True,
    ),
    "aws:sagemaker/appImageConfig:AppImageConfig": _sagemaker(
        "app-image-config", "{appImageConfigName}", _life("AppImageConfig")
    ),
    "aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition": Row(
        (arn("sagemaker", "data-quality-job-definition/{name}"),),
        f"sagemaker: {_life('DataQualityJobDefinition', update=False)} {_TAGS}",
        hashed=True,
    ),
    "aws:sagemaker/monitoringSchedule:MonitoringSchedule": _sagemaker(
        "monitoring-schedule", "{name}", _life("MonitoringSchedule")
    ),
    "aws-native:sagemaker:DataQualityJobDefinition": _job_definition(
        "data-quality-job-definition", "DataQualityJobDefinition", anywhere=_CLOUD_CONTROL
    ),
    "aws-native:sagemaker:ModelQualityJobDefinition": _job_definition(
        "model-quality-job-definition", "ModelQualityJobDefinition", anywhere=_CLOUD_CONTROL
    ),
    "aws-native:sagemaker:ModelBiasJobDefinition": _job_definition(
        "model-bias-job-definition", "ModelBiasJobDefinition", anywhere=_CLOUD_CONTROL
    ),
    "aws-native:sagemaker:ModelExplainabilityJobDefinition": _job_definition(
        "model-explainability-job-definition", "ModelExplainabilityJobDefinition", anywhere=_CLOUD_CONTROL
    ),
    "aws-native:sagemaker:MonitoringSchedule": _sagemaker(
        "monitoring-schedule", "{monitoringScheduleName}", _life("MonitoringSchedule"), anywhere=_CLOUD_CONTROL
    ),
    "aws-native:sagemaker:ModelCard": _sagemaker(
        "model-card", "{modelCardName}", _life("ModelCard"), anywhere=_CLOUD_CONTROL, key=_KEY
    ),
    "aws-native:sagemaker:Experiment": _sagemaker(
        "experiment", "{experimentName}", _life("Experiment"), anywhere=_CLOUD_CONTROL
    ),
}

_TAG_RESOURCE = "TagResource UntagResource ListTagsForResource"
_FUNCTION = (arn("lambda", "function:{functionName}"), arn("lambda", "function:{functionName}:*"))
_BALANCING_DESCRIBE = (
    "elasticloadbalancing: DescribeLoadBalancers DescribeLoadBalancerAttributes DescribeListeners "
    "DescribeListenerAttributes DescribeRules DescribeTargetGroups DescribeTargetGroupAttributes DescribeTargetHealth "
    "DescribeTags DescribeCapacityReservation"
)
_SCALABLE = (arn("application-autoscaling", "scalable-target/*"),)

COMPUTE: Mapping[str, Row] = {
    "aws:appautoscaling/target:Target": Row(
        _SCALABLE,
        f"application-autoscaling: RegisterScalableTarget DeregisterScalableTarget {_TAG_RESOURCE}",
        anywhere="application-autoscaling: DescribeScalableTargets",
        linked=(
            "sagemaker.application-autoscaling.amazonaws.com",
            "ecs.application-autoscaling.amazonaws.com",
            "lambda.application-autoscaling.amazonaws.com",
        ),
    ),
    "aws:appautoscaling/policy:Policy": Row(
        _SCALABLE,
        "application-autoscaling: PutScalingPolicy DeleteScalingPolicy",
        anywhere="application-autoscaling: DescribeScalingPolicies",
    ),
    "aws:appautoscaling/scheduledAction:ScheduledAction": Row(
        _SCALABLE,
        "application-autoscaling: PutScheduledAction DeleteScheduledAction",
        anywhere="application-autoscaling: DescribeScheduledActions",
    ),
    "aws:scheduler/schedule:Schedule": Row(
        (arn("scheduler", "schedule/*/{name}"),),
        "scheduler: CreateSchedule GetSchedule UpdateSchedule DeleteSchedule",
        key=f"{_KEY} Decrypt GenerateDataKey",
    ),
    "aws:scheduler/scheduleGroup:ScheduleGroup": Row(
        (arn("scheduler", "schedule-group/{name}"),),
        f"scheduler: CreateScheduleGroup GetScheduleGroup DeleteScheduleGroup {_TAG_RESOURCE}",
    ),
    "aws:sfn/stateMachine:StateMachine": Row(
        (arn("states", "stateMachine:{name}"),),
        "states: CreateStateMachine DescribeStateMachine UpdateStateMachine DeleteStateMachine "
        f"ListStateMachineVersions {_TAG_RESOURCE}",
        anywhere="states: ValidateStateMachineDefinition",
        key=f"{_KEY} Decrypt GenerateDataKey",
    ),
    "aws:lambda/function:Function": Row(
        (arn("lambda", "function:{name}"), arn("lambda", "function:{name}:*")),
        "lambda: CreateFunction GetFunction GetFunctionConfiguration GetFunctionCodeSigningConfig UpdateFunctionCode "
        "UpdateFunctionConfiguration DeleteFunction PublishVersion ListVersionsByFunction PutFunctionConcurrency "
        "DeleteFunctionConcurrency TagResource UntagResource ListTags",
        anywhere="ec2: DescribeSecurityGroups DescribeSubnets DescribeVpcs DescribeNetworkInterfaces",
        key=f"{_KEY} Decrypt",
        key_for_services=_GRANT,
        image="ecr: BatchGetImage GetDownloadUrlForLayer",
    ),
    "aws:lambda/invocation:Invocation": Row(
        (arn("lambda", "function:{functionName}"), arn("lambda", "function:{functionName}:*")),
        "lambda: InvokeFunction",
    ),
    "aws:lambda/alias:Alias": Row(_FUNCTION, "lambda: CreateAlias GetAlias UpdateAlias DeleteAlias"),
    "aws:lambda/functionUrl:FunctionUrl": Row(
        _FUNCTION,
        "lambda: CreateFunctionUrlConfig GetFunctionUrlConfig UpdateFunctionUrlConfig DeleteFunctionUrlConfig",
    ),
    "aws:lambda/permission:Permission": Row(
        (arn("lambda", "function:{function}"), arn("lambda", "function:{function}:*")),
        "lambda: AddPermission RemovePermission GetPolicy",
    ),
    "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": Row(
        _FUNCTION,
        "lambda: PutProvisionedConcurrencyConfig GetProvisionedConcurrencyConfig DeleteProvisionedConcurrencyConfig",
    ),
    "aws:ecs/cluster:Cluster": Row(
        (arn("ecs", "cluster/{name}"),),
        f"ecs: CreateCluster DescribeClusters UpdateCluster DeleteCluster PutClusterCapacityProviders {_TAG_RESOURCE}",
        linked=("ecs.amazonaws.com",),
    ),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": Row(
        (arn("ecs", "cluster/{clusterName}"),), "ecs: DescribeClusters PutClusterCapacityProviders"
    ),
    "aws:ecs/service:Service": Row(
        (arn("ecs", "service/*/{name}"),),
        "ecs: CreateService DescribeServices UpdateService DeleteService ListServiceDeployments "
        f"DescribeServiceRevisions {_TAG_RESOURCE}",
        anywhere="ec2: DescribeSecurityGroups DescribeSubnets",
        linked=("ecs.amazonaws.com",),
    ),
    "aws:ecs/taskDefinition:TaskDefinition": Row(
        (arn("ecs", "task-definition/{family}:*"),),
        f"ecs: RegisterTaskDefinition {_TAG_RESOURCE}",
        anywhere="ecs: DescribeTaskDefinition DeregisterTaskDefinition",
    ),
    "aws:lb/loadBalancer:LoadBalancer": Row(
        (arn("elasticloadbalancing", "loadbalancer/app/{name}/*"),),
        "elasticloadbalancing: CreateLoadBalancer DeleteLoadBalancer ModifyLoadBalancerAttributes SetSecurityGroups "
        "SetSubnets SetIpAddressType AddTags RemoveTags",
        anywhere=f"{_BALANCING_DESCRIBE} ec2: DescribeAccountAttributes DescribeSecurityGroups DescribeSubnets "
        "DescribeVpcs DescribeInternetGateways",
        linked=("elasticloadbalancing.amazonaws.com",),
    ),
    "aws:lb/targetGroup:TargetGroup": Row(
        (arn("elasticloadbalancing", "targetgroup/{name}/*"),),
        "elasticloadbalancing: CreateTargetGroup DeleteTargetGroup ModifyTargetGroup ModifyTargetGroupAttributes "
        "RegisterTargets DeregisterTargets AddTags RemoveTags",
        anywhere=_BALANCING_DESCRIBE,
    ),
    "aws:lb/listener:Listener": Row(
        (arn("elasticloadbalancing", "loadbalancer/app/*"), arn("elasticloadbalancing", "listener/app/*")),
        "elasticloadbalancing: CreateListener DeleteListener ModifyListener ModifyListenerAttributes AddTags "
        "RemoveTags",
        anywhere=_BALANCING_DESCRIBE,
    ),
    "aws:lb/listenerRule:ListenerRule": Row(
        (arn("elasticloadbalancing", "listener/app/*"), arn("elasticloadbalancing", "listener-rule/app/*")),
        "elasticloadbalancing: CreateRule DeleteRule ModifyRule SetRulePriorities AddTags RemoveTags",
        anywhere=_BALANCING_DESCRIBE,
    ),
    "aws:codedeploy/application:Application": Row(
        (arn("codedeploy", "application:{name}"),),
        f"codedeploy: CreateApplication GetApplication UpdateApplication DeleteApplication {_TAG_RESOURCE}",
    ),
    "aws:codedeploy/deploymentGroup:DeploymentGroup": Row(
        (arn("codedeploy", "deploymentgroup:{appName}/{deploymentGroupName}"),),
        "codedeploy: CreateDeploymentGroup GetDeploymentGroup UpdateDeploymentGroup DeleteDeploymentGroup "
        f"{_TAG_RESOURCE}",
    ),
    "aws:codedeploy/deploymentConfig:DeploymentConfig": Row(
        (arn("codedeploy", "deploymentconfig:{deploymentConfigName}"),),
        "codedeploy: CreateDeploymentConfig GetDeploymentConfig DeleteDeploymentConfig",
    ),
}

DELIVERY: Mapping[str, Row] = {
    "aws:codebuild/project:Project": Row(
        (arn("codebuild", "project/{name}"),),
        "codebuild: CreateProject UpdateProject DeleteProject BatchGetProjects",
        anywhere="ec2: DescribeSecurityGroups DescribeSubnets DescribeVpcs",
        key=_KEY,
    ),
    "aws:codebuild/reportGroup:ReportGroup": Row(
        (arn("codebuild", "report-group/{name}"),),
        "codebuild: CreateReportGroup UpdateReportGroup DeleteReportGroup BatchGetReportGroups",
        key=_KEY,
    ),
    "aws:codebuild/webhook:Webhook": Row(
        (arn("codebuild", "project/{projectName}"),),
        "codebuild: CreateWebhook UpdateWebhook DeleteWebhook BatchGetProjects",
    ),
    "aws:codepipeline/pipeline:Pipeline": Row(
        (arn("codepipeline", "{name}"),),
        f"codepipeline: CreatePipeline GetPipeline UpdatePipeline DeletePipeline {_TAG_RESOURCE}",
    ),
    "aws:codeconnections/connection:Connection": Row(
        (arn("codeconnections", "connection/*"), arn("codestar-connections", "connection/*")),
        "",
        anywhere="codeconnections: CreateConnection codestar-connections: CreateConnection",
        own="codeconnections: GetConnection DeleteConnection PassConnection UseConnection TagResource UntagResource "
        "ListTagsForResource",
    ),
    "aws:codestarconnections/connection:Connection": Row(
        (arn("codestar-connections", "connection/*"),),
        "",
        anywhere="codestar-connections: CreateConnection",
        own="codestar-connections: GetConnection DeleteConnection PassConnection TagResource UntagResource "
        "ListTagsForResource",
    ),
    "aws:codestarnotifications/notificationRule:NotificationRule": Row(
        (arn("codestar-notifications", "notificationrule/*"),),
        "",
        anywhere="codestar-notifications: ListTargets",
        own="codestar-notifications: CreateNotificationRule DescribeNotificationRule UpdateNotificationRule "
        "DeleteNotificationRule TagResource UntagResource ListTagsForResource",
        linked=("codestar-notifications.amazonaws.com",),
    ),
}
