"""Stack sets, which the emulator lacks, in front of its plain stack operations.

`model` says what is kept and `store` where; `targets`, `preferences`, `schedule`, `parameters` and
`policies` decide and touch nothing. `asking`, `settings`, `targeting` and `definition` read what is
asked, `organization` reads the tree of accounts, and `callers` says for whom somebody calls.

`turns` lets operations begin, `engine` carries one out, target by target through `deployment`, with
`roles`, `gates`, `stacks`, `adoption` and `drift`; `marks` writes down what comes of it, and
`trials` are the table of faults. `automatic` follows accounts that move. `api` registers the
actions of `writing`, `operating` and `reading`.
"""
