"""labels.py, exports.py, marks.py: label files of every shape, as their tools write them."""

from __future__ import annotations

import argparse
import gzip
import json
import re
import shlex
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from opgsent import records
from opgsent.corpus import LabelledLevel, LabelledTicker
from opgsent.errors import InputError
from opgsent.labels import LabelSet, read_labels, read_posts, texts_answered
from opgsent.marks import Marks, symbol_of, value_of
from opgsent.names import SPELLINGS, parse_mapping
from opgsent.result import STANCES, STYLES
from opgsent.terminal import shown

CASES = Path(__file__).parent / "cases" / "exports"

#: file -> shape, [(row, id, stance, style)], [why left out -> rows], rows of ties
READ: list[tuple[str, str, list[tuple[Any, ...]], dict[str, tuple[int, ...]], list[int]]] = [
    (
        "label_studio.json", "label studio",
        [(1, "11", "bearish", "analytical"), (2, "12", "neutral", None)],
        {"skipped": (2,), "not labelled": (4,)}, [3],
    ),
    (
        "label_studio.csv", "label studio min",
        [(1, "5", "bearish", None), (2, "6", "neutral", None)], {"two labels of style": (2,)}, [],
    ),
    (
        "doccano_classes.jsonl", "doccano",
        [(1, "1", "bullish", "hype"), (2, "2", "bullish", "analytical")],
        {"no label": (3,), "two labels of stance": (4,)}, [],
    ),
    (
        "doccano_classes.csv", "table",
        [(1, "1", "bullish", "hype"), (2, "2", "bearish", None)], {}, [],
    ),
    ("doccano_intents.jsonl", "doccano", [(1, "1", "bearish", None)], {}, []),
    ("doccano_spans.jsonl", "doccano", [(1, "1", None, None), (2, "2", None, None)], {}, []),
    ("doccano_relations.jsonl", "doccano", [(1, "1", None, None)], {}, []),
    (
        "prodigy_choice.jsonl", "prodigy",
        [(3, "3", "bearish", None)], {"ignored": (4,), "no label": (5,)}, [1],
    ),
    (
        "prodigy_binary.jsonl", "prodigy",
        [(1, "t-1", "bearish", "analytical"), (4, "4", None, "hype")], {"rejected": (2,)}, [],
    ),
    (
        "spellings.csv", "table",
        [(1, "1", "bullish", "hype"), (2, "2", "bullish", "analytical"),
         (3, "3", "bullish", "other"), (4, "4", "bullish", None), (5, "5", "bearish", None),
         (6, "6", "bearish", None), (7, "7", "bullish", None), (8, "8", "neutral", None),
         (9, "9", "bearish", None)], {}, [],
    ),
    ("semicolons.csv", "table", [(1, "1", "bullish", None), (2, "2", "bearish", None)], {}, []),
    (
        "numbers.tsv", "table",
        [(1, "1", "bullish", None), (2, "2", "bearish", None), (3, "3", "neutral", None)], {}, [],
    ),
    (
        "own.jsonl", "table",
        [(1, "x1", "bullish", "analytical"), (3, "x3", "neutral", "other")], {"skipped": (2,)}, [],
    ),
    ("annotators.csv", "table", [(1, "1", "bullish", None)], {}, [4]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "shape", "posts", "skipped", "ties"), READ, ids=[row[0] for row in READ]
)
def test_each_export_is_read_as_it_came_out_of_the_tool(
    name: str, shape: str, posts: list[Any], skipped: dict[str, Any], ties: list[int]
) -> None:
    found = read_labels(CASES / name)
    assert found.shape == shape
    assert [(p.row, p.id, p.stance, p.style) for p in found.posts] == posts
    assert found.skipped == skipped
    assert [tie.row for tie in found.ties] == ties
    assert found.to_text().startswith(f"{len(posts)} posts read as {shape}")


def test_every_case_is_in_a_test() -> None:
    used = {name for name, *_ in READ} | {"label_studio_min.json"}
    assert used == {file.name for file in CASES.iterdir()}


def test_several_annotators_vote_and_names_can_be_mapped_away() -> None:
    with pytest.raises(InputError, match=r"'skip me' stands 1 times: --map 'skip me=LABEL'"):
        read_labels(CASES / "label_studio_min.json")
    found = read_labels(CASES / "label_studio_min.json", mapping={"skip me": "skip"})
    assert [(p.row, p.stance, p.style) for p in found.posts] == [
        (1, "bullish", None), (4, "bearish", None),
    ]  # fmt: skip
    assert found.skipped == {"two labels of style": (4,)}
    assert found.posts[0].created_at is None  # that of the annotation is not the post's


@pytest.mark.parametrize(
    "column", ["Annotator ID", "annotated-by", "WorkerId", "labeled_by", "rater_id", "annotator"]
)
def test_annotators_vote_whatever_their_column_is_called(column: str, tmp_path: Path) -> None:
    rows = [
        ("up", "bull", "ann"),
        ("up", "bull", "bo"),
        ("up", "bear", "cy"),
        ("meh", "flat", "bo"),
    ]
    lines = [f"{text},{label},{who}" for text, label, who in rows]
    file = write(tmp_path, "\n".join([f"text,stance,{column}", *lines]))
    found = read_labels(file, mapping={"flat": "neutral"})
    assert [(p.text, p.stance) for p in found.posts] == [("up", "bullish"), ("meh", "neutral")]


