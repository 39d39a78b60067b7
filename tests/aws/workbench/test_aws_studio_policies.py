"""What people may do in Studio, and with SageMaker Experiments, read by cfn-lint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aws.linter import as_managed_policy, complaints, needs_linter
from components.aws_plans import placed

from mlops_components.workbench.studio_documents import logs_policy, opening_policy, user_policy

DOMAIN, PROFILE = "d-abcdefghijkl", "ada-0a1b2c3d"


def documents() -> dict[str, Any]:
    place = placed()
    made = {
        "User": user_policy(place, DOMAIN, PROFILE, ["ml.t3.medium"]),
        "Opening": opening_policy(place, DOMAIN, PROFILE),
        "Logs": logs_policy(place),
    }
    return {name: json.loads(text) for name, text in made.items()}


@needs_linter
def test_every_action_is_real_and_may_be_limited_so(tmp_path: Path) -> None:
    assert complaints({name: as_managed_policy(of) for name, of in documents().items()}, tmp_path) == []


@needs_linter
def test_the_linter_would_notice(tmp_path: Path) -> None:
    wrong = documents()["Opening"]
    wrong["Statement"][0]["Action"] = ["sagemaker:CreatePresignedDomainUrls"]
    wrong["Statement"][1]["Resource"] = ["arn:aws:s3:::bucket"]
    found = complaints({"Wrong": as_managed_policy(wrong)}, tmp_path)
    assert sorted(complaint.split(" ")[0] for complaint in found) == ["I3510", "W3037"]


def test_only_listing_is_for_everything() -> None:
    for name, document in documents().items():
        for statement in document["Statement"]:
            if "*" in statement["Resource"]:
                assert name == "User"
                assert all(action.startswith("sagemaker:List") for action in statement["Action"])
