#!/usr/bin/env python3
"""From the output of `prove --verbose`, one line for each assertion: FILE NUMBER, a tab, and pass, fail, skip or todo.

A file whose plan is not fulfilled gets a failed line of its own. The assertions' names may hold ports and times and are left out.
"""

import re
import sys

START = re.compile(r"^(\S+\.t) \.+ ?")
ASSERTION = re.compile(r"^(not )?ok\b ?(\d+)?[^#]*(?:# *(?i:(skip|todo)))?")
PLAN = re.compile(r"^1\.\.(\d+)(?:\s*# *(?i:skip).*)?$")
ALL_SKIPPED = re.compile(r"^(?:1\.\.0\s*# *(?i:skip)|skipped: )")


def status(match):
    if match[3]:
        return match[3].lower()
    return "fail" if match[1] else "pass"


class File:
    def __init__(self, name):
        self.name, self.results, self.planned, self.skipped = name, {}, None, False
        self.verdict = False

    def take(self, line):
        if ALL_SKIPPED.match(line):
            self.skipped = True
        elif match := PLAN.match(line):
            self.planned = int(match[1])
        elif match := ASSERTION.match(line):
            self.results[int(match[2] or len(self.results) + 1)] = status(match)
            # The last bare "ok" of a file is prove's own verdict on it.
            self.verdict = line == "ok"

    def lines(self):
        if self.skipped:
            yield f"{self.name}\tskip"
            return
        if self.verdict:
            self.results.popitem()
        for number in sorted(self.results):
            yield f"{self.name} {number}\t{self.results[number]}"
        yield f"{self.name} plan\t{'pass' if self.planned == len(self.results) else 'fail'}"


def main():
    files = []
    for line in sys.stdin:
        line = line.rstrip("\n")
        if match := START.match(line):
            files.append(File(match[1]))
            line = line[match.end():]
        if files:
            files[-1].take(line)
    for file in files:
        print("\n".join(file.lines()))


if __name__ == "__main__":
    main()
