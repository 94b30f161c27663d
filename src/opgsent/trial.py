"""A base model and checked labels -> a new model beside the old one: fitted, compared, written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .checks import FEWEST, Checked
from .corpus import LabelledPost
from .duplicates import group_near_duplicates
from .errors import InputError
from .fitting import FOLDS, folds_of, softmax
from .folder import write_folder
from .lineage import card_of
from .linear import COLUMNS_OF, Scorer, Weights
from .matrix import features_matrix
from .metrics import DRAWS, Judged, difference
from .refitting import Refit, merged, refit
from .reporting import Comparison
from .result import LABELS
from .scores import among_seen, groups_of, question_scores, why_one_group
from .spanning import Spanned, refit_spans
from .suspects import Progress, Suspect, rank_suspects

if TYPE_CHECKING:
    from .assets import Assets
    from .classifier import Classifier

#: how much macro-F1 on the control set a new model may lose
FORGET = 0.05
BATCH = 1024  # posts scored at once
MANY, DRAWS_OF_MANY = 2_000, 300  # posts from which the bootstrap draws less often


def control_posts() -> list[LabelledPost]:
    """The posts that show what was forgotten: the dev split of corpora/, undisputed.

    Empty where no corpora are installed.
    """
    from .corpus import corpora_folder, read_corpus

    try:
        folder = corpora_folder()
    except InputError:
        return []
    return [post for post in read_corpus(folder) if post.split == "dev" and not post.disputed]


@dataclass
class Trial:
    """One training under way."""

    base: str | Path | Classifier
    checked: Checked
    control: list[LabelledPost]
    seed: int
    progress: Progress
    own: dict[str, Comparison] = field(default_factory=dict)
    on_control: dict[str, Comparison] = field(default_factory=dict)
    fits: dict[str, Refit] = field(default_factory=dict)
    spans: Spanned | None = None
    suspects: list[Suspect] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        from .classifier import Classifier

        self.scratch = isinstance(self.base, str) and self.base == "scratch"
        if isinstance(self.base, Classifier):
            self.old, self.base_name = self.base, "given"
        else:
            bundled = str(self.base) in ("bundled", "scratch")
            self.old = Classifier.bundled() if bundled else Classifier.load(self.base)
            self.base_name = str(self.base)
        self.posts = list(self.checked.posts)

    def fit(self) -> None:
        """Refit every question that has labels enough, and the spans."""
        texts = [post.text for post in self.posts]
        groups = groups_of(self.posts)
        if why := why_one_group(self.posts, groups):
            self.refusals.append(why)
            return
        count = min(FOLDS, len(set(groups)))
        self.progress("reading the posts", 0, 0)
        folds = folds_of(groups, count, self.seed)
        x = features_matrix(texts, self.old.assets, own_tickers=True)
        odds = odds_of(self.old.weights, self.old.assets, texts)
        for question in LABELS:
            labels = [getattr(post, question) for post in self.posts]
            held = [i for i, label in enumerate(labels) if label is not None]
            if len(held) < FEWEST:
                continue  # the checks have said so
            base = None if self.scratch else self.old.weights
            made = refit(
                question, x, labels, folds, base=base,
                base_odds=None if self.scratch else odds, progress=self.progress,
            )  # fmt: skip
            self.fits[question] = made
            self.notes.append(f"{question}: {made.method}, chosen among {', '.join(made.tried)}")
            if made.method == "unchanged":
                self.notes.append(
                    f"{question}: the labels do not show yet how to do better than the base model; "
                    "label more"
                )
            self._compare_own(question, held, made, odds, [groups[i] for i in held])
        fits = {question: made.fit for question, made in self.fits.items()}
        self.new = merged(None if self.scratch else self.old.weights, fits)
        self.spans = refit_spans(self.posts, self.old, groups, self.seed, self.progress)
        if self.spans is not None:
            self.notes.append(self.spans.note)
        if not self.fits and self.spans is None:
            self.refusals.append("nothing to fit: no question has labels enough")

    def _compare_own(
        self,
        question: str,
        held: list[int],
        made: Refit,
        odds: NDArray[np.float32],
        groups: list[int],
    ) -> None:
        """Old model against the held-out answers of the new, on the user's labels."""
        posts = [self.posts[i] for i in held]
        gold = [LABELS[question].index(getattr(post, question)) for post in posts]
        old = Judged(LABELS[question], gold, shares(odds[held], question), groups)
        new = Judged(LABELS[question], gold, made.fit.held_out[held], groups)
        found = compared(question, old, new, self._sure(question, made), self.seed)
        self.own[question] = found
        self.suspects += rank_suspects(question, posts, among_seen(new))
        if found.worse:
            self.refusals.append(
                f"{question} is worse on your labels: macro-F1 {found.gain.value:+.3f} "
                f"[{found.gain.low:+.3f}, {found.gain.high:+.3f}]"
            )

    def _sure(self, question: str, made: Refit) -> tuple[float, float]:
        """From which top probability the verdicts of the old and the new model are sure."""
        return float(self.old.weights.sure[list(COLUMNS_OF).index(question)]), made.fit.sure

    @property
    def changed(self) -> bool:
        """Whether there is anything new to write."""
        return bool(self.fits) or self.spans is not None

    def compare_control(self) -> None:
        """Old and new model on the control set."""
        if not self.control:
            self.notes.append("no corpora installed: what was forgotten is not measured")
        if not self.control or not self.fits:
            return
        self.progress("what was forgotten", 0, 0)
        texts = [post.text for post in self.control]
        # by writer the whole set would be one group: near-duplicates alone stand together
        groups = group_near_duplicates(texts)
        before, after = (odds_of(w, self.old.assets, texts) for w in (self.old.weights, self.new))
        for question, made in self.fits.items():
            gold = [LABELS[question].index(str(getattr(post, question))) for post in self.control]
            old = Judged(LABELS[question], gold, shares(before, question), groups)
            new = Judged(LABELS[question], gold, shares(after, question), groups)
            found = compared(question, old, new, self._sure(question, made), self.seed)
            self.on_control[question] = found
            if found.gain.value < -FORGET and not self.scratch:
                self.refusals.append(
                    f"{question} forgets: macro-F1 {found.gain.value:+.3f} on the control set, "
                    f"{-FORGET:+.3f} is the most"
                )

    def write(self, folder: Path, forced: bool) -> None:
        """Write the new model."""
        arrays: dict[str, NDArray[Any]] = {**self.old.arrays, **self.new.arrays()}
        if self.spans is not None:
            arrays |= self.spans.arrays
        card = card_of(
            self.old, arrays, self.posts, self.fits, self.own, self.on_control,
            scratch=self.scratch, seed=self.seed, forced=self.refusals if forced else [],
        )  # fmt: skip
        write_folder(folder, arrays, card)


def odds_of(weights: Weights, assets: Assets, texts: Sequence[str]) -> NDArray[np.float32]:
    """Log-odds of both questions, shape (len(texts), 6)."""
    scorer = Scorer(weights, assets)
    rows = [
        scorer.log_odds(scorer.read(list(texts[at : at + BATCH])))
        for at in range(0, len(texts), BATCH)
    ]
    return np.concatenate(rows)


def shares(odds: NDArray[np.float32], question: str) -> NDArray[np.float64]:
    """The probabilities of a question's labels."""
    return softmax(odds[:, COLUMNS_OF[question]].astype(np.float64))


def compared(
    question: str, old: Judged, new: Judged, sure: tuple[float, float], seed: int
) -> Comparison:
    """Two models' answers to the same posts, read among the labels that occur."""
    draws = DRAWS if len(old) < MANY else DRAWS_OF_MANY
    tops = [judged.probabilities.max(axis=1) for judged in (old, new)]
    old, new = among_seen(old), among_seen(new)
    before, after = (
        question_scores(question, judged, top >= least, draws=draws, seed=seed)
        for judged, top, least in zip((old, new), tops, sure, strict=True)
    )
    return Comparison(before, after, difference(old, new, Judged.macro_f1, draws=draws, seed=seed))
