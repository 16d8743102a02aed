"""Engines that give the same verdicts: Python defines the meaning, DuckDB does whole hospitals."""
