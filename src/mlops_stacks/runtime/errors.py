"""Errors of the runtime. The text of each is one sentence for the user: what, where, how to mend it."""

from __future__ import annotations


class RuntimeFault(Exception):  # noqa: N818 - a base that is never raised; its children are the errors
    """Anything that stops a step, a run or the server and that a person can mend.

    `exit_code` is what the process ends with. 1: it failed, and a retry may help; 2: the settings are wrong;
    3: a check refused the data or the model; 4: another run of the pipeline is under way.
    """

    exit_code = 1


class SettingsError(RuntimeFault):
    """A document that the runtime was handed cannot be read, or says something that it may not."""

    exit_code = 2


class WorkloadError(RuntimeFault):
    """The user's code does not honour the workload contract, or raised."""


class ContractError(WorkloadError):
    """The user's code does not honour the workload contract; a retry cannot help."""

    exit_code = 2


class RefusedError(RuntimeFault):
    """A check of the pipeline refused the data or the model; trying again gives the same answer."""

    exit_code = 3


class TrackingError(RuntimeFault):
    """MLflow could not be reached, or said no."""


class BusyError(RuntimeFault):
    """Another run of the same pipeline is under way."""

    exit_code = 4
