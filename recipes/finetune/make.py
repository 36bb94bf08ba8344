#!/usr/bin/env python3
"""Makes the records of the fine-tuning recipes from files that their publishers give away; see README.md.

  recipes/finetune/make.py math gsm8k/train.jsonl OUT [--records N]
  recipes/finetune/make.py tools glaive_toolcall_en_demo.json OUT
  recipes/finetune/make.py statutes qa_train.jsonl qa_test.jsonl OUT
  recipes/finetune/make.py code mbpp.jsonl OUT

OUT/train.jsonl holds prompts and completions for `bantam finetune`; of tools, statutes and code OUT/test.jsonl holds other questions
for `bantam eval --task`. The same files give the same records.
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


def code(files, out, records):
    """MBPP's tasks in the words in which mbpp_instruct asks: its train split (601 to 974) is learnt, its test split (11 to 510) asked.

    The set has some tasks twice. Those whose text, solution or one of whose tests is asked are not learnt.
    """
    rows = {r["task_id"]: r for r in lines_of(files[0])}
    if missing := [n for n in (*range(11, 511), *range(601, 975)) if n not in rows]:
        raise SystemExit(f"{files[0]}: has no task {missing[0]}: mbpp.jsonl with all 974 is wanted (google-research/mbpp)")
    asked = [rows[n] for n in range(11, 511)]
    seen = {sign for r in asked for sign in signs(r)}
    learnt = [r for r in (rows[n] for n in range(601, 975)) if not seen.intersection(signs(r))]
    for part, found in (("train", learnt), ("test", asked)):
        made = [{"task_id": r["task_id"], "prompt": asking(r), "completion": answering(r)} for r in found]
        write(out / f"{part}.jsonl", sorted(made, key=lambda r: lot(r["prompt"]))[:records])


def signs(task):
    """What two tasks of MBPP that are the same have in common, blanks and capitals aside."""
    return {"".join(text.lower().split()) for text in (task["text"], task["code"], *task["test_list"])}


def asking(task):
    tests = "\n".join(task["test_list"][:3])
    return f"You are an expert Python programmer, and here is your task:\n{task['text']}\nYour code should pass these tests:\n{tests}"


def answering(task):
    """MBPP's lines end as in Windows, many with blanks before that; nobody need learn those."""
    code = "\n".join(line.rstrip() for line in task["code"].strip().splitlines())
    return f"\n```python\n{code}\n```"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("recipe", choices=["math", "tools", "statutes", "code"])
    p.add_argument("files", nargs="+")
    p.add_argument("out", type=pathlib.Path)
    p.add_argument("--records", type=int, default=10**9, help="at most so many in a file")
    a = p.parse_args()
    if len(a.files) != (2 if a.recipe == "statutes" else 1):
        p.error("statutes wants two files, the others one")
    a.out.mkdir(parents=True, exist_ok=True)
    {"math": math, "tools": tools, "statutes": statutes, "code": code}[a.recipe](a.files, a.out, a.records)


if __name__ == "__main__":
    main()
