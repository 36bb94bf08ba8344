// tokens.mjs BANTAM FOLDER: Hugging Face's tokenizers encode as Bantam does.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { Tokenizer } from "@huggingface/tokenizers";

const [bantam, folder] = process.argv.slice(2);
const read = (name) => JSON.parse(readFileSync(`${folder}/${name}`, "utf8"));
const peer = new Tokenizer(read("tokenizer.json"), read("tokenizer_config.json"));
const texts = [
  "What comes after 12? 下一個是？", "<|user|>What?<|assistant|>It is 7.<|end|>", "  two  spaces\n\n\ttab",
  "don't we'll I'M", "12345 67 8.9", "naïve café Ångström", "中文，混合 English 與 123。", "emoji 👩‍👩‍👧‍👦 🇹🇼 ok", "", " ",
  "price: $5.00 (50% off!)", "a_b-c/d\\e", "ﬁ ligature", "ไทย हिन्दी العربية", "line\r\nline", "x".repeat(300), "<|end", "é vs é",
];
const file = `${folder}/texts.jsonl`;
writeFileSync(file, texts.map((t) => JSON.stringify({ text_b64: Buffer.from(t).toString("base64"), add_special: true, parse_special: true })).join("\n") + "\n");
const ours = execFileSync(bantam, ["tokenize", folder, "--batch", file, "--json"], { encoding: "utf8" }).trim().split("\n").map((l) => JSON.parse(l).ids);
let failed = 0;
texts.forEach((text, i) => {
  const theirs = peer.encode(text).ids;
  if (JSON.stringify(theirs) !== JSON.stringify(ours[i])) {
    failed++;
    console.log(`${JSON.stringify(text)}: ours ${ours[i]}, theirs ${theirs}`);
  }
});
console.log(`@huggingface/tokenizers: ${texts.length - failed} of ${texts.length} texts encode the same`);
process.exit(failed ? 1 : 0);
