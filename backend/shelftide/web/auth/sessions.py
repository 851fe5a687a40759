"""Sign-in with a password and server-side sessions. The cookie is a random text; the table knows only its hash."""

import asyncio
import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

import msgspec
from pwdlib import PasswordHash

from shelftide.core.errors import RateLimitError, SignInRequiredError
from shelftide.store.database import Database
from shelftide.store.repositories.people import (
    Person,
    Principal,
    blocked_until,
    close_session,
    find_people,
    find_principal,
    note_failure,
    open_session,
)
from shelftide.store.unit_of_work import SystemUnitOfWork

COOKIE = "shelftide_session"
LIFE = timedelta(hours=12)
_HASHER = PasswordHash.recommended()
# Verified when nobody has the address, so that an unknown address costs the same time as a wrong password.
_NOBODY = _HASHER.hash(secrets.token_urlsafe(16))


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh session: what goes into the cookie."""

    cookie: str
    agency_id: UUID


def hash_password(password: str) -> str:
    """Argon2id with the library's recommended cost."""
    return _HASHER.hash(password)


def hash_cookie(cookie: str) -> bytes:
    """How a session is stored."""
    return hashlib.sha256(cookie.encode()).digest()


async def sign_in(database: Database, email: str, password: str, *, portal_of: UUID | None = None) -> SignedIn:
    """Check a password and open a session. At the portal of an agency only its clients' people have one.

    Raises:
        SignInRequiredError: wrong address or password, or staff at a portal; these are not told apart.
        RateLimitError: too many failures.
    """
    async with SystemUnitOfWork(database, reason="sign-in happens before a scope is known") as uow:
        if await blocked_until(uow, email) is not None:
            raise RateLimitError("Too many tries.", hint="Wait a little and try again.")
        people = await find_people(uow, email, clients_of=portal_of)
    matching = await asyncio.to_thread(_matching, people, password)
    async with SystemUnitOfWork(database, reason="sign-in happens before a scope is known") as uow:
        if matching is None:
            await note_failure(uow, email)
            await uow.commit()
            raise SignInRequiredError("The e-mail address or the password is wrong.")
        cookie = secrets.token_urlsafe(32)
        await open_session(uow, matching, session_hash=hash_cookie(cookie), csrf=secrets.token_urlsafe(24), life=LIFE)
        await uow.commit()
    return SignedIn(cookie=cookie, agency_id=matching.agency_id)


def _matching(people: list[Person], password: str) -> Person | None:
    found = None
    for person in people:
        if _HASHER.verify(password, person.password_hash):
            found = person
    if not people:
        _HASHER.verify(password, _NOBODY)
    return found


async def sign_out(database: Database, cookie: str) -> None:
    """End a session."""
    async with SystemUnitOfWork(database, reason="a session is ended by its cookie alone") as uow:
        await close_session(uow, hash_cookie(cookie))
        await uow.commit()


async def principal_of(database: Database, cookie: str) -> Principal | None:
    """Who holds this cookie, with today's rights."""
    return await find_principal(database.reads, hash_cookie(cookie))
