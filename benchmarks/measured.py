"""Runs a command and prints what it used: `python measured.py COMMAND ...`.

A process of its own, for Linux counts the memory of whoever starts a process into that process's
peak: this one is small.
"""

import json
import os
import sys


def main() -> int:
    """Run the command, its standard output sent to standard error; return its status."""
    command = sys.argv[1:]
    actions = [(os.POSIX_SPAWN_DUP2, 2, 1)]
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    _, status, used = os.wait4(pid, 0)
    print(
        json.dumps(
            {"cpu_s": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss * 1.024 / 1000}
        )
    )
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
