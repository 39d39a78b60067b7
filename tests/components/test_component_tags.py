"""Tags: the common ones always, the user's beside them, and AWS's rules on the result."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_components.placement import AwsPlacement
from mlops_components.tags import TagError, aws_tags


def placed(tags: dict[str, str] | None = None, owner: str | None = None) -> AwsPlacement:
    placement: AwsPlacement = {"blueprint": "shop", "scope": "dev", "account_id": "1" * 12, "region": "eu-central-1"}
    if tags is not None:
        placement["tags"] = tags
    if owner is not None:
        placement["owner"] = owner
    return placement


def test_every_resource_says_whose_it_is() -> None:
    assert aws_tags(placed({"cost-centre": "42"}, "team@example.com"), "serving") == {
        "blueprint": "shop",
        "cost-centre": "42",
        "environment": "dev",
        "managed-by": "mlops-stacks",
        "owner": "team@example.com",
        "stage": "serving",
    }
    assert "owner" not in aws_tags(placed(), "serving")


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        ({"stage": "x"}, "the tag 'stage' is set by mlops-stacks itself; choose another key."),
        ({"aws:x": "y"}, "the tag key 'aws:x' begins with 'aws:', which AWS keeps for itself; choose another key."),
        ({"AWS:x": "y"}, "the tag key 'AWS:x' begins with 'aws:', which AWS keeps for itself; choose another key."),
        ({"": "y"}, "the tag key '' has 0 characters; AWS takes 1 to 128."),
        ({"k" * 129: "y"}, f"the tag key '{'k' * 40}' has 129 characters; AWS takes 1 to 128."),
        ({"k": "v" * 257}, "the value of tag 'k' has 257 characters; AWS takes at most 256."),
        ({"k": "a;b"}, "the value of tag 'k' may contain letters, digits, spaces and _ . : / = + - @ only."),
        ({"k#": "v"}, "the key of tag 'k#' may contain letters, digits, spaces and _ . : / = + - @ only."),
        ({f"k{i}": "v" for i in range(47)}, "51 tags are more than the 50 that AWS allows; leave out 1."),
    ],
)
def test_a_tag_that_aws_refuses_is_a_sentence(tags: dict[str, str], sentence: str) -> None:
    with pytest.raises(TagError) as raised:
        aws_tags(placed(tags), "serving")
    assert str(raised.value) == sentence


@given(st.dictionaries(st.text(max_size=140), st.text(max_size=260), max_size=60))
def test_whatever_passes_is_what_aws_takes(tags: dict[str, str]) -> None:
    try:
        merged = aws_tags(placed(tags), "serving")
    except TagError:
        return
    assert len(merged) <= 50
    assert all(1 <= len(key) <= 128 and len(value) <= 256 for key, value in merged.items())
    assert merged.items() >= tags.items()
