#include "chat/answer_mask.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "chat/content_form.h"
#include "chat/quoting.h"

namespace bantam::chat {

namespace {

// Where each token of an encoded text lies in it.
class TokenPlaces {
 public:
  struct Place {
    std::size_t begin, end;
  };
  TokenPlaces(const Tokenizer& tokenizer, const std::string& text,
              const std::vector<std::int32_t>& ids, const std::vector<EncodedPart>& parts)
      : tokenizer_(tokenizer), text_(text), ids_(ids) {
    for (std::size_t i = 0; i < parts.size(); ++i)
      place(parts[i], i + 1 < parts.size() ? parts[i + 1].first : ids.size());
  }
  const std::vector<Place>& all() const { return places_; }

 private:
  void place(const EncodedPart& part, std::size_t end) {
    if (part.token) {
      places_.push_back({part.begin, part.end});
      return;
    }
    std::string bytes;
    std::vector<std::size_t> ends;
    for (std::size_t i = part.first; i < end; ++i) {
      bytes += tokenizer_.token_bytes(ids_[i]);
      ends.push_back(bytes.size());
    }
    const std::string_view stretch(text_.data() + part.begin, part.end - part.begin);
    // Some vocabularies write a space before the text.
    const std::size_t more = bytes.size() == stretch.size() + 1 && bytes[0] == ' ' ? 1 : 0;
    if (std::string_view(bytes).substr(more) != stretch) ends = by_prefixes(part, stretch, end);
    std::size_t before = part.begin;
    for (std::size_t at : ends) {
      at = part.begin + std::max(at, more) - more;
      places_.push_back({before, at});
      before = at;
    }
  }

  // A normalizer changed the text: a token ends where the tokens up to it appear in the encoding of
  // the text up to there. Characters that no such prefix ends are the next token's.
  std::vector<std::size_t> by_prefixes(const EncodedPart& part, std::string_view stretch,
                                       std::size_t end) const {
    const std::size_t count = end - part.first;
    std::vector<std::size_t> ends(count, stretch.size());
    std::size_t done = 0;
    for (std::size_t at = 1; at < stretch.size() && done < count; ++at) {
      if ((stretch[at] & 0xC0) == 0x80) continue;
      const std::vector<std::int32_t> some = tokenizer_.encode(stretch.substr(0, at), {false, false});
      std::size_t same = 0;
      while (same < some.size() && same < count && some[same] == ids_[part.first + same]) ++same;
      if (same == some.size())
        for (; done < same; ++done) ends[done] = at;
    }
    return ends;
  }

