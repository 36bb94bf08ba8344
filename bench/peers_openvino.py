"""OpenVINO GenAI's side of bench/peers. Usage: peers_openvino.py MODEL.gguf THREADS PROMPT ANSWER; prints a line of JSON.

Three prompts that share no beginning (it keeps what it has read); the medians of its own meters.
"""
import json, statistics, sys

import numpy
import openvino
import openvino_genai as genai

model, threads, prompt, answer = sys.argv[1], *map(int, sys.argv[2:5])
pipe = genai.LLMPipeline(model, "CPU", INFERENCE_NUM_THREADS=threads)
config = genai.GenerationConfig(max_new_tokens=answer, min_new_tokens=answer, do_sample=False, ignore_eos=True)
prefill, decode = [], []
for turn in range(4):  # the first one warms up
    ids = numpy.random.default_rng(turn).integers(100, 30000, (1, prompt), dtype=numpy.int64)
    inputs = genai.TokenizedInputs(openvino.Tensor(ids), openvino.Tensor(numpy.ones_like(ids)))
    metrics = pipe.generate(inputs, config).perf_metrics
    if turn > 0:
        prefill.append(prompt / (metrics.get_ttft().mean / 1e3))
        decode.append(1e3 / metrics.get_tpot().mean)
print(json.dumps({"prefill": statistics.median(prefill), "decode": statistics.median(decode)}))
