"""The summary as a pull request's comment has it."""

from tcv_action.report.result import Failure, RunResult, TargetResult
from tcv_action.report.summary import brief, summary
from tcv_action.triton.target import Target

ROW = TargetResult(
    target=Target.parse("cuda:90"),
    tags=("v1-cuda-sm90",),
    references=("ghcr.io/octo/kernels:v1-cuda-sm90",),
    digest="sha256:" + "0" * 64,
    labels={"org.opencontainers.image.title": "kernels"},
    entries=3,
)


def result(row: TargetResult = ROW) -> RunResult:
    return RunResult(image="ghcr.io/octo/kernels", dry_run=False, targets=(row,))


def test_it_is_the_summary_less_its_details() -> None:
    text = brief(result())

    assert summary(result()).startswith(text)
    assert "<details>" in summary(result())
    assert "<details>" not in text
    assert "`ghcr.io/octo/kernels:v1-cuda-sm90`" in text


def test_a_failure_is_told() -> None:
    failure = Failure(stage="warm up", what="It broke.", cause="", next_step="", exit_code=4)
    row = TargetResult(target=ROW.target, failure=failure)

    assert "It broke." in brief(result(row))
    assert brief(result(row)).startswith("## ❌ ")
