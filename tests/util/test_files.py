"""The old file stays until the new one is complete."""

from pathlib import Path

import pytest

from lib.errors import OutputError
from lib.util.files import replacing


def test_replacing_shows_the_old_file_until_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    for text in ("old", "new"):
        with replacing(path) as temporary:
            temporary.write_text(text)
            assert not path.exists() or path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("failure", [ZeroDivisionError, KeyboardInterrupt])
def test_replacing_keeps_the_old_file_when_the_block_fails(tmp_path: Path, failure: type) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(failure), replacing(path) as temporary:
        temporary.write_text("half")
        raise failure
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_invalid_folder_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match=r"cannot write to .*below: Not a directory"),
        replacing(tmp_path / "file" / "below" / "a.txt"),
    ):
        pytest.fail("the block must not run")


def test_full_disk_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with (
        pytest.raises(OutputError, match=r"cannot write to .*a\.txt: No space left on device\. Free disk space"),
        replacing(tmp_path / "a.txt"),
        Path("/dev/full").open("w") as full,
    ):
        full.write("x")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_folder_at_the_path_of_the_file_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    with (
        pytest.raises(OutputError, match=r"cannot write to .*a\.txt: Is a directory"),
        replacing(tmp_path / "a.txt"),
    ):
        pass
    assert len(list(tmp_path.iterdir())) == 1
