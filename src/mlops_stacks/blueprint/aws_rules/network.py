"""What a network on AWS can be: addresses that nobody else has, in zones of its region."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError

from mlops_stacks.blueprint.aws_stages.foundation import AwsFoundation
from mlops_stacks.blueprint.aws_stages.network import AdoptNetwork, CreateNetwork
from mlops_stacks.blueprint.problems import FieldPath, Problem
from mlops_stacks.blueprint.settings import Blueprint, Environment
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import Platform

_LARGEST, _SMALLEST = 16, 24
_PRIVATE = tuple(
    IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15")
)
"""Addresses that nobody on the internet has: RFC 1918, RFC 6598, RFC 2544."""
_NETWORK: FieldPath = ("settings", "stages", "foundation", "network")


def broken_networks(blueprint: Blueprint) -> Iterator[Problem]:
    """Networks that cannot be made, or that meet another with the same addresses."""
    made: list[tuple[str, str, IPv4Network]] = []
    for name, environment in blueprint.environments.items():
        target = environment.target_on(Platform.AWS)
        foundation = environment.settings.stages.foundation
        if not isinstance(target, AwsTarget):
            continue
        at: FieldPath = ("environments", name)
        network = foundation.network if isinstance(foundation, AwsFoundation) else None
        yield from _zones(environment, target, isinstance(network, CreateNetwork), at)
        if isinstance(network, CreateNetwork):
            cidr = yield from _cidr(network, (*at, *_NETWORK))
            yield from _reaches(network.reaches, cidr, (*at, *_NETWORK))
            if cidr is not None:
                yield from _meets(name, target.account, cidr, made)
                made.append((name, target.account, cidr))
        elif isinstance(network, AdoptNetwork):
            yield from _adopted(network, (*at, *_NETWORK))
            yield from _reaches(network.reaches, None, (*at, *_NETWORK))


def overlapping_accounts(blueprint: Blueprint) -> Iterator[Problem]:
    """Networks of the same addresses in different accounts: each works, but the two can never be connected."""
    made: list[tuple[str, str, IPv4Network]] = []
    for name, environment in blueprint.environments.items():
        target, foundation = environment.target_on(Platform.AWS), environment.settings.stages.foundation
        network = foundation.network if isinstance(foundation, AwsFoundation) else None
        if not isinstance(target, AwsTarget) or not isinstance(network, CreateNetwork):
            continue
        cidr = IPv4Network(network.cidr)
        others = [other for other, account, its in made if account != target.account and its.overlaps(cidr)]
        if others:
            yield Problem(
                ("environments", name, "stages", "foundation", "network", "cidr"),
                f"{cidr} overlaps with the network of {' and of '.join(others)} in another account: each works, but "
                "they can never be connected with each other, nor both with a third",
                f"write another range under `environments.{name}.stages.foundation.network` now: later, all of the "
                "network would be replaced",
            )
        made.append((name, target.account, cidr))


BLUEPRINT_RULES = (broken_networks,)
CAUTIONS = (("networks-overlap", overlapping_accounts),)


def _zones(environment: Environment, target: AwsTarget, wanted: bool, at: FieldPath) -> Iterator[Problem]:
    path = (*at, "target" if environment.target is target else "targets", *_key(environment, target), "zones")
    example = f"`zones: [{target.region}a, {target.region}b]`"
    if not wanted:
        if target.zones:
            yield Problem(
                path,
                "no network is made here, so nothing lies in a zone",
                "remove it, or write `network: {cidr: 10.20.0.0/16}` in the foundation",
            )
        return
    if len(set(target.zones)) < 2:
        yield Problem(path, "a network that is made needs at least two availability zones", f"write e.g. {example}")
    elif len(target.zones) != len(set(target.zones)) or len(target.zones) > 8:
        yield Problem(path, f"{len(target.zones)} zones are not up to eight different ones", f"write e.g. {example}")
    for zone in target.zones:
        if zone[:-1] != target.region:
            yield Problem(path, f"the zone {zone} is not in {target.region}", f"write e.g. {example}")


def _key(environment: Environment, target: AwsTarget) -> tuple[str, ...]:
    return () if environment.target is target else (Platform.AWS.value,)


def _cidr(network: CreateNetwork, path: FieldPath) -> Generator[Problem, None, IPv4Network | None]:
    problem, cidr = _parsed(network.cidr)
    if problem:
        yield Problem((*path, "cidr"), *problem)
    elif cidr is not None and not _LARGEST <= cidr.prefixlen <= _SMALLEST:
        yield Problem(
            (*path, "cidr"),
            f"a /{cidr.prefixlen} cannot be cut into subnets for jobs in eight zones",
            "write one of /16 to /24, e.g. `10.20.0.0/16`",
        )
        return None
    elif cidr is not None and not any(cidr.subnet_of(private) for private in _PRIVATE):
        yield Problem(
            (*path, "cidr"),
            f"{cidr} is not private: whoever has these addresses could not be reached from the network any more",
            "write a private range, e.g. `10.20.0.0/16`",
        )
    return cidr


def _parsed(text: str) -> tuple[tuple[str, str] | None, IPv4Network | None]:
    """What is wrong with a range of addresses and the remedy, or the range."""
    try:
        return None, IPv4Network(text)
    except (AddressValueError, NetmaskValueError):
        return (f"{text} is not a range of IPv4 addresses", "write e.g. `10.20.0.0/16`"), None
    except ValueError:
        whole = IPv4Network(text, strict=False)
        return (f"{text} begins in the middle of a range", f"write `{whole}`"), None


def _reaches(reaches: Iterable[str], own: IPv4Network | None, path: FieldPath) -> Iterator[Problem]:
    for position, text in enumerate(reaches):
        problem, cidr = _parsed(text)
        if problem:
            yield Problem((*path, "reaches", position), *problem)
        elif cidr is not None and cidr.prefixlen == 0:
            yield Problem(
                (*path, "reaches", position),
                f"{text} is the whole internet",
                "write the addresses that are meant, or `internet: nat` for a way out",
            )
        elif cidr is not None and own is not None and cidr.overlaps(own):
            yield Problem(
                (*path, "reaches", position),
                f"{text} overlaps with the network's own {own}, so nothing there could ever be reached",
                "give the network other addresses in `cidr`",
            )


def _meets(name: str, account: str, cidr: IPv4Network, made: list[tuple[str, str, IPv4Network]]) -> Iterator[Problem]:
    for other, its_account, its_cidr in made:
        if account == its_account and cidr.overlaps(its_cidr):
            yield Problem(
                ("environments", name, *_NETWORK, "cidr"),
                f"{cidr} of {name} overlaps with {its_cidr} of {other}, in the same account",
                f"write another range for one of them, e.g. under `environments.{name}.stages.foundation.network`",
            )


def _adopted(network: AdoptNetwork, path: FieldPath) -> Iterator[Problem]:
    if network.endpoints == "create" and not network.route_table_ids:
        yield Problem(
            (*path, "route_table_ids"),
            "the way to S3 leads through the route tables of the subnets, and none is named",
            "write their ids, or `endpoints: skip`",
        )
    if network.endpoints == "skip" and network.route_table_ids:
        yield Problem(
            (*path, "route_table_ids"), "no endpoint is made, so no route table is changed", "write `endpoints: create`"
        )
    if network.security_group_id and network.reaches:
        yield Problem(
            (*path, "reaches"),
            f"what may be reached is the decision of whoever owns {network.security_group_id}",
            "remove it, or leave `security_group_id` out",
        )
    for field in ("subnet_ids", "route_table_ids"):
        ids = getattr(network, field)
        if len(set(ids)) < len(ids):
            yield Problem((*path, field), "it names one twice", "name each once")
