"""Who approved a run of a pipeline. Source: CodePipeline API, ListActionExecutions."""

from __future__ import annotations

from mlops_stacks.runtime.delivery.commands import BuildError


def approver(pipeline: str, execution: str, stage: str) -> str:
    """The name of whoever approved a stage of a run; the pipeline's where nobody had to. Raises `BuildError`."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        pages = boto3.client("codepipeline").get_paginator("list_action_executions")
        answers = pages.paginate(pipelineName=pipeline, filter={"pipelineExecutionId": execution})
        details = [detail for page in answers for detail in page.get("actionExecutionDetails", ())]
    except (BotoCoreError, ClientError) as error:
        raise BuildError(f"who approved the run {execution} of {pipeline} cannot be found out: {error}") from error
    for detail in details:
        kind = detail.get("input", {}).get("actionTypeId", {})
        if detail.get("stageName") == stage and kind.get("category") == "Approval" and detail["status"] == "Succeeded":
            # The last part of the ARN is the session's or the user's own name.
            return str(detail.get("updatedBy", pipeline)).rpartition("/")[2]
    return pipeline
