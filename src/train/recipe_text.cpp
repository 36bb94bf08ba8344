// A recipe as a TOML file, so that a run can be gone on with by nothing but its folder.
#include <fmt/format.h>

#include "train/recipe.h"

namespace bantam::train {

namespace {

// A TOML basic string.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out.append(1, '\\').append(1, c);
    else if (byte < 0x20 || byte == 0x7f)
      out += fmt::format("\\u{:04x}", byte);
    else
      out += c;
  }
  return out + "\"";
}

class Lines {
 public:
  void section(const char* name) { text_ += fmt::format("[{}]\n", name); }
  void add(const char* key, const std::string& value) {
    text_ += fmt::format("{} = {}\n", key, quoted(value));
  }
  void add(const char* key, const char* value) { add(key, std::string(value)); }
  void add(const char* key, bool value) { text_ += fmt::format("{} = {}\n", key, value); }
  void add(const char* key, std::int64_t value) { text_ += fmt::format("{} = {}\n", key, value); }
  // The shortest text that reads back as the same number.
  void add(const char* key, double value) { text_ += fmt::format("{} = {}\n", key, value); }
  void add(const char* key, float value) { text_ += fmt::format("{} = {}\n", key, value); }
  template <class T>
  void add(const char* key, const std::optional<T>& value) {
    if (value) add(key, *value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

std::string recipe_text(const Recipe& r) {
  Lines out;
  out.section("data");
  out.add("text", std::filesystem::absolute(r.text).string());
  out.add("bad_text", r.reading.bad_text == BadText::skip ? "skip" : "replace");
  out.add("document_bytes", r.reading.document_bytes);
  out.add("answer_weight", r.weights.answer_weight);
  out.add("question_weight", r.weights.question_weight);
  out.add("validation", r.validation);
  out.section("tokenizer");
  out.add("vocabulary", r.vocabulary);
  out.add("pre", r.pre_tokenizer);
  if (r.teacher) {
    out.section("teacher");
    out.add("model", std::filesystem::absolute(*r.teacher).string());
    out.add("share", r.teaching.share);
    out.add("top", r.teaching.likeliest);
  }
  out.section("model");
  if (!r.name.empty()) out.add("name", r.name);
  // As with `groups` in the settings: sums of earlier recipes stay what they are.
  if (r.family != Recipe().family) out.add("family", r.family);
  out.add("size", r.size);
  out.add("layers", r.layers);
  out.add("width", r.width);
  out.add("heads", r.heads);
  out.add("kv_heads", r.kv_heads);
  out.add("feed_forward", r.feed_forward);
  out.add("tied", r.tied);
  out.add("rope_base", r.rope_base);
  out.section("train");
  out.add("steps", r.steps);
  out.add("tokens", r.tokens);
  out.add("epochs", r.epochs);
  out.add("context", r.context);
  out.add("rows", r.rows);
  out.add("micro_rows", r.micro_rows);
  out.add("groups", r.groups);
  out.add("recompute", r.recompute);
  out.add("seed", static_cast<std::int64_t>(r.seed));
  if (r.arithmetic) out.add("arithmetic", *r.arithmetic == Arithmetic::f32 ? "f32" : "bf16");
  out.add("optimiser", r.optimiser.muon ? "muon" : "adamw");
  out.add("muon_rate", r.optimiser.muon_rate);
  out.add("muon_momentum", r.optimiser.muon_momentum);
  out.add("rate", r.optimiser.rate);
  out.add("beta1", r.optimiser.beta1);
  out.add("beta2", r.optimiser.beta2);
  out.add("weight_decay", r.optimiser.decay);
  out.add("clip", r.optimiser.clip);
  out.add("warmup", r.schedule.warmup);
  out.add("decay", r.schedule.decay);
  out.add("floor", r.schedule.floor);
  return out.take();
}

}  // namespace bantam::train
