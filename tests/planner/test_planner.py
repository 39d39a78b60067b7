"""The planner against small real programs on pulumi_aws."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest
from pulumi.runtime.proto import resource_pb2

from mlops_stacks.executors.in_process import Refused, StackIdentity
from mlops_stacks.executors.planner import _Planner, plan_scope
from mlops_stacks.plan import SECRET, UNKNOWN, PlannedResource, ScopePlan

SHARED = "organization/mlops-stacks/fares-shared"


def planned(program: Callable[[], None], earlier: dict[str, dict[str, object]] | None = None) -> ScopePlan:
    identity = StackIdentity("mlops-stacks", "fares-dev", Path(__file__).parent)
    return plan_scope(program, identity, scope="dev", platform="aws", earlier=earlier)


def named(plan: ScopePlan, name: str) -> PlannedResource:
    (found,) = (resource for resource in plan.resources if resource.name == name)
    return found


class Registry(pulumi.ComponentResource):
    stage = "model_registry"

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops-stacks:index:Registry", name, {"size": 3}, opts)
        self.bucket = aws.s3.Bucket(f"{name}-bucket", opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({"bucket": self.bucket.bucket})


def test_a_plan_holds_identity_inputs_and_dependencies_as_registered() -> None:
    def program() -> None:
        key = aws.kms.Key("key", deletion_window_in_days=7)
        aws.kms.Alias("alias", name="alias/fares", target_key_id=key.key_id)

    plan = planned(program)
    key, alias = named(plan, "key"), named(plan, "alias")
    root = "urn:pulumi:fares-dev::mlops-stacks::pulumi:pulumi:Stack::mlops-stacks-fares-dev"
    assert plan.stack == "fares-dev"
    assert [resource.name for resource in plan.resources] == ["mlops-stacks-fares-dev", "key", "alias"]
    assert plan.resources[0].urn == root
    assert plan.resources[0].parent is None
    assert key.urn == "urn:pulumi:fares-dev::mlops-stacks::aws:kms/key:Key::key"
    assert key.parent == root
    assert key.inputs == {"deletionWindowInDays": 7}
    assert isinstance(key.inputs["deletionWindowInDays"], int)
    assert alias.inputs["targetKeyId"] == f"${{{key.urn}#keyId}}"
    assert alias.dependencies == (key.urn,)
    assert alias.property_dependencies == {"targetKeyId": (key.urn,)}
    assert alias.scope == "dev"
    assert alias.custom


def test_children_carry_stage_platform_and_parent_of_their_component() -> None:
    plan = planned(lambda: pulumi.export("bucket", Registry("registry").bucket.arn))
    component, bucket = named(plan, "registry"), named(plan, "registry-bucket")
    assert component.stage == bucket.stage == "model_registry"
    assert component.platform == bucket.platform == "aws"
    assert not component.custom
    assert component.inputs == {"size": 3}
    assert bucket.parent == component.urn
    assert bucket.urn.endswith("::mlops-stacks:index:Registry$aws:s3/bucket:Bucket::registry-bucket")
    assert plan.outputs == {"bucket": f"${{{bucket.urn}#arn}}"}


def test_a_stage_set_on_the_instance_and_a_platform_of_the_component_reach_its_children() -> None:
    class Identity(pulumi.ComponentResource):
        platform = "kubernetes"

        def __init__(self, name: str) -> None:
            self.stage = "serving"
            super().__init__("mlops-stacks:index:Identity", name)
            Registry(f"{name}-inner", pulumi.ResourceOptions(parent=self))

    plan = planned(lambda: [Identity("identity")][:0] or None)
    assert named(plan, "identity").stage == "serving"
    assert named(plan, "identity-inner-bucket").stage == "model_registry"
    assert {resource.platform for resource in plan.resources[1:]} == {"kubernetes"}


def test_documents_rendered_over_unknown_outputs_are_complete() -> None:
    def program() -> None:
        bucket = aws.s3.Bucket("bucket")
        document = pulumi.Output.json_dumps(
            {"Statement": [{"Action": "s3:GetObject", "Resource": pulumi.Output.concat(bucket.arn, "/*")}]}
        )
        aws.iam.Policy("policy", policy=document)

    plan = planned(program)
    statement = json.loads(named(plan, "policy").inputs["policy"])["Statement"][0]
    assert statement["Resource"] == f"${{{named(plan, 'bucket').urn}#arn}}/*"


def test_known_inputs_come_back_as_outputs_and_what_is_no_text_stays_unknown() -> None:
    def program() -> None:
        bucket = aws.s3.Bucket("bucket", bucket="fares", force_destroy=True, tags={"team": "ml"})
        pulumi.export("name", bucket.bucket)
        pulumi.export("force", bucket.force_destroy)
        pulumi.export("tags", bucket.tags)
        pulumi.export("id", bucket.id)
        pulumi.export("rules", bucket.lifecycle_rules)
        pulumi.export("boundary", aws.iam.Role("role", assume_role_policy="{}").permissions_boundary)

    plan = planned(program)
    urn = named(plan, "bucket").urn
    assert plan.outputs == {
        "boundary": UNKNOWN,
        "force": True,
        "id": f"${{{urn}#id}}",
        "name": "fares",
        "rules": UNKNOWN,
        "tags": {"team": "ml"},
    }


def test_wrong_values_are_planned_for_the_checks_to_find() -> None:
    def program() -> None:
        aws.s3.Bucket("bucket", acl="publik", force_destroy="yes", lifecycle_rules=[{"enabled": True, "idd": 3}])  # type: ignore[arg-type,list-item]
        aws.s3.Bucket("bucket")

    plan = planned(program)
    first, second = (resource for resource in plan.resources if resource.name == "bucket")
    assert first.urn == second.urn
    assert first.inputs == {"acl": "publik", "forceDestroy": "yes", "lifecycleRules": [{"enabled": True, "idd": 3}]}


def test_a_list_in_place_of_an_object_is_refused_in_a_sentence() -> None:
    with pytest.raises(Refused, match=r"resource 'b' of type 'aws:s3/bucket:Bucket' .*'versioning'"):
        planned(lambda: aws.s3.Bucket("b", versioning=[1]) and None)  # type: ignore[arg-type,func-returns-value]


def test_providers_are_inherited_through_components_even_without_the_sdks_help() -> None:
    def program() -> None:
        provider = aws.Provider("target", region="eu-west-1", allowed_account_ids=["111111111111"])
        outer = Registry("registry", pulumi.ResourceOptions(providers=[provider]))
        aws.s3.BucketVersioning(
            "versioning",
            bucket=outer.bucket.id,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=pulumi.ResourceOptions(parent=outer.bucket),
        )
        aws.s3.Bucket("lost")

    plan = planned(program)
    provider = named(plan, "target")
    assert provider.urn == "urn:pulumi:fares-dev::mlops-stacks::pulumi:providers:aws::target"
    assert provider.is_provider
    assert provider.stage is None
    assert named(plan, "registry").options["providers"] == {"aws": provider.urn}
    assert named(plan, "registry-bucket").options["provider"] == provider.urn
    assert named(plan, "versioning").options["provider"] == provider.urn
    assert "provider" not in named(plan, "lost").options


def test_protect_retain_and_deleted_with_are_inherited_and_can_be_taken_back() -> None:
    def program() -> None:
        key = aws.kms.Key("key")
        opts = pulumi.ResourceOptions(protect=True, retain_on_delete=True, deleted_with=key)
        component = Registry("registry", opts)
        aws.s3.Bucket("free", opts=pulumi.ResourceOptions(parent=component, protect=False, retain_on_delete=False))

    plan = planned(program)
    bucket, free = named(plan, "registry-bucket"), named(plan, "free")
    assert bucket.options["protect"] is True
    assert bucket.options["retainOnDelete"] is True
    assert bucket.options["deletedWith"] == free.options["deletedWith"] == named(plan, "key").urn
    assert free.options["protect"] is False
    assert free.options["retainOnDelete"] is False


def test_every_other_option_is_kept() -> None:
    options = pulumi.ResourceOptions(
        ignore_changes=["tags"],
        replace_on_changes=["bucket"],
        delete_before_replace=True,
        import_="fares",
        custom_timeouts=pulumi.CustomTimeouts(create="5m"),
        version="7.0.0",
    )
    plan = planned(lambda: aws.s3.Bucket("bucket", opts=options) and None)  # type: ignore[func-returns-value]
    assert named(plan, "bucket").options == {
        "customTimeouts": {"create": "5m"},
        "deleteBeforeReplace": True,
        "ignoreChanges": ["tags"],
        "import": "fares",
        "replaceOnChanges": ["bucket"],
        "version": "7.0.0",
    }


def test_aliases_of_ours_stay_and_those_of_the_sdks_history_go() -> None:
    def program() -> None:
        aliases = [pulumi.Alias(name="old"), "urn:pulumi:a::b::c:d:E::f"]
        aws.s3.Bucket("bucket", opts=pulumi.ResourceOptions(aliases=aliases))
        aws.s3.BucketVersioning(
            "versioning",
            bucket="fares",
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
        )
        Registry("registry", pulumi.ResourceOptions(aliases=[pulumi.Alias(type_="mlops-stacks:index:Register")]))

    plan = planned(program)
    assert named(plan, "bucket").options["aliases"] == [{"name": "old"}, "urn:pulumi:a::b::c:d:E::f"]
    assert "aliases" not in named(plan, "versioning").options
    assert named(plan, "registry").options["aliases"] == [{"type": "mlops-stacks:index:Register"}]


def test_secrets_are_masked_wherever_they_flow() -> None:
    def program() -> None:
        hush = pulumi.Output.secret("hush")
        parameter = aws.ssm.Parameter("parameter", type="SecureString", value=hush)
        aws.s3.Bucket("bucket", tags={"plain": "x", "hidden": hush})
        pulumi.export("direct", hush)
        pulumi.export("through", parameter.value)
        pulumi.export("inside", {"text": pulumi.Output.concat("a-", parameter.value)})

    plan = planned(program)
    assert "hush" not in repr(plan)
    assert named(plan, "parameter").inputs["value"] == SECRET
    assert plan.outputs == {"direct": SECRET, "inside": SECRET, "through": SECRET} or plan.outputs == {
        "direct": SECRET,
        "inside": {"text": SECRET},
        "through": SECRET,
    }


@pytest.mark.parametrize(
    "program",
    [
        lambda: aws.get_caller_identity(),
        lambda: pulumi.export("account", aws.get_caller_identity_output().account_id),
        lambda: aws.s3.Bucket("bucket", bucket=aws.get_region_output().region),
    ],
)
def test_invokes_are_refused(program: Callable[[], None]) -> None:
    with pytest.raises(Refused, match=r"the program invokes 'aws:index/get.*use a blueprint value"):
        planned(program)


def test_transforms_are_refused_and_name_the_way_out() -> None:
    opts = pulumi.ResourceOptions(transforms=[lambda args: None])
    with pytest.raises(Refused, match=r"'bucket' has the option `transforms`.*`transformations`"):
        planned(lambda: aws.s3.Bucket("bucket", opts=opts) and None)  # type: ignore[func-returns-value]
    with pytest.raises(Refused, match="register_stack_transformation"):
        planned(lambda: pulumi.runtime.register_resource_transform(lambda args: None))


def test_what_the_program_raises_is_raised() -> None:
    def fail() -> None:
        raise LookupError("no such model")

    with pytest.raises(LookupError, match="no such model"):
        planned(fail)
    with pytest.raises(ZeroDivisionError):
        planned(lambda: aws.s3.Bucket("b").arn.apply(lambda arn: 1 // 0) and None)  # type: ignore[func-returns-value]


def test_a_later_scope_reads_the_tokens_of_an_earlier_one() -> None:
    earlier = {SHARED: {"arn": "${urn:x#arn}", "token": SECRET, "replicas": 3, "zones": UNKNOWN}}

    def program() -> None:
        reference = pulumi.StackReference("shared", stack_name=SHARED)
        for key in ("arn", "token", "replicas", "zones", "absent"):
            pulumi.export(key, reference.get_output(key))

    plan = planned(program, earlier)
    root = "urn:pulumi:fares-shared::mlops-stacks::pulumi:pulumi:Stack::mlops-stacks-fares-shared"
    assert {**plan.outputs, "absent": None} == {
        "absent": None,
        "arn": "${urn:x#arn}",
        "replicas": 3,
        "token": SECRET,
        "zones": f"${{{root}#zones}}",
    }
    assert named(plan, "shared").options == {"read": SHARED}


def test_a_scope_that_was_not_planned_is_named() -> None:
    with pytest.raises(Refused, match=f"stack '{SHARED}', which has not been planned; plan the scope"):
        planned(lambda: pulumi.StackReference(SHARED) and None)  # type: ignore[func-returns-value]


def test_an_adopted_resource_is_known_by_its_id() -> None:
    def program() -> None:
        bucket = aws.s3.Bucket.get("adopted", "their-bucket")
        pulumi.export("id", bucket.id)
        pulumi.export("arn", bucket.arn)

    plan = planned(program)
    adopted = named(plan, "adopted")
    assert adopted.options["read"] == "their-bucket"
    assert plan.outputs == {"arn": f"${{{adopted.urn}#arn}}", "id": "their-bucket"}


def test_sources_are_relative_to_the_project() -> None:
    plan = planned(lambda: Registry("registry") and None)  # type: ignore[func-returns-value]
    for resource in plan.resources[1:]:
        assert resource.source is not None
        assert resource.source.startswith("test_planner.py:")
    assert plan.resources[0].source is None


def test_two_runs_give_the_same_bytes() -> None:
    def program() -> None:
        buckets = [aws.s3.Bucket(f"bucket-{index}", tags={"z": "1", "a": "2", "m": "3"}) for index in range(8)]
        arns = pulumi.Output.all(*(bucket.arn for bucket in buckets))
        aws.iam.Policy("policy", policy=arns.apply(lambda known: json.dumps({"Resource": known})))
        aws.s3.Bucket("last", opts=pulumi.ResourceOptions(depends_on=buckets))

    first, second = planned(program), planned(program)
    assert repr(first) == repr(second)
    assert named(first, "last").dependencies == tuple(sorted(r.urn for r in first.resources if "bucket-" in r.name))


def test_planning_leaves_the_surroundings_alone() -> None:
    before = pulumi.runtime.settings.SETTINGS.project
    planned(lambda: None)
    assert pulumi.runtime.settings.SETTINGS.project == before
    assert pulumi.runtime.get_root_resource() is None
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


def test_assets_are_shown_by_what_they_hold() -> None:
    program = lambda: aws.s3.BucketObject("o", bucket="b", key="k", source=pulumi.StringAsset("hello")) and None  # noqa: E731
    assert named(planned(program), "o").inputs["source"] == {"asset": {"text": "hello"}}  # type: ignore[arg-type]


def test_a_resource_as_an_input_reads_as_its_id() -> None:
    class Holder(pulumi.ComponentResource):
        def __init__(self, name: str, **inputs: object) -> None:
            super().__init__("mlops-stacks:index:Holder", name, inputs)

    def program() -> None:
        key = aws.kms.Key("key")
        inner = Holder("inner", ratio=0.5, whole=2.0, big=1e300, nothing=None, flags=[True, False])
        Holder("outer", key=key, component=inner, archive=pulumi.AssetArchive({"a": pulumi.StringAsset("b")}))

    plan = planned(program)
    inner = named(plan, "inner")
    assert inner.inputs == {"big": 1e300, "flags": [True, False], "ratio": 0.5, "whole": 2}
    assert isinstance(inner.inputs["whole"], int)
    assert named(plan, "outer").inputs == {
        "archive": {"archive": {"assets": {"a": {"asset": {"text": "b"}}}}},
        "component": f"${{{inner.urn}#urn}}",
        "key": f"${{{named(plan, 'key').urn}#id}}",
    }


def test_an_output_that_is_unknown_because_its_input_is_becomes_a_token() -> None:
    def program() -> None:
        rules = aws.s3.Bucket("first").lifecycle_rules
        second = aws.s3.Bucket("second", bucket=rules.apply(lambda known: str(len(known or []))))
        pulumi.export("name", second.bucket)

    plan = planned(program)
    assert named(plan, "second").inputs == {"bucket": UNKNOWN}
    assert plan.outputs == {"name": f"${{{named(plan, 'second').urn}#bucket}}"}


def test_existence_is_not_asked_of_a_platform_that_is_not_there() -> None:
    monitor = _Planner(StackIdentity("p", "s", Path()), scope="dev", platform="aws", earlier={})
    with pytest.raises(Refused, match=r"whether 'theirs' .* exists"):
        monitor.ExistsResource(resource_pb2.ExistsResourceRequest(type="aws:s3/bucket:Bucket", id="theirs"))
    with pytest.raises(Refused, match="the program calls 'eks:index:Cluster/getKubeconfig'"):
        monitor.Call(resource_pb2.ResourceCallRequest(tok="eks:index:Cluster/getKubeconfig"))
