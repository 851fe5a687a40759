"""What TikTok's emulated products share: an app with its grants, bad habits, the guarded call, the envelope."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from shelftide_sdk.testing.emulator import Emulator, Request, Response, reply
from shelftide_sdk.testing.world.model import Brand, WorldView
from shelftide_tiktok.emulator_grants import Grants, Memory, TokenState, brands_by_account

Row = dict[str, Any]


class Denied(Exception):  # noqa: N818  # a refusal on its way to the wire, not an error of the program
    """An answer other than success: a code in the body, most often under HTTP 200."""

    def __init__(self, code: int, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class TikTokEmulator(Emulator):
    """One product of TikTok.

    Subclasses name the accounts they show (`account_kind`), the secret of the demo's app, the lives of tokens, the word
    of a good envelope and the code of a failure.

    Attributes:
        grants: tokens; `grants.issue(account)` gives a pair without the consent page.
    """

    account_kind: ClassVar[str]
    demo_secret: ClassVar[str]
    access_life: ClassVar[timedelta]
    refresh_life: ClassVar[timedelta]
    good_word: ClassVar[str]
    failure: ClassVar[tuple[int, str]]

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
        self._accounts = brands_by_account(world.brands, self.account_kind)
        self._memory = Memory(world)
        self._calls: Counter[str] = Counter()

    # -- bad habits ----------------------------------------------------------------------------------------------

    def is_data(self, request: Request) -> bool:
        """Whether a request asks for data, not for consent or a token."""
        raise NotImplementedError  # each product has its own paths

    def too_many(self) -> Response:
        """How the product asks to wait."""
        raise NotImplementedError  # in a body or in a status

    def before(self, request: Request) -> Response | None:
        """Failures in bursts and throttling, of data calls only."""
        if not self.is_data(request):
            return None
        if "flap" in self.scenarios and self.requests % 10 == 4:
            return Response(status=502, body=b"<html>Bad Gateway</html>", headers=())
        if "flap" in self.scenarios and self.requests % 10 == 5:
            return self._fail(*self.failure)
        # A storm, then now and then: a refusal costs a second, and a house of brands makes thousands of calls.
        if "throttle" in self.scenarios and self.requests % (3 if self.requests < 100 else 15) == 0:
            return self.too_many()
        return None

    # -- one call ------------------------------------------------------------------------------------------------

    def _api(self, handler: Callable[[Request, Brand], Row]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            try:
                return self._good(handler(request, self._authenticate(request)))
            except Denied as denied:
                return self._fail(denied.code, str(denied), denied.status)

        return answer

    def _authenticate(self, request: Request) -> Brand:
        """The brand whose account a token opens. Raises Denied."""
        raise NotImplementedError  # each product checks other things

    def _look_up(self, access: str) -> tuple[TokenState, str]:
        """(state, account) of an access token; with `expire`, every sixth call of an account ends its tokens."""
        state, account = self.grants.look_up(access)
        self._calls[account] += 1
        if "expire" in self.scenarios and self._calls[account] % 6 == 0 and state is TokenState.GOOD:
            self.grants.expire_access(account)
            return TokenState.EXPIRED, account
        return state, account

    def _rearranged(self, rows: list[Row]) -> list[Row]:
        found = [*rows, rows[-1]] if "duplicate" in self.scenarios and rows else list(rows)
        if "shuffle" in self.scenarios:
            self.random.shuffle(found)
        return found

    # -- envelopes -----------------------------------------------------------------------------------------------

    def _good(self, data: Row) -> Response:
        return reply({"code": 0, "message": self.good_word, "request_id": self._request_id(), "data": data})

    def _fail(self, code: int, message: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        body = {"code": code, "message": message, "request_id": self._request_id(), "data": self._no_data()}
        return reply(body, status, headers)

    def _no_data(self) -> Row | None:
        return None

    def _request_id(self) -> str:
        return f"{self.clock():%Y%m%d%H%M%S}{self.requests:018d}"
