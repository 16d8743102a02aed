"""From staged resources to a server that holds them: plan, apply, verify, and the ledger of it.

It knows no source format and no mapping.
"""
