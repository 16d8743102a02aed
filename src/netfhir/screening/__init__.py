"""Prescreening: who in the hospital's own data may fit a trial, why, and what to ask next."""
