"""Direct NACHA files, from a transfer handed to the rail to the bank's word on it. The format itself is `banking/nacha`.

entries.py   what waits to leave, and what may be done about it   files.py     gathering and writing; each entry in one file
sending.py   the file into the bank's drop, exactly once          incoming.py  what the bank sends, kept and gone through
answers.py   returns, changes, acknowledgements, statements       report.py    what transfers cost, together and alone
"""
