#!/usr/bin/env python3
"""From a JUnit XML report (junit.py FILE), one line for each test: its name, a tab, and pass, fail or skip."""

import sys
import xml.etree.ElementTree as tree


def status(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "fail"
    return "skip" if case.find("skipped") is not None else "pass"


for case in tree.parse(sys.argv[1]).iter("testcase"):
    print(f"{case.get('classname')}.{case.get('name')}\t{status(case)}".replace("\n", " "))
