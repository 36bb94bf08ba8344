#include "cli/habits.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace bantam::cli {

namespace {

struct Name {
  std::string_view theirs, ours;
};

// The same thing under another name: taken as it is.
constexpr std::array kSame{
    Name{"-p", "--prompt"},
    Name{"-f", "--file"},
    Name{"-sys", "--system"},
    Name{"--system-prompt", "--system"},
    Name{"-c", "--ctx"},
    Name{"--ctx-size", "--ctx"},
    Name{"-n", "--count"},
    Name{"--predict", "--count"},
    Name{"--n-predict", "--count"},
    Name{"-s", "--seed"},
    Name{"--temperature", "--temp"},
    Name{"--repeat-last-n", "--penalty-last"},
    Name{"--typical-p", "--typical"},
    Name{"--top-nsigma", "--top-n-sigma"},
    Name{"--mirostat-ent", "--mirostat-tau"},
    Name{"--mirostat-lr", "--mirostat-eta"},
    Name{"--dry-allowed-length", "--dry-allowed"},
    Name{"--dry-penalty-last-n", "--dry-last"},
    Name{"--dry-sequence-breaker", "--dry-breaker"},
    Name{"-r", "--stop"},
    Name{"--reverse-prompt", "--stop"},
    Name{"--chat-template", "--template"},
    Name{"-np", "--slots"},
    Name{"--parallel", "--slots"},
    Name{"-a", "--name"},
    Name{"--alias", "--name"},
};

// Not the same, or not for sure: named when it was not understood.
constexpr std::array kMeant{
    Name{"--max-tokens", "--count"},
    Name{"--max-new-tokens", "--count"},
    Name{"--max-length", "--count"},
    Name{"--num-predict", "--count"},
    Name{"--length", "--count"},
    Name{"--context", "--ctx"},
    Name{"--context-size", "--ctx"},
    Name{"--context-length", "--ctx"},
    Name{"--num-ctx", "--ctx"},
    Name{"--n-ctx", "--ctx"},
    Name{"--max-seq-len", "--ctx"},
    Name{"--max-model-len", "--ctx"},
    Name{"--num-threads", "--threads"},
    Name{"--n-threads", "--threads"},
    Name{"--jobs", "--threads"},
    Name{"-j", "--threads"},
    Name{"--repetition-penalty", "--repeat-penalty"},
    Name{"--random-seed", "--seed"},
    Name{"--input", "--file"},
    Name{"--infile", "--file"},
    Name{"--prompt-file", "--file"},
    Name{"--stop-sequence", "--stop"},
    Name{"--eos", "--stop"},
    Name{"--cache-type-k", "--cache"},
    Name{"--cache-type-v", "--cache"},
    Name{"-ctk", "--cache"},
    Name{"-ctv", "--cache"},
    Name{"--dtype", "--type"},
    Name{"--outtype", "--type"},
    Name{"--quantize", "--type"},
    Name{"--quantization", "--type"},
    Name{"--quant", "--type"},
    Name{"--outfile", "--out"},
    Name{"--output", "--out"},
    Name{"--output-dir", "--out"},
    Name{"--split-max-size", "--split"},
    Name{"--max-shard-size", "--split"},
    Name{"--overwrite", "--force"},
    Name{"--yes", "--force"},
    Name{"--data", "--text"},
    Name{"--dataset", "--text"},
    Name{"--corpus", "--text"},
    Name{"--num-epochs", "--epochs"},
    Name{"--num-train-epochs", "--epochs"},
    Name{"--max-steps", "--steps"},
    Name{"--iterations", "--steps"},
    Name{"--batch-size", "--rows"},
    Name{"--block-size", "--context"},
    Name{"--vocab-size", "--vocabulary"},
    Name{"--api-key", "--api-key-file"},
    Name{"--max-num-seqs", "--slots"},
    Name{"--served-model-name", "--name"},
    Name{"--listen", "--host"},
    Name{"--checkpoint", "--resume"},
    Name{"--continue", "--resume"},
    Name{"--lora", "--adapter"},
    Name{"--lora-modules", "--adapter"},
    Name{"--lora-scaled", "--adapter"},
    Name{"--system-prompt-file", "--system"},
    Name{"-sysf", "--system"},
    Name{"--chat-template-file", "--template"},
    Name{"--chat-template-kwargs", "--set"},
    Name{"--context-shift", "--ctx"},
    Name{"--seq-len", "--ctx"},
    Name{"--max-queue", "--queue"},
    Name{"--model-name", "--name"},
    Name{"--bind", "--host"},
    Name{"--num-fewshot", "--few-shot"},
    Name{"--stop-token", "--stop"},
    Name{"--nucleus", "--top-p"},
    Name{"--prompt", "--text"},
    Name{"-p", "--text"},
};

struct Reason {
  std::string_view why;
  std::array<std::string_view, 20> names;
};
constexpr std::array kReasons{
    Reason{"everything is computed on the processor here; leave it out",
           {"-ngl", "--ngl", "--gpu-layers", "--n-gpu-layers", "-mg", "--main-gpu", "-ts", "--tensor-split",
            "-sm", "--split-mode", "-dev", "--device", "--gpu", "-nkvo", "--no-kv-offload", "-ot",
            "--override-tensor", "--tensor-parallel-size", "--gpu-memory-utilization"}},
    Reason{"it is not needed here; leave it out",
           {"--mlock", "--no-mmap", "-fa", "--flash-attn", "-b", "-ub", "--ubatch-size", "-tb",
            "--threads-batch", "--numa", "--no-warmup", "--log-disable", "-cb", "--cont-batching",
            "--jinja", "--no-display-prompt", "-co", "--color", "-v", "--verbose"}},
    Reason{"it is not needed here; leave it out",
           {"--mmap", "--log-file", "--log-verbosity", "--verbose-prompt", "--no-jinja", "--simple-io",
            "-no-cnv", "--no-conversation", "-st", "--single-turn", "--no-perf", "--perf",
            "--trust-remote-code", "--warmup", "--poll", "--prio", "-mli", "--multiline-input",
            "--keep", "--nowordwrap"}},
    Reason{"it is not needed here; leave it out", {"--batch-size"}},
    Reason{"the model is named without an option, behind the verb", {"--model-path", "--model-dir"}},
    Reason{"a chat asks; bantam generate MODEL --prompt TEXT answers one prompt", {"-p", "--prompt"}},
    Reason{"where it goes is named without an option, behind the model", {"--outfile", "--output-file"}},
    Reason{"pages of other addresses may not ask it; a proxy can say otherwise", {"--cors"}},
    Reason{"bantam chat MODEL talks with a model",
           {"-i", "--interactive", "-if", "--interactive-first", "-cnv", "--conversation",
            "--chat"}},
    Reason{"nothing is downloaded here: get the file first, then name it",
           {"-hf", "-hfr", "--hf-repo", "-hff", "--hf-file", "-mu", "--model-url", "--hf-token"}},
    Reason{"answers cannot be bound to a form here",
           {"--grammar", "--grammar-file", "-j", "--json-schema", "-jf", "--json-schema-file"}},
    Reason{"a text is taken as it stands; in bash, $'a\\nb' has a line end in it",
           {"-e", "--escape", "--no-escape"}},
    Reason{"--logit-bias ID=-100 keeps a token, such as the one that ends an answer, from coming",
           {"--ignore-eos"}},
    Reason{"the sampler's stages have one order here; each is set by its own option",
           {"--samplers", "--sampling-seq", "--sampler-seq"}},
    Reason{"positions are what the model's file says; --ctx alone can be set",
           {"--rope-scaling", "--rope-scale", "--rope-freq-base", "--rope-freq-scale",
            "--yarn-orig-ctx", "--yarn-ext-factor", "--yarn-attn-factor"}},
    Reason{"one answer is drawn, token by token; --temp 0 takes the likeliest always",
           {"--do-sample", "--num-beams", "--beams", "--num-return-sequences"}},
};

const Option* option_named(const Options& options, std::string_view name) {
  for (const Option& option : options.all()) {
    if (option.positional()) continue;
    for (const std::string& each : split_names(option.names))
      if (each == name) return &option;
  }
  return nullptr;
}

bool has_model(const Options& options) {
  return std::ranges::any_of(options.all(),
                             [](const Option& option) { return option.names == "MODEL"; });
}

// -m, as llama.cpp has it, and a word besides where the verb takes a model alone.
[[noreturn]] void refuse_second_model(const Options& options, const std::string& by, const std::string& other) {
  const bool asks = option_named(options, "--prompt") != nullptr && !other.ends_with(".gguf");
  throw Error(printable(by, 60) + " names the model, and so does \"" + printable(other, 60) + "\": name one" +
                  (asks ? "; a prompt goes behind --prompt" : ""),
              Error::Kind::usage);
}

// The name that the verb has for it; empty: none.
std::string our_name(const Options& options, const std::string& name) {
  if (option_named(options, name) != nullptr) return name;
  std::string hyphens = name;
  std::ranges::replace(hyphens, '_', '-');
  if (name.starts_with("--") && option_named(options, hyphens) != nullptr) return hyphens;
  for (const Name& same : kSame)
    if (same.theirs == hyphens && option_named(options, same.ours) != nullptr)
      return std::string(same.ours);
  return {};
}

// A value by which other programs ask for what is done without the option.
bool asks_for_nothing(std::string_view name, std::string_view value) {
  constexpr std::array kNothing{Name{"--count", "-1"}, Name{"-n", "-1"},      Name{"--count", "-2"},
                                Name{"-n", "-2"},      Name{"--seed", "-1"},  Name{"-c", "0"},
                                Name{"--ctx-size", "0"}, Name{"--threads", "-1"},
                                Name{"-t", "-1"}};
  return std::ranges::any_of(
      kNothing, [&](const Name& each) { return each.theirs == name && each.ours == value; });
}

}  // namespace

