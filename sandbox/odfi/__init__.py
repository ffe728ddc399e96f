"""The bank through which direct NACHA files go: a folder, two days of patience, and a statement every evening.

Files are fetched from `outgoing/` of the drop (PAYA_ODFI_DROP) on each business day of the bank's calendar, checked and
acknowledged; their entries settle on their effective date, or on that day where the date has passed. Returns and
notifications of change follow as files in `incoming/`, and each day ends with a BAI2 statement of our account. Nothing is
taken out of `outgoing/`; a file whose bytes were there before is rejected as a duplicate.

Failures are asked for by the names of accounts, as everywhere here: `R01` comes back on the next business day (a credit on
the same one), `R01-late` two business days after it counted as arrived, `C01` settles and brings a new account number. A
debit beyond the balance comes back as R01, an unknown number as R03. `POST /sandbox/odfi/answers {"mode": "reject" |
"silent", "times": 1}` has the next files refused, or not answered; `POST /sandbox/odfi/forget {}` empties our account.

Where it differs from a real one: one file of returns a day; no cut-offs, because its calendar knows only days; same-day
entries settle on the day on which they are fetched; our account may go below zero.
"""
