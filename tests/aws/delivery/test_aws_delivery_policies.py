"""Every policy of delivery, read by cfn-lint: are the actions real, and may they be limited to these resources?"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import delivery_plans as plans
from linter import as_managed_policy, complaints, needs_linter

WHERE = "eu-west-1:111111111111"
KNOWN_LATER = {
    "connection:Connection": f"arn:aws:codeconnections:{WHERE}:connection/11111111-2222-3333-4444-555555555555",
    "key:Key": f"arn:aws:kms:{WHERE}:key/11111111-2222-3333-4444-555555555555",
    "repository:Repository": f"arn:aws:ecr:{WHERE}:repository/flights-shared-images",
    "bucket:Bucket": "arn:aws:s3:::flights-shared-artifacts-111111111111",
    "topic:Topic": f"arn:aws:sns:{WHERE}:flights-shared-success",
    "modelPackageGroup:ModelPackageGroup": f"arn:aws:sagemaker:{WHERE}:model-package-group/flights-shared-flight-delay",
}
"""Type of a resource -> an ARN such as AWS will give it, in place of the plan's token."""


def _deployed(policy: str) -> str:
    def arn(token: re.Match[str]) -> str:
        kind = token.group(0).rpartition("::")[0].rpartition("/")[2]
        return KNOWN_LATER[kind]

    return re.sub(r"\$\{urn:[^}]*\}", arn, policy)


@needs_linter
def test_no_policy_says_what_iam_does_not_know(tmp_path: Path) -> None:
    scopes: list[Any] = [plans.usual()]
    scopes += [
        plans.shared_scope(plans.delivery_document({"engine": name})) for name in ("github_actions", "gitlab_ci")
    ]
    policies = {
        f"P{number}": as_managed_policy(json.loads(_deployed(policy)))
        for number, policy in enumerate(
            sorted({r.inputs["policy"] for scope in scopes for r in scope.resources if r.type.endswith(":RolePolicy")})
        )
    }
    assert len(policies) >= 10
    assert complaints(policies, tmp_path) == []
