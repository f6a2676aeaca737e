"""Errors as the API answers them: a status, and a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Mapping


class ApiError(Exception):
    """A request that is not answered with a result.

    Args:
        status: 400 (not as documented), 401, 403, 404, 413 (too much), 422 (cannot be used) or 503 (not now).
        message: what is wrong, and what to do.
        headers: headers of the answer.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})


def try_again(message: str, seconds: float = 1) -> ApiError:
    """Return the error of a server that cannot answer now, but probably can in so many seconds."""
    return ApiError(503, message, {"Retry-After": f"{max(1, round(seconds))}"})
