"""What ``--help`` shows of each command; a test parses every example."""

from __future__ import annotations

EXAMPLES: dict[str, str] = {
    "": """\
  opgsent classify '$BTC lost 61.5k, next stop 58,200' --explain
  opgsent score posts.csv -o scored.csv
  opgsent train my-labels.csv -o my-model/

exit status: 0 done, 1 the work failed or a check did not hold, 2 the command line is wrong,
3 done with some rows rejected. opgsent COMMAND --help says more.""",
    "classify": """\
  opgsent classify '$BTC lost 61.5k, next stop 58,200. Not touching this'
  opgsent classify 'so bullish I sold everything lol $DOGE' --explain
  pbpaste | opgsent classify --json
  opgsent classify --lines --json < posts.txt       # one post a line""",
    "score": """\
  opgsent score posts.csv -o scored.csv
  opgsent score dump.jsonl.zst -o scored.jsonl.zst --text body --jobs 4 --resume
  opgsent score posts.parquet -o scored.parquet --columns stance,stance_score,tickers
  opgsent score posts.csv -o levels.csv --long      # a row for every ticker and level
  zcat posts.csv.gz | opgsent score - -o - > scored.csv

CSV, TSV, JSON Lines and Parquet; plain, .gz or .zst. Rows that cannot be read keep their place with
empty scores and are copied to OUTPUT.rejected.csv; the exit status is then 3.""",
    "train": """\
  opgsent train labels.csv -o my-model/
  opgsent train export.json -o my-model/ --map "Strong Buy=bullish" --map spam=skip
  opgsent train labels.csv --dry-run                # checks, columns and label names only
  opgsent train labels.csv -o my-model/ --html report.html
  opgsent score posts.csv -o scored.csv --model my-model/

The new model is written only if it is no worse than the old one on your labels, and has not
forgotten more than a stated amount of what the old one knew; --force overrides.""",
    "evaluate": """\
  opgsent evaluate labels.csv
  opgsent evaluate labels.csv --model my-model/ --json""",
    "suggest": """\
  opgsent suggest posts.csv -n 200 -o todo.csv      # for a spreadsheet, or opgsent label
  opgsent suggest posts.csv -n 200 -o todo.json     # for Label Studio
  opgsent suggest posts.csv -o todo.jsonl           # for doccano
  opgsent suggest posts.csv -o more.csv --labelled mine.jsonl    # nothing of it again
  opgsent suggest --label-studio-config             # its labelling interface""",
    "label": """\
  opgsent label todo.csv -o mine.jsonl
  opgsent train mine.jsonl -o my-model/
  opgsent label todo.csv -o ann.jsonl --annotator ann    # then bo; the two files joined are one

Keys: b bullish, e bearish, n neutral; a analytical, h hype, o other; u undo, s skip, q quit.
Every answer is kept at once; the same command goes on where it stopped.""",
    "corpus": """\
  opgsent corpus stats
  opgsent corpus check corpora/""",
    "corpus check": """\
  opgsent corpus check
  opgsent corpus check corpora/

The exit status is 1 where something is wrong; near-duplicates are listed, not refused.""",
    "corpus stats": "  opgsent corpus stats",
    "corpus agreement": """\
  opgsent corpus agreement
  opgsent corpus agreement corpora/ --first writer --second second
  opgsent corpus agreement both.jsonl --first ann --second bo    # of opgsent label --annotator""",
    "corpus overlap": """\
  opgsent corpus overlap corpora/ --against real.jsonl unlabelled.txt.gz
  opgsent corpus overlap --against real.jsonl --run 6

The exit status is 1 where a run of words is shared.""",
    "corpus suspects": """\
  opgsent corpus suspects -n 50
  opgsent corpus suspects labels.jsonl -n 300 -o suspects.csv""",
    "model": """\
  opgsent model info
  opgsent model diff my-model/
  opgsent model verify my-model/""",
    "model info": """\
  opgsent model info
  opgsent model info my-model/ --json""",
    "model diff": """\
  opgsent model diff my-model/                      # against the bundled model
  opgsent model diff old-model/ new-model/""",
    "model verify": """\
  opgsent model verify
  opgsent model verify my-model/

The exit status is 1 where the folder is damaged, its golden posts come out otherwise, or its card
holds figures that cannot be.""",
    "report": "",
}
