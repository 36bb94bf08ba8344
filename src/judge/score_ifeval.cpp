// Whether an answer follows instructions that a program can check: IFEval (Zhou et al. 2023; the rules
// are those of google-research/google-research, instruction_following_eval/instructions.py).
#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "judge/prepare.h"
#include "judge/python_text.h"
#include "judge/score.h"
#include "words/unicode.h"

namespace bantam::judge {

namespace {

// What an instruction says beside its name; a field that is missing or null is empty or 0.
class Arguments {
 public:
  explicit Arguments(const Json& fields) : fields_(fields) {}
  std::string text(const char* name) const {
    const auto at = fields_.find(name);
    return at != fields_.end() && at->is_string() ? at->get<std::string>() : "";
  }
  std::int64_t number(const char* name) const {
    const auto at = fields_.find(name);
    return at != fields_.end() && at->is_number() ? static_cast<std::int64_t>(at->get<double>()) : 0;
  }
  std::vector<std::string> texts(const char* name) const {
    std::vector<std::string> out;
    const auto at = fields_.find(name);
    if (at != fields_.end() && at->is_array())
      for (const Json& one : *at)
        if (one.is_string()) out.push_back(one.get<std::string>());
    return out;
  }

 private:
  const Json& fields_;
};

std::string quoted_pattern(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::ispunct(static_cast<unsigned char>(c))) out += '\\';
    out += c;
  }
  return out;
}

std::int64_t count_of(const std::string& pattern, std::string_view text) {
  return static_cast<std::int64_t>(Pattern(pattern).find_all(text).size());
}

bool related(std::int64_t count, std::int64_t wanted, const std::string& relation) {
  return relation == "less than" ? count < wanted : count >= wanted;
}

std::vector<std::string> pieces(std::string_view text, const std::string& pattern) {
  std::vector<std::string> out;
  const std::string all(text);
  std::size_t at = 0;
  for (const Pattern::Groups& match : Pattern(pattern).find_all(all)) {
    const std::size_t next = all.find(*match[0], at);
    out.push_back(all.substr(at, next - at));
    at = next + match[0]->size();
  }
  out.push_back(all.substr(at));
  return out;
}

bool has(const std::string& pattern, std::string_view text) { return Pattern(pattern).found_in(text); }

bool paragraphs_between_stars(std::string_view answer, const Arguments& a) {
  const std::vector<std::string> parts = pieces(answer, R"(\s?\*\*\*\s?)");
  auto count = static_cast<std::int64_t>(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!strip(parts[i]).empty()) continue;
    if (i != 0 && i + 1 != parts.size()) return false;
    --count;
  }
  return count == a.number("num_paragraphs");
}

bool first_word_of_paragraph(std::string_view answer, const Arguments& a) {
  const std::vector<std::string> parts = pieces(answer, R"(\n\n)");
  auto count = static_cast<std::int64_t>(parts.size());
  for (const std::string& part : parts) count -= strip(part).empty() ? 1 : 0;
  const std::int64_t nth = a.number("nth_paragraph");
  if (count != a.number("num_paragraphs") || nth < 1 || nth > static_cast<std::int64_t>(parts.size())) return false;
  std::string_view paragraph = strip(parts[static_cast<std::size_t>(nth - 1)]);
  std::string word(paragraph.substr(0, paragraph.find_first_of(" \t\n")));
  while (!word.empty() && (word.front() == '\'' || word.front() == '"')) word.erase(0, 1);
  word.resize(std::min(word.find_first_of(".,?!'\""), word.size()));
  return lower(word) == lower(a.text("first_word"));
}

bool constrained(std::string_view answer, const Arguments&) {
  return answer.find("My answer is yes.") != std::string_view::npos ||
         answer.find("My answer is no.") != std::string_view::npos ||
         answer.find("My answer is maybe.") != std::string_view::npos;
}

bool json_only(std::string_view answer, const Arguments&) {
  std::string text(strip(answer));
  for (const char* fence : {"```json", "```Json", "```JSON", "```"})
    if (text.starts_with(fence)) {
      text.erase(0, std::string_view(fence).size());
      break;
    }
  if (text.ends_with("```")) text.resize(text.size() - 3);
  return Json::accept(strip(text));
}

bool two_answers(std::string_view answer, const Arguments&) {
  std::vector<std::string> filled;
  const std::vector<std::string> parts = pieces(answer, R"(\*\*\*\*\*\*)");
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!strip(parts[i]).empty())
      filled.emplace_back(strip(parts[i]));
    else if (i != 0 && i + 1 != parts.size())
      return false;
  }
  return filled.size() == 2 && filled[0] != filled[1];
}

// Capital or small letters throughout, and at least one.
bool all_in_case(std::string_view answer, bool capital) {
  const CharClasses& classes = CharClasses::get();
  bool any = false;
  for (std::size_t at = 0; at < answer.size();) {
    const Rune rune = decode_rune(answer, at);
    at += rune.size;
    const std::uint16_t kind = classes[rune.value];
    if (kind & (capital ? char_class::lower : char_class::upper)) return false;
    any = any || (kind & (capital ? char_class::upper : char_class::lower));
  }
  return any;
}

