#include "chat/quoting.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "tokenizer/tokenizer_spec.h"
#include "words/unicode.h"

namespace bantam::chat {

namespace {

// The end of the last plane of private use: nobody's characters.
constexpr char32_t kFirstStand = 0x10FF00, kLastStand = 0x10FFFD;

// Replaces, in every text of a conversation, one character of each control token it spells.
class Quoter {
 public:
  // `last`: the last character of a spelling is replaced, not the first.
  Quoter(const Tokenizer& tokenizer, bool last) : last_(last) {
    for (const AddedToken& token : tokenizer.spec().added)
      if (token.special) names_.push_back(token.content);
  }

  Json quote(const Json& json) {
    if (json.is_string()) return quote(json.get_ref<const std::string&>());
    if (json.is_array()) {
      Json out = Json::array();
      for (const Json& item : json) out.push_back(quote(item));
      return out;
    }
    if (json.is_object()) {
      Json out = Json::object();
      for (const auto& [key, value] : json.items()) out[quote(key)] = quote(value);
      return out;
    }
    return json;
  }
  bool any() const { return !characters_.empty(); }

  // The characters put back; `quoted` and the stretches are those of the text that comes back.
  QuotedRendering restore(const Rendering& from) const {
    QuotedRendering out;
    std::string& text = out.rendering.text;
    std::vector<std::size_t> moved(from.text.size() + 1);
    for (std::size_t at = 0; at < from.text.size();) {
      const Rune rune = decode_rune(from.text, at);
      for (std::size_t i = 0; i < rune.size; ++i) moved[at + i] = text.size();
      const auto which = static_cast<std::size_t>(rune.value - kFirstStand);
      if (rune.value >= kFirstStand && which < characters_.size()) {
        for (std::size_t i = 0; i < characters_[which].size(); ++i)
          out.quoted.push_back(text.size() + i);
        text += characters_[which];
      } else {
        text += from.text.substr(at, rune.size);
      }
      at += rune.size;
    }
    moved[from.text.size()] = text.size();
    for (const auto& [message, begin, end] : from.stretches)
      out.rendering.stretches.push_back({message, moved[begin], moved[end]});
    return out;
  }

 private:
  std::string quote(const std::string& text) {
    std::vector<std::size_t> hits;
    for (const std::string& name : names_)
      for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1))
        hits.push_back(last_ ? last_character(text, at + name.size()) : at);
    if (hits.empty()) return text;
    std::ranges::sort(hits);
    hits.erase(std::unique(hits.begin(), hits.end()), hits.end());
    std::string out;
    std::size_t done = 0;
    for (const std::size_t at : hits) {
      const std::size_t size = decode_rune(text, at).size;
      out += text.substr(done, at - done) + stand_for(text.substr(at, size));
      done = at + size;
    }
    return out + text.substr(done);
  }

  static std::size_t last_character(const std::string& text, std::size_t end) {
    do {
      --end;
    } while (end > 0 && (text[end] & 0xC0) == 0x80);
    return end;
  }

  std::string stand_for(const std::string& character) {
    const auto found = std::ranges::find(characters_, character);
    const auto which = found - characters_.begin();
    if (found == characters_.end()) characters_.push_back(character);
    if (kFirstStand + static_cast<char32_t>(which) > kLastStand)
      throw Error("the conversation spells control tokens of too many kinds");
    std::string out;
    append_utf8(out, kFirstStand + static_cast<char32_t>(which));
    return out;
  }

  bool last_;
  std::vector<std::string> names_;
  std::vector<std::string> characters_;  // by what stands for them
};

}  // namespace

QuotedRendering render_quoting(const ChatTemplate& chat, const Tokenizer& tokenizer,
                               const ChatInput& input) {
  const Rendering plain = chat.trace(input);
  for (const bool last : {false, true}) {
    Quoter quoter(tokenizer, last);
    ChatInput other = input;
    other.messages = quoter.quote(input.messages);
    other.tools = quoter.quote(input.tools);
    other.extra = quoter.quote(input.extra);
    if (!quoter.any()) return {plain, {}};
    QuotedRendering out = quoter.restore(chat.trace(other));
    const auto same = [](const Rendering::Stretch& a, const Rendering::Stretch& b) {
      return a.message == b.message && a.begin == b.begin && a.end == b.end;
    };
    if (out.rendering.text == plain.text &&
        std::ranges::equal(out.rendering.stretches, plain.stretches, same))
      return out;
  }
  throw Error(
             "the conversation spells control tokens, and the template treats them in a way of its "
             "own: what is content and what is not cannot be told; change that message")
      .in(chat.name());
}

}  // namespace bantam::chat
