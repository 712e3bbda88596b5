"""Write the pages of docs/reference anew: `python -m tests.reference`."""

from tests.reference import write

write()
