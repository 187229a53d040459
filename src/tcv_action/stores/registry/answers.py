"""What a registry's refusals and silences mean, as errors in three parts."""

import json
from typing import Final
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, ReadTimeoutError

from tcv_action.errors import StoreError
from tcv_action.stores.registry.headers import retry_after

PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_BODY_LIMIT: Final = 64 << 10
_MESSAGE_LIMIT: Final = 300


class UnreachableError(StoreError):
    """No answer came. `passing`: trying again at once may help."""

    def __init__(self, what: str, *, cause: str, next_step: str, passing: bool) -> None:
        super().__init__(what, cause=cause, next_step=next_step)
        self.passing = passing


def body(response: requests.Response, limit: int = _BODY_LIMIT) -> bytes:
    """Read at most `limit` and one more bytes of an answer, and let its connection go.

    Raises StoreError where the answer breaks off or does not end in time.
    """
    host = urlsplit(response.url).netloc
    try:
        data: bytes = response.raw.read(limit + 1, decode_content=True)
    except ReadTimeoutError as error:
        raise silent(host, "in time") from error
    except (HTTPError, OSError) as error:
        raise broken_off(host, 0, error) from error
    finally:
        response.close()
    return data


def refused(response: requests.Response, doing: str, host: str) -> StoreError:
    """Say why a registry did not do what was asked; `doing` is like "push 'ghcr.io/o/r'"."""
    status = response.status_code
    what = f"cannot {doing}: the registry {host!r} answers {status}{_message(response)}"
    cause, step = _advice(status, host, retry_after(response.headers))
    return StoreError(what, cause=cause, next_step=step)


def _advice(status: int, host: str, pause: int | None) -> tuple[str, str]:
    if status in {401, 403}:
        step = f"Sign in with 'docker login {host}', or give --registry-username and its password"
        step += "; in a workflow the job needs 'packages: write'."
        return "The registry says no: you are not signed in there, or may not do this.", step
    if status == 404:
        return (
            "There is no such repository, tag or blob, or you may not see it.",
            "Check the name and the tag, and sign in if the repository is private.",
        )
    if status == 413:
        return (
            "The registry, or a proxy before it, takes no blobs of this size.",
            "Pack fewer bytes (--contents binary), or raise the limit there.",
        )
    if status == 429:
        wait = "Wait a while" if pause is None else f"Wait {pause} s"
        return "Too many requests were made.", f"{wait} and try again; sign in for a higher limit."
    if status >= 500:
        return "The registry is in trouble.", "Try again later, or ask who runs it."
    return "The registry does not do this, or is none.", "Check the name of the registry."


def _message(response: requests.Response) -> str:
    """Return the registry's own words, where its answer has some."""
    try:
        errors = json.loads(body(response))["errors"]
        words = "; ".join(str(error.get("message") or error["code"]) for error in errors)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, StoreError):
        return ""
    return f" ({words[:_MESSAGE_LIMIT]})" if words else ""


def unreachable(error: requests.RequestException, host: str) -> UnreachableError:
    """Say why a registry did not answer at all."""
    late = isinstance(error, requests.Timeout)
    reason = "it did not answer in time" if late else _root(error)
    what = f"the registry {host!r} cannot be reached: {reason}"
    if isinstance(error, requests.exceptions.SSLError):
        cause = "Its certificate is not one that this machine trusts, or it speaks no TLS."
        step = "Install its certificate authority; for a registry of your own, give --insecure."
    elif late:
        cause = "It is not there, or a firewall lies between, or it is too busy."
        step = "Check the name and the network, and try again."
    else:
        cause = "Nothing listens there, its name is unknown, or the connection broke off."
        step = "Check the name of the registry and the network, and try again."
    return UnreachableError(what, cause=cause, next_step=step, passing=passing(error))


def misled(host: str, error: ValueError) -> StoreError:
    """Say that a registry sends a request to what is no address."""
    return StoreError(
        f"the registry {host!r} sends a request to an address that cannot be used: {error}",
        cause="It, or a proxy before it, is set up wrongly.",
        next_step="Ask who runs the registry.",
    )


def exposed(host: str, url: str) -> StoreError:
    """Say that a redirect leaves TLS."""
    return StoreError(
        f"the registry {host!r} sends a request to {url!r}",
        cause="That address is not protected by TLS as its own is, so anyone between can change it.",
        next_step="Ask who runs the registry; for a registry of your own, give --insecure.",
    )


def silent(host: str, bound: str) -> StoreError:
    """Say that a registry did not answer in time; `bound` is like "within 5 s"."""
    return StoreError(
        f"the registry {host!r} did not answer {bound}",
        cause="It is not there, or a firewall lies between, or it is too busy.",
        next_step="Check the name and the network, and try again.",
    )


def broken_off(host: str, done: int, error: Exception) -> StoreError:
    """Say that a download ended early; `done` bytes came."""
    return StoreError(
        f"the registry {host!r} broke a download off after {done} bytes: {_root(error)}",
        cause="The network, a proxy or the registry failed while bytes were on their way.",
        next_step="Try again.",
    )


def passing(error: requests.RequestException) -> bool:
    """Whether trying again at once may help: a connection that broke, not one that never was."""
    if isinstance(error, requests.exceptions.SSLError | requests.Timeout):
        return False
    if not isinstance(error, requests.ConnectionError):
        return False
    reason = error.args[0] if error.args else None
    return not (isinstance(reason, MaxRetryError) and isinstance(reason.reason, NewConnectionError))


def _root(error: BaseException) -> str:
    """Return the innermost words of a chain of exceptions."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error) or type(error).__name__
