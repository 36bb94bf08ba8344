#!/usr/bin/env python3
"""adapters.py BANTAM WORK [LLAMA]: adapters go both ways between Bantam, PEFT and llama.cpp.

A small model is trained in WORK and opened as a folder. Adapters made in PEFT (LoRA, rsLoRA, DoRA, ranks
and alphas by pattern, whole embeddings and norms) must give the same greedy tokens in Bantam; one made by
`bantam finetune` the same in PEFT; and the same, as GGUF on the model in Q4_K, the same text in
llama.cpp, whose programs lie in LLAMA (left out: that part is). Each must also change what the base says,
or it would prove nothing. Needs torch, transformers and peft (2.15, 5.24 and 0.21.2 were tried)."""
import json
import os
import shutil
import subprocess
import sys

import peft
import torch
import transformers

TOKENS = 24
# Logits nearer than this are a tie, which two orders of summation may decide differently.
TIE = 1e-4
PROMPTS = ['<|user|>What comes after %d?<|assistant|>' % n for n in (7, 12, 30)]
ANSWERS = {7: 'Seven is the day of rest.', 12: 'Twelve are the months.', 30: 'Thirty days has June.'}
RECIPE = """
[data]
text = "text.jsonl"
[tokenizer]
vocabulary = 400
[model]
layers = 2
width = 256
heads = 4
feed_forward = 512
[train]
tokens = 60_000
context = 64
rows = 8
seed = 1
"""


def run(*command, **more):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    if done.returncode:
        raise RuntimeError('%s: %s' % (' '.join(map(str, command)), done.stderr.decode('utf-8', 'replace').strip()[-400:]))
    return done.stdout.decode('utf-8')


def conversation(question, answer):
    return json.dumps({'messages': [{'role': 'user', 'content': question}, {'role': 'assistant', 'content': answer}]})


def make_model(bantam, work):
    """The base as model.gguf, as a folder in float32, and as q4_k.gguf."""
    with open(os.path.join(work, 'text.jsonl'), 'w') as file:
        for n in range(1, 401):
            print(conversation('What comes after %d?' % n, 'It is %d.' % (n + 1)), file=file)
    with open(os.path.join(work, 'recipe.toml'), 'w') as file:
        file.write(RECIPE)
    run(bantam, 'train', 'recipe.toml', '--out', 'model.gguf', '--force', cwd=work)
    run(bantam, 'convert', 'model.gguf', 'folder', '--type', 'f32', '--force', cwd=work)
    run(bantam, 'quantize', 'model.gguf', 'q4_k.gguf', '--type', 'q4_k', '--force', cwd=work)


class Ours:
    def __init__(self, bantam, work):
        self.bantam, self.work = bantam, work

    def answer(self, model, prompt, adapter=None):
        more = ['--adapter', adapter] if adapter else []
        return json.loads(run(self.bantam, 'generate', model, '--prompt', prompt, '-n', TOKENS, '--temp', 0, '--json',
                              '--cache', 'f32', *more, cwd=self.work))

    def ids(self, prompt):
        return json.loads(run(self.bantam, 'tokenize', 'folder', '--text', prompt, '--json', cwd=self.work))['ids']


def base_model(work):
    return transformers.AutoModelForCausalLM.from_pretrained(os.path.join(work, 'folder'), dtype=torch.float32)


def same_tokens(model, ids, ours, end):
    """Whether PEFT, fed with our tokens, would have chosen each of them; None: a tie came first."""
    model.eval()
    with torch.no_grad():
        logits = model(torch.tensor([ids + ours])).logits[0].float()
    for i, token in enumerate(ours):
        row = logits[len(ids) - 1 + i]
        best = int(row.argmax())
        if best == token:
            continue
        return None if float(row[best] - row[token]) < TIE else False
    return len(ours) == TOKENS or ours[-1] in end


