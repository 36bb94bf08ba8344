// Types for `bantam quantize --target-size` and `--target-kl`.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/progress.h"
#include "blocks/format.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/quantize_parts.h"
#include "cli/sizes.h"

namespace bantam::cli {

std::optional<std::int64_t> QuantizeTarget::bytes() const {
  if (!size) return std::nullopt;
  return parse_bytes(*size, "--target-size");
}

Session exact_session(const std::shared_ptr<const ModelFile>& file, std::int64_t positions,
                      Runtime runtime) {
  SessionOptions options;
  options.arithmetic = Arithmetic::f32;
  options.cache = Type::f32;
  options.positions = std::min(positions, file->config().context);
  return Session(file, runtime, options);
}

namespace {

// "12 Q4_K, 3 Q6_K"
std::string type_counts(const TypeChoice& choice) {
  std::map<Type, int> counts;
  for (const auto& [name, type] : choice.types) ++counts[type];
  std::string text;
  for (const auto& [type, count] : counts)
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + upper_name(format(type));
  return text;
}

// What general.file_type says: the type that most bytes have.
std::uint32_t main_file_type(const TypeChoice& choice) {
  std::map<Type, int> counts;
  for (const auto& [name, type] : choice.types) ++counts[type];
  const auto most =
      std::max_element(counts.begin(), counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return format(most->first).file_type;
}

}  // namespace

TypePlan plan_for_target(const std::shared_ptr<const ModelFile>& file, const QuantizeTarget& target,
                         const MeasuringText& text, const Importance& importance,
                         std::int64_t spare, Runtime runtime, bool quiet) {
  const auto tokenizer = tokenizer_of(*file);
  Passages passages;
  passages.tokens = text.tokens(*tokenizer);
  passages.begin = first_token(*tokenizer);
  passages.length = std::min<std::int64_t>(256, file->config().context - 1);
  const auto most = static_cast<std::size_t>(target.probe.value_or(256));
  // Some of every part of the text: passages of 64 tokens, evenly over it.
  if (passages.tokens.size() > most) {
    constexpr std::size_t kPiece = 64;
    const std::size_t pieces = std::max<std::size_t>(1, most / kPiece);
    const std::size_t stride = passages.tokens.size() / pieces;
    std::vector<std::int32_t> some;
    for (std::size_t i = 0; i < pieces; ++i)
      some.insert(some.end(), passages.tokens.begin() + static_cast<std::ptrdiff_t>(i * stride),
                  passages.tokens.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                i * stride + kPiece, passages.tokens.size())));
    passages.tokens = some;
    passages.length = std::min<std::int64_t>(kPiece, passages.length);
  }
  Session model = exact_session(file, passages.length + 1, runtime);
  std::vector<TensorOptions> options;
  {
    Progress progress(Progress::detect(quiet), "tensor", 0);
    options = measure_options(model, file, passages, importance, runtime.pool,
                              [&](std::int64_t done, std::int64_t) {
                                check_interrupt();
                                progress.update(done, "");
                              });
  }
  TypeChoice choice;
  double measured = 0;
  if (const auto bytes = target.bytes()) {
    const auto found = choose_for_bytes(options, *bytes - spare);
    if (!found)
      throw Error("the smallest types make the file larger than " + *target.size +
                  "; ask for more, or take a smaller model")
          .field("--target-size");
    choice = *found;
    measured = measure_choice(model, file, choice, passages, importance, runtime.pool);
  } else {
    // What adds up for small errors does not for large ones: the bound is moved by what was found.
    double bound = target.kl;
    for (int again = 0; again < 4; ++again) {
      const TypeChoice next = choose_for_cost(options, bound);
      const double now = measure_choice(model, file, next, passages, importance, runtime.pool);
      if (now <= target.kl && (choice.types.empty() || next.bytes < choice.bytes)) {
        choice = next;
        measured = now;
      }
      if (now > 0.9 * target.kl && now <= target.kl) break;
      bound *= std::clamp(0.97 * target.kl / std::max(now, 1e-9), 0.1, 4.0);
    }
    if (choice.types.empty()) {
      choice = choose_for_cost(options, 0);
      measured = measure_choice(model, file, choice, passages, importance, runtime.pool);
      note(fmt::format("no choice of types stays within {} nats on this text; the best is {:.4g}",
                       target.kl, measured));
    }
  }
  note(
      fmt::format("types by measured sensitivity: {}; divergence on the calibration text {:.4g} "
                  "nats a token",
                  type_counts(choice), measured));
  return TypePlan::chosen(choice.types, main_file_type(choice));
}

}  // namespace bantam::cli
