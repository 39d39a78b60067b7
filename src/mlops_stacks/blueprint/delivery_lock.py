"""The delivery lock: which pipeline package an environment runs, as a small file under version control.

`deliveries/<blueprint>/<environment>.yaml` lies beside the blueprint. `mlops-stacks deliver` and `withdraw` write it;
`up` only reads it. A package is named by its hash as well as by its number, so that a store which was emptied and
filled anew cannot pass off another package under the same number.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from mlops_stacks.blueprint.base import Model
from mlops_stacks.blueprint.lock_files import Moment, moment, printable, read_lock_file, write_lock_file

PackageVersion = Annotated[int, Field(ge=1)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
WheelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.+!-]+\.whl$")]
ImageReference = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@sha256:[0-9a-f]{64}$")]

_HEADER = "# Which pipeline package runs. Written by `mlops-stacks deliver`; keep it under version control.\n"


class Delivered(Model):
    """A package in an environment, and who let it in."""

    version: PackageVersion
    commit: str
    """Commit of the workload that it was built from."""
    wheel: WheelName
    """File name of its wheel."""
    sha256: Sha256
    """Of the wheel."""
    image: ImageReference | None = None
    """Image that was built from it, `<repository>@sha256:…`; null where steps run without one."""
    delivered_by: str
    delivered_at: Moment
    approved_by: str | None = None
    """Null in the first environment, which needs no approval."""
    approved_at: Moment | None = None


class Withdrawn(Model):
    """A package that was taken back."""

    version: PackageVersion
    sha256: Sha256
    reason: str
    withdrawn_by: str
    withdrawn_at: Moment


class DeliveryLock(Model):
    """The deliveries of one environment."""

    delivered: Delivered | None = None
    """What runs; null: the workload of the blueprint's path."""
    earlier: tuple[Delivered, ...] = ()
    """What ran before, the latest first; a withdrawal brings back the first of these."""
    withdrawn: tuple[Withdrawn, ...] = ()

    def withdrawal_of(self, sha256: str) -> Withdrawn | None:
        """Why a package must not run here, if so."""
        return next((withdrawn for withdrawn in self.withdrawn if withdrawn.sha256 == sha256), None)

    def delivering(self, package: Delivered) -> DeliveryLock:
        """The lock after a delivery."""
        before = () if self.delivered is None else (self.delivered,)
        earlier = tuple(each for each in (*before, *self.earlier) if each.sha256 != package.sha256)
        return self.model_copy(update={"delivered": package, "earlier": earlier})

    def withdrawing(self, reason: str, by: str, at: datetime | None = None) -> DeliveryLock:
        """The lock after what runs was taken back: the one before runs again, or none. Something must be delivered."""
        if self.delivered is None:
            raise ValueError("nothing is delivered")
        taken_back = Withdrawn(
            version=self.delivered.version,
            sha256=self.delivered.sha256,
            reason=printable(reason),
            withdrawn_by=printable(by),
            withdrawn_at=moment(at),
        )
        return DeliveryLock(
            delivered=self.earlier[0] if self.earlier else None,
            earlier=self.earlier[1:],
            withdrawn=(*self.withdrawn, taken_back),
        )


def delivery_lock_path(root: Path, blueprint: str, environment: str) -> Path:
    """Where the lock of an environment lies; `root` is the blueprint's folder."""
    return root / "deliveries" / blueprint / f"{environment}.yaml"


def read_delivery_lock(root: Path, blueprint: str, environment: str) -> DeliveryLock:
    """The lock of an environment, empty if there is no file yet; raises `BlueprintError` if it cannot be understood."""
    return read_lock_file(delivery_lock_path(root, blueprint, environment), "delivery lock", DeliveryLock)


def write_delivery_lock(root: Path, blueprint: str, environment: str, lock: DeliveryLock) -> Path:
    """Writes the lock, whole or not at all; returns its path. Raises OSError where the folder cannot be written to."""
    return write_lock_file(delivery_lock_path(root, blueprint, environment), _HEADER, lock)
