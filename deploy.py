"""Join what to how: hand the blueprints to the command line."""

from tapcfn.cli import main

if __name__ == "__main__":
    main("templates.blueprints")
