"""The notebooks as steps of a run: what each needs and gives, and the order of the run that follows from it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lib.errors import UsageError
from lib.settings import PROJECT
from lib.util.headings import opening

__all__ = ["NOTEBOOKS", "Step", "discover", "notebooks", "stages"]

NOTEBOOKS = PROJECT / "notebooks"
REPORTS = "reports"
# Keys allowed under `workbook` in the metadata of a notebook, with their defaults: a report on the loaded database.
REPORT: dict[str, Any] = {"needs": ["database"], "gives": [REPORTS], "optional": False, "long": False}


@dataclass(frozen=True)
class Step:
    """One notebook of the pipeline.

    Attributes:
        name: file name of the notebook without its suffix: `04_executive`.
        title: its first heading, or the name if it has none.
        needs: names of what it reads, such as `database`; it runs after all steps that give them.
        gives: names of what it writes: `tables`, `files`, `database`, `reports` or `metabase`.
        optional: the reports stay valid if it fails.
        long: it takes longer than the other steps of its stage, so it starts first.
    """

    name: str
    path: Path
    title: str
    needs: tuple[str, ...]
    gives: tuple[str, ...]
    optional: bool
    long: bool

    @property
    def page(self) -> str:
        """File name of its HTML page."""
        return f"{self.name}.html"

    @property
    def is_report(self) -> bool:
        """Whether it gives `reports`: its page is a report on the shop, not a record of the set-up."""
        return REPORTS in self.gives


@cache
def discover(folder: Path = NOTEBOOKS) -> tuple[Step, ...]:
    """Every NN_name.ipynb of the folder as a step, in the order in which they run.

    Raises:
        UsageError: A notebook's `workbook` metadata cannot be read, or the notebooks need each other in a circle.
    """
    found = [_step(path) for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))]
    return tuple(step for stage in stages(found) for step in stage)


def notebooks(folder: Path = NOTEBOOKS) -> list[Path]:
    """Every notebook of the folder: the steps in their order, then those that are not part of a run, by name."""
    steps = [step.path for step in discover(folder)]
    return steps + [path for path in sorted(folder.glob("*.ipynb")) if path not in steps]


def stages(steps: Sequence[Step]) -> list[list[Step]]:
    """The steps in stages, which run one after the other; the steps of a stage can run at the same time.

    A stage has all steps whose needs the stages before it give.

    Raises:
        UsageError: A step needs something that no step gives, or steps need each other in a circle.
    """
    waiting, found = list(steps), []
    while waiting:
        missing = {name for step in waiting for name in step.gives}
        given = {name for step in steps for name in step.gives} - missing
        stage = [step for step in waiting if given.issuperset(step.needs)]
        if not stage:
            raise UsageError(_unmet(waiting))
        found.append(stage)
        waiting = [step for step in waiting if step not in stage]
    return found


def _unmet(waiting: Sequence[Step]) -> str:
    """Error message on the steps that can never start."""
    needs = "; ".join(f"{step.name} needs {', '.join(step.needs)}" for step in waiting)
    return (
        f"these notebooks can never start: {needs}; expected that another notebook gives what each needs. "
        "Correct `needs` and `gives` under `workbook` in the metadata of the notebook."
    )


def _step(path: Path) -> Step:
    try:
        book = json.loads(path.read_text(encoding="utf-8"))
        declared = book["metadata"].get("workbook", {})
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise UsageError(f"{path} is not a notebook: {error!r}. Save it again from JupyterLab.") from error
    if not isinstance(declared, dict) or not REPORT.keys() >= declared.keys():
        raise UsageError(
            f"{path.name}: metadata `workbook` is {declared!r}; expected only the keys {', '.join(REPORT)}. "
            "Correct it, or remove it for a report on the loaded database."
        )
    facts = REPORT | declared
    return Step(
        name=path.stem,
        path=path,
        title=opening(book["cells"])[0] or path.stem,
        needs=tuple(facts["needs"]),
        gives=tuple(facts["gives"]),
        optional=bool(facts["optional"]),
        long=bool(facts["long"]),
    )
