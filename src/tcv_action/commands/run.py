"""`tcv run`: the action's whole job."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from tcv_action import inputs
from tcv_action.commands import options
from tcv_action.commands.asking import comment_on_pull_request, labels_of_repository
from tcv_action.commands.configured import Configured
from tcv_action.commands.edge import Edge, log_level
from tcv_action.commands.places import standing
from tcv_action.commands.results import deliver
from tcv_action.commands.scripts import Warming, given_script
from tcv_action.errors import InputError
from tcv_action.github.facts import image_labels, is_forks_pull_request
from tcv_action.image import PackOptions
from tcv_action.job import Job, Tools
from tcv_action.oci.reference import Reference, Transport
from tcv_action.run import carry_out
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.select import open_store
from tcv_action.tag_rules import Event, templates_of
from tcv_action.tags import DEFAULT_TEMPLATE, fields_from_environment
from tcv_action.triton.process import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the person said, by option."""

    command: tuple[str, ...]
    module: bool
    targets: tuple[str, ...]
    image: str | None
    tags: tuple[str, ...]
    cache_dir: Path | None
    output: Path
    dry_run: bool
    push: bool
    verify: bool
    min_hit_rate: float
    min_entries: int
    comment: bool
    python: str | None
    timeout: float | None
    warming: Warming
    packing: PackOptions
    access: RegistryAccess


@click.command(cls=Configured, context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="SCRIPT [ARGS]...")
@options.module
@click.option(
    "--config",
    metavar="FILE",
    expose_value=False,
    help="Configuration with what is not given here, such as tcv.yml.",
)
@options.targets
@click.option("--image", "-i", metavar="NAME", help="Image to push, as ghcr.io/OWNER/NAME:TAG.")
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="TEMPLATE",
    help=f"Tag template or rule (type=semver,…); may be repeated.  [default: {DEFAULT_TEMPLATE}]",
)
@click.option(
    "--cache-dir",
    type=options.GivenPath(),
    metavar="DIR",
    help="Package this cache folder; no script is run.",
)
@click.option(
    "--output",
    "-o",
    type=options.GivenPath(file_okay=False),
    default=Path("tcv-out"),
    show_default=True,
    metavar="DIR",
    help="Folder for summary.md, outputs.json and, in a dry run, the OCI layout.",
)
@click.option("--dry-run", is_flag=True, help="Write everything to --output, touch no network.")
@click.option("--push/--no-push", default=True, help="Without a push it is a dry run.")
@click.option("--verify/--no-verify", default=True, help="Replay the script and count its hits.")
@click.option(
    "--min-hit-rate",
    type=click.FloatRange(0, 100),
    default=100.0,
    show_default=True,
    metavar="PERCENT",
    help="Requests that must hit for an image to get its tags.",
)
@click.option(
    "--min-entries",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="COUNT",
    help="Kernels that each target's cache must hold at least.",
)
@click.option("--comment", is_flag=True, help="Keep a comment with the result on the pull request.")
@options.python
@options.timeout
@options.warming
@options.packing
@options.registry
@options.as_json
@log_level
@click.pass_context
def command(context: click.Context, /, *, as_json: bool, **given: Any) -> None:
    """Warm up, package, push, restore, prove and report.

    SCRIPT launches Triton kernels. They are compiled for each --target: on this machine's GPU
    where it is the target, else without any GPU. Each target becomes one image, known by its
    digest alone until the replay proved that every kernel hits; then it gets its tags.

    \b
    Examples:
      tcv run --dry-run --target cuda:90 --target hip:gfx942 warmup.py
      tcv run --image ghcr.io/me/kernels:v1 --target cuda:90 warmup.py --size 4096
    """
    edge = context.ensure_object(Edge)
    said = _pushing_where_possible(Given(**given), edge)
    job = _job(said, edge)
    with _tools(said, job, edge) as tools:
        result = carry_out(job, tools)
    layout = job.layout_folder if job.dry_run else None
    code = deliver(result, job.output, edge, as_json=as_json, layout=layout)
    if said.comment:
        comment_on_pull_request(result, edge, said.targets)
    context.exit(code)


