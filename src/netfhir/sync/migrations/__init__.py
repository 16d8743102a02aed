"""The ledger's schema, step by step; applied by `sync.ledger`, never by hand."""
