"""Three ways, every day and on demand: the ledger's reserve accounts, our own transfers, and what custodians say.

`store` keeps what a custodian said, `booking` books what only it knew (fees, interest, capital, unknown credits),
`rules` says why two sides do not agree, `services` brings it all together; `queries` is what pages read.
"""
