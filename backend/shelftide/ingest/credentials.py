"""Consent and tokens: begin, finish, refresh. The only place where a platform's token endpoint is called.

Authlib runs what is OAuth; where a platform's flow is not, the connector's pure functions build the request.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

import httpx2
import msgspec
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from shelftide.core.errors import ConflictError, InvalidInputError
from shelftide.core.points import Point, reached
from shelftide.core.scope import Scope
from shelftide.core.vault import Vault
from shelftide.ingest.forms import check_settings, key_form
from shelftide.store.database import Database
from shelftide.store.repositories.agencies import (
    OAuthState,
    save_oauth_state,
    take_oauth_state,
)
from shelftide.store.repositories.apps import get_platform_app
from shelftide.store.repositories.connections import Connection, get_connection, set_health
from shelftide.store.repositories.grants import StoredToken, TokenStore, grant_state, set_grant_state
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_sdk import (
    ApiKey,
    AuthorizationError,
    ClientCredentials,
    Connector,
    ContractError,
    OAuth2,
    RateLimitedError,
    TokenSet,
    TransientError,
)
from shelftide_sdk.auth import App, Outgoing
from shelftide_sdk.connector import Clock
from shelftide_sdk.hosts import Routes
from shelftide_sdk.http import status_error

_STATE_LIFE = timedelta(minutes=10)
REFRESH_PATIENCE = timedelta(seconds=30)
_TIMEOUT = 30.0
NO_APP = App(client_id="", client_secret="", redirect_uri="")


class RoutedTransport(httpx2.AsyncBaseTransport):
    """Sends platform hosts where `routes` says, keeping URL and Host header as the platform's."""

    def __init__(self, routes: Routes, inner: httpx2.AsyncBaseTransport | None = None) -> None:
        self._routes = routes
        self._inner = inner or httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Rewrite the address and pass on."""
        target, host = self._routes.connection(str(request.url))
        request.url = httpx2.URL(target)
        request.headers["Host"] = host
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close connections."""
        await self._inner.aclose()


def hash_state(state: str) -> str:
    """How a state is stored: a leaked table opens nothing."""
    return hashlib.sha256(state.encode()).hexdigest()


