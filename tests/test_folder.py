"""Model folders: what is written is read back, and nothing else is believed."""

from __future__ import annotations

import io
import json
import math
import os
import pickle
import re
import shutil
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from opgsent.classifier import Classifier
from opgsent.folder import ModelError, pack, read_folder, unpack, write_folder
from opgsent.inspection import verified

BUNDLED = Path(__file__).parents[1] / "src" / "opgsent" / "data" / "model"
ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.zeros(2, np.int32)}


def test_round_trip_and_same_bytes(tmp_path: Path) -> None:
    write_folder(tmp_path / "one", ARRAYS, {"name": "x"})
    write_folder(tmp_path / "two", dict(reversed(ARRAYS.items())), {"name": "x"})
    arrays, card = read_folder(tmp_path / "one")
    assert card["name"] == "x"
    assert {k: v.tolist() for k, v in arrays.items()} == {k: v.tolist() for k, v in ARRAYS.items()}
    for file in ("weights.npz", "card.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["one", "two"]


def test_a_folder_of_something_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ModelError, match="holds no model"):
        write_folder(tmp_path, ARRAYS, {})
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_model_beside_other_files_is_not_replaced(tmp_path: Path) -> None:
    model = tmp_path / "model"
    write_folder(model, ARRAYS, {"name": "old"})
    write_folder(model, ARRAYS, {"name": "new"})
    assert read_folder(model)[1]["name"] == "new"
    (model / "labels.csv").write_text("mine")
    with pytest.raises(ModelError, match=r"holds 'labels\.csv' beside a model"):
        write_folder(model, ARRAYS, {"name": "newest"})
    assert (model / "labels.csv").read_text() == "mine"
    assert read_folder(model)[1]["name"] == "new"


@pytest.mark.parametrize("filled", [True, False])
def test_a_link_is_not_replaced(filled: bool, tmp_path: Path) -> None:
    if filled:
        write_folder(tmp_path / "v1", ARRAYS, {})
    else:
        (tmp_path / "v1").mkdir()
    (tmp_path / "current").symlink_to("v1")
    with pytest.raises(ModelError, match="is a link"):
        write_folder(tmp_path / "current", ARRAYS, {})
    assert sorted(os.listdir(tmp_path)) == ["current", "v1"]


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch pwned",)


def _npz(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return out.getvalue()


def _npy(array: np.ndarray, *, pickled: bool = False) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=(1, 0), allow_pickle=pickled)
    return out.getvalue()


def _header(text: str, body: bytes = b"") -> bytes:
    raw = text.encode("latin1")
    return b"\x93NUMPY\x01\x00" + len(raw).to_bytes(2, "little") + raw + body


def _overlapping(count: int = 20, size: int = 10_000) -> bytes:
    """An archive each of whose members holds all that follow it: sound one by one, and together
    many times the file.
    """
    body, directory = b"", b""
    for n in reversed(range(count)):
        rest = np.frombuffer(body, np.uint8) if body else np.zeros(size, np.uint8)
        name, data = f"a{n:02}.npy".encode(), _npy(rest)
        sizes = struct.pack("<LLL", zlib.crc32(data), len(data), len(data))
        about = struct.pack("<HHHHH", 20, 0, 0, 0, 33) + sizes + struct.pack("<HH", len(name), 0)
        body = b"PK\3\4" + about + name + data
        directory += b"PK\1\2\x14\0" + about + bytes(10) + struct.pack("<L", len(body)) + name
    # where each begins, counted from the front: so far it is counted from the end
    entry = 46 + len("a00.npy")
    parts = [directory[at : at + entry] for at in range(0, len(directory), entry)]
    parts = [
        part[:42] + struct.pack("<L", len(body) - int.from_bytes(part[42:46], "little")) + part[46:]
        for part in parts
    ]
    end = struct.pack("<HHHHLLH", 0, 0, count, count, len(directory), len(body), 0)
    return body + b"".join(parts) + b"PK\5\6" + end


