"""The protocol's clock: what was due when, what took place, and whether the two agree."""
