"""Templates of anybody's: read, wired, and refused with the reason."""
