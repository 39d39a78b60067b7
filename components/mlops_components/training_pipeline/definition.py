"""The definition of a SageMaker pipeline, rendered from a `PipelineSpec`.

Steps hand on through the run folder, which is named by the execution. `validate_model` decides, a condition reads its
decision, and either `register` runs or the execution fails with a sentence. Sources: the pipeline definition schema
that AWS publishes, and SageMaker Developer Guide, "Pipelines steps", "Retry policy", "Caching pipeline steps".

With caching, SageMaker takes over a step whose arguments and environment are those of an earlier one. A run folder
that is named by the execution would make every step new. So `extract` then writes into a folder that SageMaker copies
to the run folder, and the steps after it are told where that copy is: what is taken over is a whole run, in its folder.
"""

import json
from collections.abc import Sequence
from typing import Any, Optional

from mlops_components.naming import content_hash
from mlops_components.placement import AwsPlacement
from mlops_components.spec.pipeline import StepSpec, step_command
from mlops_components.spec.tuning import BiasCheck, Goal, Scale, Tuning
from mlops_components.training_pipeline.jobs import PARAMETER_PREFIX, RETRIES, RUN_FOLDER, Jobs, output

_VERSION = "2020-12-01"
_SERVICE_FAULTS = ("Step.SERVICE_FAULT", "Step.THROTTLING")
_JOB_FAULTS = ("SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR", "SageMaker.RESOURCE_LIMIT")
TUNE, BIAS, CONDITION, REFUSED = "tune", "bias", "is_accepted", "refused"
"""Names of the steps that only SageMaker has."""

TRIAL_METRIC = "mlops_stacks trial "
"""What a trial writes into its log before `<metric>=<value>`; `mlops_stacks.runtime.trial` writes it."""


def definition(
    jobs: Jobs,
    *,
    cache_hours: Optional[int] = None,
    tuning: Optional[Tuning] = None,
    bias: Optional[BiasCheck] = None,
    bias_config: str = "",
    clarify_image: str = "",
) -> str:
    """Return the pipeline definition as JSON.

    `bias_config` is the URI of the analysis configuration, `clarify_image` the analyzer's image; both only for `bias`.
    """
    run: Any = {"Std:Join": {"On": "", "Values": [f"{jobs.runs}/", {"Get": "Execution.PipelineExecutionId"}]}}
    made = _Definition(jobs, run, cache_hours)
    steps = made.steps(tuning)
    if bias is not None:
        steps.append(made.bias(bias, bias_config, clarify_image))
    parameters = [
        {"Name": name, "Type": "String", "DefaultValue": value} for name, value in sorted(jobs.parameters.items())
    ]
    return json.dumps({"Version": _VERSION, "Metadata": {}, "Parameters": parameters, "Steps": steps}, sort_keys=True)


