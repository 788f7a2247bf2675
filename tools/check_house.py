#!/usr/bin/env python3
"""Checks the house rules that no compiler knows. Run from the repository root.

Sizes of functions and files, lists that must be complete, documentation of public names, paths of
one machine, work left undone. Reads clang-formatted C++, so indentation tells what belongs together.
"""

import re
import subprocess
import sys
from pathlib import Path

FUNCTION_LINES = 60
FILE_LINES = 600
CODE = (".h", ".cpp", ".cu", ".cuh")
NO_FUNCTION = re.compile(r"(namespace|class|struct|enum|union|extern|using|template <.*> *$|#|//|\})")
NEEDS_NO_DOC = re.compile(r'(///|//|#|\}|namespace|extern "C"|using|(class|struct) [\w:]+;|\)|MORPH_)')
MACHINE_PATH = re.compile(r"/(work|farm|root|home/\w+|tmp/bash_jobs)/")
DEFINES_CLASS = re.compile(r"(?:class|struct|enum class) (\w+)(?: final)?(?: :.*)? \{")
UNDONE = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")


def indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def long_functions(text: str) -> list[tuple[int, int]]:
    """(first line, number of lines) of functions longer than FUNCTION_LINES.

    A function begins at the indentation of a namespace or class, perhaps over several lines up to
    one that ends with a brace, and runs to the closing brace below its first letter. The lines of a
    table in it (`= {` to `};`) do not count.
    """
    found, start, has_body, lines, table = [], None, False, 0, None
    for number, line in enumerate(text.splitlines(), 1):
        code = line.split("//")[0].rstrip()
        if table is not None:
            if code.strip() == "};" and indentation(code) == table:
                table = None
            continue
        lines += 1
        if code.endswith("= {"):
            table = indentation(code)
        if not code or (start is None and table is not None):
            continue
        if start is None:
            begins = indentation(code) <= 3 and not NO_FUNCTION.match(code.strip())
            if not begins or code.endswith((";", "}")):
                continue
            start, has_body, lines = (number, indentation(code)), False, 1
        if not has_body:
            has_body = code.endswith("{")
            if code.endswith((";", "}")):
                start = None
        elif code.strip().startswith("}") and indentation(code) == start[1]:
            if lines > FUNCTION_LINES:
                found.append((start[0], lines))
            start = None
    return found


def size_errors(path: str, text: str) -> list[str]:
    errors = [
        f"{path}:{line}: function of {lines} lines; {FUNCTION_LINES} at most"
        for line, lines in long_functions(text)
    ]
    if text.count("\n") > FILE_LINES:
        errors.append(f"{path}: {text.count(chr(10))} lines; {FILE_LINES} at most")
    return errors


def undocumented(text: str) -> list[int]:
    """Lines of a header where a paragraph at namespace level declares something without `///`."""
    found, previous, covers_namespace = [], "", False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("namespace"):
            # What stands above a namespace speaks for the first paragraph in it.
            covers_namespace = previous.startswith("///")
        elif line.strip() and not line.startswith(" ") and not previous.strip():
            if not NEEDS_NO_DOC.match(line) and "///<" not in line and not covers_namespace:
                found.append(number)
            covers_namespace = False
        previous = line
    return found


def list_errors(files: dict[str, str]) -> list[str]:
    """Every source and test file stands in its folder's CMakeLists.txt, every op once, in order."""
    errors = []
    for path in files:
        folder, _, name = path.rpartition("/")
        if path.startswith(("src/morph/", "tests/", "examples/")) and name.endswith(".cpp"):
            stem = name.removesuffix(".cpp")
            if not re.search(rf"\b{stem}\b", files.get(f"{folder}/CMakeLists.txt", "")):
                errors.append(f"{path}: not listed in {folder}/CMakeLists.txt")
    ops = re.findall(r"^MORPH_OP\((\w+)\)", files.get("src/morph/ops/ops.def", ""), re.M)
    if ops != sorted(set(ops)):
        errors.append("src/morph/ops/ops.def: names must be sorted and stand once each")
    return errors


def mirror_errors(files: dict[str, str]) -> list[str]:
    """tests/ has a folder for each layer with code, with tests in it."""
    layers = {p.split("/")[2] for p in files if re.match(r"src/morph/\w+/\w+\.cpp$", p)}
    tested = {p.split("/")[1] for p in files if re.match(r"tests/\w+/.*_test\.(cpp|py|sh)$", p)}
    # The CUDA library is tested through nn, which loads it.
    return [f"tests/{layer}: no test there" for layer in sorted(layers - tested - {"cuda"})]


def classes(text: str) -> list[tuple[int, str]]:
    """(line, name with its namespaces) of the classes that a file defines for others to see."""
    found, namespaces = [], []
    for number, line in enumerate(text.splitlines(), 1):
        opened = re.match(r"namespace ?([\w:]*) ?\{", line)
        if opened:
            namespaces.append(opened[1] or "(anonymous)")
        elif re.match(r"\}  // namespace", line):
            namespaces.pop()
        defined = DEFINES_CLASS.match(line)
        if defined and "(anonymous)" not in namespaces:
            found.append((number, "::".join([*namespaces, defined[1]])))
    return found


def class_errors(files: dict[str, str]) -> list[str]:
    """No class is defined twice: the linker would take either's destructor, without a word."""
    errors, places = [], {}
    for path, text in files.items():
        if not path.startswith("src/morph/") or not path.endswith(CODE):
            continue
        for line, name in classes(text):
            if name in places:
                errors.append(f"{path}:{line}: {name} is also defined in {places[name]}")
            places[name] = f"{path}:{line}"
    return errors


def text_errors(path: str, text: str) -> list[str]:
    errors = []
    for number, line in enumerate(text.splitlines(), 1):
        if MACHINE_PATH.search(line):
            errors.append(f"{path}:{number}: path of one machine")
        if UNDONE.search(line):
            errors.append(f"{path}:{number}: left undone")
    return errors


def check(files: dict[str, str]) -> list[str]:
    """All errors in a tree given as {path: content}."""
    errors = list_errors(files) + mirror_errors(files) + class_errors(files)
    for path, text in files.items():
        errors += text_errors(path, text)
        if path.endswith(CODE):
            errors += size_errors(path, text)
        if path.startswith("src/morph/") and path.endswith(".h"):
            errors += [f"{path}:{line}: say what this is with ///" for line in undocumented(text)]
    return errors


def read_tree() -> dict[str, str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    files = {}
    for name in filter(None, names):
        try:
            files[name] = Path(name).read_text()
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # A picture or the like; a file deleted but not yet committed.
    return files


if __name__ == "__main__":
    found = check(read_tree())
    print("\n".join(found) or "house ok")
    sys.exit(bool(found))
