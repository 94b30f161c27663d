"""Which posts to label next: in doubt, unlike one another, and no near-duplicates.

Doubt alone picks the same kind of post again and again; spread alone picks posts the model knows.
The pick is the diverse mini-batch of Zhdanov (2019, arXiv:1901.05954): the most doubtful
``BETA * n`` posts are clustered into n, weighted by doubt, and the post nearest to each centre
is taken.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .corpus import LabelledPost
from .duplicates import group_near_duplicates
from .errors import InputError
from .files import write_whole
from .result import LABELS, STANCES, STYLES

#: doubtful posts looked at for each one suggested: of few labels, spread is worth more than doubt
#: (Hacohen, Dekel & Weinshall 2022, arXiv:2202.02794; docs/retraining.md)
BETA = 40
_DIMENSIONS = 64
_BUCKETS = 2**16

#: texts -> for each the probabilities of each question, {'stance': {'bullish': .2, ...}, ...}
Probabilities = Callable[[Sequence[str]], Sequence[Mapping[str, Mapping[str, float]]]]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A post worth labelling: its index in the texts given, and how much in doubt, 0 to 1."""

    index: int
    doubt: float


def doubt_of(verdicts: Mapping[str, Mapping[str, float]]) -> float:
    """Mean entropy of the verdicts of a post, 0 (certain) to 1 (no idea).

    >>> doubt_of({"stance": {"bullish": 0.5, "bearish": 0.5}, "style": {"hype": 1.0, "other": 0.0}})
    0.5
    """
    entropies = [
        -sum(p * math.log(p) for p in found.values() if p > 0) / math.log(len(found))
        for found in verdicts.values()
        if len(found) > 1
    ]
    return sum(entropies) / len(entropies) if entropies else 0.0


def suggest(
    texts: Sequence[str],
    n: int,
    probabilities: Probabilities,
    *,
    labelled: Sequence[str] = (),
    seed: int = 0,
) -> list[Suggestion]:
    """Pick ``n`` posts to label, the most doubtful first; fewer where no more are distinct.

    ``probabilities`` is a model (see Probabilities), called once; near-duplicates of each other
    and of the ``labelled`` texts are passed over, empty posts too. Same input and seed, same
    pick. Raises ValueError for n < 1.

    >>> known = {"up": 0.99, "so undecided here": 0.5, "so undecided here!": 0.6}
    >>> model = lambda texts: [{"stance": {"bullish": known[t], "bearish": 1 - known[t]}}
    ...                        for t in texts]
    >>> [found.index for found in suggest(list(known), 1, model)]
    [1]
    """
    if n < 1:
        raise ValueError(f"n is {n}; ask for at least one post")
    asked = [i for i, text in enumerate(texts) if text.strip()]
    verdicts = probabilities([texts[i] for i in asked])
    doubt = {i: doubt_of(found) for i, found in zip(asked, verdicts, strict=True)}
    groups = group_near_duplicates([*labelled, *texts])
    taken = set(groups[: len(labelled)])
    pool: list[int] = []
    for i in sorted(doubt, key=lambda i: (-doubt[i], i)):
        group = groups[len(labelled) + i]
        if group not in taken:
            taken.add(group)
            pool.append(i)
    pool = pool[: BETA * n]
    if len(pool) > n:
        of = dict(zip(asked, verdicts, strict=True))
        chosen = _spread([texts[i] for i in pool], [of[i] for i in pool], n, seed)
        pool = [pool[place] for place in chosen]
    return [Suggestion(i, doubt[i]) for i in sorted(pool, key=lambda i: (-doubt[i], i))]


def _spread(
    texts: Sequence[str], verdicts: Sequence[Mapping[str, Mapping[str, float]]], n: int, seed: int
) -> list[int]:
    """Places of n posts that lie apart: nearest to the centres of a doubt-weighted k-means."""
    import numpy as np
    from sklearn.cluster import KMeans
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
    from sklearn.preprocessing import normalize

    seed %= 2**32  # scikit-learn takes no larger one
    words = HashingVectorizer(
        n_features=_BUCKETS, ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]", alternate_sign=False
    )
    rows = TfidfTransformer(sublinear_tf=True).fit_transform(words.transform(texts))
    svd = TruncatedSVD(min(_DIMENSIONS, len(texts) - 1), random_state=seed)
    said = [[p for found in v.values() for p in found.values()] for v in verdicts]
    points = np.hstack([normalize(svd.fit_transform(rows)), np.asarray(said)])
    weights = np.asarray([doubt_of(v) for v in verdicts]) + 1e-6
    means = KMeans(n, n_init=1, max_iter=50, random_state=seed)
    means.fit(points, sample_weight=weights)
    apart = np.linalg.norm(points - means.cluster_centers_[means.labels_], axis=1)
    order = np.lexsort((np.arange(len(texts)), apart, means.labels_))
    _, firsts = np.unique(means.labels_[order], return_index=True)
    chosen = [int(order[first]) for first in firsts]
    rest = [place for place in range(len(texts)) if place not in set(chosen)]
    return chosen + rest[: n - len(chosen)]  # clusters can come out empty


