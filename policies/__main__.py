"""The CrossGuard pack: `pulumi up --policy-pack policies`, in an environment made from requirements.txt.

One policy for each rule, so that an organisation can turn a single one to advisory. The rules themselves are plain
functions of mlops-stacks, read from the checkout that this folder is in, because `pulumi-policy` pins an older
protobuf than the program and the two cannot share an environment.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from pulumi_policy import EnforcementLevel, PolicyPack, ReportViolation, StackValidationArgs, StackValidationPolicy
from pulumi_policy.proxy import UnknownValueError

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("src", "components", "policies")]

from rules import RULES, report  # noqa: E402 - found by the line above


def validate(rule: str, arguments: StackValidationArgs, tell: ReportViolation) -> None:
    """Hand a stack's resources to one rule."""
    report(rule, arguments.resources, UnknownValueError, tell)


def policies() -> list[StackValidationPolicy]:
    """One policy for each rule."""
    return [StackValidationPolicy(rule, text, partial(validate, rule)) for rule, text in RULES.items()]


if __name__ == "__main__":
    PolicyPack("mlops-stacks", policies(), EnforcementLevel.MANDATORY)
