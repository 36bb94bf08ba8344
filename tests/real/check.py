#!/usr/bin/env python3
"""check.py PROGRAM MODELS: the two real files against the references beside this script (make.py).

Token ids must be the same. A greedy continuation in f32 arithmetic must be the same up to where the reference's two likeliest
tokens are closer than 0.02; the log-probabilities of the five likeliest must agree within 2e-3 up to there; what rounds more
(the file's own arithmetic) must begin alike. Prints what fails and "N passed, N failed".
"""
import json, pathlib, subprocess, sys

program, models = sys.argv[1], pathlib.Path(sys.argv[2])
passed = failed = 0


def check(fine, what):
    global passed, failed
    passed, failed = passed + bool(fine), failed + (not fine)
    if not fine:
        print("FAILED", what)


def bantam(*words):
    r = subprocess.run([program, *map(str, words)], capture_output=True, text=True)
    if r.returncode != 0:
        return {"error": r.stderr.strip().splitlines()[-1:]}
    return json.loads(r.stdout)


def continued(model, case, *more):
    return bantam("generate", model, "--tokens", ",".join(map(str, case["ids"])), "-n", len(case["steps"]), "--temp", 0, "--top-k", 0, "--top-p", 1,
                  "--min-p", 0, "--logprobs", 5, "--json", *more)


def worst_difference(case, tokens):
    """The largest difference of log-probabilities, and how many steps are the same, up to the first close call."""
    worst, same = 0.0, 0
    for want, got in zip(case["steps"], tokens):
        top = {t["id"]: t["logprob"] for t in got["top"]}
        for id, value in want["top"]:
            if id in top:
                worst = max(worst, abs(top[id] - value))
            elif value > want["top"][-1][1] + 2e-3:
                return float("inf"), same
        close = want["top"][0][1] - want["top"][1][1] < 0.02
        if got["id"] != want["id"]:
            return (worst if close else float("inf")), same
        same += 1
    return worst, same


for path in sorted(pathlib.Path(__file__).resolve().parent.glob("*.json")):
    reference = json.loads(path.read_text())
    model = models / reference["file"]
    for case in reference["cases"]:
        name = f"{path.stem}: {case['prompt'][:24]!r}"
        said = bantam("tokenize", model, "--text", case["prompt"], "--json")
        check(said.get("ids") == case["ids"], f"{name}: ids {said}")
        exact = continued(model, case, "--arithmetic", "f32", "--cache", "f32")
        if "tokens" not in exact:
            check(False, f"{name}: {exact}")
            continue
        worst, same = worst_difference(case, exact["tokens"])
        check(worst <= 2e-3, f"{name}: log-probabilities differ by {worst:.2g} in the first {same} steps")
        own = continued(model, case)
        check("tokens" in own and own["ids"][:1] == exact["ids"][:1], f"{name}: in its own arithmetic it begins otherwise")
        check(len(exact.get("text", "")) > 0, f"{name}: no text")
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed or not passed else 0)
