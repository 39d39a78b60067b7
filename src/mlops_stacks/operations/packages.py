"""Pipeline packages: what CI 1 made, what an environment runs, and how one gets from there to here.

A package goes through the environments in the blueprint's order, and into each but the first only with an approval
that is on record. Decided here and written to the delivery lock, never by `up`.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_stacks.blueprint.delivery_lock import (
    Delivered,
    DeliveryLock,
    delivery_lock_path,
    read_delivery_lock,
    write_delivery_lock,
)
from mlops_stacks.blueprint.lock_files import moment, printable
from mlops_stacks.blueprint.vocabulary import SHARED, Stage
from mlops_stacks.executors.protocol import Executor, NotDeployedError
from mlops_stacks.project import Project
from mlops_stacks.runtime.delivery.records import Package, read_builds
from mlops_stacks.runtime.delivery.stores import PackageStore, store_at


class DeliveryError(Exception):
    """A package cannot be delivered or taken back; the sentence says why and what to do."""


@dataclass(frozen=True)
class Change:
    """What a delivery, or its opposite, came to: versions of packages, None where the workload's own folder runs."""

    version: int | None
    before: int | None
    lock: Path

    @property
    def changed(self) -> bool:
        """Whether the lock says something new."""
        return self.version != self.before


def packages_of(project: Project, executor: Executor) -> list[Package]:
    """Every package that can be delivered, latest first."""
    return _store(project, executor).packages()


def builds_of(project: Project, executor: Executor) -> list[dict[str, Any]]:
    """Every build of CI 1, latest first; none where the blueprint has no CI 1 on this machine."""
    exported = _shared(project, executor).get(Stage.CONTINUOUS_INTEGRATION.value, {})
    return read_builds(Path(exported["builds"])) if exported.get("builds") else []


def repository_of(project: Project, executor: Executor) -> str | None:
    """The repository that one pushes to, as the shared scope exports it; None where the blueprint has none."""
    exported = _shared(project, executor).get(Stage.CONTINUOUS_INTEGRATION.value, {})
    return str(exported["repository"]) if exported.get("repository") else None


def locks_of(project: Project) -> dict[str, DeliveryLock]:
    """Environment -> what was delivered to it, in the order of promotion."""
    return {name: _lock(project, name) for name in project.blueprint.environments if _has_stage(project, name)}


@dataclass(frozen=True)
class Line:
    """A build, a package, or both of one number, for people."""

    number: int
    outcome: str
    commit: str
    made: str
    tests: str
    remark: str
    """The environments that run it; of a build without a package, why there is none."""


def overview(
    made: Iterable[Package], builds: Iterable[Mapping[str, Any]], locks: Mapping[str, DeliveryLock]
) -> list[Line]:
    """A line for each number, latest first."""
    lines = {int(build["number"]): _of_build(build) for build in builds}
    lines |= {package.version: _of_package(package, locks) for package in made}
    return [lines[number] for number in sorted(lines, reverse=True)]


def _of_build(build: Mapping[str, Any]) -> Line:
    outcome = f"{build['state']} in {build['part']}"
    error = str(build["error"] or "")
    return Line(build["number"], outcome, build["commit"], build["started"], _tests(build["tests"]), error)


def _of_package(package: Package, locks: Mapping[str, DeliveryLock]) -> Line:
    runs = [name for name, lock in locks.items() if lock.delivered and lock.delivered.sha256 == package.sha256]
    tests = _tests(package.tests)
    return Line(package.version, "package", package.commit, package.created, tests, ", ".join(runs))


def _tests(summary: Mapping[str, Any] | None) -> str:
    if summary is None:
        return ""
    failed = f", {summary['failures']} failed" if summary["failures"] else ""
    return f"{summary['tests']}{failed}"


def recent(project: Project, executor: Executor) -> list[Line]:
    """A line for each build and package, latest first; none where the blueprint makes none on this machine."""
    try:
        made = packages_of(project, executor)
    except (DeliveryError, NotDeployedError):
        return []
    return overview(made, builds_of(project, executor), locks_of(project))


