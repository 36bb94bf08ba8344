#!/usr/bin/env python3
"""make.py --peers FOLDER --models FOLDER: writes the references beside this script.

Two peers, each for what it does exactly. llama.cpp says the token ids of each prompt. Hugging Face's transformers runs the weights,
decoded from the file, in float64: a greedy continuation with the log-probability of the chosen token and of the five likeliest at
each step. (llama.cpp's float32 is not exact enough to hold others by: its GELU is a table of half precision, which moves Gemma's
log-probabilities by up to 0.01.) Numbers alone are kept, no text of a model.
Needs Python's torch, transformers and gguf, and llama.cpp from scripts/build_peers.
"""
import argparse, json, pathlib, subprocess, time, urllib.request

import torch
from transformers import AutoModelForCausalLM

PROMPTS = [
    "The three largest planets of the solar system are",
    "def fibonacci(n):\n    \"\"\"Return the n-th number.\"\"\"\n",
    "台灣最高的山是玉山，它的高度是",
    "Es war einmal ein König, der hatte drei Töchter. Naïve façade: 12,345.67 €!",
    "1 2 3 4 5 6 7",
]
MODELS = {"smollm2": "smollm2-135m-instruct-q4_1.gguf", "gemma": "gemma-3-270m-q4_k_m.gguf"}
COUNT = 48
here = pathlib.Path(__file__).resolve().parent


def ask(port, path, body):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=600))


def prompt_ids(programs, model, port):
    server = subprocess.Popen([programs / "llama-server", "-m", model, "--port", str(port), "-c", "512", "-np", "1"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
                break
            except OSError:
                time.sleep(0.5)
        else:
            raise SystemExit("make: llama-server does not answer")
        return [ask(port, "/tokenize", {"content": p, "add_special": True})["tokens"] for p in PROMPTS]
    finally:
        server.terminate()
        server.wait()


def continuation(model, ids):
    """COUNT greedy steps, or as many as come before an end token."""
    ends = model.generation_config.eos_token_id
    ends = set(ends if isinstance(ends, list) else [ends])
    rest, past, steps = list(ids), None, []
    with torch.no_grad():
        for _ in range(COUNT):
            said = model(torch.tensor([rest]), past_key_values=past, use_cache=True)
            past = said.past_key_values
            row = torch.log_softmax(said.logits[0, -1].double(), -1)
            top = row.topk(5)
            steps.append({"id": int(top.indices[0]), "logprob": round(float(top.values[0]), 6),
                          "top": [[int(i), round(float(v), 6)] for v, i in zip(top.values, top.indices)]})
            rest = [steps[-1]["id"]]
            if rest[0] in ends:
                break
    return steps


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--peers", required=True)
    p.add_argument("--models", required=True)
    p.add_argument("--port", type=int, default=18765)
    o = p.parse_args()
    models = pathlib.Path(o.models)
    for name, file in MODELS.items():
        ids = prompt_ids(pathlib.Path(o.peers), models / file, o.port)
        model = AutoModelForCausalLM.from_pretrained(models, gguf_file=file, dtype=torch.float32, attn_implementation="eager").double().eval()
        lines = ",\n ".join(json.dumps({"prompt": prompt, "ids": i, "steps": continuation(model, i)}, ensure_ascii=False, separators=(",", ":"))
                           for prompt, i in zip(PROMPTS, ids))
        (here / f"{name}.json").write_text(f'{{"file": "{file}", "cases": [\n {lines}\n]}}\n')


main()
