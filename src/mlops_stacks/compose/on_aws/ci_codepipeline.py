"""Blueprint -> CI 1 by CodePipeline and CodeBuild."""

from __future__ import annotations

from typing import Any

import pulumi

from mlops_components.aws_delivery import grants
from mlops_components.aws_delivery.builds import BuildSize
from mlops_components.continuous_integration import codepipeline as engine
from mlops_components.grants import AwsGrant
from mlops_stacks.blueprint.aws_stages.delivery import CodePipelineIntegration
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import ci_settings, ci_workflow, common, repository
from mlops_stacks.compose.on_aws.ci_settings import STAGE, foundation

_BUILD, _PIPELINE = "codebuild.amazonaws.com", "codepipeline.amazonaws.com"


def build(context: Context) -> Any:
    """The pipeline, its builds, and a role for each."""
    chosen: CodePipelineIntegration = context.options(STAGE)
    connection = repository.connection(context, STAGE)
    args: dict[str, Any] = {
        "placement": common.placement(context),
        "repository": repository.repository(context, STAGE),
        "branch": repository.branch(context, STAGE),
        "connection_arn": connection,
        "only_paths": list(chosen.paths),
        "not_paths": ci_workflow.locks(context),
        "workload": ci_settings.workload(context, chosen),
        "places": ci_settings.places(context),
        "settings": ci_settings.settings(context, chosen),
        "gates": ci_settings.gates(chosen),
        "roles": _roles(context, chosen, connection),
        "size": BuildSize[chosen.size.upper()],
        "topics": ci_settings.topics(context),
        "log_days": chosen.log_days,
        **ci_settings.delivery_pipeline(context),
    }
    made = engine.CodePipelineContinuousIntegration
    return made("continuous-integration", args, common.options(context))  # type: ignore[arg-type]


def _roles(
    context: Context, chosen: CodePipelineIntegration, connection: pulumi.Input[str]
) -> dict[str, pulumi.Input[str]]:
    base, placement = foundation(context), common.placement(context)
    handed_on: list[AwsGrant] = base.grant_shared_artifacts_write()
    parts = {
        engine.TEST: grants.grant_reports(placement, engine.TEST),
        engine.IMAGE: base.grant_images_push(),
        engine.SCAN: grants.grant_findings(base.repository_arn),
        engine.PUBLISH: ci_settings.publish_grants(context),
    }
    if chosen.smoke:
        parts[engine.SMOKE] = ci_settings.smoke_grants(context, chosen)
    roles: dict[str, pulumi.Input[str]] = {
        purpose.removeprefix("ci"): common.identity(
            context, STAGE, purpose, [_BUILD], [*own, *handed_on, *grants.grant_logs(placement, [purpose])]
        ).role_arn
        for purpose, own in parts.items()
    }
    pulls = [engine.PULL] if chosen.pull_requests else []
    if pulls:
        roles["pull"] = common.identity(context, STAGE, engine.PULL, [_BUILD], _pull_grants(context)).role_arn
    starts = [
        *grants.grant_builds(placement, [*parts, *pulls]),
        *grants.grant_repository(connection, repository.repository(context, STAGE)),
        *handed_on,
    ]
    roles["pipeline"] = common.identity(context, Stage.CONTINUOUS_INTEGRATION, "ci", [_PIPELINE], starts).role_arn
    return roles


def _pull_grants(context: Context) -> list[AwsGrant]:
    """A pull request's build writes its log and its test report, and reads what it is handed: nothing else."""
    placement = common.placement(context)
    return [
        *grants.grant_reports(placement, engine.PULL),
        *grants.grant_logs(placement, [engine.PULL]),
        *foundation(context).grant_shared_artifacts_read(),
    ]
