"""CSV and TSV: the dialects that exist, cells kept byte for byte, broken rows kept in place."""

from __future__ import annotations

import csv
import io
import re
import time
import tracemalloc
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

import opgsent
from opgsent.errors import InputError
from opgsent.tables import source as source_room
from opgsent.tables.columns import Columns
from opgsent.tables.delimited import Delimited
from opgsent.tables.dialect import Dialect
from opgsent.tables.rows import Row
from opgsent.tables.source import Lines, Source
from tables_fake import scored

OURS = ("stance", "tickers")
# what the stand-in says of a text of so many characters
SAYS = ("bullish", "bearish", "neutral")


def answers(folder: Path, data: bytes, **options: Any) -> str:
    return scored(folder, data, columns=OURS, **options).output.decode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param("id,text\n1,ab\n", "id,text,stance,tickers\n1,ab,neutral,\n", id="plain"),
        pytest.param("text\nab\n", "text,stance,tickers\nab,neutral,\n", id="one column"),
        pytest.param(
            'text\nab, c; d\te|f\nab\n"c, d"\n5" rim,"e\n',
            'text,stance,tickers\n"ab, c; d\te|f",bullish,\nab,neutral,\n"c, d",bearish,\n'
            '"5"" rim,""e",bullish,\n',
            id="one column, every delimiter in a post",
        ),
        pytest.param(
            "text\r\n" + "ab, c\r\n" * 97 + "ab; c\r\n" * 3,
            "text,stance,tickers\r\n" + '"ab, c",neutral,\r\n' * 97 + "ab; c,neutral,\r\n" * 3,
            id="one column, commas in most posts",
        ),
        pytest.param(
            "text\rab, c\n\rab\r",
            'text,stance,tickers\r"ab, c\n",bullish,\rab,neutral,\r',
            id="one column, cr",
        ),
        pytest.param("id,text\n1,ab", "id,text,stance,tickers\n1,ab,neutral,", id="no last end"),
        pytest.param(
            "id,text\r\n1,ab\r\n", "id,text,stance,tickers\r\n1,ab,neutral,\r\n", id="crlf"
        ),
        pytest.param("id,text\r1,ab\r", "id,text,stance,tickers\r1,ab,neutral,\r", id="cr"),
        pytest.param(
            "\ufeffid;text\r\n1;a,b\r\n",
            "\ufeffid;text;stance;tickers\r\n1;a,b;bullish;\r\n",
            id="Excel: mark, semicolons, crlf",
        ),
        pytest.param(
            "sep=;\nid;text\n1;ab\n", "sep=;\nid;text;stance;tickers\n1;ab;neutral;\n", id="sep="
        ),
        pytest.param(
            "text\tid\nab\t1\n", "text\tid\tstance\ttickers\nab\t1\tneutral\t\n", id="tab"
        ),
        pytest.param("id|text\n1|ab\n", "id|text|stance|tickers\n1|ab|neutral|\n", id="pipe"),
        pytest.param(
            '"id","text"\n"1","a\nb ""c"""\n',
            '"id","text",stance,tickers\n"1","a\nb ""c""",bearish,\n',
            id="quoted newline and quotes",
        ),
        pytest.param(
            'id,text\n1,5" rim\n', 'id,text,stance,tickers\n1,5" rim,bullish,\n', id="stray inch"
        ),
        pytest.param(
            "id,text\n\n1,ab\n\n", "id,text,stance,tickers\n\n1,ab,neutral,\n\n", id="blank lines"
        ),
        pytest.param(
            "\n\r\n  \nid,text\n1,ab\n",
            "\n\r\n  \nid,text,stance,tickers\n1,ab,neutral,\n",
            id="blank lines before the header",
        ),
        pytest.param(
            "\ufeff\r\nsep=;\r\n\r\nid;text\r\n1;ab\r\n",
            "\ufeff\r\nsep=;\r\n\r\nid;text;stance;tickers\r\n1;ab;neutral;\r\n",
            id="blank lines around sep=",
        ),
        pytest.param(
            'id,text\r1,"a\nb"\r2,ab\r3,"c\r\n""d"\r',
            'id,text,stance,tickers\r1,"a\nb",bullish,\r2,ab,neutral,\r3,"c\r\n""d",neutral,\r',
            id="cr, line feeds in quotes",
        ),
        pytest.param(
            '\ufeff"the\nid";"text"\r1;"a\nb"\r\r2;ab\r',
            '\ufeff"the\nid";"text";stance;tickers\r1;"a\nb";bullish;\r\r2;ab;neutral;\r',
            id="cr, a line feed in the header",
        ),
        pytest.param(
            "id,text\r1,a\nb\r2,ab\r3,ab",
            'id,text,stance,tickers\r1,"a\nb",bullish,\r2,ab,neutral,\r3,ab,neutral,',
            id="cr, a line feed outside quotes",
        ),
        pytest.param(
            '"the\rid",text\n1,"a\rb"\n2,"\r\r\r"\n',
            '"the\rid",text,stance,tickers\n1,"a\rb",bullish,\n2,"\r\r\r",bullish,\n',
            id="lf, returns in quotes",
        ),
        pytest.param("id,text\r", "id,text,stance,tickers\r", id="cr, a header only"),
        pytest.param(
            "text\n\nab\n", "text,stance,tickers\n,bullish,\nab,neutral,\n", id="empty post"
        ),
        pytest.param(
            "text,id,note\nab\nab,1\n",
            "text,id,note,stance,tickers\nab,,,neutral,\nab,1,,neutral,\n",
            id="cells left out at the end",
        ),
        pytest.param(
            "text,x\na\rb,1\n",
            'text,x,stance,tickers\n"a\rb",1,bullish,\n',
            id="bare return quoted",
        ),
        pytest.param(
            'x,text\na"\rb,c\n',
            'x,text,stance,tickers\n"a""\rb",c,bearish,\n',
            id="bare return, quote",
        ),
        pytest.param(
            'x\r;"a\rb";text\r\n1;2;ab\r\n',
            '"x\r";"a\rb";text;stance;tickers\r\n1;2;ab;neutral;\r\n',
            id="bare return in the header quoted",
        ),
        pytest.param(
            'id,text\r\r\n\r\r\n1,ab\r\r\n2,"a\r\r\nb"\r\r\n4,a\r\r\r\n',
            'id,text,stance,tickers\r\r\n\r\r\n1,ab,neutral,\r\r\n2,"a\r\r\nb",neutral,\r\r\n'
            '4,"a\r",neutral,\r\r\n',
            id="cr cr lf",
        ),
        pytest.param(
            "id,text\nNA,null\n", "id,text,stance,tickers\nNA,null,bearish,\n", id="no NaN"
        ),
        pytest.param(
            "id,text\n007,1.50\n",
            "id,text,stance,tickers\n007,1.50,bearish,\n",
            id="text stays text",
        ),
        pytest.param(
            "id,text\n1,$A $b\n", "id,text,stance,tickers\n1,$A $b,neutral,A B\n", id="tickers"
        ),
        pytest.param(
            'id\ttext\n1\t"up\n2\tab\n',
            'id\ttext\tstance\ttickers\n1\t"up\tbullish\t\n2\tab\tneutral\t\n',
            id="tsv without quoting",
        ),
    ],
)
def test_dialects(tmp_path: Path, data: str, expected: str) -> None:
    assert answers(tmp_path, data.encode()) == expected


