#!/usr/bin/env python3
"""second_reading.py REPORT...: scores a report of `bantam eval` again, from its items alone.

A second reading of the rules of EleutherAI/lm-evaluation-harness (lm_eval/api/task.py and metrics.py): items from
log-likelihoods and answers, tasks from items. Means and errors must be equal to the last bit; what goes through exp, to 1e-14.
Standard library only.
"""
import json, math, random, re, sys

wrong = 0


def say(ok, what, have, want):
    global wrong
    if not ok:
        wrong += 1
        print(f"WRONG {what}: {have!r} in the report, {want!r} by this reading")


def first_largest(values):
    return max(range(len(values)), key=lambda i: (values[i], -i))


def choice(item):
    sums, choices, gold = item["loglikelihoods"], item["choices"], item["gold"]
    choices = choices * len(sums) if len(choices) == 1 else choices
    by = {"acc": lambda c: 1, "acc_norm": lambda c: len(c) or 1, "acc_bytes": lambda c: len(c.encode()) or 1}
    return {m: float(first_largest([s / length(c) for s, c in zip(sums, choices)]) == gold) for m, length in by.items()}


def shares(item):
    top = max(item["loglikelihoods"])
    p = [math.exp(s - top) for s in item["loglikelihoods"]]
    return {"acc": sum(x for x, label in zip(p, item["labels"]) if label) / sum(p)}


GSM8K = {"gsm8k": r"#### (\-?[0-9\.\,]+)", "gsm8k_cot": r"The answer is (\-?[0-9\.\,]+)."}


def gsm8k(item, strict):
    def clean(text):
        for pattern in (",", r"\$", r"(?s).*#### ", r"\.$"):
            text = re.sub(pattern, "", text)
        return text.lower()

    def pick(pattern, which):
        found = re.findall(pattern, item["output"])
        if not found:
            return "[invalid]"
        one = found[which]
        if isinstance(one, tuple):
            one = next((g for g in one if g), "[invalid]")
        return one.strip()

    out = {}
    for name, pattern, which in (("strict-match", strict, 0), ("flexible-extract", r"(-?[$0-9.,]{2,})|(-?[0-9]+)", -1)):
        picked = pick(pattern, which)
        say(item["filtered"][name] == picked, f"{item['doc']} {name}", item["filtered"][name], picked)
        out["exact_match," + name] = float(clean(picked) == clean(item["target"]))
    return out


def item_scores(task, item):
    if task["kind"] == "choice":
        return shares(item) if "labels" in item else choice(item)
    if task["kind"] == "likelihood":
        return {"perplexity": item["loglikelihoods"][0], "acc": float(item["greedy"][0])}
    if task["kind"] == "rolling":
        return dict.fromkeys(task["metrics"], item["loglikelihoods"][0])
    if task["task"] in GSM8K:
        return gsm8k(item, GSM8K[task["task"]])
    return item["scores"]  # programs that ran, and rules of their own: taken as they are


def mean(values):
    total = 0.0
    for v in values:
        total += v
    return total / len(values)


def deviation(values):
    m, total = mean(values), 0.0
    for v in values:
        total += (v - m) * (v - m)
    return math.sqrt(total / (len(values) - 1))


def error(values):
    return deviation(values) / math.sqrt(len(values)) if len(values) > 1 else None


def pooled(groups):
    count, total = sum(map(len, groups)), 0.0
    for g in groups:
        total += (len(g) - 1) * len(g) * (error(g) or 0.0) * (error(g) or 0.0)
    return math.sqrt(total / (count - len(groups)) / count) if count > len(groups) else None


def bootstrap(values):
    found = []
    for chunk in range(100):
        rng = random.Random(chunk)
        for _ in range(1000):
            found.append(math.exp(-mean(rng.choices(values, k=len(values)))))
    return deviation(found)


def metric(name, items, scores):
    """Value and error of a metric over items with their scores."""
    values = [s[name] for s in scores if name in s]
    if name in ("word_perplexity", "byte_perplexity", "bits_per_byte", "token_perplexity"):
        weight = {"w": "words", "b": "bytes", "t": "tokens"}[name[0]]
        per = mean(values) * len(values) / sum(i["lengths"][0] if weight == "tokens" else i[weight] for i in items)
        return (-per / math.log(2) if name == "bits_per_byte" else math.exp(-per)), None
    if name == "perplexity":
        return math.exp(-mean(values)), bootstrap(values) if 1 < len(values) <= 50 else "not reckoned"
    groups = {}
    for item, score in zip(items, scores):
        if name in score:
            groups.setdefault(item.get("subject", ""), []).append(score[name])
    ordered = [groups[k] for k in sorted(groups, key=str.encode)]
    return mean(values), pooled(ordered) if len(ordered) > 1 else error(values)


def near(have, want, exact):
    if have is None or want is None:
        return have is want
    return have == want if exact else math.isclose(have, want, rel_tol=1e-14)


def read_again(name, task):
    items = task["items"]
    scores = [item_scores(task, item) for item in items]
    for item, score in zip(items, scores):
        for m, value in item["scores"].items():
            say(near(value, score[m], "labels" not in item), f"{name} {item['doc']} {m}", value, score[m])
    for part, metrics in [(None, task["metrics"])] + sorted(task.get("subjects", {}).items()):
        mine = [(i, s) for i, s in zip(items, scores) if part is None or i["subject"] == part]
        for m, have in metrics.items():
            exact = not m.endswith("perplexity") and m != "bits_per_byte" and "labels" not in items[0]
            value, e = metric(m, [i for i, _ in mine], [s for _, s in mine])
            say(near(have["value"], value, exact), f"{name} {part or ''} {m}", have["value"], value)
            if e != "not reckoned":
                say(near(have["stderr"], e, exact) or (e and math.isclose(have["stderr"], e, rel_tol=1e-9) and not exact),
                    f"{name} {part or ''} {m} error", have["stderr"], e)


def main(files):
    count = 0
    for file in files:
        for name, task in json.load(open(file))["tasks"].items():
            read_again(name, task)
            count += 1
    print(f"{count} tasks read again, {wrong} numbers differ")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