std::int64_t words_in_capitals(std::string_view answer) {
  std::int64_t count = 0;
  for (const Pattern::Groups& word : Pattern(R"([\w'-]+)").find_all(answer))
    count += all_in_case(*word[0], true) ? 1 : 0;
  return count;
}

bool letter_count(std::string_view answer, const Arguments& a) {
  const std::string text = lower(answer), letter = lower(a.text("letter"));
  std::int64_t count = 0;
  for (std::size_t at = 0; !letter.empty() && (at = text.find(letter, at)) != std::string::npos; at += letter.size())
    ++count;
  return related(count, a.number("let_frequency"), a.text("let_relation"));
}

bool sections(std::string_view answer, const Arguments& a) {
  const std::string mark = R"(\s?)" + quoted_pattern(a.text("section_spliter")) + R"(\s?\d+\s?)";
  return count_of(mark, answer) >= a.number("num_sections");
}

bool postscript(std::string_view answer, const Arguments& a) {
  const std::string mark = a.text("postscript_marker"), text = lower(answer);
  if (mark == "P.P.S") return has(R"((?m)\s*p\.\s?p\.\s?s.*$)", text);
  if (mark == "P.S.") return has(R"((?m)\s*p\.\s?s\..*$)", text);
  return has(R"((?m)\s*)" + quoted_pattern(lower(mark)) + ".*$", text);
}

bool keywords_there(std::string_view answer, const Arguments& a) {
  const std::vector<std::string> words = a.texts("keywords");
  return std::all_of(words.begin(), words.end(),
                     [&](const std::string& w) { return has("(?i)" + quoted_pattern(w), answer); });
}

bool none_forbidden(std::string_view answer, const Arguments& a) {
  const std::vector<std::string> words = a.texts("forbidden_words");
  return std::none_of(words.begin(), words.end(), [&](const std::string& w) {
    return has(R"((?i)\b)" + quoted_pattern(w) + R"(\b)", answer);
  });
}

bool ends_with_phrase(std::string_view answer, const Arguments& a) {
  std::string text = lower(strip(answer));
  while (text.starts_with('"')) text.erase(0, 1);
  while (text.ends_with('"')) text.pop_back();
  return text.ends_with(lower(strip(a.text("end_phrase"))));
}

// By the script that most letters are of: a language detector is no part of this program. Languages
// of one script are not told apart.
bool script_fits(std::string_view answer, const Arguments& a) {
  struct Script {
    std::string_view languages;
    char32_t first, last;
  };
  static constexpr Script kScripts[] = {{"ar fa ur", 0x600, 0x6ff}, {"hi mr ne", 0x900, 0x97f}, {"bn", 0x980, 0x9ff},
                                        {"pa", 0xa00, 0xa7f}, {"gu", 0xa80, 0xaff}, {"ta", 0xb80, 0xbff},
                                        {"te", 0xc00, 0xc7f}, {"kn", 0xc80, 0xcff}, {"th", 0xe00, 0xe7f},
                                        {"ru bg uk", 0x400, 0x4ff}, {"ko", 0xac00, 0xd7a3}, {"zh ja", 0x3040, 0x9fff}};
  const std::string language = a.text("language");
  const Script* wanted = nullptr;
  for (const Script& s : kScripts)
    if (s.languages.find(language.substr(0, 2)) != std::string_view::npos) wanted = &s;
  std::int64_t letters = 0, fitting = 0;
  for (std::size_t at = 0; at < answer.size();) {
    const Rune rune = decode_rune(answer, at);
    at += rune.size;
    if ((CharClasses::get()[rune.value] & char_class::letter) == 0) continue;
    ++letters;
    fitting += wanted ? rune.value >= wanted->first && rune.value <= wanted->last : rune.value < 0x250;
  }
  return 2 * fitting > letters;
}

struct Instruction {
  std::string_view name;
  bool (*follows)(std::string_view answer, const Arguments& a);
};