HOSTILE = {
    "members that overlap": _overlapping(),
    "a pickle": pickle.dumps(Bomb()),
    "a pickled array": _npz({"a.npy": _npy(np.array([Bomb()], object), pickled=True)}),
    "no zip": b"PK\x03\x04 nothing",
    "empty": b"",
    "a compressed bomb": _npz(
        {"a.npy": _npy(np.zeros(10_000_000, np.uint8))}, zipfile.ZIP_DEFLATED
    ),
    "a path that climbs": _npz({"../a.npy": _npy(np.zeros(1))}),
    "a long name": _npz({"a" * 5000 + ".npy": _npy(np.zeros(1))}),
    "one name twice": None,
    "many members": _npz({f"a{i}.npy": _npy(np.zeros(1)) for i in range(1000)}),
    "a shape too large": _npz(
        {"a.npy": _header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999,), }")}
    ),
    "a negative shape": _npz(
        {"a.npy": _header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }")}
    ),
    "code in a header": _npz({"a.npy": _header("__import__('os').system('touch pwned')")}),
    "deep header": _npz({"a.npy": _header("(" * 4000)}),
    "cut short": _npz({"a.npy": _npy(np.zeros(100, np.float32))[:200]}),
    "another version": _npz({"a.npy": b"\x93NUMPY\x02\x00" + b"\0" * 20}),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_arrays_are_refused(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    packed = HOSTILE[what]
    if packed is None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("a.npy", _npy(np.zeros(1)))
            archive.writestr("a.npy", _npy(np.ones(1)))
        packed = out.getvalue()
    with pytest.raises(ModelError):
        unpack(packed, "weights.npz")
    assert not (tmp_path / "pwned").exists()


def _copy(tmp_path: Path) -> Path:
    shutil.copytree(BUNDLED, tmp_path / "model")
    return tmp_path / "model"


def _edit(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        card = json.loads((folder / "card.json").read_text())
        change(card)
        (folder / "card.json").write_text(json.dumps(card))

    return edit


def _link(folder: Path) -> None:
    (folder / "weights.npz").rename(folder.parent / "elsewhere")
    (folder / "weights.npz").symlink_to(folder.parent / "elsewhere")


def _pipe(folder: Path) -> None:
    (folder / "weights.npz").unlink()
    os.mkfifo(folder / "weights.npz")


def _folder(folder: Path) -> None:
    (folder / "weights.npz").unlink()
    (folder / "weights.npz").mkdir()


def _flip(folder: Path) -> None:
    raw = bytearray((folder / "weights.npz").read_bytes())
    raw[len(raw) // 2] ^= 1
    (folder / "weights.npz").write_bytes(raw)


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "gone": (shutil.rmtree, "no such folder"),
    "no card": (lambda f: (f / "card.json").unlink(), "card.json: cannot be read"),
    "no weights": (lambda f: (f / "weights.npz").unlink(), "weights.npz: cannot be read"),
    "card is no JSON": (lambda f: (f / "card.json").write_text("{" * 9999), "not JSON"),
    "card is a list": (lambda f: (f / "card.json").write_text("[1]"), "not an object"),
    "card is huge": (lambda f: (f / "card.json").write_text(" " * (2 << 20)), "at most"),
    "another format": (_edit(lambda c: c.update(format=99)), "train anew"),
    "no checksum": (_edit(lambda c: c.pop("checksum")), "no checksum"),
    "a bit flipped": (_flip, "checksum"),
    "cut": (lambda f: os.truncate(f / "weights.npz", 1000), "checksum"),
    "a link": (_link, "is a link"),
    "a pipe": (_pipe, "not a plain file"),
    "a folder": (_folder, "not a plain file"),
    "golden answers differ": (
        _edit(lambda c: c["golden"][0]["stance"].update(bullish=0.123456)),  # type: ignore[index]
        "golden",
    ),
    "golden is beyond all numbers": (
        _edit(lambda c: c["golden"][0]["stance"].update(bullish=10**400)),  # type: ignore[index]
        "copy it again",
    ),
    "golden is nonsense": (
        _edit(lambda c: c.update(golden=[{"text": 1}])),
        "card.json|golden|stance",
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damaged_folders_are_refused_in_words(what: str, tmp_path: Path) -> None:
    folder = _copy(tmp_path)
    damage, expected = DAMAGE[what]
    damage(folder)
    with pytest.raises(ModelError, match=expected):
        Classifier.load(folder)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("verdict_table", np.zeros((3, 6), np.float16)),
        ("verdict_table", None),
        ("verdict_features", np.arange(3, dtype=np.int32)),
        ("verdict_features", np.zeros(3, np.float32)),
        ("verdict_intercept", np.full(6, np.nan, np.float32)),
        ("verdict_sure", np.zeros(9, np.float32)),
        ("level_weights", np.zeros((1, 1), np.float32)),
        ("verdict_intercept", np.full(6, 1e38, np.float32)),
        ("level_weights", None),
        ("ticker_weights", None),
        ("ticker_bias", None),
        ("level_bias", np.full(9, np.inf, np.float32)),
        ("level_bias", np.full(9, 1e300)),
        ("ticker_bias", np.full(1, np.nan, np.float32)),
    ],
)
def test_wrong_shapes_and_nan_are_refused(
    name: str, array: np.ndarray | None, tmp_path: Path
) -> None:
    arrays, card = read_folder(BUNDLED)
    if array is None:
        del arrays[name]
    else:
        arrays[name] = array
    write_folder(tmp_path / "model", arrays, card)
    with pytest.raises(ModelError):
        Classifier.load(tmp_path / "model")


def test_the_bundled_folder_is_small_and_loads_fast() -> None:
    assert sum(file.stat().st_size for file in BUNDLED.iterdir()) <= 8 << 20
    Classifier.load(BUNDLED)
    times = []
    for _ in range(5):
        started = time.process_time()
        read_folder(BUNDLED)
        times.append(time.process_time() - started)
    assert min(times) < 0.05


def _at(way: str, value: object) -> Callable[[dict[str, Any]], object]:
    *inner, last = way.split(".")

    def put(card: dict[str, Any]) -> None:
        for key in inner:
            card = card.setdefault(key, {})
        card[last] = value

    return put


DEEP = json.loads('{"a":' * 400 + "1" + "}" * 400)


@pytest.mark.parametrize(
    ("way", "value", "says"),
    [
        ("cross_validation.stance.accuracy", 7, "is 7, not in [0, 1]"),
        ("cross_validation.stance.new.macro_f1", -0.1, "is -0.1, not in [0, 1]"),
        ("cross_validation.style.ece", "0.1", "is '0.1', not in [0, 1]"),
        ("cross_validation.style.auc", True, "is True, not in [0, 1]"),
        ("control.stance.old.auc", math.nan, "is nan, not in [0, 1]"),
        ("control.stance.low", -1.5, "is -1.5, not in [-1, 1]"),
        ("control.stance.posts", 2.5, "is 2.5, not a count"),
        ("data.spans", -1, "is -1, not a count"),
        ("data.corpora.stance.bullish", None, "is None, not a count"),
        ("data", [1], "is [1], not an object"),
        ("date", "yesterday", "is 'yesterday', not seconds since 1970 nor YYYY-MM-DD"),
        ("date", "9" * 30, "not seconds since 1970"),
        ("date", 1764000000, "not seconds since 1970"),
    ],
)
def test_figures_that_cannot_be_are_seen_by_verify(
    way: str, value: object, says: str, tmp_path: Path
) -> None:
    folder = _copy(tmp_path)
    _edit(_at(way, value))(folder)
    with pytest.raises(ModelError, match=rf"card\.json: .*{re.escape(f'{way} is')}") as caught:
        verified(folder)
    assert says in str(caught.value) and "train anew" in str(caught.value)


def test_figures_that_can_be_are_left_alone(tmp_path: Path) -> None:
    folder = _copy(tmp_path)
    for way, value in (
        ("cross_validation.stance.auc", None), ("control.stance.value", -0.25),
        ("date", "1764000000"), ("control.deep", DEEP),
    ):  # fmt: skip
        _edit(_at(way, value))(folder)
    assert "golden posts come out as they should" in verified(folder)
    for n in range(9):
        _edit(_at(f"data.n{n}", -1))(folder)
    with pytest.raises(ModelError, match=r"data\.n4 is -1, not a count; and 4 more; somebody"):
        verified(folder)


def test_packing_is_deterministic_and_holds_no_clock() -> None:
    assert pack(ARRAYS) == pack(ARRAYS)
    with zipfile.ZipFile(io.BytesIO(pack(ARRAYS))) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
