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
#: An adverse event that suspects a dose which was rejected would point nowhere.
_DOSE_AND_ITS_EVENT = {"dose": 1, "adverse_event": 1}
_ALL_OF_A_SUBJECT = {"subject": 1, "dose": 12, "measurement": 24, "adverse_event": 2}
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
        _DOSE_AND_ITS_EVENT,
    ),
    BadCell(
        "redcap-choice",
        "data",
        "prrt_status",
        "9",
        *_DICTIONARY,
        "1, 2, 3",
        "source",
        _DOSE_AND_ITS_EVENT,
    ),
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
        "redcap-grade-outside-its-scale",
        "data",
        "ae_grade",
        "6",
        *_DICTIONARY,
        "1, 2, 3, 4, 5",
        "source",
        {"adverse_event": 1},
    ),
    BadCell(
        "redcap-suspected-cycle-that-the-export-does-not-tell",
        "data",
        "prrt_product",
        "",
        "missing-value",
        "never assumed",
        "complete the record",
        _DOSE_AND_ITS_EVENT,
    ),
    BadCell(
        "redcap-serious-without-a-criterion",
        "data",
        "ae_serious",
        "1",
        "contradiction",
        "at least one criterion where the event is serious",
        "the investigator decides which",
        {"adverse_event": 1},
    ),
    BadCell(
        "redcap-end-of-an-event-before-its-beginning",
        "data",
        "ae_end",
        "2024-01-01",
        "end-before-start",
        "on or after the day of the beginning",
        "correct the record",
        {"adverse_event": 1},
    ),
    BadCell(
        "redcap-pet-of-another-tracer",
        "data",
        "img_tracer",
        "2",
        "unknown-value",
        "one of `1`",
        "codes.toml",
        {"imaging_report": 1},
    ),
    BadCell(
        "redcap-pet-without-its-tracer",
        "data",
        "img_tracer",
        "",
        "no-tracer",
        "the tracer",
        "complete the record",
        {"imaging_report": 1},
    ),
    BadCell(
        "redcap-diameter-of-no-length",
        "data",
        "les1_mm",
        "0",
        "not-a-length",
        "a number above zero",
        "leave the diameter of a lesion that has gone blank",
        {"imaging_report": 1},
    ),
    BadCell(
        "redcap-diameter-without-its-lesion",
        "data",
        "les1_id",
        "",
        "missing-value",
        "never assumed",
        "complete the record",
        {"imaging_report": 1},
    ),
    BadCell(
        "redcap-netest-without-its-version",
        "data",
        "net_version",
        "",
        "no-version",
        "the version of the kit or of the algorithm",
        "complete the record",
        _ONE,
    ),
    BadCell(
        "redcap-netest-off-its-scale",
        "data",
        "net_score",
        "101",
        "off-its-scale",
        "a number from 0 to 100",
        "correct the value",
        _ONE,
    ),
    BadCell(
        "redcap-netest-of-urine",
        "data",
        "net_material",
        "2",
        "unknown-value",
        "one of `1`",
        "codes.toml",
        _ONE,
    ),
    BadCell(
        "redcap-answer-that-the-item-does-not-have",
        "data",
        "c30_1",
        "5",
        *_DICTIONARY,
        "1, 2, 3, 4",
        "source",
        {"questionnaire_response": 1},
    ),
    BadCell(
        "redcap-visual-scale-beyond-its-end",
        "data",
        "eq5_vas",
        "120",
        "answer-off-its-scale",
        "a whole number from 0 to 100",
        "correct the answer",
        {"questionnaire_response": 1, "measurement": 1},
    ),
    BadCell(
        "redcap-scale-score-off-its-scale",
        "data",
        "c30_ql",
        "100.1",
        "off-its-scale",
        "a number from 0 to 100",
        "correct the value",
        _ONE,
    ),
    BadCell(
        "redcap-scores-without-a-scoring-version",
        "data",
        "c30_scoring",
        "",
        "no-version",
        "the version",
        "complete the record",
        {"measurement": 15},
    ),
    BadCell(
        "redcap-assessment-without-a-date",
        "data",
        "dis_date",
        "",
        "missing-value",
        "never assumed",
        "complete the record",
        {"disease_status": 1},
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
    BadCell(
        "absorbed-dose-for-what-was-given",
        "ex",
        "EXDOSU",
        "Gy",
        "unit-of-another-kind",
        "a unit of mass",
        "correct the unit",
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
