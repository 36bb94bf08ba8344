#!/usr/bin/env python3
"""What a model loses by each format of its file: paired differences to its parent on five tasks, with 95 % intervals.

  bench/formats.py --program build/release/bantam --model MODEL.gguf --data FOLDER --work FOLDER [--limit TASK=N,...] [--only FORMAT,...]
                   [--table]

The parent is MODEL in F16 (a file that is quantised already is decoded: what the formats lose is then what a second rounding
loses). Each format is made from the parent and asked the same questions; `bantam compare` tells the differences. Files and
reports stay in the work folder: what is there is not done again, so that it can be run in pieces (--only q8_0). --table prints
what is there as Markdown.
"""
import argparse, json, pathlib, subprocess, sys, time

LIMITS = {"arc_easy": 800, "hellaswag": 800, "piqa": 800, "lambada_openai": 800, "wikitext": 6}
SHOWN = [("arc_easy", "acc", "ARC easy, acc"), ("hellaswag", "acc_norm", "HellaSwag, acc_norm"), ("piqa", "acc", "PIQA, acc"),
         ("lambada_openai", "acc", "LAMBADA, acc"), ("lambada_openai", "perplexity", "LAMBADA, perplexity"),
         ("wikitext", "bits_per_byte", "WikiText, bits per byte")]
FORMATS = {"q8_0": ["--type", "q8_0"], "q6_k": ["--type", "q6_k"], "q4_k_m": ["--type", "q4_k_m"], "q4_0": ["--type", "q4_0"],
           "mix": None}
NAMES = {"q8_0": "Q8_0", "q6_k": "Q6_K", "q4_k_m": "Q4_K_M", "q4_0": "Q4_0", "mix": "--target-size, as Q4_K_M"}


def run(command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr.strip()[-400:]}")
    return done.stdout


def make(a, name, file, parent):
    if file.exists():
        return
    if name == "f16":
        run([a.program, "quantize", a.model, file, "--type", "f16", "--requantize"])
        return
    options = FORMATS[name]
    if options is None:  # the size of Q4_K_M's file, by types that are chosen by measured sensitivity
        other = a.work / f"{a.model.stem}-q4_k_m.gguf"
        make(a, "q4_k_m", other, parent)
        options = ["--target-size", f"{other.stat().st_size / 1e6:.1f}M"]
        if a.calibrate:
            options += ["--text", a.calibrate]
    run([a.program, "quantize", parent, file, *options])


def judge(a, file, report):
    for task, limit in a.limits.items():
        out = report.with_suffix(f".{task}.json")
        if out.exists():
            continue
        start = time.monotonic()
        run([a.program, "eval", file, "--tasks", task, "--limit", limit, "--data", a.data, "--out", out, "-q"])
        print(f"{file.name} {task}: {time.monotonic() - start:.0f} s", flush=True)


def whole(a, name):
    """The reports of a format as one, for bantam compare."""
    parts = [json.loads((a.work / f"{a.model.stem}-{name}.{task}.json").read_text()) for task in a.limits]
    for part in parts[1:]:
        parts[0]["tasks"].update(part["tasks"])
    out = a.work / f"{a.model.stem}-{name}.all.json"
    out.write_text(json.dumps(parts[0]))
    return out


def table(a):
    there = [n for n in FORMATS if all((a.work / f"{a.model.stem}-{n}.{t}.json").exists() for t in a.limits)]
    parent = whole(a, "f16")
    scores = json.loads(parent.read_text())["tasks"]
    counts = {t: len(scores[t]["items"]) for t in a.limits}
    megabytes = lambda n: f"{(a.work / f'{a.model.stem}-{n}.gguf').stat().st_size / 1e6:.0f} MB"
    head = [f"{label} ({scores[t]['metrics'][m]['value']:.4g})" for t, m, label in SHOWN]
    print(f"{a.model.name}, " + ", ".join(f"{n} of {t}" for t, n in counts.items()))
    print("| file | size | " + " | ".join(head) + " |\n" + "| --- " * (len(head) + 2) + "|")
    print(f"| F16 | {megabytes('f16')} |" + " |" * len(head))
    for name in there:
        found = json.loads(run([a.program, "compare", parent, whole(a, name), "--json"]))[0]["differences"]
        cells = []
        for task, metric, _ in SHOWN:
            d = next(d for d in found if d["task"] == task and d["metric"] == metric)
            low, high = d["interval"]
            form = "{:+.3f}" if metric != "perplexity" else "{:+.2f}"
            cells.append(f"{form.format(d['difference'])} [{form.format(low)}, {form.format(high)}]" + ("" if d["verdict"] == "tie" else f" **{d['verdict']}**"))
        print(f"| {NAMES[name]} | {megabytes(name)} | " + " | ".join(cells) + " |")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--program", required=True)
    p.add_argument("--model", required=True, type=pathlib.Path)
    p.add_argument("--data", required=True)
    p.add_argument("--work", required=True, type=pathlib.Path)
    p.add_argument("--limit", default="")
    p.add_argument("--only")
    p.add_argument("--calibrate", help="text for --target-size")
    p.add_argument("--table", action="store_true")
    a = p.parse_args()
    a.limits = dict(LIMITS)
    a.limits.update({k: int(v) for k, v in (pair.split("=") for pair in a.limit.split(",") if pair)})
    a.work.mkdir(parents=True, exist_ok=True)
    parent = a.work / f"{a.model.stem}-f16.gguf"
    make(a, "f16", parent, None)
    if a.table:
        return table(a)
    for name in a.only.split(",") if a.only else ["f16", *FORMATS]:
        file = parent if name == "f16" else a.work / f"{a.model.stem}-{name}.gguf"
        make(a, name, file, parent)
        judge(a, file, a.work / f"{a.model.stem}-{name}")


if __name__ == "__main__":
    main()
