"""Predictions with Lambda: a function for each released model, from the workload's image, behind an address of its own.

Every call of an address is signed; there is none that anybody could use. A release publishes a new version of the
function. All at once, the alias that the address belongs to points at it as soon as it is there. As a canary,
CodeDeploy moves the alias and takes it back when an alarm says so; since nothing declared can start a deployment, a
small function does, which is called whenever there is a new version.

It refuses rollouts with two lasting versions: the weights of an alias belong to the versions of one function, whose
numbers exist only after they were published.
"""

from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from mlops_components.args import ArgsError, checked
from mlops_components.serving.aws_names import LAMBDA_FUNCTION, named
from mlops_components.serving.lambda_args import LambdaServedModel, LambdaServingArgs
from mlops_components.serving.lambda_shift import Shift, is_shifted
from mlops_components.serving.sagemaker import SETTINGS_FOLDER, SETTINGS_VARIABLE, settings_object
from mlops_components.spec.rollout import Strategy
from mlops_components.spec.sagemaker_rollout import strategy_of
from mlops_components.tags import aws_tags

__all__ = ["LambdaServing", "LambdaServingArgs"]

SERVICE = "lambda.amazonaws.com"
"""The service that assumes `role_arn`."""
ALIAS = "live"
"""The alias that an address belongs to."""
COMMAND = ["python", "-m", "mlops_stacks.runtime", "lambda"]
"""What starts in the image."""