#: (rows behind the header "id,text", what stands in the output, (line, reason, raw) of rejects)
BROKEN: list[Any] = [
    pytest.param(
        b"1,ab,cd,ef\n2,ab\n",
        "1,ab,,\n2,ab,neutral,\n",
        [["2", "4 cells where the header has 2", "1,ab,cd,ef"]],
        id="too many cells",
    ),
    pytest.param(
        b"1\n2,ab\n",
        "1,,,\n2,ab,neutral,\n",
        [["2", "1 cells where the header has 2", "1"]],
        id="no text cell",
    ),
    pytest.param(
        b'1,"ab"c\n2,ab\n',
        '1,"""ab""c",,\n2,ab,neutral,\n',
        [["2", "a closing quote inside a cell", '1,"ab"c']],
        id="text behind a closing quote",
    ),
    pytest.param(
        b'1,"ab\n2,ab\n3,ab\n',
        '1,"""ab",,\n2,ab,neutral,\n3,ab,neutral,\n',
        [["2", "a quote is opened and never closed", '1,"ab']],
        id="a stray quote takes one row only",
    ),
    pytest.param(
        b'1,"ab\nno row\nnor this\n',
        '1,"""ab\nno row\nnor this",,\n',
        [["2", "a quote is opened and never closed", '1,"ab\nno row\nnor this']],
        id="a post that is never closed",
    ),
    pytest.param(
        b"1,caf\xe9\n2,ab\n",
        "1,caf\ufffd,,\n2,ab,neutral,\n",
        [
            [
                "2",
                "byte 0xe9 is not utf-8; if it comes from Excel or Windows: --encoding cp1252",
                "1,caf\\xe9",
            ]
        ],
        id="bytes of another encoding",
    ),
    pytest.param(
        b"=1,ab,c\n2,ab\n",
        "=1,ab,,\n2,ab,neutral,\n",
        [["2", "3 cells where the header has 2", "'=1,ab,c"]],
        id="the copy of a rejected row is no formula",
    ),
]


