#include "tokenizer/same_ids.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "tokenizer/tokenizer_spec.h"

namespace bantam::tokenizer {

namespace {

// What normalizers, pre-tokenizers and their schemes do differently. Sums that lie in files are made of these
// (meaning_sum): they stay as they are.
constexpr const char* kTexts[] = {
    "a",
    " a",
    "a ",
    "  a  b   c    ",
    "Hello world, it's 12345.67 and we'LL see \"it\" (again)!?",
    "one\ntwo\n\nthree\r\n\r\nfour\n\n\n\n  five\t\tsix",
    " \n \n\n",
    "0 00 000 1234567890 \xc2\xb2\xc2\xbd \xd9\xa3\xd9\xa4 \xe0\xa7\xa7",
    "don't I'M you're WE'VE he'd",
    "\xe6\x88\x91\xe5\x80\x91 \xe4\xbd\xa0\xe5\xa5\xbd\xef\xbc\x8c\xe4\xb8\x96\xe7\x95\x8c\xe3\x80\x82",
    "\xce\x93\xce\xb5\xce\xb9\xce\xac \xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 "
    "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xe0\xa4\xa8\xe0\xa4\xae\xe0\xa4\xb8\xe0\xa5\x8d\xe0\xa4\xa4",
    "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7 \xf0\x9f\x87\xab\xf0\x9f\x87\xb7 \xef\xb8\x8f",
    "\xe3\x80\x80\xc2\xa0\xe2\x80\x83x\xe2\x80\xa8y\xc2\x85z",
    "for (int i = 0; i < n; ++i) { x[i] += 3.14e-5f; } // snake_case CamelCase",
    "https://example.org/a?b=c&d=%20#e-f_g@h",
    "\x01\x02\x7f \xc2\xad\xe2\x80\x8b\xef\xbb\xbf",
};

// Not among them, as llama.cpp's files leave out that a tokenizer brings text to NFC: of other text ids are others.
constexpr const char* kForms = "caf\xc3\xa9 cafe\xcc\x81 \xef\xac\x81 \xe2\x84\xab \xe1\xba\x9b\xcc\xa3";

using Ids = std::vector<std::int32_t>;

// nullopt: it takes too many steps.
std::optional<Ids> ids_of(const Tokenizer& tokenizer, const std::string& text) {
  try {
    return tokenizer.encode(text, {true, true});
  } catch (const Error&) {
    return std::nullopt;
  }
}

// The texts of added tokens that both have, sorted, each once.
std::vector<std::string> added_of_both(const Tokenizer& a, const Tokenizer& b) {
  const std::int64_t size = std::min(a.size(), b.size());
  std::vector<std::string> all;
  for (const Tokenizer* t : {&a, &b})
    for (const AddedToken& token : t->spec().added)
      if (token.id < size && !token.content.empty()) all.push_back(token.content);
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

// Two tokens written over each other, where one ends as the other begins. `tokens` is sorted.
template <class Try>
void try_overlaps(const std::vector<std::string>& tokens, const Try& attempt) {
  constexpr int kMostOfOne = 64;
  for (const std::string& first : tokens) {
    int tried = 0;
    for (std::size_t at = 1; at < first.size() && tried < kMostOfOne; ++at) {
      const std::string_view end = std::string_view(first).substr(at);
      for (auto second = std::ranges::lower_bound(tokens, end, {},
                                                  [](const std::string& t) {
                                                    return std::string_view(t);
                                                  });
           second != tokens.end() && second->starts_with(end) && tried < kMostOfOne; ++second)
        if (second->size() > end.size()) {
          ++tried;
          if (attempt(first + second->substr(end.size()))) return;
        }
    }
  }
}

}  // namespace

std::optional<std::string> text_with_other_ids(const Tokenizer& a, const Tokenizer& b) {
  std::optional<std::string> found;
  const auto attempt = [&](const std::string& text) {
    if (ids_of(a, text) != ids_of(b, text)) found = text;
    return found.has_value();
  };
  for (const char* text : kTexts)
    if (attempt(text)) return found;
  if (attempt(kForms)) return found;
  const std::vector<std::string> tokens = added_of_both(a, b);
  for (const std::string& t : tokens)
    for (const std::string& text : {t, "a" + t + "b", "a " + t + " b", "a  " + t + "\n b", t + t,
                                    t + "b " + t})
      if (attempt(text)) return found;
  try_overlaps(tokens, attempt);
  return found;
}

namespace {

// Tokens that are more than a row of the embedding.
std::int64_t tokens_that_count(const Tokenizer& tokenizer) {
  std::int64_t count = tokenizer.size();
  const auto fills = [&](std::int64_t id) {
    const std::string_view piece = tokenizer.piece(static_cast<std::int32_t>(id));
    return piece.empty() || piece == "[PAD" + std::to_string(id) + "]";
  };
  while (count > 0 && fills(count - 1)) --count;
  return count;
}

}  // namespace

std::string meaning_sum(const Tokenizer& tokenizer) {
  Sha256 sum;
  const auto add = [&](std::string_view bytes) {
    const std::uint64_t size = bytes.size();
    sum.add(std::as_bytes(std::span(&size, 1)));
    sum.add(std::as_bytes(std::span(bytes)));
  };
  const std::int64_t count = tokens_that_count(tokenizer);
  for (std::int64_t id = 0; id < count; ++id) add(tokenizer.piece(static_cast<std::int32_t>(id)));
  for (const char* text : kTexts) {
    std::string ids = "none";  // it takes too many steps
    try {
      ids.clear();
      for (const std::int32_t id : tokenizer.encode(text, {false, false})) ids += std::to_string(id) + " ";
    } catch (const Error&) {
    }
    add(ids);
  }
  return sum.hex();
}

}  // namespace bantam::tokenizer
