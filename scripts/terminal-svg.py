#!/usr/bin/env python3
"""Draws what a command printed, as a terminal would show it: terminal-svg.py TITLE <TEXT >FILE.svg"""
import html
import sys

WIDTH, HEIGHT, TOP = 8.4, 18, 44


def main():
    lines = sys.stdin.read().rstrip("\n").split("\n")
    columns = max(map(len, lines))
    width, height = int(columns * WIDTH + 40), len(lines) * HEIGHT + TOP + 20
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="monospace" font-size="14">')
    print(f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>')
    print(f'<text x="20" y="26" fill="#8b949e">$ {html.escape(sys.argv[1])}</text>')
    for number, line in enumerate(lines):
        colour = "#d29922" if line.lstrip().startswith(("!", "→")) else "#e6edf3"
        text = html.escape(line)
        print(f'<text x="20" y="{TOP + 14 + number * HEIGHT}" fill="{colour}" xml:space="preserve" '
              f'textLength="{len(line) * WIDTH:.1f}" lengthAdjust="spacingAndGlyphs">{text}</text>' if line else "")
    print("</svg>")


main()
