"""The generated parts of the README, each from what it describes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
import yaml

from mlops_stacks.blueprint.engines import engines_of
from mlops_stacks.blueprint.vocabulary import Platform, Stage
from mlops_stacks.cli.main import app

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PROOFS: Mapping[str, Mapping[str, Mapping[str, str]]] = yaml.safe_load(
    (Path(__file__).parent / "proofs.yaml").read_text(encoding="utf-8")
)
NONE = "-"
LEVELS = {"ran": "ran", "accepted": "accepted", "types": "types only"}


def ready() -> set[tuple[str, str]]:
    """Platform and stage of every component that is there."""
    return {
        (platform.value, engine.stage.value)
        for stage in Stage
        for platform in Platform
        for engine in engines_of(stage, platform)
        if engine.has_component
    }


def minimal() -> str:
    """The smallest blueprint."""
    return f"```yaml\n{(ROOT / 'blueprints' / 'minimal.yaml').read_text(encoding='utf-8')}```"


def commands() -> str:
    """Every verb with the first sentence of its help."""
    group: Any = typer.main.get_command(app)
    rows = [(f"`{name}`", _first_sentence(command.help)) for name, command in group.commands.items()]
    return _table(("command", "what it does"), rows)


def platforms() -> str:
    """Engines by stage and platform, those with a component in bold."""
    rows = [(f"`{stage}`", *(_cell(stage, platform) for platform in Platform)) for stage in Stage]
    return _table(("stage", *Platform), rows)


def proofs() -> str:
    """How far each component that is there was proven."""
    shown = [platform for platform in Platform if any(platform == known for known, _ in ready())]
    rows = [(f"`{stage}`", *(_proof(platform, stage) for platform in shown)) for stage in Stage]
    return _table(("stage", *shown), [row for row in rows if any(cell != NONE for cell in row[1:])])


PARTS = {"minimal": minimal, "commands": commands, "platforms": platforms, "proofs": proofs}


def written() -> str:
    """The README with every generated part as it should be."""
    text = README.read_text(encoding="utf-8")
    for name, part in PARTS.items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        pattern = re.escape(begin) + ".*?" + re.escape(end)
        new = f"{begin}{part()}\n{end}".replace("\\", r"\\")
        text, count = re.subn(pattern, new, text, flags=re.DOTALL)
        assert count == 1, f"README.md has {count} parts {name}"
    return text


def _proof(platform: Platform, stage: Stage) -> str:
    entry = PROOFS.get(platform.value, {}).get(stage.value)
    if entry is None:
        return NONE
    by = f" ({entry['by']})" if "by" in entry else ""
    return f"[{LEVELS[entry['level']]}]({entry['test']}){by}"


def _cell(stage: Stage, platform: Platform) -> str:
    titles = [f"**{e.title}**" if e.has_component else e.title for e in engines_of(stage, platform)]
    return "; ".join(titles) or NONE


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _first_sentence(text: str) -> str:
    plain = " ".join(text.split())
    return re.split(r"(?<=[.:;])\s", plain, maxsplit=1)[0].rstrip(".:;").replace("|", "\\|")
