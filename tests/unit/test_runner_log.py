"""The tests' own reading of a runner's log and file commands, which other tests rest on."""

import pytest
from tests.services.runner_log import read_file_command, read_log


def test_commands_are_obeyed_and_not_shown() -> None:
    log = read_log("::group::Push\nsent\n::endgroup::\n::error file=a.py,line=3::no%0Aluck")

    assert log.groups == ["Push"]
    assert log.annotations[0].message == "no\nluck"
    assert log.annotations[0].properties == {"file": "a.py", "line": "3"}
    assert "::" not in log.text


def test_commands_of_the_older_form_are_obeyed_anywhere() -> None:
    assert read_log("a label says ##[set-output name=hit;]yes").retired == ["set-output: yes"]


def test_masked_text_is_not_shown() -> None:
    log = read_log("::add-mask::geheim\npassword geheim")

    assert log.text == "password ***"


def test_stopped_commands_are_text() -> None:
    log = read_log("::stop-commands::x1\n::error::no\n::set-output name=a::b\n::x1::\n::error::yes")

    assert [annotation.message for annotation in log.annotations] == ["yes"]
    assert not log.retired
    assert "::error::no" in log.text


def test_a_retired_command_is_found() -> None:
    assert read_log("::set-output name=digest::evil").retired == ["set-output: evil"]


def test_file_commands_hold_lines_and_heredocs() -> None:
    assert read_file_command("a=1\nb<<END\n2\n3\nEND\n") == {"a": "1", "b": "2\n3"}


@pytest.mark.parametrize("text", ["a", "a<<END\n1\n"])
def test_a_broken_file_command_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"Invalid|Matching"):
        read_file_command(text)
