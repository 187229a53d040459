"""`tcv verify`: prove with Triton's own counter that a cache hits."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from tcv_action.commands import options
from tcv_action.commands.edge import Edge, log_level, print_json
from tcv_action.commands.images import named_image
from tcv_action.commands.scripts import chosen_interpreter, given_script, targets_at_hand
from tcv_action.errors import InputError
from tcv_action.proving import require_all_hits
from tcv_action.report import text
from tcv_action.restore import restore
from tcv_action.stores.access import RegistryAccess
from tcv_action.triton.reader import read_cache
from tcv_action.triton.replay import Proof, replay
from tcv_action.triton.target import Target


@click.command(context_settings={"allow_interspersed_args": False})
@options.script
@options.module
@click.option("--image", "-i", metavar="IMAGE", help="Image to restore and replay against.")
@click.option(
    "--dir",
    "-d",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Cache folder to replay against; it is only read.",
)
@options.targets
@options.python
@options.timeout
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
    with _cache(image, folder, chosen, access) as cache_dir:
        proofs = []
        for target in chosen or read_cache(cache_dir).targets:
            with edge.progress.script_output() as show:
                proof = replay(
                    given_script(command, module=module),
                    target,
                    cache_dir,
                    interpreter=chosen_interpreter(python, edge),
                    timeout=timeout,
                    on_output=show,
                    gpu=target in targets_at_hand(),
                )
            proofs.append(proof)
    _show(proofs, as_json=as_json)
    for proof in proofs:
        require_all_hits(proof)


@contextmanager
def _cache(
    image: str | None, folder: Path | None, targets: Sequence[Target], access: RegistryAccess
) -> Iterator[Path]:
    if (image is None) == (folder is None):
        what = "Give either --image or --dir, and not both."
        raise InputError(
            what,
            next_step="Write for example tcv verify -d cache --target cuda:90 warmup.py.",
        )
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="tcv-verify-") as scratch:
        restored = Path(scratch, "cache")
        for target in targets or (None,):
            restore(named_image(image or "", access, target), restored, target=target)
        yield restored


def _show(proofs: Sequence[Proof], *, as_json: bool) -> None:
    if as_json:
        print_json({"targets": [_row(proof) for proof in proofs]})
        return
    for proof in proofs:
        click.echo(
            f"{proof.target}: {text.hits(proof.hits, proof.total)} requests hit"
            f" ({text.seconds(proof.seconds)})"
        )


def _row(proof: Proof) -> dict[str, object]:
    return {
        "target": str(proof.target),
        "hits": proof.hits,
        "requests": proof.total,
        "seconds": proof.seconds,
        "missed": [{"name": miss.name, "source": miss.source} for miss in proof.misses],
    }
