"""What can go wrong on the local platform, in words."""


class LocalPlatformError(Exception):
    """Something on this machine is in the way; the message is one sentence: what, where, and how to mend it."""
