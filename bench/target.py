#!/usr/bin/env python3
"""Whether `bantam quantize --target-size` beats files of the same size: KL divergence from the parent, on text that nothing was chosen by.

  bench/target.py --program build/release/bantam --model MODEL-q8_0.gguf --calibrate A.txt --text B.txt --work FOLDER
                  [--llama FOLDER] [--only NAME,...] [--near %] [--probe N] [-t N] [--table]

MODEL is the parent, in any type. Its rivals: the usual mixes as Bantam writes them with the importance of A (`bantam imatrix`), the
same mixes as llama-quantize writes them with llama-imatrix of A, and one type for every matrix with the importance of A (where a
type's blocks do not divide a matrix's width another stands in: the table shows which types a file has). For each there is one of
Bantam by --target-size, calibrated on A alone, that is no larger and at most --near % smaller: a smaller one that is there serves.
All are measured by `bantam bench --quality` on B in float32 arithmetic with a float32 cache, so that only the rounding of weights
counts; B is read in pieces, and the 99 % is the mean of theirs. A model that was in few bits once lies on the grid of their type:
bench/rescale.py makes one of the same function that does not. What is in the work folder is not done again; --table prints it.
The exit status is 1 where a rival has the lower divergence. Standard library only.
"""
import argparse, base64, json, os, pathlib, subprocess, sys, time

here = pathlib.Path(__file__).resolve().parent
MIXES = ["q3_k_m", "iq4_xs", "q4_k_m", "q5_k_m"]
UNIFORM = ["q2_k", "q3_k", "iq4_xs", "iq4_nl", "q4_0", "q4_1", "q4_k", "q5_0", "q5_1", "q5_k", "q6_k"]
PIECE, ROOM = 2500, 3200  # tokens of a piece; bench --quality holds the parent's logits of so many at most


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--program", default=str(here.parent / "build/release/bantam"))
    p.add_argument("--model", required=True, type=pathlib.Path)
    p.add_argument("--calibrate", required=True, type=pathlib.Path, help="text A: importance and types are chosen by it")
    p.add_argument("--text", required=True, type=pathlib.Path, help="text B: divergence is measured on it")
    p.add_argument("--work", required=True, type=pathlib.Path)
    p.add_argument("--llama", type=pathlib.Path, help="folder of llama.cpp's programs (default: none of its mixes)")
    p.add_argument("--only", default="", help="rivals, with commas: q4_k_m, llama-q4_k_m, uniform-q4_0 (default: all)")
    p.add_argument("--probe", type=int, help="of --target-size (default: its own)")
    p.add_argument("--near", type=float, default=1, help="how many %% smaller than its rival one of ours may be (1)")
    p.add_argument("-t", "--threads", type=int, default=os.cpu_count())
    p.add_argument("--table", action="store_true", help="what is there, as a table; nothing is made")
    return p.parse_args()


def run(*words):
    start = time.monotonic()
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True)
    print(f"{time.monotonic() - start:.0f} s: {' '.join(map(str, words))}", file=sys.stderr, flush=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))}: {(done.stderr or done.stdout).strip()[-400:]}")
    return done.stdout