def task(*results: dict[str, Any], text: str = "🐻 $SOL at 164") -> dict[str, Any]:
    """A task of Label Studio's JSON with one annotation."""
    return {"id": 1, "data": {"text": text}, "annotations": [{"id": 2, "result": list(results)}]}


BEARISH = {"from_name": "stance", "type": "choices", "value": {"choices": ["Bearish"]}}
XPATH = {"start": "/p[1]/text()[1]", "end": "/p[1]/text()[1]", "startOffset": 3, "endOffset": 7}
#: results that say nothing of stance, style or spans
OTHERS: list[dict[str, Any]] = [
    {"from_name": "trust", "type": "rating", "value": {"rating": 4}},
    {"from_name": "price", "type": "number", "value": {"number": 164}},
    {"from_name": "note", "type": "textarea", "value": {"text": ["why"]}},
    {"from_name": "note", "type": "textarea", "value": {"start": 0, "end": 2, "text": ["why"]}},
    {"from_name": "topic", "type": "taxonomy", "value": {"taxonomy": [["A", "B"]]}},
    {"from_name": "when", "type": "datetime", "value": {"datetime": "2024-01-01"}},
    {"from_name": "time", "type": "timeserieslabels",
     "value": {"start": 1, "end": 2, "timeserieslabels": ["Run"]}},
    {"from_name": "box", "type": "rectanglelabels",
     "value": {"x": 1.5, "y": 2, "rectanglelabels": ["Car"]}},
    {"from_id": "a", "to_id": "b", "type": "relation", "direction": "right"},
    {"from_name": "stance", "type": "choices", "value": None},
]  # fmt: skip


@pytest.mark.parametrize("other", OTHERS, ids=lambda one: str(one["type"]))
def test_results_that_are_no_choices_or_spans_are_ignored(
    other: dict[str, Any], tmp_path: Path
) -> None:
    span = {"id": "s", "from_name": "span", "type": "labels",
            "value": {"start": "3", "end": "7", "text": "$SOL", "labels": ["Ticker"]}}  # fmt: skip
    file = write(tmp_path, json.dumps([task(other, BEARISH, span, other)]), "labels.json")
    found = read_labels(file)
    (post,) = found.posts
    assert post.stance == "bearish" and post.tickers and post.tickers[0].symbol == "SOL"
    assert found.warnings == ()


def test_hypertext_spans_count_where_the_file_says_their_place(tmp_path: Path) -> None:
    def marked(**place: Any) -> dict[str, Any]:
        value = {**XPATH, "text": "$SOL", "hypertextlabels": ["Ticker"], **place}
        return {"id": "s", "from_name": "span", "type": "hypertextlabels", "value": value}

    offsets = {"globalOffsets": {"start": 2, "end": 6}}
    tasks = [
        task(BEARISH, marked(**offsets)),
        task(BEARISH, marked(hypertextlabels=["Person"])),
        task(BEARISH, marked(**offsets), text="<p>$SOL at 164</p>"),
    ]
    found = read_labels(write(tmp_path, json.dumps(tasks), "labels.json"))
    assert [post.stance for post in found.posts] == ["bearish"] * 3
    first, *others = found.posts
    assert first.tickers and (first.tickers[0].start, first.tickers[0].text) == (2, "$SOL")
    # a span whose place is not known does not make a post without tickers
    assert [post.tickers for post in others] == [None, None]
    assert "spans of row 2, 3 do not fit the text" in found.warnings[0]


def test_json_min_reads_past_ratings_and_hypertext(tmp_path: Path) -> None:
    common = {"text": "🐻 $SOL at 164", "annotator": 1, "sentiment": "Negative"}
    mark = {**XPATH, "text": "$SOL", "hypertextlabels": ["Ticker"]}
    rows = [
        {**common, "id": 1, "annotation_id": 1, "trust": [{"rating": 4}], "label": [{"number": 3}]},
        {**common, "id": 2, "annotation_id": 2, "label": [mark]},
        {**common, "id": 3, "annotation_id": 3, "note": [{"start": 0, "end": 2, "text": ["x"]}],
         "label": [{**mark, "globalOffsets": {"start": 2, "end": 6}}]},
    ]  # fmt: skip
    posts = read_labels(write(tmp_path, json.dumps(rows), "labels.json")).posts
    assert [post.stance for post in posts] == ["bearish"] * 3
    assert [post.tickers and post.tickers[0].text for post in posts] == [(), None, "$SOL"]


