"""Tests of Parquet files: a round trip preserves frames, invalid frames are refused, files are replaced atomically."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from lib.data import parquet
from lib.errors import DataError

ID = "00000000-0000-4000-8000-00000000000"
MONEY, PRICE = pd.ArrowDtype(pa.decimal128(15, 3)), pd.ArrowDtype(pa.decimal128(18, 6))


def events(**changed: object) -> pd.DataFrame:
    """Two events: a step with all optional columns empty, and a purchase."""
    frame = pd.DataFrame(
        {
            "event_id": [f"{ID}1", f"{ID}2"],
            "user_id": [f"{ID}a"] * 2,
            "session_id": [f"{ID}b"] * 2,
            "event_type": ["session_start", "purchase"],
            "product_id": pd.Series([None, None], dtype="str"),
            "order_id": pd.Series([None, f"{ID}c"], dtype="str"),
            "event_timestamp": pd.DatetimeIndex(["2025-01-31 23:59:59.999999", "2025-02-01"], tz="UTC").as_unit("us"),
            "revenue": pd.Series([None, "0.10"], dtype="str").astype(MONEY),
            "visitor_id": pd.Series([None, "GA1.2"], dtype="str"),
            "source": pd.Series([None, "google"], dtype="str"),
            "device": pd.Series([None, "mobile"], dtype="str"),
        }
    )
    return frame.assign(**changed)


def products(**changed: object) -> pd.DataFrame:
    """Two products, the second without optional values."""
    frame = pd.DataFrame(
        {
            "product_id": [f"{ID}1", f"{ID}2"],
            "name": ["Lamp", "Lampe à l'huile ☂"],
            "category": pd.Series(["Home", None], dtype="str"),
            "subcategory": pd.Series([None, None], dtype="str"),
            "price": pd.Series(["0.000001", "999999999999.999999"]).astype(PRICE),
            "cost": pd.Series([None, "1.00"], dtype="str").astype(PRICE),
            "stock_quantity": pd.Series([None, 2**31 - 1], dtype="Int64"),
        }
    )
    return frame.assign(**changed)


@pytest.mark.parametrize(("table", "frame"), [("events", events()), ("products", products())])
def test_a_frame_survives_a_round_trip(tmp_path: Path, table: str, frame: pd.DataFrame) -> None:
    parquet.write_tables({table: frame}, tmp_path)
    pd.testing.assert_frame_equal(parquet.read_table(tmp_path, table), frame)


def test_the_demo_survives_a_round_trip(tmp_path: Path, demo_folder: Path) -> None:
    names = [path.stem for path in demo_folder.glob("*.parquet")]
    written = parquet.write_tables({name: parquet.read_table(demo_folder, name) for name in names}, tmp_path)
    assert all(
        (tmp_path / f"{name}.parquet").read_bytes() == (demo_folder / f"{name}.parquet").read_bytes() for name in names
    )
    assert sorted(written["table"]) == sorted(names)


def test_concatenated_frames_are_written_like_any(tmp_path: Path) -> None:
    parquet.write_tables({"events": pd.concat([events().head(1), events().tail(1)])}, tmp_path)
    pd.testing.assert_frame_equal(parquet.read_table(tmp_path, "events"), events())


def test_a_frame_without_rows_keeps_its_types(tmp_path: Path) -> None:
    parquet.write_tables({"events": events().head(0)}, tmp_path)
    pd.testing.assert_frame_equal(parquet.read_table(tmp_path, "events"), events().head(0))


def test_written_tables_are_listed_in_load_order(tmp_path: Path) -> None:
    written = parquet.write_tables({"events": events(), "products": products()}, tmp_path)
    assert written.to_dict("list") == {
        "table": ["products", "events"],
        "rows": [2, 2],
        "files": [1, 1],
    }


def test_other_columns_and_orders_of_columns_do_not_matter(tmp_path: Path) -> None:
    parquet.write_tables({"products": products(note="x")[["note", *products().columns[::-1]]]}, tmp_path)
    pd.testing.assert_frame_equal(parquet.read_table(tmp_path, "products"), products())


BROKEN = {
    "gap in a required column": ({"event_type": ["purchase", None]}, "event_type is required, but 1 of 2 rows"),
    "gap in a required uuid": ({"session_id": [f"{ID}b", None]}, "session_id is required, but 1 of 2 rows"),
    "text for a time": ({"event_timestamp": "soon"}, "event_timestamp is not of type timestamp"),
    "nanoseconds": ({"event_timestamp": pd.Timestamp("2025-01-01 00:00:00.000000001Z")}, "would lose data"),
    "short uuid": ({"event_id": "abc"}, "event_id .* a UUID has 32 hexadecimal digits"),
    "short and long uuid": ({"event_id": ["ab", "0" * 62]}, "a UUID has 32 hexadecimal digits"),
    "uuid with a blank": ({"event_id": f"{ID[:-1]}  "}, "a UUID has 32 hexadecimal digits"),
    "uuid with another letter": ({"event_id": f"{ID}g"}, "event_id is not of type"),
    "binary fraction": ({"revenue": 0.1}, "revenue .* binary fractions"),
    "too much money": ({"revenue": "1000000000000.00"}, "revenue is not of type decimal"),
    "mixed": ({"revenue": [1, "a"]}, "revenue is not of type decimal"),
}


@pytest.mark.parametrize(("changed", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_frame_is_refused(tmp_path: Path, changed: dict, message: str) -> None:
    with pytest.raises(DataError, match=rf"events\..*{message}"):
        parquet.write_tables({"products": products(), "events": events(**changed)}, tmp_path)
    assert list(tmp_path.iterdir()) == [], "no file is written when one table is broken"


@pytest.mark.parametrize("value", [1.5, 2**31])
def test_a_number_that_does_not_fit_is_refused(tmp_path: Path, value: float) -> None:
    with pytest.raises(DataError, match=r"products\.stock_quantity is not of type int32"):
        parquet.write_tables({"products": products(stock_quantity=value)}, tmp_path)


def test_a_day_with_a_time_is_refused(demo_folder: Path) -> None:
    users = parquet.read_table(demo_folder, "users")
    with pytest.raises(DataError, match=r"users\.signup_date .* time of day"):
        parquet.to_arrow(users.assign(signup_date=users["signup_date"] + pd.Timedelta("1s")), "users")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"events lacks the columns \['user_id'\]"):
        parquet.write_tables({"events": events().drop(columns="user_id")}, tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"users\.parquet; expected the tables of 02_generate"):
        parquet.read_table(tmp_path, "users")
