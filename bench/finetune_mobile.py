#!/usr/bin/env python3
"""LoRA steps of Gemma 3 beside MobileFineTuner, on the CPU, in float32: tokens a second and the most memory of both.

  bench/finetune_mobile.py MOBILEFINETUNER_EXAMPLE_BINARY MODEL_FOLDER [steps] [rank] [records] [tokens] [at a time]

The binary is `train` of your own build of MobileFineTuner's examples/gemma_3_270m_lora_finetune (cmake -DUSE_BLAS=ON
-DCMAKE_BUILD_TYPE=Release). MODEL_FOLDER has float32 safetensors, config.json and tokenizer.json: `bantam convert MODEL.gguf
MODEL_FOLDER --type f32` makes one. Both adapt all seven linear layers of a block, on records of random tokens that all count. They run
in turns, twice each, on as many threads as there are processors (taskset gives fewer). The first step is left out, the best of the
others counts; processor time is of all threads together, and says more where other work runs. A step of MobileFineTuner adds up the
gradients of some records at a time (2: Bantam's own choice at 256 tokens): more of them need much more memory, 8 of 256 tokens over
22 GB. An OpenBLAS that does not know a new processor uses old kernels: OPENBLAS_VERBOSE=2 tells, OPENBLAS_CORETYPE chooses better ones.
Standard library only.
"""
import json, os, pathlib, random, re, subprocess, sys, tempfile

BENCH = pathlib.Path(__file__).resolve().parent.parent / "build/release/finetune"
ROUNDS = 2
THREADS = len(os.sched_getaffinity(0))


def processor_seconds(process):
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(words, environment, at_line):
    """Runs a program, calls at_line with each line and its process; the most memory that it held, in GiB."""
    child = subprocess.Popen([str(w) for w in words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = []
    for line in child.stdout:
        lines.append(line)
        at_line(line, child.pid)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{words[0]} ended with {child.returncode}: {''.join(lines)[-400:]}")
    return used.ru_maxrss / 1024 / 1024


def mobile(binary, folder, work, steps, rank, records, length, together):
    vocabulary = json.loads((folder / "config.json").read_text())["vocab_size"]
    data, draw = work / "train.jsonl", random.Random(1)
    rows = [{"ids": [draw.randrange(vocabulary) for _ in range(length)], "mask": [1] * length} for _ in range(records * 2)]
    data.write_text("".join(json.dumps(r) + "\n" for r in rows))
    seen = []  # of each step: seconds since the start, processor seconds since the start, loss

    def at_line(line, process):
        if found := re.match(r"\[Step \d+\] Loss=(\S+) .*time_cum=([\d.]+)s", line):
            seen.append((float(found[2]), processor_seconds(process), float(found[1])))

    peak = run([binary, "--model_dir", folder, "--jsonl_train", data, "--seq_len", length, "--batch", together,
                "--grad_accum", records // together, "--rank", rank, "--alpha", 2 * rank, "--lr", 1e-4, "--warmup_ratio", 0,
                "--epochs", 1000, "--max_steps", steps + 1, "--output_dir", work],
               {**os.environ, "OPENBLAS_NUM_THREADS": str(THREADS), "OMP_NUM_THREADS": str(THREADS)}, at_line)
    if len(seen) != steps + 1:
        sys.exit(f"{binary} printed {len(seen)} steps, not {steps + 1}")
    best, processor = (min(b[i] - a[i] for a, b in zip(seen, seen[1:])) for i in (0, 1))
    print("losses of MobileFineTuner: " + ", ".join(f"{s[2]:.4f}" for s in seen), flush=True)
    return records * length / best, best, processor, peak


def bantam(folder, steps, rank, records, length):
    found = []
    # No path: its bench program would find PEFT, and run it too.
    peak = run([BENCH, folder, "lora", steps, rank, records, length], {**os.environ, "PATH": ""},
               lambda line, _: found.extend(re.findall(r"([\d.]+) tokens/s \(([\d.]+) s a step, ([\d.]+) s of processors\)", line)))
    return *map(float, found[0]), peak


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    binary, folder = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    steps, rank, records, length, together = [int(w) for w in sys.argv[3:8]] + [3, 16, 8, 256, 2][len(sys.argv[3:8]):]
    if records % together:
        sys.exit(f"{records} records are no multiple of {together} at a time")
    print(f"{folder.name}: LoRA rank {rank}, {records} x {length} tokens a step ({together} records at a time in MobileFineTuner), "
          f"{steps} steps after the first, {THREADS} threads", flush=True)
    for _ in range(ROUNDS):
        rows = []
        for name in ("MobileFineTuner", "Bantam"):
            with tempfile.TemporaryDirectory() as work:
                rows.append(mobile(binary, folder, pathlib.Path(work), steps, rank, records, length, together) if name != "Bantam"
                            else bantam(folder, steps, rank, records, length))
            speed, best, processor, peak = rows[-1]
            print(f"{name}: {speed:.1f} tokens/s ({best:.2f} s a step, {processor:.2f} s of processors), {peak:.2f} GiB at most",
                  flush=True)
        theirs, ours = rows
        print(f"Bantam does {ours[0] / theirs[0]:.2f} times the tokens/s; MobileFineTuner takes {theirs[2] / ours[2]:.2f} times the processor "
              f"time and {theirs[3] / ours[3]:.2f} times the memory", flush=True)


if __name__ == "__main__":
    main()
