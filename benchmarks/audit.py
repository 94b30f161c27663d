"""``python -m benchmarks.audit``: the bundled model on the posts of audits.

They stand in tests/cases, written by somebody who had seen no answer; the model's makers have seen
them since, so they are a lower bound on its faults and no test of the next version.
"""

from __future__ import annotations

import json
from collections import Counter

from benchmarks.extraction import read_all, report
from benchmarks.posts import TOP, table
from opgsent import Classifier
from opgsent.corpus import LabelledPost, to_post
from opgsent.extraction import Extractor
from opgsent.result import LABELS


def main() -> None:
    """Print all figures."""
    model = Classifier.bundled()
    verdicts(model, posts("verdicts"))
    extractor = Extractor(model.assets, model.arrays)
    audited = posts("extraction")
    for name, chosen in (
        ("first audit of spans", [post for part, post in audited if part[0] != "C"]),
        ("third audit of spans", [post for part, post in audited if part[0] == "C"]),
    ):
        report(name, chosen, read_all(extractor, [post.text for post in chosen]))


def posts(kind: str) -> list[tuple[str, LabelledPost]]:
    """(part of the audit, post) of a table of cases."""
    found = []
    for row, line in enumerate((TOP / "tests" / "cases" / f"{kind}.jsonl").open("rb"), 1):
        case = json.loads(line)
        audit, _, part = case["why"].partition("audit")
        if not audit and part:
            found.append((part.strip(" :"), to_post({"id": row, **case}, row)))
    return found


def verdicts(model: Classifier, audited: list[tuple[str, LabelledPost]]) -> None:
    """How many verdicts are right, part by part, and of those that the model is sure of."""
    answers = model.classify_many(post.text for _, post in audited)
    count: Counter[tuple[str, str]] = Counter()
    for (part, post), answer in zip(audited, answers, strict=True):
        count[part, "posts"] += 1
        for question in LABELS:
            verdict = getattr(answer, question)
            right = verdict.label == getattr(post, question)
            count[part, question] += right
            count[part, f"sure of {question}"] += verdict.sure
            count[part, f"right then: {question}"] += verdict.sure and right
    columns = list(dict.fromkeys(column for _, column in count))
    parts = list(dict.fromkeys(part for part, _ in count))
    lines = [[part, *(str(count[part, column]) for column in columns)] for part in parts]
    sums = [str(sum(count[part, column] for part in parts)) for column in columns]
    print(table(["verdicts of an audit", *columns], [*lines, ["all", *sums]]))


if __name__ == "__main__":
    main()
