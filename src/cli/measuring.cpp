#include "cli/measuring.h"

#include "base/hash.h"
#include "base/progress.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "files/apart.h"

namespace bantam::cli {

std::vector<std::int32_t> MeasuringText::tokens(const Tokenizer& tokenizer) const {
  std::string text;
  for (const std::string& file : files) text += read_text(file) + "\n";
  if (files.empty()) text = calibration_text();
  return tokenizer.encode(text, {.add_special = false});
}

std::string MeasuringText::about() const {
  if (files.empty()) return "Bantam's own text in many languages";
  Sha256 sum;
  for (const std::string& file : files) {
    const std::string text = read_text(file);
    sum.add(std::as_bytes(std::span(text)));
  }
  return "sha256 " + sum.hex();
}

void MeasuringText::require_apart(const std::string& out) const {
  for (const std::string& file : files) bantam::files::require_apart(Path(out), Path(file), "the text");
}

std::optional<std::int32_t> first_token(const Tokenizer& tokenizer) {
  const std::vector<std::int32_t> ids = tokenizer.encode("", {.add_special = true});
  if (ids.empty()) return std::nullopt;
  return ids.front();
}

Importance measured_importance(const std::shared_ptr<const ModelFile>& file,
                               const MeasuringText& text, std::int64_t chunk, Runtime runtime,
                               bool quiet) {
  const auto tokenizer = tokenizer_of(*file);
  const std::vector<std::int32_t> tokens = text.tokens(*tokenizer);
  SessionOptions options;
  options.arithmetic = Arithmetic::f32;
  options.cache = Type::f32;
  chunk = std::min(chunk, file->config().context - 1);
  options.positions = chunk + 1;
  Session session(file, runtime, options);
  Progress progress(Progress::detect(quiet), "chunk", (std::ssize(tokens) + chunk - 1) / chunk);
  return measure_importance(session, tokens, chunk, first_token(*tokenizer),
                            [&](std::int64_t done, std::int64_t) {
                              check_interrupt();
                              progress.update(done, "");
                            });
}

}  // namespace bantam::cli
