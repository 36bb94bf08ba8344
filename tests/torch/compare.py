#!/usr/bin/env python3
"""The first 20 losses of a training run, ours and PyTorch's, in float32 on the same weights and data.

    compare.py BUILD_FOLDER

Exits with 77 (skipped) when PyTorch is not installed, with 1 when a loss differs by more than 1e-4.
The model is written here from the papers' formulas, with PyTorch's own AdamW and clipping.
"""
import json, math, os, subprocess, sys, tempfile

try:
    import numpy, torch
except ImportError:
    print("PyTorch is not installed (scripts/setup --torch)")
    sys.exit(77)


def rms_norm(x, gain, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * gain


def rotate(x, angles):  # x [T, heads, head_dim], pairs (i, i + half)
    half = x.shape[-1] // 2
    a, b = x[..., :half], x[..., half:]
    cos, sin = angles.cos()[:, None, :], angles.sin()[:, None, :]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def losses_of(run, weights, step):
    positions = torch.tensor(step["positions"])
    documents = torch.tensor(step["documents"])
    tokens = torch.tensor(step["tokens"])
    heads, kv, dim = run["heads"], run["kv_heads"], run["head_dim"]
    frequencies = torch.tensor([run["rope_base"] ** (-2 * i / dim) for i in range(dim // 2)], dtype=torch.float64)
    angles = (positions[:, None].double() * frequencies[None]).float()
    index = torch.arange(len(tokens))
    seen = (documents[:, None] == documents[None, :]) & (index[None, :] <= index[:, None])
    x = weights["token_embd.weight"][tokens]
    for l in range(run["layers"]):
        w = lambda name: weights["blk.%d.%s.weight" % (l, name)]
        h = rms_norm(x, w("attn_norm"), run["eps"])
        q = rotate((h @ w("attn_q").T).view(-1, heads, dim), angles)
        k = rotate((h @ w("attn_k").T).view(-1, kv, dim), angles).repeat_interleave(heads // kv, 1)
        v = (h @ w("attn_v").T).view(-1, kv, dim).repeat_interleave(heads // kv, 1)
        scores = torch.einsum("thd,shd->hts", q, k) / math.sqrt(dim)
        scores = scores.masked_fill(~seen[None], float("-inf"))
        x = x + torch.einsum("hts,shd->thd", scores.softmax(-1), v).reshape(len(tokens), -1) @ w("attn_output").T
        h = rms_norm(x, w("ffn_norm"), run["eps"])
        x = x + (torch.nn.functional.silu(h @ w("ffn_gate").T) * (h @ w("ffn_up").T)) @ w("ffn_down").T
    logits = rms_norm(x, weights["output_norm.weight"], run["eps"]) @ weights["token_embd.weight"].T
    targets = torch.tensor(step["targets"])
    each = torch.nn.functional.cross_entropy(logits, targets.clamp(min=0), reduction="none")
    return (each * torch.tensor(step["weights"]) * (targets >= 0)).sum()


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([os.path.join(sys.argv[1], "torch_dump"), folder], check=True)
        with open(os.path.join(folder, "run.json")) as f:
            run = json.load(f)
        flat = torch.from_numpy(numpy.fromfile(os.path.join(folder, "weights.f32"), dtype="<f4"))
    weights, at = {}, 0
    for p in run["parameters"]:
        size = math.prod(p["shape"])
        weights[p["name"]] = flat[at:at + size].reshape(p["shape"]).clone().requires_grad_()
        at += size
    decay = [w for w in weights.values() if w.dim() == 2]
    plain = [w for w in weights.values() if w.dim() != 2]
    adam = torch.optim.AdamW([{"params": decay, "weight_decay": run["weight_decay"]}, {"params": plain, "weight_decay": 0.0}],
                             lr=run["rate"], betas=(run["beta1"], run["beta2"]), eps=run["adam_eps"])
    worst = 0.0
    for i, step in enumerate(run["steps"]):
        loss = losses_of(run, weights, step)
        worst = max(worst, abs(loss.item() - step["loss"]))
        print("step %2d: ours %.6f, PyTorch %.6f" % (i, step["loss"], loss.item()))
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(weights.values()), run["clip"], error_if_nonfinite=True)
        for group in adam.param_groups:
            group["lr"] = run["rate"] * step["factor"]
        adam.step()
    print("largest difference %.2e, 1e-4 is allowed" % worst)
    return 0 if worst <= 1e-4 else 1


if __name__ == "__main__":
    sys.exit(main())
