#!/usr/bin/env python3
"""Prints rope_reference.inc: what rotary frequencies and their scale must be, in float64.

    python3 rope_reference.py > rope_reference.inc

Written from the semantics of the makers' code: transformers (src/transformers/modeling_rope_utils.py)
for config.json, llama.cpp (ggml/src/ggml-cpu/ops.cpp, rope_yarn and ggml_rope_yarn_corr_dims;
src/llama-context.cpp for the factor of cosines and sines) for GGUF keys.
"""
import json
import math


def turns(base, dim):
    return [base ** (-2.0 * i / dim) for i in range(dim // 2)]


def ramp(low, high, dim):
    if low == high:
        high += 0.001
    return [min(max((i - low) / (high - low), 0.0), 1.0) for i in range(dim // 2)]


def correction(rotations, base, dim, context):
    return dim * math.log(context / (rotations * 2 * math.pi)) / (2 * math.log(base))


def mscale(factor, m=1.0):
    return 1.0 if factor <= 1 else 0.1 * m * math.log(factor) + 1.0


def from_config(config, context):
    """The kinds of transformers; `context`: positions of the run."""
    s = config.get('rope_parameters') or config.get('rope_scaling') or {}
    base = s.get('rope_theta', config.get('rope_theta', 10000.0))
    part = s.get('partial_rotary_factor', config.get('partial_rotary_factor', 1.0))
    head = config.get('head_dim') or config['hidden_size'] // config['num_attention_heads']
    dim = int(head * part)
    longest = config['max_position_embeddings']
    kind = s.get('rope_type', s.get('type', 'default'))
    if kind == 'su':
        kind = 'longrope'
    plain = turns(base, dim)
    if kind == 'default':
        return plain, 1.0
    if kind == 'linear':
        return [f / s['factor'] for f in plain], 1.0
    if kind == 'dynamic':
        factor, length = s['factor'], max(context, longest)
        grown = base * (factor * length / longest - (factor - 1)) ** (dim / (dim - 2))
        return turns(grown, dim), 1.0
    if kind == 'yarn':
        original = s.get('original_max_position_embeddings') or longest
        factor = s.get('factor') or longest / original
        attention = s.get('attention_factor')
        if attention is None:
            m, m_all = s.get('mscale'), s.get('mscale_all_dim')
            attention = mscale(factor, m) / mscale(factor, m_all) if m and m_all else mscale(factor)
        low = correction(s.get('beta_fast') or 32, base, dim, original)
        high = correction(s.get('beta_slow') or 1, base, dim, original)
        if s.get('truncate', True):
            low, high = math.floor(low), math.ceil(high)
        shares = ramp(max(low, 0), min(high, dim - 1), dim)
        return [f / factor * r + f * (1 - r) for f, r in zip(plain, shares)], attention
    if kind == 'longrope':
        original = config.get('original_max_position_embeddings')
        factor = longest / original if original else s.get('factor', 1.0)
        original = original or longest
        attention = s.get('attention_factor')
        if attention is None:
            attention = 1.0 if factor <= 1 else math.sqrt(1 + math.log(factor) / math.log(original))
        divisors = s['long_factor'] if context > original else s['short_factor']
        return [f / d for f, d in zip(plain, divisors)], attention
    if kind == 'llama3':
        out = []
        for f in plain:
            length = 2 * math.pi / f
            share = (s['original_max_position_embeddings'] / length - s['low_freq_factor']) / (
                s['high_freq_factor'] - s['low_freq_factor'])
            share = min(max(share, 0.0), 1.0)
            out.append((1 - share) * f / s['factor'] + share * f)
        return out, 1.0
    raise ValueError(kind)


def from_keys(keys, dim):
    """llama.cpp: theta and magnitude of each pair for position 1."""
    base = keys.get('rope.freq_base', 10000.0)
    kind = keys.get('rope.scaling.type', 'linear')
    factor = keys.get('rope.scaling.factor', 0.0) or 1.0
    freq_scale = 1.0 if kind == 'none' else 1.0 / factor
    magnitude = keys.get('rope.scaling.attn_factor', 1.0)
    context = keys.get('rope.scaling.original_context_length', keys['context_length'])
    plain = turns(base, dim)
    if kind != 'yarn':
        return [f * freq_scale for f in plain], magnitude
    low = max(0.0, math.floor(correction(keys.get('rope.scaling.yarn_beta_fast', 32.0), base, dim, context)))
    high = min(dim - 1.0, math.ceil(correction(keys.get('rope.scaling.yarn_beta_slow', 1.0), base, dim, context)))
    out = []
    for i, f in enumerate(plain):
        y = (i - low) / max(0.001, high - low)
        mix = 1.0 - min(1.0, max(0.0, y))
        out.append(f * freq_scale * (1 - mix) + f * mix)
    return out, magnitude * (1.0 + 0.1 * math.log(1.0 / freq_scale))


SHAPE = {'hidden_size': 64, 'num_attention_heads': 4, 'num_hidden_layers': 1, 'intermediate_size': 8,
         'vocab_size': 9, 'max_position_embeddings': 512}
LONG = {'short_factor': [1.0 + 0.1 * i for i in range(8)], 'long_factor': [1.5 + i for i in range(8)]}
YARN = {'rope_type': 'yarn', 'factor': 4.0, 'original_max_position_embeddings': 128}
CONFIGS = [
    ('plain', {}, 0),
    ('partial', {'partial_rotary_factor': 0.75, 'rope_theta': 5e5}, 0),
    ('wide_heads', {'head_dim': 32}, 0),
    ('newer_form', {'rope_parameters': {'rope_type': 'default', 'rope_theta': 1e6}}, 0),
    ('linear', {'rope_scaling': {'type': 'linear', 'factor': 2.5}}, 0),
    ('linear_newer', {'rope_parameters': {'rope_type': 'linear', 'factor': 8.0, 'rope_theta': 1e6}}, 0),
    ('dynamic_within', {'rope_scaling': {'rope_type': 'dynamic', 'factor': 2.0}}, 300),
    ('dynamic_beyond', {'rope_scaling': {'type': 'dynamic', 'factor': 2.0}}, 1500),
    ('dynamic_partial', {'partial_rotary_factor': 0.5, 'rope_scaling': {'type': 'dynamic', 'factor': 4.0}}, 2048),
    ('yarn', {'rope_scaling': YARN}, 0),
    ('yarn_theta', {'rope_theta': 1e6, 'rope_scaling': {**YARN, 'factor': 2.5}}, 0),
    ('yarn_no_original', {'rope_scaling': {'type': 'yarn', 'factor': 4.0}}, 0),
    ('yarn_ratio', {'rope_scaling': {'rope_type': 'yarn', 'factor': None, 'original_max_position_embeddings': 64}}, 0),
    ('yarn_betas', {'rope_scaling': {**YARN, 'beta_fast': 4.0, 'beta_slow': 0.25}}, 0),
    ('yarn_attention', {'rope_scaling': {**YARN, 'attention_factor': 1.25}}, 0),
    ('yarn_mscale', {'rope_scaling': {**YARN, 'mscale': 0.7, 'mscale_all_dim': 1.2}}, 0),
    ('yarn_not_truncated', {'rope_scaling': {**YARN, 'truncate': False}}, 0),
    ('yarn_newer_partial', {'partial_rotary_factor': 0.5, 'rope_parameters': {**YARN, 'rope_theta': 3e4}}, 0),
    ('llama3', {'rope_theta': 5e5, 'rope_scaling': {
        'rope_type': 'llama3', 'factor': 8.0, 'low_freq_factor': 1.0, 'high_freq_factor': 4.0,
        'original_max_position_embeddings': 64}}, 0),
    ('longrope_short', {'original_max_position_embeddings': 128, 'rope_scaling': {'type': 'longrope', **LONG}}, 128),
    ('longrope_long', {'original_max_position_embeddings': 128, 'rope_scaling': {'type': 'longrope', **LONG}}, 129),
    ('longrope_trained', {'original_max_position_embeddings': 128, 'rope_scaling': {'type': 'su', **LONG}}, 0),
    ('longrope_factor', {'rope_scaling': {'rope_type': 'longrope', 'factor': 4.0, **LONG}}, 0),
    ('longrope_attention', {'original_max_position_embeddings': 128,
                            'rope_scaling': {'type': 'longrope', 'attention_factor': 1.5, **LONG}}, 0),
]
KEYS = [
    ('linear', {'rope.scaling.type': 'linear', 'rope.scaling.factor': 4.0}),
    ('no_kind', {'rope.scaling.factor': 4.0}),
    ('none', {'rope.scaling.type': 'none', 'rope.scaling.factor': 4.0}),
    ('yarn', {'rope.scaling.type': 'yarn', 'rope.scaling.factor': 4.0,
              'rope.scaling.original_context_length': 128}),
    ('yarn_attn_factor', {'rope.freq_base': 5e5, 'rope.scaling.type': 'yarn', 'rope.scaling.factor': 8.0,
                          'rope.scaling.attn_factor': 0.75, 'rope.scaling.original_context_length': 64}),
    ('yarn_betas', {'rope.scaling.type': 'yarn', 'rope.scaling.factor': 4.0, 'rope.scaling.yarn_beta_fast': 4.0,
                    'rope.scaling.yarn_beta_slow': 0.25, 'rope.scaling.original_context_length': 128}),
]


def show(values):
    return '{' + ', '.join(repr(v) for v in values) + '}'


print('// What rotary frequencies must be; printed by rope_reference.py.')
print('// clang-format off')
print('inline const FromConfig kFromConfig[] = {')
for name, more, context in CONFIGS:
    config = {**SHAPE, **more}
    frequencies, scale = from_config(config, context or config['max_position_embeddings'])
    print(f'    {{"{name}", R"({json.dumps(config)})", {context}, {scale!r},\n     {show(frequencies)}}},')
print('};')
print('inline const FromKeys kFromKeys[] = {')
for name, keys in KEYS:
    frequencies, scale = from_keys({'context_length': 512, **keys}, 16)
    texts = [f'{{"{k}", {json.dumps(v)}}}' for k, v in keys.items() if isinstance(v, str)]
    integers = [f'{{"{k}", {v}}}' for k, v in keys.items() if isinstance(v, int)]
    numbers = [f'{{"{k}", {v!r}f}}' for k, v in keys.items() if isinstance(v, float)]
    print(f'    {{"{name}", {{{", ".join(texts)}}}, {{{", ".join(integers)}}}, {{{", ".join(numbers)}}}, {scale!r},\n'
          f'     {show(frequencies)}}},')
print('};')
print('// clang-format on')