def _pushing_where_possible(said: Given, edge: Edge) -> Given:
    """Make a dry run of what cannot be pushed: a fork's pull request is given no secrets."""
    if not said.push:
        return replace(said, dry_run=True)
    password = said.access.credentials.password if said.access.credentials else ""
    # There the job's own token only reads, but for pull_request_target.
    has_secrets = password not in {"", inputs.github_token(edge.environ)}
    trusted = edge.environ.get("GITHUB_EVENT_NAME") == "pull_request_target"
    from_fork = is_forks_pull_request(edge.github_event()) and not trusted
    if said.dry_run or has_secrets or not from_fork:
        return said
    edge.say("This is a fork's pull request, without secrets: a dry run, nothing is pushed.")
    return replace(said, dry_run=True)


def _job(said: Given, edge: Edge) -> Job:
    _check(said)
    reference = _reference(said)
    return Job(
        script=given_script(said.command, module=said.module) if said.command else None,
        cache_dir=said.cache_dir,
        targets=options.parse_targets(said.targets),
        reference=reference,
        templates=templates_of(said.tags, Event.of(edge.environ)) or (DEFAULT_TEMPLATE,),
        tag_fields={
            **fields_from_environment(edge.environ),
            "date": datetime.now(UTC).strftime("%Y%m%d"),
            "variant": str(said.packing.variant),
        },
        options=replace(
            said.packing,
            title=reference.repository.rpartition("/")[2],
            labels={
                **image_labels(edge.environ),
                **({} if said.dry_run else labels_of_repository(edge)),
                **said.packing.labels,
            },
        ),
        output=said.output,
        dry_run=said.dry_run,
        verify=said.verify,
        min_hit_rate=said.min_hit_rate,
        min_entries=said.min_entries,
        timeout=said.timeout,
    )


def _check(said: Given) -> None:
    """Refuse what cannot go together, everything at once."""
    wrong = []
    if bool(said.command) == bool(said.cache_dir):
        wrong.append("Give either a script or --cache-dir, and not both.")
    if said.command and not said.targets:
        wrong.append("Give at least one --target, such as cuda:90.")
    if not said.image and not said.dry_run:
        wrong.append("Give the --image to push to, or --dry-run.")
    if wrong:
        raise InputError("\n".join(wrong), next_step="`tcv run --help` has examples.")


def _reference(said: Given) -> Reference:
    reference = Reference.parse(said.image or "localhost/triton-cache")
    if reference.transport is not Transport.REGISTRY:
        what = f"The image {said.image!r} is not in a registry."
        raise InputError(
            what,
            cause="`tcv run` pushes to a registry; a dry run leaves an OCI layout in --output.",
            next_step="Name the image as ghcr.io/OWNER/NAME:TAG, or add --dry-run.",
        )
    if reference.digest:
        what = f"The image {said.image!r} is fixed to a digest, which only a finished image has."
        raise InputError(what, next_step="Name it by a tag.")
    return reference


@contextmanager
def _tools(said: Given, job: Job, edge: Edge) -> Iterator[Tools]:
    tools = Tools(
        progress=edge.progress,
        store=None if job.dry_run else open_store(job.reference, said.access),
        interpreter=None,
        gpus=frozenset(),
        workers=len(os.sched_getaffinity(0)),
        stop=Stop(),
    )
    if job.script is None:
        yield tools
        return
    # The credentials are those of the registry that is pushed to, and go to no other.
    access = replace(said.access, domain=job.reference.domain)
    with standing(said.warming, job.targets, said.python, access, edge) as stand:
        yield replace(tools, interpreter=stand.place, gpus=stand.gpus)
