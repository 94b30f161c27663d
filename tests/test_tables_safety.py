"""What happens when a run is stopped: the old file or nothing, and --resume with equal bytes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from opgsent.errors import InputError, OpgsentError
from opgsent.tables import ScoreSummary, score_file
from opgsent.tables.journal import Journal
from opgsent.tables.target import Part, beside
from tables_fake import FakeClassifier, scored

ROWS = 20_000
FAULTY = 12_345  # a row with too many cells, so that resuming carries rejects along
CSV = b"id,text\n" + b"".join(
    b"%d,post $A %d%s\n" % (n, n % 97, b",x" * (n == FAULTY)) for n in range(ROWS)
)
JSONL = b"".join(b'{"id":%d,"text":"post $A %d"}\n' % (n, n % 97) for n in range(ROWS))
INPUTS = {"posts.csv": CSV, "posts.jsonl": JSONL}

#: a run in a process of its own, to be stopped from outside
RUN = """
import signal, sys
sys.path[:0] = {path!r}
signal.signal(signal.SIGINT, signal.default_int_handler)
from opgsent.errors import OpgsentError
from opgsent.tables import score_file
from tables_fake import FakeClassifier
if __name__ == "__main__":
    {setup}
    try:
        score_file({src!r}, {dst!r}, classifier=FakeClassifier({fake}), {options})
    except OpgsentError as error:
        sys.exit(str(error))
"""


def start(
    folder: Path, src: str, dst: str, fake: str = "", options: str = "", setup: str = "pass"
) -> subprocess.Popen[str]:
    script = folder / "run.py"
    paths = {"path": sys.path, "src": str(folder / src), "dst": str(folder / dst)}
    script.write_text(RUN.format(**paths, fake=fake, options=options, setup=setup))
    return subprocess.Popen(
        [sys.executable, str(script)], stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_for(path: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path} did not come"
        time.sleep(0.01)


def finish(process: subprocess.Popen[str]) -> str:
    _, errors = process.communicate(timeout=60)
    return errors


def left(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name not in ("run.py", *INPUTS))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in INPUTS.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def expected(folder: Path, name: str, out: str) -> tuple[bytes, bytes, ScoreSummary]:
    whole = folder / "whole"
    whole.mkdir()
    summary = score_file(folder / name, whole / out, classifier=FakeClassifier())
    rejected = whole / f"{out}.rejected.csv"
    copy = rejected.read_bytes() if rejected.exists() else b""
    output = (whole / out).read_bytes()
    for path in whole.iterdir():
        path.unlink()
    whole.rmdir()
    return output, copy, summary


# --- one file in place, or nothing ----------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_ctrl_c_leaves_the_old_file_and_nothing_else(folder: Path, jobs: int) -> None:
    (folder / "out.csv").write_bytes(b"old")
    process = start(folder, "posts.csv", "out.csv", "delay=0.0005", f"jobs={jobs}")
    wait_for(Path(beside(str(folder / "out.csv"), "state")))
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the workers too
    assert "KeyboardInterrupt" in finish(process)
    assert left(folder) == ["out.csv"]
    assert (folder / "out.csv").read_bytes() == b"old"


@pytest.mark.slow
def test_a_killed_worker_is_one_clear_error(folder: Path) -> None:
    process = start(folder, "posts.csv", "out.csv", "deadly='post $A'", "jobs=2")
    assert "a worker process died" in finish(process)
    assert process.returncode == 1
    assert left(folder) == []


@pytest.mark.slow
def test_no_worker_outlives_a_killed_parent(folder: Path) -> None:
    process = start(folder, "posts.csv", "out.csv", "delay=0.001", "jobs=2")
    wait_for(Path(beside(str(folder / "out.csv"), "state")))
    process.kill()
    process.communicate(timeout=60)
    assert "out.csv" not in left(folder)
    end = time.monotonic() + 20
    while children := _in_session(process.pid):
        assert time.monotonic() < end, children
        time.sleep(0.2)


def _in_session(session: int) -> list[str]:
    """The living processes of a session, by their /proc entry."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append((entry / "cmdline").read_text().replace("\0", " "))
    return found


@pytest.mark.parametrize("name", ["posts.csv", "posts.jsonl", "posts.parquet"])
def test_a_full_disk_leaves_the_old_file(folder: Path, name: str) -> None:
    if name == "posts.parquet":
        pa = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"text": [f"post $A {n}" for n in range(ROWS)]}), folder / name)
    out = folder / f"out{Path(name).suffix}"
    out.write_bytes(b"old")
    # a file that may not grow is what a full disk looks like, without one
    setup = (
        "import resource; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))"
    )
    errors = finish(start(folder, name, out.name, setup=setup))
    assert "File too large; what stood there before is untouched" in errors
    assert "Traceback" not in errors
    assert out.read_bytes() == b"old"
    assert [n for n in left(folder) if n != name] == [out.name]


