"""Two processes plan alike, whatever their hash seeds."""

import json
import os
import subprocess
import sys

SCRIPT = """
import sys
from pathlib import Path
import pulumi, pulumi_aws as aws
from mlops_stacks.executors.in_process import StackIdentity
from mlops_stacks.executors.planner import _Planner, plan_scope
from mlops_stacks.plan import Plan
from mlops_stacks.reports.document import render_json

def program():
    buckets = [aws.s3.Bucket(f"b{index}", tags={"z": "1", "a": "2"}) for index in range(12)]
    every = pulumi.Output.all(*(bucket.arn for bucket in buckets))
    policy = aws.iam.Policy("policy", policy=every.apply(str), opts=pulumi.ResourceOptions(depends_on=buckets))
    for index in range(6):
        aws.iam.Role(f"r{index}", assume_role_policy=pulumi.Output.all(policy.arn, buckets[index].id).apply(str))
    pulumi.export("all", {bucket._name: bucket.arn for bucket in buckets})

plan = plan_scope(program, StackIdentity("p", "s", Path("/")), scope="dev", platform="aws", earlier=None)
sys.stdout.write(render_json(Plan("fares", "aws", "dev", (plan,))))
"""


def test_two_processes_with_other_hash_seeds_give_the_same_bytes() -> None:
    def run(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment, check=True
        )
        return done.stdout

    first = run("1")
    assert first == run("2") == run("3")
    assert [entry["name"] for entry in json.loads(first)["resources"]][1:4] == ["b0", "b1", "b2"]
