"""The stages of a run, each from a leg to the next leg."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tcv_action.frameworks.detect import read_any_cache
from tcv_action.image import pack, read_contract
from tcv_action.job import Job, Tools
from tcv_action.leg import Leg, known
from tcv_action.oci.image import OciImage
from tcv_action.oci.layout import Layout
from tcv_action.oci.reference import Reference
from tcv_action.proving import require_entries, require_hits
from tcv_action.report import text
from tcv_action.restore import restore
from tcv_action.tags import tags_for
from tcv_action.triton.cache import Cache
from tcv_action.triton.explain import Explanation, explain
from tcv_action.triton.key_inputs import of_request
from tcv_action.triton.replay import Proof, replay
from tcv_action.triton.target import Target
from tcv_action.triton.warmup import warm_up


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """What a run does to a leg; `layout` is where the images are packed."""

    job: Job
    tools: Tools
    layout: Layout

    def warm_up(self, leg: Leg) -> Leg:
        """Run the script for the leg's target, with an empty cache folder."""
        with self._shown(leg) as show:
            warmup = warm_up(
                known(self.job.script),
                leg.target,
                leg.cache_dir,
                interpreter=known(self.tools.interpreter),
                timeout=self.job.timeout,
                on_output=show,
                gpu=leg.target in self.tools.gpus,
                stop=self.tools.stop,
            )
        self.tools.progress.info(
            f"{leg.target}: {text.counted(len(warmup.kernels), 'kernel')} compiled, the script ran for"
            f" {text.seconds(warmup.seconds)} ({warmup.mode})"
        )
        return replace(leg, warmup=warmup)

    def read(self, leg: Leg) -> Leg:
        """Read what was compiled for the leg's target; a framework's cache is taken whole."""
        cache = read_any_cache(leg.cache_dir)
        whole = self._of_target(cache, leg.target) if isinstance(cache, Cache) else cache
        for name in whole.dropped:
            self.tools.progress.info(f"{leg.target}: left out {name}")
        return replace(leg, cache=whole)

    def _of_target(self, cache: Cache, target: Target) -> Cache:
        part = cache.for_target(target) if self.job.cache_dir else cache.only(target)
        require_entries(part, self.job.min_entries)
        return part

    def pack(self, leg: Leg) -> Leg:
        """Make the image in the layout."""
        warmup = leg.warmup
        image = pack(
            leg.cache or known(None),
            leg.target,
            self.layout,
            options=self.job.options,
            environment=warmup.environment if warmup else None,
            requests=warmup.requests if warmup else (),
        )
        facts = read_contract(image)
        self.tools.progress.info(
            f"{leg.target}: {text.counted(facts.entry_count, 'entry', 'entries')}, {text.size(facts.cache_size_bytes)}"
            f" in an image of {text.size(sum(layer.size for layer in image.layers))}"
        )
        return replace(leg, image=image, facts=facts)

    def push(self, leg: Leg) -> Leg:
        """Send the image, known by its digest only: a tag is for what is proved."""
        image = known(leg.image)
        pushed = known(self.tools.store).write(image, self._by_digest(image))
        sent = text.size(pushed.uploaded_bytes) if pushed.uploaded_bytes else "nothing to send"
        self.tools.progress.info(f"{leg.target}: {image.digest} ({sent})")
        return leg

    def restore(self, leg: Leg) -> Leg:
        """Restore into a fresh folder, from where the image was pushed to."""
        image = known(leg.image)
        if self.tools.store:
            image = self.tools.store.read(self._by_digest(image))
        folder = leg.folder / "restored"
        restored = restore(image, folder)
        self.tools.progress.info(
            f"{leg.target}: {text.counted(restored.entries, 'entry', 'entries')}"
            f" in {text.seconds(restored.seconds)}"
        )
        return replace(leg, restored=folder)

    def prove(self, leg: Leg) -> Leg:
        """Replay the script in a fresh process and count the hits."""
        with self._shown(leg) as show:
            proof = replay(
                known(self.job.script),
                leg.target,
                known(leg.restored),
                interpreter=known(self.tools.interpreter),
                timeout=self.job.timeout,
                on_output=show,
                gpu=leg.target in self.tools.gpus,
                stop=self.tools.stop,
            )
        self.tools.progress.info(
            f"{leg.target}: {proof.hits} of {proof.total} requests hit"
            f" in {text.seconds(proof.seconds)}"
        )
        return replace(leg, proof=proof)

    def judge(self, leg: Leg) -> Leg:
        """Let only a leg pass whose requests hit, all of them or as many as were asked for.

        Raises NotProvedError that names the kernels that missed, and why.
        """
        proof = known(leg.proof)
        require_hits(proof, _explained(leg, proof), percent=self.job.min_hit_rate)
        return leg

    def tag(self, leg: Leg) -> Leg:
        """Give the image its tags, where it is."""
        image = known(leg.image)
        tags = tags_for(leg.target, self.job.templates, self.tag_fields(leg))
        if self.tools.store:
            for tag in tags:
                self.tools.store.write(image, self.job.reference.with_tag(tag))
            references = tuple(self.job.reference.with_tag(tag).image for tag in tags)
        else:
            self.layout.add(image.descriptor, tags)
            references = tuple(f"oci:{self.job.layout_folder}:{tag}" for tag in tags)
        for reference in references:
            self.tools.progress.info(f"{leg.target}: {reference}")
        return replace(leg, tags=tags, references=references)

    def _by_digest(self, image: OciImage) -> Reference:
        return replace(self.job.reference, tag=None, digest=image.digest)

    def tag_fields(self, leg: Leg) -> dict[str, str]:
        """Return what a tag template may name of this leg, less backend and arch."""
        fields = {"tag": self.job.reference.tag or "latest", **self.job.tag_fields}
        environment = leg.warmup.environment if leg.warmup else None
        if environment:
            fields |= {
                "triton": environment.triton_version,
                "torch": (environment.torch_version or "").replace("+", "_"),
                "python": ".".join(environment.python_version.split(".")[:2]),
            }
        return fields

    @contextmanager
    def _shown(self, leg: Leg) -> Iterator[Callable[[str], None]]:
        """Show the script's lines, marked with their target where several scripts speak at once."""
        several = len(self.job.targets) > 1
        with self.tools.progress.script_output() as show:
            yield (lambda line: show(f"{leg.target} | {line}")) if several else show


def _explained(leg: Leg, proof: Proof) -> tuple[Explanation, ...]:
    """Explain misses by what the warmup asked for; without a warmup of ours nothing is known."""
    if leg.warmup is None or not proof.misses:
        return ()
    return explain(
        proof,
        [of_request(request) for request in leg.warmup.requests],
        image=leg.warmup.environment,
    )
