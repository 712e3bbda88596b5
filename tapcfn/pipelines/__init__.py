"""Workflows of GitHub Actions for the systems of a repository, and what a pull request is told."""

from __future__ import annotations

from tapcfn.pipelines.comment import comment
from tapcfn.pipelines.systems import Leg, System, system
from tapcfn.pipelines.writing import SCRIPTS, WORKFLOWS, files

__all__ = ["SCRIPTS", "WORKFLOWS", "Leg", "System", "comment", "files", "system"]
