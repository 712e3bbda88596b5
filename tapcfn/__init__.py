"""Render, check, preview and apply raw CloudFormation over many accounts and Regions."""

__version__ = "0.1.0"
