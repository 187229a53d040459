"""`tcv prune`: old versions of a container package on GitHub."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import click

from tcv_action import inputs
from tcv_action.commands import options
from tcv_action.commands.asking import open_api
from tcv_action.commands.edge import Edge, log_level
from tcv_action.commands.pruned import Outcome, Pruned, deliver
from tcv_action.errors import InputError, StoreError
from tcv_action.github.api import PUBLIC, Api, Patience
from tcv_action.github.packages import Package
from tcv_action.oci.reference import Reference, Transport
from tcv_action.prune.plan import Plan, Rules, plan
from tcv_action.prune.stored import Stored, stored
from tcv_action.stores.access import Credentials, RegistryAccess
from tcv_action.stores.credentials import credentials_for
from tcv_action.stores.registry.opening import is_loopback
from tcv_action.stores.registry.store import RegistryStore

# A package can have thousands of versions: rate limits are waited for, within this bound.
_WAITS = 900.0
_GITHUBS_REGISTRY = "ghcr.io"


@click.command
@click.argument("image", metavar="IMAGE")
@click.option(
    "--keep-last",
    type=click.IntRange(min=0),
    metavar="N",
    help="Keep the newest N; an index counts as one, with its images.",
)
@click.option(
    "--older-than",
    type=click.FloatRange(min=0, max=36500),
    metavar="DAYS",
    help="Keep what is not older than that.",
)
@click.option(
    "--keep-tag",
    "keep_tags",
    multiple=True,
    metavar="PATTERN",
    help="Keep tags that fit, such as 'v*'; may be repeated.",
)
@click.option("--yes", is_flag=True, help="Delete what may go.")
@options.registry
@options.as_json
@log_level
@click.pass_context
def command(
    context: click.Context,
    image: str,
    keep_last: int | None,
    older_than: float | None,
    keep_tags: tuple[str, ...],
    access: RegistryAccess,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    """Show which versions of a container package may go, and delete them with --yes.

    Without --keep-last and --older-than only what has no tag may go. What is needed by something
    that stays does stay: the images of an index, and the attestations of an image. The token for
    GitHub's API comes from GITHUB_TOKEN and needs packages: write (a personal one delete:packages).

    \b
    Examples:
      tcv prune ghcr.io/me/kernels
      tcv prune ghcr.io/me/kernels --keep-last 10 --older-than 30 --keep-tag 'v*' --yes
    """
    edge = context.ensure_object(Edge)
    reference = _reference(image)
    api = _api(edge)
    _check_host(reference, api)
    package = Package.find(api, reference.repository)
    rules = Rules(
        keep_last=keep_last,
        older_than=None if older_than is None else timedelta(days=older_than),
        keep_tags=keep_tags,
    )
    store = RegistryStore(_signed_in(access, reference, edge))
    with edge.progress.phase(f"Read the versions of {reference.name}"):
        judged = plan(_all_stored(package, store, reference), rules, datetime.now(UTC))
    outcomes = dict(_deleted(judged, package, edge)) if yes else {}
    pruned = Pruned(image=reference.name, plan=judged, outcomes=outcomes)
    context.exit(deliver(pruned, edge, as_json=as_json))


def _reference(image: str) -> Reference:
    reference = Reference.parse(image)
    if reference.transport is not Transport.REGISTRY or reference.tag or reference.digest:
        what = f"{image!r} is not the name of a package."
        raise InputError(
            what,
            cause="All versions of a package are looked at, and never one tag or digest alone.",
            next_step="Write ghcr.io/OWNER/NAME.",
        )
    return reference


def _api(edge: Edge) -> Api:
    api = open_api(edge, Patience(waits=_WAITS))
    if api is None:
        what = "There is no token for GitHub's API."
        raise InputError(
            what,
            cause="It is never taken from the command line, where others could read it.",
            next_step="Set GITHUB_TOKEN, or the input github-token.",
        )
    return api


def _check_host(reference: Reference, api: Api) -> None:
    """Refuse a registry that is not that GitHub's: names alike would be deleted there instead.

    GitHub's own is ghcr.io; that of a server is containers.HOST beside its API at HOST.
    """
    host = urlsplit(api.url).hostname or ""
    registry = urlsplit(f"//{reference.domain}").hostname or ""
    of_server = host.removeprefix("api.")
    known = (
        registry == _GITHUBS_REGISTRY
        if api.url == PUBLIC
        else registry in {host, of_server, f"containers.{of_server}"}
        or (is_loopback(registry) and is_loopback(host))
    )
    if not known:
        what = f"{reference.name!r} is not in the registry of the GitHub at {api.url!r}."
        raise InputError(
            what,
            cause="Versions are deleted through GitHub's API, which knows its own registry only.",
            next_step="Name the package as ghcr.io/OWNER/NAME, or set GITHUB_API_URL.",
        )


def _signed_in(access: RegistryAccess, reference: Reference, edge: Edge) -> RegistryAccess:
    """Sign in to the registry by the API's token where nothing else does."""
    access = replace(access, domain=reference.domain)
    if credentials_for(reference.domain, access):
        return access
    user = edge.environ.get("GITHUB_ACTOR") or "token"
    credentials = Credentials(username=user, password=inputs.github_token(edge.environ))
    return replace(access, credentials=credentials)


def _all_stored(package: Package, store: RegistryStore, reference: Reference) -> Iterator[Stored]:
    for version in package.versions():
        yield stored(version, store.read_manifest(reference.with_digest(version.digest)))


def _deleted(judged: Plan, package: Package, edge: Edge) -> Iterator[tuple[str, Outcome]]:
    """Delete what may go; what an undeleted version needs stays as well."""
    held: frozenset[str] = frozenset()
    with edge.progress.phase("Delete"):
        for one in judged.going:
            outcome = (
                Outcome(deleted=False, reason="needed by one that could not be deleted")
                if one.digest in held
                else _delete(one, package)
            )
            if not outcome.deleted:
                held |= judged.needed_by(one)
            yield one.digest, outcome


def _delete(one: Stored, package: Package) -> Outcome:
    try:
        now = package.current(one.version)
        # Somebody may have tagged it since it was listed.
        if now is not None and set(now.tags) - set(one.version.tags):
            return Outcome(deleted=False, reason="got another tag meanwhile")
        package.delete(one.version)
    except StoreError as error:
        return Outcome(deleted=False, reason=error.what, failed=True)
    return Outcome(deleted=True)
