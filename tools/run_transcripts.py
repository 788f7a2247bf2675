#!/usr/bin/env python3
"""Runs the ```console blocks of a document again and compares what is printed.

    tools/run_transcripts.py DOCUMENT FOLDER_OF_THE_PROGRAM

A line `$ command` is run by a shell in one new folder per document, its output compared with the
lines that follow. In those, `…` stands for anything within a line, and a line of only `…` for any
number of lines. In a block that begins with ```console numbers-vary, every number stands for any
number and every run of blanks for any other: for times, and for what training comes to.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple


NUMBER = r"[-+]?(?:\d[\d.,:]*(?:e[-+]?\d+)?|inf|nan)"


class Transcript(NamedTuple):
    command: str
    output: str
    numbers_vary: bool = False


def transcripts(text: str) -> list[Transcript]:
    """The commands of all console blocks, each with the output that is shown."""
    found = []
    for how, block in re.findall(r"^```console( numbers-vary)?\n(.*?)^```", text, re.M | re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            while command.endswith("\\"):
                more, _, output = output.partition("\n")
                command = command[:-1] + more
            found.append(Transcript(command, output, bool(how)))
    return found


def pattern_of(text: str, numbers_vary: bool) -> str:
    if not numbers_vary:
        return re.escape(text)
    parts = re.split(rf"({NUMBER}|[ ]+)", text)
    for i in range(1, len(parts), 2):
        parts[i] = "[ ]+" if parts[i].isspace() else NUMBER
    parts[::2] = [re.escape(part) for part in parts[::2]]
    return "".join(parts)


def matches(shown: str, printed: str, numbers_vary: bool = False) -> bool:
    pattern = ""
    for line in shown.strip("\n").splitlines():
        if line.strip() == "…":
            pattern += r"(?:.*\n)*"
        else:
            parts = line.rstrip().split("…")
            pattern += "[^\n]*".join(pattern_of(part, numbers_vary) for part in parts) + "[ ]*\n"
    return re.fullmatch(pattern, printed.strip("\n") + "\n" if printed.strip("\n") else "") is not None


def main(document: str, program_folder: str) -> int:
    found = transcripts(Path(document).read_text())
    # One thread: other tests run beside this one, and threads that wait for each other wait for those.
    path = f"{Path(program_folder).resolve()}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"}
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for command, shown, numbers_vary in found:
            run = subprocess.run(
                command, shell=True, cwd=folder, env=environment, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )
            if not matches(shown, run.stdout, numbers_vary):
                failures += 1
                print(f"{document}: $ {command}\n--- shown\n{shown}--- printed\n{run.stdout}")
    print(f"{document}: {len(found)} commands, {failures} differ")
    return bool(failures or not found)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
