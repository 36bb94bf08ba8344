#!/usr/bin/env python3
"""folders.py BANTAM FOLDER: every model folder under FOLDER, converted by Bantam (from its GGUF files
and from itself) to a Hugging Face folder, is opened in Hugging Face's transformers; its logits must
be the reference's (a float64 pass, in reference.json and the file that it names) within 4e-5, or
those of `bantam logits` where the reference is of another context. Needs torch and transformers
(5.24 was tried)."""
import array
import glob
import json
import os
import subprocess
import sys
import tempfile

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

TOLERANCE = 4e-5
# Folders that transformers has no class for, or whose class computes something else.
LEFT_OUT = {
    'openelm': 'needs the makers\' own code',
    'bitnet': 'transformers rounds activations to 8 bits',
}


def run(*command):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise RuntimeError(done.stderr.decode('utf-8', 'replace').strip()[-300:])


def floats(path):
    numbers = array.array('f')
    with open(path, 'rb') as file:
        numbers.frombytes(file.read())
    return torch.tensor(numbers)


def ours(bantam, model, tokens, out):
    # Factors that depend on the context are taken there by the length of what is run.
    run(bantam, 'logits', model, '--tokens', ','.join(map(str, tokens)), '--out', out,
        '--ctx', len(tokens), '--arithmetic', 'f32')
    return floats(out).reshape(len(tokens), -1)


def without_shape_check(folder):
    """Their class of Gemma 3 refuses widths that are no multiple of the heads, which nothing needs."""
    config = AutoConfig.for_model(json.load(open(os.path.join(folder, 'config.json')))['model_type'])
    kind = type(config)
    kind.__class_validators__ = [v for v in kind.__class_validators__ if v.__name__ != 'validate_architecture']


def theirs(folder, tokens):
    without_shape_check(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation='eager')
    with torch.no_grad():
        return model.eval()(torch.tensor([tokens])).logits[0].float()


def left_out(config):
    for kind, why in LEFT_OUT.items():
        if config.get('model_type', '').startswith(kind):
            return why
    return None


def main(bantam, golden):
    torch.set_num_threads(2)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    failed = passed = 0
    for config in sorted(glob.glob(os.path.join(golden, '*', 'config.json'))):
        source = os.path.dirname(config)
        name = os.path.basename(source)
        with open(config) as file:
            said = json.load(file)
        if (why := left_out(said)) is not None:
            print(f'-- {name}: left out, {why}')
            continue
        with open(os.path.join(source, 'reference.json')) as file:
            reference = json.load(file)
        tokens = reference['tokens']
        first, end = (0, len(tokens)) if reference['ctx'] else reference['rows']
        with tempfile.TemporaryDirectory() as scratch:
            for model in [source, *sorted(glob.glob(os.path.join(source, '*f32.gguf')) or
                                          glob.glob(os.path.join(source, '*.gguf')))[:1]]:
                folder = os.path.join(scratch, 'gguf' if model.endswith('.gguf') else 'folder')
                label = f'{name} from {"GGUF" if model.endswith(".gguf") else "a folder"}'
                try:
                    run(bantam, 'convert', model, folder, '--type', 'f32')
                    if reference['ctx']:
                        want = ours(bantam, folder, tokens, os.path.join(scratch, 'logits'))
                    else:
                        want = floats(os.path.join(source, reference['logits'])).reshape(end - first, -1)
                    got = theirs(folder, tokens)[first:end]
                    worst = (want - got).abs().max().item() if want.shape == got.shape else float('inf')
                    good = worst <= TOLERANCE
                    more = ''
                    # Whether the folder is to blame, or their float32 is as far away on the makers' own.
                    if not good and torch.equal(theirs(source, tokens)[first:end], got):
                        more = ", on the makers' own folder too"
                    print(f'{"ok" if good else "FAILED"} {label}: worst difference {worst:.1e}{more}')
                except Exception as error:  # whatever a peer throws is what is to be shown
                    good = False
                    print(f'FAILED {label}: {type(error).__name__}: {str(error).strip()[-300:]}')
                passed, failed = passed + good, failed + (not good)
    print(f'{passed} passed, {failed} failed')
    return 1 if failed or not passed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], sys.argv[2]))
