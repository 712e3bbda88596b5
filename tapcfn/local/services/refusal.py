"""What a service refuses."""

from __future__ import annotations


class RefusedError(Exception):
    """A refusal, with its code and in the service's words."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        self.code = code
        self.status = status
        super().__init__(message)
