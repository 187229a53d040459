"""What strangers wrote is printed and logged, and neither obeyed nor fatal."""

import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.archives import archive, entry_members, gzip_layer, image_of, labels, manifest_member
from tests.services.command import tcv
from tests.services.runner_log import read_log

from tcv_action.commands.output import LogFormatter, console, print_text
from tcv_action.commands.terminal import Terminal
from tcv_action.errors import StoreError
from tcv_action.oci.layout import Layout

EVIL = "\x1b]0;owned\x07\x9b2J\n ::set-output name=hit::yes\r::error::x ##[add-mask]a \u202e"
ACTING = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202e]")


@pytest.fixture
def image(tmp_path: Path) -> str:
    """Give the reference of an image with a label that acts, and with one beyond ASCII."""
    layout = Layout.create(tmp_path / "images")
    layer = gzip_layer(archive([*entry_members(), manifest_member()]))
    of_strangers = {"org.opencontainers.image.title": EVIL, "note": "\u2714 \u540d"}
    layout.add(image_of(layout, [layer], labels() | of_strangers).descriptor, ["v1"])
    return f"oci:{tmp_path / 'images'}:v1"


def test_a_label_neither_acts_nor_is_lost(image: str) -> None:
    for environ in ({}, {"GITHUB_ACTIONS": "true"}):
        ended = tcv("inspect", image, environ=environ).ok()
        log = read_log(ended.out + ended.err)

        assert not ACTING.search(ended.out + ended.err)
        assert [*log.retired, *log.annotations, *log.masks] == []
        assert r"\u001b]0;owned\u0007\u009b2J" in ended.out


def test_a_label_is_the_same_in_json(image: str) -> None:
    ended = tcv("inspect", image, "--json", environ={"GITHUB_ACTIONS": "true"}).ok()

    assert ended.json["labels"]["org.opencontainers.image.title"] == EVIL
    assert not ACTING.search(ended.out)
    assert not read_log(ended.out).masks


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_no_encoding_is_too_small(image: str, encoding: str) -> None:
    command = [sys.executable, "-m", "tcv_action", "inspect", image]
    environ = {"PYTHONIOENCODING": encoding}
    ended = subprocess.run(command, capture_output=True, env=environ, check=False)

    assert ended.returncode == 0, ended.stderr
    assert b"note: " in ended.stdout


def test_errors_and_words_on_the_way_do_not_act(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    with terminal.phase(f"push [b]{EVIL}"):
        terminal.info(EVIL)
        terminal.warn(EVIL)
    terminal.error(StoreError(f"it said {EVIL}", cause=EVIL, next_step=EVIL))

    said = capsys.readouterr().err
    log = read_log(said)
    assert not ACTING.search(said)
    assert [*log.retired, *log.annotations, *log.masks] == []
    assert "push [b]" in said
    assert "owned" in said


def test_colours_are_ours_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    console().print("[bold]a[/bold] \x1b[31mb")

    assert capsys.readouterr().out == "\x1b[1ma\x1b[0m \\u001b[31mb\n"


def test_the_log_and_a_wrong_command_line_do_not_act(tmp_path: Path) -> None:
    record = logging.LogRecord("oras", logging.INFO, "", 0, "got %s", (EVIL,), None)
    ended = tcv("inspect", f"--{EVIL}", cwd=tmp_path)

    assert ended.code == 2
    assert not ACTING.search(ended.err)
    assert not ACTING.search(LogFormatter().format(record))


def test_results_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_text(json.dumps({"a": "b\u540d"}, ensure_ascii=False))

    assert capsys.readouterr().out == '{"a": "b\u540d"}\n'


def test_a_scripts_line_keeps_its_colours_and_nothing_else(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Terminal().script_output() as show:
        show("\x1b[32mgreen\x1b[0m [bold]\x1b[2J \x1b]0;owned\x07 \x9b ##[error]")

    shown = capsys.readouterr().err
    assert "\x1b[32mgreen\x1b[0m" in shown
    assert "[bold]" in shown
    assert not re.search(r"\x1b\[2J|\x1b\]|\x07|\x9b|##\[", shown)
