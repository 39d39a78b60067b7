"""`python -m mlops_stacks.runtime.delivery`: what the builds of CI 1 and CD in a cloud run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mlops_stacks.runtime.errors import RuntimeFault


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mlops_stacks.runtime.delivery", description="Parts of builds.")
    commands = parser.add_subparsers(dest="command", required=True)
    smoke = commands.add_parser("smoke", help="train each model on a small slice, with the code installed here")
    smoke.add_argument("--settings", required=True, help="URI of the settings of CI 1 (JSON)")
    smoke.add_argument("--out", required=True, type=Path, help="file for the metrics (JSON)")
    scan = commands.add_parser("scan", help="wait for the scan of an image, and fail on what it found")
    scan.add_argument("--image", required=True, help="image by its digest")
    scan.add_argument("--severity", required=True, choices=("low", "medium", "high", "critical"))
    scan.add_argument("--minutes", type=float, default=15, help="how long to wait")
    publish = commands.add_parser("publish", help="make a pipeline package")
    publish.add_argument("--settings", required=True, help="URI of the settings of CI 1 (JSON)")
    publish.add_argument("--image", required=True, help="image by its digest")
    publish.add_argument("--commit", required=True)
    publish.add_argument("--branch", required=True)
    publish.add_argument("--wheels", required=True, type=Path, help="folder of the workload's wheel")
    publish.add_argument("--reports", required=True, type=Path, help="folder of the reports")
    publish.add_argument("--start", metavar="PIPELINE", help="start its delivery")
    approver = commands.add_parser("approver", help="print who approved a run of a pipeline")
    for name in ("pipeline", "execution", "stage"):
        approver.add_argument(f"--{name}", required=True)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        sys.stdout.write(f"{_run(options)}\n")
    except RuntimeFault as fault:
        sys.stderr.write(f"{fault}\n")
        return fault.exit_code
    return 0


def _run(options: argparse.Namespace) -> str:
    if options.command == "smoke":
        from mlops_stacks.runtime.delivery.trial import try_models

        return f"{len(try_models(options.settings, options.out))} models were tried."
    if options.command == "scan":
        from mlops_stacks.runtime.delivery.scan import scan

        return f"The scan found nothing that ends the build: {scan(options.image, options.severity, options.minutes)}"
    if options.command == "approver":
        from mlops_stacks.runtime.delivery.approval import approver

        return approver(options.pipeline, options.execution, options.stage)
    return _publish(options)


def _publish(options: argparse.Namespace) -> str:
    from mlops_stacks.runtime.delivery.publish import Built, publish, start_delivery

    built = Built(options.image, options.commit, options.branch, options.wheels, options.reports)
    package = publish(options.settings, built)
    if options.start is None:
        return f"Package {package.version} is ready. Next: mlops-stacks deliver {package.version}"
    return f"Package {package.version} is on its way: run {start_delivery(options.start, package)} of {options.start}."


if __name__ == "__main__":
    sys.exit(main())
