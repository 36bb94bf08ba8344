# harness.py BANTAM MODEL.gguf: lm-evaluation-harness, as it is, scores through `bantam serve`: as
# tokens and as text, alone and in batches, by its two models for such servers. The numbers are
# those of `bantam logits`.
import re
import subprocess
import sys
import tempfile
import threading

import numpy
import requests
from lm_eval.api.instance import Instance
from lm_eval.models.gguf import GGUFLM
from lm_eval.models.openai_completions import LocalCompletionsAPI

bantam, model = sys.argv[1:3]

PAIRS = [(f"What comes after {n}?", f" It is {n + 1}") for n in range(12)]
PAIRS += [("下一個是", "？是 7。"), ("It is", " 5"), ("What comes after 5? 下一個是？ It", " is")]


def serve():
    child = subprocess.Popen([bantam, "serve", model, "--port", "0"], stderr=subprocess.PIPE, text=True)
    for line in child.stderr:
        found = re.search(r"(http://\S+)/v1", line)
        if found:
            threading.Thread(target=child.stderr.read, daemon=True).start()
            return child, found[1]
    raise SystemExit("the server did not start")


def log_softmax(ids):
    """The log-probability of each token but the first, by another way."""
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run([bantam, "logits", model, "--tokens", ",".join(map(str, ids)), "--out", out.name, "--cache", "f16"], check=True, stderr=subprocess.DEVNULL)
        logits = numpy.fromfile(out.name, dtype="<f4").reshape(len(ids), -1).astype(numpy.float64)
    logits -= logits.max(axis=1, keepdims=True)
    logits -= numpy.log(numpy.exp(logits).sum(axis=1, keepdims=True))
    chosen = [logits[i, ids[i + 1]] for i in range(len(ids) - 1)]
    greedy = [logits[i].argmax() == ids[i + 1] for i in range(len(ids) - 1)]
    return chosen, greedy


child, url = serve()
try:
    def ids_of(text):
        return requests.post(f"{url}/tokenize", json={"prompt": text, "add_special_tokens": False}).json()["tokens"]

    asked = [Instance("loglikelihood", {}, pair, i) for i, pair in enumerate(PAIRS)]
    expected = []
    for context, continuation in PAIRS:
        before, whole = ids_of(context), ids_of(context + continuation)
        chosen, greedy = log_softmax(whole)
        expected.append((sum(chosen[len(before) - 1 :]), all(greedy[len(before) - 1 :])))
    results = {}
    for tokens in (True, False):
        for batch in (1, 4):
            lm = LocalCompletionsAPI(base_url=f"{url}/v1/completions", model="any", tokenizer_backend="remote", tokenized_requests=tokens, batch_size=batch, num_concurrent=1)
            results[f"tokens {tokens}, batch {batch}"] = lm.loglikelihood(asked, disable_tqdm=True)
    results["gguf"] = GGUFLM(base_url=url).loglikelihood(asked, disable_tqdm=True)
    for name, result in results.items():
        assert result == results["tokens True, batch 1"], name  # to the last digit
        for pair, (number, greedy), (sum_, all_greedy) in zip(PAIRS, result, expected, strict=True):
            assert abs(number - sum_) < 1e-5 * max(1, len(pair[1])), (name, pair, number, sum_)
            assert greedy == all_greedy, (name, pair)
    lm = LocalCompletionsAPI(base_url=f"{url}/v1/completions", model="any", tokenizer_backend="remote", batch_size=2, num_concurrent=1, max_length=32)
    text = " ".join(a + b for a, b in PAIRS)
    rolled = lm.loglikelihood_rolling([Instance("loglikelihood_rolling", {}, (text,), 0)], disable_tqdm=True)[0]
    assert rolled < 0
    said = lm.generate_until([Instance("generate_until", {}, ("What comes after", {"until": ["?"], "max_gen_toks": 8, "do_sample": False}), 0)], disable_tqdm=True)[0]
    assert "?" not in said
finally:
    child.kill()
print(f"lm-evaluation-harness scores through the server: {len(results)} ways, {len(PAIRS)} requests, the same numbers")
