"""Predictions with SageMaker: an endpoint and batch jobs for each released model.

Nothing is made for a model that has no release, so a first deployment never fails for want of one. Models and endpoint
configurations cannot be changed, so their physical names end with a hash of what they are made from: another release
makes new ones, and the endpoint, whose name stays, goes over to them by the rollout that was asked for.

The server's settings lie in S3 under a name that says what is in them. An environment variable of SageMaker holds
1,024 bytes, which the features of one model can outgrow.

It refuses what SageMaker would carry out otherwise than asked: a challenger without a strategy for one, captured
requests of a serverless endpoint, machines that may go to none while somebody waits for an answer.
"""

from collections.abc import Mapping
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from mlops_components.args import ArgsError, checked
from mlops_components.naming import SAGEMAKER, content_hash, immutable_name
from mlops_components.serving.sagemaker_args import (
    EndpointMode,
    SageMakerServedModel,
    SageMakerServingArgs,
    SageMakerVersion,
)
from mlops_components.serving.sagemaker_batch import Batch
from mlops_components.serving.sagemaker_endpoint import RELEASED, Endpoint
from mlops_components.spec.sagemaker_rollout import CHALLENGER_STRATEGIES, strategy_of
from mlops_components.tags import aws_tags

__all__ = ["SageMakerServing", "SageMakerServingArgs"]

SERVICE = "sagemaker.amazonaws.com"
"""The service that assumes `role_arn`."""
SETTINGS_FOLDER = "serving"
"""Folder of the settings in `settings_bucket`; the role must be able to read it."""
SETTINGS_VARIABLE = "MLOPS_STACKS_SERVER_SETTINGS"
"""Environment variable by which the server finds its settings."""


class SageMakerServing(pulumi.ComponentResource):
    """Endpoints and batch jobs of SageMaker."""

    stage = "serving"
    platform = "aws"

    endpoints: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> name of its endpoint."""
    versions: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> version that is served."""
    endpoint_names: pulumi.Output[dict[str, str]]
    """The same as `endpoints`; what metrics call it."""
    variant_names: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> variant that has the released version."""
    capture_roots: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> folder URI below which SageMaker keeps requests, by endpoint, variant and hour."""
    batch_schedules: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> ARN of the schedule of its batch predictions."""

    def __init__(self, name: str, args: SageMakerServingArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        args = checked(args, SageMakerServingArgs, "SageMakerServing")
        for model, served in args["models"].items():
            _check(model, served)
        super().__init__("mlops-stacks:index:SageMakerServing", name, {**args}, opts)
        self._args, self._child = args, pulumi.ResourceOptions(parent=self)
        models = sorted(args["models"].items())
        self._endpoints = {model: self._endpoint(name, model, served) for model, served in models if _realtime(served)}
        schedules = {model: self._batch(name, model, served) for model, served in models if served.get("batch")}
        self.endpoints = _outputs({model: endpoint.name for model, endpoint in self._endpoints.items()})
        self.versions = _outputs({model: served["released"]["version"] for model, served in models})
        self.endpoint_names = self.endpoints
        self.variant_names = _outputs(dict.fromkeys(self._endpoints, RELEASED))
        captured = {model: args["models"][model].get("capture") for model in self._endpoints}
        self.capture_roots = _outputs({model: capture["uri"] for model, capture in captured.items() if capture})
        self.batch_schedules = _outputs(schedules)
        self.register_outputs({output: getattr(self, output) for output in SageMakerServing.__annotations__})

    def _endpoint(self, name: str, model: str, served: SageMakerServedModel) -> aws.sagemaker.Endpoint:
        endpoint = Endpoint(f"{name}-{model}", model, served, self._args, self._child)
        released = self._model(f"{name}-{model}", model, served["released"], served)
        challenger = served.get("challenger")
        other = self._model(f"{name}-{model}-challenger", model, challenger, served) if challenger else None
        return endpoint.made(released.name, other.name if other else None)

    def _batch(self, name: str, model: str, served: SageMakerServedModel) -> pulumi.Output[str]:
        batch = served["batch"]
        assert batch is not None  # noqa: S101 - only models with one are asked for
        # A model of its own: that of a serverless endpoint has no network, and a challenger predicts no batches.
        made = self._model(
            f"{name}-{model}-batch", model, served["released"], {**served, "mode": EndpointMode.INSTANCES}
        )
        return Batch(f"{name}-{model}-batch", model, batch, self._args, self._child).made(made.name)

    def _model(
        self, name: str, model: str, version: SageMakerVersion, served: SageMakerServedModel
    ) -> aws.sagemaker.Model:
        args = self._args
        # A serverless copy cannot be in a network of one's own (Developer Guide, "Serverless endpoint operations").
        network = None if _mode(served) is EndpointMode.SERVERLESS else args.get("network")
        settings = self._settings(name, model, version)
        spec: dict[str, Any] = {
            "purpose": name,
            "package": version["model_package_arn"],
            "settings": settings,
            "role": args["role_arn"],
            "network": network,
        }
        return aws.sagemaker.Model(
            f"{name}-model",
            name=immutable_name((*_parts(args), model), spec, SAGEMAKER),
            execution_role_arn=args["role_arn"],
            containers=[
                aws.sagemaker.ModelContainerArgs(
                    model_package_name=version["model_package_arn"], environment={SETTINGS_VARIABLE: settings}
                )
            ],
            vpc_config=aws.sagemaker.ModelVpcConfigArgs(
                subnets=network["subnet_ids"], security_group_ids=network["security_group_ids"]
            )
            if network
            else None,
            tags=aws_tags(args["placement"], "serving"),
            opts=self._child,
        )

    def _settings(self, name: str, model: str, version: SageMakerVersion) -> pulumi.Output[str]:
        """Put a version's settings into S3; return their URI."""
        return settings_object(
            f"{name}-settings", f"{SETTINGS_FOLDER}/{model}", version, self._args["settings_bucket"], self._child
        )


