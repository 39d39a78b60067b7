"""The instance types on which SageMaker Studio runs notebooks.

Source: SageMaker API, `AppInstanceType`, as of botocore 1.43 (November 2026), without `system` and the geospatial one,
which are no choice of a person's; a test compares the two. Not each is in each region.
"""

_GENERAL = "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge"
_SIXTH = f"{_GENERAL} 32xlarge"
_SEVENTH = f"{_GENERAL} 48xlarge"
_GRAPHICS = "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"
_LATEST_GRAPHICS = "2xlarge 4xlarge 8xlarge 12xlarge 24xlarge 48xlarge"

_SIZES = {
    "t3": "micro small medium large xlarge 2xlarge",
    **dict.fromkeys(("m5", "m5d", "r5"), _GENERAL),
    "c5": "large xlarge 2xlarge 4xlarge 9xlarge 12xlarge 18xlarge 24xlarge",
    **dict.fromkeys(("m6i", "m6id", "c6i", "c6id", "r6i", "r6id"), _SIXTH),
    **dict.fromkeys(("m7i", "c7i", "r7i"), _SEVENTH),
    "g4dn": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    **dict.fromkeys(("g5", "g6", "g6e"), _GRAPHICS),
    "p3": "2xlarge 8xlarge 16xlarge",
    "p3dn": "24xlarge",
    "p4d": "24xlarge",
    "p4de": "24xlarge",
    "trn1": "2xlarge 32xlarge",
    "trn1n": "32xlarge",
    "p5": "4xlarge 48xlarge",
    "p5en": "48xlarge",
    "p6-b200": "48xlarge",
    **dict.fromkeys(("g7", "g7e"), _LATEST_GRAPHICS),
}

STUDIO_INSTANCES = tuple(f"ml.{family}.{size}" for family, sizes in _SIZES.items() for size in sizes.split())
"""Every type, e.g. `ml.t3.medium`."""

_YOUNG = ("g7", "g7e", "p6-b200", "p5")
HIDEABLE = tuple(name for name in STUDIO_INSTANCES if name.split(".")[1] not in _YOUNG)
"""Those that clients some months old know as well, so that they can be told to hide them."""
