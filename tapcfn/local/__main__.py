"""Run the local cloud in this process; `server.start` calls it and passes the settings."""

from __future__ import annotations

from tapcfn.local.process import main

if __name__ == "__main__":
    main()
