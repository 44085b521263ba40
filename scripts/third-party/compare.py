#!/usr/bin/env python3
"""Compares a suite's run with libssl alone to its run with the library: compare.py SUITE FOLDER SHA256 ROUND

Both must have given the same tests with the same results, some of them must have passed, and the library must have said that it
served, in at least as many processes as the suite asks for in a line `# processes N` of its results.
"""

import json
import os
import re
import sys
from collections import Counter
from pathlib import Path

SERVES = re.compile(r"^sesscache\[(\d+)\]: serving session caches")
SPEAKS = re.compile(r"^sesscache\[\d+\]: ")
# In the shared profile a program is told if its sessions cannot be shared.
SHARES_NOTHING = re.compile(r": this program keeps data on its sessions .*: none is shared$")


def read(path):
    """The results of a run by test, and the suite's own remarks: lines `# KEY VALUE`."""
    results, remarks = {}, {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            key, _, value = line[2:].partition(" ")
            remarks[key] = value
        else:
            name, status = line.rsplit("\t", 1)
            if name in results:
                sys.exit(f"{path}: {name} twice: nothing could be compared")
            results[name] = status
    return results, remarks


def differences(stock, preloaded):
    for name in sorted(stock.keys() | preloaded.keys()):
        alone, ours = (side.get(name, "did not run") for side in (stock, preloaded))
        if alone != ours:
            yield f"{name}: {alone} with libssl alone, {ours} with the library"


def served(folder):
    """The processes in which the library served, and what else it had to say."""
    try:
        lines = (folder / "served.log").read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return set(), []
    processes = {match[1] for line in lines if (match := SERVES.match(line))}
    def is_expected(line):
        return SERVES.match(line) or ("SHARED" in os.environ and SHARES_NOTHING.search(line))

    return processes, [line for line in lines if SPEAKS.match(line) and not is_expected(line)]


def complaints(stock, preloaded, folder, least):
    yield from differences(stock, preloaded)
    if "pass" not in stock.values():
        yield "no test passes with libssl alone: that proves nothing"
    processes, said = served(folder)
    if len(processes) < least:
        yield f"the library served {len(processes)} processes, and at least {least} were to be served"
    yield from said


def main():
    suite, folder, checksum, number = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    stock, remarks = read(folder / "stock.tsv")
    preloaded, _ = read(folder / "preloaded.tsv")
    found = list(complaints(stock, preloaded, folder, int(remarks.get("processes", 1))))
    counts = {side: Counter(results.values()) for side, results in (("stock", stock), ("preloaded", preloaded))}
    processes = len(served(folder)[0])
    for side, count in counts.items():
        print(f"{suite}, {side}: " + ", ".join(f"{count[status]} {status}" for status in sorted(count)))
    print(f"{suite}: served in {processes} processes")
    for line in found:
        print(f"{suite}: {line}")
    summary = {"title": remarks.get("title", suite), "library": checksum, "counts": counts, "processes": processes}
    summary.update({"round": number, "complaints": found})
    (folder / "summary.json").write_text(json.dumps(summary, indent=1), encoding="utf-8")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
