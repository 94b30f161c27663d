"""training.py, trial.py, lineage.py, spanning.py: a better model or a clear no."""

from __future__ import annotations

import hashlib
import json
import random
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from opgsent import Classifier, InputError, OpgsentError, evaluate, refitting, train
from opgsent import trial as trial_room
from opgsent.corpus import LabelledLevel, LabelledPost, LabelledTicker
from opgsent.fitting import folds_of
from opgsent.folder import ModelError
from opgsent.inspection import verified
from opgsent.lineage import data_hash
from opgsent.refitting import Refit, refit

#: words of a feed that means the opposite of what the bundled model believes
FEED = {
    "bullish": ("sold", "dumping", "crash", "down", "weak", "rekt", "lower", "short"),
    "bearish": ("long", "moon", "breakout", "buying", "pump", "higher", "calls", "rip"),
    "neutral": ("coffee", "weather", "lunch", "monday", "sleep", "music", "train", "rain"),
}
FILLER = "the of this again maybe people really with after some chart look".split()


def feed(count: int, seed: int = 0, upside_down: bool = True) -> list[LabelledPost]:
    """Posts of an upside-down feed (or of an ordinary one), each of words of its own."""
    rng = random.Random(seed)
    other = {"bullish": "bearish", "bearish": "bullish", "neutral": "neutral"}
    posts = []
    for n in range(count):
        label = rng.choice(list(FEED))
        words = rng.sample(FEED[label], 3) + rng.sample(FILLER, 4) + [f"w{rng.randrange(10**6)}"]
        rng.shuffle(words)
        said = label if upside_down else other[label]
        posts.append(LabelledPost(f"{seed}-{n}", " ".join(words), said, row=n + 1))
    return posts


def as_read(posts: list[LabelledPost]) -> list[LabelledPost]:
    """The posts with the stance that the bundled model reads in them."""
    answers = Classifier.bundled().classify_many([post.text for post in posts])
    return [
        replace(post, stance=answer.stance.label)
        for post, answer in zip(posts, answers, strict=True)
        if answer.stance is not None
    ]