class Consent:
    """Runs a platform's consent for one person's session."""

    def __init__(self, *, vault: Vault, clock: Clock, routes: Routes) -> None:
        self._vault = vault
        self._clock = clock
        self._routes = routes

    async def begin(
        self,
        uow: UnitOfWork,
        connector: type[Connector],
        *,
        settings: Mapping[str, str],
        session_hash: str,
        redirect_uri: str,
        connection_id: UUID | None = None,
        portal: str = "",
    ) -> str:
        """The address of the platform's consent page. Commit afterwards.

        `portal` is the host where the consent ends, when that is not where the platform sends the browser.
        """
        auth = _oauth(connector)
        checked = check_settings(connector, settings)
        app = await get_platform_app(uow, self._vault, connector.info.name, redirect_uri)
        state = secrets.token_urlsafe(32) + (f".{portal}" if portal else "")
        verifier = secrets.token_urlsafe(48) if auth.pkce else None
        await save_oauth_state(
            uow,
            hash_state(state),
            {
                "tenant_id": uow.scope.tenant_id,
                "user_id": uow.scope.subject_id,
                "session_hash": session_hash,
                "connector": connector.info.name,
                "redirect_uri": redirect_uri,
                "settings": checked,
                "verifier": verifier,
                "connection_id": connection_id,
                "expires_at": self._clock.now() + _STATE_LIFE,
            },
        )
        if auth.build_authorize is not None:
            return self._routes.browser(auth.build_authorize(app, checked, state))
        extra = dict(auth.authorize_params)
        if verifier:
            extra |= {"code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256"}
        client = AsyncOAuth2Client(
            client_id=app.client_id, redirect_uri=redirect_uri, scope=auth.scope_separator.join(app.asked(auth.scopes))
        )
        url, _ = client.create_authorization_url(auth.authorize_url.format_map(checked), state=state, **extra)
        await client.aclose()
        return self._routes.browser(url)

    async def accept(
        self, uow: UnitOfWork, connector: type[Connector], params: Mapping[str, str], *, session_hash: str
    ) -> OAuthState:
        """Check a callback and use up its state. Commit at once, so that a second try finds nothing.

        Raises:
            InvalidInputError: unknown, used or expired state; another session, person or connector; denied consent.
            AuthorizationError: a forged callback.
        """
        state = await take_oauth_state(uow, hash_state(params.get("state", "")))
        if (
            state is None
            or state.expires_at < self._clock.now()
            or state.session_hash != session_hash
            or state.user_id != uow.scope.subject_id
            or state.connector != connector.info.name
        ):
            raise InvalidInputError("This consent is unknown, used or too old.", hint="Start connecting again.")
        if params.get("error"):
            raise InvalidInputError("The consent was refused at the platform.", hint="Start again and accept.")
        return state

    async def exchange(
        self, connector: type[Connector], app: App, state: OAuthState, params: Mapping[str, str]
    ) -> TokenSet:
        """Turn a verified callback's code into a token."""
        auth = _oauth(connector)
        if auth.verify_callback is not None:
            auth.verify_callback(app, state.settings, params, self._clock.now())
        code = params.get(auth.code_param) or params.get("code", "")
        if not code:
            raise InvalidInputError("The platform sent no code.", hint="Start connecting again.")

        async def ask() -> TokenSet:
            if auth.build_exchange is not None:
                request = auth.build_exchange(app, state.settings, {**params, "code": code})
                reply = await self._call(auth.token_request(request, app, state.settings, self._clock.now()))
            else:
                extra = dict(auth.token_params)
                if state.verifier:
                    extra["code_verifier"] = state.verifier
                reply = await self._fetch(
                    auth, app, state.settings, grant_type="authorization_code", code=code, **extra
                )
            return auth.parse_token(reply, self._clock.now())

        return await _patiently(ask)

    async def renew(
        self, connector: type[Connector], app: App, settings: Mapping[str, str], refresh_token: str
    ) -> TokenSet:
        """One call for a new pair. A reply without a new refresh token keeps the old one."""
        if isinstance(connector.auth, ClientCredentials):
            kept = TokenSet(access_token="", refresh_token=refresh_token)
            return await self._trade(connector.auth, kept, settings)
        auth = _oauth(connector)

        async def ask() -> TokenSet:
            if auth.build_refresh is not None:
                request = auth.build_refresh(app, settings, {"refresh_token": refresh_token})
                reply = await self._call(auth.token_request(request, app, settings, self._clock.now()))
            else:
                reply = await self._fetch(
                    auth, app, settings, grant_type="refresh_token", refresh_token=refresh_token, **auth.token_params
                )
            return auth.parse_token(reply, self._clock.now())

        # A rotation whose answer may be lost is repeated only where the old token is promised to work still.
        token = await (_patiently(ask) if auth.rotation_overlap else _patiently(ask, lost=False))
        if token.refresh_token is None:
            return msgspec.structs.replace(token, refresh_token=refresh_token)
        return token

    async def typed(self, connector: type[Connector], settings: Mapping[str, str], keys: Mapping[str, str]) -> TokenSet:
        """A token out of checked keys: the key itself, or what the platform gives for it.

        Raises:
            AuthorizationError: the platform does not take the keys.
            ConflictError: the connector asks for consent, not for keys.
        """
        auth = connector.auth
        if isinstance(auth, ClientCredentials):
            return await self._trade(auth, auth.typed(keys), settings)
        if isinstance(auth, ApiKey):
            return auth.typed(keys)
        raise ConflictError(f"{connector.info.title} is not connected by a key.")

    async def _trade(self, auth: ClientCredentials, kept: TokenSet, settings: Mapping[str, str]) -> TokenSet:
        async def ask() -> TokenSet:
            reply = await self._call(auth.token_request(kept, settings))
            return auth.parse_token(reply, self._clock.now())

        return msgspec.structs.replace(await _patiently(ask), refresh_token=kept.refresh_token)

    async def _fetch(self, auth: OAuth2, app: App, settings: Mapping[str, str], **params: str) -> Any:
        url = auth.token_url.format_map(settings)
        async with AsyncOAuth2Client(
            client_id=app.client_id,
            client_secret=app.client_secret,
            redirect_uri=app.redirect_uri,
            token_endpoint_auth_method="client_secret_post",  # noqa: S106  # the name of a method
            transport=RoutedTransport(self._routes),
            timeout=_TIMEOUT,
        ) as client:
            try:
                return dict(await client.fetch_token(url, **params))
            except OAuthError as error:
                raise AuthorizationError(f"The platform refused: {error.description or error.error}.") from error
            except httpx2.TransportError as error:
                raise TransientError("The platform's sign-in could not be reached.") from error
            except httpx2.HTTPStatusError as error:
                raise status_error(error.response) or ContractError("The token reply was refused.") from error
            except ValueError as error:
                raise ContractError("The token reply is not JSON.") from error

    async def _call(self, request: Outgoing) -> Any:
        async with httpx2.AsyncClient(transport=RoutedTransport(self._routes), timeout=_TIMEOUT) as client:
            try:
                response = await client.request(
                    request.method,
                    request.url,
                    params=httpx2.QueryParams([(k, v) for k, v in request.params]) if request.params else None,
                    headers=request.headers,
                    content=request.content or None,
                )
            except httpx2.TransportError as error:
                raise TransientError("The platform's sign-in could not be reached.") from error
        problem = status_error(response)
        if isinstance(problem, RateLimitedError | TransientError):
            raise problem
        try:
            return msgspec.json.decode(response.content)
        except msgspec.DecodeError as error:
            raise problem or ContractError("The token reply is not JSON.") from error


