"""Errors on the wire: problem+json (RFC 9457) for the API, a page for people. One place decides what leaves."""

from typing import Any

import msgspec
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, NotFoundException, ValidationException

from shelftide.core.errors import AppError
from shelftide.core.log import get_logger
from shelftide.web.pages import problem_page
from shelftide_sdk import ConnectorError

log = get_logger("web")
PROBLEM = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What a client learns. `code` is stable; `hint` says what to do."""

    type: str
    title: str
    status: int
    code: str
    hint: str = ""


def problem_of(error: Exception) -> Problem:
    """The public face of an error. Whatever is not foreseen says nothing of itself."""
    if isinstance(error, AppError):
        return _problem(error.status, error.code, error.message, error.hint)
    if isinstance(error, ConnectorError):
        return _problem(502, f"platform_{error.kind}", error.message, error.hint)
    if isinstance(error, NotFoundException):
        return _problem(404, "not_found", "Not found.")
    if isinstance(error, ValidationException):
        fields = [str(item.get("key", "")) for item in error.extra or [] if isinstance(item, dict)]
        return _problem(400, "invalid_input", f"Not understood: {', '.join(filter(None, fields)) or error.detail}.")
    if isinstance(error, HTTPException) and error.status_code < 500:
        return _problem(error.status_code, "http", error.detail or "The request was not understood.")
    return _problem(500, "internal", "Something went wrong inside Shelftide.", "It was noted; try again.")


def _problem(status: int, code: str, title: str, hint: str = "") -> Problem:
    return Problem(type=f"https://shelftide.example/problems/{code}", title=title, status=status, code=code, hint=hint)


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The reply to an error."""
    problem = problem_of(error)
    if isinstance(error, ConnectorError):  # the platform's trouble, not ours: no traceback
        log.warning("platform_refused", path=request.url.path, kind=error.kind, message=error.message)
    elif problem.status >= 500:
        log.error("request_failed", path=request.url.path, error=repr(error), exc_info=error)
    elif isinstance(error, AppError) and error.internal:
        log.info("request_refused", path=request.url.path, code=problem.code, internal=error.internal)
    if request.url.path.startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
        return Response(problem, status_code=problem.status, media_type=PROBLEM)
    return _page(request, problem)


def _page(request: Request[Any, Any, Any], problem: Problem) -> Response[Any]:
    if problem.status == 401:
        return Response("", status_code=303, headers={"location": "/sign-in"}, media_type=MediaType.TEXT)
    return problem_page(request, status=problem.status, title=problem.title, hint=problem.hint)
