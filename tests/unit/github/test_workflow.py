"""The runner's protocol, as bytes on standard output and in GitHub's files."""

import re
from pathlib import Path

import pytest
from tests.services.runner_log import read_log

from tcv_action.errors import InputError
from tcv_action.github import workflow
from tcv_action.github.workflow import Workflow


def test_phase_is_a_group_with_its_duration(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([10.0, 12.5])
    with Workflow(clock=lambda: next(times)).phase("Warm up"):
        Workflow().info("in the middle")
    assert capsys.readouterr().out == (
        "::group::Warm up\nin the middle\nWarm up: 2.5 s\n::endgroup::\n"
    )


def test_group_is_closed_after_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="broken"), Workflow().phase("Warm up"):
        raise ValueError("broken")  # noqa: EM101
    assert capsys.readouterr().out.endswith("::endgroup::\n")


def test_script_speaks_between_stop_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with Workflow().script_output() as show:
        show("::set-output name=a::b\n")
    first, said, last = capsys.readouterr().out.splitlines()
    token = first.removeprefix("::stop-commands::")
    assert len(token) == 32
    assert said == "::set-output name=a::b"
    assert last == f"::{token}::"


def test_each_token_is_another(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        with Workflow().script_output():
            pass
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] != lines[2]


def test_scripts_beside_each_other_share_the_token(capsys: pytest.CaptureFixture[str]) -> None:
    runner = Workflow()
    with runner.script_output() as first:
        with runner.script_output() as second:
            second("::error::inner")
        first("::error::after the other's end")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[3] == f"::{lines[0].removeprefix('::stop-commands::')}::"


def test_information_is_never_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    Workflow().info("fine\n  ::error::not mine\n::add-mask::x")
    assert not any(line.lstrip().startswith("::") for line in capsys.readouterr().out.splitlines())


def test_strangers_words_in_annotations_and_titles_do_not_act(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runner = Workflow()
    with runner.phase("a\r::error::x"):
        runner.warn("\x1b[2J ##[error]x")
        runner.fail("b\u202e", title="c\x9b")
    out = capsys.readouterr().out
    assert not re.search("[\x1b\x9b\u202e\r]|##\\[", out)
    assert [one.level for one in read_log(out).annotations] == ["warning", "error"]


def test_annotation_of_several_lines_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    Workflow().fail("50% gone\nnext", title="a: b", file="warm.py", line=3)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "50%25 gone%0Anext" in out
    assert "file=warm.py" in out
    assert "line=3" in out


def test_outputs_are_written_with_random_delimiters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "output"
    file.touch()
    monkeypatch.setenv("GITHUB_OUTPUT", str(file))
    workflow.set_outputs({"tags": "a\nb", "digest": "sha256:0"})
    lines = file.read_text().splitlines()
    assert lines[0].startswith("tags<<ghadelimiter_")
    assert lines[1:3] == ["a", "b"]


def test_output_name_that_injects_another_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "output"
    file.touch()
    monkeypatch.setenv("GITHUB_OUTPUT", str(file))
    with pytest.raises(InputError):
        workflow.set_outputs({"a=b\nc": "d"})
    assert file.read_text() == ""


def test_secret_of_several_lines_is_masked_line_by_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    workflow.mask("first\n\nsecond\n")
    assert capsys.readouterr().out == "::add-mask::first\n::add-mask::second\n"


def test_summary_stays_under_the_limit_and_says_what_is_cut(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    file.write_text("# before\n")
    workflow.append_summary(file, "é" * 70 + "\n" + "row é\n" * 300_000)
    data = file.read_bytes()
    assert len(data) < workflow.SUMMARY_LIMIT
    assert data.decode().startswith("# before\né")
    assert "was cut here" in data.decode()[-100:]


def test_short_summary_is_whole() -> None:
    assert workflow.truncated("# é\n", 100) == "# é\n".encode()
