"""The store behind a server, spoken to over HTTP; both ends share what stands here.

`client` is the store; `interface` says what may be called, `writes` how writes of runs travel.
"""
