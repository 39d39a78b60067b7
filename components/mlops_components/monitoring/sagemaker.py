"""Monitoring on AWS: reports of SageMaker Model Monitor and Clarify, alarms and dashboards of CloudWatch.

What a monitor compares with, its baseline, belongs to a version. It is made by a pipeline of its own when the endpoint
has come into service; a report that is due earlier fails, and the next one does not.

AWS takes no new customers for Model Monitor since 30 July 2026 (its Developer Guide says so). An account that has not
used it before gets the alarms and dashboards only: leave all monitors of a model out there.

It refuses to watch by itself what nobody serves, and to start a training run twice within the cooldown.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Optional

import pulumi
import pulumi_aws as aws

from mlops_components.args import ArgsError, checked
from mlops_components.monitoring import baseline_pipeline, clarify, retraining_start, violations
from mlops_components.monitoring.aws_alarms import alarm_name, alarm_resource, dashboard_name, in_parts
from mlops_components.monitoring.aws_dashboard import MODELS_ON_ONE, dashboard_body
from mlops_components.monitoring.aws_kinds import (
    BIAS,
    EVENT_RULE,
    EXPLAINABILITY,
    FOLDER,
    STATE_MACHINE,
    MonitorPlaces,
    kinds_of,
)
from mlops_components.monitoring.aws_metrics import Alarm, report_alarms, service_alarms
from mlops_components.monitoring.job_definitions import MonitorJob, job_definition
from mlops_components.monitoring.sagemaker_args import SageMakerMonitoringArgs
from mlops_components.naming import SAGEMAKER, content_hash, physical_name
from mlops_components.placement import AwsPlacement, aws_partition
from mlops_components.spec.monitor_images import ANALYSIS_FILE
from mlops_components.tags import aws_tags

_PREPROCESSOR = Path(__file__).parent / "templates" / "record_preprocessor.py"
COUNTER, STARTER = "countviolations", "startretraining"
"""Last parts of the names of the state machines."""


def state_machine_arn(placement: AwsPlacement, word: str) -> str:
    """ARN of one of this component's state machines, known before there is one, for whoever may start it."""
    where = f"{placement['region']}:{placement['account_id']}"
    return f"arn:{aws_partition(placement['region'])}:states:{where}:stateMachine:{_machine_name(placement, word)}"


def baseline_pipeline_name(placement: AwsPlacement, model: str) -> str:
    """Name of the pipeline that makes a model's baselines."""
    return physical_name((placement["blueprint"], placement["scope"], model, "baseline"), SAGEMAKER)


def baseline_pipeline_arn(placement: AwsPlacement, model: str) -> str:
    """ARN of that pipeline, known before there is one."""
    where = f"{placement['region']}:{placement['account_id']}"
    name = baseline_pipeline_name(placement, model)
    return f"arn:{aws_partition(placement['region'])}:sagemaker:{where}:pipeline/{name}"


