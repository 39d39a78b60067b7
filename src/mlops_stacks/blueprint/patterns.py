"""What the regular expressions of blueprint fields mean, in words; a test holds the two together."""

from __future__ import annotations

PATTERNS: dict[str, tuple[str, str]] = {
    r"^[a-z]([a-z0-9-]{0,22}[a-z0-9])?$": (
        "a name (lower-case letters, digits and hyphens, at most 24, a letter first, no hyphen last)",
        "write e.g. `flight-delay`",
    ),
    r"^[a-z][a-z0-9_]{0,39}$": (
        "a name (lower-case letters, digits and underscores, at most 40, a letter first)",
        "write e.g. `flight_delay`",
    ),
    r"^[A-Z][A-Z0-9_]*$": (
        "the name of an environment variable (upper-case letters, digits and underscores)",
        "write e.g. `API_TOKEN`",
    ),
    r"^[A-Za-z_][A-Za-z0-9_]*$": (
        "the name of an environment variable (letters, digits and underscores, no digit first)",
        "write e.g. `API_TOKEN`",
    ),
    r"^[0-9]{12}$": ("an AWS account (twelve digits, in quotes)", 'write e.g. `"123456789012"`'),
    r"^[a-z]{2}(-[a-z]+)+-[0-9]$": ("an AWS region", "write e.g. `eu-west-1`"),
    r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$": (
        "the ARN of an IAM role",
        "write e.g. `arn:aws:iam::123456789012:role/deployer`",
    ),
    r"^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$": ("an availability zone", "write e.g. `eu-west-1a`"),
    r"^([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}$": ("a range of addresses", "write e.g. `10.20.0.0/16`"),
    r"^vpc-[0-9a-f]{8,17}$": ("the id of a VPC", "write e.g. `vpc-0a1b2c3d4e5f60718`"),
    r"^subnet-[0-9a-f]{8,17}$": ("the id of a subnet", "write e.g. `subnet-0a1b2c3d4e5f60718`"),
    r"^sg-[0-9a-f]{8,17}$": ("the id of a security group", "write e.g. `sg-0a1b2c3d4e5f60718`"),
    r"^rtb-[0-9a-f]{8,17}$": ("the id of a route table", "write e.g. `rtb-0a1b2c3d4e5f60718`"),
    r"^https://[^/\s]+(/[^\s]*)?$": ("an address with `https://`", "write e.g. `https://gitlab.example.com`"),
    r"^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/.+$": (
        "the ARN of an identity provider",
        "write e.g. `arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com`",
    ),
    r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$": (
        "a Google Cloud project (6 to 30 lower-case letters, digits and hyphens, a letter first)",
        "write e.g. `my-project`",
    ),
    r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$": (
        "the id of an Azure subscription (32 hexadecimal digits in five groups)",
        "write e.g. `00000000-0000-0000-0000-000000000000`",
    ),
    r"^[^@\s]+@[^@\s]+\.[^@\s]+$": ("an e-mail address", "write e.g. `team@example.com`"),
    r"^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$": (
        "an entry point (`package.module:attribute`)",
        "write e.g. `flight_delay.workload:workload`",
    ),
    r"^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:.+$": (
        "an ARN (`arn:aws:<service>:<region>:<account>:<resource>`)",
        "write e.g. `arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d`",
    ),
    r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$": (
        "the name of a bucket (3 to 63 lower-case letters, digits, hyphens and dots, none of these at an end)",
        "write e.g. `my-company-artifacts`",
    ),
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$": (
        "a moment in UTC",
        "write e.g. `2026-11-21T10:30:00Z`",
    ),
    r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$": (
        "a branch (letters, digits, dots, hyphens, underscores, parts divided by `/`)",
        "write e.g. `main`",
    ),
    r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)+$": (
        "a repository (`owner/name`; letters, digits, dots, hyphens and underscores)",
        "write e.g. `my-company/flight-delay`",
    ),
    r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$": (
        "a path (letters, digits, dots, hyphens, underscores, parts divided by `/`)",
        "write e.g. `workloads/flight_delay`",
    ),
    r"^[a-z0-9][a-z0-9.+-]+$": (
        "a Debian package (lower-case letters, digits and .+-)",
        "write e.g. `libgomp1`",
    ),
    r"^[^@\s]+@sha256:[0-9a-f]{64}$": (
        "an image by its digest",
        f"write e.g. `registry.example.com/images@sha256:{'0' * 64}`, as CI 1 recorded it",
    ),
    r"^[0-9a-f]{64}$": (
        "a SHA-256 hash (64 hexadecimal digits)",
        "write e.g. `e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855`",
    ),
    r"^[A-Za-z0-9_.+!-]+\.whl$": ("the file name of a wheel", "write e.g. `flight_delay-0.1.0-py3-none-any.whl`"),
    r"^ml\.[a-z0-9-]+\.[a-z0-9]+$": ("a machine of SageMaker", "write e.g. `ml.m5.xlarge`"),
    r"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun):[0-9]{2}:[0-9]{2}$": ("a weekday and a time in UTC", "write e.g. `Sun:03:00`"),
}
"""Regular expression of a field -> what it asks for, and an example."""