async def _patiently(ask: Callable[[], Awaitable[TokenSet]], *, lost: bool = True) -> TokenSet:
    """Ask a token endpoint again while it asks to wait, or (`lost`) while it fails."""
    waits = [0.5, 1.0, 2.0, 4.0]
    while True:
        try:
            return await ask()
        except (RateLimitedError, TransientError) as error:
            if not waits or (isinstance(error, TransientError) and not lost):
                raise
            wait = timedelta(seconds=waits.pop(0))
            if isinstance(error, RateLimitedError) and error.retry_after is not None:
                wait = min(error.retry_after, timedelta(seconds=10))
            await asyncio.sleep(wait.total_seconds())


def _oauth(connector: type[Connector]) -> OAuth2:
    if not isinstance(connector.auth, OAuth2):
        raise ConflictError(f"{connector.info.title} is not connected by consent.")
    return connector.auth


class FreshCredentials:
    """The token of a consent that is not stored yet; renewed in place when the platform wants it."""

    def __init__(
        self, consent: Consent, connector: type[Connector], app: App, token: TokenSet, settings: Mapping[str, str]
    ) -> None:
        self._consent = consent
        self._connector = connector
        self._app = app
        self._settings = settings
        self.token = token

    async def current(self) -> tuple[App, TokenSet]:
        """The app and the newest token."""
        return self._app, self.token

    async def refresh(self, seen: TokenSet) -> TokenSet:
        """A newer token."""
        if seen.access_token == self.token.access_token:
            if self.token.refresh_token is None:
                raise AuthorizationError("The platform does not accept the new token.")
            self.token = await self._consent.renew(self._connector, self._app, self._settings, self.token.refresh_token)
        return self.token


_turns: WeakValueDictionary[tuple[int, UUID], asyncio.Lock] = WeakValueDictionary()


def _turn(grant_id: UUID) -> asyncio.Lock:
    """A process's callers for one grant go one by one: a hundred of them must not ask the database at once."""
    key = (id(asyncio.get_running_loop()), grant_id)
    return _turns.setdefault(key, asyncio.Lock())