class _Definition:
    def __init__(self, jobs: Jobs, run: Any, cache_hours: Optional[int]) -> None:
        self._jobs = jobs
        self._execution_run = run
        self._cache = cache_hours
        self._names = [step["name"] for step in jobs.spec["steps"]]

    def steps(self, tuning: Optional[Tuning]) -> list[dict[str, Any]]:
        """All steps of the spec, `register` behind a condition."""
        made: list[dict[str, Any]] = []
        for step in self._jobs.spec["steps"]:
            if step["name"] == "train" and tuning is not None:
                made.append(self._tune(step, tuning))
                made.append(self._step(step, [TUNE], tuned=_tuned(tuning)))
            elif step["name"] == "register":
                made.append(self._condition(step))
            else:
                made.append(self._step(step, step["depends_on"]))
        return made

    def run(self, step: str) -> Any:
        """The run folder as a step is told."""
        if self._cache is None:
            return self._execution_run
        if step == "extract":
            return f"file://{RUN_FOLDER}"
        return {"Get": "Steps.extract.ProcessingOutputConfig.Outputs['run'].S3Output.S3Uri"}

    def _step(
        self, step: StepSpec, depends_on: Sequence[str], tuned: Optional[dict[str, Any]] = None
    ) -> dict[str, Any]:
        name, jobs = step["name"], self._jobs
        values: dict[str, Any] = {parameter: {"Get": f"Parameters.{parameter}"} for parameter in jobs.parameters}
        arguments = jobs.request(step, self.run(name), {**values, **(tuned or {})})
        if self._cache is not None and name == "extract":
            arguments["ProcessingOutputConfig"] = {"Outputs": [output("run", self._execution_run, RUN_FOLDER)]}
        kind, job_name = ("Training", "TrainingJobName") if name == "train" else ("Processing", "ProcessingJobName")
        made: dict[str, Any] = {
            "Name": name,
            "Type": kind,
            "Arguments": {job_name: jobs.job_prefix(name), **arguments},
            "RetryPolicies": _retries(step),
        }
        if depends_on:
            made["DependsOn"] = list(depends_on)
        if name == "validate_model":
            file = {"PropertyFileName": "decision", "OutputName": "decision", "FilePath": "decision.json"}
            made["PropertyFiles"] = [file]
        if self._cache is not None and name != "register":
            made["CacheConfig"] = {"Enabled": True, "ExpireAfter": f"PT{self._cache}H"}
        return made

    def _condition(self, register: StepSpec) -> dict[str, Any]:
        accepted = {"Get": "Steps.validate_model.PropertyFiles.decision"}
        refusal = {
            "Name": REFUSED,
            "Type": "Fail",
            "Arguments": {
                "ErrorMessage": {
                    "Std:Join": {
                        "On": "",
                        "Values": [
                            "validate_model refused the model; why stands in decision.json in the folder ",
                            self.run("register"),
                        ],
                    }
                }
            },
        }
        return {
            "Name": CONDITION,
            "Type": "Condition",
            "DependsOn": list(register["depends_on"]),
            "Arguments": {
                "Conditions": [
                    {
                        "Type": "Equals",
                        "LeftValue": {"Std:JsonGet": {"PropertyFile": accepted, "Path": "accepted"}},
                        "RightValue": True,
                    }
                ],
                "IfSteps": [self._step(register, [])],
                "ElseSteps": [refusal],
            },
        }

    def _tune(self, train: StepSpec, tuning: Tuning) -> dict[str, Any]:
        jobs = self._jobs
        training = jobs.request(train, self.run("train"), {n: {"Get": f"Parameters.{n}"} for n in jobs.parameters})
        tried = {one["parameter"] for one in (*tuning.get("ranges", []), *tuning.get("choices", []))}
        # The trials of a tuning job take no command: SageMaker starts the image with the word `train`.
        command = step_command("train", jobs.settings, "")
        environment = {
            "MLOPS_STACKS_SETTINGS": command[command.index("--settings") + 1],
            "MLOPS_STACKS_RUN": self.run("train"),
            "MLOPS_STACKS_TRIAL_METRIC": tuning["metric"],
            **{n: v for n, v in training["Environment"].items() if n.removeprefix(PARAMETER_PREFIX) not in tried},
        }
        del environment[RETRIES]
        trial = {name: training[name] for name in _TRIAL_ARGUMENTS if name in training}
        goal = "Minimize" if tuning.get("goal") == Goal.MINIMIZE else "Maximize"
        objective = {"MetricName": tuning["metric"], "Type": goal}
        trials = tuning.get("trials", 10)
        made = {
            "Name": TUNE,
            "Type": "Tuning",
            "DependsOn": list(train["depends_on"]),
            "Arguments": {
                "HyperParameterTuningJobConfig": {
                    "Strategy": "Bayesian",
                    "HyperParameterTuningJobObjective": objective,
                    "ResourceLimits": {
                        "MaxNumberOfTrainingJobs": trials,
                        "MaxParallelTrainingJobs": min(trials, tuning.get("at_once", 2)),
                    },
                    "ParameterRanges": _ranges(tuning),
                },
                "HyperParameterTuningJobName": tuning_prefix(jobs.placement, jobs.spec["model"]),
                "TrainingJobDefinition": {
                    **trial,
                    "Environment": environment,
                    "AlgorithmSpecification": {
                        "TrainingImage": jobs.image,
                        "TrainingInputMode": "File",
                        "MetricDefinitions": [
                            {
                                "Name": tuning["metric"],
                                "Regex": f"{TRIAL_METRIC}{_literal(tuning['metric'])}=([-+.0-9eE]+)",
                            }
                        ],
                    },
                },
                "Tags": jobs.tags(),
            },
            "RetryPolicies": _retries(train),
        }
        if self._cache is not None:
            made["CacheConfig"] = {"Enabled": True, "ExpireAfter": f"PT{self._cache}H"}
        return made

    def bias(self, check: BiasCheck, config: str, image: str) -> dict[str, Any]:
        """The step that measures bias in the prepared rows, beside those that train."""
        prepare = next(step for step in self._jobs.spec["steps"] if step["name"] == "prepare")
        run = self.run("train")
        folder = "/opt/ml/processing"
        baseline = check.get("baseline")
        arguments: dict[str, Any] = {
            # No name: SageMaker's own SDK leaves it out of these steps, in which prefixes are not documented to work.
            "ProcessingResources": {"ClusterConfig": self._jobs.cluster(prepare)},
            "AppSpecification": {"ImageUri": image},
            "RoleArn": self._jobs.role_arn,
            "ProcessingInputs": [
                _input("analysis_config", config, f"{folder}/input/config"),
                _input("dataset", _below(run, "/prepared/train.parquet"), f"{folder}/input/data"),
            ],
            "ProcessingOutputConfig": {
                "Outputs": [output("analysis_result", _below(run, "/bias"), f"{folder}/output")],
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": prepare["timeout_minutes"] * 60},
            "Tags": self._jobs.tags(),
        }
        if vpc := self._jobs.vpc():
            arguments["NetworkConfig"] = {"VpcConfig": vpc}
        made: dict[str, Any] = {
            "Name": BIAS,
            "Type": "ClarifyCheck",
            "DependsOn": ["prepare"],
            "CheckType": "DATA_BIAS",
            "Arguments": arguments,
            # Without a baseline there is nothing to check against: the analysis becomes the first one.
            "SkipCheck": baseline is None,
            "RegisterNewBaseline": baseline is None,
            "FailOnViolation": check.get("fail", True),
        }
        if baseline is not None:
            made["SuppliedBaselineConstraints"] = baseline
        return made


_TRIAL_ARGUMENTS = (
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "OutputDataConfig",
    "ResourceConfig",
    "RoleArn",
    "StoppingCondition",
    "VpcConfig",
)


def tuning_prefix(placement: AwsPlacement, model: str) -> str:
    """What the names of a pipeline's tuning jobs begin with: they have 32 characters, of which 25 are SageMaker's."""
    return "t" + content_hash([placement["blueprint"], placement["scope"], model])[:6]


def analysis_config(check: BiasCheck) -> dict[str, Any]:
    """What Clarify is to analyse. Source: SageMaker Developer Guide, "Analysis configuration files"."""
    return {
        "dataset_type": "application/x-parquet",
        "label": check["label"],
        "label_values_or_threshold": [_plain(check["positive"])],
        "facet": [
            {"name_or_index": check["facet"], "value_or_threshold": [_plain(group) for group in check["groups"]]}
        ],
        "methods": {
            "pre_training_bias": {"methods": "all"},
            "report": {"name": "report", "title": "Bias in the training rows"},
        },
    }


def _plain(text: str) -> Any:
    """A number where the text is one: Clarify compares values with those of the column."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _retries(step: StepSpec) -> list[dict[str, Any]]:
    """Policies for what is not the code's fault; the runtime itself repeats a step whose code failed."""
    if not step["retries"]:
        return []
    attempts = {"IntervalSeconds": 30, "BackoffRate": 2.0, "MaxAttempts": step["retries"]}
    return [{"ExceptionType": [kind], **attempts} for kind in (*_SERVICE_FAULTS, *_JOB_FAULTS)]


def _tuned(tuning: Tuning) -> dict[str, Any]:
    """The parameters of the best trial."""
    tried = [one["parameter"] for one in (*tuning.get("ranges", []), *tuning.get("choices", []))]
    return {name: {"Get": f"Steps.{TUNE}.BestTrainingJob.TunedHyperParameters['{name}']"} for name in tried}


def _ranges(tuning: Tuning) -> dict[str, Any]:
    whole: list[dict[str, str]] = []
    other: list[dict[str, str]] = []
    for one in tuning.get("ranges", []):
        scaling = "Logarithmic" if one.get("scale") == Scale.LOGARITHMIC else "Linear"
        is_whole = one.get("whole", False)
        low, high = ((str(int(end)) if is_whole else repr(float(end))) for end in (one["minimum"], one["maximum"]))
        made = {"Name": one["parameter"], "MinValue": low, "MaxValue": high, "ScalingType": scaling}
        (whole if is_whole else other).append(made)
    choices = [{"Name": one["parameter"], "Values": list(one["values"])} for one in tuning.get("choices", [])]
    named = {
        "IntegerParameterRanges": whole,
        "ContinuousParameterRanges": other,
        "CategoricalParameterRanges": choices,
    }
    return {name: ranges for name, ranges in named.items() if ranges}


def _literal(text: str) -> str:
    return text.replace(".", "\\.")


def _input(name: str, uri: Any, folder: str) -> dict[str, Any]:
    return {
        "InputName": name,
        "AppManaged": False,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": folder,
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "S3CompressionType": "None",
        },
    }


def _below(run: Any, path: str) -> Any:
    if "Std:Join" in run:
        return {"Std:Join": {"On": "", "Values": [*run["Std:Join"]["Values"], path]}}
    return {"Std:Join": {"On": "", "Values": [run, path]}}