def test_several_choices_in_a_cell_are_said_as_that(tmp_path: Path) -> None:
    def rows(*last: str) -> list[dict[str, Any]]:
        one = {"text": "up", "sentiment": {"choices": ["Positive"]}}
        return [one, one, one, {"text": "hm", "sentiment": {"choices": list(last)}}]

    file = write(tmp_path, json.dumps(rows("Positive", "Neutral")), "labels.json")
    says = "row 4 has several choices for 'sentiment'; a single choice is expected"
    with pytest.raises(InputError, match=f"^{re.escape(f'{file}: {says}')}$"):
        read_labels(file)
    assert len(read_posts(file)) == 4  # whoever wants the texts alone does not care
    found = read_labels(write(tmp_path, json.dumps(rows("Neutral")), "labels.json"))
    assert [post.stance for post in found.posts] == ["bullish"] * 3 + ["neutral"]
    csv = 'text,sentiment\nup,"{""choices"": [""Positive"", ""Negative""]}"\n'
    with pytest.raises(InputError, match="row 1 has several choices for 'sentiment'"):
        read_labels(write(tmp_path, csv))


def test_a_file_of_spans_says_how_many(tmp_path: Path) -> None:
    text = read_labels(CASES / "doccano_spans.jsonl").to_text()
    assert text.startswith("2 posts read as doccano: 2 ticker, 1 resistance, 1 target\n")


def test_spans_become_tickers_and_levels() -> None:
    post = read_labels(CASES / "label_studio.json").posts[0]
    assert post.tickers is not None and post.levels is not None
    # Label Studio counts UTF-16 units, in which the bear is two
    assert [(t.text, t.symbol, t.kind, t.start) for t in post.tickers] == [
        ("$SOL", "SOL", "cashtag", 2)
    ]
    assert [(v.text, v.value, v.role) for v in post.levels] == [
        ("164", Decimal(164), "resistance"), ("171", Decimal(171), "stop"),
    ]  # fmt: skip
    spans: list[LabelledTicker | LabelledLevel] = [*post.tickers, *post.levels]
    for span in spans:
        assert post.text[span.start : span.end] == span.text


def test_doccano_spans_and_posts_without_them() -> None:
    first, second = read_labels(CASES / "doccano_spans.jsonl").posts
    assert first.levels is not None and second.tickers is not None
    assert [(v.text, v.role, v.value) for v in first.levels] == [
        ("38.40", "resistance", Decimal("38.40")), ("41k", "target", Decimal(41000)),
    ]  # fmt: skip
    assert [(t.text, t.symbol, t.kind) for t in second.tickers] == [("Bitcoin", "BTC", "name")]
    assert second.levels == ()
    pair = read_labels(CASES / "doccano_relations.jsonl").posts[0].tickers
    assert pair is not None and (pair[0].symbol, pair[0].quote) == ("EUR", "USD")


def test_own_spans_are_kept_as_given_and_none_stays_none() -> None:
    first, last = read_labels(CASES / "own.jsonl").posts
    assert first.levels is not None and first.levels[0].symbol == "ETH"
    assert first.tickers is not None and first.tickers[0].subject is True
    assert last.tickers is None and last.levels is None


def test_the_table_of_spellings_is_seen() -> None:
    found = read_labels(CASES / "spellings.csv")
    table = {(m.column, m.seen): m.label for m in found.mapped}
    assert table["stance", "Bearish 🐻"] == "bearish" and table["style", "Hype!"] == "hype"
    assert found.columns == {"text": "text", "stance": "sentiment", "style": "tone"}
    text = found.to_text()
    assert "strong_buy" in text and "--map NAME=LABEL" in text


def test_spellings_stand_once_and_lead_to_labels() -> None:
    words = [word for found in SPELLINGS.values() for word in found]
    assert len(words) == len(set(words))
    assert set(SPELLINGS) == {*STANCES, *STYLES}