def test_the_source_is_never_the_target(folder: Path) -> None:
    os.symlink(folder / "posts.csv", folder / "link.csv")
    os.link(folder / "posts.csv", folder / "hard.csv")
    for dst in ("posts.csv", "link.csv", "hard.csv", "../" + folder.name + "/posts.csv"):
        with pytest.raises(InputError, match="is the input: name another output"):
            score_file(folder / "posts.csv", folder / dst, classifier=FakeClassifier())
    assert (folder / "posts.csv").read_bytes() == CSV
    with open(folder / "posts.csv") as stdin, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", stdin)
        for dst in ("posts.csv", "link.csv", "hard.csv"):
            with pytest.raises(InputError, match="is the input: name another output"):
                score_file("-", folder / dst, classifier=FakeClassifier())
    assert (folder / "posts.csv").read_bytes() == CSV
    rejected = folder / "out.csv.rejected.csv"
    rejected.write_bytes(b"text\nab\n")
    with pytest.raises(InputError, match=r"out\.csv\.rejected\.csv is the input"):
        score_file(rejected, folder / "out.csv", classifier=FakeClassifier())


def test_two_runs_do_not_write_one_file(folder: Path) -> None:
    first = Part(str(folder / "out.csv"))
    with pytest.raises(OpgsentError, match="another run is writing"):
        score_file(folder / "posts.csv", folder / "out.csv", classifier=FakeClassifier())
    first.write(b"first")
    first.commit()
    assert left(folder) == ["out.csv"]
    score_file(folder / "posts.csv", folder / "out.csv", classifier=FakeClassifier())
    assert (folder / "out.csv").stat().st_size > ROWS


def test_a_link_in_the_way_is_not_followed(folder: Path) -> None:
    (folder / "theirs").write_bytes(b"theirs")
    os.symlink(folder / "theirs", beside(str(folder / "out.csv"), "part"))
    with pytest.raises(OpgsentError, match=r"cannot write .*symbolic links"):
        score_file(folder / "posts.csv", folder / "out.csv", classifier=FakeClassifier())
    os.rename(beside(str(folder / "out.csv"), "part"), beside(str(folder / "out.csv"), "state~"))
    score_file(folder / "posts.csv", folder / "out.csv", classifier=FakeClassifier())
    assert (folder / "theirs").read_bytes() == b"theirs"


@pytest.mark.skipif(sys.platform == "win32", reason="/dev/fd is POSIX")
def test_an_open_file_is_added_to_and_not_replaced(folder: Path) -> None:
    output, *_ = expected(folder, "posts.csv", "out.csv")
    with (folder / "log").open("ab") as log:
        log.write(b"precious\n")
        log.flush()
        os.symlink(f"/dev/fd/{log.fileno()}", folder / "link.csv")
        for dst in (f"/dev/fd/{log.fileno()}", folder / "link.csv"):
            score_file(folder / "posts.csv", dst, classifier=FakeClassifier())
            log.flush()  # open still
    assert (folder / "log").read_bytes() == b"precious\n" + 2 * output
    assert left(folder) == ["link.csv", "log"]


@pytest.mark.parametrize("name", ["ü" * 119 + ".csv", "n" * 238 + ".csv"])
def test_names_as_long_as_the_system_takes(folder: Path, name: str) -> None:
    output, copy, _ = expected(folder, "posts.csv", "out.csv")
    stopped(folder, 13_000, name)
    score_file(folder / "posts.csv", folder / name, classifier=FakeClassifier(), resume=True)
    assert (folder / name).read_bytes() == output
    assert (folder / f"{name}.rejected.csv").read_bytes() == copy
    assert left(folder) == [name, f"{name}.rejected.csv"]
    with pytest.raises(InputError, match=r"rejected\.csv would take .* give the output a shorter"):
        score_file(folder / "posts.csv", folder / f"n{name}", classifier=FakeClassifier())
    assert left(folder) == [name, f"{name}.rejected.csv"]


def test_places_that_cannot_be_written(folder: Path) -> None:
    (folder / "sub.csv").mkdir()
    with pytest.raises(InputError, match="it is a folder"):
        score_file(folder / "posts.csv", folder / "sub.csv", classifier=FakeClassifier())
    with pytest.raises(OpgsentError, match=r"cannot write .*: No such file or directory"):
        score_file(folder / "posts.csv", folder / "no" / "out.csv", classifier=FakeClassifier())


