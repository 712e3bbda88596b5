"""What the commands do besides printing."""
