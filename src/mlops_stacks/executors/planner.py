"""Plans a program offline: records what it would register, instead of registering it.

No cloud, no credentials, no Pulumi CLI. String outputs that only the platform can give are answered with tokens, so
that every document which the program renders is complete; other outputs stay unknown, as in a preview.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import pulumi
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime import register_stack_transformation
from pulumi.runtime.proto import resource_pb2

from mlops_stacks.executors import planned_requests as requests
from mlops_stacks.executors import sdk_types
from mlops_stacks.executors.in_process import InProcessMonitor, Refused, StackIdentity, run_program
from mlops_stacks.plan import SECRET, UNKNOWN, ObjectType, PlannedResource, ScopePlan

_INHERITED = ("protect", "retainOnDelete", "deletedWith")
_PROVIDER_KEY = "__provider"
_WRONG_KIND = re.compile(  # what the SDK says of a list in place of an object, and the reverse
    r"While processing resource: (?P<name>.+?), type (?P<type>.+?)\n.*?"
    r"While processing input: (?P<input>'.+?'),.*Unexpected type",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Construction:
    """A resource object under construction, and how many were constructed before it."""

    resource: pulumi.Resource
    order: int


_constructing: ContextVar[_Construction | None] = ContextVar("constructing", default=None)


def plan_scope(
    program: Callable[[], None],
    identity: StackIdentity,
    *,
    scope: str,
    platform: str,
    earlier: Mapping[str, Mapping[str, Any]] | None = None,
) -> ScopePlan:
    """Plan one scope.

    `earlier` maps the full name of each stack that was planned before (`organization/project/stack`) to its outputs.
    Raises `Refused` where the program asks for something that only a live platform can answer, and whatever the
    program itself raises.
    """
    monitor = _Planner(identity, scope=scope, platform=platform, earlier=earlier or {})

    def watched() -> None:
        register_stack_transformation(monitor.watch)
        program()

    try:
        run_program(watched, monitor, identity, dry_run=True)
    except Exception as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        raise refusal from error
    return ScopePlan(scope=scope, stack=identity.stack, resources=monitor.resources(), outputs=monitor.outputs)


def _refusal(error: Exception) -> Refused | None:
    """Find the sentence in what the SDK made of a refusal."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Refused):
            return cause
        cause = cause.__cause__ or cause.__context__
    if "does not support transforms" in str(error) or "does not support invoke transforms" in str(error):
        return Refused(
            "the program registers a transform, which does not run in process; "
            "use pulumi.runtime.register_stack_transformation or the `transformations` option instead"
        )
    wrong = _WRONG_KIND.match(str(error))
    if wrong is None:
        return None
    return Refused(
        f"resource {wrong['name']} of type {wrong['type']} has a value of the wrong kind in its input "
        f"{wrong['input']}; give it a value of the kind that the arguments of that type declare"
    )


