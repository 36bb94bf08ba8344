#!/usr/bin/env python3
"""make.py --peers FOLDER --models FOLDER: writes the references beside this script.

llama.cpp runs the same weights decoded to float32: token ids of each prompt, and a greedy continuation with the log-probability
of the chosen token and of the five likeliest at each step. Numbers alone are kept, no text of a model.
"""
import argparse, json, os, pathlib, subprocess, tempfile, time, urllib.request

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


def wait_for(port):
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
            return
        except OSError:
            time.sleep(0.5)
    raise SystemExit("make: llama-server does not answer")


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--peers", required=True)
    p.add_argument("--models", required=True)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--port", type=int, default=18765)
    o = p.parse_args()
    programs, models = pathlib.Path(o.peers), pathlib.Path(o.models)
    for name, file in MODELS.items():
        with tempfile.TemporaryDirectory() as scratch:
            wide = os.path.join(scratch, "f32.gguf")
            subprocess.run([programs / "llama-quantize", "--allow-requantize", models / file, wide, "f32"], check=True, capture_output=True)
            server = subprocess.Popen([programs / "llama-server", "-m", wide, "--port", str(o.port), "-c", "512", "-np", "1", "-ctk", "f32", "-ctv", "f32", "-fa", "off", "-t", str(o.threads)],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                wait_for(o.port)
                cases = []
                for prompt in PROMPTS:
                    ids = ask(o.port, "/tokenize", {"content": prompt, "add_special": True})["tokens"]
                    said = ask(o.port, "/completion", {"prompt": ids, "n_predict": COUNT, "temperature": 0, "n_probs": 5, "cache_prompt": False, "ignore_eos": False,
                                                       "return_tokens": True, "samplers": ["temperature"]})
                    steps = [{"id": s["id"], "logprob": round(s["logprob"], 6),
                              "top": [[t["id"], round(t["logprob"], 6)] for t in s["top_logprobs"]]} for s in said["completion_probabilities"]]
                    # Of tokens that end within a character the server tells nothing: only what comes before them is kept.
                    told = [s["id"] for s in steps]
                    whole = next((i for i, id in enumerate(said["tokens"]) if i >= len(told) or told[i] != id), len(told))
                    cases.append({"prompt": prompt, "ids": ids, "steps": steps[:whole]})
                lines = ",\n ".join(json.dumps(c, ensure_ascii=False, separators=(",", ":")) for c in cases)
                (here / f"{name}.json").write_text(f'{{"file": "{file}", "cases": [\n {lines}\n]}}\n')
            finally:
                server.terminate()
                server.wait()


main()
