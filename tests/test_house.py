"""The house: sizes, the names that README and the public package promise, files that ship."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

import opgsent

TOP = Path(__file__).parents[1]
SOURCES = sorted((TOP / "src").rglob("*.py"))
README = TOP / "README.md"

#: the contract: what users import from opgsent
PUBLIC = (
    "classify classify_many explain tokenize score_frame score_file Classifier train evaluate"
    " Post Verdict Ticker Level Token Explanation ScoreSummary TrainingReport Evaluation"
    " OpgsentError InputError"
).split()


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(TOP / "src")))
def test_a_module_holds_one_room(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    lines = text.count("\n")
    assert lines <= 350, f"{lines} lines: does it hold two rooms?"
    assert not text.strip() or ast.get_docstring(ast.parse(text)), "says what it is for"


def test_public_names() -> None:
    assert set(opgsent.__all__) == set(PUBLIC)
    for name in PUBLIC:
        assert getattr(opgsent, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'clasify'"):
        opgsent.clasify  # noqa: B018
    assert set(PUBLIC) <= set(dir(opgsent))


def test_readme_names_every_public_function_and_command() -> None:
    from opgsent.cli.examples import EXAMPLES

    text = README.read_text(encoding="utf-8")
    for name in PUBLIC:
        assert re.search(rf"\b{name}\b", text), name
    for command in EXAMPLES:
        assert f"opgsent {command}".strip() in text, command


def test_readme_links_lead_somewhere() -> None:
    for file in [*TOP.glob("*.md"), *TOP.glob("docs/*.md"), *TOP.glob("corpora/*.md")]:
        for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", file.read_text("utf-8")):
            assert (file.parent / link).exists(), f"{file.name}: {link}"


def test_versions_agree() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    assert project["version"] == opgsent.__version__
    assert re.search(r"^## \[Unreleased\]", (TOP / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_constraints_pin_what_the_project_needs() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (TOP / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    groups = project["optional-dependencies"].values()
    for need in [*project["dependencies"], *(need for group in groups for need in group)]:
        name = re.split(r"[\[<>=! ]", need)[0].lower()
        assert name == "opgsent" or name in pinned, name


def test_every_check_of_labels_is_documented_as_it_is() -> None:
    from opgsent.checks import CHECKS

    text = (TOP / "docs" / "retraining.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| `([a-z ]+)` \| (stops|warns) \| (.*) \|$", text, re.MULTILINE)
    documented = {name: (kind == "stops", what) for name, kind, what in found}
    assert documented == CHECKS and [row[0] for row in found] == list(CHECKS)


def test_how_much_may_be_forgotten_is_documented() -> None:
    from opgsent.trial import FORGET

    assert f"falls by more than {FORGET}" in (TOP / "docs" / "retraining.md").read_text("utf-8")
