"""A request that is refused, in the service's words."""

from __future__ import annotations


class RefusedError(Exception):
    """A refusal with the service's code and HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        self.code = code
        self.message = message
        self.status = status
        super().__init__(message)


def invalid(message: str) -> RefusedError:
    """Return the refusal of a request that is wrong in itself."""
    return RefusedError("ValidationError", message)
