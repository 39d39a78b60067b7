"""Studio on AWS: who may do what in it, what runs there, and what SageMaker would say to it."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from aws.shapes import check_request
from compose.documents import aws
from full_plans import filled_plan
from projects import project_of

from mlops_components.spec.studio_instances import HIDEABLE, STUDIO_INSTANCES
from mlops_components.workbench.studio_documents import start_script
from mlops_stacks.blueprint.assemble import assemble
from mlops_stacks.operations.planning import plan
from mlops_stacks.plan import PlannedResource, ScopePlan

ADA = "arn:aws:iam::111111111111:role/data/ada"
BOB = "arn:aws:iam::222222222222:user/bob"
EVE = "arn:aws:iam::111111111111:user/eve"
ACCESS = {
    "data_science": {"role": "contributor", "members": [ADA, BOB]},
    "risk": {"role": "approver", "members": [ADA]},
    "audit": {"role": "viewer", "members": [EVE]},
}
NETWORK = {"network": {"mode": "create", "cidr": "10.0.0.0/16"}}


def document(options: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    stages = {"foundation": NETWORK, "experiment_tracking": {}, "model_registry": {}, "workbench": options or {}}
    found = aws(**{"stages": stages, "access": ACCESS, **more})
    for number, environment in enumerate(found["environments"].values()):
        environment["target"]["zones"] = ["eu-west-1a", "eu-west-1b"]
        environment["stages"] = {"foundation": {"network": {"mode": "create", "cidr": f"10.{number}.0.0/16"}}}
    return found


def dev(options: dict[str, Any] | None = None, **more: Any) -> ScopePlan:
    planned = plan(project_of(document(options, **more), Path("/project")))
    assert planned.errors == ()
    return next(scope for scope in planned.scopes if scope.scope == "dev")


def only(scope: ScopePlan, kind: str) -> PlannedResource:
    (found,) = [r for r in scope.resources if r.custom and r.type.endswith(f":{kind}")]
    return found


def profiles(scope: ScopePlan) -> dict[str, PlannedResource]:
    found = [r for r in scope.resources if r.custom and r.type.endswith(":UserProfile")]
    return {r.inputs["userProfileName"].rpartition("-")[0]: r for r in found}


def policy(scope: ScopePlan, ending: str) -> list[dict[str, Any]]:
    (found,) = [r for r in scope.resources if r.type.endswith("RolePolicy") and r.name.endswith(ending)]
    statements: list[dict[str, Any]] = json.loads(found.inputs["policy"])["Statement"]
    return statements


def request_of(resource: PlannedResource) -> dict[str, Any]:
    """The planned inputs as the call that the provider makes of them."""

    def named(value: Any) -> Any:
        if isinstance(value, dict):
            return {_NAMES.get(key, key[0].upper() + key[1:]): named(item) for key, item in value.items()}
        return [named(item) for item in value] if isinstance(value, list) else value

    inputs = {k: v for k, v in resource.inputs.items() if k not in ("tags", "tagsAll", "retentionPolicy")}
    return {**named(inputs), "Tags": [{"Key": k, "Value": v} for k, v in resource.inputs["tags"].items()]}


_NAMES = {
    "defaultEbsVolumeSizeInGb": "DefaultEbsVolumeSizeInGb",
    "maximumEbsVolumeSizeInGb": "MaximumEbsVolumeSizeInGb",
}


def test_sagemaker_would_take_all_of_it() -> None:
    scope = dev({"idle_minutes": 120, "disk_gigabytes": 20, "start_script": "echo hello"})
    assert check_request("sagemaker", "CreateDomain", request_of(only(scope, "Domain"))) == []
    start = request_of(only(scope, "StudioLifecycleConfig"))
    assert check_request("sagemaker", "CreateStudioLifecycleConfig", start) == []
    for profile in profiles(scope).values():
        assert check_request("sagemaker", "CreateUserProfile", request_of(profile)) == []


def test_the_domain_is_in_the_environments_own_network_and_ends_what_idles() -> None:
    scope = dev({"idle_minutes": 120, "instance_types": ["ml.c5.large", "ml.g5.xlarge"], "max_disk_gigabytes": 50})
    domain = only(scope, "Domain").inputs
    assert (domain["domainName"], domain["authMode"], domain["appNetworkAccessType"]) == (
        "flights-dev",
        "IAM",
        "VpcOnly",
    )
    foundation = scope.outputs["foundation"]
    assert domain["vpcId"] == foundation["vpc_id"]
    assert domain["subnetIds"] == foundation["subnet_ids"]
    assert domain["kmsKeyId"] == foundation["key_arn"]
    settings = domain["defaultUserSettings"]
    assert settings["securityGroups"] == [foundation["security_group_id"]]
    for app in ("jupyterLabAppSettings", "codeEditorAppSettings"):
        idle = settings[app]["appLifecycleManagement"]["idleSettings"]
        assert idle == {
            "lifecycleManagement": "ENABLED",
            "idleTimeoutInMinutes": 120,
            "minIdleTimeoutInMinutes": 60,
            "maxIdleTimeoutInMinutes": 120,
        }
        assert settings[app]["defaultResourceSpec"]["instanceType"] == "ml.c5.large"
    hidden = settings["studioWebPortalSettings"]["hiddenInstanceTypes"]
    assert set(HIDEABLE) - set(hidden) == {"ml.c5.large", "ml.g5.xlarge"}
    disk = settings["spaceStorageSettings"]["defaultEbsStorageSettings"]
    assert disk == {"defaultEbsVolumeSizeInGb": 5, "maximumEbsVolumeSizeInGb": 50}


def test_each_person_who_may_experiment_has_a_profile_and_a_role() -> None:
    scope = dev()
    made = profiles(scope)
    assert sorted(made) == ["ada", "bob"]
    roles = {name: profile.inputs["userSettings"]["executionRole"] for name, profile in made.items()}
    assert len(set(roles.values())) == 2
    assert not [p for p in made.values() if "singleSignOnUserValue" in p.inputs]


def test_nobody_runs_another_persons_space_or_another_machine() -> None:
    scope = dev({"instance_types": ["ml.t3.medium"]})
    ada = profiles(scope)["ada"].inputs["userProfileName"]
    domain = f"${{{only(scope, 'Domain').urn}#id}}"
    mine = f"arn:aws:sagemaker:eu-west-1:111111111111:user-profile/{domain}/{ada}"
    for statement in policy(scope, f"{ada}-studio"):
        if {"sagemaker:CreateApp", "sagemaker:CreateSpace", "sagemaker:DeleteApp"} & set(statement["Action"]):
            assert statement["Condition"]["ArnLike"] == {"sagemaker:OwnerUserProfileArn": mine}
            assert statement["Condition"]["StringEquals"] == {"sagemaker:SpaceSharingType": "Private"}
        if "sagemaker:CreateApp" in statement["Action"]:
            machines = statement["Condition"]["ForAllValues:StringEquals"]["sagemaker:InstanceTypes"]
            assert machines == ["system", "ml.t3.medium"]
        if "sagemaker:CreatePresignedDomainUrl" in statement["Action"]:
            assert statement["Resource"] == [mine]


def test_a_person_opens_studio_with_a_role_that_nobody_else_assumes() -> None:
    scope = dev()
    ada = profiles(scope)["ada"].inputs["userProfileName"]
    (role,) = [r for r in scope.resources if r.type.endswith(":Role") and r.name == f"workbench-open-{ada}-role"]
    trust = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert [statement["Principal"]["AWS"] for statement in trust] == [[ADA]]
    actions = {action for statement in policy(scope, f"{ada}-open") for action in statement["Action"]}
    assert actions == {
        "sagemaker:CreatePresignedDomainUrl",
        "sagemaker:DescribeDomain",
        "sagemaker:DescribeUserProfile",
    }


def test_whoever_signs_in_is_known_by_name() -> None:
    scope = dev({"sign_in": "sso", "people": ["ada@example.com", "ada@example.org"]})
    assert only(scope, "Domain").inputs["authMode"] == "SSO"
    found = [r for r in scope.resources if r.custom and r.type.endswith(":UserProfile")]
    assert sorted(r.inputs["singleSignOnUserValue"] for r in found) == ["ada@example.com", "ada@example.org"]
    assert {r.inputs["singleSignOnUserIdentifier"] for r in found} == {"UserName"}
    assert len({r.inputs["userProfileName"] for r in found}) == 2
    assert not [r for r in scope.resources if "-open-" in r.name]


def test_a_person_may_read_data_track_and_write_a_folder_of_their_own() -> None:
    scope = dev(feature_groups={}, stages=None or document()["stages"])
    ada = profiles(scope)["ada"].inputs["userProfileName"]
    statements = policy(scope, f"workbench-studio-{ada}-policy")
    written = {r for s in statements for r in s["Resource"] if "s3:PutObject" in s["Action"]}
    assert sorted(resource.rpartition("#arn}")[2] for resource in written) == ["/mlflow/*", f"/workbench/{ada}/*"]
    actions = {action for statement in statements for action in statement["Action"]}
    assert {"sagemaker:CallMlflowAppApi", "sagemaker:DescribeModelPackage", "s3:GetObject"} <= actions
    assert not [a for a in actions if "UpdateModelPackage" in a or "CreateModelPackage" in a]


def test_what_starts_says_where_things_are_and_then_runs_the_persons_own(tmp_path: Path) -> None:
    """The script itself, run here by bash: what Python then finds in its environment."""
    variables = {"MLFLOW_TRACKING_URI": "arn:aws:sagemaker:x", "ODD": "a'b\"c $HOME `id`\nMLOPS"}
    script = tmp_path / "start.sh"
    script.write_bytes(base64.b64decode(start_script(variables, "touch $HOME/own")))
    for _ in range(2):
        subprocess.run(["bash", str(script)], env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}, check=True)
    startup = tmp_path / ".ipython/profile_default/startup/00-mlops-stacks.py"
    shown = subprocess.run(
        ["python3", "-c", f"exec(open({str(startup)!r}).read()); import json, os; print(json.dumps(dict(os.environ)))"],
        env={"HOME": str(tmp_path), "PATH": "/usr/local/bin:/usr/bin:/bin", "MLFLOW_TRACKING_URI": "a person's own"},
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(shown.stdout)
    assert found["ODD"] == variables["ODD"]
    assert found["MLFLOW_TRACKING_URI"] == "a person's own"
    assert (tmp_path / "own").exists()


def test_another_script_has_another_name_since_sagemaker_cannot_change_it() -> None:
    first, second = (only(dev({"start_script": script}), "StudioLifecycleConfig") for script in ("echo 1", "echo 2"))
    assert first.inputs["studioLifecycleConfigName"] != second.inputs["studioLifecycleConfigName"]
    assert first.urn == second.urn


def test_the_table_of_machines_is_the_services_own() -> None:
    model = botocore.session.Session().get_service_model("sagemaker")
    assert set(STUDIO_INSTANCES) == set(model.shape_for("AppInstanceType").enum) - {
        "system",
        "ml.geospatial.interactive",
    }


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"instance_types": ["ml.t3.mediun"]}, "Studio has no instance type `ml.t3.mediun`"),
        ({"instance_types": ["ml.t3.medium", "ml.t3.medium"]}, "`ml.t3.medium` is named twice"),
        ({"disk_gigabytes": 200}, "200 is more than the largest disk, 100"),
        ({"people": ["ada"]}, "nobody signs in, so these names mean nothing"),
        ({"sign_in": "sso"}, "people sign in, and nobody is named who may"),
        ({"sign_in": "sso", "people": ["ada", "ada"]}, "`ada` is named twice"),
    ],
)
def test_what_studio_cannot_do_is_refused_in_words(options: dict[str, Any], sentence: str) -> None:
    blueprint, problems = assemble(document(options))
    assert blueprint is None
    assert any(sentence in problem.message and problem.fix for problem in problems), problems


def test_without_a_network_there_is_no_workbench() -> None:
    blueprint, problems = assemble(aws(stages={"foundation": {}, "workbench": {}}, models={}, access=ACCESS))
    assert blueprint is None
    assert [p.message for p in problems] == ["Studio runs in the environment's own network, and there is none"]


def test_whom_studio_acts_for_is_handed_on_to_every_role_that_it_leads_to() -> None:
    """The domain starts applications with their user's name, and pipelines and jobs that they start keep it: a role
    whose trust policy does not let SageMaker set it is not handed out at all."""
    planned = filled_plan("aws")
    naming = {
        resource.name.removesuffix("-role")
        for resource in planned.resources
        if resource.type == "aws:iam/role:Role"
        and resource.scope == "dev"
        and "sts:SetSourceIdentity" in json.dumps(resource.inputs["assumeRolePolicy"])
    }
    profiles = [r for r in planned.resources if r.scope == "dev" and r.type.endswith(":UserProfile")]
    people = {f"workbench-studio-{r.inputs['userProfileName']}" for r in profiles}
    assert people
    assert naming == {"workbench-studio", "training-pipeline-training", "training-pipeline-pipeline", *people}
    domain = next(r for r in planned.resources if r.scope == "dev" and r.type == "aws:sagemaker/domain:Domain")
    assert domain.inputs["domainSettings"]["executionRoleIdentityConfig"] == "USER_PROFILE_NAME"


def test_without_studio_nobodys_name_is_handed_on() -> None:
    planned = filled_plan("aws-minimal")
    assert not any("sts:SetSourceIdentity" in json.dumps(r.inputs, default=str) for r in planned.resources)
