"""Pure functions over a plan, each saying what is wrong, where, and how to mend it. No SDK is imported here."""

from mlops_stacks.checks.run import RULES, check

__all__ = ["RULES", "check"]