class _Planner(InProcessMonitor):
    """A resource monitor that records, and answers with tokens."""

    def __init__(
        self, identity: StackIdentity, *, scope: str, platform: str, earlier: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.outputs: Mapping[str, Any] = {}
        self._identity = identity
        self._scope = scope
        self._platform = platform
        self._earlier = earlier
        self._constructed = 0
        self._recorded: list[tuple[int, PlannedResource]] = []
        self._by_urn: dict[str, PlannedResource] = {}

    def resources(self) -> tuple[PlannedResource, ...]:
        """Return what was recorded in the order in which the program constructed it, duplicates included.

        The order of registration would do for a program without asynchronous turns; construction is stable always.
        """
        return tuple(resource for _, resource in sorted(self._recorded, key=lambda entry: entry[0]))

    def watch(self, args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        """Note which object is being constructed, and take off the aliases that only an SDK's history needs.

        A legacy transformation sees the object itself. The SDK copies the context into the registration, so the
        object is found there again, whatever its name.
        """
        self._constructed += 1
        _constructing.set(_Construction(args.resource, self._constructed))
        if args.opts.transforms:
            raise Refused(
                f"resource {args.name!r} has the option `transforms`, which does not run in process; "
                "use the option `transformations` instead"
            )
        return _without_sdk_aliases(args)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        """Record a registration, and answer it as far as it can be answered offline."""
        resource, order = _constructed()
        urn = self._urn(request)
        inputs = requests.plain_struct(request.object)
        inputs.pop(_PROVIDER_KEY, None)
        self._record(
            order,
            self._planned(
                request,
                urn,
                resource,
                inputs=inputs,
                options=self._options(request),
                property_dependencies={
                    name: tuple(sorted(dependencies.urns))
                    for name, dependencies in sorted(request.propertyDependencies.items())
                    if dependencies.urns
                },
                custom=request.custom,
            ),
        )
        if not request.custom:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        answers = _answers(resource, urn, request.object, request.additionalSecretOutputs)
        # A reference to a provider ends with its id; without one, the SDK writes the id of an unknown provider there.
        identifier = "" if isinstance(resource, pulumi.ProviderResource) else requests.token(urn, "id")
        return resource_pb2.RegisterResourceResponse(urn=urn, id=identifier, object=answers)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        """Keep the outputs of the stack; a component's are its children's."""
        registered = self._by_urn.get(request.urn)
        if registered is not None and registered.type == requests.STACK_TYPE:
            self.outputs = dict(sorted(requests.plain_struct(request.outputs).items()))
        return empty_pb2.Empty()

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        """Answer a stack reference from the earlier plans; any other read is an adopted resource, known by its id."""
        resource, order = _constructed()
        urn = self._urn(request)
        options = {"read": request.id}
        provider = self._provider(request)
        if provider:
            options["provider"] = provider
        inputs = requests.plain_struct(request.properties)
        self._record(order, self._planned(request, urn, resource, inputs=inputs, options=options))
        if request.type == requests.STACK_REFERENCE_TYPE:
            return resource_pb2.ReadResourceResponse(urn=urn, id=request.id, properties=self._earlier_outputs(request))
        answers = _answers(resource, urn, request.properties, request.additionalSecretOutputs)
        return resource_pb2.ReadResourceResponse(urn=urn, id=request.id, properties=answers)

    def Call(self, request: Any) -> Any:  # noqa: N802
        """Refuse a provider's method, as an invoke is refused."""
        raise Refused(f"the program calls {request.tok!r}, which needs a live platform; use a blueprint value instead")

    def ExistsResource(self, request: Any) -> Any:  # noqa: N802
        """Refuse to ask the platform what exists: `create` or `adopt` is the blueprint's to say."""
        raise Refused(
            f"the program asks whether {request.id!r} ({request.type}) exists, which needs a live platform; "
            "say `create` or `adopt` in the blueprint instead"
        )

    def _urn(self, request: Any) -> str:
        identity = self._identity
        return requests.new_urn(identity.project, identity.stack, request.parent, request.type, request.name)

    def _record(self, order: int, resource: PlannedResource) -> None:
        self._recorded.append((order, resource))
        self._by_urn.setdefault(resource.urn, resource)

    def _planned(self, request: Any, urn: str, resource: pulumi.Resource | None, **known: Any) -> PlannedResource:
        parent = self._by_urn.get(request.parent)
        stage, platform = self._place(request.type, resource, parent)
        return PlannedResource(
            urn=urn,
            type=request.type,
            name=request.name,
            parent=request.parent or None,
            stage=stage,
            scope=self._scope,
            platform=platform,
            dependencies=tuple(sorted(request.dependencies)),
            source=None
            if request.type == requests.STACK_TYPE
            else requests.source_of(request.stackTrace.frames, self._identity.root_directory),
            input_type=_input_type(resource),
            **known,
        )

    def _place(
        self, type_: str, resource: pulumi.Resource | None, parent: PlannedResource | None
    ) -> tuple[str | None, str]:
        stage = parent.stage if parent else None
        platform = parent.platform if parent else self._platform
        if isinstance(resource, pulumi.ComponentResource):
            stage = _text(resource, "stage") or stage
            platform = _text(resource, "platform") or platform
        return (None if type_.startswith("pulumi:") else stage), platform

    def _options(self, request: Any) -> dict[str, Any]:
        """Collect the options, with what the engine would let the resource inherit from its parent."""
        parent = self._by_urn.get(request.parent)
        options = {name: parent.options[name] for name in _INHERITED if parent and name in parent.options}
        options.update(requests.own_options(request))
        for name in ("protect", "retainOnDelete"):
            if request.HasField(name):
                options[name] = getattr(request, name)
        if request.deletedWith:
            options["deletedWith"] = request.deletedWith
        if request.custom:
            provider = self._provider(request)
            options.update({"provider": provider} if provider else {})
        else:
            inherited = parent.options.get("providers", {}) if parent else {}
            stated = {package: _provider_urn(reference) for package, reference in request.providers.items()}
            providers = dict(sorted({**inherited, **stated}.items()))
            options.update({"providers": providers} if providers else {})
        return dict(sorted(options.items()))

    def _provider(self, request: Any) -> str | None:
        if request.provider:
            return _provider_urn(request.provider)
        parent = self._by_urn.get(request.parent)
        while parent is not None and parent.custom:
            parent = self._by_urn.get(parent.parent or "")
        if parent is None or request.type.startswith("pulumi:"):
            return None
        inherited: str | None = parent.options.get("providers", {}).get(requests.package_of(request.type))
        return inherited

    def _earlier_outputs(self, request: Any) -> struct_pb2.Struct:
        if request.id not in self._earlier:
            planned = ", ".join(sorted(self._earlier)) or "none"
            raise Refused(
                f"scope {self._scope!r} reads the outputs of stack {request.id!r}, which has not been planned; "
                f"plan the scope of that stack first (planned so far: {planned})"
            )
        outputs = self._earlier[request.id]
        answer = struct_pb2.Struct()
        answer.update(
            {
                "name": request.id,
                "outputs": {name: _answerable(request.id, name, value) for name, value in outputs.items()},
                "secretOutputNames": sorted(name for name, value in outputs.items() if requests.holds(value, SECRET)),
            }
        )
        return answer


def _answerable(stack_name: str, output: str, value: Any) -> Any:
    """Give an earlier output as a later program may read it.

    One unknown would make the SDK take every output of that stack for unknown, so a token of the stack stands for it.
    """
    if not requests.holds(value, UNKNOWN):
        return value
    _, project, stack = stack_name.split("/")
    urn = requests.new_urn(project, stack, "", requests.STACK_TYPE, f"{project}-{stack}")
    return requests.token(urn, output)


def _constructed() -> tuple[pulumi.Resource | None, int]:
    construction = _constructing.get()
    if construction is None:
        return None, 0  # the stack itself, which no transformation sees
    return construction.resource, construction.order


def _provider_urn(reference: str) -> str:
    return reference.rsplit("::", 1)[0]


def _text(resource: pulumi.Resource, attribute: str) -> str | None:
    value = getattr(resource, attribute, None)
    return value if isinstance(value, str) else None


def _input_type(resource: pulumi.Resource | None) -> ObjectType | None:
    resource_class: Any = type(resource)
    return sdk_types.input_type_of(resource_class) if isinstance(resource, pulumi.CustomResource) else None


def _without_sdk_aliases(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """Drop aliases that name nothing but another type of the same package: SDK classes add up to 60 of them.

    It happens before the SDK resolves them, which would take eight times as long as the rest of the registration.
    """
    aliases = args.opts.aliases
    if not aliases or not isinstance(args.resource, pulumi.CustomResource):
        return None
    package = requests.package_of(args.type_)
    kept = [alias for alias in aliases if not _only_renames_type(alias, package)]
    if len(kept) == len(aliases):
        return None
    options = args.opts._copy()
    options.aliases = kept
    return pulumi.ResourceTransformationResult(args.props, options)


def _only_renames_type(alias: Any, package: str) -> bool:
    if not isinstance(alias, pulumi.Alias) or not isinstance(alias.type_, str):
        return False
    rest: tuple[Any, ...] = (alias.name, alias.parent, alias.stack, alias.project)
    return requests.package_of(alias.type_) == package and all(part is ... for part in rest)


def _answers(resource: pulumi.Resource | None, urn: str, given: Any, secrets: Any) -> struct_pb2.Struct:
    """Answer with the inputs that are known, and with tokens for the strings that are not."""
    answers = struct_pb2.Struct()
    if resource is None:
        return answers
    resource_class: Any = type(resource)
    outputs = sdk_types.output_types_of(resource_class)
    secret = set(secrets)
    for name, wrapped in given.fields.items():
        value = requests.bare(wrapped)
        if value is not wrapped:
            secret.add(name)
        if requests.is_unknown(value):
            if name in outputs.strings:
                answers.fields[name].string_value = requests.token(urn, name)
        elif outputs.accepts(name, value):
            answers.fields[name].CopyFrom(value)
    for name in outputs.tokens:
        if name not in given.fields:
            answers.fields[name].string_value = requests.token(urn, name)
    for name in secret.intersection(answers.fields):
        answers.fields[name].CopyFrom(requests.as_secret(answers.fields[name]))
    return answers
