"""Hand the blueprints over: python deploy.py plan uploads"""

from tapcfn.cli import main

if __name__ == "__main__":
    main("ours.blueprints")
