"""Physical names: always legal, never shared, the same on every run."""

import asyncio
import re
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_components import naming
from mlops_components.naming import NameRule, content_hash, immutable_name, physical_name

# What each service says in its own API model or guide, written apart from the rules under test.
PATTERNS = {
    "S3_BUCKET": r"(?!xn--|sthree-|amzn-s3-demo-)(?!.*(-s3alias|--ol-s3|--x-s3|--table-s3)$)"
    r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
    "IAM_ROLE": r"[\w+=,.@-]{1,64}",
    "SAGEMAKER": r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
    "SAGEMAKER_MLFLOW": r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}",
    "MLFLOW_EXPERIMENT": r"[a-zA-Z0-9\-_./]{1,256}",
    "ECR_REPOSITORY": r"(?=.{2,256}$)[a-z][a-z0-9]*([._-][a-z0-9]+)*",
    "KMS_ALIAS": r"(?!aws/)[a-zA-Z0-9/_-]{1,250}",
}
RULES = st.sampled_from(sorted(PATTERNS))
# Text of every kind, and text from few characters, in which clashes are likely.
PART = st.text(max_size=80) | st.text("ab-_ Aé0", max_size=6)
PARTS = st.lists(PART, min_size=3, max_size=3)


def rule_named(name: str) -> NameRule:
    rule = getattr(naming, name)
    assert isinstance(rule, NameRule)
    return rule


@given(RULES, PARTS)
def test_any_name_is_legal_and_the_same_again(rule: str, parts: list[str]) -> None:
    name = physical_name(parts, rule_named(rule))
    assert re.fullmatch(PATTERNS[rule], name, re.ASCII), name
    assert rule_named(rule).accepts(name)
    assert physical_name(list(parts), rule_named(rule)) == name


@given(RULES, PARTS, PARTS)
def test_different_parts_give_different_names(rule: str, one: list[str], other: list[str]) -> None:
    names = physical_name(one, rule_named(rule)), physical_name(other, rule_named(rule))
    assert (names[0] == names[1]) is (one == other)


def test_a_name_cannot_be_written_that_another_gets_by_its_hash() -> None:
    hashed = physical_name(("shop", "dev", "a_b"), naming.SAGEMAKER)
    stem, middle, digest = hashed.rsplit("-", 2)
    assert physical_name((stem, middle, digest), naming.SAGEMAKER) != hashed


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("shop", "dev", "artifacts"), "shop-dev-artifacts"),
        (("flight-delay", "dev", "artifacts"), "flight-delay-dev-artifacts"),
        (("shop", "dev", "flight_delay"), f"shop-dev-flight-delay-{content_hash(['shop', 'dev', 'flight_delay'])}"),
        (("shop", "eu-dev", "x"), f"shop-eu-dev-x-{content_hash(['shop', 'eu-dev', 'x'])}"),
        (("Shop", "dev", "x"), f"shop-dev-x-{content_hash(['Shop', 'dev', 'x'])}"),
        (("s" * 80, "dev", "x"), "s" * 52 + f"-{content_hash(['s' * 80, 'dev', 'x'])}"),
    ],
)
def test_a_name_stays_readable(parts: tuple[str, ...], name: str) -> None:
    assert physical_name(parts, naming.SAGEMAKER) == name


def test_a_hash_depends_on_content_and_not_on_order_of_keys() -> None:
    assert content_hash({"a": 1, "b": [2]}) == content_hash({"b": [2], "a": 1})
    assert content_hash({"a": 1}) != content_hash({"a": 2})
    assert re.fullmatch("[0-9a-f]{10}", content_hash({"a": 1}))


def test_an_immutable_name_follows_its_spec_even_where_that_is_an_output() -> None:
    async def name(spec: Any) -> str:
        made = await immutable_name(("shop", "dev", "delay"), spec, naming.SAGEMAKER).future()
        assert isinstance(made, str)
        return made

    async def scenario() -> None:
        first = await name({"image": pulumi.Output.from_input("a@1")})
        assert first == f"shop-dev-delay-{content_hash({'image': 'a@1'})}"
        assert await name({"image": "a@1"}) == first
        assert await name({"image": "a@2"}) != first
        long = await immutable_name(("s" * 80, "dev", "x"), {}, naming.SAGEMAKER).future()
        assert long is not None
        assert naming.SAGEMAKER.accepts(long)

    asyncio.run(scenario())
