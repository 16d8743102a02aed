"""The runs: study, map, plan, apply, verify; each composes the parts and fits a screen."""
