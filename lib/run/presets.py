"""The params file of params/ that fits the file of a shop."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from lib.data.imports.formats import load_format
from lib.data.imports.mapping import layouts_of
from lib.data.imports.matching import matched_columns, samples_of
from lib.data.imports.sampling import Sample
from lib.data.imports.sources import name_of, named_files, unpacked
from lib.errors import DataError
from lib.run import params
from lib.run.mapping import write_proposal
from lib.settings import PROJECT

__all__ = ["preset_for"]


def preset_for(data: Path) -> Path:
    """The params file in params/ with the most columns of the file, of those whose required columns it has all.

    Raises:
        UsageError: The file or folder does not exist.
        DataError: It cannot be read, or no params file fits; then one is proposed in output/mapping.
    """
    with TemporaryDirectory() as folder:
        files = unpacked(named_files(data), Path(folder))
        samples = {file: samples_of(file, Path(folder)) for file in files}
    found = {file: _matched(samples, mapping) for file, mapping in _presets().items()}
    most = max(found.values(), default=0)
    if not most:
        _, advice = write_proposal(data)
        raise DataError(f"{data}: its columns are not those of a known export. {advice}")
    return next(file for file, matched in found.items() if matched == most)


def _presets() -> dict[Path, Mapping[str, Any]]:
    """The params files with a mapping."""
    files = sorted((PROJECT / "params").glob("*.yml"))
    read = {file: yaml.safe_load(file.read_text(encoding="utf-8")) for file in files}
    return {file: values["mapping"] for file, values in read.items() if values and values.get("mapping")}


def _matched(samples: dict[Path, list[Sample]], mapping: Mapping[str, Any]) -> int:
    """How many columns of the mapping the files have; 0 if a needed one is missing."""
    source = load_format(mapping["format"])
    layouts = layouts_of(source, params.Mapping(**mapping).model_dump(mode="json"))
    if len(source.files) == 1:
        (main,) = source.files
        return max((matched_columns(found, layouts[main]) for found in samples.values()), default=0)
    named = {name_of(file): found for file, found in samples.items()}
    counts = {name: matched_columns(named[name], layout) for name, layout in layouts.items() if name in named}
    required = set(layouts) - set(source.optional)
    return sum(counts.values()) if required <= {name for name, count in counts.items() if count} else 0
