"""How a run went, told elsewhere: what is said, in the forms of the channels, and the sending."""
