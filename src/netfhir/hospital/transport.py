"""The one place that speaks HTTP: sends bytes, returns bytes, turns failures into our errors.

It knows no FHIR beyond the OperationOutcome of a refusal, and retries nothing by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3.exceptions import MaxRetryError, NewConnectionError

from netfhir.errors import DeclarationError, TemporaryError
from netfhir.hospital import outcomes
from netfhir.hospital.endpoint import check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netfhir.hospital.endpoint import ServerSettings

FHIR_JSON = "application/fhir+json"
_FORM = "application/x-www-form-urlencoded"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SAME_METHOD = frozenset({307, 308})
_MOST_REDIRECTS = 3
_FIRST_FAILURE = 400


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply below 400."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


class Transport:
    """A pooled connection to one server; safe to share among threads.

    Raises DeclarationError for settings that cannot work, see `endpoint.check`.
    """

    def __init__(self, settings: ServerSettings, workers: int = 4) -> None:
        check(settings)
        self.name = settings.name
        self.base_url = settings.base_url.rstrip("/")
        self._timeout_s = (settings.connect_timeout_s, settings.read_timeout_s)
        self._session = _session(settings, settings.workers or workers)

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Read `path` below the base address."""
        return self.send("GET", path, headers=headers)

    def post_form(
        self, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Search with the values in the body, where no proxy's log keeps them."""
        sent = {"Content-Type": _FORM, **(headers or {})}
        return self.send("POST", path, urlencode(form).encode(), headers=sent)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send once and return the reply, or raise the ServerError that it is.

        No answer is a TemporaryError whose `sent` says whether bytes may have arrived.
        """
        url = f"{self.base_url}/{path}" if path else self.base_url
        where = f"{self.name}: {method} {path.partition('?')[0] or '/'}"
        for _ in range(_MOST_REDIRECTS):
            reply = self._once(method, url, body, headers or {}, where)
            if reply.status_code not in _REDIRECTS:
                return _accepted(reply, where)
            url = _redirected(reply, url, where)
        raise _refused_redirect(where, f"more than {_MOST_REDIRECTS} redirects")

    def _once(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], where: str
    ) -> requests.Response:
        try:
            return self._session.request(
                method,
                url,
                data=body,
                headers=dict(headers),
                timeout=self._timeout_s,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise _unanswered(error, where) from None


def _session(settings: ServerSettings, workers: int) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=workers, pool_block=True, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers.update(
        {"Accept": FHIR_JSON, "Content-Type": FHIR_JSON, "User-Agent": "netfhir"}
    )
    if settings.ca_file is not None:
        session.verify = str(settings.ca_file)
    if settings.proxy is not None:
        session.proxies = {"http": settings.proxy, "https": settings.proxy}
    session.auth = _auth(settings)
    return session


def _auth(settings: ServerSettings) -> AuthBase | None:
    if settings.auth == "bearer" and settings.token is not None:
        return _Bearer(settings.token.get_secret_value())
    if settings.auth == "basic" and settings.user and settings.password is not None:
        return HTTPBasicAuth(settings.user, settings.password.get_secret_value())
    return None


def _accepted(reply: requests.Response, where: str) -> Reply:
    if reply.status_code >= _FIRST_FAILURE:
        raise outcomes.error_of(
            reply.status_code, reply.content, reply.headers, where=where, now=datetime.now(UTC)
        )
    return Reply(reply.status_code, reply.headers, reply.content)


def _redirected(reply: requests.Response, url: str, where: str) -> str:
    target = urljoin(url, reply.headers.get("Location", ""))
    here, there = urlsplit(url), urlsplit(target)
    if (here.scheme, here.netloc) != (there.scheme, there.netloc):
        raise _refused_redirect(where, "a redirect to another host")
    if reply.status_code not in _SAME_METHOD and reply.request.method != "GET":
        raise _refused_redirect(where, f"HTTP {reply.status_code} to a request that writes")
    return target


def _refused_redirect(where: str, found: str) -> DeclarationError:
    return DeclarationError(
        "redirect", where=where, found=found, remedy="put the final address into base_url"
    )


def _unanswered(error: requests.RequestException, where: str) -> TemporaryError | DeclarationError:
    if isinstance(error, requests.exceptions.SSLError):
        return DeclarationError(
            "tls",
            where=where,
            found="a certificate or TLS handshake that is not trusted",
            remedy="name the hospital's certificate authority in ca_file",
        )
    return TemporaryError(
        "no-answer",
        where=where,
        found=f"no answer ({type(error).__name__})",
        remedy="is the server up, and base_url right?",
        sent=not _never_connected(error),
    )


def _never_connected(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, NewConnectionError)
