"""Training pipelines on this machine: documents for the step runner, and a scheduler where a pipeline has a schedule.

Runs start by hand (`mlops-stacks run`) or by the scheduler; both read the same definition and run the same steps, each
in a process of its own. Nothing runs, and nothing is kept running, for a pipeline without a schedule.
"""

from typing import Any, NotRequired, Optional

import pulumi
from typing_extensions import TypedDict

from mlops_components.args import checked
from mlops_components.local.code_resources import UnpackedWheel
from mlops_components.local.documents import hashed, json_document
from mlops_components.local.resources import Directory, File, Program
from mlops_components.spec.pipeline import PipelineSpec


class LocalPipeline(TypedDict):
    """One model's pipeline."""

    spec: PipelineSpec
    """Its steps and their order, parameters and schedule."""
    settings: dict[str, Any]
    """A `StepSettings` document; values may be outputs."""


class LocalPackage(TypedDict):
    """A delivered pipeline package, whose code takes the place of the workload's folder."""

    version: int
    """Number of the package."""
    commit: str
    """Commit that it was built from; goes into the lineage of what is trained."""
    wheel: pulumi.Input[str]
    """Absolute path of its wheel."""
    sha256: str
    """Hash of the wheel; another one is refused."""
    directory: str
    """Absolute path of the folder into which it is unpacked: one for each package."""


class LocalTrainingPipelineArgs(TypedDict):
    """What training pipelines on this machine consist of."""

    environment: str
    """Environment whose pipelines these are; begins the scheduler's name."""
    directory: str
    """Absolute path of the folder of the documents."""
    runs: pulumi.Input[str]
    """Absolute path of the folder in which each model gets a folder, and in it each run."""
    supervisor: pulumi.Input[str]
    """Folder of the supervisor, from the foundation."""
    models: dict[str, LocalPipeline]
    """Model name of the blueprint -> its pipeline."""
    package: NotRequired[Optional[LocalPackage]]
    """The delivered package; default: the workload is run from its folder."""
    log_bytes: NotRequired[int]
    """The scheduler's log is rotated when it reaches so many bytes; default 5,000,000."""


class LocalTrainingPipeline(pulumi.ComponentResource):
    """Training pipelines on this machine."""

    stage = "training_pipeline"
    platform = "local"

    pipelines: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> path of its pipeline definition."""
    scheduler_log: pulumi.Output[str]
    """Path of the scheduler's log; empty where no pipeline has a schedule."""
    package_version: pulumi.Output[str]
    """Version of the package that runs; empty where the workload is run from its folder."""
    code: pulumi.Output[str]
    """Folder of the package's code; empty where there is no package."""

    def __init__(
        self, name: str, args: LocalTrainingPipelineArgs, opts: Optional[pulumi.ResourceOptions] = None
    ) -> None:
        """Write the documents of each pipeline, and have the scheduler run if one has a schedule."""
        args = checked(args, LocalTrainingPipelineArgs, "LocalTrainingPipeline")
        super().__init__("mlops-stacks:index:LocalTrainingPipeline", name, {**args}, opts)
        folder = Directory(f"{name}-folder", args["directory"], opts=pulumi.ResourceOptions(parent=self))
        self._child = pulumi.ResourceOptions(parent=self, depends_on=[folder])
        package = args.get("package")
        self.package_version = pulumi.Output.from_input("" if package is None else str(package["version"]))
        self.code = self._unpacked(name, package)
        definitions = {
            model: self._definition(name, model, pipeline, args) for model, pipeline in sorted(args["models"].items())
        }
        scheduled = [model for model in definitions if args["models"][model]["spec"]["schedule"] is not None]
        paths = {model: definition.path for model, definition in definitions.items()}
        self.pipelines = pulumi.Output.all(**paths) if paths else pulumi.Output.from_input({})
        self.scheduler_log = (
            self._scheduler(name, [definitions[model] for model in scheduled], args)
            if scheduled
            else pulumi.Output.from_input("")
        )
        self.register_outputs(
            {
                "pipelines": self.pipelines,
                "scheduler_log": self.scheduler_log,
                "package_version": self.package_version,
                "code": self.code,
            }
        )

    def _unpacked(self, name: str, package: Optional[LocalPackage]) -> pulumi.Output[str]:
        if package is None:
            return pulumi.Output.from_input("")
        return UnpackedWheel(
            f"{name}-package", package["directory"], package["wheel"], package["sha256"], opts=self._child
        ).path

    def _settings(self, pipeline: LocalPipeline, package: Optional[LocalPackage]) -> dict[str, Any]:
        """The `StepSettings`, with the package's code if there is one."""
        settings = pipeline["settings"]
        if package is None:
            return settings
        delivered = {"path": self.code, "commit": package["commit"], "package": str(package["version"])}
        return {**settings, "workload": {**settings["workload"], **delivered}}

    def _definition(self, name: str, model: str, pipeline: LocalPipeline, args: LocalTrainingPipelineArgs) -> File:
        settings = File(
            f"{name}-{model}-settings",
            f"{args['directory']}/{model}.settings.json",
            json_document(self._settings(pipeline, args.get("package"))),
            opts=self._child,
        )
        definition = {
            "pipeline": pipeline["spec"],
            "settings": settings.path,
            "runs": pulumi.Output.concat(args["runs"], "/", model),
        }
        return File(
            f"{name}-{model}-pipeline",
            f"{args['directory']}/{model}.pipeline.json",
            json_document(definition),
            opts=self._child,
        )

    def _scheduler(self, name: str, definitions: list[File], args: LocalTrainingPipelineArgs) -> pulumi.Output[str]:
        content = json_document({"pipelines": [definition.path for definition in definitions]})
        schedule = File(f"{name}-schedule", f"{args['directory']}/schedule.json", content, opts=self._child)
        scheduler = Program(
            f"{name}-scheduler",
            args["supervisor"],
            f"{args['environment']}-scheduler",
            ["python", "-m", "mlops_stacks.runtime", "schedule", "--settings", schedule.uri],
            args["directory"],
            watch=[hashed(content), *(definition.sha256 for definition in definitions)],
            log_bytes=args.get("log_bytes", 5_000_000),
            opts=self._child,
        )
        return scheduler.log
