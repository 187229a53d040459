"""The edge: argv and environment come in, an exit code goes out; the one place that catches."""

import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from types import FrameType

import click

from tcv_action.commands import edge, output
from tcv_action.commands.group import cli
from tcv_action.errors import TcvError

_INTERRUPTED = 130
_UNEXPECTED = 1


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    output.escape_what_cannot_be_encoded()
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments), dict(os.environ)))


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command and return its exit code; every error is shown, none escapes."""
    surroundings = edge.Edge.of(environ)
    try:
        return _called(arguments, surroundings)
    except TcvError as error:
        surroundings.show(error)
        return error.exit_code
    except click.ClickException as error:
        output.show_usage_error(error)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        surroundings.say("Interrupted.")
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output went away; Python must not try to flush it again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _UNEXPECTED
    except Exception as error:
        logging.getLogger(__name__).debug("unexpected", exc_info=True)
        surroundings.show(_unexpected(error))
        return _UNEXPECTED


def _called(arguments: Sequence[str], surroundings: edge.Edge) -> int:
    ended = cli.main(
        args=list(arguments),
        prog_name="tcv",
        obj=surroundings,
        # The action's inputs are those of `tcv run`, and a wrong one fails no other command.
        default_map=surroundings.default_map() if "run" in arguments else {},
        standalone_mode=False,
    )
    # Outside its standalone mode click returns the code of `Context.exit`, else None.
    return ended if isinstance(ended, int) else 0


def _unexpected(error: Exception) -> TcvError:
    return TcvError(
        f"Something unexpected happened: {type(error).__name__}: {error}",
        cause="This is most likely a defect of tcv-action.",
        next_step="Run it again with --log-level debug and report what it prints.",
    )


def _as_interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
