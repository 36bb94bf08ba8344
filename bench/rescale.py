#!/usr/bin/env python3
"""A model that says the same with other numbers, so that rounding it again is a fair test.

  bench/rescale.py FOLDER OUT        folders with config.json and model.safetensors in F32 (bantam convert MODEL.gguf FOLDER --type f32)

The weights of a model that is only to be had in few bits lie on the grid of its type, which one type finds again and others do not.
Here each input of a Llama's layers gets a factor from 0.7 to 1.43: the gain before it, or the rows that make it, are divided by what
its column is multiplied with. In real numbers the function is the same; no block of a row lies on a grid any more. The embedding
stays. Standard library only.
"""
import array, json, math, operator, pathlib, random, shutil, struct, sys


def main():
    source, out = map(pathlib.Path, sys.argv[1:3])
    shutil.copytree(source, out, dirs_exist_ok=True)
    file = out / "model.safetensors"
    shape = json.loads((out / "config.json").read_text())
    layers, width, inner = shape["num_hidden_layers"], shape["hidden_size"], shape["intermediate_size"]
    heads, keys = shape["num_attention_heads"], shape["num_key_value_heads"]
    head = shape.get("head_dim", width // heads)
    chance = random.Random(1)
    factors = lambda n: [math.exp(chance.uniform(-0.357, 0.357)) for _ in range(n)]
    inverse = lambda x: [1 / v for v in x]
    with open(file, "r+b") as f:
        size = struct.unpack("<Q", f.read(8))[0]
        tensors = json.loads(f.read(size))

        def change(name, columns=None, rows=None):
            t = tensors[name]
            assert t["dtype"] == "F32", f"{name}: F32 was expected, not {t['dtype']}"
            f.seek(8 + size + t["data_offsets"][0])
            values = array.array("f", f.read(t["data_offsets"][1] - t["data_offsets"][0]))
            wide = t["shape"][-1]
            for r in range(len(values) // wide):
                row = values[r * wide : (r + 1) * wide]
                by = columns if columns else [rows[r]] * wide
                values[r * wide : (r + 1) * wide] = array.array("f", map(operator.mul, row, by))
            f.seek(8 + size + t["data_offsets"][0])
            f.write(values.tobytes())

        for i in range(layers):
            part = lambda name: f"model.layers.{i}.{name}.weight"
            for gain, readers in (("input_layernorm", ["q_proj", "k_proj", "v_proj"]), ("post_attention_layernorm", ["gate_proj", "up_proj"])):
                by = factors(width)
                change(part(gain), columns=inverse(by))
                for reader in readers:
                    change(part(("self_attn." if gain == "input_layernorm" else "mlp.") + reader), columns=by)
            by = factors(keys * head)
            change(part("self_attn.v_proj"), rows=inverse(by))
            change(part("self_attn.o_proj"), columns=[by[(h * keys // heads) * head + d] for h in range(heads) for d in range(head)])
            by = factors(inner)
            change(part("mlp.up_proj"), rows=inverse(by))
            change(part("mlp.down_proj"), columns=by)


if __name__ == "__main__":
    main()
