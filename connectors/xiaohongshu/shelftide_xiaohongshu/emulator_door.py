"""What Xiaohongshu's emulated doors share: grants, bad habits, consent pages, rows rearranged."""

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

import msgspec

from shelftide_sdk.testing.emulator import Emulator, Request, Response
from shelftide_sdk.testing.world.model import Brand, WorldView, stable_id

Row = dict[str, Any]
T = TypeVar("T")
CODE_LIFE = timedelta(minutes=10)

_CALLS_LATER = 60  # of a token after the first, with the habit `expire`


class Denied(Exception):  # noqa: N818  # a refusal on its way to the wire, not an error of the program
    """An answer other than success: a code and a text in the body, most often under HTTP 200."""

    def __init__(self, code: int, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A pair of tokens for one account, with the moments at which they end."""

    account: str
    access: str
    refresh: str
    access_until: datetime
    refresh_until: datetime


class Grants:
    """All that one app was granted."""

    def __init__(self, now: Callable[[], datetime], *, access_life: timedelta, refresh_life: timedelta) -> None:
        self._now = now
        self._access_life = access_life
        self._refresh_life = refresh_life
        self._codes: dict[str, tuple[str, datetime, list[Issued]]] = {}
        self._access: dict[str, tuple[str, datetime]] = {}
        self._pairs: dict[str, Issued] = {}

    def code(self, account: str) -> str:
        """A code for the callback."""
        code = secrets.token_urlsafe(24)
        self._codes[code] = (account, self._now() + CODE_LIFE, [])
        return code

    def redeem(self, code: str) -> Issued | None:
        """Trade a code in time; a second time gives the same tokens."""
        account, until, given = self._codes.get(code, ("", self._now(), []))
        if until <= self._now():
            return None
        if not given:
            given.append(self.issue(account))
        return given[0]

    def issue(self, account: str) -> Issued:
        """Fresh tokens."""
        now = self._now()
        issued = Issued(
            account=account,
            access=f"token-{secrets.token_urlsafe(24)}",
            refresh=f"refresh-{secrets.token_urlsafe(24)}",
            access_until=now + self._access_life,
            refresh_until=now + self._refresh_life,
        )
        self._access[issued.access] = (account, issued.access_until)
        self._pairs[issued.refresh] = issued
        return issued

    def pair(self, refresh: str) -> Issued | None:
        """The pair of a refresh token that still lives."""
        found = self._pairs.get(refresh)
        return found if found and found.refresh_until > self._now() else None

    def access_until(self, access: str) -> datetime | None:
        """When an access token ends; None for one that nobody gave."""
        return self._access[access][1] if access in self._access else None

    def account_of(self, access: str) -> str:
        """The account that an access token opens."""
        return self._access[access][0]

    def end_access(self, access: str, at: datetime) -> None:
        """An access token lives until `at` at most."""
        account, until = self._access[access]
        self._access[access] = (account, min(until, at))

    def drop(self, refresh: str) -> None:
        """A refresh token is used up."""
        self._pairs.pop(refresh, None)

    def expire_access(self, account: str) -> None:
        """All access tokens of an account end now; refresh tokens live on."""
        for token, (owner, _) in self._access.items():
            if owner == account:
                self._access[token] = (owner, self._now())

    def revoke(self, account: str) -> None:
        """The account removes the app: nothing works any more."""
        self._access = {token: held for token, held in self._access.items() if held[0] != account}
        self._pairs = {token: pair for token, pair in self._pairs.items() if pair.account != account}


class Memory:
    """What is costly to work out, until the world moves on."""

    def __init__(self, world: WorldView) -> None:
        self._world = world
        self._at = world.now
        self._held: dict[tuple[Any, ...], Any] = {}

    def get(self, key: tuple[Any, ...], build: Callable[[], T]) -> T:
        """The value under `key`, built when it is not known at this moment of the world."""
        if self._world.now != self._at:
            self._at, self._held = self._world.now, {}
        if key not in self._held:
            self._held[key] = build()
        found: T = self._held[key]
        return found


class XiaohongshuEmulator(Emulator):
    """A door of Xiaohongshu.

    Attributes:
        grants: tokens; `grants.issue(account)` gives a pair without the consent page.
    """

    demo_secret: ClassVar[str]
    access_life: ClassVar[timedelta]
    refresh_life: ClassVar[timedelta]
    calls_of_a_token: ClassVar[int] = 6  # with the habit `expire`

    def __init__(
        self,
        world: WorldView,
        *,
        scenarios: Sequence[str] = (),
        seed: int = 7,
        client_id: str = "shelftide-demo",
        client_secret: str = "",
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        super().__init__(world, scenarios=scenarios, seed=seed, clock=clock)
        self.client_id = client_id
        self.client_secret = client_secret or self.demo_secret
        self.grants = Grants(self.clock, access_life=self.access_life, refresh_life=self.refresh_life)
        self._memory = Memory(world)
        self._calls: Counter[str] = Counter()
        self._ended: set[str] = set()  # accounts whose first token ended

    def is_data(self, request: Request) -> bool:
        """Whether a request asks for data, not for consent or a token."""
        raise NotImplementedError  # each door has its own paths

    def fail(self, code: int, message: str, status: int = 200) -> Response:
        """An error in the door's own envelope."""
        raise NotImplementedError  # each door has its own spelling

    def before(self, request: Request) -> Response | None:
        """Failures in bursts and throttling, of data calls only."""
        if not self.is_data(request):
            return None
        if "flap" in self.scenarios and self.requests % 10 == 4:
            return Response(status=502, body=b"<html>Bad Gateway</html>", headers=())
        if "flap" in self.scenarios and self.requests % 10 == 5:
            return self.fail(-1, "系统异常，请稍后重试")
        # A storm, then now and then: a refusal costs a second, and a house of brands makes thousands of calls.
        if "throttle" in self.scenarios and self.requests % (3 if self.requests < 100 else 15) == 0:
            return self.fail(-1, "请求过于频繁，已触发限流")
        return None

    def account_of(self, access: str) -> str:
        """The account that a token opens. With `expire`, the sixth call of its first token (Ark: the eighth) ends all
        of the account, and so does the sixtieth of each later one: a dozen calls under way must outlive a renewal.
        """
        until = self.grants.access_until(access)
        if until is None:
            raise Denied(-1, "accessToken 无效")
        account = self.grants.account_of(access)
        self._calls[access] += 1
        most = _CALLS_LATER if account in self._ended else self.calls_of_a_token
        if "expire" in self.scenarios and self._calls[access] == most:
            self._ended.add(account)
            self.grants.expire_access(account)
            until = self.clock()
        if until <= self.clock():
            raise Denied(-1, "accessToken 已过期")
        return account

    def rearranged(self, rows: Sequence[Row]) -> list[Row]:
        """A page with the bad habits of lists."""
        found = [*rows, rows[-1]] if "duplicate" in self.scenarios and rows else list(rows)
        if "shuffle" in self.scenarios:
            self.random.shuffle(found)
        return found


def chance(key: str, one_in: int) -> bool:
    """The same roll for a key in every run."""
    return stable_id("xhs-chance", key, 9) % one_in == 0


def brands_by_account(brands: Sequence[Brand], name: str) -> dict[str, Brand]:
    """The brands that have an account under `name`, by its id."""
    return {brand.accounts[name]: brand for brand in brands if name in brand.accounts}
