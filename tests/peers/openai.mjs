// openai.mjs BANTAM MODEL.gguf: OpenAI's own client talks with `bantam serve`: chat, streams, stop strings, limits,
// aborted answers, errors, and the server's end.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import OpenAI from "openai";

const [bantam, model] = process.argv.slice(2);
const key = "a-key-for-this-test";
writeFileSync(`${model}.key`, key + "\n", { mode: 0o600 });

async function serve(...options) {
  const child = spawn(bantam, ["serve", model, "--port", "0", "--api-key-file", `${model}.key`, ...options], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  const url = await new Promise((resolve, reject) => {
    child.stderr.on("data", (data) => {
      said += data;
      const found = said.match(/(http:\/\/\S+\/v1)/);
      if (found) resolve(found[1]);
    });
    child.on("exit", () => reject(new Error(said)));
  });
  const health = async () => (await fetch(url.replace("/v1", "/health"))).json();
  return { child, url, health, client: new OpenAI({ baseURL: url, apiKey: key, maxRetries: 0 }) };
}

async function collect(stream) {
  let text = "", reason = null, usage = null, parts = 0;
  for await (const part of stream) {
    parts++;
    for (const choice of part.choices) {
      text += choice.delta?.content ?? choice.text ?? "";
      reason = choice.finish_reason ?? reason;
    }
    usage = part.usage ?? usage;
  }
  return { text, reason, usage, parts };
}

async function fails(promise, kind, status, fields = {}) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof kind, `${error}`);
    assert.equal(error.status, status);
    for (const [name, value] of Object.entries(fields)) assert.equal(error[name], value, `${name}: ${error}`);
    return true;
  });
}