class Work:
    def __init__(self, a):
        self.a, self.kept = a, a.work / f"divergence-{a.text.stem}.json"
        self.found = json.loads(self.kept.read_text()) if self.kept.exists() else {}

    def made(self, name, *words):
        """The file `name` of the work folder; made by `words` (OUT stands for it) where it is not there."""
        file = self.a.work / name
        if not file.exists():
            if self.a.table:
                raise RuntimeError("not made yet")
            part = self.a.work / f"part-{name}"
            part.unlink(missing_ok=True)
            run(*[part if w == "OUT" else w for w in words])
            part.rename(file)
        return file

    def importance(self):
        a = self.a
        return self.made("importance.gguf", a.program, "imatrix", a.model, "--text", a.calibrate, "--out", "OUT", "-t", a.threads)

    def rival(self, name):
        a = self.a
        if name.startswith("llama-"):
            seen = self.made("llama-importance.gguf", a.llama / "llama-imatrix", "-m", a.model, "-f", a.calibrate, "-o", "OUT", "-c", 512,
                             "-t", a.threads, "--no-ppl")
            return self.made(f"{name}.gguf", a.llama / "llama-quantize", "--allow-requantize", "--imatrix", seen, a.model, "OUT",
                             name.removeprefix("llama-").upper(), a.threads)
        pure = ["--pure"] if name.startswith("uniform-") else []
        return self.made(f"{name}.gguf", a.program, "quantize", a.model, "OUT", "--type", name.removeprefix("uniform-"), *pure,
                         "--imatrix", self.importance(), "--requantize", "-t", a.threads)

    def ours(self, size):
        """One that was made for at most so many bytes, and not many fewer."""
        a = self.a
        kind = f"ours{a.probe or ''}-"
        there = [int(f.stem.removeprefix(kind)) for f in a.work.glob(f"{kind}*.gguf")]
        near = max((s for s in there if size * (1 - a.near / 100) <= s <= size), default=size)
        probe = ["--probe", a.probe] if a.probe else []
        return self.made(f"{kind}{near}.gguf", a.program, "quantize", a.model, "OUT", "--target-size", near, "--text", a.calibrate, *probe,
                         "--imatrix", self.importance(), "--requantize", "-t", a.threads)

    def pieces(self):
        """Parts of B that end with a line, of about the same number of tokens."""
        lines = self.a.text.read_text().splitlines(keepends=True)
        batch = self.a.work / "lines.jsonl"
        batch.write_text("".join(json.dumps({"text_b64": base64.b64encode(x.encode()).decode()}) + "\n" for x in lines))
        tokens = [x.count(",") + 1 for x in run(self.a.program, "tokenize", self.a.model, "--batch", batch).splitlines()]
        count = -(-sum(tokens) // PIECE)
        parts, read = [[] for _ in range(count)], 0
        for line, n in zip(lines, tokens):
            parts[min(count - 1, read * count // sum(tokens))].append(line)
            read += n
        files = [self.a.work / f"piece-{i}.txt" for i in range(count)]
        for file, part in zip(files, parts):
            file.write_text("".join(part))
        return files

    def measured(self, file):
        if file.name not in self.found:
            a = self.a
            if a.table:
                raise RuntimeError("not measured yet")
            rows = []
            for piece in self.pieces():
                said = json.loads(run(a.program, "bench", file, "--quality", piece, "--parent", a.model, "-p", ROOM, "-c", ROOM,
                                      "--arithmetic", "f32", "--cache", "f32", "-t", a.threads, "--json"))
                rows.append({"positions": said["positions"], **said["rows"][0]})
            tokens = sum(r["positions"] for r in rows)
            mean = lambda key: sum(r[key] * r["positions"] for r in rows) / tokens
            self.found[file.name] = {"size": file.stat().st_size, "tokens": tokens, "kl": mean("kl_mean"), "p99": mean("kl_p99"),
                                     "pieces": [r["kl_mean"] for r in rows]}
            self.kept.write_text(json.dumps(self.found, indent=1))
        return self.found[file.name]

    def types(self, file):
        """Types of the matrices by their bytes, the most first: "Q5_0, Q8_0, Q4_K"."""
        said = run(self.a.program, "info", file, "--json")
        types = json.loads(said)["types"]
        return ", ".join(sorted((t for t in types if t != "F32"), key=lambda t: -types[t]["bytes"]))


def label(name):
    kind, _, rest = name.rpartition("-")
    return {"": "mix, Bantam: ", "llama": "mix, llama-quantize: ", "uniform": "one type: "}[kind] + rest.upper()


def main():
    a = options()
    a.work.mkdir(parents=True, exist_ok=True)
    names = [*MIXES, *([f"llama-{m}" for m in MIXES] if a.llama else []), *(f"uniform-{t}" for t in UNIFORM)]
    if a.only:
        names = a.only.split(",")
    work = Work(a)
    if a.table:
        names = [n for n in names if f"{n}.gguf" in work.found]
    files = {n: work.rival(n) for n in names}
    rows, won, count = [], 0, 0
    for name, file in sorted(files.items(), key=lambda pair: pair[1].stat().st_size):
        rival = work.measured(file)
        cells = [label(name), work.types(file), f"{rival['size'] / 1e6:.2f}", f"{rival['kl']:.3g}", f"{rival['p99']:.3g}"]
        count += 1
        try:
            own = work.measured(work.ours(rival["size"]))
        except RuntimeError as e:
            rows.append([*cells, "none: " + str(e).splitlines()[-1], "", "", ""])
        else:
            won += own["kl"] < rival["kl"] and own["size"] <= rival["size"]
            pieces = [x / y for x, y in zip(own["pieces"], rival["pieces"])]
            rows.append([*cells, f"{own['size'] / 1e6:.2f}", f"{own['kl']:.3g}", f"{own['p99']:.3g}",
                         f"{own['kl'] / rival['kl']:.2f} ({min(pieces):.2f} to {max(pieces):.2f})"])
        print("| " + " | ".join(rows[-1]) + " |", file=sys.stderr, flush=True)
    heads = ["rival", "types of its matrices", "MB", "KL, nats a token", "99 %", "ours, MB", "KL", "99 %", "ours / rival (pieces)"]
    tokens = max((f["tokens"] for f in work.found.values()), default=0)
    print(f"{a.model.name}: {tokens} tokens of {a.text.name}, calibrated on {a.calibrate.name}\n")
    for row in [heads, ["---"] * len(heads), *rows]:
        print("| " + " | ".join(row) + " |")
    print(f"\n{won} of {count} targets have the lower divergence")
    sys.exit(0 if won == count else 1)


if __name__ == "__main__":
    main()