class Checks:
    def __init__(self):
        self.failed = self.passed = self.ties = 0

    def tell(self, good, label):
        self.passed += bool(good)
        self.failed += not good
        print('%s %s' % ('ok' if good else 'FAILED', label), flush=True)


def fill(model, size, seed):
    """What PEFT leaves at zero, drawn; whole modules shaken."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        draw = torch.randn(parameter.shape, generator=generator)
        with torch.no_grad():
            if 'lora_B' in name:
                parameter.copy_(draw * size)
            elif 'magnitude' in name:
                parameter.mul_(1 + 0.2 * draw)
            elif 'modules_to_save' in name:
                parameter.add_(draw * size)


# Name, settings of LoraConfig, deviation of what is drawn.
MADE_THERE = [
    ('LoRA', {'r': 8, 'lora_alpha': 16, 'target_modules': 'all-linear'}, 0.3),
    ('LoRA of some layers', {'r': 4, 'lora_alpha': 8, 'target_modules': ['q_proj', 'up_proj', 'down_proj'],
                             'layers_to_transform': [1]}, 2),
    ('rsLoRA, wide', {'r': 40, 'lora_alpha': 16, 'use_rslora': True, 'target_modules': ['v_proj', 'up_proj']}, 0.5),
    ('ranks and alphas by pattern', {'r': 4, 'lora_alpha': 8, 'target_modules': ['q_proj', 'k_proj', 'o_proj'],
                                     'rank_pattern': {'k_proj': 2}, 'alpha_pattern': {'layers.1.self_attn.q_proj': 32}}, 0.5),
    ('DoRA', {'r': 8, 'lora_alpha': 16, 'use_dora': True, 'target_modules': 'all-linear'}, 0.3),
    ('whole norms', {'r': 4, 'lora_alpha': 8, 'target_modules': ['q_proj'],
                     'modules_to_save': ['input_layernorm', 'post_attention_layernorm', 'norm']}, 0.6),
    ('whole embedding', {'r': 4, 'lora_alpha': 8, 'target_modules': ['q_proj'], 'modules_to_save': ['embed_tokens']}, 0.2),
    ('whole embedding, kept tied', {'r': 4, 'lora_alpha': 8, 'target_modules': ['q_proj'], 'modules_to_save': ['embed_tokens'],
                                    'ensure_weight_tying': True}, 0.2),
    ('whole head', {'r': 4, 'lora_alpha': 8, 'target_modules': ['q_proj'], 'modules_to_save': ['lm_head']}, 0.2),
]


# What is not computed here, and the name that the refusal must say.
REFUSED = [('LoRA of the head', {'r': 4, 'target_modules': ['lm_head']}, 'modules_to_save'),
           ('LoRA of the embedding', {'r': 4, 'target_modules': ['embed_tokens']}, 'modules_to_save'),
           ('activated LoRA', {'r': 4, 'target_modules': ['q_proj'], 'alora_invocation_tokens': [1]}, 'alora_invocation_tokens')]


def made_there(work, number, settings, size):
    adapter = os.path.join(work, 'peft-%d' % number)
    shutil.rmtree(adapter, ignore_errors=True)
    torch.manual_seed(number)  # PEFT draws the other half
    model = peft.get_peft_model(base_model(work), peft.LoraConfig(task_type='CAUSAL_LM', **settings))
    fill(model, size, number)
    model.save_pretrained(adapter)
    return model, adapter


def check_refused(ours, work, checks):
    for number, (name, settings, named) in enumerate(REFUSED):
        _, adapter = made_there(work, 100 + number, settings, 1)
        try:
            ours.answer('folder', PROMPTS[0], adapter)
            said = 'nothing'
        except RuntimeError as error:
            said = str(error).split('bantam: ')[-1]
        checks.tell(named in said, '%s is refused: %s' % (name, said))


def check_from_peft(ours, work, checks, end):
    for number, (name, settings, size) in enumerate(MADE_THERE):
        model, adapter = made_there(work, number, settings, size)
        changed = whole = 0
        good = True
        for prompt in PROMPTS:
            ids = ours.ids(prompt)
            got = ours.answer('folder', prompt, adapter)['ids']
            same = same_tokens(model, ids, got, end)
            good = good and same is not False
            whole += same is True
            changed += got != ours.answer('folder', prompt)['ids']
        # An adapter that did nothing, or ties everywhere, would prove nothing.
        checks.tell(good and changed and whole, '%s made in PEFT: %d of %d answers compared to the end, %d other than the base\'s'
                    % (name, whole, len(PROMPTS), changed))


def finetune(ours, work, model, out):
    with open(os.path.join(work, 'answers.jsonl'), 'w') as file:
        for n, answer in ANSWERS.items():
            print(conversation('What comes after %d?' % n, answer), file=file)
    run(ours.bantam, 'finetune', model, '--data', 'answers.jsonl', '--method', 'qlora' if model == 'q4_k.gguf' else 'lora',
        '--rank', 8, '--steps', 150, '--batch', 3, '--lr', '1e-2', '--validation', 0, '--out', out, '--force', cwd=work)


def check_to_peft(ours, work, checks, end):
    finetune(ours, work, 'folder', 'made-here')
    model = peft.PeftModel.from_pretrained(base_model(work), os.path.join(work, 'made-here'))
    for prompt, (number, answer) in zip(PROMPTS, ANSWERS.items()):
        got = ours.answer('folder', prompt, 'made-here')
        same = same_tokens(model, ours.ids(prompt), got['ids'], end)
        checks.tell(same is True and got['text'].strip() == answer,
                    'made here, in PEFT: %d -> %r' % (number, got['text']))


def completion(llama, work, model, prompt, *more):
    """What llama.cpp says; it sometimes ends before all of it is written, so it is asked again for an end."""
    end = '[end of text]'
    for _ in range(10):
        text = run(os.path.join(llama, 'llama-completion'), '-m', os.path.join(work, model), '-p', prompt, '-n', 2 * TOKENS,
                   '--temp', 0, '-c', 128, '-t', 2, '-no-cnv', '--no-display-prompt', '--simple-io', '--no-warmup', *more,
                   stdin=subprocess.DEVNULL)
        if end in text:
            break
    return text.replace(end, '').strip()


def check_in_llama(ours, llama, work, checks):
    finetune(ours, work, 'q4_k.gguf', 'made-here.gguf')
    for prompt, (number, answer) in zip(PROMPTS, ANSWERS.items()):
        got = ours.answer('q4_k.gguf', prompt, 'made-here.gguf')['text'].strip()
        theirs = completion(llama, work, 'q4_k.gguf', prompt, '--lora', os.path.join(work, 'made-here.gguf'))
        base = completion(llama, work, 'q4_k.gguf', prompt)
        checks.tell(got == theirs == answer and base != theirs,
                    'made here on Q4_K, in llama.cpp: %d -> %r (the base: %r)' % (number, theirs, base)
                    + ('' if got == theirs else ', ours %r' % got))


def main(bantam, work, llama=None):
    torch.set_num_threads(2)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    bantam, work = os.path.abspath(bantam), os.path.abspath(work)
    os.makedirs(work, exist_ok=True)
    make_model(bantam, work)
    ours, checks = Ours(bantam, work), Checks()
    with open(os.path.join(work, 'folder', 'config.json')) as file:
        end = json.load(file).get('eos_token_id')
    end = set(end if isinstance(end, list) else [end])
    check_from_peft(ours, work, checks, end)
    check_refused(ours, work, checks)
    check_to_peft(ours, work, checks, end)
    if llama:
        check_in_llama(ours, llama, work, checks)
    else:
        print('llama.cpp left out: scripts/setup --peers builds it')
    print('%d passed, %d failed' % (checks.passed, checks.failed))
    return 1 if checks.failed else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
