#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets into corpus/TARGET/seed-NAME: one good file of each kind and
the bad ones that other readers fell over. Inputs that a fuzzer found are kept beside them."""
import json
import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / "corpus"


def write(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"seed-{name}").write_bytes(data)


def u32(n):
    return struct.pack("<I", n)


def u64(n):
    return struct.pack("<Q", n)


def text(s):
    s = s.encode() if isinstance(s, str) else s
    return u64(len(s)) + s


def gguf(keys, tensors=(), data=b"", version=3, key_count=None, tensor_count=None, alignment=32):
    """keys: (name, bytes of type and value); tensors: (name, dims, type, offset)."""
    out = b"GGUF" + u32(version)
    out += u64(len(tensors) if tensor_count is None else tensor_count)
    out += u64(len(keys) if key_count is None else key_count)
    for name, value in keys:
        out += text(name) + value
    for name, dims, kind, offset in tensors:
        out += text(name) + u32(len(dims)) + b"".join(u64(d) for d in dims) + u32(kind) + u64(offset)
    if tensors:
        out += bytes(-len(out) % alignment) + data
    return out


def array(kind, count, payload=b""):
    return u32(9) + u32(kind) + u64(count) + payload


def gguf_seeds():
    scalars = [(f"k{t}", u32(t) + bytes([1] + [0] * (size - 1)))
               for t, size in enumerate([1, 1, 2, 2, 4, 4, 4, 1]) ]
    scalars += [("k8", u32(8) + text("text")), ("k10", u32(10) + u64(7)), ("k11", u32(11) + u64(7)),
                ("k12", u32(12) + struct.pack("<d", 0.5))]
    arrays = [("tokenizer.ggml.tokens", array(8, 3, text("<s>") + text("") + text("三"))),
              ("tokenizer.ggml.scores", array(6, 3, struct.pack("<3f", 0, -1, 2))),
              ("ids", array(5, 2, struct.pack("<2i", -1, 5))), ("flags", array(7, 2, b"\1\0")),
              ("nested", array(9, 1, u32(0) + u64(2) + b"ab"))]
    arch = [("general.architecture", u32(8) + text("llama"))]
    tensors = [("token_embd.weight", (4, 2), 0, 0), ("norm", (3,), 1, 32), ("q", (32, 1), 8, 64),
               ("k", (256,), 12, 128), ("b", (2,), 30, 288)]
    data = bytes(range(256)) + bytes(36)
    write("gguf", "good", gguf(arch + scalars + arrays, tensors, data))
    write("gguf", "v2", gguf(arch, tensors[:1], data, version=2))
    write("gguf", "vocabulary", gguf(arch + arrays))
    write("gguf", "aligned-8", gguf([("general.alignment", u32(4) + u32(8))],
                                    [("a", (2,), 0, 0), ("b", (1,), 0, 8)], data, alignment=8))
    # llama.cpp#27188: an array of 2^63 elements hung a reader; counts and lengths of 2^63
    write("gguf", "array-2-63", gguf([("a", array(0, 1 << 63))]))
    write("gguf", "array-2-63-cut", gguf([("a", array(0, 1 << 63))])[:43])
    write("gguf", "nested-2-62", gguf([("a", array(9, 1, u32(0) + u64(1 << 62)))]))
    write("gguf", "keys-2-63", gguf([], key_count=1 << 63))
    write("gguf", "tensors-2-63", gguf([], tensor_count=1 << 63))
    write("gguf", "string-2-63", gguf([("a", u32(8) + u64(1 << 63) + b"x")]))
    # ggml#1516: strings and alignments of 1 GiB
    write("gguf", "string-1g", gguf([("a", u32(8) + u64(1 << 30) + bytes(99))]))
    write("gguf", "alignment-1g", gguf([("general.alignment", u32(4) + u32(1 << 30))],
                                       [("a", (1,), 0, 0)], data))
    # llama.cpp#26690: scores of one byte each, read as floats
    write("gguf", "narrow-scores", gguf([("tokenizer.ggml.scores", array(0, 3, b"\1\2\3"))]))
    write("gguf", "deep", gguf([("a", u32(9) + (u32(9) + u64(1)) * 200)]))
    write("gguf", "twice", gguf(arch + arch))
    write("gguf", "overlap", gguf(arch, [("a", (8,), 0, 0), ("b", (8,), 0, 0)], bytes(64)))
    write("gguf", "product", gguf(arch, [("a", (1 << 32, 1 << 32), 0, 0)], bytes(64)))
    write("gguf", "big-endian", b"GGUF" + struct.pack(">IQQ", 3, 0, 0))


def safetensors(header, data=b""):
    header = header.encode() if isinstance(header, str) else header
    return u64(len(header)) + header + data


def safetensors_seeds():
    def tensor(dtype, shape, begin, end):
        return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}

    good = {"__metadata__": {"format": "pt"}, "a": tensor("F32", [2, 1], 0, 8),
            "b\"三": tensor("BF16", [3], 8, 14), "c": tensor("I32", [], 14, 18),
            "d": tensor("F8_E4M3", [0, 4], 18, 18)}
    write("safetensors", "good", safetensors(json.dumps(good, ensure_ascii=False), bytes(range(18))))
    write("safetensors", "empty", safetensors("{}      "))
    write("safetensors", "length-2-63", u64(1 << 63) + b"{}")
    write("safetensors", "length-past", u64(3) + b"{}")
    write("safetensors", "deep", safetensors('{"a":' + "[" * 500))
    write("safetensors", "gap", safetensors(json.dumps({"a": tensor("F32", [1], 4, 8)}), bytes(8)))
    write("safetensors", "overlap", safetensors(
        json.dumps({"a": tensor("F32", [1], 0, 4), "b": tensor("F32", [1], 2, 6)}), bytes(6)))
    write("safetensors", "reversed",
          safetensors(json.dumps({"a": tensor("F32", [1], 4, 0)}), bytes(4)))
    write("safetensors", "product",
          safetensors(json.dumps({"a": tensor("F32", [1 << 32, 1 << 32, 4], 0, 4)}), bytes(4)))
    same = '"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}'
    write("safetensors", "twice", safetensors("{" + same + "," + same + "}", bytes(1)))
    write("safetensors", "numbers", safetensors(
        '{"a":{"dtype":"U8","shape":[1e400,-1,1.5,18446744073709551615],"data_offsets":[0,1]}}', b"x"))


gguf_seeds()
safetensors_seeds()
