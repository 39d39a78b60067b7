"""CI 1 on AWS: CodePipeline takes a pushed commit, CodeBuild tests, packages, tries and scans it, or refuses it.

A package is recorded last, so that nothing which failed a test, the smoke run or the scan can ever be delivered, even
though its image was pushed. Pull requests have a pipeline of their own, which tests and builds them and can deliver
nothing: whoever may open one decides what its build does, so its role may neither push nor write.

It holds no token of the repository: a person completes the connection once, and until then runs fail at their first
action.
"""

from typing import NotRequired, Optional

import pulumi
import pulumi_aws as aws
from typing_extensions import TypedDict

from mlops_components.args import checked
from mlops_components.aws_delivery import buildspecs, pipelines
from mlops_components.aws_delivery.builds import Build, BuildPlace, BuildSize, build_project
from mlops_components.aws_delivery.ci_args import (
    CiGates,
    CiPlaces,
    CiWorkload,
    ScanSeverity,
    keep_documents,
    packages_uri,
    workload_of,
)
from mlops_components.aws_delivery.names import REPORT_GROUP, name_of
from mlops_components.aws_delivery.notices import tell
from mlops_components.aws_delivery.pipelines import BRANCH, COMMIT, SOURCE, Turn, build_action
from mlops_components.placement import AwsPlacement
from mlops_components.tags import aws_tags

PIPELINE = "ci"
TEST, IMAGE, SMOKE, SCAN, PUBLISH, PULL = "citest", "ciimage", "cismoke", "ciscan", "cipublish", "cipull"
"""Purposes of the builds, of their roles and of their logs; the last is a pipeline's too, that of pull requests."""


class CodePipelineRoles(TypedDict):
    """ARN of the role of each part, so that none has the permissions of another."""

    pipeline: pulumi.Input[str]
    """Starts the builds."""
    test: pulumi.Input[str]
    """Who tests the workload."""
    image: pulumi.Input[str]
    """Who builds the image."""
    smoke: NotRequired[pulumi.Input[str]]
    """Needed where models are tried."""
    scan: pulumi.Input[str]
    """Who reads what the registry's scan found."""
    publish: pulumi.Input[str]
    """Who publishes the package."""
    pull: NotRequired[pulumi.Input[str]]
    """Who builds pull requests. Default: nobody does."""


class CodePipelineContinuousIntegrationArgs(TypedDict):
    """What CI 1 on CodePipeline consists of."""

    placement: AwsPlacement
    """Scope, account and region."""
    repository: str
    """`owner/name` at the provider."""
    branch: str
    """The branch that is built."""
    connection_arn: pulumi.Input[str]
    """The connection to the provider."""
    only_paths: NotRequired[list[str]]
    """Patterns of paths of which one must have changed. Default: any."""
    not_paths: NotRequired[list[str]]
    """Patterns of paths whose change alone starts nothing. Default: none."""
    workload: CiWorkload
    """What is built."""
    places: CiPlaces
    """Where what is made is kept."""
    settings: pulumi.Input[str]
    """The `CiSettings` document, as JSON."""
    gates: CiGates
    """What a commit must pass."""
    roles: CodePipelineRoles
    """Who does what."""
    size: NotRequired[BuildSize]
    """Machine of the builds of image and smoke models; default small."""
    delivery_pipeline: NotRequired[str]
    """Name of the pipeline that is started for each package. Default: none."""
    topics: NotRequired[dict[str, pulumi.Input[str]]]
    """`success`, `failure` -> topic that is told how runs ended. Default: nobody is told."""
    log_days: NotRequired[int]
    """How long logs are kept; default 90."""


