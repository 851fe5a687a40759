"""Host names with wildcards, and the way to send a host somewhere else without the caller noticing."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit


def host_pattern(host: str) -> re.Pattern[str]:
    """A pattern to be matched whole: `*.example.com` stands for one label, a lone `*` for any host."""
    if host == "*":
        return re.compile(r".*")
    return re.compile(re.escape(host).replace(r"\*", r"[^./:]+"), re.IGNORECASE)


class Routes:
    """Where hosts really are: `{"*.example.com": "http://127.0.0.1:7801"}` in the simulator, empty in production."""

    def __init__(self, routes: Mapping[str, str] | None = None) -> None:
        self._routes = [(host_pattern(host), url.rstrip("/")) for host, url in (routes or {}).items()]

    def connection(self, url: str) -> tuple[str, str]:
        """(URL to connect to, value of the Host header)."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        base = self._base(host)
        if base is None:
            return url, parts.netloc
        there = urlsplit(base)
        return urlunsplit((there.scheme, there.netloc, there.path + parts.path, parts.query, "")), host

    def browser(self, url: str) -> str:
        """The URL that a browser is sent to: a browser cannot set Host, so the simulator takes it from the path."""
        parts = urlsplit(url)
        base = self._base(parts.hostname or "")
        if base is None:
            return url
        return f"{base}/_as/{parts.hostname}{parts.path}" + (f"?{parts.query}" if parts.query else "")

    def _base(self, host: str) -> str | None:
        return next((base for pattern, base in self._routes if pattern.fullmatch(host)), None)