def write(folder: Path, text: str, name: str = "labels.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_formula_guard_is_taken_off(tmp_path: Path) -> None:
    assert read_labels(CASES / "semicolons.csv").posts[1].text == "=cmd()"
    assert read_labels(write(tmp_path, "text,stance\n'tis up,bull\n")).posts[0].text == "'tis up"


def test_unknown_names_are_refused_with_what_to_type(tmp_path: Path) -> None:
    file = write(tmp_path, "text,stance\na,bullisch\nb,bullisch\nc,zzz\nd,bear\n")
    with pytest.raises(InputError) as caught:
        read_labels(file)
    message = str(caught.value)
    assert "'bullisch' stands 2 times: --map bullisch=bullish" in message
    assert "'zzz' stands 1 times: --map zzz=LABEL" in message
    found = read_labels(file, mapping={"bullisch": "bullish", "ZZZ": "skip"})
    assert [p.stance for p in found.posts] == ["bullish", "bullish", "bearish"]
    assert found.skipped == {"label mapped to skip": (3,)}


@pytest.mark.parametrize("numbers", ["0 1", "1 2 3", "1", "0 1 2"])
def test_numbers_without_minus_one_are_not_guessed(numbers: str, tmp_path: Path) -> None:
    rows = "".join(f"post {n},{n}\n" for n in numbers.split())
    with pytest.raises(InputError, match="--map 1=LABEL"):
        read_labels(write(tmp_path, "text,stance\n" + rows))


def test_numbers_of_pandas_are_read(tmp_path: Path) -> None:
    found = read_labels(write(tmp_path, "text,stance\na,1.0\nb,-1.0\nc,\n"))
    assert [p.stance for p in found.posts] == ["bullish", "bearish"]
    mapping = {"1": "bullish", "2": "neutral", "0": "neutral", "3": "bearish"}
    file = write(tmp_path, "tweet,label\na,1\nb,2\nc,3\nd,0\n")
    assert len(read_labels(file, stance="label", mapping=mapping).posts) == 4


def test_columns_can_be_named(tmp_path: Path) -> None:
    file = write(tmp_path, "a,b,c\nup we go,bull,hype\n")
    post = read_labels(file, text="a", stance="b", style="c").posts[0]
    assert (post.text, post.stance, post.style) == ("up we go", "bullish", "hype")
    with pytest.raises(InputError, match=r"no text column among 'a', 'b', 'c'; name it with"):
        read_labels(file)
    with pytest.raises(InputError, match=r"no column 'd'; --stance takes one of 'a', 'b', 'c'"):
        read_labels(file, text="a", stance="d")


def test_a_column_of_labels_that_is_not_used_is_said(tmp_path: Path) -> None:
    file = write(tmp_path, "text,Label,style\nwow,bull,hype\n")
    found = read_labels(file)
    assert found.warnings == (
        f"{file}: column 'Label' is not used; if it holds the stance: --stance 'Label'",
    )
    assert found.warnings[0] in found.to_text()
    found = read_labels(file, stance="Label")
    assert found.warnings == () and found.posts[0].stance == "bullish"
    (warning,) = read_labels(write(tmp_path, "text,label,side\nwow,hype,bull\n")).warnings
    assert warning.endswith("if it holds the style: --style 'label'")
    assert not read_labels(write(tmp_path, "text,label\nwow,bull\n")).warnings
    assert not read_labels(write(tmp_path, "text,label,side,tone\nwow,x,bull,hype\n")).warnings


def test_one_label_kind_alone_is_enough(tmp_path: Path) -> None:
    post = read_labels(write(tmp_path, "text,style\nwow,hype\n")).posts[0]
    assert (post.stance, post.style) == (None, "hype")


def test_the_columns_about_a_post_are_kept(tmp_path: Path) -> None:
    row = {"ID": "7", "Text": "up", "Stance": "bull", "author": "ann", "created_at": "2024-01-02",
           "source": "x", "group": "g"}  # fmt: skip
    post = read_labels(write(tmp_path, json.dumps([row]), "labels.json")).posts[0]
    assert (post.id, post.author, post.created_at, post.source, post.group) == (
        "7", "ann", "2024-01-02", "x", "g",
    )  # fmt: skip


def test_parquet_and_gzip(tmp_path: Path) -> None:
    import pandas as pd

    frame = pd.DataFrame({"text": ["up", "down"], "sentiment": [1, -1]})
    frame.to_parquet(tmp_path / "labels.parquet")
    assert [p.stance for p in read_labels(tmp_path / "labels.parquet").posts] == [
        "bullish", "bearish",
    ]  # fmt: skip
    (tmp_path / "labels.csv.gz").write_bytes(gzip.compress(b"text,stance\nup,bull\n"))
    assert read_labels(tmp_path / "labels.csv.gz").posts[0].stance == "bullish"
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputError, match="not Parquet"):
        read_labels(tmp_path / "bad.parquet")


DIALECTS: list[tuple[str, bytes]] = [
    ("labels.csv", b"sep=;\r\ntext;stance\r\nup, up;bull\r\n"),
    ("labels.csv", "\ufeffsep=|\ntext|stance\nup, up|bull\n".encode("utf-16-le")),
    ("labels.csv", b"text|stance\nup, up|bull\n"),
    ("labels.csv", b"text\tstance\nup, up\tbull\n"),
    ("labels.tsv", b'text\tstance\tnote\nup, up\tbull\t"\n'),  # a quote that is none
    ("labels.csv", b'text,stance\r"up, up",bull\r'),
    ("labels.csv", b'text,stance,note,more\n"up, up",bull\n'),  # as spreadsheets cut rows
    ("LABELS.CSV.GZ", gzip.compress(b'text,stance\n"up, up",bull\n', mtime=0)),
]


