#!/usr/bin/env python3
"""Questions a second: `bantam eval` beside lm-evaluation-harness's HFLM and llama-perplexity, in one run, in turn.

  bench/eval.py --program build/release/bantam --model MODEL.gguf --data FOLDER [--documents N] [--rounds N] [--only SETTING]
                [--llama-perplexity PROGRAM]

MODEL is in F16 or F32. Both sides get the same requests (HellaSwag zero-shot, MMLU five-shot). Float32 is held against float32,
Bantam's Q8_0 against the harness's bfloat16. The harness runs in this Python (packages lm-eval, torch, transformers), on a folder
that `bantam convert` makes of the model. llama-perplexity --hellaswag (scripts/build_peers says where it is) reads the same Q8_0
file and its own form of the set, hellaswag_val_full.txt; its scoring is another, so only its speed is told. Loading is left out on
all sides: what many documents take beyond one. Told are medians, by the clock and by processor time; ratios are of both.
--only hellaswag|mmlu|llama measures one part.
"""
import argparse, bz2, json, os, resource, statistics, subprocess, sys, tempfile, time

SETTINGS = [("hellaswag", 0), ("mmlu_anatomy", 5)]


def harness(folder, kind, requests):
    """Scores the requests; prints one JSON line: processor seconds and seconds."""
    import torch
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=folder, dtype={"f32": "float32", "bf16": "bfloat16"}[kind], device="cpu", batch_size=4)
    pairs = [pair for line in open(requests) for pair in json.loads(line)["requests"]]
    asked = [Instance("loglikelihood", {}, tuple(pair), i) for i, pair in enumerate(pairs)]
    processor, clock = time.process_time(), time.monotonic()
    with torch.no_grad():
        model.loglikelihood(asked, disable_tqdm=True)
    print(json.dumps({"processor": time.process_time() - processor, "seconds": time.monotonic() - clock}))


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()[-400:]}")
    return done.stdout


def beyond_one(once, documents):
    few, many = once(1), once(documents + 1)
    return {"processor": many[0] - few[0], "seconds": many[1] - few[1]}


def ours(program, model, task, shots, documents, data, arithmetic, work):
    def once(limit):
        out = os.path.join(work, "report.json")
        run([program, "eval", model, "--tasks", task, "--few-shot", str(shots), "--limit", str(limit), "--data", data,
             "--out", out, "-q"] + (["--arithmetic", arithmetic] if arithmetic else []))
        cost = json.load(open(out))["cost"]
        return cost["processor_seconds"], cost["seconds"]

    return beyond_one(once, documents)


def llama(program, model, text, documents):
    def once(limit):
        before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        run([program, "-m", model, "--hellaswag", "-f", text, "--hellaswag-tasks", str(limit), "-t", str(os.cpu_count())])
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.monotonic() - clock

    return beyond_one(once, documents)


def say(name, documents, found):
    """One line: documents a second of each, by the clock and by processor time, and the ratio to the first."""
    rate = {who: {of: documents / statistics.median(t[of] for t in times) for of in ("seconds", "processor")} for who, times in found.items()}
    first = next(iter(rate))
    line = ", ".join(f"{who} {r['seconds']:.2f} documents a second and {r['processor']:.2f} a processor second" for who, r in rate.items())
    line += "".join(f": {rate[first]['seconds'] / r['seconds']:.1f}x and {rate[first]['processor'] / r['processor']:.1f}x" for who, r in rate.items() if who != first)
    print(f"{name}: {line}", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--program", required=True)
    p.add_argument("--model", required=True)
    p.add_argument("--data", required=True)
    p.add_argument("--documents", type=int, default=24)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--only", choices=["hellaswag", "mmlu", "llama"])
    p.add_argument("--llama-perplexity")
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folder, small = os.path.join(work, "folder"), os.path.join(work, "q8_0.gguf")
        run([a.program, "convert", a.model, folder])
        run([a.program, "quantize", a.model, small, "--type", "q8_0"])
        for task, shots in SETTINGS:
            if a.only and not task.startswith(a.only):
                continue
            requests = os.path.join(work, "requests.jsonl")
            run([a.program, "eval", "--tasks", task, "--few-shot", str(shots), "--limit", str(a.documents), "--data", a.data,
                 "--dry-run", "--requests", requests])
            for kind, model, arithmetic in (("f32", a.model, "f32"), ("bf16", small, None)):
                found = {"bantam": [], "harness": []}
                for _ in range(a.rounds):
                    found["bantam"].append(ours(a.program, model, task, shots, a.documents, a.data, arithmetic, work))
                    line = run([sys.executable, __file__, "--harness", folder, kind, requests]).strip().splitlines()[-1]
                    found["harness"].append(json.loads(line))
                name = "float32 to float32" if kind == "f32" else "Q8_0 to bfloat16"
                say(f"{task} {shots}-shot, {name}", a.documents, found)
        if a.llama_perplexity and a.only in (None, "llama"):
            text = os.path.join(work, "hellaswag_val_full.txt")
            packed = os.path.join(a.data, "hellaswag", "hellaswag_val_full.txt.bz2")
            open(text, "wb").write(bz2.open(packed).read())
            found = {"bantam": [], "llama-perplexity": []}
            for _ in range(a.rounds):
                found["bantam"].append(ours(a.program, small, "hellaswag", 0, a.documents, a.data, None, work))
                found["llama-perplexity"].append(llama(a.llama_perplexity, small, text, a.documents))
            say("hellaswag 0-shot, Q8_0 to Q8_0", a.documents, found)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--harness"]:
        harness(*sys.argv[2:])
    else:
        main()