  const Tokenizer& tokenizer_;
  const std::string& text_;
  const std::vector<std::int32_t>& ids_;
  std::vector<Place> places_;
};

// What the template writes to open an answer; nothing where it marks none. Some templates close a conversation that asks
// for no answer with an end token (microsoft/Phi-3-mini-4k-instruct, tokenizer_config.json): that is not part of the question.
std::string generation_prompt(const ChatTemplate& chat, const Tokenizer& tokenizer, const ChatInput& whole) {
  ChatInput input = whole;
  // Up to the last question: after an answer some templates open no other.
  const auto answer = [](const Json& message) {
    return message.is_object() && message.value("role", Json()) == "assistant";
  };
  while (!input.messages.empty() && answer(input.messages.back()))
    input.messages.erase(input.messages.size() - 1);
  input.add_generation_prompt = false;
  const std::string closed = chat.render(input);
  input.add_generation_prompt = true;
  const std::string open = chat.render(input);
  if (open.starts_with(closed)) return open.substr(closed.size());
  for (const std::int32_t id : tokenizer.end_ids()) {
    const std::string_view end = tokenizer.piece(id);
    if (!end.empty() && closed.ends_with(end) && open.starts_with(std::string_view(closed).substr(0, closed.size() - end.size())))
      return open.substr(closed.size() - end.size());
  }
  throw Error("the template does not write the conversation alike with and without its generation prompt: where an answer begins "
              "cannot be told")
      .in(chat.name());
}

// Where an answer begins in what belongs to its message: behind the generation prompt. Of a prompt
// that says more than the template repeats (a thought that it opens), behind the last control token
// or white space that both have.
std::size_t behind_prompt(std::string_view part, std::string_view prompt,
                          const std::vector<TokenPlaces::Place>& controls, std::size_t offset) {
  if (part.starts_with(prompt)) return prompt.size();
  const auto same = static_cast<std::size_t>(
      std::ranges::mismatch(part, prompt).in1 - part.begin());
  std::size_t at = std::string_view::npos;
  for (const auto& control : controls)
    if (control.begin >= offset && control.end <= offset + same) at = control.end - offset;
  if (at == std::string_view::npos) return at;
  for (std::size_t i = at; i < same; ++i)
    if (part[i] == '\n' || part[i] == ' ') at = i + 1;
  return at;
}

constexpr std::string_view kBlank = " \t\r\n";

bool says(const Json& message) {
  const auto content = message.find("content");
  const auto text = content == message.end() ? std::nullopt : text_of_content(*content);
  return text && text->find_first_not_of(kBlank) != std::string::npos;
}

// There is nothing but control tokens and white space.
bool empty_between(std::string_view text, std::size_t begin, std::size_t end, const std::vector<TokenPlaces::Place>& controls) {
  for (const auto& control : controls) {
    if (control.end <= begin || control.begin >= end) continue;
    if (text.substr(begin, control.begin - begin).find_first_not_of(kBlank) != std::string_view::npos) return false;
    begin = control.end;
  }
  return begin >= end || text.substr(begin, end - begin).find_first_not_of(kBlank) == std::string_view::npos;
}

}  // namespace

bool counts_in_training(const Json& message) {
  const auto weight = message.find("weight");
  if (weight == message.end() || weight->is_null()) return true;
  if (!weight->is_number() || (*weight != 0 && *weight != 1))
    throw Error("0 or 1 was expected, not " + printable(as_read(*weight), 40)).field("weight");
  return *weight == 1;
}

MaskedPrompt mask_answers(const ChatTemplate& chat, const Tokenizer& tokenizer, ChatInput input,
                          Labels labels) {
  if (!input.messages.is_array()) throw Error("a conversation is an array of messages");
  input.add_generation_prompt = false;
  QuotedRendering quoted = render_quoting(chat, tokenizer, input);
  MaskedPrompt out;
  out.text = std::move(quoted.rendering.text);
  std::vector<EncodedPart> parts;
  out.ids = tokenizer.encode_quoting(out.text, quoted.quoted, parts);
  const TokenPlaces places(tokenizer, out.text, out.ids, parts);
  std::vector<TokenPlaces::Place> controls, stops;
  for (const EncodedPart& part : parts) {
    if (!part.token || !tokenizer.special(out.ids[part.first])) continue;
    controls.push_back({part.begin, part.end});
    if (tokenizer.ends(out.ids[part.first])) stops.push_back(controls.back());
  }
  const std::string prompt = generation_prompt(chat, tokenizer, input);
  for (std::size_t m = 0; m < input.messages.size(); ++m) {
    const Json& message = input.messages[m];
    if (!message.is_object() || message.value("role", Json()) != "assistant") continue;
    const bool counts = counts_in_training(message);
    const auto& stretches = quoted.rendering.stretches;
    if (std::ranges::find(stretches, m, &Rendering::Stretch::message) == stretches.end())
      throw Error("the template does not come to message " + std::to_string(m + 1) +
                  " while it goes over the messages: what the assistant says cannot be told")
          .in(chat.name());
    const auto stretch = std::ranges::find_if(stretches, [m](const Rendering::Stretch& s) {
      return s.message == m && s.end > s.begin;
    });
    if (stretch == stretches.end()) continue;  // left out of the prompt
    const std::string_view part(out.text.data() + stretch->begin, stretch->end - stretch->begin);
    // Before an answer that opens the conversation some templates write a system message of their own.
    if (m == 0 && !part.starts_with(prompt))
      throw Error("the conversation begins with an answer, before which the template writes something of its own: let it begin "
                  "with a question")
          .in(chat.name());
    const std::size_t opened = behind_prompt(part, prompt, controls, stretch->begin);
    if (opened == std::string_view::npos)
      throw Error("the answer of message " + std::to_string(m + 1) +
                  " does not begin as the template's generation prompt does")
          .in(chat.name());
    MaskedPrompt::Span span{stretch->begin + opened, stretch->end};
    span.counts = counts;
    for (const auto& stop : stops)
      if (stop.begin >= span.begin && stop.end <= stretch->end) {
        span.end = stop.end;
        span.stopped = true;
      }
    if (span.stopped && says(message) && empty_between(out.text, span.begin, span.end, controls))
      throw Error("the template writes nothing of message " + std::to_string(m + 1) + " before the stop token: what the assistant says cannot "
                  "be told")
          .in(chat.name());
    out.answers.push_back(span);
  }
  for (MaskedPrompt::Span& span : out.answers) {
    const auto& at = places.all();
    while (span.first < at.size() && at[span.first].end <= span.begin) ++span.first;
    span.last = span.first;
    while (span.last < at.size() && at[span.last].begin < span.end) ++span.last;
  }
  if (labels == Labels::last_answer && !out.answers.empty())
    out.answers.erase(out.answers.begin(), out.answers.end() - 1);
  out.mask.assign(out.ids.size(), labels == Labels::all ? 1 : 0);
  for (const MaskedPrompt::Span& span : out.answers)
    for (std::size_t i = span.first; i < span.last; ++i)
      if (places.all()[i].end > span.begin) out.mask[i] = span.counts ? 1 : 0;
  return out;
}

}  // namespace bantam::chat
