"""cfn-lint over policy documents: are the actions real, and may they be limited to these ARNs?

It knows AWS's tables of actions, and runs in an environment of its own, because it brings 140 MB that nothing else
here needs. It reads CloudFormation, so each document is put into a template.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

_OWN = Path(__file__).parents[2] / ".venvs" / "cfn-lint" / "bin" / "cfn-lint"
LINTER = str(_OWN) if _OWN.exists() else shutil.which("cfn-lint")
needs_linter = pytest.mark.skipif(LINTER is None, reason="cfn-lint is neither in .venvs/cfn-lint nor on PATH")
# Whether to keep a resource is asked of templates; here Pulumi's lifecycle says it.
_IGNORED = ("I3011", "W3011")


def complaints(resources: Mapping[str, Mapping[str, Any]], folder: Path) -> list[str]:
    """What cfn-lint has against a template of these resources, `<rule> <where>: <message>` each."""
    file = folder / "template.json"
    document = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}
    file.write_text(json.dumps(document), encoding="utf-8")
    assert LINTER is not None
    command = [LINTER, "--format", "json", "--include-checks", "I", "--ignore-checks", *_IGNORED]
    run = subprocess.run([*command, "--template", str(file)], capture_output=True, text=True, check=False, timeout=300)
    assert run.stdout, run.stderr
    return [
        f"{found['Rule']['Id']} {'/'.join(map(str, found['Location']['Path']))}: {found['Message']}"
        for found in json.loads(run.stdout)
    ]


def as_managed_policy(document: Mapping[str, Any]) -> dict[str, Any]:
    """The resource that carries an identity policy."""
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}