def test_an_old_file_lends_its_mode_and_its_link(folder: Path) -> None:
    (folder / "real.csv").write_bytes(b"old")
    (folder / "real.csv").chmod(0o640)
    os.symlink("real.csv", folder / "out.csv")
    score_file(folder / "posts.csv", folder / "out.csv", classifier=FakeClassifier())
    assert (folder / "out.csv").is_symlink()
    assert (folder / "real.csv").stat().st_mode & 0o777 == 0o640
    assert (folder / "real.csv").stat().st_size > ROWS


def test_rejected_rows_of_an_earlier_run_do_not_stay(folder: Path) -> None:
    score_file(folder / "posts.csv", folder / "out.csv", classifier=FakeClassifier())
    assert "out.csv.rejected.csv" in left(folder)
    (folder / "good.csv").write_bytes(b"text\nab\n")
    score_file(folder / "good.csv", folder / "out.csv", classifier=FakeClassifier())
    assert "out.csv.rejected.csv" not in left(folder)
    # nor the unfinished copy of a run that was killed
    Path(beside(str(folder / "out.csv.rejected.csv"), "part")).write_bytes(b"line,reason,raw\n")
    score_file(folder / "good.csv", folder / "out.csv", classifier=FakeClassifier())
    assert left(folder) == ["good.csv", "out.csv"]


@pytest.mark.parametrize(
    "data", [b"somebody else's file\n", b"", b"\xff\0", b"line,reason,raw\r\n"]
)
@pytest.mark.parametrize("end", ["ab\n", "ab,too many\n"])
def test_a_file_of_theirs_is_not_taken_for_rejected_rows(
    tmp_path: Path, end: str, data: bytes
) -> None:
    src, dst = tmp_path / "posts.csv", tmp_path / "out.csv"
    src.write_text(f"text\nab\n{end}")
    other = tmp_path / "out.csv.rejected.csv"
    other.write_bytes(data)
    with pytest.raises(InputError, match=r"out\.csv\.rejected\.csv would take .* move it away, or"):
        score_file(src, dst, classifier=FakeClassifier(), progress=stop_at(1))
    assert other.read_bytes() == data
    assert left(tmp_path) == [other.name]
    score_file(src, os.devnull, classifier=FakeClassifier())  # of which there is no copy
    other.write_bytes(b"line,reason,raw\n2,of an earlier run,x\n")
    summary = score_file(src, dst, classifier=FakeClassifier())
    assert other.exists() == bool(summary.rejected)


# --- the same bytes, however a run goes -----------------------------------------------------


@pytest.mark.parametrize("out", ["out.csv", "out.csv.gz", "out.csv.zst"])
def test_same_bytes_for_any_chunk_size(folder: Path, out: str) -> None:
    output, copy, summary = expected(folder, "posts.csv", out)
    for chunk_rows in (1, 7, 1000, 100_000):
        result = scored(folder, CSV, "posts.csv", out=out, chunk_rows=chunk_rows)
        assert result.output == output
        assert (folder / f"{out}.rejected.csv").read_bytes() == copy
        assert (result.summary.stance, result.summary.top_tickers) == (
            summary.stance,
            summary.top_tickers,
        )
    assert len(copy.splitlines()) == 2


@pytest.mark.parametrize("name", ["posts.csv", pytest.param("posts.jsonl", marks=pytest.mark.slow)])
def test_same_bytes_for_any_number_of_jobs(folder: Path, name: str) -> None:
    out = f"out-{name}.gz"
    output, _, summary = expected(folder, name, out)
    for jobs in (2, 3):
        result = scored(folder, INPUTS[name], name, out=out, jobs=jobs, chunk_rows=300)
        assert result.output == output
        assert result.summary.stance == summary.stance
        assert result.summary.rejected == summary.rejected


@pytest.mark.parametrize("out", ["out.csv", "out.csv.gz", "out.csv.zst", "out.jsonl"])
def test_a_killed_run_goes_on_with_the_same_bytes(folder: Path, out: str) -> None:
    name = "posts.jsonl" if ".jsonl" in out else "posts.csv"
    output, copy, summary = expected(folder, name, out)
    process = start(folder, name, out, "delay=0.0002", "resume=True")
    wait_for(Path(beside(str(folder / out), "state")))
    process.kill()
    finish(process)
    assert out not in left(folder)
    result = score_file(
        folder / name, folder / out, classifier=FakeClassifier(), resume=True, chunk_rows=77
    )
    assert (folder / out).read_bytes() == output
    assert 4096 <= result.resumed < ROWS and result.resumed % 4096 == 0
    assert (result.rows, result.rejected, result.stance, result.top_tickers, result.reasons) == (
        summary.rows,
        summary.rejected,
        summary.stance,
        summary.top_tickers,
        summary.reasons,
    )
    if copy:
        assert (folder / f"{out}.rejected.csv").read_bytes() == copy
    assert left(folder) == [out, *([f"{out}.rejected.csv"] if copy else [])]


