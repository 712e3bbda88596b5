"""Every error that tapcfn raises on purpose; each class owns one exit code.

TapcfnError            1  something failed
├── ConfigError        2  the settings are wrong; nothing was written
├── TemplateError      2  a template is wrong before anything is sent
├── UsageError         2  the command line asks for something impossible
├── BlockedError       4  a guard, an allow-list or a preflight says no
├── StaleError         6  what was reviewed is no longer what would run
├── StillRunningError  7  the deadline passed while AWS goes on
│   └── NotBegunError  7  it passed before anything was begun
├── StackError         1  a stack operation failed
├── CloudError         1  AWS refused a call, or could not be reached
│   ├── UnknownStatusError  1  AWS said something that is unknown here
│   └── BusyError      1  another operation is at work on a stack set
└── LocalCloudError    1  the local cloud could not be started or stopped
"""

from __future__ import annotations

from tapcfn.remark import Remark


class TapcfnError(Exception):
    """Something that tapcfn can explain in one line."""

    exit_code = 1


class ConfigError(TapcfnError):
    """Settings that are wrong, with every fault named at once."""

    exit_code = 2

    def __init__(self, where: str, faults: tuple[str, ...]) -> None:
        self.where = where
        self.faults = faults
        super().__init__(f"{where}: " + "; ".join(faults))


class TemplateError(TapcfnError):
    """A template or a rollout that contradicts itself or the service's limits."""

    exit_code = 2


class UsageError(TapcfnError):
    """A command line that asks for something impossible."""

    exit_code = 2


class BlockedError(TapcfnError):
    """A guard, an allow-list or a preflight check that says no before any write."""

    exit_code = 4


class StaleError(TapcfnError):
    """What was reviewed is no longer what would run."""

    exit_code = 6


class StillRunningError(TapcfnError):
    """The deadline passed while an operation goes on; it can be adopted later."""

    exit_code = 7


class NotBegunError(StillRunningError):
    """The deadline passed before anything was begun; nothing of it goes on."""


class StackError(TapcfnError):
    """A stack operation that failed, with the reason that came first; `remarks` say all of it."""

    def __init__(self, message: str, remarks: tuple[Remark, ...] = ()) -> None:
        self.remarks = remarks
        super().__init__(message)


class CloudError(TapcfnError):
    """A call that AWS refused or that never got an answer.

    `passing`: the same call may be answered later (a throttle, a fault of the service, a lost
    connection). `lasting`: it will be refused again (no permission, no credentials). Neither where
    that cannot be told.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        request_id: str = "",
        passing: bool = False,
        lasting: bool = False,
    ) -> None:
        self.code = code
        self.request_id = request_id
        self.passing = passing
        self.lasting = lasting
        super().__init__(message)

    @property
    def is_of_expired_credentials(self) -> bool:
        """Whether new credentials, and the same run again, are all that it takes. (X-11)"""
        return self.code in _EXPIRED


# What the services and botocore call credentials that have come to their end.
_EXPIRED = frozenset(
    {
        "CredentialRetrievalError",
        "ExpiredToken",
        "RequestExpired",
        "SSOTokenLoadError",
        "TokenRetrievalError",
        "UnauthorizedSSOTokenError",
    }
)


class UnknownStatusError(CloudError):
    """A status that CloudFormation says and that we do not know: never a success. (X-37)"""


class BusyError(CloudError):
    """Another operation is at work on a stack set, and this one was not begun. (X-15)"""


class LocalCloudError(TapcfnError):
    """The local cloud could not be started, reached or stopped."""
