// Dialogues from a seed: a kind, a wording of it, numbers, and the habits of the person who types.
#include "corpus.h"

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/json.h"
#include "numbers.h"
#include "steps.h"
#include "wordings_tables.h"

namespace bantam::recipe {
namespace {

struct KindRow {
  std::string_view name;
  int weight;  // share of the training dialogues
};
constexpr std::array<KindRow, kKinds> kKindRows{{
    {"addition", 11},
    {"subtraction", 13},
    {"multiplication", 9},
    {"comparison", 13},
    {"units", 9},
    {"weekday", 10},
    {"date", 12},
    {"change", 11},
    {"total", 8},
    {"story", 11},
    {"two_step", 10},
}};

constexpr auto at(auto i) { return static_cast<std::size_t>(i); }

// How one person types.
struct Habits {
  bool spaces;        // around operators; in Chinese, around numbers
  bool wide;          // full-width operators (Chinese)
  bool question_end;  // writes the mark or stop that ends the question
  bool lower;         // in lower case (English)
  int times;          // which sign of multiplication
};

Habits draw_habits(Language language, Draw& draw) {
  const bool chinese = language == Language::chinese;
  return {.spaces = draw.chance(chinese ? 35 : 65),
          .wide = chinese && draw.chance(10),
          .question_end = draw.chance(80),
          .lower = !chinese && draw.chance(15),
          .times = draw.below(3)};
}

struct Words {
  std::size_t first_name, second_name, thing;
};

class Renderer {
 public:
  Renderer(Language language, const Numbers& numbers, const Words& words, const Habits& habits)
      : english_(language == Language::english), n_(numbers), words_(words), habits_(habits) {}

  std::string render(std::string_view text) {
    while (!text.empty()) {
      if (text[0] == '{') {
        place(text[1]);
        text.remove_prefix(3);
      } else {
        const bool after_number = number_last_;
        number_last_ = false;
        if (after_number && spaced() && is_word(text)) out_ += ' ';
        const auto run = text.substr(0, text.find('{'));
        out_ += run;
        text.remove_prefix(run.size());
      }
    }
    return finish(std::move(out_));
  }

 private:
  bool spaced() const { return !english_ && habits_.spaces; }
  // Chinese text that is not punctuation (U+3000.. and U+FF00..).
  static bool is_word(std::string_view text) {
    return text.substr(0, 2) != "\xE3\x80" && text[0] != '\xEF';
  }
  bool ends_in_word() const {
    if (out_.size() < 3) return false;
    return is_word(std::string_view(out_).substr(out_.size() - 3)) &&
           static_cast<unsigned char>(out_.back()) >= 0x80;
  }

  void number(int value) {
    if (spaced() && ends_in_word()) out_ += ' ';
    out_ += std::to_string(value);
    number_last_ = true;
  }
  void word(std::string_view value) {
    if (number_last_ && spaced()) out_ += ' ';
    number_last_ = false;
    out_ += value;
  }
  void sign(std::string_view narrow, std::string_view wide) {
    number_last_ = false;
    const std::string_view shown = habits_.wide ? wide : narrow;
    if (habits_.spaces && !habits_.wide) {
      out_ += ' ';
      out_ += shown;
      out_ += ' ';
    } else {
      out_ += shown;
    }
  }
  void equals() {
    number_last_ = false;
    if (habits_.wide) {
      out_ += "＝？";
    } else {
      out_ += habits_.spaces ? " = ?" : "=?";
    }
  }

  void place(char key) {
    constexpr std::array<std::string_view, 3> times{"×", "*", "x"};
    const Thing& thing = kThings[words_.thing];
    switch (key) {
      case 'a':
        return number(n_.a);
      case 'b':
        return number(n_.b);
      case 'c':
        return number(n_.c);
      case '+':
        return sign("+", "＋");
      case '-':
        return sign("-", "－");
      case '*':
        return sign(times[at(habits_.times)], "×");
      case '=':
        return equals();
      case 'n':
        return word(name_of(words_.first_name));
      case 'N':
        return word(name_of(words_.second_name));
      case 'o':
        return word(english_ ? thing.many : thing.thing);
      case 's':
        return word(thing.one);
      case 'k':
        return word(thing.measure);
      case 'u':
      case 'v':
        return word(unit(kUnits[at(n_.b)], key == 'v'));
      case 'w':
        if (english_) return word(kWeekdays[at(n_.b)]);
        return word("星期" + std::string(kChineseWeekdays[at(n_.b)]));
      case 'W':
        return word("禮拜" + std::string(kChineseWeekdays[at(n_.b)]));
      case 'm':
        return word(kMonths[at(n_.b - 1)]);
      default:
        return word(n_.a == 1 ? "day" : "days");
    }
  }

