"""Tests of stack sets in the local cloud."""