class Stopped(Exception):
    """Raised by the tests in the middle of a run."""


def stop_at(rows: int) -> Any:
    def progress(done: int, _: int, __: int | None) -> None:
        if done >= rows:
            raise Stopped

    return progress


def stopped(folder: Path, rows: int, out: str = "out.csv", **options: Any) -> None:
    options.setdefault("classifier", FakeClassifier())
    with pytest.raises(Stopped):
        score_file(
            folder / "posts.csv", folder / out, progress=stop_at(rows), resume=True, **options
        )


@pytest.mark.parametrize("stops", [(9_000,), (4_096, 16_384, 16_385), (1,), (19_999,)])
def test_a_run_may_stop_again_and_again(folder: Path, stops: tuple[int, ...]) -> None:
    output, copy, _ = expected(folder, "posts.csv", "out.csv")
    for rows in stops:
        stopped(folder, rows)
    result = score_file(
        folder / "posts.csv", folder / "out.csv", classifier=FakeClassifier(), resume=True
    )
    assert result.resumed == max(stops) // 4096 * 4096
    assert (folder / "out.csv").read_bytes() == output
    assert (folder / "out.csv.rejected.csv").read_bytes() == copy


@pytest.mark.parametrize("out", ["out.csv", "out.csv.gz", "out.csv.zst"])
@pytest.mark.parametrize(
    ("owner", "step", "calls", "there"),
    [
        (Part, "commit", 0, []),
        (Part, "commit", 1, ["rejected"]),
        (Journal, "remove", 1, ["output", "rejected"]),
    ],
)
def test_a_run_stopped_while_its_files_are_put_in_place_goes_on(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    out: str,
    owner: Any,
    step: str,
    calls: int,
    there: list[str],
) -> None:
    output, copy, summary = expected(folder, "posts.csv", out)
    done = getattr(owner, step)

    def stop(self: Any) -> None:
        nonlocal calls
        if not calls:
            raise Stopped
        calls -= 1
        done(self)

    def again(data: bytes) -> ScoreSummary:
        (folder / "posts.csv").write_bytes(data)
        return score_file(folder / "posts.csv", folder / out, classifier=FakeClassifier(),
                          resume=True)  # fmt: skip

    with monkeypatch.context() as patched:
        patched.setattr(owner, step, stop)
        with pytest.raises(Stopped):
            again(CSV)
    assert (folder / out).exists() == ("output" in there)
    assert (folder / f"{out}.rejected.csv").exists() == ("rejected" in there)
    with pytest.raises(OpgsentError, match="the input"):
        again(CSV.replace(b"12345,post", b"12345,Post"))
    result = again(CSV)
    assert (result.resumed, result.rows, result.rejected, result.stance) == (
        ROWS, summary.rows, summary.rejected, summary.stance
    )  # fmt: skip
    assert (folder / out).read_bytes() == output
    assert (folder / f"{out}.rejected.csv").read_bytes() == copy
    assert left(folder) == [out, f"{out}.rejected.csv"]


@pytest.mark.parametrize(("owner", "step"), [(Part, "commit"), (Journal, "remove")])
def test_an_input_that_grew_after_its_output_was_finished_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, step: str
) -> None:
    def run() -> ScoreSummary:
        return score_file(folder / "posts.csv", folder / "out.csv", classifier=FakeClassifier(),
                          resume=True)  # fmt: skip

    def stop(_: Any) -> None:
        raise Stopped

    stopped(folder, 5_000)
    with monkeypatch.context() as patched:
        patched.setattr(owner, step, stop)
        with pytest.raises(Stopped):
            run()
    before = {path: path.read_bytes() for path in folder.glob("*out.csv*")}
    with (folder / "posts.csv").open("ab") as file:
        file.write(b"1,more\n")
    with pytest.raises(OpgsentError, match="changed since the run stopped: the input is longer"):
        run()
    assert {path: path.read_bytes() for path in folder.glob("*out.csv*")} == before