@pytest.mark.parametrize(("rows", "out", "rejected"), BROKEN)
@pytest.mark.parametrize("before", [0, 700], ids=["first", "behind the sample"])
def test_broken_rows_keep_their_place(
    tmp_path: Path, rows: bytes, out: str, rejected: list[list[str]], before: int
) -> None:
    result = scored(tmp_path, b"id,text\n" + b"0,ab\n" * before + rows, columns=OURS)
    head = "id,text,stance,tickers\n" + "0,ab,neutral,\n" * before
    assert result.output.decode() == head + out
    assert result.rejected == [[str(int(n) + before), why, raw] for n, why, raw in rejected]
    assert result.summary.rejected == 1
    assert result.summary.rows == before + out.count("neutral") + 1
    assert result.summary.reasons == ((2 + before, rejected[0][1]),)


def test_a_stray_quote_costs_no_record_behind_it(tmp_path: Path) -> None:
    post = '"He said ""up""\nand ""down""\nand ""sideways"""'
    rows = '1,"stray\n' + "2,ab\n" * 10 + f'12",{post}\n13,ab\n'
    result = scored(tmp_path, b"id,text\n" + rows.encode(), columns=["stance"])
    assert result.rejected == [["2", "a quote is opened and never closed", '1,"stray']]
    assert f'\n12",{post},neutral\n13,ab,neutral\n' in result.output.decode()


@pytest.mark.parametrize("quote", [b"", b'"'], ids=["plain", "quoted"])
def test_a_cell_over_a_million_characters_is_rejected(tmp_path: Path, quote: bytes) -> None:
    long = b"1," + quote + b"a" * 1_000_001 + quote + b"\r\n"
    just = b"2," + b"b" * 999_998 + b"\r\n"
    result = scored(tmp_path, b"id,text\r\n" + long + just + b"3,ab\r\n", columns=["stance"])
    lines = result.output.split(b"\r\n")
    assert len(lines) == 5
    assert (
        lines[1].startswith(b"1," + quote * 3 + b"aaa")
        and lines[1].endswith(b",")
        and len(lines[1]) < 1_100
    )
    assert lines[2:4] == [just[:-2] + b",neutral", b"3,ab,neutral"]
    assert [row[:2] for row in result.rejected] == [["2", "longer than 1,000,000 characters"]]


