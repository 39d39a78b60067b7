"""The reports: what they say, that they always say the same, and that they stay within their bounds."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_builder import plan_of, resource, scope_of, urn_of

from mlops_stacks.plan import SECRET, Finding, Plan, PlannedResource, ScopePlan, Severity
from mlops_stacks.reports.diagram import mermaid
from mlops_stacks.reports.document import document, render_json
from mlops_stacks.reports.layout import short_type
from mlops_stacks.reports.markdown import LIMIT, render_markdown
from mlops_stacks.reports.terminal import render_text

BUCKET = "aws:s3/bucket:Bucket"
FOUNDATION = "mlops-stacks:index:AwsFoundation"
REGISTRY = "mlops-stacks:index:SageMakerModelRegistry"


def stage(type_: str, name: str, stage: str, scope: str, *children: PlannedResource) -> Iterator[PlannedResource]:
    component = resource(type_, name, stage=stage, scope=scope, custom=False)
    yield component
    for child in children:
        yield replace(child, stage=stage, parent=component.urn)


@pytest.fixture
def plan() -> Plan:
    bucket = resource(BUCKET, "foundation-data", {"bucket": "fares-dev-data"}, options={"protect": True})
    token = f"${{{bucket.urn}#arn}}"
    group = resource(
        "aws:sagemaker/modelPackageGroup:ModelPackageGroup",
        "registry-group",
        {"modelPackageGroupName": "late", "tags": {"bucket": token}},
        scope="shared",
    )
    role = resource("aws:iam/role:Role", "registry-role", {"policy": token}, dependencies=(bucket.urn,))
    shared = scope_of(*stage(REGISTRY, "registry", "model_registry", "shared", group), scope="shared")
    dev = scope_of(
        *stage(REGISTRY, "registry", "model_registry", "dev", role),
        *stage(FOUNDATION, "foundation", "foundation", "dev", bucket),
        outputs={"bucket": token, "registry": {"names": ["late"], "token": SECRET}},
    )
    return plan_of(shared, dev).with_findings(
        [
            Finding("some-rule", Severity.WARNING, bucket.urn, "`tags` look | odd", "mend <them>"),
            Finding("other-rule", Severity.ERROR, role.urn, "the role is wrong", "mend it"),
        ]
    )


def test_the_tree_shows_scopes_stages_in_display_order_and_the_worst_first(plan: Plan) -> None:
    assert render_text(plan) == (
        "fares on aws: shared, dev\n"
        "shared  stack fares-shared, 1 resource\n"
        "├── model_registry on aws, 1 resource\n"
        "│   └── registry  SageMakerModelRegistry\n"
        "│       └── registry-group  aws.sagemaker.ModelPackageGroup  late\n"
        "└── other\n"
        "    └── target  aws provider\n"
        "dev  stack fares-dev, 2 resources\n"
        "├── foundation on aws, 1 resource\n"
        "│   └── foundation  AwsFoundation\n"
        "│       └── foundation-data  aws.s3.Bucket  fares-dev-data  [protected]\n"
        "├── model_registry on aws, 1 resource\n"
        "│   └── registry  SageMakerModelRegistry\n"
        "│       └── registry-role  aws.iam.Role\n"
        "├── other\n"
        "│   └── target  aws provider\n"
        "└── outputs\n"
        "    ├── bucket = <arn of foundation-data>\n"
        '    ├── registry.names = ["late"]\n'
        "    └── registry.token = [secret]\n"
        "findings\n"
        "  error other-rule: the role is wrong\n"
        "    fix: mend it\n"
        "  warning some-rule: `tags` look | odd\n"
        "    fix: mend <them>\n"
        "3 resources in 2 scopes; 1 error, 1 warning\n"
    )


def test_the_tree_wraps_where_it_is_told_to(plan: Plan) -> None:
    assert max(map(len, render_text(plan, width=60).splitlines())) <= 60


def test_the_document_has_exactly_the_agreed_shape(plan: Plan) -> None:
    read = json.loads(render_json(plan))
    assert read == document(plan)
    assert list(read) == [
        "blueprint",
        "platform",
        "environment",
        "resources",
        "findings",
        "outputs",
        "summary",
    ]
    assert (read["blueprint"], read["platform"], read["environment"]) == ("fares", "aws", None)
    keys = ["urn", "type", "name", "parent", "stage", "scope", "platform", "inputs", "dependencies", "options"]
    assert all(list(entry) == keys for entry in read["resources"])
    assert {entry["scope"] for entry in read["resources"]} == {"shared", "dev"}
    assert read["findings"][0] == {
        "rule": "some-rule",
        "severity": "warning",
        "urn": urn_of(BUCKET, "foundation-data"),
        "message": "`tags` look | odd",
        "fix": "mend <them>",
    }
    assert set(read["outputs"]) == {"shared", "dev"}
    assert read["summary"] == {
        "resources": 3,
        "components": 3,
        "providers": 2,
        "findings": {"error": 1, "warning": 1, "info": 0},
        "scopes": {
            "shared": {
                "stack": "fares-shared",
                "resources": 1,
                "components": 1,
                "providers": 1,
                "stages": {"model_registry": 1},
            },
            "dev": {
                "stack": "fares-dev",
                "resources": 2,
                "components": 2,
                "providers": 1,
                "stages": {"foundation": 1, "model_registry": 1},
            },
        },
    }


def test_the_markdown_has_a_summary_findings_a_graph_and_folded_details(plan: Plan) -> None:
    text = render_markdown(plan)
    assert text.startswith("## Plan of fares on aws: shared, dev\n")
    assert "3 resources, 1 error, 1 warning. This plan must not be applied." in text
    assert "| dev | foundation | aws | 1 | 1 | 1 |\n| dev | model&#95;registry | aws | 1 | 1 | 0 |" in text
    assert text.index("| error | other-rule | registry-role |") < text.index("| warning | some-rule |")
    assert "| `tags` look &#124; odd | mend &lt;them&gt; |" in text
    assert "```mermaid\nflowchart LR\n" in text
    assert "<details><summary>Outputs of dev (3)</summary>" in text
    assert "<details><summary>Resources of shared (1)</summary>" in text


def test_a_plan_without_findings_says_so(plan: Plan) -> None:
    clean = replace(plan, findings=())
    assert "no findings. Nothing blocks this plan." in render_markdown(clean)
    assert "### Findings" not in render_markdown(clean)
    assert render_text(clean).endswith("3 resources in 2 scopes; no findings\n")


def test_the_graph_joins_components_even_across_scopes(plan: Plan) -> None:
    assert mermaid(plan) == (
        "flowchart LR\n"
        '  subgraph s0["shared"]\n'
        '    n0["registry<br/>SageMakerModelRegistry<br/>1 resource"]\n'
        "  end\n"
        '  subgraph s1["dev"]\n'
        '    n1["registry<br/>SageMakerModelRegistry<br/>1 resource"]\n'
        '    n2["foundation<br/>AwsFoundation<br/>1 resource"]\n'
        "  end\n"
        "  n2 --> n0\n"
        "  n2 --> n1"
    )


def crowd(scopes: int, components: int) -> Plan:
    def scope(number: int) -> ScopePlan:
        name = f"e{number}"
        members = [
            member
            for index in range(components)
            for member in stage(
                REGISTRY,
                f"registry-{index}",
                ("model_registry", "serving")[index % 2],
                name,
                resource(BUCKET, f"bucket-{index}", {"bucket": f"b{number}-{index}"}, scope=name),
            )
        ]
        return scope_of(*members, scope=name, outputs={f"output{index}": "x" * 100 for index in range(components)})

    return plan_of(*map(scope, range(scopes)))


def test_the_graph_of_many_components_shows_stages_and_of_many_stages_scopes() -> None:
    assert '["model_registry<br/>20 resources"]' in mermaid(crowd(1, 40))
    assert '["e0<br/>4 resources"]' in mermaid(crowd(30, 4))
    assert mermaid(crowd(1, 40)).count("\n    n") == 2


def test_a_huge_plan_still_fits_a_comment_and_says_what_is_missing() -> None:
    plan = crowd(6, 300)
    many = (Finding("rule", Severity.ERROR, f"urn::{index}", "é" * 200, "mend it") for index in range(900))
    text = render_markdown(plan.with_findings(many))
    assert len(text.encode()) <= LIMIT
    assert "more. `mlops-stacks plan --format json` has everything." in text
    assert "1800 resources, 900 errors" in text
    assert text.count("<details>") == text.count("</details>")
    assert text.count("```") == 2


def test_reports_give_the_same_bytes_twice(plan: Plan) -> None:
    for render in (render_text, render_json, render_markdown):
        assert render(plan) == render(plan)


def test_short_types() -> None:
    assert short_type("aws:s3/bucket:Bucket") == "aws.s3.Bucket"
    assert short_type("pulumi:providers:aws") == "aws provider"
    assert short_type("pulumi-python:dynamic/local:Folder") == "local.Folder"
    assert short_type("pulumi-python:dynamic:Resource") == "Resource"
    assert short_type("mlops-stacks:index:X") == "X"


TEXT = st.text(max_size=60)


@settings(max_examples=100, deadline=None)
@given(TEXT, TEXT, TEXT, st.dictionaries(TEXT, TEXT | st.integers() | st.lists(TEXT), max_size=4))
def test_any_text_is_shown_without_breaking_the_report(
    name: str, message: str, fix: str, values: dict[str, object]
) -> None:
    thing = resource(BUCKET, name, values)
    finding = Finding("rule", Severity.ERROR, thing.urn, message, fix)
    plan = plan_of(scope_of(thing, outputs=values)).with_findings([finding])
    text = render_markdown(plan)
    rows = [line for line in text.splitlines() if line.startswith("| error |")]
    assert len(rows) == 1
    assert rows[0].replace("\\|", "").count("|") == 6
    assert "<script" not in render_markdown(replace(plan, blueprint="<script>"))
    assert json.loads(render_json(plan))["findings"][0]["message"] == message
    assert render_text(plan)


def test_reports_and_checks_need_neither_pulumi_nor_an_sdk() -> None:
    code = (
        "import sys, mlops_stacks.checks, mlops_stacks.reports.document, mlops_stacks.reports.markdown, "
        "mlops_stacks.reports.terminal; "
        "print(sorted(name for name in sys.modules if name.startswith(('pulumi', 'grpc', 'google'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
