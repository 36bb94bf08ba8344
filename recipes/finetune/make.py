#!/usr/bin/env python3
"""Makes the records of the fine-tuning recipes from files that their publishers give away; see README.md.

  recipes/finetune/make.py math train.jsonl OUT [--records N]
  recipes/finetune/make.py tools glaive_toolcall_en_demo.json OUT
  recipes/finetune/make.py statutes mojLawSplitJSON OUT
  recipes/finetune/make.py code mbpp.jsonl OUT

OUT/train.jsonl holds prompts and completions for `bantam finetune`; of tools, statutes and code OUT/test.jsonl holds other questions
for `bantam eval --task`. The same files give the same records.
"""
import argparse, hashlib, json, pathlib, random

WANTED = {
    "math": "grade_school_math/data/train.jsonl of https://github.com/openai/grade-school-math",
    "tools": "data/glaive_toolcall_en_demo.json of https://github.com/hiyouga/LLaMA-Factory",
    "statutes": "the folder of a clone of https://github.com/kong0107/mojLawSplitJSON",
    "code": "mbpp/mbpp.jsonl of https://github.com/google-research/google-research",
}


def lines_of(path):
    """A list of records: JSON lines, or one JSON array."""
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines() if line.strip()]


def lot(text):
    """A number that a text always has: draws without a generator of chance."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def write(path, records):
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")
    print(f"{path}: {len(records)} records")


def math(source):
    """GSM8K's own training questions, in the words in which the task of that name asks."""
    rows = sorted(lines_of(source), key=lambda r: lot(r["question"]))
    return {"train": [{"prompt": f"Question: {r['question']}\nAnswer:", "completion": r["answer"]} for r in rows]}


def tools(source):
    """Every call in a conversation, of what was said before it; a conversation is wholly in one of the two files."""
    who = {"human": "user", "gpt": "assistant", "function_call": "call", "observation": "result"}
    parts = {"train": [], "test": []}
    for conversation in lines_of(source):
        turns = conversation["conversations"]
        part = "test" if lot(turns[0]["value"]) % 3 == 0 else "train"
        for at, turn in enumerate(turns):
            if turn["from"] != "function_call":
                continue
            before = "".join(f"{who[t['from']]}: {t['value']}\n" for t in turns[:at])
            prompt = f"Functions:\n{conversation['tools']}\n\nConversation:\n{before}\nWrite the next call as JSON."
            parts[part].append({"prompt": prompt, "completion": json.dumps(json.loads(turn["value"]), ensure_ascii=False)})
    return {part: sorted(found, key=lambda r: lot(r["prompt"])) for part, found in parts.items()}


# The 28 acts, by the publisher's numbers. The draw depends on their order.
ACTS = """A0000001 A0000002 B0000001 C0000001 A0030055 N0030001 I0050021 J0070017 J0170001 N0030014 D0070118 D0050071 D0080067 I0020004
    N0090001 J0070007 J0070001 J0150002 J0080028 I0020026 A0030133 J0080037 A0030297 H0020045 G0380131 A0040003 J0080001 K0040012""".split()


def statutes(source):
    """From which act of Taiwan is an article? Of each article at most its first 120 characters.

    Of the articles of 12 to 260 characters 3,000 are drawn, and every third of those is asked about: 900 to learn, 100 others to ask.
    """
    articles = []
    for act in ACTS:
        law = json.loads((source / "FalVMingLing" / f"{act}.json").read_text(encoding="utf-8"))
        for entry in law["法規內容"]:
            if "條號" not in entry:  # a heading
                continue
            text = "\n".join(line.rstrip() for line in entry["條文內容"].splitlines())
            if 12 <= len(text) <= 260:
                articles.append({"prompt": f"下列條文出自哪一部法律？\n{text[:120]}", "completion": f"《{law['法規名稱']}》"})
    if len(articles) < 3000:
        raise ValueError(f"of its articles {len(articles)} can be asked about, not 3,000")
    random.Random(20261130).shuffle(articles)
    parts = {"train": articles[1:2700:3], "test": articles[2701:3000:3]}
    return {part: sorted(found, key=lambda r: lot(r["prompt"])) for part, found in parts.items()}


def code(source):
    """MBPP's tasks in the words in which mbpp_instruct asks: its train split (601 to 974) is learnt, its test split (11 to 510) asked.

    The set has some tasks twice. Those whose text, solution or one of whose tests is asked are not learnt.
    """
    rows = {r["task_id"]: r for r in lines_of(source)}
    if missing := [n for n in (*range(11, 511), *range(601, 975)) if n not in rows]:
        raise SystemExit(f"{source}: has no task {missing[0]}: mbpp.jsonl with all 974 is wanted (google-research/mbpp)")
    asked = [rows[n] for n in range(11, 511)]
    seen = {sign for r in asked for sign in signs(r)}
    learnt = [r for r in (rows[n] for n in range(601, 975)) if not seen.intersection(signs(r))]
    parts = {}
    for part, found in (("train", learnt), ("test", asked)):
        made = [{"task_id": r["task_id"], "prompt": asking(r), "completion": answering(r)} for r in found]
        parts[part] = sorted(made, key=lambda r: lot(r["prompt"]))
    return parts


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


def records_of(recipe, source):
    """The records of each file; where the source is another than the recipe wants, the program ends with a line that says so."""
    try:
        parts = {"math": math, "tools": tools, "statutes": statutes, "code": code}[recipe](source)
        if all(parts.values()):
            return parts
        wrong = f"{source}: no record can be made of it"
    except OSError as e:
        wrong = f"{e.filename}: {e.strerror}"
    except KeyError as e:
        wrong = f"{source}: a record has no {e}"
    except (TypeError, ValueError) as e:
        wrong = f"{source}: {e}"
    raise SystemExit(f"{wrong}; wanted: {WANTED[recipe]}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("recipe", choices=WANTED)
    p.add_argument("source", type=pathlib.Path, help="what the publisher gives away: a file, of statutes a folder")
    p.add_argument("out", type=pathlib.Path, help="the folder to write into")
    p.add_argument("--records", type=int, default=10**9, help="at most so many in a file")
    a = p.parse_args()
    parts = records_of(a.recipe, a.source)
    try:
        a.out.mkdir(parents=True, exist_ok=True)
        for part, records in parts.items():
            write(a.out / f"{part}.jsonl", records[: a.records])
    except OSError as e:
        raise SystemExit(f"{e.filename}: {e.strerror}")


if __name__ == "__main__":
    main()
