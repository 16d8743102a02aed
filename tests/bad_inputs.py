"""Bad input as tables: what is damaged, and what must be said about it."""

from __future__ import annotations

from dataclasses import dataclass, field

Lost = dict[str, int]


@dataclass(frozen=True)
class BadCell:
    """One cell that is wrong; the place of the reject is the cell itself."""

    name: str
    file: str
    """`data` is the REDCap export, all else a domain of SDTM."""
    column: str
    cell: str
    code: str
    expected: str
    """A part of what was expected."""
    remedy: str
    """A part of what to do."""
    lost: Lost = field(default_factory=dict)
    """Facts that are rejected, by entity."""
    more: Lost = field(default_factory=dict)
    """Facts that the damage adds to the input."""
    line: int = 0
    """The line of the file; by default the first one that fills the column."""
    told_at: str = ""
    """Another column of the line, where that is the place of the reject."""


_ONE = {"measurement": 1}
_DOSE = {"dose": 1}
_ALL_OF_A_SUBJECT = {"subject": 1, "dose": 12, "measurement": 24}
_DICTIONARY = ("not-as-the-dictionary-says",)

BAD_CELLS = (
    BadCell(
        "redcap-comparator", "data", "lab_plt", "<5", *_DICTIONARY, "whole number", "source", _ONE
    ),
    BadCell("redcap-text", "data", "lab_plt", "abc", *_DICTIONARY, "whole number", "source", _ONE),
    BadCell(
        "redcap-text-where-the-dictionary-allows-it",
        "data",
        "lab_cga",
        "abc",
        "not-a-number",
        "digits",
        "correct the value",
        _ONE,
    ),
    BadCell(
        "redcap-date-of-nine-results",
        "data",
        "lab_datetime",
        "2024-08-UN",
        *_DICTIONARY,
        "YYYY-MM-DD HH:MM",
        "source",
        {"measurement": 9, "specimen": 1},
    ),
    BadCell(
        "redcap-dose-date",
        "data",
        "prrt_start",
        "2024-08-UN",
        *_DICTIONARY,
        "YYYY-MM-DD HH:MM",
        "source",
        _DOSE,
    ),
    BadCell("redcap-choice", "data", "prrt_status", "9", *_DICTIONARY, "1, 2, 3", "source", _DOSE),
    BadCell(
        "redcap-choice-of-a-performance-scale",
        "data",
        "ps_score",
        "7",
        *_DICTIONARY,
        "one of the codes",
        "source",
        _ONE,
    ),
    BadCell(
        "comparator",
        "vs",
        "VSORRES",
        "<5",
        "comparator",
        "a number alone",
        "comparators = true",
        _ONE,
    ),
    BadCell(
        "text-for-a-number",
        "vs",
        "VSORRES",
        "abc",
        "not-a-number",
        "digits",
        'value = "text"',
        _ONE,
    ),
    BadCell(
        "comparator-before-a-dose",
        "ex",
        "EXDOSE",
        "<54",
        "comparator",
        "the amount that was given",
        "correct the value",
        _DOSE,
    ),
    BadCell(
        "unknown-unit", "vs", "VSORRESU", "furlong", "unknown-unit", "UCUM", "codes.toml", _ONE
    ),
    BadCell(
        "unit-of-another-kind",
        "vs",
        "VSORRESU",
        "mg",
        "unit-not-of-item",
        "mm[Hg]",
        "correct the unit",
        _ONE,
    ),
    BadCell(
        "unknown-unit-of-a-dose",
        "ex",
        "EXDOSU",
        "furlong",
        "unknown-unit",
        "UCUM",
        "codes.toml",
        _DOSE,
    ),
    BadCell("partial-date", "lb", "LBDTC", "2024-08-UN", "bad-date", "YYYY-MM", "2024-08", _ONE),
    BadCell("no-such-day", "lb", "LBDTC", "2023-02-30", "bad-date", "YYYY-MM", "source", _ONE),
    BadCell(
        "partial-date-of-a-state",
        "ds",
        "DSSTDTC",
        "2024-08-UN",
        "bad-date",
        "YYYY-MM",
        "2024-08",
        _ALL_OF_A_SUBJECT,
    ),
    BadCell(
        "unknown-subject",
        "lb",
        "USUBJID",
        "CDISC999",
        "unknown-subject",
        "a subject of the export",
        "export the subject too",
        _ONE,
    ),
    BadCell(
        "unknown-subject-of-a-state",
        "ds",
        "USUBJID",
        "CDISC999",
        "unknown-subject",
        "a subject of the export",
        "export the subject too",
        {"subject": 1},
        {"subject": 1},
        line=4,
    ),
    BadCell(
        "unknown-item",
        "lb",
        "LBTESTCD",
        "ZZZ",
        "unknown-item",
        "items.lb",
        "declare the item",
        _ONE,
    ),
    BadCell(
        "unknown-product",
        "ex",
        "EXTRT",
        "ASPIRIN",
        "unknown-value",
        "ZANOMALINE",
        "codes.toml",
        _DOSE,
    ),
    BadCell(
        "nothing-where-a-value-is-needed",
        "ex",
        "EXTRT",
        "",
        "missing-value",
        "never assumed",
        "complete the record",
        _DOSE,
    ),
    BadCell(
        "unknown-site",
        "dm",
        "SITEID",
        "999",
        "unknown-site",
        "701",
        "declare the site",
        _ALL_OF_A_SUBJECT,
    ),
    BadCell(
        "unknown-arm",
        "dm",
        "ARMCD",
        "NOBODY",
        "unknown-value",
        "ZAN_LOW",
        "codes.toml",
        _ALL_OF_A_SUBJECT,
    ),
)


