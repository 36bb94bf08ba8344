// Normalizers of tokenizer.json (huggingface/tokenizers, tokenizers/src/normalizers), Unicode forms
// by utf8proc. All take time linear in the text.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"
#include "tokenizer/tokenizer_spec.h"
#include "words/unicode_form.h"

namespace bantam::tokenizer {

class NormalizeOp {
 public:
  virtual ~NormalizeOp() = default;
  // `text` is well-formed UTF-8 and stays so. `first`: no text stands before
  // it, but control tokens may.
  virtual void apply(std::string& text, bool first) const = 0;
};

// Throws Error when the pattern or character map of a step is wrong.
std::unique_ptr<NormalizeOp> make_normalize_op(const NormalizeStep& step);

class Normalizer {
 public:
  explicit Normalizer(const std::vector<NormalizeStep>& steps);

  bool empty() const { return ops_.empty(); }
  std::string apply(std::string_view text, bool first) const;

 private:
  std::vector<std::unique_ptr<NormalizeOp>> ops_;
};

}  // namespace bantam::tokenizer
