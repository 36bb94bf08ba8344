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


def tokenizer_json(model, normalizer=None, pre=None, post=None, decoder=None, added=()):
    return json.dumps({"version": "1.0", "added_tokens": [
        {"id": i, "content": c, "special": s, "lstrip": False, "rstrip": True, "normalized": False, "single_word": False}
        for i, c, s in added], "normalizer": normalizer, "pre_tokenizer": pre, "post_processor": post,
        "decoder": decoder, "model": model}, ensure_ascii=False).encode()


def byte_letters():
    """The letters that byte-level BPE writes bytes with (GPT-2)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(others)}


def tokenizer_seeds():
    letters = byte_letters()
    vocab = {letters[b]: b for b in range(256)}
    merges = [("h", "e"), ("l", "l"), ("he", "ll"), ("hell", "o"), ("Ġ", "w"), ("1", "2")]
    for a, b in merges:
        vocab[a + b] = len(vocab)
    bpe = {"type": "BPE", "vocab": vocab, "merges": [f"{a} {b}" for a, b in merges]}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    split = {"type": "Split", "pattern": {"Regex": r"(?i:'s|'t)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+(?!\S)|\s+"},
             "behavior": "Isolated", "invert": False}
    ends = [(262, "<s>", True), (263, "</s>", True), (264, "<tool>", False)]
    template = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}}],
                "special_tokens": {"<s>": {"id": "<s>", "ids": [262], "tokens": ["<s>"]}}}
    write("tokenizer", "bpe", tokenizer_json(bpe, None, level, level, level))
    write("tokenizer", "bpe-split", tokenizer_json(
        bpe | {"merges": [list(m) for m in merges], "ignore_merges": True}, {"type": "NFC"},
        {"type": "Sequence", "pretokenizers": [split, level | {"use_regex": False}]},
        {"type": "Sequence", "processors": [level, template]}, level, ends))
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)] + ["▁", "▁H", "e", "l", "o", "ll", "ell", "中"]
    prepend = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
               {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
    undo = {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
    write("tokenizer", "sentencepiece", tokenizer_json(
        {"type": "BPE", "vocab": {p: i for i, p in enumerate(pieces)}, "merges": ["l l", "e ll"], "unk_token": "<unk>",
         "fuse_unk": True, "byte_fallback": True}, prepend, None, None, undo, [(1, "<s>", True)]))
    write("tokenizer", "unigram", tokenizer_json(
        {"type": "Unigram", "unk_id": 0, "vocab": [[p, -float(i)] for i, p in enumerate(pieces)], "byte_fallback": False},
        {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Strip", "strip_left": True, "strip_right": True},
         {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}, None,
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}))
    words = {w: i for i, w in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "hello", "world", "##or", "w", "中", ",", "!"])}
    bert = {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}
    write("tokenizer", "wordpiece", tokenizer_json(
        {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
         "vocab": words}, {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                           "strip_accents": None, "lowercase": True}, {"type": "BertPreTokenizer"}, bert,
        {"type": "WordPiece", "prefix": "##", "cleanup": True}, [(2, "[CLS]", True)]))
    pre = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True},
           {"type": "Punctuation", "behavior": "Isolated"}, {"type": "Whitespace"}, level]}
    norm = {"type": "Sequence", "normalizers": [{"type": t} for t in ("NFD", "NFKD", "Lowercase")]}
    write("tokenizer", "parts", tokenizer_json(bpe, norm, pre, {"type": "RobertaProcessing", "sep": ["</s>", 263],
          "cls": ["<s>", 262], "trim_offsets": True, "add_prefix_space": True}, level, ends))
    write("tokenizer", "unknown", tokenizer_json(bpe, {"type": "Wobble"}, level))
    write("tokenizer", "merge-cut", tokenizer_json(bpe | {"merges": ["h"]}, None, level))
    write("tokenizer", "merge-absent", tokenizer_json(bpe | {"merges": ["h zz"]}, None, level))
    write("tokenizer", "id-2-31", tokenizer_json({"type": "BPE", "vocab": {"a": 2147483647}, "merges": []}))
    write("tokenizer", "id-twice", tokenizer_json({"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": []}))
    write("tokenizer", "deep", b'{"pre_tokenizer":' + b'{"type":"Sequence","pretokenizers":[' * 40)
    write("tokenizer", "slow-regex", tokenizer_json(bpe, None, {"type": "Split", "pattern": {"Regex": "(a+)+$|(x*)*y"},
          "behavior": "Removed", "invert": False}))


def template_seeds():
    for name, source in {
        "loop": "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content']|string|trim }}{% endfor %}"
                "{% if add_generation_prompt %}<|assistant|>{% endif %}",
        "namespace": "{%- set ns = namespace(a=0, l=[]) -%}{%- for m in messages[::-1] -%}{%- set ns.a = ns.a + loop.index -%}"
                     "{%- endfor -%}{{ ns.a }}{{ ns }}",
        "macro": "{% macro f(x, y=2, *args, **kwargs) %}{{ x ~ y }}{{ caller() if caller else '' }}{% endmacro %}"
                 "{{ f(1) }}{% call(z) f(3, y='q') %}{{ z }}{% endcall %}",
        "tools": "{% if tools %}{{ tools|tojson(indent=2) }}{% for t in tools %}{{ t.function.name|upper }}"
                 "{% for k, v in t.function.parameters.properties|items %}{{ k }}{{ v|tojson }}{% endfor %}{% endfor %}{% endif %}",
        "think": "{% for m in messages %}{% if m.content is string and '</think>' in m.content %}"
                 "{{ m.content.split('</think>')[-1].lstrip('\n') }}{% elif m.content is none %}none{% endif %}{% endfor %}",
        "slices": "{{ s[1:-1] }}{{ s[::2] }}{{ l|sort|join(',') }}{{ l[-1] }}{{ messages[0:99:3]|length }}{{ 'a%s' % n }}"
                  "{{ '%05.2f|%-4d|%x' % (f, n, n) }}{{ '{0:>8}|{n:.3f}'.format(s, n=f) }}",
        "filters": "{{ messages|selectattr('role', 'equalto', 'user')|map(attribute='content')|list }}{{ l|map('string')|join }}"
                   "{{ l|batch(2)|list }}{{ l|sum }}{{ l|max }}{{ s|replace('l', 'L')|title|wordcount }}{{ none|default('d', true) }}",
        "raise": "{{ raise_exception('Only user and assistant roles are supported!') }}",
        "time": "{{ strftime_now('%d %B %Y %H:%M') }}",
        "recursive": "{% for x in l recursive %}{{ loop(l) if loop.depth < 4 }}{% endfor %}",
        "power": "{{ 2 ** 100000 }}{{ 10 ** -3 }}{{ 7 // 0 }}",
        "big": "{% for a in range(10000) %}{% for b in range(10000) %}{{ 'x' * 1000 }}{% endfor %}{% endfor %}",
        "deep": "{{ " + "(" * 300 + "1" + ")" * 300 + " }}",
        "cut": "{% for m in messages %}{{ m.role ",
        "comments": "{# a #}{#- b -#}{% raw %}{{ x }}{% endraw %}  {%+ if true %}\n{% endif -%}\n x",
    }.items():
        write("template", name, source.encode())


def config_seeds():
    base = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
            "intermediate_size": 64, "vocab_size": 99, "max_position_embeddings": 128, "rms_norm_eps": 1e-6,
            "rope_theta": 10000.0, "tie_word_embeddings": True}
    scaling = {
        "linear": {"type": "linear", "factor": 2.0}, "dynamic": {"rope_type": "dynamic", "factor": 4.0},
        "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32},
        "llama3": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                   "original_max_position_embeddings": 64}}
    for family, more in {
        "llama": {}, "mistral": {"sliding_window": 8}, "qwen2": {"use_sliding_window": True, "max_window_layers": 1, "sliding_window": 4},
        "qwen3": {"head_dim": 16}, "gemma": {"head_dim": 16}, "gemma2": {"head_dim": 16, "sliding_window": 8, "query_pre_attn_scalar": 16,
        "final_logit_softcapping": 30.0, "attn_logit_softcapping": 50.0}, "gemma3_text": {"head_dim": 16, "sliding_window": 8,
        "sliding_window_pattern": 2, "rope_local_base_freq": 10000.0, "query_pre_attn_scalar": 16}, "olmo2": {},
        "olmo3": {"sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"]}, "smollm3": {"no_rope_layers": [1, 0]},
        "granite": {"embedding_multiplier": 12.0, "logits_scaling": 8.0, "residual_multiplier": 0.22, "attention_multiplier": 0.5},
        "phi3": {"rope_scaling": {"type": "longrope", "short_factor": [1.0] * 4, "long_factor": [2.0] * 4},
                 "original_max_position_embeddings": 64}, "phi": {"partial_rotary_factor": 0.5, "layer_norm_eps": 1e-5, "hidden_act": "gelu_new"},
        "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "activation_function": "gelu_new"},
        "stablelm": {"partial_rotary_factor": 0.25, "qk_layernorm": True}, "nemotron": {"partial_rotary_factor": 0.5, "hidden_act": "relu2",
        "norm_eps": 1e-5}, "bitnet": {"hidden_act": "relu2"}, "openelm": {"model_dim": 32, "num_transformer_layers": 2, "head_dim": 8,
        "num_query_heads": [2, 4], "num_kv_heads": [1, 2], "ffn_multipliers": [0.5, 1.0], "ffn_dim_divisor": 16, "qkv_multipliers": [0.5, 1.0],
        "max_context_length": 64, "rope_freq_constant": 10000, "share_input_output_layers": True}}.items():
        write("config", family, json.dumps({"model_type": family} | base | more).encode())
    for kind, rope in scaling.items():
        write("config", f"rope-{kind}", json.dumps({"model_type": "llama", "rope_scaling": rope} | base).encode())
    write("config", "huge", json.dumps({"model_type": "llama"} | base | {"num_hidden_layers": 1 << 60}).encode())
    write("config", "negative", json.dumps({"model_type": "qwen3"} | base | {"hidden_size": -4}).encode())
    write("config", "fraction", json.dumps({"model_type": "llama"} | base | {"num_attention_heads": 2.5}).encode())
    write("config", "text", json.dumps({"model_type": "llama"} | base | {"rope_theta": "10000"}).encode())
    write("config", "null", json.dumps({"model_type": "llama"} | {k: None for k in base}).encode())
    write("config", "odd-head", json.dumps({"model_type": "llama"} | base | {"head_dim": 7}).encode())


def http_seeds():
    def seed(name, text, piece=200):
        write("http", name, bytes([piece]) + (text.encode() if isinstance(text, str) else text))

    def post(path, body, headers=""):
        body = body if isinstance(body, str) else json.dumps(body)
        return (f"POST {path} HTTP/1.1\r\nHost: localhost:8080\r\nAuthorization: Bearer key\r\n"
                f"Content-Type: application/json\r\n{headers}Content-Length: {len(body)}\r\n\r\n{body}")

    hello = [{"role": "system", "content": "Be short."},
             {"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    chat, completions = "/v1/chat/completions", "/v1/completions"
    everything = {"messages": hello, "prompt": [1, 2], "temperature": 0.5, "top_p": 1, "min_p": 0, "top_k": 5,
                  "frequency_penalty": 0, "presence_penalty": 0, "repeat_penalty": 1, "seed": -1, "n": 1,
                  "max_tokens": 5, "max_completion_tokens": 6, "stop": ["a", "b"], "stream": True,
                  "stream_options": {"include_usage": True}, "logit_bias": {"5": -100}, "tools": [],
                  "response_format": {"type": "text"}, "chat_template_kwargs": {"a": 1}, "echo": False,
                  "suffix": None}
    seed("chat", post(chat, {"messages": hello}))
    seed("everything", post(chat, everything))
    seed("completion", post(completions, {"prompt": "a", "stop": "b"}, "Expect: 100-continue\r\n"))
    seed("two", post(completions, {"prompt": ["a"]}) + "GET /v1/models?x HTTP/1.1\r\nHost: [::1]\r\n\r\n", 3)
    seed("chunked", "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
         "5;x=\"y\"\r\n{\"a\":\r\n2\r\n1}\r\n0\r\nT: z\r\n\r\nGET / HTTP/1.0\r\nHost: a\r\n\r\n", 1)
    # Beast 1.74 asserts that more than four bytes are there.
    seed("empty-chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0)
    seed("folded", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\tc\r\n\r\n")
    seed("lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\n{}")
    seed("smuggled", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    seed("deep", post(chat, '{"messages":' + "[" * 500))
    seed("many-fields", "GET / HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n" * 200, 5)
    seed("tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")


gguf_seeds()
safetensors_seeds()
tokenizer_seeds()
template_seeds()
config_seeds()
http_seeds()
