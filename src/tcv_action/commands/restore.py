"""`tcv restore`: a cache is put in place for what follows; a miss is told and is no failure."""

from dataclasses import dataclass
from pathlib import Path

import click

from tcv_action import api
from tcv_action.commands import options
from tcv_action.commands.edge import Edge, log_level, print_json
from tcv_action.commands.output import print_text
from tcv_action.errors import DiskError, IncompatibleError, StoreError, TcvError
from tcv_action.frameworks.detect import Kind
from tcv_action.here import inventory_here, machine_here, usual_folder, variable_of
from tcv_action.image import read_contract
from tcv_action.oci.image import OciImage
from tcv_action.preflight.check import check
from tcv_action.preflight.verdict import Outcome, Verdicts, require_compatible, to_text
from tcv_action.restore import restore
from tcv_action.stores.access import RegistryAccess
from tcv_action.triton.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What is to be restored, where to, and for which interpreter."""

    image: str
    target: Target | None
    folder: Path | None
    python: str | None
    access: RegistryAccess


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What came of it; `failure` is why nothing was restored, None where the cache is in place."""

    reason: str
    folder: Path
    kind: Kind = Kind.TRITON
    entries: int = 0
    digest: str = ""
    failure: TcvError | None = None

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs of restore/action.yml."""
        return {
            "hit": "false" if self.failure else "true",
            "reason": self.reason,
            "cache-dir": str(self.folder),
            "entries": str(self.entries),
            "digest": self.digest,
        }


@click.command
@click.argument("image", metavar="IMAGE")
@options.destination
@click.option("--target", "-t", metavar="TARGET", help="Of an index, restore this target's image.")
@options.python
@click.option("--fail-on-miss", is_flag=True, help="Fail where a miss is foretold or no image is.")
@options.registry
@options.as_json
@log_level
@click.pass_obj
def command(
    edge: Edge,
    image: str,
    folder: Path | None,
    target: str | None,
    python: str | None,
    access: RegistryAccess,
    *,
    fail_on_miss: bool,
    as_json: bool,
) -> None:
    """Put a cache in place for the steps that follow; a miss is no failure.

    What `tcv check` foretells decides: a cache that will miss is not restored, nor is one that the
    registry does not have; both are said, and are failures with --fail-on-miss only. On GitHub the
    folder is exported as TRITON_CACHE_DIR, and the step's outputs are hit, reason, cache-dir,
    entries and digest.

    \b
    Example:
      tcv restore ghcr.io/me/kernels:v1 --python /opt/venv/bin/python
    """
    wish = _Wish(
        image=image,
        target=Target.parse(target) if target else None,
        folder=folder,
        python=python,
        access=access,
    )
    outcome = _attempt(wish, edge)
    _hand_on(outcome, edge)
    if as_json:
        print_json(outcome.outputs)
    else:
        print_text(outcome.reason)
    if outcome.failure and fail_on_miss:
        raise outcome.failure


def _attempt(wish: _Wish, edge: Edge) -> Attempt:
    """Restore what is there and will hit; what is neither is the outcome, and not raised."""
    try:
        found = api.named_image(wish.image, target=wish.target, access=wish.access)
    except (StoreError, IncompatibleError) as error:
        folder = _folder(wish, Kind.TRITON, edge)
        return Attempt(reason=_one_line(error.what), folder=folder, failure=error)
    return _restored(found, wish, edge)


def _restored(found: OciImage, wish: _Wish, edge: Edge) -> Attempt:
    facts = read_contract(found)
    verdicts = check(facts, machine_here(wish.python, inventory_here(), edge.environ))
    edge.say(to_text(verdicts))
    folder = _folder(wish, facts.kind, edge)
    try:
        require_compatible(verdicts, wish.image)
        restored = restore(found, folder, target=wish.target)
    except DiskError:  # no miss, but a machine that later steps cannot use either
        raise
    except (StoreError, IncompatibleError) as error:
        return Attempt(
            reason=_one_line(error.what),
            folder=folder,
            kind=facts.kind,
            digest=found.digest,
            failure=error,
        )
    return Attempt(
        reason=_reason(verdicts),
        folder=restored.destination,
        kind=facts.kind,
        entries=restored.entries,
        digest=found.digest,
    )


def _reason(verdicts: Verdicts) -> str:
    untold = [one for one in verdicts.points if one.outcome is Outcome.UNKNOWN]
    if not untold:
        return f"The image {verdicts.outcome}."
    reasons = dict.fromkeys(one.reason or one.point for one in untold)
    return _one_line(f"Nothing says that it will miss; not told: {'; '.join(reasons)}.")


def _folder(wish: _Wish, kind: Kind, edge: Edge) -> Path:
    return (wish.folder or usual_folder(kind, edge.environ)).absolute()


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _hand_on(outcome: Attempt, edge: Edge) -> None:
    """Tell GitHub's later steps; after a miss, too, what they compile can be found there."""
    if not edge.on_github:
        return
    from tcv_action.github import workflow  # noqa: PLC0415

    if edge.github_file("OUTPUT"):
        workflow.set_outputs(outcome.outputs)
    if edge.github_file("ENV"):
        workflow.export(variable_of(outcome.kind), str(outcome.folder))
