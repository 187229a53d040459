"""The order of work: warm up, read, pack, push, restore, prove, tag; a leg for each target."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from tcv_action.errors import TcvError
from tcv_action.job import Job, Tools
from tcv_action.leg import Leg, failure_of
from tcv_action.stages import Stages


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of the work: its verb phrase (`pack the image`), and what it does to one leg.

    Legs of a parallel stage run beside each other.
    """

    name: str
    step: Callable[[Leg], Leg]
    parallel: bool = False


def order(job: Job, stages: Stages) -> tuple[Stage, ...]:
    """Return the stages that the job asks for, in their order."""
    warming = (Stage(name="warm up", step=stages.warm_up, parallel=True),) if job.script else ()
    pushing = () if job.dry_run else (Stage(name="push the image", step=stages.push),)
    proving = (
        Stage(name="restore the cache", step=stages.restore),
        Stage(name="replay the script", step=stages.prove, parallel=True),
        Stage(name="prove the hits", step=stages.judge),
    )
    return (
        *warming,
        Stage(name="read the cache", step=stages.read),
        Stage(name="pack the image", step=stages.pack),
        *pushing,
        *(proving if job.proves else ()),
        Stage(name="tag the image", step=stages.tag),
    )


def carry(legs: tuple[Leg, ...], stages: tuple[Stage, ...], tools: Tools) -> tuple[Leg, ...]:
    """Take every leg through the stages; one that fails keeps what it has and goes no further."""
    for stage in stages:
        if all(leg.failure for leg in legs):
            break
        with tools.progress.phase(stage.name.capitalize()):
            legs = _through(legs, stage, tools)
    return legs


def _through(legs: tuple[Leg, ...], stage: Stage, tools: Tools) -> tuple[Leg, ...]:
    if not stage.parallel or len(legs) == 1:
        return tuple(_attempt(leg, stage) for leg in legs)
    with ThreadPoolExecutor(tools.workers) as pool:
        try:
            return tuple(pool.map(lambda leg: _attempt(leg, stage), legs))
        except BaseException:
            # An interrupt reaches this thread only; without a word the pool would wait for all.
            pool.shutdown(wait=False, cancel_futures=True)
            tools.stop.request()
            raise


def _attempt(leg: Leg, stage: Stage) -> Leg:
    if leg.failure:
        return leg
    try:
        return stage.step(leg)
    except TcvError as error:
        return replace(leg, failure=failure_of(stage.name, error))
