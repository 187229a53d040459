"""Talking to one repository of one registry: oras, with our own rules for each request.

What is ours: timeouts everywhere, retries within a bound, a sign-in that is shown to no other
host, and errors that explain themselves.
"""

import threading
from collections.abc import Callable, Mapping
from urllib.parse import urlencode, urljoin, urlsplit

import requests
from oras.container import Container
from oras.provider import Registry

from tcv_action import __version__
from tcv_action.errors import StoreError
from tcv_action.stores.access import Patience
from tcv_action.stores.registry.answers import (
    PASSING,
    body,
    exposed,
    misled,
    passing,
    refused,
    silent,
    unreachable,
)
from tcv_action.stores.registry.connection import TimelyAdapter
from tcv_action.stores.registry.headers import retry_after
from tcv_action.stores.registry.request import Attempts, Body, Call
from tcv_action.stores.registry.sign_in import SignIn

_BLOCK = 256 << 10


class Repository(Container):  # type: ignore[misc, no-any-unimported]  # oras has no type hints
    """Where requests go; replaces oras's reading of names, which mistakes short ones."""

    def __init__(self, host: str, repository: str) -> None:
        self.registry = host
        self.namespace, _, self.repository = repository.rpartition("/")
        self.tag, self.digest = "", ""


class Session(Registry):  # type: ignore[misc, no-any-unimported]  # oras has no type hints
    """One signed-in connection; `scheme` is http or https.

    `insecure` lets redirects leave TLS.
    """

    def __init__(
        self,
        sign_in: SignIn,
        repository: Repository,
        *,
        scheme: str,
        verify: bool,
        insecure: bool,
        patience: Patience,
    ) -> None:
        host: str = repository.registry
        super().__init__(hostname=host, insecure=scheme == "http", tls_verify=verify)
        self.auth = sign_in
        self.repository = repository
        self.patience = patience
        self.host = host
        self.scheme = scheme
        _set_up(self.session)
        self.insecure = insecure
        self.session.hooks["response"].append(self._before_redirect)

    def url(self, path: str) -> str:
        """Return the address of a path as oras's container gives it, host included."""
        return f"{self.scheme}://{path}"

    def call(
        self,
        method: str,
        url: str,
        *,
        data: bytes | Body | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
    ) -> requests.Response:
        """Send a request and return the answer, whatever its status; its body is not read yet.

        Bytes are sent again where that may help; a stream is sent once, as it cannot be rewound.
        `seconds` bounds the answer to its last byte; see take_time. Raises StoreError where none
        comes.
        """
        seconds = seconds or self.patience.answer
        call = Call(method=method, url=url, data=data, headers=headers or {}, seconds=seconds)
        return self._perform(call, may_sign_in=True)

    def do_request(
        self,
        url: str,
        method: str = "GET",
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        json: None = None,  # noqa: ARG002
        stream: bool = False,
    ) -> requests.Response:
        """Serve oras's own methods by `call`; its version waits up to 131 s, with no timeouts."""
        seconds = self.patience.transfer if stream else None
        return self.call(method, url, data=data, headers=headers, seconds=seconds)

    def contact(self, seconds: float) -> None:
        """Say hello and sign in, within a bound that holds for slow names and addresses too.

        Raises StoreError where the registry is not there, is none, or says no.
        """
        if not _ends_within(seconds, self._hello):
            raise silent(self.host, f"within {seconds:g} s")

    def _hello(self) -> None:
        call = Call(
            method="GET",
            url=self.url(f"{self.host}/v2/"),
            data=None,
            headers={},
            seconds=self.patience.answer,
        )
        response = self._perform(call, may_sign_in=False)
        # This challenge is not about a repository, so its scope is of no use.
        if response.status_code == 401 and self.renew(response, trusted=False):
            return
        if response.status_code not in {200, 401}:
            raise refused(response, "use it", self.host)
        body(response)

    def renew(self, response: requests.Response, *, trusted: bool = True) -> bool:
        """Sign in as a 401 asks; return whether trying again makes sense."""
        header = response.headers.get("WWW-Authenticate", "")
        secure = self.scheme == "https"
        try:
            renewed: bool = self.auth.answer(header, self._fetch, secure=secure, trusted=trusted)
        except StoreError:
            response.close()
            raise
        if renewed:
            response.close()
        return renewed

    def _fetch(
        self, method: str, url: str, *, headers: Mapping[str, str], fields: Mapping[str, str]
    ) -> requests.Response:
        form = urlencode(fields)
        if method == "GET":
            url, data = f"{url}{'&' if '?' in url else '?'}{form}", None
        else:
            data = form.encode()
            headers = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        seconds = self.patience.answer
        call = Call(method=method, url=url, data=data, headers=headers, seconds=seconds)
        return self._perform(call, may_sign_in=False)

    def _perform(self, call: Call, *, may_sign_in: bool) -> requests.Response:
        attempts = Attempts(self.patience, call.repeatable, may_sign_in and call.repeatable)
        while True:
            response = self._attempt(call, attempts)
            if response is not None:
                return response

    def _attempt(self, call: Call, attempts: Attempts) -> requests.Response | None:
        """Send the request once; None asks for another attempt."""
        try:
            response = self._send(call)
        except requests.RequestException as error:
            if passing(error) and attempts.again():
                return None
            raise unreachable(error, urlsplit(call.url).netloc) from error
        except ValueError as error:
            # The addresses of redirects are first read where they are followed.
            raise misled(self.host, error) from error
        if response.status_code == 401 and attempts.may_sign_in and self.ours(call.url):
            attempts.may_sign_in = False
            if self.renew(response):
                return None
        wanted = retry_after(response.headers)
        if response.status_code in PASSING and attempts.again(wanted):
            response.close()
            return None
        return response

    def _send(self, call: Call) -> requests.Response:
        signed = self.auth.get_auth_header() if self.ours(call.url) else {}
        # While a stream is sent, the first of the two timeouts bounds each pause.
        pause = self.patience.answer if call.repeatable else self.patience.transfer
        response: requests.Response = self.session.request(
            call.method,
            call.url,
            data=call.data,
            headers={**signed, **call.headers},
            stream=True,
            timeout=(pause, call.seconds),
            verify=self._tls_verify,
            allow_redirects=call.method in {"GET", "HEAD"},
        )
        if call.method == "HEAD":
            # There is nothing to come, and the end lets the connection be used again.
            response.raw.read()
        return response

    def _before_redirect(self, response: requests.Response, **_: object) -> None:
        """Refuse a redirect from TLS to plain HTTP, before requests follows it."""
        if not response.is_redirect:
            return
        # requests would read all that comes with it.
        body(response)
        url = urljoin(response.url, response.headers["Location"])
        leaves_tls = urlsplit(response.url).scheme == "https" != urlsplit(url).scheme
        if leaves_tls and not self.insecure:
            raise exposed(self.host, url)

    def ours(self, url: str) -> bool:
        """Whether the address is the registry's own, where its sign-in may be shown."""
        parts = urlsplit(url)
        return (parts.scheme, parts.netloc) == (self.scheme, self.host)


def _set_up(session: requests.Session) -> None:
    # Without this, requests puts the sign-in of ~/.netrc over the registry's.
    session.auth = _as_it_is
    session.headers["User-Agent"] = f"tcv-action/{__version__}"
    # A body that a proxy packed once more would not have the digest that was asked for.
    session.headers["Accept-Encoding"] = "identity"
    for scheme in ("http://", "https://"):
        adapter = TimelyAdapter()
        adapter.init_poolmanager(4, 4, blocksize=_BLOCK)
        session.mount(scheme, adapter)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _ends_within(seconds: float, work: Callable[[], None]) -> bool:
    """Do the work and return True, or give up waiting for it and return False.

    A thread, as no timeout reaches the look-up of a name. What the work raises is raised here.
    """
    failure: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001
            failure.append(error)

    thread = threading.Thread(target=guarded, daemon=True, name="registry-contact")
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    return not thread.is_alive()
