#!/usr/bin/env python3
"""harness_tasks.py BANTAM MODEL DATA: whole tasks of lm-evaluation-harness, as it is, through `bantam serve` (local-completions,
requests as tokens and as text), beside `bantam eval` on the same model: every log-likelihood and score must be the same.

100 documents of arc_easy, 50 of hellaswag, the first 3 pages of wikitext. Only where the data come from is said to the harness
otherwise (DATA instead of the network); its tasks, prompts, model and scores are its own.
"""
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

import lm_eval
import yaml

bantam, model, data = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
LIMITS = {"arc_easy": 100, "hellaswag": 50, "wikitext": 3}
WINDOW = 512
# A float32 softmax of the server's numbers against eval's double one.
A_TOKEN = 2e-5


def serve():
    # The cache of `bantam eval` is float32.
    child = subprocess.Popen([bantam, "serve", model, "--port", "0", "--cache", "f32", "--ctx", str(2 * WINDOW)], stderr=subprocess.PIPE, text=True)
    for line in child.stderr:
        found = re.search(r"(http://\S+)/v1", line)
        if found:
            threading.Thread(target=child.stderr.read, daemon=True).start()
            return child, found[1]
    raise SystemExit("the server did not start")


def lines(name):
    return [json.loads(line) for line in open(data / name, encoding="utf-8") if line.strip()]


def arc():
    for r in lines("arc/ARC-Easy-Test.jsonl"):
        choices = r["question"]["choices"]
        yield {"id": r["id"], "question": r["question"]["stem"], "answerKey": r["answerKey"],
               "choices": {"text": [c["text"] for c in choices], "label": [c["label"] for c in choices]}}


def hellaswag():
    for r in lines("hellaswag/val_1000_processed.jsonl"):
        yield {"query": r["query"], "choices": r["choices"], "label": str(r["gold"])}


def wikitext():
    page = []
    for line in open(data / "wikitext2/wiki.test.raw", encoding="utf-8").read().split("\n"):
        head = line.replace("= = =", "===").replace("= =", "==").strip()
        if head.startswith("= ") and head.endswith(" ="):
            if "".join(page).strip():
                yield {"page": "\n".join(page)}
            page = []
        page.append(line)
    yield {"page": "\n".join(page)}


def task(folder, name, documents):
    """The harness's own task file, with these documents in place of its data set."""
    home = pathlib.Path(lm_eval.__file__).parent / "tasks"
    file = next(home.glob(f"*/{name}.yaml"))
    text = file.read_text()
    functions = dict(re.findall(r"(\w+): !function (\S+)", text))
    config = yaml.safe_load(re.sub(r"!function \S+", "null", text))
    split = "validation" if name == "hellaswag" else "test"
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(d) + "\n" for d in list(documents)[: LIMITS[name]]))
    config.update(dataset_path="json", dataset_name=None, dataset_kwargs={"data_files": {split: str(path)}})
    for other in ("training_split", "validation_split", "test_split"):
        config.pop(other, None)
    config[f"{split}_split"] = split
    config.pop("process_docs", None)  # hellaswag: these documents are processed already
    for field, function in functions.items():
        if field == "process_docs":
            continue
        module, attribute = function.rsplit(".", 1)
        scope = {}
        exec((file.parent / f"{module}.py").read_text(), scope)
        config[field] = scope[attribute]
    return config


def ours(folder):
    out = folder / "report.json"
    found = {}
    for name, limit in LIMITS.items():
        window = ["--ctx", str(WINDOW)] if name == "wikitext" else []
        subprocess.run([bantam, "eval", model, "--tasks", name, "--limit", str(limit), "--data", str(data), "--out", str(out), "-q", *window], check=True, capture_output=True)
        found.update(json.loads(out.read_text())["tasks"])
    return found


def compare(found, report, how):
    worst = 0.0
    for name, limit in LIMITS.items():
        mine, theirs = report[name], sorted(found["samples"][name], key=lambda s: s["doc_id"])
        assert len(theirs) == len(mine["items"]) == limit, (name, len(theirs), len(mine["items"]))
        for sample, item in zip(theirs, mine["items"], strict=True):
            answers = [r[0] for r in sample["resps"]]
            numbers = [a[0] if isinstance(a, (list, tuple)) else a for a in answers]
            for number, ll, tokens in zip(numbers, item["loglikelihoods"], item["lengths"], strict=True):
                worst = max(worst, abs(number - ll) / tokens)
                assert abs(number - ll) <= A_TOKEN * max(tokens, 1), (how, name, item["doc"], number, ll, tokens)
            if name != "wikitext":
                assert [bool(a[1]) for a in answers] == item["greedy"], (how, name, item["doc"])
        for metric, value in mine["metrics"].items():
            theirs_value = found["results"][name].get(f"{metric},none")
            if theirs_value is None:
                continue
            assert math.isclose(value["value"], theirs_value, rel_tol=1e-5), (how, name, metric, value, theirs_value)
    return worst


with tempfile.TemporaryDirectory() as place:
    folder = pathlib.Path(place)
    documents = {"arc_easy": arc(), "hellaswag": hellaswag(), "wikitext": wikitext()}
    configs = [task(folder, name, docs) for name, docs in documents.items()]
    report = ours(folder)
    child, url = serve()
    try:
        for tokens in (True, False):
            found = lm_eval.simple_evaluate(
                model="local-completions",
                model_args={"base_url": f"{url}/v1/completions", "model": "any", "tokenizer_backend": "remote",
                            "tokenized_requests": tokens, "max_length": WINDOW + 2, "batch_size": 4, "num_concurrent": 1},
                tasks=[dict(c) for c in configs], bootstrap_iters=0, log_samples=True)
            worst = compare(found, report, f"tokens {tokens}")
            print(f"lm-evaluation-harness {lm_eval.__version__} through the server, requests as {'tokens' if tokens else 'text'}: "
                  f"{sum(LIMITS.values())} documents as bantam eval has them, log-likelihoods within {worst:.1g} a token", flush=True)
    finally:
        child.kill()
