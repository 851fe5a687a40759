"""Structured logs. Whatever is named like a secret is masked before it is written."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET = re.compile(r"(token|secret|password|authorization|cookie|api_?key|hmac|signature|code)$", re.IGNORECASE)
_IN_TEXT = re.compile(
    r"((?:access|refresh)_token|client_secret|app_secret|auth_code|password)=([^&\s\"']+)", re.IGNORECASE
)


def mask_secrets(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace values of fields named like secrets, and such parameters inside texts."""
    for key, value in event.items():
        if _SECRET.search(key) and isinstance(value, str | bytes):
            event[key] = "***"
        elif isinstance(value, str):
            event[key] = _IN_TEXT.sub(r"\1=***", value)
    return event


def configure_logging(*, machine: bool = False, level: int = logging.INFO) -> None:
    """Log to stderr: lines for people, JSON for machines."""
    # Their own lines hold whole addresses, and TikTok Shop's token address carries secrets in its query.
    for name in ("httpx", "httpx2", "httpcore", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    renderer = structlog.processors.JSONRenderer() if machine else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            mask_secrets,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> Any:
    """A logger that names its part of the house."""
    return structlog.get_logger(part=name)
