"""Summary and outputs, of whole, partial and failed runs."""

import base64
import hashlib
import json
import re
from dataclasses import replace

from tcv_action.report.outputs import outputs, outputs_json, step_outputs
from tcv_action.report.page import page
from tcv_action.report.result import Failure, RunResult, TargetResult
from tcv_action.report.summary import headline, summary
from tcv_action.report.text import cell, code, counted, size
from tcv_action.triton.request import Request
from tcv_action.triton.target import Target

CUDA = TargetResult(
    target=Target.parse("cuda:90"),
    tags=("latest-cuda-sm90",),
    references=("localhost:5000/k:latest-cuda-sm90",),
    digest="sha256:" + "a" * 64,
    labels={"cache.triton.image/entry-count": "31", "x": "a|b`c"},
    entries=31,
    cache_bytes=8_700_000,
    image_bytes=1_100_000,
    mode="compile-only",
    hits=31,
    asked=31,
    cold_seconds=14.25,
    warm_seconds=2.6,
    compile_seconds=12.0,
)
FAILED = TargetResult(
    target=Target.parse("hip:gfx942"),
    entries=31,
    failure=Failure(
        stage="push the image",
        what="The registry 'x' <script>| said no.",
        cause="Nobody signed in.",
        next_step="Sign in.",
        exit_code=5,
    ),
)
REQUEST = Request(
    name="add_kernel<b>",
    hash="0" * 64,
    hit=False,
    target="cuda:90",
    source="/code/warm.py:4",
    signature={"x_ptr": "*fp32"},
    constants={"BLOCK": 1024},
    attributes={},
    options={"num_warps": 4},
    seconds={"ptx": 0.5},
)
GOOD = RunResult(image="localhost:5000/k", dry_run=False, targets=(CUDA,))
PARTIAL = RunResult(image="localhost:5000/k", dry_run=False, targets=(CUDA, FAILED))


def test_summary_has_the_table_first_and_all_of_a_target() -> None:
    text = summary(GOOD)
    assert text.startswith("## ✅ Triton cache: 31 kernels for 1 target, 31 of 31 requests hit")
    row = next(line for line in text.splitlines() if line.startswith("| `cuda:90`"))
    for part in ("localhost:5000/k:latest-cuda-sm90", "31 of 31", "8.7 MB", "14.25 s", "2.60 s"):
        assert part in row
    assert "| `cache.triton.image/entry-count` | `31` |" in text


def test_one_of_a_thing_is_not_written_as_many() -> None:
    row = replace(CUDA, entries=1, requests=(REQUEST,), hits=2, asked=2)
    text = summary(RunResult(image="k", dry_run=False, targets=(row,)))
    assert "1 kernel for 1 target, 2 of 2 requests hit" in text
    assert "1 specialization of 1 kernel (" in text
    assert (counted(2, "kernel"), counted(0, "entry", "entries")) == ("2 kernels", "0 entries")


def test_summary_of_a_failed_leg_keeps_the_other_and_names_stage_and_reason() -> None:
    text = summary(PARTIAL)
    assert text.startswith("## ❌")
    assert "hip:gfx942: push the image** failed (exit code 5)" in text
    assert "said no." in text
    assert "<script>" not in text
    assert "31 of 31" in text


def test_summary_of_a_run_that_failed_at_once() -> None:
    failed = RunResult(image="k", dry_run=True, targets=(), failure=FAILED.failure)
    assert "Nobody signed in." in summary(failed)
    assert headline(failed) == "Triton cache: failed while it was to push the image"


def test_outputs_are_those_of_the_run() -> None:
    values = outputs(GOOD)
    assert values["digest"] == CUDA.digest
    assert values["tags"] == ["latest-cuda-sm90"]
    assert (values["hits"], values["requests"], values["result"]) == (31, 31, "success")
    assert json.loads(outputs_json(GOOD)) == values
    assert outputs(PARTIAL)["result"] == "failure"


def test_row_of_outputs_has_the_promised_names() -> None:
    rows = json.loads(outputs_json(GOOD))["targets"]
    promised = [
        "target",
        "tags",
        "digest",
        "labels",
        "entries",
        "hits",
        "requests",
        "cold_seconds",
        "warm_seconds",
    ]
    assert set(promised) <= rows[0].keys()
    assert rows[0]["target"] == "cuda:90"


def test_step_outputs_are_strings_and_json_is_the_whole() -> None:
    texts = step_outputs(GOOD)
    assert texts["tags"] == "latest-cuda-sm90"
    assert texts["entry-count"] == "31"
    assert json.loads(texts["json"]) == outputs(GOOD)


def test_page_shows_the_run_and_runs_no_text_of_it() -> None:
    evil = replace(CUDA, labels={"x": "<script>alert(1)</script>"}, requests=(REQUEST,))
    text = page(RunResult(image="k", dry_run=False, targets=(evil, FAILED)))
    (program,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(program.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "add_kernel&lt;b&gt;" in text
    assert "said no." in text
    assert "31 of 31" in text
    assert "http://" not in text
    assert "https://" not in text


def test_cells_cannot_break_the_table() -> None:
    assert cell("a|b\n<b>") == "a\\|b &lt;b&gt;"
    assert code("a|b`c") == "`` a\\|b`c ``"


def test_cells_and_code_hold_no_markup() -> None:
    assert cell("[x](http://a) ![](b) *c* a_b") == ("\\[x\\](http://a) \\!\\[\\](b) \\*c\\* a\\_b")
    assert cell("ask @octo, k@sha256:0") == "ask @&#8203;octo, k@sha256:0"
    assert cell("\x1b[1m ::error::x") == "\\\\u001b\\[1m ::error::x"
    assert code("a``b`<img>") == "``` a``b`<img> ```"
    assert code("a\\|b\u202e") == "`a\\\\u007cb\\u202e`"


def test_a_reference_stays_on_its_line_in_the_summary() -> None:
    evil = replace(CUDA, references=("oci:/a b\n```\n<b>:v1",))
    assert "tcv extract -i 'oci:/a b ``` <b>:v1'\n```\n" in summary(replace(GOOD, targets=(evil,)))


def test_no_part_of_a_result_is_markup() -> None:
    target = Target("cuda", "90</code><meta>", 32)
    failure = replace(known_failure(), stage="<b>[x](y)")
    broken = replace(CUDA, target=target, requests=(REQUEST,), failure=failure)
    result = RunResult(image="k", dry_run=False, targets=(broken,))
    assert "<meta>" not in page(result)
    assert page(result).count("&lt;meta&gt;") == 3
    assert summary(result).startswith(
        "## ❌ Triton cache: failed while it was to &lt;b&gt;\\[x\\](y)"
    )


def known_failure() -> Failure:
    assert FAILED.failure is not None
    return FAILED.failure


def test_sizes_are_decimal() -> None:
    assert [size(count) for count in (None, 999, 1000, 8_700_000, 2_000_000_000_000)] == [
        "-",
        "999 B",
        "1.0 kB",
        "8.7 MB",
        "2.0 TB",
    ]


def test_digest_is_the_index_where_runs_were_joined() -> None:
    index = "sha256:" + "b" * 64
    one = RunResult(image="k", dry_run=False, targets=(CUDA,), index_digest=index)
    assert outputs(one)["digest"] == CUDA.digest
    assert outputs(replace(one, is_joined=True))["digest"] == index
    assert outputs(replace(one, targets=(CUDA, CUDA)))["digest"] == index
