"""Monitoring on this machine: one small program that makes reports when they are due, and Prometheus rules beside it.

No Prometheus is started: a laptop rarely has somebody who looks at it. The rules and the scrape configuration are
written for whoever runs one; the monitor raises its own alarms.
"""

from typing import Any, NotRequired, Optional

import pulumi
from typing_extensions import TypedDict

from mlops_components.args import checked
from mlops_components.lifecycle import Lifecycle, stateful
from mlops_components.local.documents import by_name, hashed, json_document
from mlops_components.local.ports import HOST
from mlops_components.local.resources import Directory, File, Port, Program
from mlops_components.monitoring.rules import prometheus_rules

_HEALTH = "/health"


class LocalMonitoringArgs(TypedDict):
    """What monitoring on this machine consists of."""

    blueprint: str
    environment: str
    """Environment that is watched; begins the program's name."""
    directory: str
    """Absolute path of the folder of documents, reports and alarms."""
    supervisor: pulumi.Input[str]
    """Folder of the supervisor, from the foundation."""
    ports: pulumi.Input[str]
    """File that keeps the ports, from the foundation."""
    models: dict[str, dict[str, Any]]
    """Model name of the blueprint -> a `WatchedModel` document; values may be outputs. Only served models."""
    port: NotRequired[Optional[int]]
    """Port of the monitor; default: a free one, chosen once and kept."""
    lifecycle: NotRequired[Lifecycle]
    """What becomes of reports and alarms when the stack is destroyed; default `retain`."""


class LocalMonitoring(pulumi.ComponentResource):
    """The monitor of an environment on this machine."""

    stage = "monitoring"
    platform = "local"

    reports: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> folder of its reports, thresholds and alarms."""
    metrics_url: pulumi.Output[str]
    """Where Prometheus collects what was found; empty where nothing is watched."""
    settings: pulumi.Output[str]
    """Path of the monitor's settings."""
    rules: pulumi.Output[str]
    """Path of the Prometheus rules."""
    log: pulumi.Output[str]
    """Path of the monitor's log; empty where nothing is watched."""

    def __init__(self, name: str, args: LocalMonitoringArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        """Write the documents, and have the monitor run if there is something to watch."""
        args = checked(args, LocalMonitoringArgs, "LocalMonitoring")
        super().__init__("mlops-stacks:index:LocalMonitoring", name, {**args}, opts)
        folder = Directory(f"{name}-folder", args["directory"], opts=pulumi.ResourceOptions(parent=self))
        child = pulumi.ResourceOptions(parent=self, depends_on=[folder])
        kept = pulumi.ResourceOptions.merge(stateful(self, args.get("lifecycle", Lifecycle.RETAIN)), child)
        reports = Directory(f"{name}-reports", f"{args['directory']}/reports", opts=kept)
        limits = {model: watched["limits"] for model, watched in args["models"].items()}
        rules = File(
            f"{name}-rules",
            f"{args['directory']}/prometheus-rules.yaml",
            json_document(prometheus_rules(args["blueprint"], args["environment"], limits)),
            opts=child,
        )
        self.reports = by_name({model: pulumi.Output.concat(reports.path, "/", model) for model in args["models"]})
        self.rules = rules.path
        if args["models"]:
            self._watch(name, args, reports, child)
        else:
            self.metrics_url = self.log = self.settings = pulumi.Output.from_input("")
        outputs = ("reports", "metrics_url", "settings", "rules", "log")
        self.register_outputs({output: getattr(self, output) for output in outputs})

    def _watch(self, name: str, args: LocalMonitoringArgs, reports: Directory, child: pulumi.ResourceOptions) -> None:
        program = f"{args['environment']}-monitor"
        port = Port(f"{name}-port", program, args["ports"], preferred=args.get("port"), opts=child)
        content = json_document(
            {
                "blueprint": args["blueprint"],
                "environment": args["environment"],
                "host": HOST,
                # As text, since numbers are unknown to an offline plan, and the document is to be complete there.
                "port": port.number,
                "folder": reports.path,
                "models": args["models"],
            }
        )
        settings = File(f"{name}-settings", f"{args['directory']}/monitor.json", content, opts=child)
        monitor = Program(
            f"{name}-monitor",
            args["supervisor"],
            program,
            ["python", "-m", "mlops_stacks.runtime", "monitor", "--settings", settings.uri],
            args["directory"],
            port=port.port,
            url=port.url,
            health_path=_HEALTH,
            watch=[hashed(content)],
            opts=child,
        )
        self.settings, self.log = settings.path, monitor.log
        self.metrics_url = monitor.url.apply(lambda url: f"{url}/metrics")
        scrape = _scrape_configuration(args, port.number)
        File(f"{name}-scrape", f"{args['directory']}/prometheus.yaml", json_document(scrape), opts=child)


def _scrape_configuration(args: LocalMonitoringArgs, port: pulumi.Input[str]) -> dict[str, Any]:
    """What a Prometheus on this machine would be started with.

    Servers are known by URL, and what only a deployment knows is not taken apart here: Prometheus does that itself.
    """
    servers = [
        {"targets": [model], "labels": {"__tmp_url": watched["endpoint"]}}
        for model, watched in sorted(args["models"].items())
    ]
    address = {"source_labels": ["__tmp_url"], "regex": "https?://(.+)", "target_label": "__address__"}
    name = f"{args['blueprint']}-{args['environment']}"
    monitor = {"targets": [pulumi.Output.concat(HOST, ":", port)]}
    return {
        "rule_files": ["prometheus-rules.yaml"],
        "scrape_configs": [
            {"job_name": f"{name}-monitor", "static_configs": [monitor]},
            {"job_name": f"{name}-servers", "static_configs": servers, "relabel_configs": [address]},
        ],
    }
