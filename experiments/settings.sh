# What the experiments share; read by each `run`. See README.md for the variables.
set -euo pipefail
experiments=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
experiment=$(basename "$(cd "$(dirname "$0")" && pwd)")
cd "$experiments/.."
MORPHNET=${MORPHNET:-build/release/morphnet}
PIECE=${PIECE:-570}

# every_gpu: "cuda:0,cuda:1" for two.
every_gpu() {
  local count
  count=$(nvidia-smi --list-gpus 2>/dev/null | wc -l)
  if [ "$count" -lt 2 ]; then echo cuda; else seq -s, -f 'cuda:%g' 0 $((count - 1)); fi
}

if [ "${SMOKE:-0}" = 1 ]; then
  DATA=${DATA:-'synthetic?classes=4&input=3x8x8&train=64&test=32'}
  DEVICE=${DEVICE:-cpu}
  SEEDS=1 JOBS=1
  WORK=${WORK:-runs/experiments-smoke}/$experiment
  FIGURE=$WORK
  small=${SMALL:-width=0.0625}
else
  DATA=${DATA:?names the data set, such as folder:DIR of the CIFAR-10 images}
  DEVICE=${DEVICE:-$(every_gpu)}
  gpus=$(tr , '\n' <<<"$DEVICE" | wc -l)
  JOBS=$((JOBS * gpus))
  WORK=${WORK:-runs/experiments}/$experiment
  FIGURE=${FIGURE:-experiments/$experiment}
  small=
fi
RESULTS=$FIGURE/results

# epochs FULL: how long to train; one epoch in a trial run.
epochs() { if [ "${SMOKE:-0}" = 1 ]; then echo 1; else echo "${EPOCHS:-$1}"; fi; }

# net NAME [OPTIONS]: the network, made tiny in a trial run.
net() {
  local options=${2:-}
  [ -z "$small" ] || options=${options:+$options&}$small
  echo "zoo:$1${options:+?$options}"
}

# Several processes share a GPU better under MPS; where it cannot be started they take turns.
start_mps() {
  case $DEVICE in cuda*) ;; *) return 0 ;; esac
  command -v nvidia-cuda-mps-control >/dev/null || return 0
  # Whoever has started it ends it.
  if echo get_server_list | nvidia-cuda-mps-control >/dev/null 2>&1; then return 0; fi
  export CUDA_MPS_PIPE_DIRECTORY=${CUDA_MPS_PIPE_DIRECTORY:-/tmp/morphnet-mps-$UID}
  export CUDA_MPS_LOG_DIRECTORY=$CUDA_MPS_PIPE_DIRECTORY/log
  mkdir -p "$CUDA_MPS_LOG_DIRECTORY"
  if nvidia-cuda-mps-control -d 2>/dev/null; then
    trap 'echo quit | nvidia-cuda-mps-control >/dev/null 2>&1 || true' EXIT
  else
    unset CUDA_MPS_PIPE_DIRECTORY CUDA_MPS_LOG_DIRECTORY
    echo "MPS did not start: the processes take turns on the GPU"
  fi
}

# sweep NAME ARGUMENTS...: one sweep in a folder of that name, for as long as the piece lasts. Ends
# the script with status 75 where something is left to do: then run it again.
sweep() {
  local name=$1 left=$((PIECE - SECONDS)) status=0
  shift
  if [ "$left" -lt 30 ]; then
    echo "the piece of $PIECE s is over; run it again to go on"
    exit 75
  fi
  timeout --foreground --signal=TERM --kill-after=60 "$left" "$MORPHNET" sweep "$@" --data "$DATA" \
    --device "$DEVICE" --seeds "$SEEDS" --jobs "$JOBS" --out "$WORK/$name" || status=$?
  keep "$name"
  if [ "$status" = 124 ]; then
    echo "the piece of $PIECE s is over; run it again to go on"
    exit 75
  fi
  [ "$status" = 0 ] || exit "$status"
}

# keep NAME: the figures of a sweep go where they are looked for.
keep() {
  [ -e "$WORK/$1/results.json" ] || return 0
  mkdir -p "$RESULTS"
  cp "$WORK/$1/results.json" "$RESULTS/$1.json"
  cp "$WORK/$1/results.csv" "$RESULTS/$1.csv"
  cp "$WORK/$1/sweep.html" "$RESULTS/$1.html"
  local picture
  for picture in "$WORK/$1"/sweep-*.svg; do
    cp "$picture" "$RESULTS/$1${picture#"$WORK/$1/sweep"}"
  done
  "$experiments/collect.py" "$FIGURE"
}
