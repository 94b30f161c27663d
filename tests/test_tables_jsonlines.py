"""JSON Lines: objects kept to the byte, the scores as last keys, faulty lines kept in place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opgsent.errors import InputError
from tables_fake import FakeClassifier, scored


def lines(folder: Path, data: bytes, **options: Any) -> list[str]:
    options.setdefault("columns", ["stance"])
    return scored(folder, data, "posts.jsonl", **options).output.decode().split("\n")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"text": "ab", "n": 1.0}', '{"text": "ab", "n": 1.0, "stance": "neutral"}'),
        ('{ "text":"ab" }', '{ "text":"ab", "stance": "neutral"}'),
        (' {"text":"\\u00e9"} ', ' {"text":"\\u00e9", "stance": "bearish"}'),
        ('{"text":null}', '{"text":null, "stance": null}'),
        ('{"id":7}', '{"id":7, "stance": null}'),
        ("{}", '{"stance": null}'),
        ('{"text":"ab","n":' + "1" * 5_000 + "}",
         '{"text":"ab","n":' + "1" * 5_000 + ', "stance": "neutral"}'),
        ('{"text":"\\ud83d"}', '{"text":"\\ud83d", "stance": "bearish"}'),
        ('{"text":"a}\\n"}', '{"text":"a}\\n", "stance": "bullish"}'),
        ("", ""),
    ],
)  # fmt: skip
def test_objects_are_kept_to_the_byte(tmp_path: Path, line: str, expected: str) -> None:
    first = '{"text":"x"}'
    data = f"{first}\n{line}\n".encode()
    assert lines(tmp_path, data) == ['{"text":"x", "stance": "bearish"}', expected, ""]
    crlf = data.replace(b"\n", b"\r\n")
    assert [n.rstrip("\r") for n in lines(tmp_path, crlf)][1] == expected


@pytest.mark.parametrize(
    ("line", "expected", "reason"),
    [
        (b'{"text": "ab"', '{"stance": null}', "not JSON: Expecting ',' delimiter"),
        (b"[1, 2]", '{"stance": null}', "a JSON object is expected, this is list"),
        (b'"ab"', '{"stance": null}', "a JSON object is expected, this is str"),
        (b'{"text": Infinity}', '{"text": Infinity, "stance": null}', "'text' is float, not a str"),
        (b'{"text": 5}', '{"text": 5, "stance": null}', "'text' is int, not a string"),
        (
            b'{"text": "ab", "stance": 1}',
            '{"stance": null}',
            "the row already has stance",
        ),
        (b'{"text": "caf\xe9"}', '{"text": "caf\ufffd", "stance": null}', "byte 0xe9 is not utf-8"),
        (b'{"text":' + b"[" * 100_000, '{"stance": null}', "the JSON is nested too deeply"),
        (b'{"text": "' + b"a" * 1_000_000 + b'"}', '{"stance": null}', "the line is longer than"),
    ],
    ids=["cut", "list", "string", "infinity", "number", "clash", "bytes", "deep", "long"],
)
def test_faulty_lines_keep_their_place(
    tmp_path: Path, line: bytes, expected: str, reason: str
) -> None:
    data = b'{"text":"x"}\n' + line + b'\n{"text":"ab"}\n'
    result = scored(tmp_path, data, "posts.jsonl", columns=["stance"])
    assert result.output.decode().split("\n")[1] == expected
    assert result.output.decode().split("\n")[2] == '{"text":"ab", "stance": "neutral"}'
    ((number, why, raw),) = result.rejected
    assert number == "2" and why.startswith(reason)
    assert raw[:8] == line[:8].decode() and len(raw) <= 100_100
    assert (result.summary.rows, result.summary.rejected) == (3, 1)


@pytest.mark.parametrize("line", ['{"text": NaN}', '{"text":null}', "{}"])
def test_a_missing_value_is_missing_and_not_rejected(tmp_path: Path, line: str) -> None:
    data = f'{{"text":"x"}}\n{line}\n'.encode()
    result = scored(tmp_path, data, "posts.jsonl", columns=["stance", "tickers"])
    sep = ", " if "text" in line else ""
    assert (
        result.output.decode().split("\n")[1]
        == f'{line[:-1]}{sep}"stance": null, "tickers": null}}'
    )
    assert (result.summary.rows, result.summary.blank, result.summary.rejected) == (2, 1, 0)


def test_spans_are_lists_of_objects(tmp_path: Path) -> None:
    text = "$SOL over 142.1"
    result = scored(tmp_path, json.dumps({"text": text}).encode(), "posts.jsonl")
    row = json.loads(result.output)
    post = FakeClassifier().classify(text)
    assert row["tickers"] == [
        {
            **post.tickers[0].to_dict(),
            "stance": {
                "label": "bearish",
                "probabilities": {"bullish": 0.28, "bearish": 0.44, "neutral": 0.28},
                "score": -0.16,
                "sure": False,
            },
        }
    ]
    assert row["levels"] == [post.levels[0].to_dict()]
    assert row["levels"][0]["value"] == "142.1"


def test_the_column_is_looked_for_in_the_first_lines(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"posts\.jsonl: no column 'text', did you mean 'body'.* --text"
    ):
        lines(tmp_path, b'{"body": "ab"}\n')
    two = lines(tmp_path, b'{"body": "ab"}\n{"text":"ab"}')
    assert two == ['{"body": "ab", "stance": null}', '{"text":"ab", "stance": "neutral"}']
    with pytest.raises(InputError, match="already has the column 'stance'"):
        lines(tmp_path, b'{"text": "ab", "stance": 1}\n')


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty: a JSON object a line is expected"),
        (b'[{"text": "ab"}]', r"posts\.jsonl is a JSON array, .*; make lines of the array: jq -c"),
        (b'\n [\n{"text": "ab"},\n{"text": "ab"}\n]\n', "make lines of the array: jq -c"),
        (b'[{"text": "ab"},\n{"text": "ab"}]\n', "make lines of the array: jq -c"),
        (b"ab\n", "no line at its start is a JSON object"),
    ],
)
def test_files_that_are_no_json_lines(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        lines(tmp_path, data)


def test_a_list_on_the_first_line_is_a_row_like_any_other(tmp_path: Path) -> None:
    assert lines(tmp_path, b'[1, 2]\n{"text": "ab"}') == [
        '{"stance": null}',
        '{"text": "ab", "stance": "neutral"}',
    ]


def test_a_prefix_moves_our_keys_away_from_theirs(tmp_path: Path) -> None:
    (row,) = lines(tmp_path, b'{"text": "ab", "stance": 1}', prefix="our_")
    assert json.loads(row) == {"text": "ab", "stance": 1, "our_stance": "neutral"}


def test_long_repeats_the_object(tmp_path: Path) -> None:
    rows = lines(tmp_path, b'{"text":"$A 5"}\n', columns=["item", "item_value"], long=True)
    assert [json.loads(row) for row in rows[:2]] == [
        {"text": "$A 5", "item": "ticker", "item_value": None},
        {"text": "$A 5", "item": "level", "item_value": "5"},
    ]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
objects = st.dictionaries(st.text(max_size=4), values, max_size=3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(objects, st.text(max_size=20)), min_size=1, max_size=5), st.booleans())
def test_every_object_comes_back_with_its_scores_behind(
    tmp_path: Path, rows: list[tuple[dict[str, Any], str]], ascii_only: bool
) -> None:
    written = [{**record, "text": text} for record, text in rows]
    text = "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in written)
    out = lines(tmp_path, text.encode("utf-8", "surrogatepass"), prefix="our ")
    read = [json.loads(line) for line in out[:-1]]
    assert len(read) == len(rows)
    for before, after in zip(written, read, strict=True):
        label = after.pop("our stance")
        assert label == ("bullish", "bearish", "neutral")[len(before["text"]) % 3]
        assert after == before
