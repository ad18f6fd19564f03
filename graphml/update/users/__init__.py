"""Many users of one model: their training data go in, personal models, or one averaged model, come out.

`many` trains the users in cohorts (`cohorts` has their data, `cohort_runner` trains them); `deltas` stores only what
differs from the original model, and `federated` averages what users have learned. Read `many` first.
"""