std::vector<std::string> in_our_words(const Options& options, std::span<const std::string> words) {
  std::vector<std::string> out;
  std::string model, by, other;  // the model, the option that named it, what stands there as one besides
  bool value_perhaps = false;    // behind an option that there is not
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") {
      if (other.empty() && i + 1 < words.size()) other = words[i + 1];
      out.insert(out.end(), words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
      break;
    }
    const std::size_t equals = word.starts_with("-") ? word.find('=') : std::string::npos;
    const std::string name = word.substr(0, equals);
    if ((name == "-m" || name == "--model") && has_model(options) && !option_named(options, name) &&
        (equals != std::string::npos || i + 1 < words.size())) {
      by = name;
      model = equals != std::string::npos ? word.substr(equals + 1) : words[++i];
      continue;
    }
    const std::string ours = word.size() > 1 && word[0] == '-' ? our_name(options, name) : "";
    if (ours.empty()) {
      // Before its first letter is taken for an option: -ngl is not -n.
      if (word.size() > 2 && word[0] == '-')
        if (const std::string advice = advice_on(name, options); !advice.empty())
          throw Error("there is no option " + printable(name, 60) + ": " + advice,
                      Error::Kind::usage);
      const bool plain = word.empty() || word[0] != '-' || word == "-";
      if (plain && !value_perhaps && other.empty()) other = word;
      value_perhaps = !plain;
      out.push_back(word);
      continue;
    }
    value_perhaps = false;
    const bool flag = option_named(options, ours)->flag();
    // Elsewhere it has a number: 0 is off, 2 is the kind that there is here.
    if (ours == "--mirostat") {
      const std::string kind = equals != std::string::npos ? word.substr(equals + 1)
                               : i + 1 < words.size()      ? words[i + 1]
                                                           : "";
      if (kind == "1")
        throw Error("--mirostat: mirostat 2 was expected, the only kind that there is",
                    Error::Kind::usage);
      if (equals == std::string::npos && (kind == "0" || kind == "2")) ++i;
      if (kind != "0") out.push_back(ours);
      continue;
    }
    const bool apart = !flag && equals == std::string::npos && i + 1 < words.size();
    const std::string value = apart                         ? words[i + 1]
                              : equals != std::string::npos ? word.substr(equals + 1)
                                                            : "";
    if (apart) ++i;
    if (!flag && (asks_for_nothing(ours, value) || asks_for_nothing(name, value))) continue;
    out.push_back(equals == std::string::npos ? ours : ours + word.substr(equals));
    if (apart) out.push_back(value);
  }
  if (!model.empty() && !other.empty()) refuse_second_model(options, by + " " + model, other);
  if (!model.empty()) out.insert(out.begin(), model);
  return out;
}

