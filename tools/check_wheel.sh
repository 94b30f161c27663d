#!/usr/bin/env bash
# Build the wheel, check what is in it, install it in a fresh environment and read a post there.
set -euo pipefail
python=${1:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m pip --disable-pip-version-check wheel --quiet --no-deps --wheel-dir "$work" .
wheel=$(ls "$work"/opgsent-*.whl)
"$python" - "$wheel" <<'PYTHON'
import os, sys, zipfile

names = set(zipfile.ZipFile(sys.argv[1]).namelist())
needed = {f"opgsent/{name}" for name in (
    "__init__.py", "py.typed", "data/assets.tsv", "data/model/card.json",
    "corpora/posts.jsonl", "corpora/README.md",
)}
if absent := needed - names:
    sys.exit(f"the wheel lacks {', '.join(sorted(absent))}")
size = os.path.getsize(sys.argv[1]) / 2**20
print(f"wheel: {len(names)} files, {size:.1f} MiB")
if size > 15:
    sys.exit("the wheel is larger than 15 MiB")
PYTHON
"$python" -m venv "$work/venv"
"$work/venv/bin/pip" --disable-pip-version-check install --quiet "$wheel"
cd "$work"
"$work/venv/bin/opgsent" classify 'lost 61.5k, next stop 58,200. $BTC looks heavy' --json
