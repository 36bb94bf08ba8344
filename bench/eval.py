#!/usr/bin/env python3
"""Questions a processor second: `bantam eval` beside lm-evaluation-harness's HFLM, in one run, in turn.

  bench/eval.py --program build/release/bantam --model MODEL.gguf --data FOLDER [--documents N] [--rounds N]

MODEL is in F16 or F32. Both sides get the same requests (HellaSwag zero-shot, MMLU five-shot). Float32 is held against float32,
Bantam's Q8_0 against the harness's bfloat16. The harness runs in this Python (packages lm-eval, torch, transformers), on a folder
that `bantam convert` makes of the model. Loading is left out on both sides; ratios are of processor time, so that a busy machine
changes little.
"""
import argparse, json, os, statistics, subprocess, sys, tempfile, time

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


def ours(program, model, task, shots, documents, data, arithmetic, work):
    def once(limit):
        out = os.path.join(work, "report.json")
        run([program, "eval", model, "--tasks", task, "--few-shot", str(shots), "--limit", str(limit), "--data", data,
             "--out", out, "-q"] + (["--arithmetic", arithmetic] if arithmetic else []))
        cost = json.load(open(out))["cost"]
        return cost["processor_seconds"], cost["seconds"]

    # One document's time is nearly all loading: what the others take is the difference.
    few, many = once(1), once(documents + 1)
    return {"processor": many[0] - few[0], "seconds": many[1] - few[1]}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--program", required=True)
    p.add_argument("--model", required=True)
    p.add_argument("--data", required=True)
    p.add_argument("--documents", type=int, default=24)
    p.add_argument("--rounds", type=int, default=3)
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folder, small = os.path.join(work, "folder"), os.path.join(work, "q8_0.gguf")
        run([a.program, "convert", a.model, folder])
        run([a.program, "quantize", a.model, small, "--type", "q8_0"])
        for task, shots in SETTINGS:
            requests = os.path.join(work, "requests.jsonl")
            run([a.program, "eval", "--tasks", task, "--few-shot", str(shots), "--limit", str(a.documents), "--data", a.data,
                 "--dry-run", "--requests", requests])
            for kind, model, arithmetic in (("f32", a.model, "f32"), ("bf16", small, None)):
                found = {"bantam": [], "harness": []}
                for _ in range(a.rounds):
                    found["bantam"].append(ours(a.program, model, task, shots, a.documents, a.data, arithmetic, work)["processor"])
                    line = run([sys.executable, __file__, "--harness", folder, kind, requests]).strip().splitlines()[-1]
                    found["harness"].append(json.loads(line)["processor"])
                rate = {who: a.documents / statistics.median(times) for who, times in found.items()}
                name = "float32 to float32" if kind == "f32" else "Q8_0 to bfloat16"
                print(f"{task} {shots}-shot, {name}: {rate['bantam']:.2f} documents a processor second, "
                      f"harness {rate['harness']:.2f}: {rate['bantam'] / rate['harness']:.1f}x", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--harness"]:
        harness(*sys.argv[2:])
    else:
        main()