def why_fewer(texts: Sequence[str], found: int, n: int, *, labelled: bool = False) -> str:
    """Why ``suggest`` picked fewer of some texts than ``n``; '' where that explains itself.

    >>> why_fewer(["up", "up!", "down"], 2, 200)
    ' (the others are near-duplicates of these)'
    """
    if found >= min(n, len(texts)):
        return ""
    filled = sum(bool(text.strip()) for text in texts)
    alike = ["near-duplicates of these", *["of labelled posts"] * labelled]
    reasons = alike * (found < filled) + ["empty"] * (filled < len(texts))
    return f" (the others are {' or '.join(reasons)})"


# --- files that a labelling tool opens ------------------------------------------------------

#: paste into Label Studio: Settings, Labeling Interface, Code
LABEL_STUDIO_CONFIG = """<View>
  <Text name="text" value="$text"/>
  <Choices name="stance" toName="text" choice="single" showInLine="true">
{stances}
  </Choices>
  <Choices name="style" toName="text" choice="single" showInLine="true">
{styles}
  </Choices>
</View>
""".format(
    stances="\n".join(f'    <Choice value="{label}"/>' for label in STANCES),
    styles="\n".join(f'    <Choice value="{label}"/>' for label in STYLES),
)


def write_posts(posts: Sequence[LabelledPost], path: str | Path) -> None:
    """Write posts to be labelled: .csv (a spreadsheet), .json (Label Studio), .jsonl (doccano).

    The file appears whole or not at all. CSV begins with a byte order mark, and a text that a
    spreadsheet would run as a formula gets an apostrophe in front; read_labels takes off both.
    Raises InputError for another suffix or a folder that cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_posts([LabelledPost("7", "=up", row=3)], Path(folder, "todo.csv"))
    ...     print(Path(folder, "todo.csv").read_text("utf-8-sig").split())
    ['id,row,text,stance,style', "7,3,'=up,,"]
    """
    write_whole(path, _WRITERS[kind_of(path)](posts))


def kind_of(path: str | Path) -> str:
    """'.csv', '.json' or '.jsonl' of a file to write; raises InputError for another suffix.

    >>> kind_of("TODO.CSV")
    '.csv'
    """
    kind = Path(path).suffix.lower()
    if kind not in _WRITERS:
        raise InputError(
            f"{path}: give .csv (spreadsheet), .json (Label Studio) or .jsonl (doccano)"
        )
    return kind


#: without it Excel takes UTF-8 for the Windows code page: emoji and accents come out as others,
#: are saved so, and the labels then stand on posts that nobody wrote
BOM = "\ufeff"


def _csv(posts: Sequence[LabelledPost]) -> str:
    out = io.StringIO()
    out.write(BOM)
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["id", "row", "text", *LABELS])
    for post in posts:
        rows.writerow([guarded(post.id), post.row, guarded(post.text), *[""] * len(LABELS)])
    return out.getvalue()


def guarded(cell: str) -> str:
    """With an apostrophe in front where a spreadsheet would run the cell; read_labels undoes it.

    >>> guarded("=1+1"), guarded("gm")
    ("'=1+1", 'gm')
    """
    return f"'{cell}" if re.match(r"'*[=+@-]", cell) else cell


def _label_studio(posts: Sequence[LabelledPost]) -> str:
    tasks = [{"data": {"id": post.id, "row": post.row, "text": post.text}} for post in posts]
    return json.dumps(tasks, indent=1) + "\n"


def _doccano(posts: Sequence[LabelledPost]) -> str:
    rows = ({"id": p.id, "row": p.row, "text": p.text, "label": []} for p in posts)
    return "".join(json.dumps(row) + "\n" for row in rows)


_WRITERS = {".csv": _csv, ".json": _label_studio, ".jsonl": _doccano}
