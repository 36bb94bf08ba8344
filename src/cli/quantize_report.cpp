// How near a quantised model is to its parent: printed, and written into its file.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "base/progress.h"
#include "blocks/format.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/quantize_parts.h"
#include "files/gguf_rewrite.h"

namespace bantam::cli {

namespace {

using Errors = std::vector<std::pair<std::string, double>>;

// The largest first.
Errors errors_of(const Conversion& conversion) {
  Errors errors;
  for (const auto& [name, change] : conversion.changes())
    errors.emplace_back(name, change.relative());
  std::ranges::stable_sort(errors,
                           [](const auto& a, const auto& b) { return a.second > b.second; });
  return errors;
}

Json json_of(const Fidelity& f, const Errors& errors, const std::string& hash) {
  Json worst = Json::array(), by_tensor = Json::object();
  for (const Fidelity::Position& p : f.worst)
    worst.push_back(
        {{"position", p.index}, {"kl", p.kl}, {"parent_token", p.parent_top}, {"token", p.top}});
  for (const auto& [name, error] : errors) by_tensor[name] = error;
  return {{"positions", f.positions},
          {"kl_mean", f.kl_mean},
          {"kl_99", f.kl_99},
          {"same_top", f.same_top},
          {"perplexity", f.perplexity},
          {"parent_perplexity", f.parent_perplexity},
          {"worst", worst},
          {"tensor_error", by_tensor},
          {"text_sha256", hash}};
}

// The report among the keys of the file.
void write_into(const Path& path, const Fidelity& f, const Errors& errors,
                const std::string& hash) {
  const auto set = [&](GgufWriter& writer) {
    const auto number = [&](const char* key, double value) {
      writer.set(std::string("bantam.fidelity.") + key, static_cast<float>(value));
    };
    writer.set("bantam.fidelity.positions", static_cast<std::uint32_t>(f.positions));
    number("kl_mean", f.kl_mean);
    number("kl_99", f.kl_99);
    number("same_top", f.same_top);
    number("perplexity", f.perplexity);
    number("parent_perplexity", f.parent_perplexity);
    writer.set("bantam.fidelity.text_sha256", hash);
    std::vector<std::string> names;
    std::vector<float> values;
    for (const auto& [name, error] : errors) {
      names.push_back(name);
      values.push_back(static_cast<float>(error));
    }
    if (names.empty()) return;
    writer.set("bantam.fidelity.tensors", std::span<const std::string>(names));
    writer.set("bantam.fidelity.tensor_error", std::span<const float>(values));
  };
  files::set_gguf_keys(path, set, check_interrupt);
}

void print_fidelity(const Fidelity& f, const Errors& errors, const Tokenizer& tokenizer) {
  print(fmt::format(
      "fidelity over {} tokens: divergence {:.4g} nats a token, 99th percentile {:.4g}; the same "
      "likeliest token {:.2f} %; perplexity {:.4g}, the parent's {:.4g}\n",
      f.positions, f.kl_mean, f.kl_99, 100 * f.same_top, f.perplexity, f.parent_perplexity));
  const auto word = [&](std::int32_t id) {
    const std::vector<std::int32_t> one{id};
    return "\"" + printable(tokenizer.decode(one), 30) + "\"";
  };
  for (const Fidelity::Position& p : f.worst)
    print(fmt::format("  token {:>6}  divergence {:<9.4g} {} in place of {}\n", p.index, p.kl,
                      word(p.top), word(p.parent_top)));
  constexpr std::size_t kShown = 10;
  for (std::size_t i = 0; i < std::min(kShown, errors.size()); ++i)
    print(fmt::format("  {:<28} error {:.4f}\n", errors[i].first, errors[i].second));
  if (errors.size() > kShown)
    print(fmt::format("  {} more tensors, each with a smaller error (--json shows all)\n",
                      errors.size() - kShown));
}

}  // namespace

Json report_fidelity(const std::shared_ptr<const ModelFile>& parent, const Path& child,
                     const std::string& text, const Conversion& conversion, Runtime runtime,
                     bool quiet) {
  const std::string words = read_text(text);
  Sha256 sum;
  sum.add(std::as_bytes(std::span(words)));
  const std::string hash = sum.hex();
  const auto tokenizer = tokenizer_of(*parent);
  Passages passages;
  passages.tokens = tokenizer->encode(words, {.add_special = false});
  if (passages.tokens.empty()) throw Error("it has no text to compare on").in(text);
  passages.begin = first_token(*tokenizer);
  passages.length = std::min<std::int64_t>(512, parent->config().context - 1);
  Session before = exact_session(parent, passages.length + 1, runtime);
  Session after =
      exact_session(std::make_shared<const ModelFile>(child), passages.length + 1, runtime);
  Fidelity fidelity;
  {
    Progress progress(Progress::detect(quiet), "passage", passages.count());
    fidelity =
        compare_models(before, after, passages, runtime.pool, [&](std::int64_t done, std::int64_t) {
          check_interrupt();
          progress.update(done, "");
        });
  }
  const Errors errors = errors_of(conversion);
  write_into(child, fidelity, errors, hash);
  if (!quiet) print_fidelity(fidelity, errors, *tokenizer);
  return json_of(fidelity, errors, hash);
}

}  // namespace bantam::cli
