"""Tests of the files that DATA names."""

import zipfile
from pathlib import Path

import pytest

from lib.data.imports.sources import named_files, unpacked
from lib.errors import DataError, UsageError


def made(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(name)
    return folder


def test_a_file_may_have_any_name(tmp_path: Path) -> None:
    folder = made(tmp_path, "orders [1].dat")
    assert named_files(folder / "orders [1].dat") == [folder / "orders [1].dat"]


def test_a_pattern_and_a_folder_name_files_in_order_without_others(tmp_path: Path) -> None:
    folder = made(tmp_path, "orders_2.csv", "orders_1.csv.gz", "notes.docx", "costs.csv")
    assert [path.name for path in named_files(folder / "orders_*")] == ["orders_1.csv.gz", "orders_2.csv"]
    assert [path.name for path in named_files(folder)] == ["costs.csv", "orders_1.csv.gz", "orders_2.csv"]


@pytest.mark.parametrize(("name", "words"), [("gone.csv", "no file .*gone.csv"), (".", "the folder .* has no file")])
def test_no_file_is_refused_with_what_can_be_named(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(UsageError, match=rf"{words}; expected the export .* several as in DATA='orders_\*.csv'"):
        named_files(tmp_path / name)


def zipped(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, name)
    return path


def test_an_archive_is_replaced_by_its_files(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "all.zip", "export/b.csv", "a.csv", "readme.md", "__MACOSX/._a.csv", "../c.csv")
    files = unpacked([archive, tmp_path / "d.csv"], tmp_path / "work")
    assert [path.name for path in files] == ["c.csv", "a.csv", "b.csv", "d.csv"]
    assert [path.parent for path in files[:3]] == [tmp_path / "work" / "all"] * 3
    assert files[1].read_text() == "a.csv"


@pytest.mark.parametrize(
    ("names", "words"), [(["readme.md"], "has no file that ends"), (["a/x.csv", "b/x.csv"], "two files of one name")]
)
def test_an_archive_without_a_clear_content_is_refused(tmp_path: Path, names: list[str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        unpacked([zipped(tmp_path / "all.zip", *names)], tmp_path / "work")


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "all.zip").write_bytes(b"PK\3\4 cut off")
    with pytest.raises(DataError, match=r"all.zip cannot be unpacked \(.+\)\. Unpack it yourself"):
        unpacked([tmp_path / "all.zip"], tmp_path / "work")
