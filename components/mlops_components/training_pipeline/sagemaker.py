"""Training pipelines as SageMaker Pipelines, started by EventBridge.

It refuses to make a pipeline without an image: whoever composes it leaves the models out until one is delivered.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from mlops_components.args import ArgsError, checked
from mlops_components.grants import AwsGrant, aws_grant
from mlops_components.naming import SAGEMAKER, physical_name
from mlops_components.placement import AwsPlacement, aws_partition
from mlops_components.spec.monitor_images import ANALYSIS_FILE, CLARIFY, CLARIFY_REPOSITORY, clarify_image
from mlops_components.tags import aws_tags
from mlops_components.training_pipeline.aws_args import AwsPipeline, AwsTrainingArgs
from mlops_components.training_pipeline.aws_documents import stored_document
from mlops_components.training_pipeline.definition import analysis_config, definition, tuning_prefix
from mlops_components.training_pipeline.jobs import Jobs, scope_prefix
from mlops_components.training_pipeline.starts import PIPELINE_WORDS, Started, Starts, pipeline_end_pattern

SERVICE = "sagemaker.amazonaws.com"
"""The service that assumes both roles."""

UNNAMED_JOBS = "pipelines-"
"""What SageMaker begins the names of a pipeline's jobs with where their step names none."""

_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


class SageMakerTrainingPipeline(pulumi.ComponentResource):
    """Training pipelines, run by SageMaker."""

    stage = "training_pipeline"
    platform = "aws"

    pipelines: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> ARN of its pipeline; empty as long as no image is delivered."""

    def __init__(self, name: str, args: AwsTrainingArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        args = checked(args, AwsTrainingArgs, "SageMakerTrainingPipeline")
        super().__init__("mlops-stacks:index:SageMakerTrainingPipeline", name, {**args}, opts)
        starts = Starts(name, self, args["placement"], args.get("start_role_arn"))
        arns = {model: self._pipeline(name, model, pipeline, args) for model, pipeline in args["models"].items()}
        for model, pipeline in args["models"].items():
            starts.all(Started(model, arns[model], takes_input=False), pipeline, args)
        watched = args.get("watched_bucket")
        if watched is not None:
            starts.listen(watched)
        if arns:
            _tell(starts, args.get("topics") or {}, arns)
        self.pipelines = pulumi.Output.all(**arns) if arns else pulumi.Output.from_input({})
        self.register_outputs({"pipelines": self.pipelines})

    def _pipeline(self, name: str, model: str, pipeline: AwsPipeline, args: AwsTrainingArgs) -> pulumi.Output[str]:
        placement = args["placement"]
        settings = stored_document(
            f"{name}-{model}-settings", self, placement, args["artifact_bucket"], model, pipeline["settings"]
        )
        bias = pipeline.get("bias_check")
        bias_config: pulumi.Input[str] = ""
        if bias is not None:
            bias_config = stored_document(
                f"{name}-{model}-bias",
                self,
                placement,
                args["artifact_bucket"],
                f"{model}-bias",
                analysis_config(bias),
                file=ANALYSIS_FILE,
            )
        made = aws.sagemaker.Pipeline(
            f"{name}-{model}",
            pipeline_name=pipeline_name(placement, model),
            pipeline_display_name=pipeline_name(placement, model),
            pipeline_description=f"Trains {model}",
            role_arn=args["engine_role_arn"],
            pipeline_definition=known(args, settings, bias_config).apply(
                lambda values: _rendered(values, model, pipeline, args)
            ),
            tags=aws_tags(placement, "training_pipeline"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        arn: pulumi.Output[str] = made.arn
        return arn


def known(
    args: AwsTrainingArgs, settings: pulumi.Input[str], bias_config: pulumi.Input[str] = ""
) -> pulumi.Output[Any]:
    """All that a definition is rendered from and that is only known after deployment."""
    network = args.get("network")
    return pulumi.Output.all(
        image=args["image"],
        bucket=args["artifact_bucket"],
        role_arn=args["job_role_arn"],
        settings=settings,
        bias_config=bias_config,
        key_arn=args.get("key_arn"),
        network={**network} if network else {},
    )


def jobs_of(values: Mapping[str, Any], model: str, pipeline: AwsPipeline, args: AwsTrainingArgs) -> Jobs:
    """The jobs of a model's pipeline, from values that are known by now."""
    return Jobs(
        placement=args["placement"],
        spec=pipeline["spec"],
        image=values["image"],
        role_arn=values["role_arn"],
        settings=values["settings"],
        runs=f"s3://{values['bucket']}/runs/{model}",
        network=values["network"],
        key_arn=values["key_arn"],
        volume_gb=args.get("volume_gb", 30),
        default_machine=args.get("default_machine", "ml.m5.xlarge"),
    )


