"""The shop's currency: amounts with its decimals in generator, checks and the database; another one by replace only."""

from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from lib import db, load
from lib.data.parquet import read_table
from lib.data.synthetic import Counts, Shop, generate_shop, plan_shop
from lib.data.synthetic.shards import write_shop
from lib.data.synthetic.truth import truth
from lib.db import schema
from lib.errors import DataError, UsageError
from tests.conftest import ask


def test_amounts_of_a_synthetic_shop_are_in_the_smallest_unit_of_its_currency() -> None:
    dollars, yen, dinars = (generate_shop(shop=Shop(currency=code)) for code in ("USD", "JPY", "KWD"))
    for table, column in (("orders", "total_amount"), ("order_items", "discount"), ("marketing_campaigns", "budget")):
        amounts = dollars[table][column]
        assert (yen[table][column] == amounts * 100).all()
        assert (dinars[table][column] == amounts * Decimal("0.1")).all()
        assert yen[table].dtypes.equals(dollars[table].dtypes)
    means = [truth(plan_shop(Counts(), Shop(currency=code)))["spend"]["mean"] for code in ("USD", "JPY", "KWD")]
    assert means == pytest.approx([means[0], means[0] * 100, means[0] / 10], rel=1e-5)


def written(folder: Path, currency: str) -> Path:
    write_shop(plan_shop(Counts(), Shop(currency=currency)), folder, workers=1)
    return folder


@pytest.mark.parametrize(("currency", "rounded"), [("JPY", "1"), ("USD", "1.50"), ("KWD", "1.500")])
def test_a_load_has_the_decimals_of_its_currency(
    empty_database: sa.URL, tmp_path: Path, currency: str, rounded: str
) -> None:
    with db.transaction() as connection:
        schema.create(connection)
    load.replace(written(tmp_path / "files", currency), as_of="2025-07-01")
    assert str(ask("SELECT shop_amount(1.4999)")[0][0]) == str(ask(f"SELECT {rounded}")[0][0])
    assert ask("SELECT currency FROM workbook.shop") == [(currency,)]
    assert ask("SELECT count(*) FROM orders WHERE total_amount <> shop_amount(total_amount)") == [(0,)]
    with db.transaction() as connection:
        schema.create(connection)
    assert str(ask("SELECT shop_amount(1.4999)")[0][0]) == rounded


def test_a_total_that_is_not_rounded_is_refused(demo_database: sa.URL, demo_folder: Path, tmp_path: Path) -> None:
    items = read_table(demo_folder, "order_items")
    assert ask("SELECT sum(total_amount) FROM orders") == [
        (ask("SELECT sum(shop_amount(quantity * price_at_time)) FROM order_items")[0][0],)
    ]
    ask("UPDATE orders SET total_amount = total_amount + 0.001 WHERE order_id = :id", id=items["order_id"].iloc[0])
    with pytest.raises(DataError, match="1 rows fail order_total_differs"), db.transaction() as connection:
        load.checks.refuse_errors(load.checks.run_all(connection, "2025-07-01"))


def test_an_append_in_another_currency_is_refused(demo_database: sa.URL, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is USD, that of the new rows KWD; expected the same\. Append"):
        load.append(written(tmp_path / "files", "KWD"), as_of="2025-07-01")
