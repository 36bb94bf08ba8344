#!/usr/bin/env python3
"""PyTorch's side of bench/train: a Llama of the same shape, AdamW (foreach) and clipping.

Reads a line "LAYERS WIDTH HEADS FEED_FORWARD VOCABULARY ROWS CONTEXT TIED" per shape from standard
input, and then lines "f32" or "bf16"; for each of those it runs one step and prints its seconds.
"""
import sys, time

import torch
import torch.nn.functional as F


class Block(torch.nn.Module):
    def __init__(self, width, heads, feed_forward):
        super().__init__()
        self.heads = heads
        self.n1 = torch.nn.Parameter(torch.ones(width))
        self.n2 = torch.nn.Parameter(torch.ones(width))
        linear = lambda i, o: torch.nn.Linear(i, o, bias=False)
        self.qkv, self.out = linear(width, 3 * width), linear(width, width)
        self.gate_up, self.down = linear(width, 2 * feed_forward), linear(feed_forward, width)

    def forward(self, x, cos, sin, mask):
        norm = lambda h, g: h * torch.rsqrt(h.float().pow(2).mean(-1, keepdim=True) + 1e-5) * g
        b, t, d = x.shape
        q, k, v = self.qkv(norm(x, self.n1)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)

        def turn(h):
            a, c = h.chunk(2, -1)
            return torch.cat([a * cos - c * sin, c * cos + a * sin], -1).type_as(v)

        scores = turn(q) @ turn(k).transpose(-1, -2) * (d // self.heads) ** -0.5 + mask
        x = x + self.out((scores.softmax(-1).type_as(v) @ v).transpose(1, 2).reshape(b, t, d))
        gate, up = self.gate_up(norm(x, self.n2)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Llama(torch.nn.Module):
    def __init__(self, layers, width, heads, feed_forward, vocabulary, rows, context, tied):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocabulary, width)
        self.blocks = torch.nn.ModuleList(Block(width, heads, feed_forward) for _ in range(layers))
        self.norm = torch.nn.Parameter(torch.ones(width))
        self.head = torch.nn.Linear(width, vocabulary, bias=False)
        if tied:
            self.head.weight = self.embedding.weight
        half = width // heads // 2
        angles = torch.arange(context)[:, None] * 10000.0 ** (-torch.arange(half) / half)
        self.cos, self.sin = angles.cos(), angles.sin()
        self.mask = torch.full((context, context), float("-inf")).triu(1)

    def forward(self, tokens, targets):
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, self.cos, self.sin, self.mask)
        x = x * torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + 1e-5) * self.norm
        return F.cross_entropy(self.head(x).float().flatten(0, 1), targets.flatten())


def main():
    model = adam = tokens = None
    for line in sys.stdin:
        words = line.split()
        if len(words) == 8:
            shape = [int(w) for w in words]
            torch.manual_seed(1)
            model = Llama(*shape)
            adam = torch.optim.AdamW(model.parameters(), lr=1e-3, foreach=True)
            tokens = torch.randint(shape[4], (shape[5], shape[6] + 1))
            print("ready", flush=True)
            continue
        start = time.time()
        adam.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=words[0] == "bf16"):
            loss = model(tokens[:, :-1], tokens[:, 1:])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, foreach=True) if torch.__version__ >= "2" else torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        print(time.time() - start, flush=True)


main()
