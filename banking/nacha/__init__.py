"""NACHA files: the text in which banks of the United States tell each other about ACH entries.

A library without a database. `write` makes a file that `validate`, written apart from it, found nothing wrong with;
`read` understands what banks really send, and quarantines what it does not. `codes` says what a return or a change
means for the transfer, the bank account and the person; `windows` when a file has to leave. See docs/rails.md.
"""
