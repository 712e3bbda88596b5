"""Self-managed stack sets, which the emulator lacks, in front of its plain stack operations.

`model` says what is kept and `store` where; `targets`, `preferences`, `schedule`, `parameters` and
`policies` decide and touch nothing; `engine` carries an operation out, target by target through
`deployment`, `roles` and `stacks`; `api` registers the actions of `writing` and `reading`.
"""
