"""`tcv verify`: prove with Triton's own counter that a cache hits."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from tcv_action.api import named_image
from tcv_action.commands import options
from tcv_action.commands.edge import Edge, log_level, print_json
from tcv_action.commands.output import print_text
from tcv_action.commands.places import standing
from tcv_action.commands.scripts import Warming, given_script
from tcv_action.errors import InputError
from tcv_action.image import read_contract
from tcv_action.proving import require_hits
from tcv_action.report import text
from tcv_action.restore import restore
from tcv_action.stores.access import RegistryAccess
from tcv_action.triton.environment import Environment
from tcv_action.triton.explain import Explanation, explain, to_json, to_text
from tcv_action.triton.key_inputs import read_key_inputs
from tcv_action.triton.reader import read_cache
from tcv_action.triton.replay import Proof, replay
from tcv_action.triton.request import Request
from tcv_action.triton.target import Target
from tcv_action.workplace import workplace


@click.command(context_settings={"allow_interspersed_args": False})
@options.script
@options.module
@click.option("--image", "-i", metavar="IMAGE", help="Image to restore and replay against.")
@click.option(
    "--dir",
    "-d",
    "folder",
    type=options.GivenPath(),
    metavar="DIR",
    help="Cache folder to replay against; it is only read.",
)
@options.targets
@options.python
@options.timeout
@options.warming
@options.registry
@options.as_json
@log_level
@click.pass_obj
def command(
    edge: Edge,
    command: tuple[str, ...],
    image: str | None,
    folder: Path | None,
    targets: tuple[str, ...],
    python: str | None,
    timeout: float | None,
    warming: Warming,
    access: RegistryAccess,
    *,
    module: bool,
    as_json: bool,
) -> None:
    """Replay a script against an image or folder and count Triton's hits.

    Fewer hits than requests is exit code 7, with the kernels named. Without --target it is
    replayed for every target of the cache.

    \b
    Examples:
      tcv verify -i ghcr.io/me/kernels:v1-cuda-sm90 warmup.py
      tcv verify -d cache --target cuda:90 warmup.py
    """
    chosen = options.parse_targets(targets)
    with _cache(image, folder, chosen, access) as held:
        wanted = chosen or read_cache(held.folder).targets
        proofs = {}
        with standing(warming, wanted, python, access, edge) as stand:
            for target in wanted:
                with edge.progress.script_output() as show:
                    proof = replay(
                        given_script(command, module=module),
                        target,
                        held.folder,
                        interpreter=stand.place,
                        timeout=timeout,
                        on_output=show,
                        gpu=target in stand.gpus,
                    )
                proofs[target] = (proof, held.why_missed(proof))
    _show(list(proofs.values()), as_json=as_json)
    for proof, _ in proofs.values():
        require_hits(proof)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """The cache that is replayed against, and what its image records of the warmup."""

    folder: Path
    requests: tuple[Request, ...] = ()
    environments: Mapping[Target, Environment] = field(default_factory=dict)

    def why_missed(self, proof: Proof) -> tuple[Explanation, ...]:
        """Explain each miss by the entry that comes nearest."""
        if not proof.misses:
            return ()
        return explain(
            proof,
            read_key_inputs(read_cache(self.folder), self.requests),
            image=self.environments.get(proof.target),
        )


@contextmanager
def _cache(
    image: str | None, folder: Path | None, targets: Sequence[Target], access: RegistryAccess
) -> Iterator[_Held]:
    if (image is None) == (folder is None):
        what = "Give either --image or --dir, and not both."
        raise InputError(
            what,
            next_step="Write for example tcv verify -d cache --target cuda:90 warmup.py.",
        )
    if folder is not None:
        yield _Held(folder=folder)
        return
    with workplace(Path(tempfile.gettempdir())) as scratch:
        yield _restored(image or "", scratch / "cache", targets, access)


def _restored(image: str, folder: Path, targets: Sequence[Target], access: RegistryAccess) -> _Held:
    requests: list[Request] = []
    environments: dict[Target, Environment] = {}
    for target in targets or (None,):
        found = named_image(image, target=target, access=access)
        requests += restore(found, folder, target=target).requests
        facts = read_contract(found)
        if facts.environment is not None:
            environments |= dict.fromkeys(facts.targets, facts.environment)
    return _Held(folder=folder, requests=tuple(requests), environments=environments)


def _show(proofs: Sequence[tuple[Proof, Sequence[Explanation]]], *, as_json: bool) -> None:
    if as_json:
        print_json({"targets": [_row(proof, misses) for proof, misses in proofs]})
        return
    for proof, misses in proofs:
        print_text(
            f"{proof.target}: {text.hits(proof.hits, proof.total)} requests hit"
            f" ({text.seconds(proof.seconds)})"
        )
        for explanation in misses:
            print_text(to_text(explanation))


def _row(proof: Proof, misses: Sequence[Explanation]) -> dict[str, object]:
    return {
        "target": str(proof.target),
        "hits": proof.hits,
        "requests": proof.total,
        "seconds": proof.seconds,
        "missed": [{"name": miss.name, "source": miss.source} for miss in proof.misses],
        "explanations": [to_json(explanation) for explanation in misses],
    }