def test_a_quoted_post_of_a_million_characters_over_lines_is_rejected_whole(tmp_path: Path) -> None:
    cell = b'"' + b"spam\n" * 300_000 + b'"'
    result = scored(tmp_path, b"id,text\n1," + cell + b"\n2,ab\n", columns=["stance"])
    assert result.output.startswith(b'id,text,stance\n1,"')
    assert result.output.endswith(b"\n2,ab,neutral\n") and len(result.output) < 3_000
    assert result.summary.rows == 2 and result.summary.rejected == 1


def test_a_header_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"header \(line 1\) cannot be read: byte 0xe9"):
        scored(tmp_path, b"caf\xe9,text\n1,ab\n")
    for empty in (b"", b"\n\r\n", b"\n" * 1_100_000, b"sep=;\n\n"):
        with pytest.raises(InputError, match="is empty: a header line is expected"):
            scored(tmp_path, empty)


def test_lines_are_counted_from_the_first_one_of_the_file(tmp_path: Path) -> None:
    result = scored(tmp_path, b"\n\nid,text\n1,ab,c\n")
    assert result.rejected == [["4", "3 cells where the header has 2", "1,ab,c"]]


def test_a_line_end_in_a_name_is_asked_for_as_messages_show_it(tmp_path: Path) -> None:
    data = b"te\rxt,id\nab,1\n"
    with pytest.raises(InputError) as caught:
        scored(tmp_path, data)
    shown = r"te\rxt"
    assert shown in str(caught.value).split("did you mean ")[1]
    for name in (shown, "te\rxt"):
        result = scored(tmp_path, data, text=name, columns=["stance"])
        assert result.output == b'"te\rxt",id,stance\nab,1,neutral\n'


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("id,Text", "no column 'text', did you mean 'Text'? There is: 'id', 'Text'"),
        ("id,tweet", "no column 'text', did you mean 'tweet'?"),
        ("id,foo", "no column 'text'. There is: 'id', 'foo'"),
        ("id,post", "posts.csv: no column 'text', did you mean 'post'?"),
        ("id,post", "; name the column of posts with --text (text=...)"),
        ('sep="', "no column 'text'"),
        ("text,a,text", "has several columns 'text', rename all but one"),
        ("text,stance", "already has the column 'stance'; choose other names"),
    ],
)
def test_columns_that_are_not_there_or_twice(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        scored(tmp_path, f"{header}\n1,2,3\n".encode())
    assert message in str(caught.value)
    assert not (tmp_path / "out-posts.csv").exists()


def test_another_encoding_is_kept(tmp_path: Path) -> None:
    for encoding in ("cp1252", "utf-16", "utf-16-be", "latin-1"):
        data = "id,text\r\n1,café\r\n".encode(encoding)
        result = scored(tmp_path, data, columns=["stance"], encoding=encoding)
        assert result.output.decode(encoding) == "id,text,stance\r\n1,café,bearish\r\n"
        assert result.output[:2] == data[:2]


def test_encodings_that_write_a_character_in_one_of_two_ways_are_named(tmp_path: Path) -> None:
    docs = (Path(__file__).parent.parent / "docs" / "scoring.md").read_text(encoding="utf-8")
    multibyte = [
        "big5", "big5hkscs", "cp932", "cp949", "cp950", "euc_jis_2004", "euc_jisx0213", "euc_jp",
        "euc_kr", "gb18030", "gb2312", "gbk", "johab", "shift_jis", "shift_jis_2004", "shift_jisx0213",
    ]  # fmt: skip
    codes = [bytes(code) for code in product(range(128, 256), range(64, 256))]
    codes += [b"\x8f" + code for code in codes]  # of EUC
    for encoding in multibyte:
        texts = {code: code.decode(encoding, "replace") for code in codes}
        texts = {code: text for code, text in texts.items() if "\ufffd" not in text}
        back = {code: text.encode(encoding, "replace") for code, text in texts.items()}
        lost = [code for code, text in texts.items() if back[code].decode(encoding) != text]
        assert len(lost) == 3 * (encoding == "euc_jisx0213"), encoding  # Python cannot write those
        assert (list(back) != list(back.values())) == (f"`{encoding}`" in docs), encoding
    result = scored(tmp_path, b"text\n\x87\x90\n", encoding="cp932", columns=["stance"])
    assert result.output.decode("cp932") == "text,stance\n≒,bearish\n"


def test_utf16_without_its_name_is_a_hint(tmp_path: Path) -> None:
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        data = "id,text\n1,ab\n".encode(encoding)
        with pytest.raises(InputError, match="try --encoding utf-16"):
            scored(tmp_path, data)
        result = scored(tmp_path, data, encoding="utf-16", columns=["stance"])
        assert result.output == "id,text,stance\n1,ab,neutral\n".encode(encoding)


@pytest.mark.parametrize(
    "encoding",
    ["klingon", "base64", "hex", "zlib", "rot13", "idna", "punycode", "undefined", "a\0b", ""],
)
def test_what_is_no_encoding_of_text_files_is_refused(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(InputError, match=r"is no encoding of text files .* try utf-8 or cp1252"):
        scored(tmp_path, b"id,text\n", encoding=encoding)


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-le", "utf-32-be", "utf-8", "utf-16"])
@pytest.mark.parametrize("order", ["le", "be"])
def test_utf32_is_refused_with_the_way_out(tmp_path: Path, encoding: str, order: str) -> None:
    data = "\ufeffid,text\n1,ab\n".encode(f"utf-32-{order}")
    with pytest.raises(InputError, match=r"posts\.csv: UTF-32 is not read.* iconv -f UTF-32"):
        scored(tmp_path, data, encoding=encoding)


@pytest.mark.parametrize("order", ["le", "be"])
@pytest.mark.parametrize("before", [0, 40_000], ids=["first", "behind the first piece"])
@pytest.mark.parametrize(
    ("row", "out", "reason", "raw"),
    [
        ("2,cut \ud83d\n", "2,cut ??,\n", "0x", "2,cut "),
        ("2,\ude80cut\n", "2,??cut,\n", "0x", "2,"),
        ("2,\ud83d\ud83d\ude80\n", "2,??🚀,\n", "0x", "2,"),
        ('2,"a\n\ud83d"\n', '2,"a\n??",\n', "0x", '2,"a\n'),
    ],
    ids=["first half", "second half", "before a whole one", "quoted over lines"],
)
def test_half_an_emoji_in_utf16_is_one_rejected_row(
    tmp_path: Path, row: str, out: str, reason: str, raw: str, before: int, order: str
) -> None:
    encoding = f"utf-16-{order}"
    head, good = "\ufeffid,text{}\n", "0,ab{}\n"
    data = head.format("") + good.format("") * before + row + good.format("")
    result = scored(
        tmp_path, data.encode(encoding, "surrogatepass"), encoding="utf-16", columns=["stance"]
    )
    rest = good.format(",neutral")
    expected = head.format(",stance") + rest * before + out.replace("?", "\ufffd") + rest
    assert result.output.decode(encoding) == expected
    ((line, why, kept),) = result.rejected
    assert line == str(before + 2)
    assert why.startswith(f"byte {reason}") and why.endswith(f" is not {encoding}")
    assert kept.startswith(raw) and kept.count("\\x") == 2


@pytest.mark.parametrize(
    ("data", "out"),
    [
        ("id,text\n1,ab\n2,ab\n".encode("utf-16-le")[:-1], "1,ab,neutral\n2,ab\ufffd,"),
        (
            "id,text\n1,ab\n2,ab\n".encode("utf-16-le") + b"x",
            "1,ab,neutral\n2,ab,neutral\n\ufffd,,",
        ),
        (
            "id,text\n1,ab\n".encode("utf-16-le") + b"\x3d\xd8\x00",
            "1,ab,neutral\n\ufffd\ufffd\ufffd,,",
        ),
    ],
    ids=["a byte short", "a byte too many", "half an emoji and a byte"],
)
def test_a_utf16_file_cut_inside_a_unit_loses_its_last_row_only(
    tmp_path: Path, data: bytes, out: str
) -> None:
    result = scored(tmp_path, data, encoding="utf-16", columns=["stance"])
    assert result.output.decode("utf-16-le") == "id,text,stance\n" + out
    assert result.summary.rejected == 1


def test_a_delimiter_that_is_in_our_numbers(tmp_path: Path) -> None:
    for delimiter in ".-0 ":
        data = f"sep={delimiter}\nid{delimiter}text\n1{delimiter}$A\n".encode()
        result = scored(tmp_path, data)
        _, header, row = result.table(delimiter=delimiter)
        plain = scored(tmp_path, b"id,text\n1,$A\n").table()
        assert [header, row] == plain, delimiter


def test_long_rows(tmp_path: Path) -> None:
    result = scored(
        tmp_path, b"id,text\r\n1,$A 5\r\n2,up", columns=["item", "item_symbol"], long=True
    )
    assert result.output == (
        b"id,text,item,item_symbol\r\n1,$A 5,ticker,A\r\n1,$A 5,level,\r\n2,up,,"
    )
    assert result.summary.rows == 2


# --- properties ---------------------------------------------------------------------------

cells = st.text(st.sampled_from('ab ,;\t|"\n\r=$1é🚀'), max_size=12)
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=8)
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=400
)
@given(
    tables,
    st.sampled_from(",;\t|"),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\ufeff"]),
)
def test_what_csv_writers_write_comes_back_cell_for_cell(
    tmp_path: Path, rows: list[list[str]], delimiter: str, quoting: Any, end: str, bom: str
) -> None:
    header = ["text", *(f"c{k}" for k in range(1, len(rows[0])))]
    if len(header) == 1:  # such a file gives no sign of its delimiter, ours is then a comma
        delimiter = ","
    # such a writer leaves a return unquoted, which with the line end behind it is a line end
    assume(quoting == csv.QUOTE_ALL or not any(row[-1].endswith("\r") for row in rows))
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerows([header, *rows])
    data = (bom + file.getvalue()).encode()
    result = scored(tmp_path, data, columns=["stance"])
    expected = [[*row, SAYS[len(row[0]) % 3]] for row in rows]
    assert result.table(delimiter=delimiter) == [[*header, "stance"], *expected]
    assert result.summary.rejected == 0
    assert result.output.startswith(bom.encode("utf-8") + b'"text"'[quoting != csv.QUOTE_ALL :][:4])


