#!/usr/bin/env python3
"""formats.py BANTAM LLAMA MODEL WORK: block types that Bantam writes, in llama.cpp: LLAMA is the folder of its programs.

MODEL becomes Q4_0, Q4_1 and Q6_K. Of each file, eight prompts are continued greedily. Bantam in f32 arithmetic must give the
tokens of llama.cpp on the same numbers decoded to float32, up to where the two likeliest are closer than 0.02; llama.cpp on the file
itself, which rounds activations to eight bits, must give them up to where they are closer than 0.5: such rounding has been seen to
turn the order of two that were 0.26 apart.
"""
import json, pathlib, socket, subprocess, sys, time, urllib.request

PROMPTS = ["The three largest planets of the solar system are", "def fibonacci(n):\n", "Once upon a time there was a",
           "Water boils at", "The capital of France is", "1 2 3 4 5 6 7", "Dear Sir or Madam,\n", "SELECT name FROM"]
TYPES = ("q4_0", "q4_1", "q6_k")
COUNT = 32
bantam, llama, model, work = sys.argv[1], *map(pathlib.Path, sys.argv[2:5])
work.mkdir(parents=True, exist_ok=True)


def run(*words):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True)
    assert done.returncode == 0, (words, done.stderr[-400:])
    return done.stdout


def theirs(file):
    """Of each prompt the ids, and at each step the token and how much likelier it is than the next."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    server = subprocess.Popen([llama / "llama-server", "-m", file, "--port", str(port), "-c", "512", "-np", "1", "-ctk", "f32", "-ctv", "f32", "-fa", "off"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(path, body):
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(request, timeout=600))

    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
                break
            except OSError:
                assert server.poll() is None, f"llama.cpp does not open {file}"
                time.sleep(0.2)
        cases = []
        for prompt in PROMPTS:
            ids = ask("/tokenize", {"content": prompt, "add_special": True})["tokens"]
            said = ask("/completion", {"prompt": ids, "n_predict": COUNT, "temperature": 0, "n_probs": 2, "cache_prompt": False, "samplers": ["temperature"]})
            steps = said["completion_probabilities"]
            cases.append((ids, [(s["id"], s["top_logprobs"][0]["logprob"] - s["top_logprobs"][1]["logprob"]) for s in steps]))
        return cases
    finally:
        server.terminate()
        server.wait()


def same(ours, steps, close):
    """How many steps are the same; a step that differs is right only where the two likeliest were close."""
    for at, (id, gap) in enumerate(steps):
        if at >= len(ours) or ours[at] != id:
            assert gap < close, f"step {at}: {ours[at] if at < len(ours) else None} in place of {id}, which is likelier by {gap:.3f}"
            return at
    return len(steps)


for kind in TYPES:
    file, wide = work / f"{kind}.gguf", work / f"{kind}-f32.gguf"
    run(bantam, "quantize", model, file, "--type", kind, "--requantize", "--force")
    run(llama / "llama-quantize", "--allow-requantize", file, wide, "f32")
    exact, own = theirs(wide), theirs(file)
    wide.unlink()
    whole, equal = [0, 0], [0, 0]
    for (ids, decoded), (_, rounded) in zip(exact, own, strict=True):
        said = json.loads(run(bantam, "generate", file, "--tokens", ",".join(map(str, ids)), "-n", COUNT, "--temp", 0, "--top-k", 0, "--top-p", 1,
                              "--min-p", 0, "--arithmetic", "f32", "--cache", "f32", "--json"))["ids"]
        found = [same(said, decoded, 0.02), same(said, rounded, 0.5)]
        whole = [w + (f == len(s)) for w, f, s in zip(whole, found, (decoded, rounded))]
        equal = [e + f for e, f in zip(equal, found)]
    print(f"{kind}: of {len(PROMPTS)} texts llama.cpp gives {whole[0]} to the end on the decoded numbers ({equal[0]} tokens), {whole[1]} in its own rounding ({equal[1]})")
    assert equal[0] >= len(PROMPTS) * COUNT // 2 and equal[1] >= len(PROMPTS) * COUNT // 4, f"{kind}: too few to tell"