@dataclass(frozen=True)
class BadDeclaration:
    """A file of a site's overlay that is wrong."""

    name: str
    file: str
    text: str
    where: str
    code: str
    remedy: str


_MISSPELT = ("bad-declaration", "misspelt key")

BAD_DECLARATIONS = (
    BadDeclaration("trial", "trial.toml", 'studdy = "x"', "trial.toml:studdy", *_MISSPELT),
    BadDeclaration(
        "site",
        "trial.toml",
        '[sites.02]\nname = "Second"\nzon = "Europe/London"',
        "trial.toml:sites.02.zon",
        *_MISSPELT,
    ),
    BadDeclaration(
        "zone",
        "trial.toml",
        '[sites.02]\nname = "Second"\nzone = "Europe/Londinium"',
        "trial.toml:sites.02.zone",
        "bad-declaration",
        "mend",
    ),
    BadDeclaration(
        "item",
        "codes.toml",
        '[items.laboratory.platelets]\nuints = ["10*9/L"]',
        "codes.toml:items.laboratory.platelets.uints",
        *_MISSPELT,
    ),
    BadDeclaration(
        "export", "sources/redcap.toml", 'titel = "x"', "sources/redcap.toml:titel", *_MISSPELT
    ),
    BadDeclaration(
        "entity",
        "sources/redcap.toml",
        '[[entities]]\nentity = "surgery"\nsubject = "record_id"\nperformd = "x"',
        "sources/redcap.toml:entities.",
        "bad-declaration",
        "mend",
    ),
    BadDeclaration("syntax", "codes.toml", "system = ", "codes.toml", "not-toml", "syntax"),
    BadDeclaration(
        "changed-key",
        "trial.toml",
        '[sites.01]\nzone = "Europe/Paris"',
        "trial.toml:sites:01:zone",
        "overlay-changes-a-key",
        "override = true",
    ),
)

BAD_SETTINGS = (
    ('sate = "here"', "netfhir.toml:sate", "bad-settings", "misspelt"),
    ('[servers.main]\nbase_ulr = "http://x"', "netfhir.toml:servers.main.", "bad-settings", "mend"),
    (
        '[servers.other]\nbase_url = "http://x"',
        "netfhir.toml",
        "unknown-server",
        "declare the server",
    ),
    ("state = ", "netfhir.toml", "not-toml", "syntax"),
)
