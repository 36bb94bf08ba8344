# The same steps by PEFT: MODEL full|lora steps rank records tokens. Prints tokens/s of float32 and of
# bf16 autocast, and the most memory that each process held.
import os, resource, sys, time
import torch
from transformers import AutoModelForCausalLM

folder, method, steps, rank, records, length = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:7])
kinds = [sys.argv[7]] if len(sys.argv) > 7 else ["float32", "bf16"]
if len(kinds) > 1:  # each in a process of its own, for its memory
    for kind in kinds:
        sys.stdout.flush()
        os.system(" ".join([sys.executable, *map(lambda w: "'" + w + "'", sys.argv), kind]))
    sys.exit(0)
torch.manual_seed(1)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
if method == "lora":
    import peft
    model = peft.get_peft_model(model, peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"))
model.train()
optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
ids = torch.randint(0, model.config.vocab_size, (records, length))
best = processor = 1e30
for i in range(steps + 1):
    start, used = time.perf_counter(), time.process_time()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=kinds[0] == "bf16"):
        loss = model(input_ids=ids, labels=ids).loss
    loss.backward()
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    if i > 0:
        best = min(best, time.perf_counter() - start)
        processor = min(processor, time.process_time() - used)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024
print(f"PEFT {method} {kinds[0]} rank {rank}: {records * length / best:.1f} tokens/s ({best:.2f} s a step, {processor:.2f} s of processors), {peak:.2f} GiB at most")
