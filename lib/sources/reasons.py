"""Each rule of a line by itself in words that a person can act on: what is wanted, and what to do."""

from lib.catalog import Column
from lib.sources.dialect import Dialect
from lib.sources.rules import OLDEST

__all__ = ["REASONS", "reason"]

REASONS = {
    "wrong_field_count": (
        "the line has another number of fields than the header; look for a delimiter or a quote inside a text, "
        "or for a line that was cut off"
    ),
    "missing": "a value is required here; fill it in",
    "blank": "the text has nothing in it that can be seen; fill it in",
    "nul_character": "the text holds a NUL character, which no database takes; remove it",
    "control_character": "the text holds an invisible control character; remove it",
    "too_long": "wanted at most {column.most_characters} characters; shorten the text",
    "not_one_of": "wanted one of {words}, in these letters; replace the word",
    "not_an_email": "wanted an address with something before and after an @; correct it, or remove the line",
    "not_a_country_code": (
        "wanted two capital letters of ISO 3166-1, such as GB; or say under mapping.countries which code the word has"
    ),
    "not_a_uuid": "wanted a UUID of 32 hexadecimal digits; for keys of another kind set mapping.keys to text",
    "not_a_boolean": "wanted true or false, yes or no, 1 or 0; replace the word",
    "not_an_integer": "wanted a whole number, such as 12, without thousands separator; correct it",
    "not_a_number": (
        "wanted digits with {dialect.decimal} before the cents, such as 1234{dialect.decimal}50, without currency or "
        "thousands separator; mapping.decimal says which sign the file has"
    ),
    "not_finite": "wanted a number that can be counted with; correct it, or remove the line",
    "not_positive": "wanted a number above {column.above}; correct it, or remove the line",
    "negative": "wanted a number of at least {column.least}; correct it, or remove the line",
    "too_many_decimals": "wanted at most two decimals, as rounding would change the value; write cents",
    "out_of_range": "the number is larger than the database holds; correct it, or remove the line",
    "not_iso": (
        "wanted a day or instant of ISO 8601, such as 2024-03-31 or 2024-03-31T14:05:00+02:00 (no word such as today, "
        "no serial number of Excel, no seconds since 1970); for another form set mapping.date_format"
    ),
    "not_a_date": "wanted an existing day and time, written as {form}; correct it",
    "date_out_of_range": (
        f"wanted a day from {OLDEST} to {{dialect.latest}}, a year after the parameter as_of; correct it, or set as_of"
    ),
    "no_such_time": "the clocks of {dialect.time_zone} skip this time of day; is mapping.time_zone right?",
    "before_start_date": "wanted a day that is not before start_date of the same line; correct one of them",
}


def reason(rule: str, column: Column | None, dialect: Dialect) -> str:
    """The rule in words, with what this column and this file want."""
    words = ", ".join(column.one_of) if column else ""
    form = f"mapping.date_format says, {dialect.date_format}" if dialect.date_format else "ISO 8601 does"
    return REASONS[rule].format(column=column, dialect=dialect, words=words, form=form)
