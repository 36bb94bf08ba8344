#!/usr/bin/env python3
"""Logits of an OLMo 3 in float64, from a Hugging Face folder with F32 weights.

    olmo3_reference.py FOLDER 1,2,3 ROW[,ROW...]

prints the logits of these rows, a row a line. Written from the semantics of the makers' code:
transformers, src/transformers/models/olmo3/modeling_olmo3.py (Olmo3Attention, Olmo3DecoderLayer,
Olmo3RotaryEmbedding: layers with a window turn by the unscaled frequencies) and
modeling_rope_utils.py. Shares nothing with the program; numpy only.
"""
import json
import struct
import sys

import numpy as np


def tensors(path):
    with open(path, "rb") as f:
        (size,) = struct.unpack("<Q", f.read(8))
        header = json.loads(f.read(size))
        data = f.read()
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            assert entry["dtype"] == "F32", name
            array = np.frombuffer(data[begin:end], "<f4").astype(np.float64)
            yield name, array.reshape(entry["shape"])


def rms_norm(x, weight, eps):
    return weight * (x / np.sqrt((x * x).mean(-1, keepdims=True) + eps))


def rotate(x, angles):  # x [heads, tokens, width]
    half = x.shape[-1] // 2
    cos, sin = np.cos(angles), np.sin(angles)
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)


def softmax(s):
    e = np.exp(s - s.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def logits(folder, tokens):
    with open(folder + "/config.json", encoding="utf-8") as f:
        config = json.load(f)
    w = dict(tensors(folder + "/model.safetensors"))
    heads, stored = config["num_attention_heads"], config["num_key_value_heads"]
    width = config.get("head_dim", config["hidden_size"] // heads)
    eps, count = config["rms_norm_eps"], len(tokens)
    plain = config["rope_theta"] ** (-np.arange(0, width, 2) / width)
    scaling = config.get("rope_scaling") or {"rope_type": "default"}
    factor = {"default": 1.0, "linear": scaling.get("factor")}[scaling["rope_type"]]
    positions = np.arange(count)
    behind = positions[:, None] - positions[None, :]
    x = w["model.embed_tokens.weight"][tokens]
    for layer, kind in enumerate(config["layer_types"]):
        sliding = kind == "sliding_attention"
        angles = positions[:, None] * (plain if sliding else plain / factor)
        seen = (behind >= 0) & (behind < config["sliding_window"] if sliding else True)

        def of(name):
            return w[f"model.layers.{layer}.{name}.weight"]

        def split(y, n):
            return y.reshape(count, n, width).transpose(1, 0, 2)

        q = rms_norm(x @ of("self_attn.q_proj").T, of("self_attn.q_norm"), eps)
        k = rms_norm(x @ of("self_attn.k_proj").T, of("self_attn.k_norm"), eps)
        q, k = rotate(split(q, heads), angles), rotate(split(k, stored), angles)
        v = split(x @ of("self_attn.v_proj").T, stored)
        k, v = k.repeat(heads // stored, 0), v.repeat(heads // stored, 0)
        scores = np.where(seen, q @ k.transpose(0, 2, 1) / np.sqrt(width), -np.inf)
        a = (softmax(scores) @ v).transpose(1, 0, 2).reshape(count, heads * width)
        a = a @ of("self_attn.o_proj").T
        x = x + rms_norm(a, of("post_attention_layernorm"), eps)
        gate = x @ of("mlp.gate_proj").T
        y = (gate / (1 + np.exp(-gate)) * (x @ of("mlp.up_proj").T)) @ of("mlp.down_proj").T
        x = x + rms_norm(y, of("post_feedforward_layernorm"), eps)
    x = rms_norm(x, w["model.norm.weight"], eps)
    head = "model.embed_tokens" if config["tie_word_embeddings"] else "lm_head"
    return x @ w[head + ".weight"].T


def main():
    rows = logits(sys.argv[1], [int(t) for t in sys.argv[2].split(",")])
    for row in sys.argv[3].split(","):
        print(" ".join(f"{x:.7g}" for x in rows[int(row)]))


main()
