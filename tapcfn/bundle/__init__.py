"""Templates as files with a manifest: written, verified, read again, and compared."""

from tapcfn.bundle.comparing import Difference, compare
from tapcfn.bundle.reading import Bundle, read
from tapcfn.bundle.written import MANIFEST, files_of, stale, write

__all__ = ["MANIFEST", "Bundle", "Difference", "compare", "files_of", "read", "stale", "write"]
