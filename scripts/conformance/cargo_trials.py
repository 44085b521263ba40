#!/usr/bin/env python3
"""From the output of `cargo test`, one line for each trial: its name, a tab, and pass, fail or skip.

Fails when the counts that the test binaries give themselves are not those of the lines: then something was overlooked, such
as a test binary that died, or one that ran nothing.
"""

import re
import sys

TRIAL = re.compile(r"^test (\S+) *(?:- should panic *)?\.\.\. .*?(ok|FAILED|ignored)(?:, .*)?$")
TOTAL = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored")
WORDS = {"ok": "pass", "FAILED": "fail", "ignored": "skip"}


def read(lines):
    trials, total, binaries = {}, 0, 0
    for line in lines:
        if match := TRIAL.match(line):
            trials[match[1]] = WORDS[match[2]]
        elif match := TOTAL.match(line):
            total += sum(int(count) for count in match.groups())
            binaries += 1
    return trials, total, binaries


def main():
    with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
        trials, total, binaries = read(line.rstrip("\n") for line in log)
    for name, status in sorted(trials.items()):
        print(f"{name}\t{status}")
    if not trials or total != len(trials):
        sys.exit(f"{sys.argv[1]}: {len(trials)} trials seen, {total} counted by {binaries} test binaries")


if __name__ == "__main__":
    main()
