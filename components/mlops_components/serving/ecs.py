"""Predictions with ECS on Fargate: a service for each released model, behind one load balancer inside the network.

The load balancer has no public address, speaks TLS only, and hands `/<model>/…` on as `/…`, so that the server need not
know where it is. ECS itself moves traffic from one set of copies to the other, and takes it back when an alarm says so.

It refuses rollouts with two lasting versions, which a service does not have.
"""

from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from mlops_components.args import ArgsError, checked
from mlops_components.naming import SECURITY_GROUP, physical_name
from mlops_components.serving.aws_names import ECS, LOAD_BALANCER
from mlops_components.serving.ecs_args import EcsServedModel, EcsServingArgs
from mlops_components.serving.ecs_service import Service
from mlops_components.spec.rollout import Strategy
from mlops_components.spec.sagemaker_rollout import strategy_of
from mlops_components.tags import aws_tags

__all__ = ["EcsServing", "EcsServingArgs"]

SERVICE = "ecs-tasks.amazonaws.com"
"""The service that assumes `task_role_arn` and `execution_role_arn`."""
BALANCER_SERVICE = "ecs.amazonaws.com"
"""The service that assumes `balancer_role_arn`."""
_TLS = "ELBSecurityPolicy-TLS13-1-2-2021-06"


class EcsServing(pulumi.ComponentResource):
    """Services that predict."""

    stage = "serving"
    platform = "aws"

    endpoints: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> URL of its service, inside the network. The certificate has another name."""
    versions: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> version that is served, or about to be."""
    endpoint_names: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> name of its service."""
    variant_names: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> name of the cluster."""
    capture_roots: pulumi.Output[dict[str, str]]
    """Empty: the servers keep requests by themselves."""

    def __init__(self, name: str, args: EcsServingArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        """Have a service answer for each released model; without one, nothing is made."""
        args = checked(args, EcsServingArgs, "EcsServing")
        for model, served in args["models"].items():
            _check(model, served)
        super().__init__("mlops-stacks:index:EcsServing", name, {**args}, opts)
        self._name, self._args, self._child = name, args, pulumi.ResourceOptions(parent=self)
        self._tags = aws_tags(args["placement"], "serving")
        models = sorted(args["models"].items())
        urls, names = self._services(models) if models else ({}, {})
        self.endpoints = _outputs(urls)
        self.versions = _outputs({model: served["released"]["version"] for model, served in models})
        self.endpoint_names = _outputs(names)
        self.variant_names = _outputs(dict.fromkeys(names, cluster_name(args)))
        self.capture_roots = _outputs({})
        self.register_outputs({output: getattr(self, output) for output in EcsServing.__annotations__})

    def _services(self, models: list[tuple[str, EcsServedModel]]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The services of all models; returns their URLs and names."""
        cluster = aws.ecs.Cluster(
            f"{self._name}-cluster",
            name=cluster_name(self._args),
            settings=[aws.ecs.ClusterSettingArgs(name="containerInsights", value="enabled")],
            tags=self._tags,
            opts=self._child,
        )
        balancer = self._balancer()
        listener = self._listener(balancer)
        urls, names = {}, {}
        for number, (model, served) in enumerate(models):
            service = Service(f"{self._name}-{model}", model, served, self._args, self._child)
            names[model] = service.made(cluster, balancer, listener, number + 1)
            urls[model] = balancer.dns_name.apply(lambda host, model=model: f"https://{host}/{model}")
        return urls, names

    def _balancer(self) -> aws.lb.LoadBalancer:
        group = self._security_group()
        placement = self._args["placement"]
        return aws.lb.LoadBalancer(
            f"{self._name}-balancer",
            name=physical_name((placement["blueprint"], placement["scope"]), LOAD_BALANCER),
            internal=True,
            load_balancer_type="application",
            subnets=self._args["subnet_ids"],
            security_groups=[group.id, self._args["security_group_id"]],
            drop_invalid_header_fields=True,
            enable_deletion_protection=False,
            tags=self._tags,
            opts=self._child,
        )

    def _security_group(self) -> aws.ec2.SecurityGroup:
        """Who may call the load balancer. That it may call the servers is for their own group to say."""
        args, placement = self._args, self._args["placement"]
        group = aws.ec2.SecurityGroup(
            f"{self._name}-callers",
            name=physical_name((placement["blueprint"], placement["scope"], "serving"), SECURITY_GROUP),
            description=f"Callers of the models of {placement['blueprint']} in {placement['scope']}",
            vpc_id=args["vpc_id"],
            tags=self._tags,
            opts=self._child,
        )
        rule = aws.vpc.SecurityGroupIngressRule
        common: dict[str, Any] = {
            "security_group_id": group.id,
            "ip_protocol": "tcp",
            "from_port": 443,
            "to_port": 443,
            "tags": self._tags,
            "opts": self._child,
        }
        rule(f"{self._name}-callers-own", referenced_security_group_id=args["security_group_id"], **common)
        for number, cidr in enumerate(args.get("callers") or []):
            rule(f"{self._name}-callers-{number}", cidr_ipv4=cidr, **common)
        to_servers: dict[str, Any] = {**common, "from_port": 8080, "to_port": 8080}
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-callers-servers", referenced_security_group_id=args["security_group_id"], **to_servers
        )
        from_balancer = {**to_servers, "security_group_id": args["security_group_id"]}
        rule(f"{self._name}-servers", referenced_security_group_id=group.id, **from_balancer)
        return group

    def _listener(self, balancer: aws.lb.LoadBalancer) -> aws.lb.Listener:
        return aws.lb.Listener(
            f"{self._name}-listener",
            load_balancer_arn=balancer.arn,
            port=443,
            protocol="HTTPS",
            ssl_policy=_TLS,
            certificate_arn=self._args["certificate_arn"],
            default_actions=[
                aws.lb.ListenerDefaultActionArgs(
                    type="fixed-response",
                    fixed_response=aws.lb.ListenerDefaultActionFixedResponseArgs(
                        content_type="application/json",
                        message_body='{"error": "there is no model of this name here."}',
                        status_code="404",
                    ),
                )
            ],
            tags=self._tags,
            opts=self._child,
        )


def cluster_name(args: EcsServingArgs) -> str:
    """Return the name of an environment's cluster."""
    return physical_name((args["placement"]["blueprint"], args["placement"]["scope"]), ECS)


def _check(model: str, served: EcsServedModel) -> None:
    """Refuse what cannot be carried out as asked."""
    strategy, scaling = strategy_of(served.get("rollout")), served.get("scaling")
    if not served["released"]["version"]:
        raise ArgsError(f"EcsServing: the model '{model}' has no version; leave it out until it is released.")
    if strategy not in (Strategy.ALL_AT_ONCE, Strategy.BLUE_GREEN, Strategy.CANARY):
        raise ArgsError(
            f"EcsServing: the model '{model}' is to be rolled out by '{strategy.value}', which ECS cannot do; "
            "write 'all_at_once', 'blue_green' or 'canary'."
        )
    if strategy is not Strategy.ALL_AT_ONCE and scaling and scaling.get("requests_per_minute"):
        raise ArgsError(
            f"EcsServing: the copies of the model '{model}' cannot follow requests while there are two sets of them; "
            "leave 'requests_per_minute' out, or write 'all_at_once'."
        )


def _outputs(values: dict[str, Any]) -> pulumi.Output[dict[str, str]]:
    return pulumi.Output.all(**values) if values else pulumi.Output.from_input({})
