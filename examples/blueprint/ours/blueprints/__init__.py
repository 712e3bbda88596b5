"""The blueprints by name. Only the chosen one is imported."""

BLUEPRINTS = {"uploads": "ours.blueprints.uploads"}