class SageMakerMonitoring(pulumi.ComponentResource):
    """Monitors, alarms and dashboards of an environment on AWS."""

    stage = "monitoring"
    platform = "aws"

    reports: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> `s3://` URI of its reports. Only models with a monitor."""
    metrics_url: pulumi.Output[str]
    """Always empty: CloudWatch is asked through its own interface."""
    alarms: pulumi.Output[dict[str, str]]
    """`<model>/<what>` -> ARN of the alarm."""
    dashboards: pulumi.Output[list[str]]
    """Names of the dashboards."""
    baseline_pipelines: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> ARN of the pipeline that makes its baselines."""

    def __init__(self, name: str, args: SageMakerMonitoringArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        args = checked(args, SageMakerMonitoringArgs, "SageMakerMonitoring")
        _check(args)
        super().__init__("mlops-stacks:index:SageMakerMonitoring", name, {**args}, opts)
        self._name, self._args, self._placement = name, args, args["placement"]
        self._child = pulumi.ResourceOptions(parent=self)
        self._events_role = args.get("events_role_arn")
        watched = {model: one for model, one in args["models"].items() if kinds_of(one)}
        self._pipelines: dict[str, pulumi.Output[str]] = {}
        if watched:
            preprocessor = self._object("preprocessor", _PREPROCESSOR.read_text(encoding="utf-8"), ".py")
            for model in watched:
                self._watch(model, preprocessor)
            self._count_violations()
        found = {model: self._alarms_of(model) for model in args["models"]}
        self._start_retraining(found)
        self.reports = _outputs({model: MonitorPlaces(args, model).all_reports for model in watched})
        self.metrics_url = pulumi.Output.from_input("")
        self.alarms = _outputs({f"{model}/{word}": one.arn for model, of in found.items() for word, one in of.items()})
        self.dashboards = self._dashboards(found)
        self.baseline_pipelines = _outputs(self._pipelines)
        self.register_outputs({output: getattr(self, output) for output in SageMakerMonitoring.__annotations__})

    def _object(self, word: str, content: pulumi.Input[str], ending: str) -> pulumi.Output[str]:
        """Put a file into the folder of monitoring, and return its URI; a changed file is another object."""
        text = pulumi.Output.from_input(content)
        kept = pulumi.Output.from_input(self._args["artifact_root"])
        folder = kept.apply(lambda root: root.removeprefix("s3://").partition("/")[2])
        key = pulumi.Output.all(folder, text).apply(lambda both: _key(both[0], word, both[1], ending))
        aws.s3.BucketObjectv2(
            f"{self._name}-{word.replace('/', '-')}",
            bucket=self._args["artifact_bucket"],
            key=key,
            content=text,
            content_type="application/json" if ending.endswith(".json") else "text/x-python",
            tags=aws_tags(self._placement, "monitoring"),
            opts=self._child,
        )
        return pulumi.Output.concat("s3://", self._args["artifact_bucket"], "/", key)

    def _watch(self, model: str, preprocessor: pulumi.Output[str]) -> None:
        """The monitors of one model, and the pipeline that makes their baselines."""
        monitors, baselines = self._configurations(model)
        images: dict[str, str] = {}
        for kind in kinds_of(self._args["models"][model]):
            script = None if kind.clarify else preprocessor
            job = MonitorJob(self._args, model, kind, script, monitors.get(kind.name))
            images[kind.name] = job.image
            label = f"{self._name}-{model}-{kind.name}"
            definition = job_definition(f"{label}-job", job, self._child)
            self._schedule(label, model, kind.word, kind.type, definition)
        settings = self._args["models"][model].get("reference")
        if settings is not None and "image" in self._args:
            uri = self._object(f"{model}/reference", settings, ".json")
            document = baseline_pipeline.baseline_definition(self._args, model, uri, images, baselines)
            self._baseline_pipeline(model, document)

    def _configurations(self, model: str) -> tuple[dict[str, pulumi.Output[str]], dict[str, pulumi.Output[str]]]:
        """Clarify's configurations of the monitors and of the baselines: kind -> URI."""
        monitors: dict[str, pulumi.Output[str]] = {}
        baselines: dict[str, pulumi.Output[str]] = {}
        for baseline, uris in ((False, monitors), (True, baselines)):
            for kind, text in self._clarify_documents(model, baseline=baseline).items():
                word = f"{model}/{kind}{'-baseline' if baseline else ''}"
                uris[kind] = self._object(word, text, f"/{ANALYSIS_FILE}")
        return monitors, baselines

    def _clarify_documents(self, model: str, *, baseline: bool) -> dict[str, pulumi.Output[str]]:
        watched = self._args["models"][model]
        found: dict[str, pulumi.Output[str]] = {}
        if "bias" in watched:
            document = clarify.bias_configuration(watched["bias"], baseline=baseline)
            found[BIAS.name] = pulumi.Output.json_dumps(document, sort_keys=True)
        if "explainability" in watched:
            watch = watched["explainability"]
            endpoint = pulumi.Output.from_input(watched["endpoint"])
            found[EXPLAINABILITY.name] = endpoint.apply(
                lambda name: clarify.explanation_text(watch, name, baseline=baseline)
            )
        return found

    def _schedule(self, label: str, model: str, word: str, kind: str, definition: pulumi.Resource) -> None:
        config = aws.sagemaker.MonitoringScheduleMonitoringScheduleConfigArgs(
            monitoring_type=kind,
            monitoring_job_definition_name=definition.job_definition_name,  # type: ignore[attr-defined]
            schedule_config=aws.sagemaker.MonitoringScheduleMonitoringScheduleConfigScheduleConfigArgs(
                schedule_expression=self._args["models"][model]["schedule"]
            ),
        )
        aws.sagemaker.MonitoringSchedule(
            f"{label}-schedule",
            name=schedule_name(self._placement, model, word),
            monitoring_schedule_config=config,
            tags=aws_tags(self._placement, "monitoring"),
            opts=self._child,
        )

    def _baseline_pipeline(self, model: str, definition: pulumi.Output[str]) -> None:
        label = f"{self._name}-{model}-baseline"
        pipeline = aws.sagemaker.Pipeline(
            label,
            pipeline_name=baseline_pipeline_name(self._placement, model),
            pipeline_display_name=baseline_pipeline_name(self._placement, model),
            pipeline_description=f"Baselines of {model}, for its monitors",
            pipeline_definition=definition,
            role_arn=self._args["baseline_role_arn"],
            tags=aws_tags(self._placement, "monitoring"),
            opts=self._child,
        )
        self._pipelines[model] = pipeline.arn
        endpoint = pulumi.Output.from_input(self._args["models"][model]["endpoint"])
        rule = self._rule(label, (model, "baseline"), endpoint.apply(baseline_pipeline.endpoint_pattern))
        aws.cloudwatch.EventTarget(
            f"{label}-start",
            rule=rule.name,
            arn=pipeline.arn,
            role_arn=self._events_role,
            sagemaker_pipeline_target=aws.cloudwatch.EventTargetSagemakerPipelineTargetArgs(),
            opts=self._child,
        )

    def _count_violations(self) -> None:
        definition = violations.counter_definition(self._placement)
        machine = self._machine("counter", COUNTER, definition, self._args["counter_role_arn"])
        role = pulumi.Output.from_input(self._args["monitor_role_arn"])
        rule = self._rule(f"{self._name}-counter", ("all", "reports"), role.apply(violations.report_pattern))
        aws.cloudwatch.EventTarget(
            f"{self._name}-counter-start",
            rule=rule.name,
            arn=machine.arn,
            role_arn=self._events_role,
            opts=self._child,
        )

    def _alarms_of(self, model: str) -> dict[str, aws.cloudwatch.MetricAlarm]:
        """The alarms of one model: what it is about -> alarm."""
        return {
            alarm.word: alarm_resource(
                f"{self._name}-{model}-{alarm.word}",
                self._placement,
                model,
                alarm,
                self._args.get("alarm_topic_arn"),
                self._child,
            )
            for alarm in self._wanted(model)
        }

    def _wanted(self, model: str) -> list[Alarm]:
        watched = self._args["models"][model]
        schedules = {kind.name: schedule_name(self._placement, model, kind.word) for kind in kinds_of(watched)}
        reported = report_alarms(self._placement, model, watched, schedules)
        return [*service_alarms(model, watched), *reported]

    def _start_retraining(self, alarms: Mapping[str, Mapping[str, aws.cloudwatch.MetricAlarm]]) -> None:
        """From an alarm on drift to the pipeline, by way of a state machine where there is a cooldown."""
        starting = {m: one for m, one in self._args["models"].items() if "retraining_pipeline" in one}
        machines: dict[str, aws.sfn.StateMachine] = {}
        for model, watched in starting.items():
            label = f"{self._name}-{model}-retraining"
            pattern = alarms[model]["drift"].arn.apply(retraining_start.alarm_pattern)
            rule = self._rule(label, (model, "drift"), pattern)
            cooldown = watched.get("cooldown_hours", 24)
            if cooldown and not machines:
                engine = self._args.get("training_engine", "sagemaker")
                definition = retraining_start.starter_definition(self._placement, engine)
                role = self._args["retraining_role_arn"]
                machines["starter"] = self._machine("retraining", STARTER, definition, role)
            self._retraining_target(label, model, rule, machines.get("starter") if cooldown else None)

    def _retraining_target(
        self, label: str, model: str, rule: aws.cloudwatch.EventRule, machine: Optional[aws.sfn.StateMachine]
    ) -> None:
        watched = self._args["models"][model]
        pipeline = pulumi.Output.from_input(watched["retraining_pipeline"])
        if machine is None:
            direct = self._args.get("training_engine", "sagemaker") == "sagemaker"
            aws.cloudwatch.EventTarget(
                f"{label}-start",
                rule=rule.name,
                arn=pipeline,
                role_arn=self._events_role,
                sagemaker_pipeline_target=(aws.cloudwatch.EventTargetSagemakerPipelineTargetArgs() if direct else None),
                opts=self._child,
            )
            return
        alarm, cooldown = alarm_name(self._placement, model, "drift"), watched.get("cooldown_hours", 24)
        aws.cloudwatch.EventTarget(
            f"{label}-start",
            rule=rule.name,
            arn=machine.arn,
            role_arn=self._events_role,
            input=pipeline.apply(lambda arn: retraining_start.starter_input(arn, alarm, cooldown)),
            opts=self._child,
        )

    def _machine(self, label: str, word: str, definition: str, role: pulumi.Input[str]) -> aws.sfn.StateMachine:
        return aws.sfn.StateMachine(
            f"{self._name}-{label}-machine",
            name=_machine_name(self._placement, word),
            definition=definition,
            role_arn=role,
            tags=aws_tags(self._placement, "monitoring"),
            opts=self._child,
        )

    def _rule(self, label: str, words: tuple[str, str], pattern: pulumi.Input[str]) -> aws.cloudwatch.EventRule:
        return aws.cloudwatch.EventRule(
            f"{label}-rule",
            name=physical_name((self._placement["blueprint"], self._placement["scope"], *words), EVENT_RULE),
            event_pattern=pattern,
            tags=aws_tags(self._placement, "monitoring"),
            opts=self._child,
        )

    def _dashboards(self, alarms: Mapping[str, Mapping[str, aws.cloudwatch.MetricAlarm]]) -> pulumi.Output[list[str]]:
        names: list[pulumi.Output[str]] = []
        for number, part in enumerate(in_parts(sorted(self._args["models"]), MODELS_ON_ONE), start=1):
            shown = {model: self._args["models"][model] for model in part}
            arns = {model: [one.arn for one in alarms[model].values()] for model in part}
            dashboard = aws.cloudwatch.Dashboard(
                f"{self._name}-dashboard-{number}",
                dashboard_name=dashboard_name(self._placement, number),
                dashboard_body=dashboard_body(self._placement, shown, arns),
                opts=self._child,
            )
            names.append(dashboard.dashboard_name)
        return pulumi.Output.all(*names) if names else pulumi.Output.from_input([])


def schedule_name(placement: AwsPlacement, model: str, word: str) -> str:
    """Name of a monitoring schedule."""
    return physical_name((placement["blueprint"], placement["scope"], model, word), SAGEMAKER)


def _machine_name(placement: AwsPlacement, word: str) -> str:
    return physical_name((placement["blueprint"], placement["scope"], "monitoring", word), STATE_MACHINE)


def _key(folder: str, word: str, content: str, ending: str) -> str:
    return f"{folder}/{FOLDER}/config/{word}-{content_hash(content)}{ending}".lstrip("/")


def _outputs(values: Mapping[str, pulumi.Output[str]]) -> pulumi.Output[dict[str, str]]:
    return pulumi.Output.all(**values) if values else pulumi.Output.from_input({})


def _check(args: SageMakerMonitoringArgs) -> None:
    """Roles that are needed but not given, and what cannot be started."""
    needed = set()
    for model, watched in args["models"].items():
        if kinds_of(watched):
            needed |= {"monitor_role_arn", "counter_role_arn", "events_role_arn"}
            if "reference" in watched and "image" in args:
                needed.add("baseline_role_arn")
        if "retraining_pipeline" in watched:
            needed |= {"events_role_arn"} | ({"retraining_role_arn"} if watched.get("cooldown_hours", 24) else set())
            if not (watched["data_quality"] and kinds_of(watched)):
                raise ArgsError(
                    f"SageMakerMonitoring: '{model}' is to be retrained on drift, but nothing measures drift; let"
                    " 'data_quality' be true, or leave 'retraining_pipeline' out."
                )
    missing = sorted(needed - set(args))
    if missing:
        raise ArgsError(f"SageMakerMonitoring: '{missing[0]}' is missing; make a role for it and give its ARN.")
