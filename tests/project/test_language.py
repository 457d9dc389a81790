"""Tests of the wording: plain technical English in everything that people read, without phrases that riddle."""

import ast
import io
import json
import re
import subprocess
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lib.settings import PROJECT

# Each phrase with what to write instead. `.github/CONTRIBUTING.md` has the rules.
BANNED = {
    r"so many\b(?! repeat)": "this many, or the number",
    r"of before\b": "previous, existing",
    r"mend(s|ed|ing)?\b": "fix",
    r"made[- ]up\b": "synthetic",
    r"(?<!there )(is|are) no (?!longer|more than)[a-z]": "is not a",
    r"(whoever|whatever|nobody|somebody)\b": "name the person or the thing",
    r"hangs? on\b": "depends on",
    r"the word of\b": "name the thing",
    r"the period before\b": "the previous period",
    r"beside\b": "next to, compared with",
    r"own files\b": "your files, imported files",
    r"(refused|fallen) (line|row)s?\b": "rejected row, rejected with its parent",
    r"(voices|odd days?|repeating last week)\b": "components, anomalies, seasonal naive",
    r"(is|are|was|were|be) told\b": "is reported, is named, is distinguished",
    r"wanted\b(?! by)": "expected",
    r"order of size\b": "order of magnitude",
    r"as much as in\b": "unchanged from",
    r"words for nothing\b": "placeholders for missing values",
    r"(takes|taken) along\b": "its dependent rows are rejected with it",
    r"(its|the) rights\b": "permissions",
    r"buyers of\b": "existing customers",
    r"in vain\b": "without success",
    r"look at who\b": "check which",
}
PHRASE = re.compile(r"\b(" + "|".join(BANNED) + ")", re.IGNORECASE)
# A clause whose subject is a relative pronoun without an antecedent, such as `Who waits longer ends the session.`
CLAUSE = re.compile(r"(?:^|[.;:] )(?:Who|What(?! to do)|Whoever|Whatever|Those who|That which) [^?]*(?:[.;:]|$)")


def findings(text: str) -> list[str]:
    """The phrases and clauses of a text that must be reworded."""
    text = " ".join(text.split())
    return [match[0] for pattern in (PHRASE, CLAUSE) for match in pattern.finditer(text)]


def of_python(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of each comment, each docstring and message of three words or more, and name of a function."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.count(" ") >= 2:
            yield node.lineno, node.value
        if isinstance(node, ast.FunctionDef):
            yield node.lineno, node.name.replace("_", " ")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def of_notebook(source: str) -> Iterator[tuple[int, str]]:
    """Prose and code of each cell, by its number."""
    for number, cell in enumerate(json.loads(source)["cells"]):
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            yield number, text
        else:
            yield from ((number, part) for _, part in of_python(text))


def of_lines(source: str, comment: str) -> Iterator[tuple[int, str]]:
    """Line and text of each comment."""
    for number, line in enumerate(source.splitlines(), 1):
        if match := re.search(rf"(?:^|\s){comment}(.*)", line):
            yield number, match[1]


def of_text(source: str) -> Iterator[tuple[int, str]]:
    yield from enumerate(source.splitlines(), 1)


READERS = {
    ".py": of_python,
    ".ipynb": of_notebook,
    ".md": of_text,
    ".yml": of_text,
    ".j2": of_text,
    ".sql": lambda source: of_lines(source, "--"),
    ".js": lambda source: of_lines(source, "//"),
    "Makefile": lambda source: of_lines(source, "#"),
    ".env.example": lambda source: of_lines(source, "#"),
}


def files() -> list[Path]:
    """The files of the repository that have a reader."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [PROJECT / name for name in listed.stdout.splitlines() if name != "tests/project/test_language.py"]
    return [path for path in paths if reader(path) and path.exists()]


def reader(path: Path) -> Callable[[str], Iterator[tuple[int, str]]] | None:
    return READERS.get(path.name) or READERS.get(path.suffix)


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PROJECT)))
def test_wording_is_plain(path: Path) -> None:
    texts = reader(path)(path.read_text(encoding="utf-8"))
    found = [f"{path.name}:{line}: {phrase!r}" for line, text in texts for phrase in findings(text)]
    assert found == [], "reword these (see .github/CONTRIBUTING.md)"


@pytest.mark.parametrize(
    "text",
    [
        "Who waits for so long ends that session.",
        "'XQZ' is no currency",
        "the reports of the period before",
        "Shows what it is beside the others",
        "fix it; mend its rights",
    ],
)
def test_a_banned_phrase_is_found(text: str) -> None:
    assert findings(text)


@pytest.mark.parametrize(
    "text", ["Customers who ordered twice", "What will the next weeks bring?", "is no longer in use"]
)
def test_plain_english_is_accepted(text: str) -> None:
    assert findings(text) == []


def test_docstrings_comments_messages_and_names_are_read() -> None:
    source = '"""One module."""\n# two comment\ndef three_name():\n    raise ValueError("four of a message")\n'
    assert [text for _, text in of_python(source)] == ["three name", "four of a message", "# two comment"]