class _ByLine(Lines):
    """Lines that are never matched ahead, so that all goes line by line."""

    def match(self, pattern: Any) -> None:
        return None


def read_rows(path: Path, lines: type[Lines]) -> Iterator[Row]:
    source = Source(str(path))
    try:
        form = Delimited(lines(source, "utf-8"), "x", "text", Columns())
        yield from form.rows()
    finally:
        source.close()


raw = st.text(st.sampled_from('ab,"\n\r\udce9é'), max_size=60)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sampled_from(["id,text\n", "text\n", "text\r\r\n"]), raw, st.sampled_from([7, 64, 1 << 16])
)
@example("id,text\n", '1,"a\nb"\r\n2,"a""\n', 7)
@example("id,text\n", '1,"\n"b,"\n1,c\n', 64)
@example("text\n", 'a,"\nb","\r\r\n"', 64)
def test_matching_ahead_changes_nothing(tmp_path: Path, header: str, body: str, piece: int) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes((header + body).encode("utf-8", "surrogateescape"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_room, "_PIECE", piece)
        patch.setattr(source_room, "SAMPLE_LINES", 2)
        assert list(read_rows(path, Lines)) == list(read_rows(path, _ByLine))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(raw)
def test_no_line_is_lost_whatever_the_file(tmp_path: Path, body: str) -> None:
    data = ("id,text\n" + body).encode("utf-8", "surrogateescape")
    result = scored(tmp_path, data, columns=["stance"])
    rows = result.table()[1:]
    assert len([row for row in rows if row]) == result.summary.rows
    assert all(len(row) == 3 for row in rows if row)
    assert len(result.rejected) == result.summary.rejected


def test_a_row_pattern_takes_whole_rows_only() -> None:
    pattern = Dialect().row(1, 3, "\n")
    assert pattern.match('a,"b\n""c""",\n') is not None
    for faulty in ("a,b\n", "a,b,c,d\n", 'a,"b"c,d\n', 'a,"b,c\n', "a,b,c", "a,b\rx,c\n"):
        assert pattern.match(faulty) is None, faulty


@settings(deadline=None, max_examples=300)
@given(tables, st.sampled_from(",;\t|"), st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
@example([["1", "a, b"]], ",", csv.QUOTE_MINIMAL)
@example([['"', '""', "\n"]], ";", csv.QUOTE_ALL)
def test_records_end_and_split_as_csv_writers_wrote_them(
    rows: list[list[str]], delimiter: str, quoting: Any
) -> None:
    dialect = Dialect(delimiter)
    for row in rows:
        file = io.StringIO(newline="")
        csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerow(row)
        record = file.getvalue()[:-1]
        lines = record.split("\n")
        ends = [dialect.ends(line, inside=n > 0) for n, line in enumerate(lines)]
        assert ends == [False] * (len(lines) - 1) + [True]
        assert [dialect.content(cell) for cell in dialect.split(record)] == row


@pytest.mark.parametrize(
    ("line", "inside", "ends"),
    [
        ('1,"a, b"', False, True), ('1,"a""b"', False, True), ('"",""', False, True),
        ('5" rim', False, True), ('5" rim,"a', False, False), ('"', False, False),
        ('1,"a"b', False, None), ('1,"a"b,"', False, None), ('"a""', False, False),
        ('a",b', True, True), ('a,""b', True, False), ('a",b"c,"d', True, False), ('a"b', True, None),
    ],
)  # fmt: skip
def test_where_a_record_ends(line: str, inside: bool, ends: bool | None) -> None:
    assert Dialect().ends(line, inside) is ends


def test_no_group_is_repeated_possessively() -> None:
    """Wrong before CPython 3.11.5 (gh-106052): valid rows of Debian 12's Python were rejected."""
    possessive = re.compile(r"(?<!\\)\)([*+?]|\{[\d,]*\})\+|\(\?>")
    for file in Path(opgsent.__file__).parent.rglob("*.py"):
        assert not possessive.search(file.read_text(encoding="utf-8")), file
    assert not possessive.search(Dialect().row(1, 3, "\n").pattern)


@pytest.mark.parametrize("unit", ['""', '"a""a""', ",", '"a","a",', '"a""b",', 'x"', '"",'])
@pytest.mark.parametrize("end", ["", '"', '"x', ',"'])
def test_a_line_of_a_million_characters_takes_little(unit: str, end: str) -> None:
    line = (unit * (1_000_000 // len(unit)))[: 1_000_000 - len(end) - 1] + end + "\n"
    dialect, pattern = Dialect(), Dialect().row(1, 3, "\n")
    tracemalloc.start()
    pattern.match(line)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3_000_000  # a match found holds a part of the line
    started = time.process_time()
    pattern.match(line)
    dialect.split(line[:-1])
    for inside in (False, True):
        dialect.ends(line[:-1], inside)
    assert time.process_time() - started < 1


def test_hostile_quotes_take_linear_time(tmp_path: Path) -> None:
    """Each of these lines opens a quote; a scan to the end per line would take hours."""
    lines = (b'1,"a\n', b'1,"\n', b'1,a"\n', b'1,""""a\n', b'"\n', b'a","b c\n1,x\n2,y\n')
    for line in lines:
        data = b"id,text\n" + line * 30_000
        result = scored(tmp_path, data, columns=["stance"])
        assert result.summary.rows >= 10_000
