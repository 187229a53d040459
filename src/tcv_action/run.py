"""A run from its job to its result: the legs and their folders, the index, the layout that stays."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tcv_action.errors import InputError, TcvError
from tcv_action.frameworks.detect import read_any_cache
from tcv_action.job import Job, Tools
from tcv_action.leg import Leg, failure_of, row
from tcv_action.merge import merge
from tcv_action.oci.disk import disk_trouble
from tcv_action.oci.layout import Layout
from tcv_action.pipeline import carry, order
from tcv_action.report.result import RunResult
from tcv_action.stages import Stages
from tcv_action.tags import index_tags
from tcv_action.workplace import workplace


def carry_out(job: Job, tools: Tools, clock: Callable[[], float] = time.monotonic) -> RunResult:
    """Do the whole job; what fails is part of the result and is not raised."""
    started = clock()
    result = RunResult(image=job.reference.name, dry_run=job.dry_run, targets=())
    try:
        with workplace(job.output) as folder:
            result = _work(job, tools, folder, result)
    except TcvError as error:
        result = replace(result, failure=failure_of("prepare the run", error))
    return replace(result, seconds=clock() - started)


def _work(job: Job, tools: Tools, folder: Path, result: RunResult) -> RunResult:
    layout = Layout.create(folder / "oci")
    stages = Stages(job=job, tools=tools, layout=layout)
    legs = carry(_legs(job, folder), order(job, stages), tools)
    result = replace(result, targets=tuple(row(leg) for leg in legs))
    done = tuple(leg for leg in legs if leg.failure is None)
    if not done:
        return result
    try:
        result = _with_index(done, stages, result)
        if job.dry_run:
            _keep(layout.root, job.layout_folder)
    except TcvError as error:
        result = replace(result, failure=failure_of("join the targets", error))
    return result


def _legs(job: Job, folder: Path) -> tuple[Leg, ...]:
    targets = job.targets
    if job.cache_dir and not targets:
        targets = read_any_cache(job.cache_dir).targets
        if not targets:
            what = f"Which GPU the cache {str(job.cache_dir)!r} is for cannot be told."
            raise InputError(
                what,
                cause="Neither Triton kernels nor the framework's own records in it name an arch.",
                next_step="Say it, for example with --target cuda:90.",
            )
    legs = []
    for number, target in enumerate(targets):
        own = folder / f"{number}-{target.tag_suffix}"
        own.mkdir()
        legs.append(Leg(target=target, folder=own, cache_dir=job.cache_dir or own / "cache"))
    return tuple(legs)


def _with_index(done: tuple[Leg, ...], stages: Stages, result: RunResult) -> RunResult:
    """Join the targets under the tags without a suffix: always on disk, in a registry if several.

    A leg of a matrix has one target, and its index would replace that of the other legs.
    """
    job, tools, layout = stages.job, stages.tools, stages.layout
    images = tuple(leg.image for leg in done if leg.image)
    if tools.store and len(images) == 1:
        return result
    index = merge(images, job.options.media_types)
    tags = index_tags(job.templates, stages.tag_fields(done[0]))
    if tools.store:
        for tag in tags:
            tools.store.write_index(index, images, job.reference.with_tag(tag))
    else:
        layout.add(layout.put_bytes(index.data, index.descriptor.media_type), tags)
    return replace(result, index_tags=tags, index_digest=index.digest)


def _keep(made: Path, final: Path) -> None:
    """Move the finished layout to its place, where only an older layout may give way."""
    with disk_trouble(final):
        if final.exists():
            if any(final.iterdir()) and not (final / "oci-layout").is_file():
                what = f"The folder {str(final)!r} holds something that is no OCI layout."
                raise InputError(what, next_step="Choose another --output, or remove the folder.")
            final.rename(made.with_name("replaced"))
        made.rename(final)