def test_a_run_without_resume_starts_afresh_and_leaves_nothing_behind(folder: Path) -> None:
    output, *_ = expected(folder, "posts.csv", "out.csv")
    stopped(folder, 9_000)
    with pytest.raises(Stopped):
        score_file(
            folder / "posts.csv",
            folder / "out.csv",
            classifier=FakeClassifier(),
            progress=stop_at(5_000),
        )
    assert left(folder) == []
    result = score_file(
        folder / "posts.csv", folder / "out.csv", classifier=FakeClassifier(), resume=True
    )
    assert result.resumed == 0
    assert (folder / "out.csv").read_bytes() == output


class Retrained(FakeClassifier):
    """Another model."""

    checksum = "fake-2"


def changed_input(folder: Path) -> dict[str, Any]:
    (folder / "posts.csv").write_bytes(CSV.replace(b"5,post", b"5,Post", 1))
    return {}


def changed_part(folder: Path) -> dict[str, Any]:
    path = Path(beside(str(folder / "out.csv"), "part"))
    path.write_bytes(path.read_bytes().replace(b"bullish", b"bearish", 1))
    return {}


def lost_part(folder: Path) -> dict[str, Any]:
    Path(beside(str(folder / "out.csv"), "part")).unlink()
    return {}


def changed_state(text: str) -> Any:
    def change(folder: Path) -> dict[str, Any]:
        Path(beside(str(folder / "out.csv"), "state")).write_text(text)
        return {}

    return change


def state_without(key: str) -> Any:
    def change(folder: Path) -> dict[str, Any]:
        path = Path(beside(str(folder / "out.csv"), "state"))
        state = json.loads(path.read_text())
        del state[key]
        path.write_text(json.dumps(state))
        return {}

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed_input, "changed since the run stopped: the input"),
        (changed_part, "changed since the run stopped: the unfinished output"),
        (lost_part, r"the unfinished output .*opgsent-part is gone; run without --resume"),
        (changed_state('{"setup": '), r"cannot read .*opgsent-state: .*run without --resume"),
        (changed_state("[]"), r"opgsent-state holds no state of a run; run without --resume"),
        (changed_state('{"setup": [1]}'), r"opgsent-state holds no state .* without --resume"),
        (state_without("done"), r"stopped: .*opgsent-state; run without --resume"),
        (state_without("seal"), r"stopped: .*opgsent-state; run without --resume"),
        (lambda _: {"classifier": Retrained()}, "changed since the run stopped: model"),
        (lambda _: {"columns": ["style"]}, "changed since the run stopped: score columns"),
        (lambda _: {"encoding": "latin-1"}, "changed since the run stopped: encoding"),
    ],
    ids=[
        "input",
        "part",
        "lost",
        "state",
        "no object",
        "no setup",
        "edited",
        "unsealed",
        "model",
        "columns",
        "encoding",
    ],
)
def test_only_the_same_run_goes_on(folder: Path, change: Any, message: str) -> None:
    stopped(folder, 9_000)
    options = {"classifier": FakeClassifier(), **change(folder)}
    with pytest.raises(OpgsentError, match=message):
        score_file(folder / "posts.csv", folder / "out.csv", resume=True, **options)
    assert "out.csv" not in left(folder)


def test_a_long_run_does_not_go_on_as_another(folder: Path) -> None:
    stopped(folder, 9_000, columns=["stance"], long=True)
    with pytest.raises(OpgsentError, match="changed since the run stopped: long"):
        stopped(folder, 9_000, columns=["stance"])


def test_arguments_of_another_kind_are_named(folder: Path) -> None:
    posts, out = folder / "posts.csv", folder / "o.csv"
    for name in ("text", "encoding"):
        for wrong in (None, 5):
            with pytest.raises(TypeError, match=f"{name} is {wrong}, not a str"):
                score_file(posts, out, classifier=FakeClassifier(), **{name: wrong})  # type: ignore[arg-type]
    for path in ("a\0b.csv", "a\ud800b.csv"):
        for paths in ((path, out), (posts, path)):
            with pytest.raises(InputError, match=r"no file can be called 'a\\"):
                score_file(*paths, classifier=FakeClassifier())
    score_file(os.fsencode(posts), os.fsencode(out), classifier=FakeClassifier())  # type: ignore[arg-type]
    assert out.exists()


def test_jobs_are_checked(folder: Path) -> None:
    with pytest.raises(InputError, match="jobs is 0"):
        score_file(folder / "posts.csv", folder / "o.csv", jobs=0, classifier=FakeClassifier())
    with pytest.raises(InputError, match="a classifier or a model folder, not both"):
        score_file(
            folder / "posts.csv", folder / "o.csv", classifier=FakeClassifier(), model="model"
        )
