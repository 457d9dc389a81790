"""Tests of params files: valid ones are read, wrong keys and values are refused by line, with a suggestion."""

import re
from datetime import date
from pathlib import Path

import pytest
import yaml

from lib.data.synthetic import SAMPLE_COUNTS, SAMPLE_SHOP
from lib.errors import UsageError
from lib.run import params, refresh
from lib.settings import PROJECT

DEMO = PROJECT / "params" / "demo.yml"
MAPPING = "mapping:\n  format: lines\n"


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """A data file whose path has spaces, = , : and #."""
    file = tmp_path / "a b=c, d: e #1.csv"
    file.touch()
    return file


def written(folder: Path, text: str) -> Path:
    path = folder / "own.yml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path, *settings: str) -> str:
    with pytest.raises(UsageError) as refused:
        params.load(path, settings)
    return str(refused.value)


def test_demo_file_is_the_default() -> None:
    assert params.load(DEMO) == params.Params()


@pytest.mark.parametrize(("name", "rows"), [("sample", 1_300), ("demo", 26_000), ("full", 118_600)])
def test_files_have_the_sizes_that_readme_says(name: str, rows: int) -> None:
    sizes = params.load(params.find(name)).generate
    lines = sizes.orders * sizes.lines_per_order
    expected = sizes.users + sizes.products + sizes.orders + lines + sizes.events + sizes.marketing_campaigns
    assert expected == pytest.approx(rows, rel=0.03)


def test_sample_file_is_the_shop_that_the_generator_makes_without_arguments() -> None:
    """The fixtures of the tests generate it so."""
    values = params.load(params.find("sample")).generate.model_dump()
    assert {**vars(SAMPLE_COUNTS), **vars(SAMPLE_SHOP)}.items() >= values.items()


def test_online_retail_needs_data_and_gets_an_absolute_path(csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = params.find("online_retail")
    assert "DATA=FILE" in refusal(file)
    monkeypatch.chdir(csv.parent)
    assert params.load(file, [f"data={csv.name}"]).data == str(csv)


@pytest.mark.parametrize("name", ["own_files", "lines", "online_retail", "shopify"])
def test_params_for_imports_reject_bad_rows_and_explain_their_keys(name: str, tmp_path: Path, csv: Path) -> None:
    found = params.load(params.find(name), [f"data={tmp_path if name == 'own_files' else csv}"])
    assert (found.on_bad_rows, found.max_reject_share) == ("reject", 0.01)
    lines = params.find(name).read_text("utf-8").splitlines()
    keys = [line for line in lines if re.match(r"(  )?\w+:", line) and not line.startswith("mapping")]
    assert all("#" in line for line in keys)


def test_params_for_imports_report_the_days_up_to_the_last_order() -> None:
    """A shop whose data end on June 29 sees June, and not May."""
    read = [yaml.safe_load(file.read_text("utf-8")) for file in params.find("demo").parent.glob("*.yml")]
    found = [(values["as_of"], values["period"]) for values in read if values.get("mapping")]
    assert set(found) == {("auto", "last_30_days")}


def test_params_of_your_files_explain_every_key_of_the_mapping() -> None:
    text = "".join(params.find(name).read_text("utf-8") for name in ("own_files", "lines"))
    assert set(params.Mapping.model_fields) == set(re.findall(r"^  (\w+):", text, re.MULTILINE))


def test_demo_file_says_what_the_model_says() -> None:
    saved, expected = DEMO.read_text("utf-8").splitlines(), refresh.demo_file().splitlines()
    assert saved == expected, "params/demo.yml lacks these lines (`make refresh` writes them):\n" + "\n".join(
        line for line in expected if line not in saved
    )


def test_every_parameter_has_a_description() -> None:
    fields = {**params.Params.model_fields, **params.Generate.model_fields}
    assert [name for name, field in fields.items() if not field.description] == []


def test_a_file_is_found_by_name_or_path(tmp_path: Path) -> None:
    assert params.find("demo") == DEMO
    assert params.find(str(written(tmp_path, ""))) == tmp_path / "own.yml"


def test_a_missing_params_file_is_refused_with_the_existing_names() -> None:
    with pytest.raises(
        UsageError,
        match=r"unknown params file 'dem' \(did you mean demo\?\); expected a path or one of amazon, cluster, demo, ",
    ):
        params.find("dem")


def test_empty_file_means_all_defaults(tmp_path: Path) -> None:
    assert params.load(written(tmp_path, "# nothing\n")) == params.Params()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\nsed: 2\n", "line 2: unknown parameter 'sed' (did you mean seed?)"),
        ("generate:\n  ordes: 5\n", "line 2: unknown parameter 'generate.ordes' (did you mean generate.orders?)"),
        ("zzzz: 1\n", "line 1: unknown parameter 'zzzz'"),
        ("1: 2\n", "1"),
        ("seed: abc\n", "line 1: seed is 'abc': Input should be a valid integer"),
        ("seed: yes\n", "line 1: seed is True: Input should be a valid integer"),
        ("seed: '5'\n", "line 1: seed is '5': Input should be a valid integer"),
        ("seed: -1\n", "line 1: seed is -1: Input should be greater than or equal to 0"),
        ("revenue_target: .inf\n", "line 1: revenue_target is inf: Input should be a finite number"),
        ("period: last_year\n", "line 1: period is 'last_year': Input should be 'last_30_days'"),
        ("as_of: 2025-02-30\n", "is not YAML: day is out of range"),
        ("as_of: soon\n", "line 1: as_of: 'soon' is not a day; expected one such as"),
        ("currency: XQZ\n", "line 1: currency: unknown currency 'XQZ'; expected an ISO 4217 code"),
        (
            "time_zone: Europe/Londn\n",
            "line 1: time_zone: unknown time zone 'Europe/Londn' (did you mean Europe/London?)",
        ),
        ("time_zone: Europe\n", "line 1: time_zone: unknown time zone 'Europe'"),
        ("locale: en-US\n", "line 1: locale: unknown locale 'en-US'; expected language and country, such as"),
        ("\ngenerate:\n  orders: 10\n  events: 59\n", "line 2: generate: events is 59; expected at least 60"),
        ("data: x.csv\n", "data is set, mapping is not. Leave out PARAMS"),
        (MAPPING, "mapping is set, data is not"),
        (
            "mapping:\n  format: excel\ndata: x\n",
            "line 2: mapping.format: unknown format 'excel'; expected one of lines, shopify, tables",
        ),
        ("mapping:\n  delimiter: ','\ndata: x\n", "mapping.format: Field required"),
        ("seed: 1\nseed: 2\n", "line 2: duplicate key seed. Keep one"),
        ("seed: [1\n", "is not YAML: while parsing"),
        ("- seed\n", "has no `key: value` lines"),
        ("just words", "has no `key: value` lines"),
        ("!!python/object/apply:os.getcwd []", "is not YAML"),
        (MAPPING + "data: gone.csv\n", "gone.csv; expected the export of your shop"),
        ("mapping:\n  format: tables\ndata: gone\n", "gone; expected the folder with your files"),
        ("on_bad_rows: ignore\n", "line 1: on_bad_rows is 'ignore': Input should be 'fail' or 'reject'"),
        ("max_reject_share: 1.5\n", "line 1: max_reject_share is 1.5: Input should be less than or equal to 1"),
        (MAPPING + "  decimal: x\ndata: x\n", "line 3: mapping.decimal is 'x': Input should be 'auto', '.' or ','"),
        (MAPPING + "  null_words: [NULL]\ndata: x\n", "mapping.null_words.0 is None: Input should be a valid string"),
    ],
)
def test_wrong_keys_and_values_are_refused(text: str, message: str, tmp_path: Path) -> None:
    assert message in refusal(written(tmp_path, text))


