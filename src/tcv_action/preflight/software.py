"""The points besides the GPU: host, Python, Triton, its tools, the environment variables.

Source: triton/runtime/cache.py (get_cache_key, triton_key) and each backend's compiler.py (hash).
"""

from collections.abc import Iterator, Mapping

from tcv_action.image.contract import ImageFacts
from tcv_action.preflight.machine import Machine
from tcv_action.preflight.verdict import Outcome, Verdict
from tcv_action.triton.dummy_key import UNKNOWN_TRITON_KEY, DummyKeys
from tcv_action.triton.environment import Environment, as_triton_reads, enters_key
from tcv_action.triton.target import Target

_KEYS = "dummy keys"
_NO_RECORD = "the image does not say; another tool may have built it"

# A point, the field that both sides hold it in, and what follows where they differ.
_BUILD = (
    ("host CPU", "host_arch", "Triton's key holds its native library, another on another CPU"),
    ("Python ABI", "python_abi", "Triton's key holds its native library, built for one Python"),
    ("Triton version", "triton_version", "another Triton does not look at these kernels"),
    ("Triton key", "triton_key", "this Triton is another build, or its files were changed"),
)

_TOOL_MISSES = {
    "amd-bitcode": (
        "Triton before 3.9 puts the folder of its AMD libraries into the key: "
        "install Triton in the same place"
    )
}


def software_verdicts(facts: ImageFacts, here: Machine) -> Iterator[Verdict]:
    """Compare what enters Triton's key besides GPU and kernel, a verdict a point."""
    for point, field, reason in _BUILD:
        image = getattr(facts, field)
        machine = getattr(here.environment, field, None)
        yield _compared(point, image, machine, miss=reason, unknown=here.why_unknown)
    yield from _recorded(facts, here)
    if here.dummy_keys is not None:
        yield _dummy_keys(facts, here.dummy_keys)


def _dummy_keys(facts: ImageFacts, here: DummyKeys) -> Verdict:
    """Compare the entries' dummy keys: one that agrees means the same Triton and environment."""
    held = [record for record in facts.metadata or () if "dummy_key" in record]
    untold = DummyKeys.of_environment(None)
    if any(record["dummy_key"] == untold.of_record(record) for record in held):
        return _untold("the tool that built the image had no Triton")
    if not held or here.triton_key == UNKNOWN_TRITON_KEY:
        return _untold("this Triton tells no key" if held else _NO_RECORD)
    alike = next((one for one in held if one["dummy_key"] == here.of_record(one)), held[0])
    return _compared(
        _KEYS,
        str(alike["dummy_key"]),
        here.of_record(alike),
        miss="the tool that built the image had another Triton, or other environment variables",
        unknown="",
    )


def _untold(reason: str) -> Verdict:
    return Verdict(point=_KEYS, outcome=Outcome.UNKNOWN, image=None, here=None, reason=reason)


def _recorded(facts: ImageFacts, here: Machine) -> Iterator[Verdict]:
    record = facts.environment
    if record is None or here.environment is None:
        why = _NO_RECORD if record is None else here.why_unknown
        for point in ("tools", "environment variables"):
            yield Verdict(point=point, outcome=Outcome.UNKNOWN, image=None, here=None, reason=why)
        return
    targets = _looked_at(facts.targets, here)
    yield from _tools(record, here.environment, targets)
    yield from _variables(record.variables, here.environment.variables)


def _looked_at(targets: tuple[Target, ...], here: Machine) -> tuple[Target, ...]:
    """Return the image's targets that this machine would use: all, where it has none of them."""
    return tuple(set(targets) & set(here.inventory.targets)) or targets


def _tools(
    record: Environment, here: Environment, targets: tuple[Target, ...]
) -> Iterator[Verdict]:
    for tool in sorted(set(record.tools) | set(here.tools)):
        if any(enters_key(tool, target) for target in targets):
            yield _compared(
                tool,
                record.tools.get(tool),
                here.tools.get(tool),
                miss=_TOOL_MISSES.get(tool, f"Triton's key holds the version of {tool}"),
                unknown="it was not found here",
            )


def _variables(
    image: Mapping[str, str | None], here: Mapping[str, str | None]
) -> Iterator[Verdict]:
    for name in sorted(set(image) | set(here)):
        sides = [as_triton_reads(side.get(name)) for side in (image, here)]
        told = name in image and name in here
        if not told and sides == [None, None]:
            continue
        outcome = Outcome.HIT if sides[0] == sides[1] else Outcome.MISS
        yield Verdict(
            point=name,
            outcome=outcome if told else Outcome.UNKNOWN,
            image=_shown(image, name),
            here=_shown(here, name),
            reason=_why(outcome, told=told),
        )


def _shown(side: Mapping[str, str | None], name: str) -> str | None:
    return (as_triton_reads(side[name]) or "unset") if name in side else None


def _why(outcome: Outcome, *, told: bool) -> str:
    if not told:
        return "one side's Triton does not know this variable"
    return "" if outcome is Outcome.HIT else "Triton's key holds this variable"


def _compared(
    point: str, image: str | None, here: str | None, *, miss: str, unknown: str
) -> Verdict:
    if image is None or here is None:
        outcome, reason = Outcome.UNKNOWN, _NO_RECORD if image is None else unknown
    elif here in image.split(","):  # host libraries of several Pythons are joined by commas
        outcome, reason = Outcome.HIT, ""
    else:
        outcome, reason = Outcome.MISS, miss
    return Verdict(point=point, outcome=outcome, image=image, here=here, reason=reason)
