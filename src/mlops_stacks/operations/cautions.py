"""What the rules of a platform cannot refuse, and would not keep silent about either."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from mlops_stacks.blueprint import cloud_rules
from mlops_stacks.blueprint.vocabulary import SHARED
from mlops_stacks.plan import Finding, Severity
from mlops_stacks.project import Project


def cautions(project: Project, scopes: Collection[str]) -> Iterator[Finding]:
    """The warnings about these scopes, each with the field that it is about."""
    for rule, caution in cloud_rules.cautions():
        for problem in caution(project.blueprint):
            scope = problem.path[0] if problem.path[0] == SHARED else problem.path[1]
            if scope in scopes:
                yield Finding(rule, Severity.WARNING, "", f"{problem.field}: {problem.message}", problem.fix)
