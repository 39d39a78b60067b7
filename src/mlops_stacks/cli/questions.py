"""Questions of `init`. Without a person to answer, the default is the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import typer

from mlops_stacks.cli.exits import CommandError, ExitCode


def ask(question: str, default: str, asks: bool) -> str:
    """The answer to a question."""
    if not asks:
        return default
    answer: str = typer.prompt(question, default=default, show_default=bool(default), err=True)
    return answer.strip()


def ask_target(required: Mapping[str, str], given: Sequence[str], asks: bool) -> dict[str, str]:
    """The fields of a target: from `key=value` texts, and asked for where required ones are missing."""
    fields = pairs(given, "--target")
    for key, example in required.items():
        if key not in fields and asks:
            fields[key] = ask(f"Target: {key} (e.g. {example})", "", asks)
    missing = [f"--target {key}={example}" for key, example in required.items() if not fields.get(key)]
    if missing:
        raise CommandError(f"a target is needed: add {' '.join(missing)}", ExitCode.USAGE)
    return fields


def pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """`key=value` texts as a mapping."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise CommandError(f"{option} takes key=value, not `{text}`", ExitCode.USAGE)
        found[key] = value
    return found
