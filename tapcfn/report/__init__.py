"""Values become text here: outlines for people, lines of JSON for programs."""
