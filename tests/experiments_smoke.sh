#!/usr/bin/env bash
# experiments_smoke.sh EXPERIMENT MORPHNET BENCH_LATENCY FOLDER: runs the script of an experiment at
# toy size, twice: the second time every point is there.
set -euo pipefail
export SMOKE=1 MORPHNET=$2 LATENCY=$3 WORK=$4 OMP_NUM_THREADS=1
run=$(dirname "$0")/../experiments/$1/run
rm -rf "${WORK:?}/$1"
"$run"
"$run" >"$WORK/$1/second.txt"
first=$(grep -E '^[0-9]+ points, ' "$WORK/$1/second.txt")
while read -r all _ done _; do
  [ "$all" = "$done" ] || { echo "a finished sweep was run again: $all points, $done done"; exit 1; }
done <<<"$first"
ls "$WORK/$1/results"
python3 - "$WORK/$1" <<'PYTHON'
import json, pathlib, sys

figure = pathlib.Path(sys.argv[1])
records = [json.loads(path.read_text()) for path in figure.glob("results/*.json")]
sweeps = [record for record in records if record.get("format") == "morphnet-sweep"]
assert sweeps, "no results of a sweep"
collected = json.loads((figure / "results.json").read_text())
assert {"date", "device", "versions"} <= collected.keys()
assert len(collected["results"]) == sum(len(sweep["results"]) for sweep in sweeps)
assert len((figure / "results.csv").read_text().splitlines()) == 1 + len(collected["results"])
for sweep in sweeps:
    assert sweep["results"] and not sweep["failures"], sweep["title"]
    for row in sweep["results"]:
        assert {"network", "method", "mflops", "params", "seed", "top1", "epochs", "inherited"} <= row.keys()
PYTHON