std::string advice_on_verb(std::string_view word) {
  struct Word {
    std::string_view theirs, advice;
  };
  constexpr std::array kVerbs{
      Word{"run", "bantam chat MODEL talks with a model"},
      Word{"cli", "bantam chat MODEL talks with a model, bantam generate continues a text"},
      Word{"main", "bantam chat MODEL talks with a model, bantam generate continues a text"},
      Word{"complete", "bantam generate MODEL continues a text"},
      Word{"completions", "bantam generate MODEL continues a text"},
      Word{"show", "bantam info MODEL shows what is in a file"},
      Word{"inspect", "bantam info MODEL shows what is in a file"},
      Word{"list", "models are files; ls lists them, bantam info MODEL shows what is in one"},
      Word{"ls", "models are files; ls lists them, bantam info MODEL shows what is in one"},
      Word{"ps", "a model is in memory only while a command runs"},
      Word{"stop", "a model is in memory only while a command runs"},
      Word{"pull", "nothing is downloaded here: get the file first, then name it"},
      Word{"download", "nothing is downloaded here: get the file first, then name it"},
      Word{"push", "nothing leaves this machine"},
      Word{"rm", "models are files; rm removes one"},
      Word{"cp", "models are files; cp copies one"},
      Word{"create", "models are files; bantam convert makes one from another form"},
      Word{"import", "models are files; bantam convert makes one from another form"},
      Word{"perplexity", "bantam eval judges a model"},
      Word{"lm-eval", "bantam eval judges a model"},
      Word{"embedding", "there are no embeddings here"},
      Word{"embed", "there are no embeddings here"},
      Word{"split", "bantam convert MODEL NEW.gguf --split 2G writes parts"},
      Word{"gguf-split", "bantam convert MODEL NEW.gguf --split 2G writes parts"},
  };
  for (const Word& verb : kVerbs)
    if (verb.theirs == word) return std::string(verb.advice);
  // A model without a verb.
  const bool file = word.ends_with(".gguf") || word.find('/') != std::string_view::npos;
  if (file || word == "-m" || word == "--model")
    return "a verb comes first; bantam chat MODEL talks with a model";
  return {};
}

std::string advice_on(std::string_view name, const Options& options) {
  std::string hyphens(name);
  std::ranges::replace(hyphens, '_', '-');
  const auto called = [&](const auto& table) -> std::string {
    for (const Name& each : table)
      if (each.theirs == hyphens && option_named(options, each.ours) != nullptr)
        return "it is called " + std::string(each.ours) + " here";
    return {};
  };
  if (std::string text = called(kMeant); !text.empty()) return text;
  for (const Reason& reason : kReasons)
    if (std::ranges::find(reason.names, std::string_view(hyphens)) != reason.names.end())
      return std::string(reason.why);
  return {};
}

}  // namespace bantam::cli
