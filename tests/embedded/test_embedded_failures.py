"""What a run that cannot succeed says and leaves: one sentence, and everything that was done in the state."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pulumi
import pulumi_aws
import pytest
from embedded_child import executor, identity, program_of, world_folder
from embedded_sample import Broken, File, Group, variant, world

from mlops_stacks.executors.embedded.errors import DestroyError, OperationError, StateError, UnsupportedError
from mlops_stacks.executors.embedded.executor import EmbeddedExecutor
from mlops_stacks.executors.embedded.store import read, state_path
from mlops_stacks.executors.events import Event, EventKind
from mlops_stacks.executors.in_process import Refused, StackIdentity


def path(root: Path, name: str) -> str:
    return str(world_folder(root) / name)


def test_a_failure_is_one_sentence_and_what_succeeded_stays(root: Path) -> None:
    def program(fail: str = "create") -> None:
        before = File("before", {"path": path(root, "before"), "content": "x"})
        broken = Broken("broken", {"fail": fail, "disk": before.content, "permit": path(root, "before")})
        File("after", {"path": path(root, "after"), "content": broken.id})

    events: list[Event] = []
    one = EmbeddedExecutor(root / "state", events.append)
    with pytest.raises(OperationError) as caught:
        one.up(program, identity(root))
    assert str(caught.value) == "create of broken failed: the disk x is full"
    assert [event.message for event in events if event.kind is EventKind.FAILED] == [str(caught.value)]
    assert world(world_folder(root)) == {"before": "x"}
    assert {entry.name for entry in one.resources("flights-dev")} == {"sample-flights-dev", "before"}
    with pytest.raises(StateError, match="has no outputs yet; run up for it first and to its end"):
        one.outputs("flights-dev")
    one.up(lambda: program("never"), identity(root))
    assert world(world_folder(root)) == {"before": "x", "after": "broken"}


def test_a_program_s_own_exception_reaches_the_caller_and_deletes_nothing(root: Path) -> None:
    executor(root).up(variant(world_folder(root), "c"), identity(root))

    def program() -> None:
        File("new", {"path": path(root, "new"), "content": "x"})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        executor(root).up(program, identity(root))
    assert world(world_folder(root)).items() >= {"ex-a": "y", "moved-c": "three"}.items()
    executor(root).destroy(identity(root))
    assert world(world_folder(root)) == {}


def test_inputs_that_the_provider_refuses(root: Path) -> None:
    with pytest.raises(OperationError, match="file has inputs that its provider refuses: path: it must be absolute"):
        executor(root).up(program_of(lambda: File("file", {"path": "x", "content": ""})), identity(root))


def test_an_operation_has_a_time_limit_and_its_record_remains(root: Path) -> None:
    def program(wait: float) -> None:
        options = pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="300ms"))
        File("slow", {"path": path(root, "slow"), "content": "x", "wait": wait}, options)

    begun = time.monotonic()
    with pytest.raises(OperationError, match=r"create of slow took longer than its limit of 0\.3 seconds; .*customTim"):
        executor(root).up(lambda: program(2), identity(root))
    assert time.monotonic() - begun < 1.9
    state = read(state_path(root / "state", "flights-dev"))
    assert state is not None
    assert [record.operation for record in state.pending] == ["create"]
    executor(root).up(lambda: program(0), identity(root))
    executor(root).destroy(identity(root))
    time.sleep(max(0.0, begun + 2.2 - time.monotonic()))  # the abandoned create comes to its end, as a hung one might
    Path(path(root, "slow")).unlink(missing_ok=True)


def test_a_time_limit_that_is_none(root: Path) -> None:
    options = pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="soon"))
    with pytest.raises(UnsupportedError, match="the time limit 'soon', which is no duration; write it like 90s or 1h"):
        executor(root).up(
            program_of(lambda: File("f", {"path": path(root, "f"), "content": "x"}, options)), identity(root)
        )


def test_what_needs_a_plugin_is_refused_and_named(root: Path) -> None:
    def bucket() -> None:
        pulumi_aws.s3.Bucket("bucket")

    def provider() -> None:
        pulumi_aws.Provider("target", region="eu-west-1")

    def existing() -> None:
        pulumi_aws.s3.Bucket.get("bucket", "an-id")

    for program, type_ in (
        (bucket, "aws:s3/bucket:Bucket"),
        (provider, "pulumi:providers:aws"),
        (existing, "aws:s3/bucket:Bucket"),
    ):
        with pytest.raises(UnsupportedError, match=rf"{type_}, which needs a provider plugin; use the Pulumi CLI"):
            executor(root).up(program, identity(root))
    with pytest.raises(Refused, match="invokes"):
        executor(root).up(program_of(lambda: pulumi_aws.get_caller_identity()), identity(root))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (pulumi.ResourceOptions(import_="an-id"), "import"),
        (pulumi.ResourceOptions(replacement_trigger="x"), "replacement_trigger"),
        (pulumi.ResourceOptions(ignore_changes=["a.b"]), "ignore_changes with a path"),
    ],
)
def test_options_that_only_the_real_engine_knows_are_refused(
    root: Path, options: pulumi.ResourceOptions, named: str
) -> None:
    with pytest.raises(UnsupportedError, match=f"file uses the resource option {named}, which"):
        executor(root).up(
            program_of(lambda: File("file", {"path": path(root, "f"), "content": "x"}, options)), identity(root)
        )


def test_a_resource_registered_twice_is_refused(root: Path) -> None:
    def program() -> None:
        for content in ("x", "y"):
            File("file", {"path": path(root, content), "content": content})

    with pytest.raises(UnsupportedError, match=r"the program registers file .* twice; give"):
        executor(root).up(program, identity(root))


def test_values_that_json_cannot_say_are_refused(root: Path) -> None:
    def program() -> None:
        asset = pulumi.StringAsset("text")
        File("file", {"path": path(root, "f"), "content": "x", "extra": asset})

    with pytest.raises(UnsupportedError, match=r"file: extra is .* a dynamic resource takes and gives text"):
        executor(root).up(program, identity(root))


def test_destroy_goes_on_past_a_failure_but_keeps_what_that_one_needs(root: Path) -> None:
    def program() -> None:
        base = File("base", {"path": path(root, "base"), "content": "x"})
        Broken("stuck", {"permit": path(root, "permit"), "disk": base.content})
        File("other", {"path": path(root, "other"), "content": "x"}, pulumi.ResourceOptions(parent=Group("group")))

    one = executor(root)
    one.up(program, identity(root))
    with pytest.raises(DestroyError, match="not destroyed completely: delete of stuck failed: it is in use;") as caught:
        one.destroy(identity(root))
    assert world(world_folder(root)) == {"base": "x"}
    assert [urn.rsplit("::", 1)[1] for urn in caught.value.deleted] == ["other", "group"]
    assert len(caught.value.remaining) == 1
    Path(path(root, "permit")).write_text("")
    assert {urn.rsplit("::", 1)[1] for urn in one.destroy(identity(root)).deleted} == {
        "base", "stuck", "sample-flights-dev",
    }  # fmt: skip
    assert world(world_folder(root)) == {"permit": ""}


def shared() -> None:
    pulumi.export("port", 8080)
    pulumi.export("url", "http://127.0.0.1:8080")
    pulumi.export("token", pulumi.Output.secret("correct-horse"))


def reader(root: Path, name: str = "organization/sample/flights-shared") -> None:
    reference = pulumi.StackReference(name)
    File("reader", {"path": path(root, "reader"), "content": reference.require_output("url")})
    pulumi.export("port", reference.get_output("port"))
    pulumi.export("token", reference.get_output("token"))


def test_a_stack_reference_reads_the_other_stack_s_outputs(root: Path) -> None:
    one = executor(root)
    with pytest.raises(StateError, match="reads the outputs of flights-shared, which has none yet; run up for flights"):
        one.up(lambda: reader(root), identity(root))
    one.up(shared, StackIdentity("sample", "flights-shared", root))
    result = one.up(lambda: reader(root), identity(root))
    assert result.outputs == {"port": 8080}
    assert world(world_folder(root)) == {"reader": "http://127.0.0.1:8080"}
    with pytest.raises(StateError, match="belongs to project sample; correct the reference"):
        one.up(lambda: reader(root, "organization/other/flights-shared"), identity(root))


def test_component_outputs_are_stored(root: Path) -> None:
    executor(root).up(variant(world_folder(root), "a"), identity(root))
    group = next(entry for entry in executor(root).resources("flights-dev") if entry.name == "group")
    assert group.outputs.values == {"value": "one"}


@pytest.mark.parametrize("action", ["up", "destroy"])
def test_an_interrupt_lets_what_has_begun_come_to_its_end(root: Path, action: str) -> None:
    def program() -> None:
        first = File("first", {"path": path(root, "first"), "content": "x"})
        second = File("second", {"path": path(root, "second"), "content": first.content})
        File("third", {"path": path(root, "third"), "content": second.content})

    def observe(event: Event) -> None:
        if event.name == "second" and event.kind is EventKind.RECORDED:
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.2)

    interrupted = EmbeddedExecutor(root / "state", observe)
    if action == "destroy":
        executor(root).up(program, identity(root))
    with pytest.raises(KeyboardInterrupt):
        interrupted.up(program, identity(root)) if action == "up" else interrupted.destroy(identity(root))
    state = read(state_path(root / "state", "flights-dev"))
    assert state is not None
    assert state.pending == []
    left = {"first", "second"} if action == "up" else {"first"}
    assert set(world(world_folder(root))) == left
    assert {entry.name for entry in state.resources.values() if entry.custom} == left
    executor(root).destroy(identity(root))
