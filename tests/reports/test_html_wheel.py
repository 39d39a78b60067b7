"""What the pages are made of is in the wheel."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_templates_styles_and_scripts_are_in_the_wheel(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        inside = set(packed.namelist())
    templates = {
        f"mlops_stacks/reports/templates/{file.name}"
        for file in (ROOT / "src/mlops_stacks/reports/templates").iterdir()
    }
    assert len(templates) >= 10
    assert templates <= inside
