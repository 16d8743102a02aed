"""One module a step; `sync.ledger.HEAD` names the last."""
