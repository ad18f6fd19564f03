"""What an update reports and stores while it runs: its state goes in, events, records and checkpoints come out.

`events` has the states and events, `history` the records, `checkpoints` the directory from which an interrupted update
resumes; `private_files` writes for the owner only. Read `events` first.
"""
