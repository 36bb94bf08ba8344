#!/usr/bin/env python3
"""Makes the records of the fine-tuning recipes from files that their publishers give away; see README.md.

  recipes/finetune/make.py math gsm8k/train.jsonl OUT [--records N]
  recipes/finetune/make.py tools glaive_toolcall_en_demo.json OUT
  recipes/finetune/make.py statutes qa_train.jsonl qa_test.jsonl OUT

OUT/train.jsonl holds prompts and completions for `bantam finetune`; of tools and statutes OUT/test.jsonl holds other questions for
`bantam eval --task`. The same files give the same records.
"""
import argparse, hashlib, json, pathlib


def lines_of(path):
    """A list of records: JSON lines, or one JSON array."""
    text = pathlib.Path(path).read_text(encoding="utf-8")
    return json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines() if line.strip()]


def lot(text):
    """A number that a text always has: draws without a generator of chance."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def write(path, records):
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")
    print(f"{path}: {len(records)} records")


def math(files, out, records):
    """GSM8K's own training questions, in the words in which the task of that name asks."""
    rows = sorted(lines_of(files[0]), key=lambda r: lot(r["question"]))
    write(out / "train.jsonl", [{"prompt": f"Question: {r['question']}\nAnswer:", "completion": r["answer"]} for r in rows[:records]])


def tools(files, out, records):
    """Every call in a conversation, of what was said before it; a conversation is wholly in one of the two files."""
    who = {"human": "user", "gpt": "assistant", "function_call": "call", "observation": "result"}
    parts = {"train": [], "test": []}
    for conversation in lines_of(files[0]):
        turns = conversation["conversations"]
        part = "test" if lot(turns[0]["value"]) % 3 == 0 else "train"
        for at, turn in enumerate(turns):
            if turn["from"] != "function_call":
                continue
            before = "".join(f"{who[t['from']]}: {t['value']}\n" for t in turns[:at])
            prompt = f"Functions:\n{conversation['tools']}\n\nConversation:\n{before}\nWrite the next call as JSON."
            parts[part].append({"prompt": prompt, "completion": json.dumps(json.loads(turn["value"]), ensure_ascii=False)})
    for part, found in parts.items():
        write(out / f"{part}.jsonl", sorted(found, key=lambda r: lot(r["prompt"]))[:records])


def statutes(files, out, records):
    """From which act of Taiwan is an article? Of each article its first sentences, about 120 characters."""
    for part, path in zip(("train", "test"), files):
        found = []
        for r in lines_of(path):
            if r["kind"] != "cite":
                continue
            question, article = r["instruction"].split("\n", 1)
            found.append({"prompt": f"下列條文出自哪一部法律？\n{article[:120]}", "completion": f"《{r['law']}》"})
        write(out / f"{part}.jsonl", sorted(found, key=lambda r: lot(r["prompt"]))[:records])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("recipe", choices=["math", "tools", "statutes"])
    p.add_argument("files", nargs="+")
    p.add_argument("out", type=pathlib.Path)
    p.add_argument("--records", type=int, default=10**9, help="at most so many in a file")
    a = p.parse_args()
    if len(a.files) != (2 if a.recipe == "statutes" else 1):
        p.error("statutes wants two files, the others one")
    a.out.mkdir(parents=True, exist_ok=True)
    {"math": math, "tools": tools, "statutes": statutes}[a.recipe](a.files, a.out, a.records)


if __name__ == "__main__":
    main()
