"""Waits for the registry's scan of an image, and refuses what it found.

Source: ECR API, DescribeImageScanFindings; basic scans end as COMPLETE, enhanced ones stay ACTIVE.
"""

from __future__ import annotations

import re
import time
from typing import Any

from mlops_stacks.runtime.delivery.commands import BuildError

SEVERITIES = ("informational", "low", "medium", "high", "critical")
"""In ascending order. What the registry could not rate (UNDEFINED) ends no build."""
_IMAGE = re.compile(r"(?P<account>[0-9]{12})\.dkr\.ecr\.[^/]+/(?P<name>[^@]+)@(?P<digest>sha256:[0-9a-f]{64})")
_DONE = ("COMPLETE", "ACTIVE")
_WAITING = ("IN_PROGRESS", "PENDING")
_POLL_SECONDS = 10.0
_SHOWN = 20


def scan(image: str, severity: str, minutes: float, poll_seconds: float = _POLL_SECONDS) -> dict[str, int]:
    """Return how many findings of each severity an image has. Raises `BuildError` where one is as bad as `severity`."""
    found = _findings(image, minutes, poll_seconds)
    counts: dict[str, int] = {key.lower(): int(value) for key, value in found.get("findingSeverityCounts", {}).items()}
    worst = SEVERITIES[SEVERITIES.index(severity) :]
    bad = {each: counts[each] for each in reversed(worst) if counts.get(each)}
    if bad:
        numbers = ", ".join(f"{count} {each}" for each, count in bad.items())
        names = ", ".join(_names(found, worst)) or "see the scan in the registry"
        raise BuildError(f"the scan of the image found {numbers} ({names}): mend them, or raise `scan` knowingly.")
    return counts


def _findings(image: str, minutes: float, poll_seconds: float) -> dict[str, Any]:
    parts = _IMAGE.fullmatch(image)
    if parts is None:
        raise BuildError(f"`{image}` is no image of ECR by its digest.")
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    client = boto3.client("ecr")
    end = time.monotonic() + minutes * 60
    while True:
        try:
            answer = client.describe_image_scan_findings(
                registryId=parts["account"], repositoryName=parts["name"], imageId={"imageDigest": parts["digest"]}
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ScanNotFoundException":
                raise BuildError(f"the scan of the image cannot be read: {error}") from error
            status: dict[str, Any] = {"status": "PENDING"}
        except BotoCoreError as error:
            raise BuildError(f"the scan of the image cannot be read: {error}") from error
        else:
            status = answer.get("imageScanStatus", {})
            if status.get("status") in _DONE:
                found: dict[str, Any] = answer.get("imageScanFindings", {})
                return found
        if status.get("status") not in _WAITING:
            raise BuildError(
                f"the image could not be scanned ({status.get('status')}: {status.get('description', 'no reason')})."
            )
        if time.monotonic() >= end:
            raise BuildError(f"the scan of the image did not end within {minutes:g} minutes: look in the registry.")
        time.sleep(poll_seconds)


def _names(found: dict[str, Any], worst: tuple[str, ...]) -> list[str]:
    findings = [*found.get("findings", ()), *found.get("enhancedFindings", ())]
    named = [
        str(each.get("name") or each.get("title"))
        for each in findings
        if str(each.get("severity", "")).lower() in worst
    ]
    return named[:_SHOWN]
