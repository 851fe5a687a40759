"""Errors that users meet. Each has a status, a stable code, a public message and a hint that says what to do.

AppError
├── NotFoundError        404  also for what belongs to somebody else: a stranger learns nothing
├── SignInRequiredError  401
├── ForbiddenError       403  the person may see it but not do this
├── InvalidInputError    400  names the field
├── ConflictError        409
├── RateLimitError       429
├── SetupError           500  the machine or the configuration; `shelftide doctor` explains
└── UnavailableError     503
"""

from typing import ClassVar


class AppError(Exception):
    """Base. `message` and `hint` are for the person; `internal` is for the log."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "", internal: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.internal = internal


class NotFoundError(AppError):
    """Not there, or not for this person."""

    status = 404
    code = "not_found"

    def __init__(self, message: str = "Not found.", *, hint: str = "", internal: str = "") -> None:
        super().__init__(message, hint=hint, internal=internal)


class SignInRequiredError(AppError):
    """No valid credential."""

    status = 401
    code = "sign_in_required"

    def __init__(self, message: str = "Sign in first.", *, hint: str = "", internal: str = "") -> None:
        super().__init__(message, hint=hint, internal=internal)


class ForbiddenError(AppError):
    """The person may see the thing but not do this to it."""

    status = 403
    code = "forbidden"


class InvalidInputError(AppError):
    """Something in the request is wrong; the message names it."""

    status = 400
    code = "invalid_input"


class ConflictError(AppError):
    """The thing is not in a state that allows this."""

    status = 409
    code = "conflict"


class RateLimitError(AppError):
    """Too many tries."""

    status = 429
    code = "rate_limited"


class SetupError(AppError):
    """The machine or the configuration is not ready."""

    status = 500
    code = "setup"


class UnavailableError(AppError):
    """A part of the system is down for the moment."""

    status = 503
    code = "unavailable"