class StoredCredentials:
    """The token of a grant, shared by its connections and all processes: `shelftide_sdk.http.Credentials`.

    A refresh is announced in the row before the platform is asked (`refresh_started_at`), in a transaction of its own.
    Whoever announces it calls; everybody else waits for the new version. An announcement older than `patience` (a
    worker's lease) belongs to a process that died between the platform's answer and our commit: the next one tries
    the old token once more.
    """

    def __init__(
        self,
        database: Database,
        scope: Scope,
        *,
        consent: Consent,
        vault: Vault,
        connection: Connection,
        connector: type[Connector],
        patience: timedelta = REFRESH_PATIENCE,
    ) -> None:
        self._database = database
        self._scope = scope
        self._consent = consent
        self._vault = vault
        self._connection = connection
        self._connector = connector
        self._grant_id = connection.grant_id
        self._patience = patience
        self._cached: tuple[App, TokenSet] | None = None

    @property
    def _grant(self) -> UUID:
        if self._grant_id is None:
            raise AuthorizationError("The connection has no token.", hint="Reconnect the account.")
        return self._grant_id

    async def current(self) -> tuple[App, TokenSet]:
        """The app and the newest token. Raises AuthorizationError when there is none."""
        if self._cached is None:
            async with UnitOfWork(self._database, self._scope) as uow:
                app = NO_APP
                if not key_form(self._connector):
                    app = await get_platform_app(uow, self._vault, self._connection.connector, "")
                stored = await self._load(uow)
                await uow.commit()
            if stored is None:
                raise AuthorizationError("The connection has no token.")
            self._cached = (app, _token(stored))
        return self._cached

    async def refresh(self, seen: TokenSet) -> TokenSet:
        """A newer token than `seen`. One provider call a rotation over all processes."""
        async with _turn(self._grant):
            return await self._refresh(seen)

    async def _refresh(self, seen: TokenSet) -> TokenSet:
        for _ in range(400):
            stored, mine = await self._announce(seen)
            if stored.access_token.reveal() != seen.access_token:
                return await self._remember(_token(stored))
            if mine:
                return await self._rotate(stored)
            await asyncio.sleep(0.1)
        raise TransientError("Another process is refreshing the token and does not finish.")

    async def _announce(self, seen: TokenSet) -> tuple[StoredToken, bool]:
        async with UnitOfWork(self._database, self._scope) as uow:
            store = TokenStore(uow, self._vault)
            stored = await self._load(uow, lock=True)
            if stored is None:
                raise AuthorizationError("The connection has no token.")
            fresh = stored.access_token.reveal() != seen.access_token
            now = await store.database_now()
            busy = stored.refresh_started_at is not None and now - stored.refresh_started_at < self._patience
            mine = not fresh and not busy
            if mine and await self._ended(uow):
                raise AuthorizationError("The platform ended the grant.", hint="Reconnect the account.")
            if mine:
                await store.mark_refresh(self._grant, now)
            await uow.commit()
        return stored, mine

    async def _load(self, uow: UnitOfWork, *, lock: bool = False) -> StoredToken | None:
        """The token of the connection's grant. A new consent may have put the connection on another grant since the
        run began: then that one's."""
        store = TokenStore(uow, self._vault)
        stored = None if self._grant_id is None else await store.load(self._grant_id, lock=lock)
        if stored is None:
            self._grant_id = (await get_connection(uow, self._connection.connection_id)).grant_id
            stored = await store.load(self._grant, lock=lock)
        return stored

    async def _rotate(self, stored: StoredToken) -> TokenSet:
        if stored.refresh_token is None:
            await self._give_up("The platform gave no way to renew the token.")
            raise AuthorizationError("The access token has expired and cannot be renewed.")
        app, _ = await self.current()
        try:
            token = await self._consent.renew(
                self._connector, app, self._connection.settings, stored.refresh_token.reveal()
            )
        except AuthorizationError as error:
            await self._give_up(error.message)
            raise
        except BaseException:
            await self._withdraw()
            raise
        reached(Point.REFRESH_NOT_STORED)
        try:
            async with UnitOfWork(self._database, self._scope) as uow:
                await TokenStore(uow, self._vault).save(self._grant, token, seen=stored.version)
                await uow.commit()
        except ConflictError:  # ours took longer than the patience of others: what they stored is the newest
            self._cached = None
            return (await self.current())[1]
        return await self._remember(token)

    async def _ended(self, uow: UnitOfWork) -> bool:
        """Whether an earlier refresh was refused for good: the platform is not asked again until a new consent."""
        return await grant_state(uow, self._grant) == "reconnect"

    async def _give_up(self, reason: str) -> None:
        async with UnitOfWork(self._database, self._scope) as uow:
            await set_health(
                uow, self._connection.connection_id, state="reconnect", reason=reason, step="Reconnect the account."
            )
            await set_grant_state(uow, self._grant, "reconnect", reason)
            await TokenStore(uow, self._vault).mark_refresh(self._grant, None)
            await uow.commit()

    async def _withdraw(self) -> None:
        async with UnitOfWork(self._database, self._scope) as uow:
            await TokenStore(uow, self._vault).mark_refresh(self._grant, None)
            await uow.commit()

    async def _remember(self, token: TokenSet) -> TokenSet:
        app, _ = await self.current()
        self._cached = (app, token)
        return token


def _token(stored: StoredToken) -> TokenSet:
    return TokenSet(
        access_token=stored.access_token.reveal(),
        expires_at=stored.expires_at,
        scopes=stored.scopes,
    )
