"""One module is one concern; its `build` returns that concern alone as a template."""
