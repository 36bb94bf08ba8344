# openai_client.py BANTAM MODEL.gguf: OpenAI's Python client, as it is, talks with `bantam serve`.
import re
import subprocess
import sys
import threading

import openai

bantam, model = sys.argv[1:3]


def serve(*options):
    child = subprocess.Popen([bantam, "serve", model, "--port", "0", *options], stderr=subprocess.PIPE, text=True)
    for line in child.stderr:
        found = re.search(r"(http://\S+/v1)", line)
        if found:
            threading.Thread(target=child.stderr.read, daemon=True).start()  # what it says must go somewhere
            return child, openai.OpenAI(base_url=found[1], api_key="none is asked for", max_retries=0)
    raise SystemExit("the server did not start")


def ask(n, **more):
    return {"model": "any", "messages": [{"role": "user", "content": f"What comes after {n}? 下一個是？"}], "temperature": 0, **more}


def refused(kind, call, **fields):
    try:
        call()
    except kind as error:
        for name, value in fields.items():
            assert getattr(error, name) == value, (name, error)
        return
    raise AssertionError(f"not refused: {fields}")


def check(client):
    assert [m.id for m in client.models.list()] == ["mine"]
    assert client.models.retrieve("mine").owned_by == "bantam"
    refused(openai.NotFoundError, lambda: client.models.retrieve("other"), code="model_not_found")

    whole = client.chat.completions.create(**ask(7))
    text = whole.choices[0].message.content
    assert whole.model == "mine" and text and whole.choices[0].finish_reason == "stop"
    usage = None
    streamed = ""
    for part in client.chat.completions.create(**ask(7), stream=True, stream_options={"include_usage": True}):
        usage = part.usage or usage
        for choice in part.choices:
            streamed += choice.delta.content or ""
    assert streamed == text
    assert usage.completion_tokens == whole.usage.completion_tokens

    stopped = client.chat.completions.create(**ask(7), stop=[text[2:4]]).choices[0]
    assert stopped.message.content == text[: text.index(text[2:4])]
    lively = [client.chat.completions.create(**{**ask(7), "temperature": 1.5}, seed=5).choices[0].message.content for _ in range(2)]
    assert lively[0] == lively[1]
    for nothing in ({"seed": -1}, {"max_tokens": -1}, {"extra_body": {"top_k": -1}}, {"extra_body": {"top_k": 0}}):
        assert client.chat.completions.create(**ask(7), **nothing).choices[0].message.content == text

    tokens = client.chat.completions.create(**ask(7), logprobs=True, top_logprobs=3).choices[0].logprobs.content
    assert bytes(b for t in tokens for b in t.bytes).decode() == text
    assert all(t.top_logprobs[0].logprob == t.logprob for t in tokens)

    with client.chat.completions.create(**ask(3), stream=True) as stream:  # aborted in the middle
        next(iter(stream))
    assert client.chat.completions.create(**ask(7)).choices[0].message.content == text

    for extra in ({"guided_regex": "a+"}, {"structured_outputs": {"json": {}}, "min_tokens": 1}, {"stop_token_ids": [1]}, {"options": {"num_ctx": 5}}):
        name = next(iter(extra))
        refused(openai.BadRequestError, lambda: client.chat.completions.create(**ask(1), extra_body=extra), param=name)
    refused(openai.BadRequestError, lambda: client.chat.completions.create(**ask(1), response_format={"type": "json_object"}), param="response_format")
    refused(openai.BadRequestError, lambda: client.chat.completions.create(**ask(1), n=2), param="n")
    refused(openai.NotFoundError, lambda: client.embeddings.create(model="any", input="a"))


child, client = serve("--name", "mine", "--temp", "0.5", "--seed", "3")
try:
    check(client)
    first = client.completions.create(model="any", prompt="It is", max_tokens=20).choices[0].text
    assert first == client.completions.create(model="any", prompt="It is", max_tokens=20).choices[0].text  # --seed
finally:
    child.kill()
print("OpenAI's Python client is served")
