"""Bad cells of the forms of care: consent, visits, diagnosis, sessions and what is given in them.

Lines are those of the small export: 2 is the screening of the first subject, 7 her first cycle,
31 her month 6.
"""

from __future__ import annotations

from bad_inputs import BadCell

_BY_THE_DICTIONARY = ("not-as-the-dictionary-says",)
_VISIT = {"visit": 1}
_SESSION = {"session": 1}

BAD_CARE = (
    BadCell(
        "consent-on-a-date-without-hyphens",
        "data",
        "consent_signed",
        "20240805",
        *_BY_THE_DICTIONARY,
        "YYYY-MM-DD",
        "source",
        {"consent": 1},
    ),
    BadCell(
        "consent-in-force-and-withdrawn",
        "data",
        "consent_withdrawn",
        "2025-01-09",
        "contradiction",
        "one of the two",
        "correct the record",
        {"consent": 1},
        line=2,
    ),
    BadCell(
        "consent-to-nobody-knows-what",
        "data",
        "consent_version",
        "UNK",
        "missing-value",
        "never assumed",
        "complete the record",
        {"consent": 1},
    ),
    BadCell(
        "visit-of-the-other-arm",
        "data",
        "redcap_event_name",
        "month_3_arm_1",
        "visit-of-another-arm",
        "the subject's own arm",
        "correct the event or the arm",
        _VISIT,
        line=31,
    ),
    BadCell(
        "visit-in-no-known-setting",
        "data",
        "visit_setting",
        "",
        "missing-value",
        "never assumed",
        "complete the record",
        _VISIT,
    ),
    BadCell(
        "visit-missed-on-a-day",
        "data",
        "visit_status",
        "2",
        "contradiction",
        "one of the two",
        "correct the record",
        _VISIT,
        told_at="visit_date",
    ),
    BadCell(
        "grade-outside-its-scale",
        "data",
        "diag_grade",
        "4",
        *_BY_THE_DICTIONARY,
        "1, 2, 3",
        "source",
        {"measurement": 1},
    ),
    BadCell(
        "index-in-words",
        "data",
        "diag_ki67",
        "low",
        *_BY_THE_DICTIONARY,
        "number",
        "source",
        {"measurement": 1},
    ),
    BadCell(
        "diagnosis-in-a-month-of-no-year",
        "data",
        "diag_date",
        "2022-13",
        "bad-date",
        "YYYY-MM",
        "leave out what is unknown",
        {"diagnosis": 1},
    ),
    BadCell(
        "session-begun-though-not-held",
        "data",
        "session_status",
        "3",
        "contradiction",
        "one of the two",
        "correct the record",
        _SESSION,
        told_at="session_start",
    ),
    BadCell(
        "session-on-a-day-without-a-time",
        "data",
        "session_start",
        "2024-09-30",
        *_BY_THE_DICTIONARY,
        "YYYY-MM-DD HH:MM",
        "source",
        _SESSION,
    ),
)