def deliver(project: Project, executor: Executor, version: int, environment: str, approve: bool) -> Change:
    """Write to an environment's lock that it runs a package. Raises `DeliveryError`."""
    _refuse_without_stage(project, environment)
    package = _package(project, executor, version)
    lock = _lock(project, environment)
    path = delivery_lock_path(project.root, project.blueprint.name, environment)
    before = lock.delivered
    if before is not None and before.sha256 == package.sha256 and before.version == version:
        return Change(version, version, path)
    taken_back = lock.withdrawal_of(package.sha256)
    if taken_back is not None:
        raise DeliveryError(
            f"package {version} was taken back from {environment} on {taken_back.withdrawn_at[:10]} "
            f"({taken_back.reason}): deliver another one"
        )
    earlier = _environment_before(project, environment)
    if earlier is not None:
        _refuse_skipping(project, package, earlier, environment)
        if not approve:
            raise DeliveryError(
                f"{environment} takes only packages that somebody approves: add --approve, and it is recorded that "
                "you did"
            )
    after = lock.delivering(_delivered(package, approved=earlier is not None))
    write_delivery_lock(project.root, project.blueprint.name, environment, after)
    return Change(version, before.version if before else None, path)


def withdraw(project: Project, environment: str, reason: str) -> Change:
    """Take back what an environment runs; what ran there before runs again. Raises `DeliveryError`."""
    _refuse_without_stage(project, environment)
    lock = _lock(project, environment)
    if lock.delivered is None:
        raise DeliveryError(f"nothing is delivered to {environment}, so there is nothing to take back")
    after = lock.withdrawing(reason, getpass.getuser())
    path = write_delivery_lock(project.root, project.blueprint.name, environment, after)
    return Change(after.delivered.version if after.delivered else None, lock.delivered.version, path)


def _delivered(package: Package, *, approved: bool) -> Delivered:
    who, now = printable(getpass.getuser()), moment(None)
    return Delivered(
        version=package.version,
        commit=package.commit,
        wheel=package.wheel,
        sha256=package.sha256,
        image=package.image,
        delivered_by=who,
        delivered_at=now,
        approved_by=who if approved else None,
        approved_at=now if approved else None,
    )


def _refuse_skipping(project: Project, package: Package, earlier: str, environment: str) -> None:
    there = _lock(project, earlier).delivered
    if there is None or there.sha256 != package.sha256:
        runs = "nothing that was delivered" if there is None else f"package {there.version}"
        raise DeliveryError(
            f"{environment} takes only what {earlier} runs, and that is {runs}: first "
            f"`mlops-stacks deliver {package.version} --environment {earlier}`"
        )


def _environment_before(project: Project, environment: str) -> str | None:
    """The environment that a package goes through first, among those that have the stage."""
    names = [name for name in project.blueprint.environments if _has_stage(project, name)]
    at = names.index(environment)
    return names[at - 1] if at else None


def _has_stage(project: Project, environment: str) -> bool:
    return project.blueprint.environments[environment].settings.stages.pipeline_delivery is not None


def _refuse_without_stage(project: Project, environment: str) -> None:
    if environment == SHARED or not _has_stage(project, environment):
        raise DeliveryError(f"{environment} has no stage `pipeline_delivery`: add it to the blueprint's stages")


def _lock(project: Project, environment: str) -> DeliveryLock:
    return read_delivery_lock(project.root, project.blueprint.name, environment)


def _package(project: Project, executor: Executor, version: int) -> Package:
    store = _store(project, executor)
    package = store.package(version)
    if package is None:
        known = ", ".join(str(each.version) for each in store.packages()) or "none yet: push a commit to make one"
        built = next((build for build in builds_of(project, executor) if build["number"] == version), None)
        why = f"; build {version} {built['state']} in {built['part']}: {built['error']}" if built else ""
        raise DeliveryError(f"there is no package {version} (there is {known}){why}")
    return package


def _store(project: Project, executor: Executor) -> PackageStore:
    """Where the packages are, as the shared scope exports it."""
    exported = _shared(project, executor)
    for stage in (Stage.PIPELINE_DELIVERY, Stage.CONTINUOUS_INTEGRATION):
        if packages := exported.get(stage.value, {}).get("packages"):
            return store_at(packages)
    raise DeliveryError(
        "there are no pipeline packages here: add the stages `continuous_integration` and `pipeline_delivery`, "
        "then `mlops-stacks up`"
    )


def _shared(project: Project, executor: Executor) -> Mapping[str, Any]:
    return executor.outputs(project.blueprint.stack(SHARED))
