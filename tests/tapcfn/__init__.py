"""Tests of the values and decisions, and of the stories that they make."""
