"""CD on AWS: a pipeline that takes a package, and one that takes approved versions, from environment to environment.

Both do the same for each environment in turn: write the change to its lock, validate, plan under the policies, wait for
a person's word (in each but the first), carry it out with Pulumi, and push the lock. What runs where is thus in version
control and nowhere else. Each environment has a role of its own, which may act as that environment's deployer and as no
other.

A run is told which package to deliver; CI 1 starts one for each that it makes. The pipeline of versions is started by
the approval of one. It refuses to hold the permissions of a deployer itself.
"""

from typing import NotRequired, Optional

import pulumi
import pulumi_aws as aws
from typing_extensions import TypedDict

from mlops_components.args import checked
from mlops_components.aws_delivery import buildspecs, pipelines
from mlops_components.aws_delivery.builds import Build, BuildPlace, build_project
from mlops_components.aws_delivery.ci_args import packages_uri
from mlops_components.aws_delivery.names import CODEPIPELINE, name_of
from mlops_components.aws_delivery.notices import approved_pattern, event_rule, tell
from mlops_components.aws_delivery.pipelines import EXECUTION, SOURCE, approval_action, build_action
from mlops_components.placement import AwsPlacement

PACKAGES, VERSIONS = "cd1", "cd2"
"""Purposes of the two pipelines: of packages, and of approved versions."""
AHEAD = "cdplan"
"""Purpose of the build that plans, for all environments: it changes nothing."""
_DAY = 24 * 60


def deploy_purpose(environment: str) -> str:
    """Purpose of the build that deploys to an environment, and of its role."""
    return f"cdup{environment}"


class DeliveryEnvironment(TypedDict):
    """An environment, in the order of promotion."""

    name: str
    """Its name in the blueprint."""
    role_arn: pulumi.Input[str]
    """Role of the build that deploys to it."""
    approval: bool
    """Whether a person is asked before."""
    delivers: bool
    """Whether packages go there."""
    releases: bool
    """Whether approved versions go there."""


class CodePipelineDeliveryArgs(TypedDict):
    """What delivery on CodePipeline consists of."""

    placement: AwsPlacement
    """Scope, account and region."""
    repository: str
    """`owner/name` of the repository that has the blueprint and its locks."""
    branch: str
    """The branch with the locks, which delivery pushes to."""
    connection_arn: pulumi.Input[str]
    """The connection to the provider of the repository."""
    blueprint_path: str
    """The blueprint's file in the repository."""
    platform: str
    """Where pip finds mlops-stacks: a version of the index, a URL, or the path of a wheel in the repository."""
    backend: str
    """Where Pulumi keeps its state, e.g. `s3://my-state?region=eu-west-1`."""
    bucket: pulumi.Input[str]
    """The shared bucket, with the packages."""
    key_arn: NotRequired[pulumi.Input[str]]
    """Key of that bucket; default: the service's own."""
    environments: list[DeliveryEnvironment]
    """Where to, in this order."""
    pipeline_role_arn: pulumi.Input[str]
    """Starts the builds and asks for approval."""
    ahead_role_arn: pulumi.Input[str]
    """Plans."""
    model_groups: NotRequired[list[str]]
    """Names of the groups of model packages whose approvals start a release. Default: none."""
    events_role_arn: NotRequired[pulumi.Input[str]]
    """Starts the pipeline of versions; needed where there are `model_groups`."""
    approval_topic: NotRequired[pulumi.Input[str]]
    """Topic at which approval is asked for. Default: none, so that one has to look."""
    approval_days: NotRequired[int]
    """How long a run waits for approval; default 7, at most 60."""
    topics: NotRequired[dict[str, pulumi.Input[str]]]
    """`success`, `failure` -> topic that is told how runs ended. Default: nobody is told."""
    timeout_minutes: NotRequired[int]
    """Time limit of each deployment; default 120."""
    log_days: NotRequired[int]
    """How long logs are kept; default 365."""


class CodePipelineDelivery(pulumi.ComponentResource):
    """The pipelines that bring packages and versions to the environments."""

    stage = "pipeline_delivery"
    platform = "aws"

    packages: pulumi.Output[str]
    """Where each package has a folder; an `s3://` URI without a final slash."""
    pipeline_name: pulumi.Output[str]
    """Name of the pipeline of packages, which takes the variable PACKAGE."""
    release_pipeline_name: pulumi.Output[str]
    """Name of the pipeline of versions; empty where no environment follows approvals."""
    connection_arn: pulumi.Output[str]
    """The connection, whose handshake a person completes."""

    def __init__(
        self, name: str, args: CodePipelineDeliveryArgs, opts: Optional[pulumi.ResourceOptions] = None
    ) -> None:
        args = checked(args, CodePipelineDeliveryArgs, "CodePipelineDelivery")
        super().__init__("mlops-stacks:index:CodePipelineDelivery", name, {**args}, opts)
        place = BuildPlace(name, self, args["placement"], self.stage, args.get("key_arn"), args.get("log_days", 365))
        made = _Delivery(place, args)
        self.packages = packages_uri(args["bucket"])
        self.pipeline_name = made.packages().name
        versions = made.versions()
        self.release_pipeline_name = versions.name if versions else pulumi.Output.from_input("")
        self.connection_arn = pulumi.Output.from_input(args["connection_arn"])
        self.register_outputs({output: getattr(self, output) for output in CodePipelineDelivery.__annotations__})


