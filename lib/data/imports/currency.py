"""The one currency of a shop, by its files or by the signs of their amounts, and the amounts in its decimals."""

from lib.data.imports.database import StagingDatabase
from lib.data.imports.numbers import currency_of
from lib.data.imports.staging import Staged
from lib.errors import UsageError
from lib.util.currencies import decimals_in_words, decimals_of

__all__ = ["only_currency", "refuse_other_sign", "use_currency"]

NONE = "XXX"  # code of ISO 4217 for no currency


def only_currency(database: StagingDatabase, files: list[Staged]) -> str:
    """The one currency of the files; raises UsageError if they have none or several.

    Where every row is rejected, which is the error to report, it is NONE.
    """
    named = files[0].layout
    found = database.rows("currencies", source=named.name) if "currency" in named.names else []
    if not any(database.has_rows(each.layout.name) for each in files):
        return NONE
    signs = {part.sign for part in files[0].parts} - {"", "$"}  # which many currencies have
    if not found and len(signs) == 1:
        return currency_of(signs.pop())
    if len(found) != 1:
        listed = ", ".join(f"{row['currency']} ({row['rows']})" for row in found) or "no currency"
        example = found[0]["currency"] if found else "EUR"
        raise UsageError(
            f'currency is auto, and the files name {listed}; expected one. Set it, as in SET="currency={example}"; '
            "orders in another currency are rejected."
        )
    return str(found[0]["currency"])


def refuse_other_sign(files: list[Staged], currency: str) -> None:
    """Raise UsageError if amounts have the sign of another currency than the shop's."""
    for part in (part for each in files for part in each.parts if part.sign and currency != NONE):
        is_other = currency_of(part.sign) != currency if part.sign != "$" else currency in ("EUR", "GBP")
        if is_other:
            raise UsageError(
                f"{part.name} has amounts in {part.sign}, and the currency is {currency}; expected one currency, since "
                f'amounts are not converted. Set it: SET="currency={currency_of(part.sign)}".'
            )


def use_currency(database: StagingDatabase, files: list[Staged], currency: str) -> None:
    """Round amounts to the decimals of the currency, and reject the rows whose amounts have more."""
    database.run("known_decimals", {"words": decimals_in_words(currency)})
    database.run("amounts", decimals=str(decimals_of(currency)), zeros="0" * decimals_of(currency))
    for each in files:
        same = "coalesce(currency, $currency) = $currency" if "currency" in each.layout.names else "true"
        for column in each.layout.columns:
            if column.type == "money":
                names = {"source": each.layout.name, "column": column.name, "condition": same}
                database.run("too_many_decimals", {"currency": currency}, **names)
