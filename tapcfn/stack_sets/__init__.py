"""Stack sets: what must change of which pairs, in which calls, and how that is carried out.

Values and decisions only; the calls themselves are made by `tapcfn.aws.stack_sets`.
"""
