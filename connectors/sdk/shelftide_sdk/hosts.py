"""Host names with wildcards: `*.example.com` stands for exactly one label."""

import re


def host_pattern(host: str) -> re.Pattern[str]:
    """A pattern to be matched whole. A lone `*` stands for any host."""
    if host == "*":
        return re.compile(r".*")
    return re.compile(re.escape(host).replace(r"\*", r"[^./:]+"), re.IGNORECASE)