class LambdaServing(pulumi.ComponentResource):
    """Functions that predict."""

    stage = "serving"
    platform = "aws"

    endpoints: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> URL of its function; every call is signed."""
    versions: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> version that is served, or about to be."""
    endpoint_names: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> name of its function."""
    variant_names: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> alias that answers."""
    capture_roots: pulumi.Output[dict[str, str]]
    """Empty: the functions keep requests by themselves."""

    def __init__(self, name: str, args: LambdaServingArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        """Have a function answer for each released model."""
        args = checked(args, LambdaServingArgs, "LambdaServing")
        for model, served in args["models"].items():
            _check(model, served, args)
        super().__init__("mlops-stacks:index:LambdaServing", name, {**args}, opts)
        self._args, self._child = args, pulumi.ResourceOptions(parent=self)
        shifted = {model: served for model, served in args["models"].items() if is_shifted(served)}
        self._shift = Shift(name, args, self._child) if shifted else None
        urls = {model: self._served(name, model, served) for model, served in sorted(args["models"].items())}
        self.endpoints = _outputs(urls)
        self.versions = _outputs({model: args["models"][model]["released"]["version"] for model in urls})
        self.endpoint_names = _outputs({model: self._physical(model) for model in urls})
        self.variant_names = _outputs(dict.fromkeys(urls, ALIAS))
        self.capture_roots = _outputs({})
        self.register_outputs({output: getattr(self, output) for output in LambdaServing.__annotations__})

    def _physical(self, model: str) -> str:
        return named(self._args["placement"], model, LAMBDA_FUNCTION)

    def _served(self, name: str, model: str, served: LambdaServedModel) -> pulumi.Output[str]:
        """Everything of one model; returns the URL."""
        function = self._function(f"{name}-{model}", model, served)
        shifted = is_shifted(served)
        alias = aws.lambda_.Alias(
            f"{name}-{model}-alias",
            name=ALIAS,
            function_name=function.name,
            function_version=function.version,
            # CodeDeploy has moved it since; to take it back here would undo a rollout that succeeded.
            opts=pulumi.ResourceOptions(
                parent=self, ignore_changes=["functionVersion", "routingConfig"] if shifted else None
            ),
        )
        if served.get("provisioned"):
            aws.lambda_.ProvisionedConcurrencyConfig(
                f"{name}-{model}-warm",
                function_name=function.name,
                qualifier=alias.name,
                provisioned_concurrent_executions=served["provisioned"],
                opts=self._child,
            )
        if shifted and self._shift is not None:
            self._shift.to(f"{name}-{model}", model, served, function, alias)
        url = aws.lambda_.FunctionUrl(
            f"{name}-{model}-url",
            function_name=function.name,
            qualifier=alias.name,
            authorization_type="AWS_IAM",
            opts=self._child,
        )
        self._let_call(f"{name}-{model}", function, alias)
        return pulumi.Output.from_input(url.function_url)

    def _function(self, name: str, model: str, served: LambdaServedModel) -> aws.lambda_.Function:
        args, network = self._args, self._args.get("network")
        physical, tags = self._physical(model), aws_tags(self._args["placement"], "serving")
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/lambda/{physical}",
            retention_in_days=args.get("log_days", 90),
            tags=tags,
            opts=self._child,
        )
        settings = settings_object(
            f"{name}-settings", f"{SETTINGS_FOLDER}/{model}", served["released"], args["settings_bucket"], self._child
        )
        return aws.lambda_.Function(
            f"{name}-function",
            name=physical,
            description=f"Predictions of {model}",
            package_type="Image",
            image_uri=args["image"],
            image_config=aws.lambda_.FunctionImageConfigArgs(entry_points=COMMAND[:-1], commands=COMMAND[-1:]),
            role=args["role_arn"],
            publish=True,
            architectures=["x86_64"],
            memory_size=served["memory_mb"],
            timeout=served["timeout_seconds"],
            ephemeral_storage=aws.lambda_.FunctionEphemeralStorageArgs(size=served["storage_mb"]),
            reserved_concurrent_executions=served.get("concurrency"),
            environment=aws.lambda_.FunctionEnvironmentArgs(variables={SETTINGS_VARIABLE: settings}),
            kms_key_arn=args.get("key_arn"),
            tracing_config=aws.lambda_.FunctionTracingConfigArgs(mode="Active"),
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(log_format="Text", log_group=logs.name),
            vpc_config=aws.lambda_.FunctionVpcConfigArgs(
                subnet_ids=network["subnet_ids"], security_group_ids=network["security_group_ids"]
            )
            if network
            else None,
            tags=tags,
            opts=self._child,
        )

    def _let_call(self, name: str, function: aws.lambda_.Function, alias: aws.lambda_.Alias) -> None:
        """Let principals of other accounts call; since October 2025 that takes two permissions (Lambda Developer Guide,
        "Control access to Lambda function URLs")."""
        for number, caller in enumerate(self._args.get("callers") or []):
            common: dict[str, Any] = {"function": function.name, "qualifier": alias.name, "principal": caller}
            aws.lambda_.Permission(
                f"{name}-caller-{number}-url",
                statement_id=f"caller-{number}-url",
                action="lambda:InvokeFunctionUrl",
                function_url_auth_type="AWS_IAM",
                opts=self._child,
                **common,
            )
            aws.lambda_.Permission(
                f"{name}-caller-{number}",
                statement_id=f"caller-{number}",
                action="lambda:InvokeFunction",
                invoked_via_function_url=True,
                opts=self._child,
                **common,
            )


def _check(model: str, served: LambdaServedModel, args: LambdaServingArgs) -> None:
    """Refuse what cannot be carried out as asked."""
    strategy = strategy_of(served.get("rollout"))
    if not served["released"]["version"]:
        raise ArgsError(f"LambdaServing: the model '{model}' has no version; leave it out until it is released.")
    if strategy not in (Strategy.ALL_AT_ONCE, Strategy.CANARY):
        raise ArgsError(
            f"LambdaServing: the model '{model}' is to be rolled out by '{strategy.value}', which Lambda cannot do; "
            "write 'all_at_once' or 'canary'."
        )
    if is_shifted(served) and not (args.get("shift_role_arn") and args.get("deploy_role_arn")):
        raise ArgsError(
            f"LambdaServing: the canary of the model '{model}' takes 'shift_role_arn' and 'deploy_role_arn'."
        )


def _outputs(values: dict[str, Any]) -> pulumi.Output[dict[str, str]]:
    return pulumi.Output.all(**values) if values else pulumi.Output.from_input({})