class _Delivery:
    """The builds that both pipelines share, and the pipelines."""

    def __init__(self, place: BuildPlace, args: CodePipelineDeliveryArgs) -> None:
        self._place, self._args = place, args
        folder, separator, _ = args["blueprint_path"].rpartition("/")
        self._locks = folder + separator
        folders = [self._locks + each for each in ("deliveries", "releases")]
        told = {"PULUMI_BACKEND_URL": args["backend"], "BRANCH": args["branch"]}
        where = (args["platform"], args["blueprint_path"], folders)
        limit = args.get("timeout_minutes", 120)
        self._ahead = build_project(
            place,
            Build(
                AHEAD,
                "Plans a change to an environment",
                args["ahead_role_arn"],
                buildspecs.ahead_buildspec(*where),
                limit,
                variables=told,
            ),
        )
        self._deploy = {
            environment["name"]: build_project(
                place,
                Build(
                    deploy_purpose(environment["name"]),
                    f"Carries out a change to {environment['name']}",
                    environment["role_arn"],
                    buildspecs.deploy_buildspec(*where),
                    limit,
                    variables=told,
                ),
            )
            for environment in args["environments"]
        }

    def packages(self) -> aws.codepipeline.Pipeline:
        """The pipeline of packages."""
        there = [each for each in self._args["environments"] if each["delivers"]]
        return self._pipeline(PACKAGES, there, {"PACKAGE": "number of the package that is delivered"})

    def versions(self) -> Optional[aws.codepipeline.Pipeline]:
        """The pipeline of approved versions, and the rule that starts it; None where no environment follows them."""
        there = [each for each in self._args["environments"] if each["releases"]]
        if not there:
            return None
        made = self._pipeline(VERSIONS, there, {})
        groups = self._args.get("model_groups") or []
        if groups:
            rule = event_rule(self._place, "approved", approved_pattern(groups))
            aws.cloudwatch.EventTarget(
                f"{self._place.name}-approved-target",
                rule=rule.name,
                target_id="pipeline",
                arn=made.arn,
                role_arn=self._args.get("events_role_arn"),
                opts=pulumi.ResourceOptions(parent=self._place.parent),
            )
        return made

    def _pipeline(
        self, purpose: str, environments: list[DeliveryEnvironment], variables: dict[str, str]
    ) -> aws.codepipeline.Pipeline:
        args = self._args
        stages = [
            pipelines.source_stage(args["connection_arn"], args["repository"], args["branch"], clones=True),
            *(self._stage(purpose, environment) for environment in environments),
        ]
        tell(self._place, purpose, args.get("topics") or {})
        role, bucket = args["pipeline_role_arn"], args["bucket"]
        return pipelines.pipeline(self._place, purpose, role, bucket, stages, variables=variables)

    def _stage(self, purpose: str, environment: DeliveryEnvironment) -> aws.codepipeline.PipelineStageArgs:
        """Plan, approval, deployment. The plan's words and link are what the approver is shown."""
        name = environment["name"]
        planned = f"Plan-{name}"
        told = self._told(purpose, name)
        actions = [
            build_action(planned, self._ahead, [SOURCE], variables=told, output=f"Plan-{purpose}-{name}"),
        ]
        if environment["approval"]:
            what = "package" if purpose == PACKAGES else "versions"
            question = f"May {what} #{{{planned}.VERSIONS}} go to {name}? The plan is in the log of the build."
            actions.append(
                approval_action(
                    name,
                    question,
                    f"#{{{planned}.LINK}}",
                    self._args.get("approval_topic"),
                    self._args.get("approval_days", 7) * _DAY,
                    2,
                )
            )
        told_more = {**told, "VERSIONS": f"#{{{planned}.VERSIONS}}"}
        actions.append(build_action(f"Up-{name}", self._deploy[name], [SOURCE], variables=told_more, order=3))
        return aws.codepipeline.PipelineStageArgs(name=name, actions=actions)

    def _told(self, purpose: str, environment: str) -> dict[str, str]:
        blueprint = self._args["placement"]["blueprint"]
        delivers = purpose == PACKAGES
        kind = "deliveries" if delivers else "releases"
        message = "Deliver package #{variables.PACKAGE}" if delivers else "Release approved versions"
        return {
            "CHANGE": "deliver" if delivers else "promote",
            "PACKAGE": "#{variables.PACKAGE}" if delivers else "-",
            "ENVIRONMENT": environment,
            "EXECUTION": EXECUTION,
            "PIPELINE": name_of(self._args["placement"], purpose, CODEPIPELINE),
            "LOCK": f"{self._locks}{kind}/{blueprint}/{environment}.yaml",
            "MESSAGE": f"{message} to {environment}",
        }
