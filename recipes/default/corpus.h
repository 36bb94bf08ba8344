// The default recipe's corpus: short worked dialogues about small sums, in English and in
// Traditional Chinese as written in Taiwan, made from a seed. README.md beside this file shows the
// domain.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bantam::recipe {

enum class Language : std::uint8_t { english, chinese };
inline constexpr std::array kLanguages{Language::english, Language::chinese};

enum class Kind : std::uint8_t {
  addition,
  subtraction,
  multiplication,
  comparison,
  units,
  weekday,
  date,
  change,
  total,
  story,
  two_step,
};
inline constexpr int kKinds = 11;

// Short names, as reports print them: "en", "zh"; "addition", "two_step".
std::string_view name(Language language);
std::string_view name(Kind kind);

// Which side of the hold-out a dialogue's numbers are on: one set of numbers in ten is never
// trained on, whatever the kind, the wording or the language (the sum 47 + 85 is one set of
// numbers, asked for as a sum or as a story, in either order).
enum class Side : std::uint8_t { training, evaluation };

struct Dialogue {
  Kind kind;
  Language language;
  std::string question;
  std::string worked;  // the steps and the final answer: what the assistant says
  std::string answer;  // the final answer alone
};

// Dialogue number `index` of a seed: depends on nothing else, so any prefix of a corpus is the
// same.
Dialogue dialogue(Side side, std::uint64_t seed, std::uint64_t index);

// `count` different questions whose numbers are in no training dialogue, from a seed of their own
// that is derived from `seed`. Kinds and languages take turns.
std::vector<Dialogue> evaluation_questions(std::uint64_t seed, std::uint64_t count);

// What follows the last "=>" of a worked answer, without spaces around it; empty where there is
// none.
std::string_view final_answer(std::string_view worked);

// {"messages":[{"role":"user",..},{"role":"assistant",..}]}, without a line end.
std::string training_line(const Dialogue& d);
// {"kind":..,"language":..,"question":..,"answer":..,"full":..}, without a line end.
std::string evaluation_line(const Dialogue& d);

// How many wordings a language has, and how many questions can be asked: the sets of numbers of
// each wording, added up over the wordings of both languages (names and things are not counted).
int template_count(Language language);
std::uint64_t possible_questions();

}  // namespace bantam::recipe
