"""Tools for JupyterLab: explain how a result was made, browse a table, and ask a question again by a control."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from lib import settings
from lib.db.queries import Question, question, read

__all__ = ["Explanation", "browse", "choose", "explain"]


# itables draws a white ground in JupyterLab's dark theme, on which the theme's white text cannot be read.
TRANSPARENT = "<style>.dt-container { background: transparent !important }</style>"


@dataclass(frozen=True)
class Explanation:
    """How a result was made.

    Attributes:
        questions: The SQL that its rows come from.
        steps: In JupyterLab, the assignments in the notebook that led to it, each with the number of its cell.
        text: The text alternative of a figure, or the rows of a table.
        frame: The values.
    """

    questions: tuple[Question, ...]
    steps: tuple[str, ...]
    text: str
    frame: pd.DataFrame

    def __repr__(self) -> str:
        asked = [f"question {found.name!r}: {found!r}" for found in self.questions]
        sources = asked or ["No question is recorded: the rows were computed by the notebook."]
        made = ["Computed in these cells:\n" + "\n".join(self.steps)] if self.steps else []
        values = f"frame: {len(self.frame)} rows of {', '.join(map(str, self.frame))}"
        return "\n\n".join([self.text, *sources, *made, values])


def explain(result: Any) -> Explanation:
    """The SQL, the definitions, the text and the values behind a figure, a table or a frame.

    Args:
        result: A figure of `charts`, a table of `display`, or a frame read from a question.

    Returns:
        Prints all of it; its `frame` has the values, its `questions` the SQL, its `steps` the cells that computed it.

    Example:
        >>> explain(read("campaigns", start="2024-07-01", end="2025-07-01")).questions[0].name
        'campaigns'
    """
    if isinstance(result, pd.DataFrame):
        text, frame = "A frame.", result
    else:
        text = repr(result) if hasattr(result, "frame") else f"A {type(result).__name__}, which keeps no values."
        found = getattr(result, "frame", None)
        frame = pd.DataFrame() if found is None else found
    names = frame.attrs.get("questions", ())
    return Explanation(tuple(question(name) for name in names), _steps(), text, frame)


def _steps() -> tuple[str, ...]:
    """The assignments that led to what the current cell explains, in their order, each with the number of its cell.

    Only in JupyterLab: the numbers depend on what ran before.
    """
    if not settings.in_jupyterlab():
        return ()
    from IPython import get_ipython

    shell = get_ipython()
    cells = [_statements(cell) for cell in shell.user_ns["In"]] if shell else [[]]
    assigned = {
        name: (number, statement)
        for number, cell in enumerate(cells)
        for statement in cell
        if isinstance(statement, ast.Assign) and not isinstance(statement.value, ast.Constant)
        for target in statement.targets
        for name in _names(target)
    }
    wanted = [name for statement in cells[-1] for call in _explained(statement) for name in _names(call)]
    found = {}
    while wanted:
        name = wanted.pop()
        if name in assigned:
            number, statement = assigned.pop(name)
            found[number, statement.lineno] = f"[{number}] {ast.unparse(statement)}"
            wanted += _names(statement)
    return tuple(found[place] for place in sorted(found))


def _statements(cell: str) -> list[ast.stmt]:
    try:
        return ast.parse(cell).body
    except SyntaxError:  # the cell did not run
        return []


def _explained(statement: ast.stmt) -> list[ast.Call]:
    calls = [node for node in ast.walk(statement) if isinstance(node, ast.Call)]
    return [call for call in calls if ast.unparse(call.func).rpartition(".")[2] == "explain"]


def _names(node: ast.AST) -> list[str]:
    return [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]


def browse(frame: pd.DataFrame) -> object:
    """The frame as a table that can be sorted, filtered and paged, without a network; the frame itself elsewhere.

    Example:
        >>> browse(pd.DataFrame({"x": [2, 1]})).shape  # not in JupyterLab here
        (2, 1)
    """
    if not settings.in_jupyterlab():
        return frame
    import itables
    from IPython.display import HTML

    itables.init_notebook_mode(connected=False)  # in each output, so that a saved notebook shows its tables again
    table = itables.to_html_datatable(frame, connected=False, display_logo_when_loading=False)
    return HTML(TRANSPARENT + table)  # type: ignore[no-untyped-call]  # IPython types only a part


def choose(
    label: str,
    options: Mapping[str, Mapping[str, Any]],
    ask: str | Callable[..., pd.DataFrame],
    draw: Callable[..., object],
    *further: object,
) -> object:
    """A control that asks a question again for the option chosen, and draws the answer.

    Args:
        label: Text next to the control.
        options: Values of the question's parameters by the text of each option.
        ask: Name of the question, or a function that is called with the values.
        draw: Called with the answer and `further`, such as `display.table`.
        further: Further arguments of `draw`.

    Returns:
        The control with its answer; None outside of JupyterLab, so that reports and saved outputs lack it.

    Example:
        >>> exploring.choose("Country", {"all": {}}, pd.DataFrame, repr)  # not in JupyterLab here
    """
    if not settings.in_jupyterlab():
        return None
    import ipywidgets
    from IPython.display import display

    answer_to = partial(read, ask) if isinstance(ask, str) else ask
    chosen = ipywidgets.Dropdown(options=list(options), description=label)
    answer = ipywidgets.Output()

    def show(change: Mapping[str, Any]) -> None:
        answer.clear_output(wait=True)
        with answer:
            display(draw(answer_to(**options[change["new"]]), *further))  # type: ignore[no-untyped-call]  # IPython types only a part

    chosen.observe(show, names="value")
    show({"new": chosen.value})
    return ipywidgets.VBox([chosen, answer])
