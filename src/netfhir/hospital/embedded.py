"""The process of the embedded hospital: sekmet-fhir, ending when its standard input does.

Started by `sandbox` as `python -m netfhir.hospital.embedded CONFIG PORT`; nothing else imports it.
"""

from __future__ import annotations

import os
import sys
import threading
from importlib import import_module

MISSING = 3
"""Exit status when the extra `sandbox` is not installed."""


def _end_with_parent() -> None:
    while sys.stdin.buffer.read(1):
        pass
    os._exit(0)


def serve(config: str, port: str) -> None:
    """Serve until told to end; needs the extra `sandbox`."""
    try:
        sekmet = import_module("sekmet.cli")
    except ImportError:
        sys.exit(MISSING)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sekmet.app(["serve", "--config", config, "--host", "127.0.0.1", "--port", port])


if __name__ == "__main__":
    serve(*sys.argv[1:])
