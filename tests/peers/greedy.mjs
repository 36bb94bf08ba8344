// greedy.mjs BANTAM MODEL.gguf...: llama.cpp continues with the same tokens as Bantam.
import { execFileSync } from "node:child_process";
import { getLlama } from "node-llama-cpp";

const [bantam, ...models] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });
const prompts = ["<|user|>What comes after 41? 下一個是？<|assistant|>", "<|user|>What comes after 7? 下一個是？<|assistant|>", "It is", "下一個"];
let failed = 0;
for (const path of models) {
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createContext({ contextSize: 64, threads: 2 });
  for (const prompt of prompts) {
    const ours = JSON.parse(execFileSync(bantam, ["generate", path, "--prompt", prompt, "-n", "24", "--temp", "0", "--json", "--cache", "f32"], { encoding: "utf8" }));
    const ids = model.tokenize(prompt, true);
    const encoded = JSON.parse(execFileSync(bantam, ["tokenize", path, "--text", prompt, "--json"], { encoding: "utf8" })).ids;
    if (JSON.stringify(ids) !== JSON.stringify(encoded)) {
      failed++;
      console.log(`${prompt}: llama.cpp encodes ${ids}, we ${encoded}`);
      continue;
    }
    const sequence = context.getSequence();
    const theirs = [];
    for await (const token of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
      theirs.push(token);
      if (model.isEogToken(token) || theirs.length >= 24) break;
    }
    sequence.dispose();
    const same = JSON.stringify(theirs) === JSON.stringify(ours.ids);
    if (!same) failed++;
    console.log(`${same ? "same" : "DIFFERENT"}: ${JSON.stringify(prompt)} -> ${JSON.stringify(ours.text)}` + (same ? "" : ` ours ${ours.ids}, llama.cpp ${theirs}`));
  }
  await context.dispose();
  await model.dispose();
}
console.log(failed ? `${failed} failed` : "llama.cpp gives the same greedy tokens");
process.exit(failed ? 1 : 0);
