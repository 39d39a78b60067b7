"""The embedded executor: `up` and `destroy` for the local platform, without the Pulumi CLI."""
