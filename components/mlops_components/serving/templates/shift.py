"""Moves a function's alias to a version by CodeDeploy. It runs in AWS Lambda; `up` calls it for each new version."""

import json
import os

import boto3


def handler(event: dict[str, str], _context: object) -> dict[str, object]:
    """Start a deployment, unless the alias has the version already; answer with its identifier."""
    functions, deploy = boto3.client("lambda"), boto3.client("codedeploy")
    alias = functions.get_alias(FunctionName=event["function"], Name=event["alias"])
    current = alias["FunctionVersion"]
    if current == event["version"]:
        return {"deployment": None}
    properties = {
        "Name": event["function"],
        "Alias": event["alias"],
        "CurrentVersion": current,
        "TargetVersion": event["version"],
    }
    resource = {"Type": "AWS::Lambda::Function", "Properties": properties}
    content = json.dumps({"version": 0.0, "Resources": [{event["function"]: resource}]})
    started = deploy.create_deployment(
        applicationName=os.environ["APPLICATION"],
        deploymentGroupName=event["group"],
        revision={"revisionType": "AppSpecContent", "appSpecContent": {"content": content}},
    )
    return {"deployment": started["deploymentId"]}
