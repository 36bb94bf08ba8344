#!/usr/bin/env python3
"""What fine-tuning moves in answers that are programs, beside the share that passes; see README.md.

  recipes/finetune/code_answers.py before.json after.json

Two reports of `bantam eval --tasks mbpp_instruct`: shares of the answers whose block of code ends, is Python, defines the function that is
asked, gets through its tests as far as their verdict, and passes. Two of `--task recipes/finetune/code.toml`: bits a byte of the reference
solutions. Nothing that a model wrote is run here: programs are read, verdicts are the report's. Differences are of the same questions; 95 %
by 10,000 draws of them.
"""
import argparse, ast, json, math, pathlib, random, re

BLOCK = re.compile(r"\A(?:\w+)?\n?(.*?)\n?```", re.S)  # as mbpp_instruct picks it


def asked_function(item):
    """The name that the first test calls and the reference solution defines."""
    tests = item["contexts"][0].rsplit("Your code should pass these tests:\n", 1)[1]
    defined = set(re.findall(r"\bdef\s+(\w+)", item["target"]))
    return next((name for name in re.findall(r"(\w+)\s*\(", tests) if name in defined), None)


def shares(item):
    block = BLOCK.match(item["output"])
    try:
        tree = ast.parse(block[1]) if block else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    python = tree is not None and bool(tree.body)
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)} if python else set()
    return {
        "the block of code ends": (block is not None, 1),
        "it is Python": (python, 1),
        "it defines the function asked": (asked_function(item) in names, 1),
        "the tests give a verdict": (item["result"] == "passed" or item["result"].startswith("AssertionError"), 1),
        "the tests pass": (item["result"] == "passed", 1),
        "tokens of an answer": (item["tokens"], 1),
    }


def bits(item):
    return {"bits a byte": (-item["loglikelihoods"][0] / math.log(2), len(item["continuations"][0].encode()))}


def measured(path):
    """Of each measure its parts by question: what is added up, and what it is divided by."""
    report = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    for name, of in (("mbpp_instruct", shares), ("code_solutions", bits)):
        if name in report["tasks"]:
            return {item["doc"]: of(item) for item in report["tasks"][name]["items"]}
    raise SystemExit(f"{path}: a report of mbpp_instruct or of recipes/finetune/code.toml is wanted")


def ratio(parts):
    return sum(p[0] for p in parts) / sum(p[1] for p in parts)


def interval(before, after, draws=10_000):
    chance, n = random.Random(1), len(before)
    found = []
    for _ in range(draws):
        at = chance.choices(range(n), k=n)
        found.append(ratio([after[i] for i in at]) - ratio([before[i] for i in at]))
    found.sort()
    return found[int(0.025 * draws)], found[int(0.975 * draws)]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("before")
    p.add_argument("after")
    a = p.parse_args()
    before, after = measured(a.before), measured(a.after)
    if before.keys() != after.keys():
        raise SystemExit("the two reports are not of the same questions")
    first = next(iter(before.values()))
    if first.keys() != next(iter(after.values())).keys():
        raise SystemExit("the two reports are not of the same task")
    print(f"{len(before)} questions")
    for name in first:
        b, c = ([side[doc][name] for doc in before] for side in (before, after))
        low, high = interval(b, c)
        print(f"{name:32} {ratio(b):8.3f} {ratio(c):8.3f}   {low:+.3f} to {high:+.3f}")


if __name__ == "__main__":
    main()