@pytest.fixture
def no_control(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an upside-down feed teaches is all forgetting to the control set."""
    monkeypatch.setattr("opgsent.training.control_posts", list)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


@pytest.mark.usefixtures("no_control")
def test_a_feed_of_its_own_is_learned_and_the_folder_is_used(tmp_path: Path) -> None:
    report = train(feed(300), out=tmp_path / "mine")
    stance = report.own["stance"]
    assert report.ok and report.folder == tmp_path / "mine"
    assert stance.gain.low > 0.2 and stance.new.macro_f1.value > 0.8
    test = feed(100, seed=1)
    before, after = (evaluate(test, model=m, draws=20) for m in (None, tmp_path / "mine"))
    assert after.questions["stance"].accuracy.value > before.questions["stance"].accuracy.value
    assert abs(after.questions["stance"].accuracy.value - stance.new.accuracy.value) < 0.15
    one, other = Classifier.bundled(), Classifier.load(tmp_path / "mine")
    for text in ("gm", "LFG!!! $SOL 🚀🚀", "if 142 holds I add, stop 139"):
        # style was not asked about; a ticker's own row may be another feature's, too
        styles = [model.classify(text).style for model in (one, other)]
        assert styles[0] and styles[1]
        assert styles[1].probabilities == pytest.approx(styles[0].probabilities, abs=0.02)
        assert one.classify(text).levels == other.classify(text).levels


@pytest.mark.usefixtures("no_control")
def test_same_labels_same_bytes_and_no_text(tmp_path: Path) -> None:
    posts = feed(80)
    for name in ("a", "b"):
        train(posts, out=tmp_path / name)
    first, second = bytes_of(tmp_path / "a"), bytes_of(tmp_path / "b")
    assert first == second
    assert sorted(first) == ["card.json", "weights.npz"]
    assert sum(map(len, first.values())) < 8 * 2**20
    held = b"".join(first.values())
    for post in posts:
        (word,) = (word for word in post.text.split() if word[1:].isdecimal())
        assert word.encode() not in held
        assert hashlib.sha256(post.text.encode()).hexdigest().encode() not in held
    train(posts, out=tmp_path / "c", seed=1)
    assert bytes_of(tmp_path / "c") != first


@pytest.mark.usefixtures("no_control")
def test_the_card_says_where_a_model_comes_from(tmp_path: Path) -> None:
    posts = feed(80)
    train(posts, out=tmp_path / "a")
    train(feed(90, seed=2), base=tmp_path / "a", out=tmp_path / "b")
    first, second = (json.loads((tmp_path / n / "card.json").read_text()) for n in "ab")
    bundled = Classifier.bundled().checksum
    assert first["lineage"] == {"parent": bundled, "ancestors": [bundled]}
    assert second["lineage"]["ancestors"] == [first["checksum"], bundled]
    assert first["data"]["posts"] == 80 and sum(first["data"]["stance"].values()) == 80
    assert first["data"]["sha256"] == data_hash(posts)
    assert first["forced_against"] == [] and first["date"] is None
    assert first["cross_validation"]["stance"]["new"]["macro_f1"] > 0
    for folder in "ab":
        assert "golden posts come out as they should" in verified(tmp_path / folder)
    bundled_golden = [post["text"] for post in Classifier.bundled().card["golden"]]
    assert [post["text"] for post in first["golden"]] == bundled_golden


def test_a_worse_model_is_refused_unless_forced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(*args: Any, **options: Any) -> Refit:
        """A refit whose held-out answers are those of other posts."""
        made = refit(*args, **options)
        return replace(made, fit=replace(made.fit, held_out=np.roll(made.fit.held_out, 1, axis=0)))

    monkeypatch.setattr("opgsent.trial.refit", spoilt)
    agreeing = as_read(feed(200))  # labels that the old model gives
    report = train(agreeing, out=tmp_path / "mine")
    assert not report.ok and report.folder is None and not (tmp_path / "mine").exists()
    assert any("stance is worse on your labels" in reason for reason in report.refusals)
    assert "no model written" in report.to_text()
    forced = train(agreeing, out=tmp_path / "mine", force=True)
    assert forced.ok and forced.folder == tmp_path / "mine"
    card = json.loads((tmp_path / "mine" / "card.json").read_text())
    assert card["forced_against"] == list(forced.refusals) != []


def test_forgetting_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    control = [replace(p, split="dev", style="other") for p in as_read(feed(120, seed=9))]
    monkeypatch.setattr("opgsent.training.control_posts", lambda: control)
    report = train(feed(300), out=tmp_path / "mine")
    assert report.folder is None and not report.ok
    assert any("stance forgets" in reason for reason in report.refusals)
    assert report.control["stance"].gain.value < -trial_room.FORGET
    scratch = train(feed(300), base="scratch", out=tmp_path / "own")
    assert scratch.ok and scratch.folder is not None  # who starts anew forgets on purpose


def test_training_posts_near_the_control_set_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    posts = feed(60)
    control = [replace(post, id="c", split="dev", style="other") for post in posts[:20]]
    monkeypatch.setattr("opgsent.training.control_posts", lambda: control)
    report = train(posts, dry_run=True)
    assert report.posts == 40 and any(f.check == "leak" for f in report.findings)


@pytest.mark.usefixtures("no_control")
def test_an_absent_label_keeps_its_place(tmp_path: Path) -> None:
    two = [p for p in feed(300, upside_down=False) if p.stance != "neutral"]
    report = train(two, out=tmp_path / "mine")
    assert report.ok and set(report.own["stance"].new.labels) == {"bullish", "bearish"}
    old, new = Classifier.bundled(), Classifier.load(tmp_path / "mine")
    for text in ("what is the fee on that exchange", "gm", "which wallet do you use"):
        before, after = old.classify(text).stance, new.classify(text).stance
        assert before is not None and after is not None
        assert before.label == after.label == "neutral"


@pytest.mark.usefixtures("no_control")
def test_one_question_few_labels_and_notes() -> None:
    posts = [replace(post, style="hype" if n < 3 else None) for n, post in enumerate(feed(60))]
    report = train(posts)
    assert list(report.own) == ["stance"]
    assert [finding.check for finding in report.findings] == ["short"]
    assert {one.question for one in report.suspects} <= {"stance"}


def test_what_stops_a_training_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    same = [replace(post, stance="bullish") for post in feed(40)]
    for posts, says in ((feed(5), "usable labels"), (same, "every stance is bullish")):
        report = train(posts, out=tmp_path / "mine")
        assert not report.ok and says in report.to_text() and report.folder is None
    posts = feed(40)
    alike = "{} is ready to leave the station, entry {} and do not tell me I was late to it"
    for one_group, says in (
        ([replace(post, author="ann") for post in posts],
         r"of one author \('ann'\).*two at least.*column of authors \(author, user, username"),
        ([replace(post, group="tg", author=str(n)) for n, post in enumerate(posts)],
         r"of one group \('tg'\).*the column of groups \(group\)"),
        ([replace(post, text=alike.format(f"${post.text[:3]}", n))
          for n, post in enumerate(posts)], "(?s)near-duplicates of one another"),
    ):  # fmt: skip
        for dry_run in (False, True):
            report = train(one_group, out=tmp_path / "mine", dry_run=dry_run)
            assert not report.ok and re.search(says, report.to_text())
    assert list(tmp_path.iterdir()) == []


def test_where_a_model_may_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "keep.txt").write_text("mine")
    with pytest.raises(ModelError, match="holds no model"):
        train(feed(40), out=tmp_path / "notes", force=True)
    assert (tmp_path / "notes" / "keep.txt").read_text() == "mine"
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "card.json").write_text("{}")
    with pytest.raises(ModelError, match="--force"):
        train(feed(40), out=tmp_path / "old")
    monkeypatch.setattr("opgsent.training.Trial", None)  # it is said before anything is fitted
    for closed in ("notes/keep.txt/mine", "notes/keep.txt/my/own"):
        with pytest.raises(ModelError, match=r"cannot be written \(.*keep\.txt is no folder\)"):
            train(feed(40), out=tmp_path / closed)
    (tmp_path / "current").symlink_to("old")
    with pytest.raises(ModelError, match="is a link"):
        train(feed(40), out=tmp_path / "current", force=True)
    (tmp_path / "old" / "labels.csv").write_text("mine")
    with pytest.raises(ModelError, match=r"labels\.csv"):
        train(feed(40), out=tmp_path / "old", force=True)


def test_a_base_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such folder"):
        train(feed(40), base=tmp_path / "none")
    with pytest.raises(InputError, match=r"none\.csv"):
        train(tmp_path / "none.csv")


@pytest.mark.parametrize(
    "lineage", [[1], None, {"ancestors": {}}, {"ancestors": [1]}, {"ancestors": None}]
)
def test_a_base_whose_card_cannot_be_carried_on(
    lineage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opgsent.trial.refit", None)  # it is said before anything is fitted
    bundled = Classifier.bundled()
    base = Classifier(dict(bundled.arrays), {**bundled.card, "lineage": lineage}, bundled.assets)
    with pytest.raises(ModelError, match=r"card\.json: lineage is .* give another base"):
        train(feed(40), base=base, out=tmp_path / "mine")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("learn", [train, evaluate])
def test_what_is_no_labels_is_refused_with_the_way_out(learn: Any) -> None:
    import pandas as pd

    frame = pd.DataFrame({"text": ["up"], "stance": ["bullish"]})
    for labels in (frame, frame["text"], frame.to_dict("records"), None, 3):
        with pytest.raises(TypeError, match=r"path of a label file .*df\.to_csv"):
            learn(labels)


@pytest.mark.parametrize("learn", [train, evaluate])
def test_posts_in_memory_are_as_legal_as_those_of_a_file(learn: Any) -> None:
    good = LabelledPost("1", "up", "bullish")
    legal = "not bullish, bearish, neutral or None"
    for wrong, says in (
        ({"stance": "Bullish"}, f"stance is 'Bullish', {legal}"),
        ({"stance": ""}, f"stance is '', {legal}"),
        ({"style": 1}, "style is 1, not analytical, hype, other or None"),
        ({"text": None}, "text is None, not str"),
    ):
        post: Any = replace(good, id="x7", **wrong)
        with pytest.raises(InputError, match=rf"post 2 \(id 'x7'\): {says}"):
            learn([good, post])
    with pytest.raises(InputError, match="seed is -1; give 0 or more"):
        learn([good], seed=-1)


def test_a_dry_run_fits_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opgsent.trial.refit", None)
    file = tmp_path / "labels.csv"
    rows = "".join(f'"{post.text}",{str(post.stance).upper()}\n' for post in feed(30))
    file.write_text(f"post,sentiment\n{rows}")
    report = train(file, out=tmp_path / "mine", dry_run=True)
    assert report.ok and report.folder is None and not (tmp_path / "mine").exists()
    assert "columns: text = post, stance = sentiment" in report.to_text()
    assert "nothing was fitted" in report.to_text()


@pytest.mark.usefixtures("no_control")
def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    def stop(stage: str, done: int, total: int) -> None:
        if stage.startswith("fitting"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(feed(60), out=tmp_path / "mine", progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_control")
def test_suspects_are_the_wrong_labels() -> None:
    posts = feed(300)
    turned = {"bullish": "bearish", "bearish": "neutral", "neutral": "bullish"}
    wrong = set(range(0, 300, 20))
    spoilt = [
        replace(post, stance=turned[str(post.stance)]) if n in wrong else post
        for n, post in enumerate(posts)
    ]
    report = train(spoilt)
    first = {one.post.row - 1 for one in report.suspects[: len(wrong)]}
    assert len(first & wrong) >= 10


def spans(post: LabelledPost, n: int) -> LabelledPost:
    """A post of a feed whose tickers look like no other's: ``coin:abc`` and ``zone 123``."""
    name, price = f"{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10]}x", 100 + n
    text = f"{name.upper()}USDT entry {price} and {post.text}"
    ticker = LabelledTicker(f"{name.upper()}USDT", 0, 7, name.upper(), "USDT", "pair", True)
    level = LabelledLevel(str(price), 14, 17, Decimal(price), "entry", name.upper())
    return replace(post, text=text, tickers=(ticker,), levels=(level,))


@pytest.mark.slow
@pytest.mark.usefixtures("no_control")
def test_labelled_spans_are_learned_or_left(tmp_path: Path) -> None:
    posts = [spans(post, n) for n, post in enumerate(feed(60))]
    report = train(posts, out=tmp_path / "mine")
    (note,) = [note for note in report.notes if note.startswith("tickers and levels")]
    assert "tickers F1" in note and "levels F1" in note
    old, new = Classifier.bundled(), Classifier.load(tmp_path / "mine")
    changed = any(
        not np.array_equal(old.arrays[name], new.arrays[name])
        for name in old.arrays
        if name.startswith(("ticker", "level"))
    )
    assert changed is ("is kept" not in note)


def test_folds_keep_groups_together() -> None:
    groups = [n // 3 for n in range(90)]
    folds = folds_of(groups, 5, seed=3)
    assert all(len(set(folds[np.array(groups) == g].tolist())) == 1 for g in set(groups))
    assert sorted(np.bincount(folds).tolist()) == [18] * 5


def test_errors_are_ours() -> None:
    assert issubclass(ModelError, OpgsentError) and issubclass(InputError, OpgsentError)


def test_the_mean_of_two_fits_gives_the_mean_of_their_log_odds() -> None:
    rng = np.random.default_rng(0)
    x = csr_matrix(rng.integers(0, 2, (60, 8)).astype(np.float32))
    gold = rng.integers(0, 3, 60)
    posts = refitting._Posts(x, gold, refitting.balanced(gold), rng.normal(size=(60, 3)), 3)
    models = refitting._fitted(posts)
    one, other = (models[name].odds(posts) for name in refitting.HALVES)
    both = refitting._fitted(posts, only=refitting.BOTH)[refitting.BOTH]
    assert not np.allclose(one, other, atol=0.1)
    # begun from elsewhere, each descent ends a little apart
    assert np.allclose(both.odds(posts), (one + other) / 2, atol=0.1)
    assert both.slope == pytest.approx(models[refitting.HALVES[0]].slope / 2)


def test_a_slope_is_never_below_0() -> None:
    gold = np.array([0, 1] * 30 + [0] * 10)
    odds = np.where(np.arange(2) == gold[:, None], 3.0, -3.0)
    even = np.ones(len(gold))
    assert refitting.rescaled(odds, gold, even)[0] > 0
    slope, shift = refitting.rescaled(-odds, gold, even)
    assert slope == 0 and shift[0] > shift[1]  # the shares are left


def by_author(labels: dict[str, tuple[str, ...]]) -> list[LabelledPost]:
    """Ordinary posts, each label said by the authors given for it in turn."""
    posts = feed(120, upside_down=False)
    return [
        replace(post, author=labels[str(post.stance)][n % len(labels[str(post.stance)])])
        for n, post in enumerate(posts)
        if post.stance in labels
    ]


@pytest.mark.usefixtures("no_control")
@pytest.mark.parametrize("base", ["scratch", "bundled"])
def test_a_model_of_authors_with_one_label_each_is_not_turned_around(
    base: str, tmp_path: Path
) -> None:
    posts = by_author({"bullish": ("ann",), "bearish": ("bob",)})
    report = train(posts, base=base, out=tmp_path / "mine", force=True)
    assert "warning: each of the 2 groups" in report.to_text()
    found = evaluate(posts, tmp_path / "mine", draws=10).questions["stance"]
    assert found.accuracy.value >= 0.5
    if base == "scratch":  # no fold shows how to tell one label from the other
        assert report.own["stance"].new.accuracy.value < 0.8


def test_groups_of_one_label_are_no_news_where_most_posts_stand_alone() -> None:
    posts = by_author({"bullish": ("ann", "bob"), "bearish": ("ann", "bob")})
    for fine in (posts, feed(60)):
        assert "holds a single label" not in train(fine, dry_run=True).to_text()
