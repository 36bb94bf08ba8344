#!/usr/bin/env python3
"""What several answers to a question win, and what they cost in tokens: one answer, votes, the best by a checker.

  bench/vote.py --program build/release/bantam --model MODEL.gguf --data FOLDER --work FOLDER [--tasks gsm8k,svamp] [--limit N] [--few-shot K]
                [--answers 5] [--chat]

Prints a Markdown table: the share right with its standard error, tokens written a question, and the difference to one greedy answer
(paired, 95 %). Reports stay in the work folder; what is there is not asked again.
"""
import argparse, json, pathlib, re, subprocess, sys

CHECKER = pathlib.Path(__file__).resolve().parent.parent / "examples" / "check_sums.py"


def run(command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr.strip()[-400:]}")
    return done.stdout


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--program", required=True)
    p.add_argument("--model", required=True, type=pathlib.Path)
    p.add_argument("--data", required=True)
    p.add_argument("--work", required=True, type=pathlib.Path)
    p.add_argument("--tasks", default="gsm8k,svamp")
    p.add_argument("--limit", type=int, default=100)
    p.add_argument("--few-shot", type=int)
    p.add_argument("--answers", type=int, default=5)
    p.add_argument("--chat", action="store_true")
    a = p.parse_args()
    a.work.mkdir(parents=True, exist_ok=True)
    ways = [("one answer, the likeliest", []), (f"{a.answers} answers, by vote", ["--vote", a.answers]),
            ("one answer with the calculator", ["--tool", "calculator"]),
            (f"{a.answers} answers with it, by vote", ["--vote", a.answers, "--tool", "calculator"]),
            (f"{a.answers} answers, the best by its sums", ["--best-of", a.answers, "--check", f"python3 {CHECKER}"])]
    print("| task | how | right | tokens a question | to one answer |\n| --- | --- | --- | --- | --- |")
    for task in a.tasks.split(","):
        first = None
        for name, options in ways:
            out = a.work / f"{a.model.stem}-{task}-{re.sub('[^a-z0-9]+', '-', ' '.join(str(o) for o in options[:4])).strip('-') or 'one'}.json"
            if not out.exists():
                shots = ["--few-shot", a.few_shot] if a.few_shot is not None else []
                run([a.program, "eval", a.model, "--tasks", task, "--limit", a.limit, "--data", a.data, "--out", out, "-q", *shots, *options,
                     *(["--chat"] if a.chat else [])])
            report = json.loads(out.read_text())["tasks"][task]
            metric = "exact_match,flexible-extract" if "exact_match,flexible-extract" in report["metrics"] else "exact_match"
            value = report["metrics"][metric]
            tokens = sum(i["tokens"] for i in report["items"]) / len(report["items"])
            difference = ""
            first = first or out
            if first != out:
                d = next(d for d in json.loads(run([a.program, "compare", first, out, "--json"]))[0]["differences"] if d["metric"] == metric)
                difference = f"{d['difference']:+.3f} [{d['interval'][0]:+.3f}, {d['interval'][1]:+.3f}] {d['verdict']}"
            print(f"| {task} | {name} | {value['value']:.3f} ± {value['stderr']:.3f} | {tokens:.0f} | {difference} |", flush=True)


if __name__ == "__main__":
    main()