def settings_object(
    name: str,
    folder: str,
    version: Mapping[str, Any],
    bucket: pulumi.Input[str],
    child: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """Put the settings of a version into a folder of a bucket, under a name that has their hash; return the URI.

    It carries no tags: an object takes ten at most, fewer than a blueprint may ask for.
    """
    settings = pulumi.Output.from_input(version["settings"])
    stored = aws.s3.BucketObjectv2(
        name,
        bucket=bucket,
        key=settings.apply(lambda text: f"{folder}/{version['version']}-{content_hash(text)}.json"),
        content=settings,
        content_type="application/json",
        opts=child,
    )
    # By way of the identifier, so that nothing starts before its settings are there.
    return pulumi.Output.all(bucket, stored.key, stored.id).apply(lambda all_: f"s3://{all_[0]}/{all_[1]}")


def _parts(args: SageMakerServingArgs) -> tuple[str, str]:
    return args["placement"]["blueprint"], args["placement"]["scope"]


def _mode(served: SageMakerServedModel) -> EndpointMode:
    return EndpointMode(served.get("mode", EndpointMode.INSTANCES))


def _realtime(served: SageMakerServedModel) -> bool:
    return served.get("realtime", True)


def _check(model: str, served: SageMakerServedModel) -> None:
    """Refuse what would be carried out otherwise than asked."""
    mode, strategy = _mode(served), strategy_of(served.get("rollout"))
    scaling = served.get("scaling")
    wrong = {
        "has no version; leave it out until it is released": not served["released"]["version"],
        "has neither an endpoint nor a batch; leave it out": not _realtime(served) and not served.get("batch"),
        f"has a challenger, which a rollout '{strategy.value}' has no use for": bool(served.get("challenger"))
        and strategy not in CHALLENGER_STRATEGIES,
        f"needs 'challenger' for the rollout '{strategy.value}'": not served.get("challenger")
        and strategy in CHALLENGER_STRATEGIES,
        f"needs '{mode.value}' for the mode '{mode.value}'": mode is not EndpointMode.INSTANCES
        and not served.get(mode.value),
        "needs 'instance_type'": mode is not EndpointMode.SERVERLESS
        and _realtime(served)
        and not served.get("instance_type"),
        "has 'capture', which SageMaker does for the mode 'instances' only": bool(served.get("capture"))
        and mode is not EndpointMode.INSTANCES,
        "has 'scaling', which a serverless endpoint does by itself": bool(scaling) and mode is EndpointMode.SERVERLESS,
        "may have no copies at all, which only the mode 'asynchronous' can do": bool(scaling)
        and scaling is not None
        and scaling["minimum"] < 1
        and mode is not EndpointMode.ASYNCHRONOUS,
    }
    for sentence, holds in wrong.items():
        if holds:
            raise ArgsError(f"SageMakerServing: the model '{model}' {sentence}.")


def _outputs(values: dict[str, Any]) -> pulumi.Output[dict[str, str]]:
    return pulumi.Output.all(**values) if values else pulumi.Output.from_input({})
