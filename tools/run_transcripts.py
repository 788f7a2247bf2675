#!/usr/bin/env python3
"""Runs the ```console blocks of a document again and compares what is printed.

    tools/run_transcripts.py DOCUMENT FOLDER_OF_THE_PROGRAM

A line `$ command` is run by a shell in one new folder per document, its output compared with the
lines that follow. In those, `…` stands for anything within a line, and a line of only `…` for any
number of lines.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def transcripts(text: str) -> list[tuple[str, str]]:
    """The commands of all console blocks, each with the output that is shown."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.M | re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            while command.endswith("\\"):
                more, _, output = output.partition("\n")
                command = command[:-1] + more
            found.append((command, output))
    return found


def matches(shown: str, printed: str) -> bool:
    pattern = ""
    for line in shown.strip("\n").splitlines():
        if line.strip() == "…":
            pattern += r"(?:.*\n)*"
        else:
            pattern += "[^\n]*".join(re.escape(part) for part in line.rstrip().split("…")) + "[ ]*\n"
    return re.fullmatch(pattern, printed.strip("\n") + "\n" if printed.strip("\n") else "") is not None


def main(document: str, program_folder: str) -> int:
    found = transcripts(Path(document).read_text())
    environment = os.environ | {"PATH": f"{Path(program_folder).resolve()}:{os.environ['PATH']}"}
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for command, shown in found:
            run = subprocess.run(
                command, shell=True, cwd=folder, env=environment, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )
            if not matches(shown, run.stdout):
                failures += 1
                print(f"{document}: $ {command}\n--- shown\n{shown}--- printed\n{run.stdout}")
    print(f"{document}: {len(found)} commands, {failures} differ")
    return bool(failures or not found)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
