"""The jobs that steps of a pipeline run as, in the words of SageMaker's API, whichever engine starts them.

A step is always the same command in the same image. `train` is a training job, so that it can use interruptible
capacity and shows among the trainings; the others are processing jobs. Jobs read and write the run folder on S3
by themselves, so that they need no inputs; the decision of `validate_model` is the one output that an engine reads.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from mlops_components.naming import NameRule, physical_name
from mlops_components.placement import AwsPlacement
from mlops_components.spec.pipeline import PipelineSpec, StepSpec, step_command
from mlops_components.spec.training_machines import instance_type, processing_type, takes_volume_key
from mlops_components.tags import aws_tags

PARAMETER_PREFIX = "MLOPS_STACKS_PARAMETER_"
RETRIES, IMAGE = "MLOPS_STACKS_RETRIES", "MLOPS_STACKS_IMAGE"
DECISION = "MLOPS_STACKS_DECISION"
"""Environment variables that the runtime reads: `mlops_stacks.runtime`, modules `step`, `lineage`, `validate_model`."""

DECISION_FOLDER = "/opt/ml/processing/decision"
RUN_FOLDER = "/opt/ml/processing/run"
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_LONGEST_VALUE = 256
_MOST_PARAMETERS = 80
"""A job takes 100 environment variables, some of which are ours."""

# Job names have 63 characters, and an engine appends 25 of its own: an execution and something random.
_SCOPE_PREFIX, _STEP_PREFIX = NameRule(limit=18), NameRule(limit=19)


def scope_prefix(placement: AwsPlacement) -> str:
    """What the names of all jobs of a scope begin with; who starts them is allowed these names and no others."""
    return physical_name((placement["blueprint"], placement["scope"]), _SCOPE_PREFIX)


@dataclass(frozen=True)
class Jobs:
    """What the jobs of one pipeline have in common. Everything is plain text: outputs are known by now."""

    placement: AwsPlacement
    spec: PipelineSpec
    image: str
    role_arn: str
    settings: str
    """URI of the `StepSettings` document."""
    runs: str
    """URI of the folder of this model's runs."""
    network: Mapping[str, Any] = field(default_factory=dict)
    """`subnet_ids` and `security_group_ids`; empty: no VPC."""
    key_arn: Optional[str] = None
    volume_gb: int = 30
    default_machine: str = "ml.m5.xlarge"

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters that a run may set anew; what no engine could hand on stays as the settings say."""
        fitting = {
            name: value
            for name, value in sorted(self.spec["parameters"].items())
            if _PARAMETER.fullmatch(name) and len(value) <= _LONGEST_VALUE
        }
        return dict(list(fitting.items())[:_MOST_PARAMETERS])

    def job_prefix(self, step: str) -> str:
        """What the names of a step's jobs begin with: no two pipelines of an account share it."""
        own = physical_name((self.spec["model"].replace("_", ""), step.replace("_", "")), _STEP_PREFIX)
        return f"{scope_prefix(self.placement)}-{own}"

    def request(self, step: StepSpec, run: Any, parameters: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """The arguments of the job of a step, without its name.

        `run` is the URI of the run folder and `parameters` the values of the run's parameters, each text or whatever
        an engine writes in the place of a value that only a run has.
        """
        environment = {**self.environment(step, parameters), **more.pop("environment", {})}
        command = [*step_command(step["name"], self.settings, "")[:-1], run]
        if step["name"] == "train":
            return {**self._training(step, command, environment), **more}
        made = self._processing(step, command, environment)
        if step["name"] == "validate_model":
            made["Environment"][DECISION] = f"{DECISION_FOLDER}/decision.json"
            made["ProcessingOutputConfig"] = {"Outputs": [output("decision", run, DECISION_FOLDER)]}
        return {**made, **more}

    def environment(self, step: StepSpec, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Environment variables of the job of a step."""
        values = {f"{PARAMETER_PREFIX}{name}": value for name, value in parameters.items()}
        return {**values, IMAGE: self.image, RETRIES: str(step["retries"])}

    def tags(self) -> list[dict[str, str]]:
        """Tags of a job."""
        return [{"Key": key, "Value": value} for key, value in aws_tags(self.placement, "training_pipeline").items()]

    def cluster(self, step: StepSpec, *, training: bool = False) -> dict[str, Any]:
        """The machine of a step; one that can only train stands in for none of the others."""
        chosen = instance_type if training else processing_type
        machine = chosen(step["compute"], self.default_machine)
        cluster: dict[str, Any] = {
            "InstanceCount": 1,
            "InstanceType": machine,
            "VolumeSizeInGB": self.volume_gb,
        }
        if self.key_arn and takes_volume_key(machine):
            cluster["VolumeKmsKeyId"] = self.key_arn
        return cluster

    def vpc(self) -> dict[str, Any]:
        """The network of a job, empty where there is no VPC."""
        if not self.network:
            return {}
        return {
            "Subnets": list(self.network["subnet_ids"]),
            "SecurityGroupIds": list(self.network["security_group_ids"]),
        }

    def _processing(self, step: StepSpec, command: list[Any], environment: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {
            "ProcessingResources": {"ClusterConfig": self.cluster(step)},
            "AppSpecification": {
                "ImageUri": self.image,
                "ContainerEntrypoint": command[:1],
                "ContainerArguments": command[1:],
            },
            "Environment": environment,
            "RoleArn": self.role_arn,
            "StoppingCondition": {"MaxRuntimeInSeconds": step["timeout_minutes"] * 60},
            "Tags": self.tags(),
        }
        if vpc := self.vpc():
            made["NetworkConfig"] = {"EnableInterContainerTrafficEncryption": True, "VpcConfig": vpc}
        return made

    def _training(self, step: StepSpec, command: list[Any], environment: dict[str, Any]) -> dict[str, Any]:
        seconds = step["timeout_minutes"] * 60
        made: dict[str, Any] = {
            "AlgorithmSpecification": {
                "TrainingImage": self.image,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": command[:1],
                "ContainerArguments": command[1:],
            },
            "OutputDataConfig": {"S3OutputPath": f"{self.runs}/jobs"},
            "ResourceConfig": self.cluster(step, training=True),
            "Environment": environment,
            "RoleArn": self.role_arn,
            "StoppingCondition": {"MaxRuntimeInSeconds": seconds},
            "Tags": self.tags(),
        }
        if step["compute"].get("spot"):
            made["EnableManagedSpotTraining"] = True
            # Waiting for capacity may take as long again as the work.
            made["StoppingCondition"]["MaxWaitTimeInSeconds"] = 2 * seconds
        if vpc := self.vpc():
            made["VpcConfig"] = vpc
            made["EnableInterContainerTrafficEncryption"] = True
        return made


def output(name: str, uri: Any, folder: str) -> dict[str, Any]:
    """A folder of a processing job that is copied to S3 when the job has ended."""
    return {"OutputName": name, "S3Output": {"S3Uri": uri, "LocalPath": folder, "S3UploadMode": "EndOfJob"}}
