"""What a training pipeline may try and check besides its steps, where the platform has a service for it."""

from enum import StrEnum
from typing import NotRequired, Optional

from typing_extensions import TypedDict

from mlops_components.spec.closed import closed


class Goal(StrEnum):
    """Which values of a metric are better."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


class Scale(StrEnum):
    """How values are picked from a range."""

    LINEAR = "linear"
    LOGARITHMIC = "logarithmic"


@closed
class ParameterRange(TypedDict):
    """A number to try values of."""

    parameter: str
    """Name of a parameter of the workload."""
    minimum: float
    """Smallest value that is tried."""
    maximum: float
    """Largest value that is tried."""
    whole: NotRequired[bool]
    """Whether only whole numbers are tried; default false."""
    scale: NotRequired[Scale]
    """Default: linear."""


@closed
class ParameterChoice(TypedDict):
    """A parameter of which some values are tried."""

    parameter: str
    """Name of a parameter of the workload."""
    values: list[str]
    """The values, as text."""


@closed
class Tuning(TypedDict):
    """Tries parameters on a part of the training rows, and trains with the best of them."""

    metric: str
    """What the workload's `evaluate` reports, e.g. `auc`, measured on training rows that the trial did not see."""
    goal: NotRequired[Goal]
    """Default: maximize."""
    trials: NotRequired[int]
    """How many sets of parameters are tried; default 10."""
    at_once: NotRequired[int]
    """How many trials run at the same time; default 2."""
    ranges: NotRequired[list[ParameterRange]]
    """Numbers to try."""
    choices: NotRequired[list[ParameterChoice]]
    """Values to choose among."""


@closed
class BiasCheck(TypedDict):
    """Measures whether the prepared training rows favour a group."""

    label: str
    """Column that the model predicts."""
    positive: str
    """The value of the label that is good for whom it is given to."""
    facet: str
    """Column by which groups are told apart."""
    groups: list[str]
    """Values of that column whose rows might be disfavoured."""
    baseline: NotRequired[Optional[str]]
    """URI of constraints of an earlier analysis, against which this one is held. Default: a report only."""
    fail: NotRequired[bool]
    """Whether a violation of the baseline ends the run; default true."""