constexpr Instruction kInstructions[] = {
    {"keywords:existence", keywords_there},
    {"keywords:frequency",
     [](std::string_view t, const Arguments& a) {
       return related(count_of("(?i)" + quoted_pattern(a.text("keyword")), t), a.number("frequency"), a.text("relation"));
     }},
    {"keywords:forbidden_words", none_forbidden},
    {"keywords:letter_frequency", letter_count},
    {"language:response_language", script_fits},
    {"length_constraints:number_sentences",
     [](std::string_view t, const Arguments& a) {
       return related(count_of(R"([^.!?。！？]+[.!?。！？]+|[^.!?。！？\s][^.!?。！？]*$)", t), a.number("num_sentences"), a.text("relation"));
     }},
    {"length_constraints:number_paragraphs", paragraphs_between_stars},
    {"length_constraints:number_words",
     [](std::string_view t, const Arguments& a) {
       return related(count_of(R"(\w+)", t), a.number("num_words"), a.text("relation"));
     }},
    {"length_constraints:nth_paragraph_first_word", first_word_of_paragraph},
    {"detectable_content:number_placeholders",
     [](std::string_view t, const Arguments& a) { return count_of(R"(\[.*?\])", t) >= a.number("num_placeholders"); }},
    {"detectable_content:postscript", postscript},
    {"detectable_format:number_bullet_lists",
     [](std::string_view t, const Arguments& a) {
       return count_of(R"((?m)^\s*\*[^\*].*$)", t) + count_of(R"((?m)^\s*-.*$)", t) == a.number("num_bullets");
     }},
    {"detectable_format:constrained_response", constrained},
    {"detectable_format:number_highlighted_sections",
     [](std::string_view t, const Arguments& a) {
       return count_of(R"((?<!\*)\*[^\n\*]*\S[^\n\*]*\*(?!\*))", t) + count_of(R"(\*\*[^\n\*]*\S[^\n\*]*\*\*)", t) >= a.number("num_highlights");
     }},
    {"detectable_format:multiple_sections", sections},
    {"detectable_format:json_format", json_only},
    {"detectable_format:title", [](std::string_view t, const Arguments&) { return has(R"(<<[^\n]*[^\s<>][^\n]*>>)", t); }},
    {"combination:two_responses", two_answers},
    {"combination:repeat_prompt",
     [](std::string_view t, const Arguments& a) {
       return lower(strip(t)).starts_with(lower(strip(a.text("prompt_to_repeat"))));
     }},
    {"startend:end_checker", ends_with_phrase},
    {"change_case:capital_word_frequency",
     [](std::string_view t, const Arguments& a) {
       return related(words_in_capitals(t), a.number("capital_frequency"), a.text("capital_relation"));
     }},
    {"change_case:english_capital", [](std::string_view t, const Arguments&) { return all_in_case(t, true); }},
    {"change_case:english_lowercase", [](std::string_view t, const Arguments&) { return all_in_case(t, false); }},
    {"punctuation:no_comma", [](std::string_view t, const Arguments&) { return t.find(',') == std::string_view::npos; }},
    {"startend:quotation",
     [](std::string_view t, const Arguments&) {
       const std::string_view s = strip(t);
       return s.size() > 1 && s.front() == '"' && s.back() == '"';
     }},
};

bool follows(const std::string& name, const Json& fields, std::string_view answer, const std::string& file) {
  const auto at = std::find_if(std::begin(kInstructions), std::end(kInstructions),
                               [&](const Instruction& i) { return i.name == name; });
  if (at == std::end(kInstructions))
    throw Error("there is no instruction \"" + printable(name, 60) + "\"").in(file).field("instruction_id_list");
  return !strip(answer).empty() && at->follows(answer, Arguments(fields));
}

// The answer, without its first line, its last, both; and each of these without asterisks.
std::vector<std::string> loosened(const std::string& answer) {
  const auto without = [&](bool first, bool last) {
    std::string_view text = answer;
    if (first) text = text.substr(std::min(text.find('\n'), text.size() - 1) + 1);
    if (last) text = text.substr(0, text.find('\n') == std::string_view::npos ? 0 : text.rfind('\n'));
    return std::string(strip(text));
  };
  std::vector<std::string> out{answer};
  if (!answer.empty())
    for (const auto& [first, last] : {std::pair{true, false}, {false, true}, {true, true}}) out.push_back(without(first, last));
  for (std::size_t i = 0, n = out.size(); i < n; ++i) out.push_back(replace_all(out[i], "*", ""));
  return out;
}

}  // namespace

// All instructions of a prompt, strictly; and by any loosened form of the answer.
Scored score_ifeval(const TaskSpec& task, const Item& item, const Response& response) {
  const Json& names = field_of(item.record, "instruction_id_list", task.file);
  const Json& fields = field_of(item.record, "kwargs", task.file);
  if (!names.is_array() || !fields.is_array() || names.size() != fields.size())
    throw Error("as many kwargs as instructions were expected").in(task.file).field("kwargs");
  const std::vector<std::string> forms = loosened(response.output);
  bool strict = true, loose = true;
  Json followed = Json::object();
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string name = names[i].is_string() ? names[i].get<std::string>() : "";
    const bool strictly = follows(name, fields[i], response.output, task.file);
    const bool loosely = std::any_of(forms.begin(), forms.end(), [&](const std::string& form) {
      return follows(name, fields[i], form, task.file);
    });
    followed[name] = strictly;
    strict = strict && strictly;
    loose = loose && loosely;
  }
  return {{{"prompt_level_strict_acc", strict ? 1.0 : 0.0}, {"prompt_level_loose_acc", loose ? 1.0 : 0.0}},
          strict, {{"followed", followed}}};
}

}  // namespace bantam::judge
