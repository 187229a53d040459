"""What a run asks of GitHub's API: all of it may fail, and is then left out with a word."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from tcv_action import inputs
from tcv_action.commands.edge import Edge
from tcv_action.errors import TcvError
from tcv_action.report.result import RunResult
from tcv_action.report.summary import brief

if TYPE_CHECKING:
    from tcv_action.github.api import Api, Patience


def labels_of_repository(edge: Edge) -> dict[str, str]:
    """Return the labels that only GitHub's API can tell; none outside GitHub."""
    repository = edge.environ.get("GITHUB_REPOSITORY", "")
    found: dict[str, str] = {}

    def ask(api: "Api") -> None:
        from tcv_action.github.repository import repository_labels  # noqa: PLC0415

        found.update(repository_labels(api, repository))

    if repository:
        _optional("the labels description and licenses", edge, ask)
    return found


def comment_on_pull_request(result: RunResult, edge: Edge, asked: Iterable[str]) -> None:
    """Leave one comment with the result on the pull request that the job belongs to.

    `asked` are the targets as they were asked for: they tell the legs of a matrix apart.
    """
    from tcv_action.github.comment import Place, pull_request_number, put_comment  # noqa: PLC0415

    number = pull_request_number(edge.github_event())
    if number is None:
        edge.say("Left out the comment: this is no pull request.")
        return
    place = Place(
        repository=edge.environ.get("GITHUB_REPOSITORY", ""),
        number=number,
        subject=_subject(result.image, asked, edge),
    )
    _optional("the comment", edge, lambda api: put_comment(api, place, _text(result, edge)))


def open_api(edge: Edge, patience: "Patience | None" = None) -> "Api | None":
    """Return GitHub's API, signed in; None without a token."""
    token = inputs.github_token(edge.environ)
    if not token:
        return None
    from tcv_action.github.api import Api  # noqa: PLC0415

    return Api(token, url=edge.environ.get("GITHUB_API_URL", ""), patience=patience)


def _optional(what: str, edge: Edge, work: Callable[["Api"], None]) -> None:
    """Do the work, or say in one line what is left out, and why."""
    try:
        api = open_api(edge)
        if api is None:
            edge.say(f"Left out {what}: there is no github-token.")
        else:
            work(api)
    except TcvError as error:
        edge.say(f"Left out {what}: {error.what} {error.next_step}")


def _subject(image: str, asked: Iterable[str], edge: Edge) -> str:
    """Name what a comment is about: each job, and each leg of a matrix, has its own."""
    names = (edge.environ.get(f"GITHUB_{name}", "") for name in ("WORKFLOW", "JOB"))
    return "\n".join((*names, image, *sorted(asked)))


def _text(result: RunResult, edge: Edge) -> str:
    server, repository, run = (
        edge.environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")
    )
    commit = edge.environ.get("GITHUB_SHA", "")[:7]
    link = f"[{commit}, this run]({server}/{repository}/actions/runs/{run})"
    return f"{brief(result)}\n<sub>{link}</sub>" if server and run else brief(result)