class CodePipelineContinuousIntegration(pulumi.ComponentResource):
    """CI 1 on CodePipeline and CodeBuild."""

    stage = "continuous_integration"
    platform = "aws"

    repository: pulumi.Output[str]
    """`owner/name` of what one pushes to."""
    branch: pulumi.Output[str]
    """The branch that is built."""
    packages: pulumi.Output[str]
    """Where each package has a folder; an `s3://` URI without a final slash."""
    pipeline_name: pulumi.Output[str]
    """Name of the pipeline."""
    connection_arn: pulumi.Output[str]
    """The connection, whose handshake a person completes."""

    def __init__(
        self,
        name: str,
        args: CodePipelineContinuousIntegrationArgs,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        args = checked(args, CodePipelineContinuousIntegrationArgs, "CodePipelineContinuousIntegration")
        super().__init__("mlops-stacks:index:CodePipelineContinuousIntegration", name, {**args}, opts)
        place = BuildPlace(
            name, self, args["placement"], self.stage, args["places"].get("key_arn"), args.get("log_days", 90)
        )
        parts = _Parts(place, args)
        made = pipelines.pipeline(
            place,
            PIPELINE,
            args["roles"]["pipeline"],
            args["places"]["bucket"],
            parts.stages(),
            trigger=_trigger(args),
            turn=Turn.SUPERSEDED,
        )
        tell(place, PIPELINE, args.get("topics") or {})
        if "pull" in args["roles"]:
            parts.of_pull_requests(args["roles"]["pull"])
            tell(place, PULL, args.get("topics") or {})
        self.repository = pulumi.Output.from_input(args["repository"])
        self.branch = pulumi.Output.from_input(args["branch"])
        self.packages = packages_uri(args["places"]["bucket"])
        self.pipeline_name = made.name
        self.connection_arn = pulumi.Output.from_input(args["connection_arn"])
        self.register_outputs(
            {output: getattr(self, output) for output in CodePipelineContinuousIntegration.__annotations__}
        )


class _Parts:
    """The builds, and the stages that start them."""

    def __init__(self, place: BuildPlace, args: CodePipelineContinuousIntegrationArgs) -> None:
        self._place, self._args = place, args
        self._workload, self._gates = workload_of(args["workload"]), args["gates"]
        self._tries = self._gates.get("smoke", True)
        tags = aws_tags(args["placement"], place.stage)
        self._told = keep_documents(place.name, place.parent, args["places"], args["workload"], args["settings"], tags)

    def stages(self) -> list[aws.codepipeline.PipelineStageArgs]:
        """Source, tests, image, gates, package: each begins once the one before is done."""
        commit = {"COMMIT": COMMIT, "BRANCH": BRANCH}
        built = {**commit, "IMAGE": "#{Image.IMAGE}"}
        gates = [build_action("Scan", self._scan(), [SOURCE], variables=built)]
        handed_on = [SOURCE, "Tests", "Image"]
        if self._tries:
            gates.append(build_action("Smoke", self._smoke(), [SOURCE], variables=built, output="Smoke"))
            handed_on.append("Smoke")
        args = self._args
        return [
            pipelines.source_stage(args["connection_arn"], args["repository"], args["branch"], clones=False),
            _stage("Test", build_action("Test", self._test(), [SOURCE], output="Tests")),
            _stage("Image", build_action("Image", self._image(), [SOURCE], variables=commit, output="Image")),
            _stage("Gates", *gates),
            _stage("Package", build_action("Package", self._publish(), handed_on, variables=built)),
        ]

    def of_pull_requests(self, role: pulumi.Input[str]) -> None:
        """A pipeline beside the other one: a request is tested and built, as its source branch is, and no more."""
        args, group = self._args, self._report_group("pulls", PULL)
        spec = group.arn.apply(lambda arn: buildspecs.pull_buildspec(self._workload, arn))
        project = self._project(PULL, "Tests a pull request and builds its image", role, spec, docker=True)
        pipelines.pipeline(
            self._place,
            PULL,
            args["roles"]["pipeline"],
            args["places"]["bucket"],
            [
                pipelines.source_stage(args["connection_arn"], args["repository"], args["branch"], clones=False),
                _stage("Test", build_action("Test", project, [SOURCE], variables={"COMMIT": COMMIT})),
            ],
            trigger=_pull_trigger(args),
            turn=Turn.PARALLEL,
        )

    def _test(self) -> aws.codebuild.Project:
        group = self._report_group("tests", TEST)
        spec = group.arn.apply(lambda arn: buildspecs.test_buildspec(self._workload, arn))
        return self._project(TEST, "Tests the workload of a commit", self._args["roles"]["test"], spec)

    def _report_group(self, name: str, purpose: str) -> aws.codebuild.ReportGroup:
        return aws.codebuild.ReportGroup(
            f"{self._place.name}-{name}",
            name=name_of(self._place.placement, purpose, REPORT_GROUP),
            type="TEST",
            export_config=aws.codebuild.ReportGroupExportConfigArgs(type="NO_EXPORT"),
            delete_reports=True,
            tags=aws_tags(self._place.placement, self._place.stage),
            opts=pulumi.ResourceOptions(parent=self._place.parent),
        )

    def _image(self) -> aws.codebuild.Project:
        spec = buildspecs.image_buildspec(self._workload)
        return self._project(
            IMAGE, "Makes wheel and image of a commit", self._args["roles"]["image"], spec, docker=True
        )

    def _smoke(self) -> aws.codebuild.Project:
        role = self._args["roles"].get("smoke", self._args["roles"]["test"])
        spec = buildspecs.smoke_buildspec()
        return self._project(SMOKE, "Trains each model on a small slice", role, spec, docker=True)

    def _scan(self) -> aws.codebuild.Project:
        severity = ScanSeverity(self._gates.get("scan", ScanSeverity.HIGH))
        spec = buildspecs.scan_buildspec(self._workload.platform, severity.value, self._gates.get("scan_minutes", 15))
        return self._project(SCAN, "Waits for the scan of an image", self._args["roles"]["scan"], spec)

    def _publish(self) -> aws.codebuild.Project:
        spec = buildspecs.publish_buildspec(self._workload.platform, self._tries, self._args.get("delivery_pipeline"))
        return self._project(PUBLISH, "Records a pipeline package", self._args["roles"]["publish"], spec)

    def _project(
        self,
        purpose: str,
        what: str,
        role: pulumi.Input[str],
        buildspec: pulumi.Input[str],
        *,
        docker: bool = False,
    ) -> aws.codebuild.Project:
        size = BuildSize(self._args.get("size", BuildSize.SMALL)) if docker else BuildSize.SMALL
        limit = self._gates.get("timeout_minutes", 60)
        return build_project(self._place, Build(purpose, what, role, buildspec, limit, size, docker, self._told))


def _stage(name: str, *actions: aws.codepipeline.PipelineStageActionArgs) -> aws.codepipeline.PipelineStageArgs:
    return aws.codepipeline.PipelineStageArgs(name=name, actions=list(actions))


def _trigger(args: CodePipelineContinuousIntegrationArgs) -> aws.codepipeline.PipelineTriggerArgs:
    """A push to the branch. Without a filter, the lock files that delivery itself pushes would start a build."""
    only, never = args.get("only_paths") or None, args.get("not_paths") or None
    paths = (
        aws.codepipeline.PipelineTriggerGitConfigurationPushFilePathsArgs(includes=only, excludes=never)
        if only or never
        else None
    )
    branches = aws.codepipeline.PipelineTriggerGitConfigurationPushBranchesArgs(includes=[args["branch"]])
    push = aws.codepipeline.PipelineTriggerGitConfigurationPushArgs(branches=branches, file_paths=paths)
    return _of_git(aws.codepipeline.PipelineTriggerGitConfigurationArgs(source_action_name=SOURCE, pushes=[push]))


def _pull_trigger(args: CodePipelineContinuousIntegrationArgs) -> aws.codepipeline.PipelineTriggerArgs:
    """A request to the branch that is opened or changed, of the same paths as a push."""
    only, never = args.get("only_paths") or None, args.get("not_paths") or None
    paths = (
        aws.codepipeline.PipelineTriggerGitConfigurationPullRequestFilePathsArgs(includes=only, excludes=never)
        if only or never
        else None
    )
    branches = aws.codepipeline.PipelineTriggerGitConfigurationPullRequestBranchesArgs(includes=[args["branch"]])
    pull = aws.codepipeline.PipelineTriggerGitConfigurationPullRequestArgs(
        events=["OPEN", "UPDATED"], branches=branches, file_paths=paths
    )
    return _of_git(
        aws.codepipeline.PipelineTriggerGitConfigurationArgs(source_action_name=SOURCE, pull_requests=[pull])
    )


def _of_git(when: aws.codepipeline.PipelineTriggerGitConfigurationArgs) -> aws.codepipeline.PipelineTriggerArgs:
    return aws.codepipeline.PipelineTriggerArgs(provider_type="CodeStarSourceConnection", git_configuration=when)