def test_all_errors_are_reported_at_once(tmp_path: Path) -> None:
    said = refusal(written(tmp_path, "sed: 1\nhorizon_days: 0\ngenerate:\n  users: few\n"), "keep_runs=x")
    assert [line.partition(": ")[0].rpartition("own.yml, ")[2] for line in said.splitlines()] == [
        "line 4",
        "line 2",
        "--set keep_runs=x",
        "line 1",
    ]


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read as text" in refusal(tmp_path / "own.yml")


def test_settings_override_the_file_by_short_and_full_name() -> None:
    found = params.load(DEMO, ["orders=7", "generate.users=8", "seed=9", "as_of=2024-01-01"])
    assert (found.generate.orders, found.generate.users, found.seed) == (7, 8, 9)
    assert (found.as_of, found.generate.products) == (date(2024, 1, 1), 80)


def test_a_text_value_is_used_as_typed(csv: Path) -> None:
    file = params.find("online_retail")
    given = [f"data={csv}", "delimiter=|", "currency=NOK", "mapping.countries.USA=NO", "time_zone=Europe/Oslo"]
    found = params.load(file, given)
    assert (found.time_zone, found.mapping.time_zone) == ("Europe/Oslo", "")
    assert (found.data, found.mapping.delimiter, found.currency) == (str(csv), "|", "NOK")
    assert (found.mapping.countries["USA"], found.mapping.countries["Unspecified"]) == ("NO", "")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("ordes=5", "--set: unknown parameter 'ordes' (did you mean generate.orders?)"),
        ("orders", "--set orders: expected key=value"),
        ("orders=many", "--set orders=many: generate.orders is 'many': Input should be a valid integer"),
        ("orders=[", "--set orders=[: generate.orders is '[': Input should be a valid integer"),
        ("orders=5000", "events is 18000; expected at least 30000"),
        ("as_of=2025-02-30", "--set as_of=2025-02-30: as_of: '2025-02-30' is not a day"),
        ("mapping.formt=x", "unknown parameter 'mapping.formt' (did you mean mapping.format?)"),
    ],
)
def test_a_wrong_setting_is_named(setting: str, said: str) -> None:
    assert said in refusal(DEMO, setting)


def test_values_survive_yaml_and_json() -> None:
    values = params.Params().values()
    assert yaml.safe_load(yaml.safe_dump(values)) == values
    assert values["as_of"] == "2025-07-01"


def test_a_dask_address_needs_the_dask_engine(tmp_path: Path) -> None:
    file = written(tmp_path, "dask_address: tls://host:8786\n")
    with pytest.raises(UsageError, match=r"dask_address is set, engine is local. Set engine: dask"):
        params.load(file)
    assert params.load(file, ["engine=dask"]).engine == "dask"


def test_values_of_an_edited_notebook_are_checked() -> None:
    params.check({"period": "last_month", "as_of": "2025-07-01", "mapping": None, "unrelated": object()})
    with pytest.raises(UsageError, match="parameters: period is 'nonsense'") as refusal:
        params.check({"period": "nonsense", "churn_days": -1, "generate": {"orders": "x"}})
    assert len(str(refusal.value).splitlines()) == 3


def test_the_recorded_parameters_of_imported_files_are_valid_again() -> None:
    recorded = params.Params(data="orders.csv", mapping=params.Mapping(format="tables")).values()
    assert params.Params.model_validate(recorded).values() == recorded