def _rendered(values: Mapping[str, Any], model: str, pipeline: AwsPipeline, args: AwsTrainingArgs) -> str:
    bias = pipeline.get("bias_check")
    image = clarify_image(args["placement"]["region"]) if bias is not None else ""
    if image is None:
        raise ArgsError(
            f"SageMakerTrainingPipeline: Clarify, which checks bias, is not in {args['placement']['region']}; "
            "leave 'bias_check' out."
        )
    return definition(
        jobs_of(values, model, pipeline, args),
        cache_hours=args.get("cache_hours"),
        tuning=pipeline.get("tuning"),
        bias=bias,
        bias_config=values["bias_config"],
        clarify_image=image,
    )


def _tell(starts: Starts, topics: Mapping[str, pulumi.Input[str]], arns: Mapping[str, pulumi.Output[str]]) -> None:
    statuses = {"success": ["Succeeded"], "failure": ["Failed"]}
    for kind, topic_arn in topics.items():
        pattern = pulumi.Output.all(*arns.values()).apply(partial(pipeline_end_pattern, statuses=statuses[kind]))
        starts.tell(kind, topic_arn, pattern, PIPELINE_WORDS)


def pipeline_name(placement: AwsPlacement, model: str) -> str:
    """Return the name of a model's pipeline."""
    return physical_name((placement["blueprint"], placement["scope"], model), SAGEMAKER)


def pipeline_arn(placement: AwsPlacement, model: str) -> str:
    """Return the ARN of a model's pipeline, which is known before it is made."""
    return f"{_arn(placement, 'sagemaker')}:pipeline/{pipeline_name(placement, model)}"


def grants_to_start(placement: AwsPlacement, models: Sequence[str]) -> list[AwsGrant]:
    """Permission to start runs of some models."""
    return [
        aws_grant(["sagemaker:StartPipelineExecution"], [pipeline_arn(placement, model) for model in models]),
    ]


def grants_of_jobs(
    placement: AwsPlacement,
    job_role_arn: pulumi.Input[str],
    tuned: Sequence[str] = (),
    *,
    checked_for_bias: bool = False,
) -> list[AwsGrant]:
    """Permission to run the jobs of an environment's steps with their role, and to tune the models `tuned`.

    The job of a bias check has a name of SageMaker's own, wherefore it takes `checked_for_bias`. Source: SageMaker
    Developer Guide, "IAM access management" of Pipelines; `AddTags` because jobs are tagged.
    """
    grants = []
    for kind, resource in (("Processing", "processing-job"), ("Training", "training-job")):
        actions = [f"sagemaker:{verb}{kind}Job" for verb in ("Create", "Describe", "Stop")]
        prefixes = [f"{scope_prefix(placement)}-"]
        if checked_for_bias and kind == "Processing":
            prefixes.append(UNNAMED_JOBS)
        names = [f"{_arn(placement, 'sagemaker')}:{resource}/{prefix}*" for prefix in prefixes]
        grants.append(aws_grant([*actions, "sagemaker:AddTags"], names))
    if tuned:
        actions = [f"sagemaker:{verb}HyperParameterTuningJob" for verb in ("Create", "Describe", "Stop")]
        prefix = f"{_arn(placement, 'sagemaker')}:hyper-parameter-tuning-job/"
        names_of = [f"{prefix}{tuning_prefix(placement, model)}*" for model in tuned]
        trials = [f"{_arn(placement, 'sagemaker')}:training-job/{tuning_prefix(placement, model)}*" for model in tuned]
        grants.append(aws_grant([*actions, "sagemaker:AddTags"], names_of))
        grants.append(aws_grant(["sagemaker:DescribeTrainingJob"], trials))
    passed = {"StringEquals": {"iam:PassedToService": [SERVICE]}}
    grants.append(aws_grant(["iam:PassRole"], [job_role_arn], passed))
    return grants


def grants_to_check_bias(placement: AwsPlacement) -> list[AwsGrant]:
    """Permission to pull the image of Clarify; none where there is no Clarify.

    Whoever runs jobs holds the login (`ecr:GetAuthorizationToken`) already.
    """
    account, region = CLARIFY.get(placement["region"]), placement["region"]
    if account is None:
        return []
    image = f"arn:{aws_partition(region)}:ecr:{region}:{account}:repository/{CLARIFY_REPOSITORY}"
    return [aws_grant(_PULL, [image])]


def _arn(placement: AwsPlacement, service: str) -> str:
    return f"arn:{aws_partition(placement['region'])}:{service}:{placement['region']}:{placement['account_id']}"
