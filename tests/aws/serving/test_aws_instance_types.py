"""Machine types: the table is what AWS's own model says, and a wrong one is answered with the nearest right one."""

from __future__ import annotations

import botocore.session
import pytest

from mlops_components.spec.training_machines import for_training_alone
from mlops_stacks.blueprint.aws_rules.instances import Use, broken_instance_type, instance_types

SHAPES = {
    Use.ENDPOINT: "ProductionVariantInstanceType",
    Use.BATCH: "TransformInstanceType",
    Use.PROCESSING: "ProcessingInstanceType",
    Use.TRAINING: "TrainingInstanceType",
    Use.NOTEBOOK: "AppInstanceType",
}


@pytest.mark.parametrize("use", list(Use))
def test_the_table_is_botocores(use: Use) -> None:
    model = botocore.session.Session().get_service_model("sagemaker")
    known = {name for name in model.shape_for(SHAPES[use]).enum if name.startswith("ml.")}
    assert set(instance_types(use)) == known


@pytest.mark.parametrize(
    ("written", "use", "message", "fix"),
    [
        ("ml.m5.xlrage", Use.ENDPOINT, "SageMaker has no machine `ml.m5.xlrage`", "did you mean `ml.m5.xlarge`?"),
        ("m5.xlarge", Use.BATCH, "SageMaker has no machine `m5.xlarge`", "did you mean `ml.m5.xlarge`?"),
        (
            "ml.t3.medium",
            Use.ENDPOINT,
            "`ml.t3.medium` is a machine for a processing job, but not for an endpoint",
            "did you mean `ml.t2.medium`?",
        ),
        ("big", Use.TRAINING, "SageMaker has no machine `big`", "write one such as `ml.m5.xlarge`"),
    ],
)
def test_a_wrong_one_is_named_with_the_nearest(written: str, use: Use, message: str, fix: str) -> None:
    (problem,) = broken_instance_type(written, use, ("x",))
    assert (problem.message, problem.fix) == (message, fix)


@pytest.mark.parametrize("use", list(Use))
def test_no_retired_one_is_offered(use: Use) -> None:
    for machine in ("ml.p2.xlarge", "ml.p3.2xlarge"):
        (problem,) = broken_instance_type(machine, use, ())
        assert "`ml.g" in problem.fix or machine not in instance_types(use)
    (close,) = broken_instance_type("ml.p3.2xlrage", use, ())
    assert "ml.p3" not in close.fix


def test_which_can_only_train_the_table_says_as_well() -> None:
    processing = set(instance_types(Use.PROCESSING))
    assert processing <= set(instance_types(Use.TRAINING))
    for machine in instance_types(Use.TRAINING):
        assert for_training_alone(machine) is (machine not in processing), machine


def test_a_right_one_is_nothing() -> None:
    assert list(broken_instance_type("ml.m5.large", Use.ENDPOINT, ())) == []
