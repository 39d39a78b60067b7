"""AWS's own images that monitors run, and the accounts that they are pulled from.

Source: `image_uri_config/model-monitor.json` and `image_uri_config/clarify.json` of the SageMaker Python SDK 3.20.0
(commit a2481266 of 2026-08-21), read on 2026-11-21, but for the isolated partitions. Of a region that is not in a table
no image is known: without its account there is no address to pull it from.
"""

from typing import Optional

MODEL_MONITOR = {
    "af-south-1": "875698925577",
    "ap-east-1": "001633400207",
    "ap-northeast-1": "574779866223",
    "ap-northeast-2": "709848358524",
    "ap-northeast-3": "990339680094",
    "ap-south-1": "126357580389",
    "ap-southeast-1": "245545462676",
    "ap-southeast-2": "563025443158",
    "ap-southeast-3": "669540362728",
    "ca-central-1": "536280801234",
    "cn-north-1": "453000072557",
    "cn-northwest-1": "453252182341",
    "eu-central-1": "048819808253",
    "eu-central-2": "590183933784",
    "eu-north-1": "895015795356",
    "eu-south-1": "933208885752",
    "eu-south-2": "437450045455",
    "eu-west-1": "468650794304",
    "eu-west-2": "749857270468",
    "eu-west-3": "680080141114",
    "il-central-1": "843974653677",
    "me-central-1": "588750061953",
    "me-south-1": "607024016150",
    "sa-east-1": "539772159869",
    "us-east-1": "156813124566",
    "us-east-2": "777275614652",
    "us-west-1": "890145073186",
    "us-west-2": "159807026194",
}
"""Region -> account of `sagemaker-model-monitor-analyzer`, which analyses data quality and model quality."""

CLARIFY = {
    "af-south-1": "811711786498",
    "ap-east-1": "098760798382",
    "ap-northeast-1": "377024640650",
    "ap-northeast-2": "263625296855",
    "ap-northeast-3": "912233562940",
    "ap-south-1": "452307495513",
    "ap-southeast-1": "834264404009",
    "ap-southeast-2": "007051062584",
    "ap-southeast-3": "705930551576",
    "ca-central-1": "675030665977",
    "cn-north-1": "122526803553",
    "cn-northwest-1": "122578899357",
    "eu-central-1": "017069133835",
    "eu-central-2": "730335477804",
    "eu-north-1": "763603941244",
    "eu-south-1": "638885417683",
    "eu-west-1": "131013547314",
    "eu-west-2": "440796970383",
    "eu-west-3": "341593696636",
    "me-south-1": "835444307964",
    "sa-east-1": "520018980103",
    "us-east-1": "205585389593",
    "us-east-2": "211330385671",
    "us-gov-west-1": "598674086554",
    "us-west-1": "740489534195",
    "us-west-2": "306415355426",
}
"""Region -> account of `sagemaker-clarify-processing`, which analyses bias and attributions."""

CLARIFY_REPOSITORY = "sagemaker-clarify-processing"
"""Name of Clarify's repository in those accounts."""

ANALYSIS_FILE = "analysis_config.json"
"""What the file of an analysis configuration has to be called: Clarify looks for it in the folder of its input."""


def model_monitor_image(region: str) -> Optional[str]:
    """The analyzer of data and model quality; None where none is known in the region."""
    account = MODEL_MONITOR.get(region)
    return account and f"{account}.{_registry(region)}/sagemaker-model-monitor-analyzer"


def clarify_image(region: str) -> Optional[str]:
    """The analyzer of bias and attributions; None where none is known in the region."""
    account = CLARIFY.get(region)
    return account and f"{account}.{_registry(region)}/{CLARIFY_REPOSITORY}:1.0"


def _registry(region: str) -> str:
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"dkr.ecr.{region}.{suffix}"
