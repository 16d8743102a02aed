"""Every exception of netfhir, as a tree, by what the caller does next.

An error names the place, what was found there, what was expected and what to do. `found` never
holds a patient's value: it describes one ("text where a number stands") or shows a declaration's.
"""

from __future__ import annotations

from typing import ClassVar


class NetfhirError(Exception):
    """The root: `where` is `file:row:item`, `file:key` or `Type/id`; `code` is stable."""

    exit_status: ClassVar[int] = 70

    def __init__(
        self, code: str, *, where: str, found: str = "", expected: str = "", remedy: str = ""
    ) -> None:
        """Keep the parts, and compose the one line that a person reads."""
        super().__init__(code)
        self.code = code
        self.where = where
        self.found = found
        self.expected = expected
        self.remedy = remedy

    def __str__(self) -> str:
        """Return `where: code: found; expected …; remedy`."""
        parts = [self.found or self.code]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.remedy:
            parts.append(self.remedy)
        return f"{self.where}: {self.code}: " + "; ".join(parts)

    def as_record(self) -> dict[str, str]:
        """Return the fields of a line in `rejects.ndjson`, empty ones left out."""
        fields = {
            "where": self.where,
            "code": self.code,
            "found": self.found,
            "expected": self.expected,
            "remedy": self.remedy,
        }
        return {name: text for name, text in fields.items() if text}


class CarryError(NetfhirError):
    """A resource holds what has no way into the FHIR version asked for: a fault of the program."""


class DeclarationError(NetfhirError):
    """A person edits `mappings/` or the settings; raised before any work."""

    exit_status = 78


class SourceError(NetfhirError):
    """The trial's export cannot be used as it stands."""

    exit_status = 65


class FormatError(SourceError):
    """The whole file is unusable: stop."""


class RecordError(SourceError):
    """One record is unusable or cannot be mapped: it is rejected, the run goes on."""


class ServerError(NetfhirError):
    """The hospital's server did not do what was asked."""

    exit_status = 69


class TemporaryError(ServerError):
    """408, 429, 5xx or no answer: retry within the budget, then stop.

    `sent` says whether bytes may have reached the server (the outcome is then unknown).
    """

    exit_status = 75

    def __init__(  # noqa: PLR0913 - the parts of an error, plus two facts of the reply
        self,
        code: str,
        *,
        where: str,
        found: str = "",
        expected: str = "",
        remedy: str = "",
        sent: bool = True,
        retry_after_s: float | None = None,
    ) -> None:
        """Keep the parts and what the reply said about time."""
        super().__init__(code, where=where, found=found, expected=expected, remedy=remedy)
        self.sent = sent
        self.retry_after_s = retry_after_s


class UnreachableError(ServerError):
    """No answer at the first request of a run."""

    exit_status = 69


class AccessError(ServerError):
    """401 or 403: stop."""

    exit_status = 77


class RejectedError(ServerError):
    """400, 404 or 422, with an OperationOutcome: isolate the entry, go on."""

    exit_status = 65


class ConflictError(ServerError):
    """409 or 412: changed by others, or ambiguous; left as it is and reported."""

    exit_status = 65


class CapabilityError(ServerError):
    """The server cannot take what the plan needs."""

    exit_status = 78


class StateError(NetfhirError):
    """The ledger or a file is unreadable, newer, or another trial's: stop."""

    exit_status = 74


class OverlapError(NetfhirError):
    """Another run holds this state, or has taken it over: stop, and overwrite nothing."""

    exit_status = 75


#: Of several, the first one is the exit status of a run (0 stands for none).
EXIT_PRECEDENCE = (70, 74, 77, 78, 69, 75, 65)


def worst(statuses: set[int]) -> int:
    """Return the exit status of a run that met these, 0 if it met none."""
    return next((status for status in EXIT_PRECEDENCE if status in statuses), 0)
