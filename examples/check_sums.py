#!/usr/bin/env python3
"""A checker for `bantam generate --best-of N --check` and `bantam eval --best-of N --check`: reads a worked answer, prints how far its sums
are right. Each "a + b = c" that holds is worth 1, each that does not -2; an answer without any number is rejected.
"""
import re
import sys

text = sys.stdin.read().replace(",", "").replace("$", "")
if not re.search(r"\d", text):
    sys.exit(1)
number = r"(-?\d+(?:\.\d+)?)"
worth = 0
for a, sign, b, c in re.findall(number + r"\s*([-+*/x×÷])\s*" + number + r"\s*=\s*" + number, text):
    a, b, c = float(a), float(b), float(c)
    if sign in "/÷" and b == 0:
        worth -= 2
        continue
    value = {"+": a + b, "-": a - b, "*": a * b, "x": a * b, "×": a * b}.get(sign)
    value = a / b if value is None else value
    worth += 1 if abs(value - c) <= 0.01 * max(1, abs(value)) else -2
print(worth)
