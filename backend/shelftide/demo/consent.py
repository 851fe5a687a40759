"""Connecting as a person does: sign in to the console, begin, agree on the platform's page, come back."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode, urljoin

import httpx2

from shelftide.core.errors import ConflictError
from shelftide.demo.seeding import PASSWORD

_FORM = re.compile(r"<form[^>]*action=\"([^\"]*)\"[^>]*>(.*?)</form>", re.DOTALL)
_FIELD = re.compile(r"<input[^>]*name=\"([^\"]*)\"[^>]*value=\"([^\"]*)\"")


class Browser:
    """A person at the console: cookies, CSRF header, redirects."""

    def __init__(self, console_url: str) -> None:
        self._console = console_url
        self._http = httpx2.AsyncClient(timeout=60.0, follow_redirects=False)
        self._csrf = ""

    async def close(self) -> None:
        """Leave."""
        await self._http.aclose()

    async def sign_in(self, email: str, password: str = PASSWORD) -> None:
        """Sign in and remember the session's CSRF text."""
        reply = await self._http.post(f"{self._console}/api/v1/session", json={"email": email, "password": password})
        _good(reply)
        self._csrf = reply.json()["csrf"]

    async def get(self, path: str) -> Any:
        """GET JSON from the API."""
        reply = await self._http.get(f"{self._console}{path}")
        _good(reply)
        return reply.json()

    async def post(self, path: str, body: Any = None) -> Any:
        """POST JSON to the API."""
        reply = await self._http.post(f"{self._console}{path}", json=body or {}, headers={"x-csrf-token": self._csrf})
        _good(reply)
        return reply.json()

    async def connect(self, tenant_id: str, connector: str, *, account: str, settings: dict[str, str]) -> None:
        """The whole consent for one account; a person whose consent failed clicks again, twice."""
        for tries_left in (2, 1, 0):
            try:
                await self._consent(tenant_id, connector, account=account, settings=settings)
                break
            except ConflictError:
                if not tries_left:
                    raise

    async def assign(self, tenant_id: str, connector: str, account: str) -> bool:
        """Give the brand an account that one of the client's consents opens already; whether there is one."""
        for found in await self.get(f"/api/v1/tenants/{tenant_id}/grants"):
            grant = found["grant"]
            waiting = {each["account_id"] for each in found["accounts"] if each["tenant_id"] is None}
            if grant["connector"] == connector and account in waiting:
                path = f"/api/v1/tenants/{tenant_id}/grants/{grant['grant_id']}/accounts"
                await self.post(path, {"account_id": account})
                return True
        return False

    async def _consent(self, tenant_id: str, connector: str, *, account: str, settings: dict[str, str]) -> None:
        begun = await self.post(
            f"/api/v1/tenants/{tenant_id}/connections", {"connector": connector, "settings": settings}
        )
        address = begun["authorize_url"]
        consent = await self._http.get(address)
        while consent.status_code in (302, 303):
            address = urljoin(address, consent.headers["location"])
            consent = await self._http.get(address)
        _good(consent)
        agreed = await self._http.get(agree_url(address, consent.text, account))
        if agreed.status_code not in (302, 303):
            said = re.sub(r"<[^>]*>", " ", agreed.text)[:200]
            raise ConflictError(f"The consent page of {connector} did not lead back for {account}: {said}")
        back = await self._http.get(urljoin(address, agreed.headers["location"]))
        if back.status_code not in (302, 303):
            raise ConflictError(f"The consent for {account} failed.", internal=back.text[:500])


def agree_url(address: str, html: str, account: str) -> str:
    """Where the consent page's "agree" leads: the form that names the account, or the only form."""
    forms = _FORM.findall(html)
    if not forms:
        raise ConflictError("The platform showed no consent form.")
    action, inner = next((form for form in forms if account in form[1]), forms[0])
    fields = [(unescape(name), unescape(value)) for name, value in _FIELD.findall(inner)]
    return f"{urljoin(address, unescape(action))}?{urlencode(fields)}"


def _good(reply: httpx2.Response) -> None:
    if reply.status_code >= 400:
        where = f"{reply.request.method} {reply.request.url.path}"
        raise ConflictError(f"{where} answered {reply.status_code}: {reply.text[:300]}")
