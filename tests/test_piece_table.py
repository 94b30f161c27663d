"""The look-up of many pieces at once says what the dict of pieces says."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opgsent import Classifier
from opgsent import reading as reading_room
from opgsent.piece_table import ROOM, SLOTS, PieceTable, keys_of

TEXTS = [
    json.loads(line)["text"]
    for line in (Path(__file__).parent / "cases" / "extraction.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
RUNS = st.lists(st.integers(0, 1 << 40), max_size=255)
#: hashes of which many share a slot
HASHES = st.builds(
    lambda high, low: (high * SLOTS + low) or 1, st.integers(-9, 9), st.integers(0, 9)
)


def slots_of(h: int) -> set[int]:
    return {h % SLOTS, (h >> 20) % SLOTS}


def test_it_grows_and_keeps_nearly_all() -> None:
    table, keys = (
        PieceTable(),
        np.array(random.Random(5).sample(range(1, 1 << 60), 200_000), np.int64),
    )
    for at in range(0, len(keys), 5_000):
        some = keys[at : at + 5_000]
        table.keep(some, [packed([h]) for h in some.tolist()])
    places, missed = table.look(keys)
    assert len(missed) < len(keys) // 10
    assert (
        table.joined(places, missed, [b""] * len(missed)).tolist()
        == np.delete(keys, missed).tolist()
    )


def packed(numbers: list[int]) -> bytes:
    return np.array(numbers, np.int64).tobytes()


@given(
    st.lists(st.dictionaries(HASHES, RUNS, max_size=30), max_size=5),
    st.lists(HASHES, min_size=1, max_size=60),
)
def test_it_gives_what_it_was_given_or_says_that_it_does_not_know(
    rounds: list[dict[int, list[int]]], asked: list[int]
) -> None:
    table, truth = PieceTable(), {}
    for given_now in rounds:
        new = {h: run for h, run in given_now.items() if h not in truth}
        truth.update(new)
        table.keep(np.array(list(new), np.int64), [packed(run) for run in new.values()])
    places, missed = table.look(np.array(asked, np.int64))
    others = [truth.get(asked[at], [3, 1]) for at in missed.tolist()]
    ids = table.joined(places, missed, [packed(run) for run in others])
    assert ids.tolist() == [n for h in asked for n in truth.get(h, [3, 1])]
    unknown = {asked[at] for at in missed.tolist()} & truth.keys()
    takers = Counter(slot for h in truth for slot in slots_of(h))
    assert not any(takers[slot] == 1 for h in unknown for slot in slots_of(h))


def test_it_is_full_at_some_point() -> None:
    table = PieceTable()
    long = packed(list(range(250)))
    for at in range(0, 6_000, 500):
        table.keep(np.arange(at + 1, at + 501), [long] * 500)
    _, missed = table.look(np.arange(1, 6_001))
    assert ROOM // 250 - 500 <= 6_000 - len(missed) <= ROOM // 250


def test_many_posts_at_once_are_read_as_each_alone() -> None:
    bundled = Classifier.bundled()
    fresh = Classifier(bundled.arrays, bundled.card, bundled.assets)
    alone = [bundled.classify(text).to_dict() for text in TEXTS]
    for _ in range(2):  # new to it, then known
        assert [post.to_dict() for post in fresh.classify_many(TEXTS)] == alone


def test_pieces_that_python_hashes_alike_are_not_taken_for_each_other() -> None:
    bundled = Classifier.bundled()
    fresh = Classifier(bundled.arrays, bundled.card, bundled.assets)
    texts = ["N' NN up", "up ❎ 乎", "NN❎", "乎N'"] * 100
    alone = [bundled.classify(text).to_dict() for text in texts[:4]]
    for _ in range(2):
        assert [post.to_dict() for post in fresh.classify_many(texts)] == alone * 100


@given(st.lists(st.text(st.characters(codec=None), max_size=80), min_size=1, max_size=20))
def test_keys_are_of_what_stands_between_white_space(texts: list[str]) -> None:
    laid = " " + " ".join([*texts, *texts]) + " "
    keys, begins, ends = keys_of(laid)
    found = [laid[begin:end] for begin, end in zip(begins, ends, strict=True)]
    assert found == laid.split()
    by_key = dict(zip(keys.tolist(), found, strict=True))
    assert [by_key[key] for key in keys.tolist()] == found
    assert len(by_key) == len(set(found))


def test_characters_alike_in_their_low_bits_are_told_apart() -> None:
    odd = ["\uf4a9", "💩", "乎", "NN", "N'", "❎", "ab", "ba", "aab", "baa", "\x01", "\x00\x01"]
    keys, *_ = keys_of(f" {' '.join(odd)} ")
    assert len(set(keys.tolist())) == len(odd)


def test_batches_too_long_for_it_are_read_by_the_dict(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = [post.to_dict() for post in Classifier.bundled().classify_many(TEXTS)]
    monkeypatch.setattr(reading_room, "LONG", 0)
    monkeypatch.setattr(reading_room, "keys_of", None)
    assert [post.to_dict() for post in Classifier.bundled().classify_many(TEXTS)] == at_once


def test_a_text_that_is_cut_as_a_whole_is_read_among_many() -> None:
    whole = ["up \x02 3%", "BTC /\nUSDT at 5", "\x03", "a \x01 b", "$ 10\x02", "gm"]
    bundled = Classifier.bundled()
    alone = [bundled.classify(text).to_dict() for text in whole]
    texts = whole * 300
    assert [post.to_dict() for post in bundled.classify_many(texts)] == alone * 300


def test_threads_may_look_while_one_keeps() -> None:
    table = PieceTable()
    hashes = np.array(random.Random(4).sample(range(1, 1 << 60), 20_000), np.int64)
    wrong: list[object] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            places, missed = table.look(hashes)
            ids = table.joined(places, missed, [b""] * len(missed))
            known = np.delete(hashes, missed)
            if not np.array_equal(ids, np.repeat(known, 2)):
                wrong.append(ids)

    others = [threading.Thread(target=look) for _ in range(2)]
    for thread in others:
        thread.start()
    for at in range(0, len(hashes), 100):
        some = hashes[at : at + 100]
        table.keep(some, [packed([h, h]) for h in some.tolist()])
    done.set()
    for thread in others:
        thread.join()
    assert not wrong
    assert len(table.look(hashes)[1]) < len(hashes) // 20
