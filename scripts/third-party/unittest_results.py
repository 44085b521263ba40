#!/usr/bin/env python3
"""Runs a module of unittest (unittest_results.py MODULE FILE) and writes into FILE one line for each test: its name, a tab, and
pass, fail or skip. Nothing outside this machine is asked for."""

import sys
import unittest


class Results(unittest.TextTestResult):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.by_test = {}

    def note(self, test, status):
        # A test with subtests is one test: its worst.
        if self.by_test.get(test.id()) != "fail":
            self.by_test[test.id()] = status

    def addSuccess(self, test):
        super().addSuccess(test)
        self.note(test, "pass")

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.note(test, "fail")

    def addError(self, test, error):
        super().addError(test, error)
        self.note(test, "fail")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note(test, "skip")

    def addExpectedFailure(self, test, error):
        super().addExpectedFailure(test, error)
        self.note(test, "pass")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.note(test, "fail")

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.note(test, "fail")


def main():
    module, out = sys.argv[1:]
    from test import support

    support.use_resources = []
    tests = unittest.defaultTestLoader.loadTestsFromName(module)
    results = unittest.TextTestRunner(verbosity=2, resultclass=Results).run(tests)
    with open(out, "w", encoding="utf-8") as file:
        for name, status in sorted(results.by_test.items()):
            file.write(f"{name}\t{status}\n")


if __name__ == "__main__":
    main()
