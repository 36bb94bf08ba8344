// node tokenize_peers.mjs PEERS TOKENIZER.json TEXT: for each line "tokenizers" or "tiktoken" on standard
// input encodes TEXT in pieces of 4 KiB and answers "SECONDS IDS" (processor time), or "none" where the
// package is not installed under PEERS.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import path from "node:path";

const [folder, tokenizerFile, textFile] = process.argv.slice(2);
const require = createRequire(path.resolve(folder, "x.js"));
const bytes = readFileSync(textFile);
const pieces = [];
for (let at = 0; at < bytes.length; ) {
  let end = Math.min(at + 4096, bytes.length);
  while (end < bytes.length && (bytes[end] & 0xc0) === 0x80) --end;
  pieces.push(bytes.toString("utf8", at, end));
  at = end;
}

const open = {
  tokenizers() {
    const tokenizer = require("@anush008/tokenizers").Tokenizer.fromFile(tokenizerFile);
    return async (piece) => (await tokenizer.encode(piece, null, { addSpecialTokens: false })).getLength();
  },
  tiktoken() {
    const encoding = require("tiktoken").get_encoding("gpt2");
    return (piece) => encoding.encode_ordinary(piece).length;
  },
};
const opened = {};

for await (const name of createInterface({ input: process.stdin })) {
  try {
    const encode = (opened[name] ??= open[name]());
    const start = process.cpuUsage();
    let ids = 0;
    for (const piece of pieces) ids += await encode(piece);
    const used = process.cpuUsage(start);
    console.log(`${(used.user + used.system) / 1e6} ${ids}`);
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    console.log("none");
  }
}
