"""One step of a plan: from the decision to a running operation, and from there to its end.

What is here makes calls and may block; `execute` runs it in its pool.
"""

from tapcfn.operations.looking import look
from tapcfn.operations.means import Approval, Given, Look, Means, Operation
from tapcfn.operations.starting import start

__all__ = ["Approval", "Given", "Look", "Means", "Operation", "look", "start"]
