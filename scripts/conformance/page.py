#!/usr/bin/env python3
"""Writes the generated parts of docs/conformance.md, between their markers; what stands around them is written by hand.

    page.py matrix SHA256 LIBSSL...       from target/matrix
    page.py third-party SHA256 SUITE...   from target/third-party

A part is written only when every result that it needs is there and comes from the one library with that checksum; else what is
missing is told and the page is left as it is.
"""

import datetime
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/conformance.md"
MATRIX = ROOT / "target/matrix"
THIRD_PARTY = ROOT / "target/third-party"

# A trial's area by the end of its name, for the C programs; the others are areas of their own.
C_AREAS = {
    "stock": "stock", "preload": "preloaded", "linked": "linked", "diagnostics": "header",
    "memcheck": "valgrind", "helgrind": "valgrind", "drd": "valgrind", "noticed": "mutants",
}
COLUMNS = ["stock", "preloaded", "linked", "header", "valgrind", "mutants", "differential", "servers"]


class Missing(Exception):
    """Something that the page needs is not there."""


def today():
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()


def revision():
    """The sources that were tested, as far as git can name them."""
    described = subprocess.run(
        ["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return described.stdout.strip() or "unknown"


def trials(libssl, area, checksum):
    path = MATRIX / f"{libssl}.{area}.tsv"
    if not path.exists():
        raise Missing(f"{libssl} {area}: not run yet")
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    if first != f"# library {checksum}":
        raise Missing(f"{libssl} {area}: run with another library")
    for line in lines:
        yield line.rsplit("\t", 1)


def counts(libssl, checksum):
    """For each column the passed and all trials of one libssl."""
    passed, total = Counter(), Counter()
    for area in ("c-programs", "differential", "servers"):
        for name, status in trials(libssl, area, checksum):
            column = C_AREAS[name.rsplit("::", 1)[1]] if area == "c-programs" else area
            total[column] += 1
            passed[column] += status == "pass"
    return passed, total


def cell(passed, total):
    if not total:
        return "–"
    return str(total) if passed == total else f"**{passed} of {total}**"


def programs(libssl):
    """How many random programs the differential run says that it ran."""
    log = (MATRIX / f"{libssl}.differential.log").read_text(encoding="utf-8", errors="replace")
    found = [line.split(" programs a libssl")[0].split()[-1] for line in log.splitlines() if " programs a libssl" in line]
    return int(found[0]) if found else 0


def matrix(checksum, names):
    rows, sums = [], Counter()
    for libssl in names:
        passed, total = counts(libssl, checksum)
        version = (MATRIX / f"{libssl}.version").read_text(encoding="utf-8").split("(")[0].split()
        kind = {"system": "Debian's package", "symbolic": "`-Bsymbolic`", "plt": "through the PLT"}[libssl.rsplit("-", 1)[-1]]
        cells = [cell(passed[column], total[column]) for column in COLUMNS]
        if total["differential"]:
            cells[COLUMNS.index("differential")] += f" ({programs(libssl)} programs)"
        rows.append(f"| {version[1]} | {kind} | " + " | ".join(cells) + " |")
        sums.update({"passed": sum(passed.values()), "total": sum(total.values())})
    heads = ["OpenSSL", "its libssl", *COLUMNS]
    yield f"Run on {today()}, sources at {revision()}: {sums['passed']} of {sums['total']} trials passed, all with one library,"
    yield f"sha256 `{checksum}`."
    yield ""
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    yield from rows


def third_party(checksum, names):
    yield f"Run on {today()}, sources at {revision()}, library sha256 `{checksum}`."
    yield ""
    yield "| suite | libssl alone: pass / fail / skip | with the library | different tests | in round | processes served |"
    yield "|---|---|---|---|---|---|"
    for suite in names:
        path = THIRD_PARTY / suite / "summary.json"
        if not path.exists():
            raise Missing(f"{suite}: not run yet")
        summary = json.loads(path.read_text(encoding="utf-8"))
        if summary["library"] != checksum:
            raise Missing(f"{suite}: run with another library")
        sides = [summary["counts"][side] for side in ("stock", "preloaded")]
        cells = [" / ".join(str(side.get(status, 0)) for status in ("pass", "fail", "skip")) for side in sides]
        cells += [len(summary["complaints"]), summary["round"], summary["processes"]]
        yield f"| {summary['title']} | " + " | ".join(str(cell) for cell in cells) + " |"


def replace(part, lines):
    text = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- {part} -->\n", f"<!-- /{part} -->\n"
    before, rest = text.split(begin)
    _, after = rest.split(end)
    PAGE.write_text(before + begin + "\n".join(lines) + "\n" + end + after, encoding="utf-8")


def main():
    part, checksum, *names = sys.argv[1:]
    make = {"matrix": matrix, "third-party": third_party}[part]
    try:
        lines = list(make(checksum, names))
    except Missing as missing:
        print(f"docs/conformance.md is left as it is: {missing}")
        return
    replace(part, lines)
    print(f"docs/conformance.md: the part '{part}' is new")


if __name__ == "__main__":
    main()
