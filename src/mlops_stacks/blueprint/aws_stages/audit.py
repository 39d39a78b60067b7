"""The options of what watches over an account on AWS: audit trail, budget, and trust in CI systems."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from mlops_stacks.blueprint.aws_stages.words import Arn, mode_of
from mlops_stacks.blueprint.base import Model

_Percent = Annotated[float, Field(gt=0, le=1000)]


class CreateTrail(Model):
    """A trail of the environment's own: who read and wrote models and data, kept in the log bucket."""

    mode: Literal["create"] = "create"
    management_events: bool = False
    """Whether changes of resources are kept as well; CloudTrail's event history keeps these for 90 days anyway."""


class AdoptTrail(Model):
    """A trail that exists already, e.g. an organisation's; what it records is its owner's decision."""

    mode: Literal["adopt"]
    arn: Arn


class SkipTrail(Model):
    """Nobody can tell afterwards who read and wrote models and data."""

    mode: Literal["skip"]


Trail = Annotated[
    Annotated[CreateTrail, Tag("create")] | Annotated[AdoptTrail, Tag("adopt")] | Annotated[SkipTrail, Tag("skip")],
    Discriminator(mode_of),
]


class Budget(Model):
    """What an environment may cost. Costs are told apart by tags, which somebody activates in the billing console."""

    monthly_usd: Annotated[float, Field(gt=0)]
    """Limit for a calendar month, in US dollars."""
    alarm_percents: Annotated[tuple[_Percent, ...], Field(min_length=1, max_length=9)] = (80, 100)
    """Shares of the limit at which somebody is told, in per cent."""
    forecast_percent: _Percent | None = 100
    """Somebody is told once this share is forecast, in per cent; null: never."""


class CreateOidc(Model):
    """A provider of the account's own; an account can have but one for an address."""

    mode: Literal["create"] = "create"
    url: Annotated[str, StringConstraints(pattern=r"^https://[^/\s]+(/[^\s]*)?$")] | None = None
    """Address of the issuer; default: that of github.com or gitlab.com."""


class AdoptOidc(Model):
    """A provider that another project has made in the account."""

    mode: Literal["adopt"]
    arn: Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/.+$")]


Oidc = Annotated[
    Annotated[CreateOidc, Tag("create")] | Annotated[AdoptOidc, Tag("adopt")],
    Discriminator(mode_of),
]
