"""The tables of the staging file, and the statements by which its rows are put in order."""

from __future__ import annotations

SCHEMA = (
    """CREATE TABLE staged (
        seq INTEGER PRIMARY KEY, resource_type TEXT NOT NULL, id TEXT NOT NULL,
        subject TEXT NOT NULL, place TEXT NOT NULL, depth INTEGER NOT NULL,
        start INTEGER NOT NULL, size INTEGER NOT NULL,
        UNIQUE (resource_type, id))""",
    "CREATE INDEX deep ON staged (resource_type, depth) WHERE depth > 0",
    "CREATE TABLE edge (source TEXT, target TEXT, PRIMARY KEY (source, target))",
    """CREATE TABLE nested (resource_type TEXT, id TEXT, target_type TEXT, target TEXT,
        PRIMARY KEY (resource_type, id, target_type, target)) WITHOUT ROWID""",
)

#: A file that the next run writes anew: speed before safety.
PRAGMAS = (
    "page_size = 16384",
    "journal_mode = OFF",
    "locking_mode = EXCLUSIVE",
    "synchronous = OFF",
    "cache_size = -8000",
)

DEEPEST = 100

#: Rows that need another one of their level stand at least one deep.
NESTED = """UPDATE staged SET depth = 1 WHERE depth = 0 AND seq IN (
    SELECT child.seq FROM nested
      JOIN staged AS child
        ON child.resource_type = nested.resource_type AND child.id = nested.id
      JOIN staged AS parent
        ON parent.resource_type = nested.target_type AND parent.id = nested.target)"""

#: Rows whose target is itself at this depth go one deeper.
DEEPER = """UPDATE staged SET depth = ?1 WHERE seq IN (
    SELECT child.seq FROM nested
      JOIN staged AS child
        ON child.resource_type = nested.resource_type AND child.id = nested.id
      JOIN staged AS parent
        ON parent.resource_type = nested.target_type AND parent.id = nested.target
    WHERE child.depth = ?2 AND parent.depth = ?2)"""