const ask = (n, more = {}) => ({ model: "any", messages: [{ role: "user", content: `What comes after ${n}? 下一個是？` }], temperature: 0, ...more });
const endless = { model: "any", prompt: "What", max_tokens: 1e6, logit_bias: { 288: -100 } };
const tests = {
  async "models"({ client }) {
    const models = await client.models.list();
    assert.equal(models.data[0].id, "model");
    assert.equal((await client.models.retrieve("model")).id, "model");
    await fails(client.models.retrieve("another"), OpenAI.NotFoundError, 404, { code: "model_not_found" });
  },
  async "chat, alone and sixteen at once"({ client }) {
    const alone = [];
    for (let i = 0; i < 16; i++) alone.push((await client.chat.completions.create(ask(i))).choices[0]);
    for (const choice of alone) {
      assert.equal(choice.message.role, "assistant");
      assert.equal(choice.finish_reason, "stop");
      assert.ok(choice.message.content.length > 0);
    }
    const together = await Promise.all(alone.map((_, i) => client.chat.completions.create(ask(i))));
    assert.deepEqual(together.map((answer) => answer.choices[0]), alone);
    const streamed = await Promise.all(alone.map(async (_, i) => collect(await client.chat.completions.create(ask(i, { stream: true })))));
    assert.deepEqual(streamed.map((s) => s.text), alone.map((choice) => choice.message.content));
  },
  async "usage, whole and streamed"({ client }) {
    const whole = await client.chat.completions.create(ask(7));
    assert.equal(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens);
    const streamed = await collect(await client.chat.completions.create(ask(7, { stream: true, stream_options: { include_usage: true } })));
    for (const name of ["prompt_tokens", "completion_tokens", "total_tokens"]) assert.equal(streamed.usage[name], whole.usage[name]);
    assert.equal((await collect(await client.chat.completions.create(ask(7, { stream: true })))).usage, null);
  },
  async "the client's own stream helper"({ client }) {
    const runner = client.chat.completions.stream(ask(3));
    const final = await runner.finalChatCompletion();
    assert.deepEqual(final.choices[0].message.content, (await client.chat.completions.create(ask(3))).choices[0].message.content);
  },
  async "stop, max_tokens, seed, text parts"({ client }) {
    const whole = (await client.chat.completions.create(ask(12))).choices[0].message.content;
    const cut = whole.slice(2, 4);
    for (const stop of [cut, ["\u0000", cut]]) {
      const stopped = (await client.chat.completions.create(ask(12, { stop }))).choices[0];
      assert.equal(stopped.message.content, whole.slice(0, whole.indexOf(cut)));
      assert.equal(stopped.finish_reason, "stop");
    }
    for (const limit of [{ max_tokens: 3 }, { max_completion_tokens: 3 }]) {
      const short = await client.chat.completions.create(ask(12, limit));
      assert.equal(short.choices[0].finish_reason, "length");
      assert.equal(short.usage.completion_tokens, 3);
    }
    const lively = () => client.chat.completions.create(ask(12, { temperature: 1.5, top_p: 0.99, seed: 5 }));
    assert.equal((await lively()).choices[0].message.content, (await lively()).choices[0].message.content);
    const parts = ask(12);
    parts.messages[0].content = [{ type: "text", text: parts.messages[0].content }];
    assert.equal((await client.chat.completions.create(parts)).choices[0].message.content, whole);
  },
  async "completions"({ client }) {
    const request = { model: "any", prompt: "It is", temperature: 0, max_tokens: 10 };
    const whole = await client.completions.create(request);
    assert.equal(whole.object, "text_completion");
    assert.equal((await collect(await client.completions.create({ ...request, stream: true }))).text, whole.choices[0].text);
    assert.equal((await client.completions.create({ model: "any", prompt: "It is" })).usage.completion_tokens <= 16, true);
  },
  async "probabilities"({ client }) {
    const chat = (await client.chat.completions.create(ask(5, { logprobs: true, top_logprobs: 2 }))).choices[0];
    for (const token of chat.logprobs.content) {
      assert.equal(token.top_logprobs.length, 2);
      assert.equal(token.top_logprobs[0].logprob, token.logprob);  // the likeliest was taken
    }
    const prompt = "What comes after 5?";
    const whole = await client.completions.create({ model: "any", prompt: [prompt, "It is"], echo: true, logprobs: 1, max_tokens: 1, temperature: 0 });
    assert.deepEqual(whole.choices.map((choice) => choice.index), [0, 1]);
    for (const { text, logprobs } of whole.choices) {
      assert.equal(logprobs.token_logprobs[0], null);
      assert.equal(logprobs.tokens.length, logprobs.token_logprobs.length);
      assert.equal(logprobs.tokens.length, logprobs.text_offset.length);
      for (let i = 1; i < logprobs.tokens.length; i++) assert.ok(Object.values(logprobs.top_logprobs[i]).includes(logprobs.token_logprobs[i]));
      assert.ok(text.startsWith("What comes after 5?") || text.startsWith("It is"));
    }
    assert.equal(whole.usage.completion_tokens, 2);
  },
  async "what is not served is named"({ client }) {
    for (const extra of [{ guided_json: { type: "object" } }, { grammar: "root ::= [a-z]" }, { ignore_eos: true }, { min_tokens: 5 }, { stop_token_ids: [2] }, { bad_words: ["a"] }, { tools: [{ type: "function", function: { name: "f" } }] }, { tempreature: 1 }])
      await fails(client.chat.completions.create(ask(1, extra)), OpenAI.BadRequestError, 400, { param: Object.keys(extra)[0] });
    const harmless = ask(1, { user: "me", metadata: { a: "b" }, store: false, service_tier: "auto", prediction: { type: "content", content: "x" } });
    assert.ok((await client.chat.completions.create(harmless)).choices[0].message.content.length > 0);
  },
  async "errors"({ client, url }) {
    await fails(new OpenAI({ baseURL: url, apiKey: "wrong", maxRetries: 0 }).models.list(), OpenAI.AuthenticationError, 401, { code: "invalid_api_key" });
    await fails(client.chat.completions.create({ model: "any", messages: [] }), OpenAI.BadRequestError, 400, { param: "messages" });
    await fails(client.chat.completions.create(ask(1, { temperature: "hot" })), OpenAI.BadRequestError, 400, { param: "temperature" });
    await fails(client.chat.completions.create(ask(1, { n: 2 })), OpenAI.BadRequestError, 400, { param: "n" });
    await fails(client.chat.completions.create(ask(1, { stream: true, max_tokens: -5 })), OpenAI.BadRequestError, 400, { param: "max_tokens" });
    await fails(client.embeddings.create({ model: "any", input: "a" }), OpenAI.NotFoundError, 404);
    await fails(client.completions.create({ model: "any", prompt: "a ".repeat(60000) }), OpenAI.BadRequestError, 400, { code: "context_length_exceeded" });
    await fails(client.completions.create({ model: "any", prompt: "a".repeat(5 << 20) }), OpenAI.APIError, 413);
  },
  async "aborted answers free their slots; one too many waits"({ client, url, health }) {
    const streams = [];
    for (let i = 0; i < 16; i++) streams.push(await client.completions.create({ ...endless, stream: true }));
    await fails(client.chat.completions.create(ask(1)), OpenAI.RateLimitError, 429);
    const patient = new OpenAI({ baseURL: url, apiKey: key, maxRetries: 5 }).chat.completions.create(ask(1));
    for (const stream of streams) for await (const part of stream) { stream.controller.abort(); break; }
    assert.ok((await patient).choices[0].message.content.length > 0);
    const abort = new AbortController();
    const whole = client.completions.create(endless, { signal: abort.signal });
    while ((await health()).busy === 0);
    abort.abort();
    await assert.rejects(whole, OpenAI.APIUserAbortError);
    await assert.rejects(client.completions.create(endless, { timeout: 200 }), OpenAI.APIConnectionTimeoutError);
    while ((await health()).busy > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  },
  async "SIGTERM lets a stream end"({ client, child }) {
    const stream = await client.completions.create({ ...endless, max_tokens: 3000, stream: true, stream_options: { include_usage: true } });
    child.kill("SIGTERM");
    assert.equal((await collect(stream)).usage.completion_tokens, 3000);
    const [status] = child.exitCode === null ? await once(child, "exit") : [child.exitCode];
    assert.equal(status, 0);
  },
};

const server = await serve("--ctx", "50000", "--queue", "0");
try {
  for (const [name, test] of Object.entries(tests)) {
    await test(server);
    console.log(`passed: ${name}`);
  }
} finally {
  server.child.kill("SIGKILL");
}
console.log("OpenAI's client is served");
process.exit(0);
