"""`python -m mlops_stacks.runtime`: the commands that run inside the image or as processes of a laptop."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mlops_stacks.runtime.process import die_with_parent


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mlops_stacks.runtime", description="Steps, runs and the server.")
    commands = parser.add_subparsers(dest="command", required=True)
    step = commands.add_parser("step", help="run one step of a pipeline")
    step.add_argument("name", help="extract, validate, prepare, train, evaluate, validate_model or register")
    step.add_argument("--settings", required=True, help="URI of the step settings (JSON)")
    step.add_argument("--run", required=True, help="URI of the folder of this run")
    commands.add_parser("train", help="one trial of a tuning job, as SageMaker starts it, told by its environment")
    run = commands.add_parser("run", help="run a whole pipeline here, each step in a process of its own")
    run.add_argument("--pipeline", required=True, type=Path, help="path of the pipeline definition (JSON)")
    run.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE", help="set one anew")
    run.add_argument("--run-id", help="name of the run's folder; default: from the time")
    run.add_argument("--trigger", default="manual", help="what started it, for the record")
    run.add_argument("--json", action="store_true", help="progress as JSON lines")
    serve = commands.add_parser("serve", help="serve a model")
    serve.add_argument("--settings", help="URI of the server settings (JSON); default: as the environment says")
    function = commands.add_parser("lambda", help="serve a model inside AWS Lambda")
    function.add_argument("--settings", help="URI of the server settings (JSON); default: as the environment says")
    schedule = commands.add_parser("schedule", help="start pipelines when they are due")
    schedule.add_argument("--settings", required=True, help="URI of the schedule settings (JSON)")
    ci = commands.add_parser("ci", help="judge a commit that is being pushed")
    ci.add_argument("--settings", required=True, help="URI of the settings of CI 1 (JSON)")
    ci.add_argument("--ref", required=True, help="what is being pushed to, e.g. refs/heads/main")
    ci.add_argument("--commit", required=True, help="what is being pushed")
    monitor = commands.add_parser("monitor", help="watch served models: reports, alarms, metrics, retraining")
    monitor.add_argument("--settings", required=True, help="URI of the monitor settings (JSON)")
    report = commands.add_parser("report", help="make one report on captured requests")
    report.add_argument("--settings", required=True, help="URI of the monitor settings (JSON)")
    report.add_argument("--model", required=True, help="the blueprint's name of the model")
    report.add_argument("--until", required=True, help="end of the window, ISO 8601 with a time zone")
    reference = commands.add_parser("reference", help="write the rows that a served version was trained on")
    reference.add_argument("--settings", required=True, help="URI of the reference settings (JSON)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    die_with_parent()
    options = _parser().parse_args(arguments)
    if options.command == "step":
        from mlops_stacks.runtime.step import run_step

        return run_step(options.name, options.settings, options.run)
    if options.command == "train":
        from mlops_stacks.runtime.trial import trial_command

        return trial_command()
    if options.command == "run":
        from mlops_stacks.runtime.runner import run_command

        return run_command(
            options.pipeline, options.parameter, run_id=options.run_id, trigger=options.trigger, as_json=options.json
        )
    if options.command == "serve":
        from mlops_stacks.runtime.serving.serve import serve_command

        return serve_command(options.settings)
    if options.command == "lambda":
        from mlops_stacks.runtime.serving.lambda_loop import lambda_command

        return lambda_command(options.settings)
    if options.command == "ci":
        from mlops_stacks.runtime.delivery.ci import ci_command

        return ci_command(options.settings, options.ref, options.commit)
    if options.command == "monitor":
        from mlops_stacks.runtime.monitoring.monitor import monitor_command

        return monitor_command(options.settings)
    if options.command == "report":
        from mlops_stacks.runtime.monitoring.report import report_command

        return report_command(options.settings, options.model, options.until)
    if options.command == "reference":
        from mlops_stacks.runtime.monitoring.reference import reference_command

        return reference_command(options.settings)
    from mlops_stacks.runtime.scheduler import schedule_command

    return schedule_command(options.settings)


if __name__ == "__main__":
    sys.exit(main())
