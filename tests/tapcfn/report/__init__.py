"""Tests of the text and the lines that values become."""
