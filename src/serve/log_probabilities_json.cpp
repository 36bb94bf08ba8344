#include "serve/log_probabilities_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "words/unicode.h"

namespace bantam::serve {

namespace {

// JSON has no infinity; OpenAI's number for what is as good as impossible.
constexpr double kLeast = -9999;

double told(double log_probability) { return std::max(log_probability, kLeast); }

// The bytes that a token adds to a text; none for control tokens and for rows of the logits beyond
// the vocabulary.
std::string bytes_of(const Tokenizer& tokenizer, std::int32_t id) {
  return id < tokenizer.size() ? tokenizer.token_bytes(id) : "";
}

// Characters that begin in a text.
std::int64_t beginnings(std::string_view text) {
  return std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

// Whether the decoder leaves out the space that the first of the tokens begins with, as it stands
// at the beginning of a text.
bool drops_space(const Tokenizer& tokenizer, std::span<const std::int32_t> ids) {
  for (const std::int32_t id : ids) {
    const std::string bytes = bytes_of(tokenizer, id);
    if (bytes.empty()) continue;
    return bytes.front() == ' ' && !tokenizer.decode({&id, 1}).starts_with(' ');
  }
  return false;
}

Json bytes_json(std::string_view bytes) {
  Json list = Json::array();
  for (const char c : bytes) list.push_back(static_cast<unsigned char>(c));
  return list;
}

// The columns of the completions endpoint.
class Columns {
 public:
  Columns(const Tokenizer& tokenizer, std::int64_t start) : tokenizer_(tokenizer), at_(start) {}

  void add(std::int32_t id, const TokenProbabilities* p) {
    const std::string text = token_text(tokenizer_, id);
    tokens_.push_back(text);
    offsets_.push_back(std::max<std::int64_t>(at_, 0));
    at_ += beginnings(bytes_of(tokenizer_, id));
    numbers_.push_back(p == nullptr ? Json() : Json(told(p->chosen.log_probability)));
    if (p == nullptr) {
      tops_.push_back(nullptr);
      return;
    }
    Json top = Json::object();
    top[text] = told(p->chosen.log_probability);
    // Of several with one text the likeliest counts.
    for (auto t = p->top.rbegin(); t != p->top.rend(); ++t)
      top[token_text(tokenizer_, t->id)] = told(t->log_probability);
    tops_.push_back(std::move(top));
  }

  Json json() && {
    return {{"tokens", std::move(tokens_)},
            {"token_logprobs", std::move(numbers_)},
            {"top_logprobs", std::move(tops_)},
            {"text_offset", std::move(offsets_)}};
  }

 private:
  const Tokenizer& tokenizer_;
  std::int64_t at_;
  Json tokens_ = Json::array(), numbers_ = Json::array(), tops_ = Json::array(),
       offsets_ = Json::array();
};

}  // namespace

std::string token_text(const Tokenizer& tokenizer, std::int32_t id) {
  if (id >= tokenizer.size()) return fmt::format("<{}>", id);
  if (tokenizer.special(id)) return std::string(tokenizer.piece(id));
  const std::string bytes = tokenizer.token_bytes(id);
  if (is_valid_utf8(bytes)) return bytes;
  std::string text = "bytes:";
  for (const char c : bytes) text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return text;
}

Json completion_log_probabilities(const Tokenizer& tokenizer, const ScoredTokens& scored) {
  Columns columns(tokenizer, drops_space(tokenizer, scored.prompt) ? -1 : 0);
  for (std::size_t i = 0; i < scored.prompt.size(); ++i)
    columns.add(scored.prompt[i], i == 0 ? nullptr : &scored.of_prompt[i - 1]);
  for (const TokenProbabilities& p : scored.of_answer) columns.add(p.chosen.id, &p);
  return std::move(columns).json();
}

Json chat_log_probabilities(const Tokenizer& tokenizer, const ScoredTokens& scored) {
  const auto entry = [&](const TokenProbability& p) -> Json {
    return {{"token", token_text(tokenizer, p.id)},
            {"logprob", told(p.log_probability)},
            {"bytes", bytes_json(bytes_of(tokenizer, p.id))}};
  };
  Json content = Json::array();
  for (const TokenProbabilities& p : scored.of_answer) {
    Json token = entry(p.chosen);
    token["top_logprobs"] = Json::array();
    for (const TokenProbability& other : p.top) token["top_logprobs"].push_back(entry(other));
    content.push_back(std::move(token));
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

}  // namespace bantam::serve
