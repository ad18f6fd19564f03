"""A mutation fuzzer: damaged models end in success or in a typed error, soon and without much memory.

In: small legal models (`seeds`). Out: findings, each a mutant that ended in anything else. `mutation` damages a model,
`steps` does everything with it that a user can do, `worker` runs mutants one after the other and `__main__` runs
workers and survives their crashes. Read `steps` first: it says what is allowed.

    PYTHONPATH=tests python -m fuzz --mutants 50000 --jobs 2 --seed 7 --keep findings/
    PYTHONPATH=tests python -m fuzz --seed 7 --only 1234          # one mutant again, with its traceback
"""