@pytest.mark.parametrize(("name", "raw"), DIALECTS)
def test_the_dialects_that_score_reads(name: str, raw: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(raw)
    (post,) = read_labels(tmp_path / name).posts
    assert (post.row, post.text, post.stance) == (1, "up, up", "bullish")
    assert [one.text for one in read_posts(tmp_path / name)] == ["up, up"]


def test_zst_and_long_cells(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    text = "up " * 100_000
    raw = f"text,stance\n{text},bull\n".encode()
    (tmp_path / "labels.csv.zst").write_bytes(zstandard.ZstdCompressor().compress(raw))
    assert read_labels(tmp_path / "labels.csv.zst").posts[0].text == text


def test_rows_are_counted_as_they_stand_in_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, 'text,stance\n,\n\n"two\nlines",bull\ndown,bear\nflat,\n')
    found = read_labels(file)
    assert [post.row for post in found.posts] == [3, 4]
    assert found.skipped == {"no label": (5,)}
    assert [post.row for post in read_posts(file)] == [3, 4, 5]
    lines = '{"text": "up", "stance": "bull"}\n\n \n{"text": "down", "stance": "bear"}\n'
    found = read_labels(write(tmp_path, lines, "labels.jsonl"))
    assert [post.row for post in found.posts] == [1, 4]


def test_doccano_zip_with_a_file_an_annotator(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for who, label in (("ann", "bullish"), ("bo", "bullish"), ("cy", "neutral")):
            record = {"id": 1, "text": "gap fill done", "label": [label], "Comments": []}
            archive.writestr(f"{who}.jsonl", json.dumps(record) + "\n")
    posts = read_labels(tmp_path / "export.zip").posts
    assert [(p.text, p.stance) for p in posts] == [("gap fill done", "bullish")]


def test_utf16_and_byte_order_marks(tmp_path: Path) -> None:
    for encoding in ("utf-16", "utf-8-sig"):
        (tmp_path / "labels.csv").write_bytes("text,stance\nüp,bull\n".encode(encoding))
        assert read_labels(tmp_path / "labels.csv").posts[0].text == "üp"


BAD: list[tuple[str, bytes, str]] = [
    ("labels.csv", b"", "no rows"),
    ("labels.csv", b"text,stance\na,b,c\n", r"row 1: 3 cells, the header has 2"),
    ("labels.csv", b"text,text\na,b\n", "column 'text' stands twice"),
    ("labels.csv", b"text,stance\n\xff\xfa,bull\n", "line 2: not UTF-8; save the file as UTF-8"),
    ("labels.csv", b"text,stance\n" + b"a" * 1_000_001 + b",bull\n", "row 1: longer than 1,000,"),
    ("labels.csv", b'text,stance\n,\n\nup,bull\n"up" we,bull\n', "row 4: a closing quote inside"),
    ("labels.csv", b'text,stance\nup,"bull', "row 1: a quote is opened and never closed"),
    ("labels.csv", b'sep=,\n"text,stance', "the header cannot be read: a quote is opened"),
    ("labels.csv", b"text,stance\nup,\n", r"no labelled post \(1 no label\)"),
    ("labels.csv", b"text,note\nup,fine\n", "no labelled post"),
    ("labels.xlsx", b"PK", "unknown kind of file; give one of .csv"),
    ("labels.json", b"[1]", "row 1: 1 is no object"),
    ("labels.json", b"[" * 200_000, "labels.json: nested too deeply; export"),
    ("labels.jsonl", b'{"a":' * 200_000, "row 1: nested too deeply"),
    ("labels.jsonl", b'{"text": "a"}\n{', "row 2: not JSON"),
    ("labels.jsonl", b'{"n":' + b"9" * 5_000 + b"}", "row 1: not JSON"),
    ("labels.jsonl", b'{"text": "a"}\n\n\n{', "row 4: not JSON"),
    ("labels.jsonl.gz", b"no gzip", "row 1: not JSON"),
    (
        "labels.csv.gz",
        gzip.compress(b"text,stance\nup,bull\n", mtime=0)[:-6],
        "damaged or cut short",
    ),
    ("labels.zip", b"no zip", r"^cannot read .*labels\.zip: File is not a zip file"),
    ("labels.json", b'[{"data": {"a": 1}, "annotations": [{}]}]', "row 1: not as label studio"),
    ("labels.json", b'[{"data": {"text": "a"}, "annotations": 5}]', "row 1: not as label studio"),
    ("labels.jsonl", b'{"text": "a", "label": [{"x": 1}]}', "row 1: not as doccano writes it"),
]


@pytest.mark.parametrize(("name", "raw", "expected"), BAD)
def test_what_cannot_be_read_is_named(name: str, raw: bytes, expected: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(InputError, match=expected) as caught:
        read_labels(tmp_path / name)
    assert name in str(caught.value)


RAGGED = 'id,text,stance\n1,up,bull\n2,so, up,bull\n3,"a"b,bull\n4,down,bear\n5,"x" y,bull\n'


def test_rows_that_cannot_be_read_are_all_named_or_left_out(tmp_path: Path) -> None:
    file = write(tmp_path, RAGGED)
    for read in (read_labels, read_posts):
        with pytest.raises(InputError) as caught:
            read(file)
        first, *rows = str(caught.value).splitlines()
        assert first.startswith(f"{file}: 3 rows cannot be read; mend them or take them out")
        assert [row.split(":")[0] for row in rows] == ["  row 2", "  row 3", "  row 5"]
    rejected: list[tuple[int, str]] = []
    posts = read_posts(file, rejected=rejected)
    assert [(post.row, post.text) for post in posts] == [(1, "up"), (4, "down")]
    assert [row for row, _ in rejected] == [2, 3, 5]
    assert rejected[0][1] == "4 cells, the header has 3"


def test_ten_rows_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    file = write(tmp_path, "text,stance\n" + "up,bull,more\n" * 14)
    with pytest.raises(InputError) as caught:
        read_labels(file)
    lines = str(caught.value).splitlines()
    assert "14 rows cannot be read" in lines[0] and len(lines) == 12
    assert lines[-2:] == ["  row 10: 3 cells, the header has 2", "  and 4 more"]
    with pytest.raises(InputError, match=r"no row can be read.*\n  row 1: 3 cells"):
        read_posts(file, rejected=[])


def test_lines_of_json_are_left_out_too(tmp_path: Path) -> None:
    file = write(tmp_path, '{"text": "up"}\n{"text": \n[1]\n{"text": "down"}\n', "posts.jsonl")
    rejected: list[tuple[int, str]] = []
    assert [post.row for post in read_posts(file, rejected=rejected)] == [1, 4]
    assert [(row, why[:8]) for row, why in rejected] == [(2, "not JSON"), (3, "[1] is n")]
    with pytest.raises(InputError, match=r"2 rows cannot be read"):
        read_posts(file)


def test_empty_columns_of_a_spreadsheet_are_ignored(tmp_path: Path) -> None:
    found = read_labels(write(tmp_path, "text,stance,,\nup,bull,,\ndown,bear\n"))
    assert [post.stance for post in found.posts] == ["bullish", "bearish"]
    # but a text cut in two by its comma is not read as half of it
    with pytest.raises(InputError, match="row 2: a cell stands under no column name"):
        read_labels(write(tmp_path, "text,stance,,\nup,bull,,\nup, up,bull,\n"))


def test_a_doubled_column_stops_only_who_asks_for_it(tmp_path: Path) -> None:
    file = write(tmp_path, "id,id,note,text,note,stance,tone,tone\n1,2,a,up,b,bull,x,hype\n")
    assert [post.text for post in read_posts(file)] == ["up"]
    with pytest.raises(InputError, match="column 'tone' stands twice; rename one"):
        read_labels(file)
    with pytest.raises(InputError, match="column 'note' stands twice"):
        read_posts(file, text="note")
    file = write(tmp_path, "note,text,note,stance\na,up,b,bull\n")
    (post,) = read_labels(file).posts
    assert (post.text, post.stance) == ("up", "bullish")


def test_encodings(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_bytes("text,stance\nüp,bull\ndown,bear\n".encode("cp1252"))
    with pytest.raises(InputError, match=r"line 2: not UTF-8; save .* --encoding, such"):
        read_labels(file)
    assert read_labels(file, encoding="cp1252").posts[0].text == "üp"
    assert read_posts(file, encoding="cp1252")[0].text == "üp"
    rejected: list[tuple[int, str]] = []
    assert [post.row for post in read_posts(file, rejected=rejected)] == [2]
    assert rejected[0][0] == 1 and "--encoding cp1252" in rejected[0][1]
    (tmp_path / "labels.jsonl").write_bytes('{"text": "üp", "stance": "bull"}'.encode("cp1252"))
    assert read_labels(tmp_path / "labels.jsonl", encoding="cp1252").posts[0].text == "üp"
    with pytest.raises(InputError, match="'none' is no encoding"):
        read_labels(file, encoding="none")


def test_a_line_of_label_that_replaces_another_is_one_post(tmp_path: Path) -> None:
    one = {"id": "1", "row": 1, "text": "up", "stance": "bullish", "style": None}
    other = {**one, "id": "2", "text": "down", "stance": None, "skipped": True}
    lines = [one, other, {**one, "style": "hype", "replaces": True}]
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    found = read_labels(write(tmp_path, text, "mine.jsonl"))
    assert [(p.row, p.stance, p.style) for p in found.posts] == [(3, "bullish", "hype")]
    # of two labellers' files in one, each replaces its own
    found = read_labels(write(tmp_path, text + text, "mine.jsonl"))
    assert [post.row for post in found.posts] == [3, 6]
    # of two who answered in turn, too
    ann, bo = ([{**line, "annotator": who} for line in lines] for who in ("ann", "bo"))
    turns = [line for pair in zip(ann, bo, strict=True) for line in pair]
    turns[1]["stance"] = turns[5]["stance"] = "bearish"
    found = read_labels(write(tmp_path, "".join(f"{json.dumps(t)}\n" for t in turns), "m.jsonl"))
    assert [(tie.question, tie.votes) for tie in found.ties] == [
        ("stance", {"bullish": 1, "bearish": 1})
    ]
    assert [(post.stance, post.style) for post in found.posts] == [(None, "hype")]


ANSWERED: list[tuple[str, str, list[str]]] = [
    ("mine.jsonl", '{"text": "a", "stance": "bullish"}\n{"text": "b", "stance": null, "style": null,'
     ' "skipped": true}\n', ["a", "b"]),
    ("todo.csv", "id,text,stance,style\n1,a,Stier,\n2,b,,\n3,c,,laut\n", ["a", "c"]),
    ("own.csv", "text,my call\na,up\nb,down\na,up\n", ["a", "b"]),
    ("spans.jsonl", '{"text": "a", "tickers": [{"start": 0, "end": 1}]}\n'
     '{"text": "b", "tickers": []}\n', ["a"]),
    ("p.jsonl", '{"text": "a", "answer": "ignore"}\n{"text": "b", "answer": "later"}\n', ["a"]),
    ("d.jsonl", '{"text": "a", "label": []}\n{"text": "b", "label": ["Stier"]}\n', ["b"]),
    ("l.json", '[{"data": {"text": "a"}}, {"data": {"text": "b"}, "annotations": [{"result": [],'
     ' "was_cancelled": true}]}]', ["b"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "expected"), ANSWERED, ids=[a[0] for a in ANSWERED])
def test_posts_that_were_answered_or_skipped(
    name: str, text: str, expected: list[str], tmp_path: Path
) -> None:
    assert texts_answered(write(tmp_path, text, name)) == expected


def test_a_file_without_answers_is_no_file_of_labels(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no post with a label, none skipped"):
        texts_answered(write(tmp_path, "text,stance\na,\n"))
    with pytest.raises(InputError, match="'text' stands twice"):
        texts_answered(write(tmp_path, "text,text,stance\na,b,bull\n"))


def test_files_that_unpack_to_much_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MAX_BYTES", 50_000)
    bomb = b"text,stance\n" + b"aaaa,bull\n" * 20_000
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(bomb))
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ann.csv", bomb)
    (tmp_path / "bomb.csv").write_bytes(bomb)
    for name in ("bomb.csv.gz", "bomb.zip", "bomb.csv"):
        with pytest.raises(InputError, match="larger than"):
            read_labels(tmp_path / name)


@pytest.mark.parametrize("label", ["bullish", ["bullish"]], ids=["table", "doccano"])
def test_rejected_answers_behind_other_records_are_no_labels(
    label: str | list[str], tmp_path: Path
) -> None:
    lines = [
        {"text": "up", "label": label},
        {"text": "down", "label": label, "answer": "reject"},
        {"text": "hm", "label": label, "answer": "ignore"},
        {"text": "so", "label": label, "answer": "accept"},
    ]
    found = read_labels(write(tmp_path, "\n".join(map(json.dumps, lines)), "labels.jsonl"))
    assert [post.text for post in found.posts] == ["up", "so"]
    assert found.skipped == {"rejected": (2,), "ignored": (3,)}


NOTHING_LEFT: list[tuple[str, list[dict[str, Any]]]] = [
    ("1 tie on stance", [{"text": "up", "stance": label, "annotator": who}
                         for label, who in (("bull", "a"), ("bear", "b"))]),
    ("1 no label, 1 with spans that do not fit the text",
     [{"text": "up", "label": []}, {"text": "up", "label": [[5, 9, "TICKER"]]}]),
    ("no span is left", [{"text": "BTC", "label": [[0, 3, "spam"]]}]),
]  # fmt: skip


@pytest.mark.parametrize(("why", "records"), NOTHING_LEFT)
def test_why_no_post_is_left(why: str, records: list[dict[str, Any]], tmp_path: Path) -> None:
    file = write(tmp_path, "\n".join(map(json.dumps, records)), "labels.jsonl")
    with pytest.raises(InputError, match=re.escape(f"no labelled post ({why}); label some")):
        read_labels(file, mapping={"spam": "skip"})


def test_spans_that_do_not_fit_are_left_out_with_a_warning(tmp_path: Path) -> None:
    record = {"id": 1, "text": "up", "cats": ["bullish"], "entities": [[5, 9, "TICKER"]]}
    found = read_labels(write(tmp_path, json.dumps(record), "labels.jsonl"))
    assert found.posts[0].stance == "bullish" and found.posts[0].tickers is None
    assert "spans of row 1 do not fit the text" in found.warnings[0]


#: text, where a span without its text is, what is marked; None: it fits neither way of counting
COUNTED: list[tuple[str, tuple[int, int], str | None]] = [
    ("🚀🚀 $BTC to 70k", (3, 7), "$BTC"),
    ("🚀🚀 $BTC to 70k", (5, 9), "$BTC"),  # in UTF-16 units
    ("🚀🚀 $BTC", (5, 9), "$BTC"),  # past the end otherwise
    ("🚀 $BTC to 70k", (4, 9), None),
    ("$BTC to 70k 🚀", (1, 3), "BT"),  # before the emoji there is one way of counting
    ("BTCUSD up", (0, 3), "BTC"),
    ("🚀 买比特币吧", (3, 6), "比特币"),
    ("up", (1, 3), None),
]


@pytest.mark.parametrize(("text", "place", "marked"), COUNTED)
def test_spans_without_their_text_may_count_utf16_units(
    text: str, place: tuple[int, int], marked: str | None, tmp_path: Path
) -> None:
    span = {"start": place[0], "end": place[1], "label": "TICKER"}
    record = {"text": text, "label": "bullish", "spans": [span], "answer": "accept"}
    found = read_labels(write(tmp_path, json.dumps(record), "labels.jsonl"))
    (post,) = found.posts
    assert (post.tickers[0].text if post.tickers else None) == marked
    assert bool(found.warnings) is (marked is None)


@pytest.mark.parametrize(
    "item", ["bullish", "=bullish", ""], ids=["no sign", "no name", "empty"]
)  # fmt: skip
def test_a_mapping_is_a_pair(item: str) -> None:
    with pytest.raises(InputError, match="give NAME=LABEL"):
        parse_mapping([item])


@pytest.mark.parametrize("name", ["it's; id", "a$(id)", "-2", "`id` `", 'say "hm"'])
def test_what_is_advised_can_be_typed(name: str, tmp_path: Path) -> None:
    file = write(tmp_path, json.dumps([{"text": "up", "stance": name}]), "labels.json")
    with pytest.raises(InputError) as caught:
        read_labels(file)
    (line,) = [line for line in str(caught.value).splitlines() if "--map" in line]
    words = shlex.split(line[line.index("--map") :])
    parser = argparse.ArgumentParser()
    parser.add_argument("--map", action="append")
    assert parser.parse_args(words).map == [f"{name}=LABEL"]


def test_a_mapping_that_meets_no_label_is_said(tmp_path: Path) -> None:
    file = write(tmp_path, "text,stance\nup,Bull\ndown,baer\n")
    found = read_labels(file, mapping={"Bul": "bullish", "BAER": "bearish"})
    assert found.warnings == (
        "--map Bul=bullish changes nothing: no label is called 'Bul'; there is 'Bull', 'baer'",
    )
    assert found.warnings[0] in found.to_text()
    spans = {"Resistance": "stop", "spam": "skip"}
    (warning,) = read_labels(CASES / "doccano_spans.jsonl", mapping=spans).warnings
    assert warning.startswith("--map spam=skip changes nothing")


@pytest.mark.parametrize("minus", ["\u2212", "\u2013", "- "], ids=["sign", "en dash", "space"])
def test_every_minus_is_one(minus: str, tmp_path: Path) -> None:
    file = write(tmp_path, f"text,stance\na,1\nb,{minus}1\nc,-1\nd,-1 🐻\n")
    assert [p.stance for p in read_labels(file).posts] == ["bullish", *["bearish"] * 3]
    mapping = {f"{minus}1": "bullish", "1": "bearish"}
    assert [p.stance for p in read_labels(file, mapping=mapping).posts] == [
        "bearish", *["bullish"] * 3,
    ]  # fmt: skip


def test_a_mapping_is_for_the_name_it_gives_where_that_stands(tmp_path: Path) -> None:
    file = write(tmp_path, "text,stance\na,bullish\nb,Bullish?\nc,bullish!\n")
    found = read_labels(file, mapping={"bullish?": "skip"})
    assert [p.text for p in found.posts] == ["a", "c"]
    both = {"bullish?": "bearish", "bullish": "neutral"}
    assert [p.stance for p in read_labels(file, mapping=both).posts] == [
        "neutral", "bearish", "neutral",
    ]  # fmt: skip
    spans = [[0, 1, "Ticker?"], [2, 3, "Ticker"]]
    file = write(tmp_path, json.dumps({"text": "A B", "label": spans}), "labels.jsonl")
    (post,) = read_labels(file, mapping={"Ticker?": "skip"}).posts
    assert post.tickers and [ticker.text for ticker in post.tickers] == ["B"]


def test_two_mappings_of_a_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--map a to hype and to skip: give one of the two"):
        parse_mapping(["a=hype", "a=skip"])
    file = write(tmp_path, "text,stance\na,baer\nb,bull\n")
    for mapping in ({"BAER": "bearish", "baer": "skip"}, {"baer?": "bearish", "baer!": "skip"}):
        with pytest.raises(InputError, match="--map baer to bearish and to skip"):
            read_labels(file, mapping=mapping)


def test_a_mapping_to_no_label_is_refused() -> None:
    with pytest.raises(InputError, match="no label 'up'; one of bullish"):
        read_labels(CASES / "spellings.csv", mapping={"Bull": "up"})
    assert parse_mapping(["a=b=hype"]) == {"a=b": "hype"}


def test_messages_hold_no_control_characters(tmp_path: Path) -> None:
    file = write(tmp_path, "text,stance\na,\x1b[31mred\x07\n")
    with pytest.raises(InputError) as caught:
        read_labels(file)
    assert "\x1b" not in str(caught.value) and "\x07" not in str(caught.value)
    assert shown("x" * 99).endswith("…")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("67k", Decimal(67_000)), ("1.2M", Decimal(1_200_000)), ("$ 4,735", Decimal(4735)),
     ("0.00001234", Decimal("0.00001234")), ("high 60s", None), ("9" * 60, None)],
)  # fmt: skip
def test_values(text: str, expected: Decimal | None) -> None:
    assert value_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("$tsla", ("TSLA", None, "cashtag")), ("#Bitcoin", ("BTC", None, "hashtag")),
     ("BTCUSDT", ("BTC", "USDT", "pair")), ("$MSTR /USDT", ("MSTR", "USDT", "pair")),
     ("Ethereum", ("ETH", None, "name")), ("BRK.B", ("BRK.B", None, "symbol"))],
)  # fmt: skip
def test_symbols(text: str, expected: tuple[str, str | None, str]) -> None:
    assert symbol_of(text) == expected


def test_meanings_of_marks() -> None:
    names = ["COIN", "price level", "support level", "Take Profit 2", "sl", "nonsense"]
    assert [Marks.meaning(name, {"nonsense": "hype"}) for name in names] == [
        "ticker", "level", "support", "target", "stop", None,
    ]  # fmt: skip


def test_a_label_set_is_plain_data() -> None:
    import pickle

    found = read_labels(CASES / "annotators.csv")
    again: LabelSet = pickle.loads(pickle.dumps(found))
    assert again == found
    assert found.ties[0].votes == {"neutral": 1, "bearish": 1}
