"""Imports point one way: scoring never reaches learning, nothing imports the command line, and
each heavy library has its few doors. Imports inside functions count; those for types do not.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "opgsent"
HEAVY = ("nltk", "sklearn", "pandas", "scipy", "pyarrow", "joblib", "matplotlib")

#: rooms of the flow from labels to a model folder; every other room is on the way of a post
LEARNING = {
    "agreement", "audit", "checks", "corpus", "duplicates", "evaluation", "exports", "fitting",
    "fitting_spans", "labelling", "labels", "lineage", "marks", "matrix", "metrics", "names",
    "page", "records", "refitting", "reporting", "scores", "spanning", "suggest", "suspects",
    "training", "trial",
}  # fmt: skip

#: library -> the rooms that may import it (a package stands for all in it)
DOORS = {
    "sklearn": LEARNING | {"ext"},
    "scipy": LEARNING | {"ext"},
    "nltk": {"agreement", "ext"},
    "pandas": {"corpus", "tables", "ext"},
    "pyarrow": {"records", "tables", "ext"},
    "dask": {"ext"},
    "pyspark": {"ext"},
}


def modules() -> dict[str, Path]:
    """Dotted name inside the package -> file; '' is the package itself."""
    found = {}
    for file in PACKAGE.rglob("*.py"):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = file
    return found


def imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """All imports, also those inside functions; not those under ``if TYPE_CHECKING``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        yield from imports(node)


def targets(name: str, file: Path) -> tuple[set[str], set[str]]:
    """(rooms of opgsent, other libraries) that a module imports."""
    rooms, others = set[str](), set[str]()
    package = name.split(".") if file.name == "__init__.py" and name else name.split(".")[:-1]
    known = modules()
    for node in imports(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            dotted = [alias.name for alias in node.names]
        elif node.level:
            base = package[: len(package) - node.level + 1] if node.level > 1 else package
            start = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            for alias in node.names:
                inner = f"{start}.{alias.name}".strip(".")
                rooms.add(inner if inner in known else start)
            continue
        else:
            dotted = [str(node.module)]
        for full in dotted:
            if full.split(".")[0] == "opgsent":
                rooms.add(full.partition(".")[2])
            else:
                others.add(full.split(".")[0])
    return rooms - {""}, others


ROOMS = modules()
GRAPH = {name: targets(name, file) for name, file in ROOMS.items()}


def top(name: str) -> str:
    return name.split(".")[0]


def reached(start: str) -> dict[str, list[str]]:
    """Every room that ``start`` imports, over others too -> the way there."""
    ways = {start: [start]}
    queue = [start]
    while queue:
        at = queue.pop()
        for room in GRAPH[at][0]:
            if room not in ways and room in GRAPH:
                ways[room] = [*ways[at], room]
                queue.append(room)
    return ways


def test_the_reader_of_imports_sees_hidden_ones() -> None:
    tree = ast.parse(
        "import a\nif TYPE_CHECKING:\n    import b\ndef f():\n    def g():\n        import c\n"
    )
    names = [alias.name for node in imports(tree) for alias in node.names]
    assert names == ["a", "c"]
    assert "fitting" not in GRAPH or "sklearn" in GRAPH["fitting"][1]
    assert "cli" in GRAPH["__main__"][0]
    assert {"result", "tokens"} <= GRAPH["corpus"][0] | GRAPH["duplicates"][0]


def test_every_room_that_is_named_exists() -> None:
    here = {top(name) for name in ROOMS}
    assert here >= LEARNING
    assert here | LEARNING >= set().union(*DOORS.values())


@pytest.mark.parametrize("name", sorted(n for n in ROOMS if top(n) not in LEARNING | {"cli", ""}))
def test_scoring_never_reaches_learning(name: str) -> None:
    if name == "__main__":
        return  # the command line is both flows
    for room, way in reached(name).items():
        assert top(room) not in LEARNING, " -> ".join(way)


@pytest.mark.parametrize("name", sorted(ROOMS))
def test_nothing_imports_the_command_line(name: str) -> None:
    if top(name) not in ("cli", "__main__"):
        assert "cli" not in {top(room) for room in GRAPH[name][0]}


@pytest.mark.parametrize("library", sorted(DOORS))
def test_libraries_have_few_doors(library: str) -> None:
    for name, (_, others) in GRAPH.items():
        assert library not in others or top(name) in DOORS[library], name


def test_only_imports_that_are_there_point_inside() -> None:
    for name, (rooms, _) in GRAPH.items():
        assert rooms <= set(ROOMS), (name, rooms - set(ROOMS))


@pytest.mark.parametrize(
    "code",
    [
        "import opgsent",
        "import opgsent; opgsent.classify('$BTC lost 61.5k')",
        "import opgsent; list(opgsent.classify_many(['gm', '$SOL up']))",
        "import opgsent; opgsent.tokenize('gm $BTC')",
        "from opgsent.cli import main; assert main(['classify', 'gm']) == 0",
    ],
)
def test_reading_a_post_loads_no_heavy_library(code: str) -> None:
    check = f"{code}\nimport sys\nprint(*(m for m in {HEAVY!r} if m in sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", check],
        capture_output=True, text=True, check=False, cwd=PACKAGE.parent,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == ""