  std::string_view name_of(std::size_t i) const {
    return english_ ? kNames[i].english : kNames[i].chinese;
  }
  std::string_view unit(const Unit& u, bool small) const {
    if (!english_) return small ? u.small_chinese : u.chinese;
    return small ? u.small : n_.a == 1 ? u.one : u.many;
  }

  std::string finish(std::string text) const {
    if (!habits_.question_end) {
      for (std::string_view mark : {"？", "。", "?", "."}) {
        if (text.ends_with(mark)) {
          text.resize(text.size() - mark.size());
          break;
        }
      }
      while (text.ends_with(' ')) text.pop_back();
    }
    if (habits_.lower) {
      for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return text;
  }

  bool english_;
  const Numbers& n_;
  const Words& words_;
  const Habits& habits_;
  std::string out_;
  bool number_last_ = false;
};

const Wording& draw_wording(Kind kind, Language language, Draw& draw) {
  const auto all = wordings(language);
  int count = 0;
  for (const Wording& w : all) count += w.kind == kind;
  int pick = draw.below(count);
  for (const Wording& w : all) {
    if (w.kind == kind && pick-- == 0) return w;
  }
  return all.front();
}

Dialogue make(Side side, Kind kind, Language language, Draw& draw) {
  const Wording& wording = draw_wording(kind, language, draw);
  Numbers numbers = draw_numbers(kind, wording.operation, draw);
  while (side_of(wording.operation, numbers) != side) {
    numbers = draw_numbers(kind, wording.operation, draw);
  }
  constexpr int names = static_cast<int>(kNames.size());
  const int first = draw.below(names), second = (first + draw.between(1, names - 1)) % names;
  const Words words{at(first), at(second), at(draw.below(static_cast<int>(kThings.size())))};
  const Habits habits = draw_habits(language, draw);
  Worked worked = work(wording.operation, numbers, language);
  return {kind, language, Renderer(language, numbers, words, habits).render(wording.text),
          worked.steps + " => " + worked.answer, worked.answer};
}

Kind draw_kind(Draw& draw) {
  int sum = 0;
  for (const KindRow& row : kKindRows) sum += row.weight;
  int pick = draw.below(sum);
  int kind = 0;
  while ((pick -= kKindRows[at(kind)].weight) >= 0) ++kind;
  return static_cast<Kind>(kind);
}

}  // namespace

std::string_view name(Language language) { return language == Language::english ? "en" : "zh"; }
std::string_view name(Kind kind) { return kKindRows[at(kind)].name; }

std::span<const Wording> wordings(Language language) {
  return language == Language::english ? english_wordings() : chinese_wordings();
}

Dialogue dialogue(Side side, std::uint64_t seed, std::uint64_t index) {
  Draw draw(seed, index);
  const Kind kind = draw_kind(draw);
  const Language language = kLanguages[at(draw.below(2))];
  return make(side, kind, language, draw);
}

std::vector<Dialogue> evaluation_questions(std::uint64_t seed, std::uint64_t count) {
  const std::uint64_t own_seed = mix64(seed ^ 0x6576616c75617465u);
  std::vector<Dialogue> out;
  std::set<std::string> asked;
  // Small kinds run out of questions at some 10,000: then the same come again.
  for (std::uint64_t index = 0; out.size() < count; ++index) {
    Draw draw(own_seed, index);
    const auto turn = out.size() % (2 * at(kKinds));
    Dialogue d = make(Side::evaluation, static_cast<Kind>(turn / 2), kLanguages[turn % 2], draw);
    if (!asked.insert(d.question).second && index < 100 * count) continue;
    out.push_back(std::move(d));
  }
  return out;
}

std::string_view final_answer(std::string_view worked) {
  const auto arrow = worked.rfind("=>");
  if (arrow == std::string_view::npos) return {};
  worked.remove_prefix(arrow + 2);
  const auto first = worked.find_first_not_of(" \r\n\t");
  if (first == std::string_view::npos) return {};
  return worked.substr(first, worked.find_last_not_of(" \r\n\t") - first + 1);
}

std::string training_line(const Dialogue& d) {
  Json user, assistant, line;
  user["role"] = "user";
  user["content"] = d.question;
  assistant["role"] = "assistant";
  assistant["content"] = d.worked;
  line["messages"] = Json::array({std::move(user), std::move(assistant)});
  return to_text(line);
}

std::string evaluation_line(const Dialogue& d) {
  Json line;
  line["kind"] = name(d.kind);
  line["language"] = name(d.language);
  line["question"] = d.question;
  line["answer"] = d.answer;
  line["full"] = d.worked;
  return to_text(line);
}

int template_count(Language language) { return static_cast<int>(wordings(language).size()); }

std::uint64_t possible_questions() {
  std::uint64_t count = 0;
  for (Language language : kLanguages) {
    for (const Wording& w : wordings(language)) count += numbers_count(w.kind, w.operation);
  }
  return count;
}

}  // namespace bantam::recipe
