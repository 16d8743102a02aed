"""Concepts and units as declared in `mappings/terminology`; decides no code by itself."""
