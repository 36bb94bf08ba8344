// Which stages have a hand-written scanner.
#include <algorithm>
#include <array>

#include "words/pre_fused.h"
#include "words/pre_patterns.h"
#include "words/pre_runs.h"
#include "words/pre_stage.h"
#include "words/pre_words.h"

namespace bantam::words::pre {
namespace {

using namespace patterns;
using Made = std::unique_ptr<const Stage>;

// The insides of the class of "[..]+" or "\s?[..]+".
std::string_view class_of(std::string_view pattern) {
  const std::size_t open = pattern.find('[');
  return pattern.substr(open + 1, pattern.rfind(']') - open - 1);
}

constexpr ClassSet kLetterSet{char_class::letter};
constexpr ClassSet kNumberSet{char_class::number};
constexpr ClassSet kPunctuationSet{char_class::punctuation};
constexpr std::string_view kAsciiSymbols = "$+<=>^`|~";  // ASCII punctuation that is not \p{P}
constexpr std::string_view kDefaultSymbols = "$+<=>^~|";

template <int kMax>
auto numbers() {
  return Runs<ClassSet, Before::nothing, 1, kMax>{kNumberSet};
}
auto set_runs(std::string_view pattern) { return Runs<CodeSet>{CodeSet(class_of(pattern))}; }
auto spaced_set_runs(std::string_view pattern) {
  return Runs<CodeSet, Before::white_space>{CodeSet(class_of(pattern))};
}
auto spaced_class_runs(ClassSet set) { return Runs<ClassSet, Before::white_space>{set}; }
auto three_digits() { return Runs<CodeSet, Before::nothing, 3, 3>{CodeSet("0-9")}; }
auto punctuation_runs(std::string_view symbols) {
  return Runs<CodeSet>{CodeSet(symbols, char_class::punctuation)};
}
auto bloom() {
  return Runs<CodeSet, Before::a_space>{CodeSet("(|.,!?…。，、।۔،)", char_class::space, true)};
}
auto youtu_scripts() {
  return RunsOfSets<4>{{CodeSet("가-힣ㄱ-ㆎ"), CodeSet("！…“”‘’—：；，、-〿︰-﹏"),
                        CodeSet("ㄅ-ㄯ"), CodeSet(class_of(kHanAndKana))}};
}

struct Known {
  std::string_view pattern;
  bool covers;  // matches every character, so that nothing lies between matches
  Made (*make)();
};

constexpr WordRules kQwen2Rules{.digits = 1};
constexpr WordRules kQwen35Rules{.marks = true, .digits = 1};
constexpr WordRules kMiniCpm5Rules{.digits = 0};
constexpr WordRules kUfakzekaRules{.contractions = false, .digits = 1};
constexpr WordRules kSeedCoderRules{.digits = 1, .newlines = false};
constexpr WordRules kJais2Rules{.halving = true};
constexpr WordRules kO200kRules{.by_case = true, .slashes = true};
constexpr WordRules kTekkenRules{
    .by_case = true, .contractions = false, .digits = 1, .slashes = true};
constexpr WordRules kYoutuRules{.by_case = true, .digits = 1, .slashes = true};

const Known kKnown[] = {
    {kGpt2, true, [] { return stage_of(Gpt2{}); }},
    {kLlama3, true, [] { return stage_of(Words<WordRules{}>{}); }},
    {kQwen2, true, [] { return stage_of(Words<kQwen2Rules>{}); }},
    {kQwen35, true, [] { return stage_of(Words<kQwen35Rules>{}); }},
    {kMiniCpm5, true, [] { return stage_of(Words<kMiniCpm5Rules>{}); }},
    {kUfakzeka, true, [] { return stage_of(Words<kUfakzekaRules>{}); }},
    {kSeedCoder, true, [] { return stage_of(Words<kSeedCoderRules>{}); }},
    {kJais2, true, [] { return stage_of(Words<kJais2Rules>{}); }},
    {kO200k, true, [] { return stage_of(Words<kO200kRules>{}); }},
    {kTekken, true, [] { return stage_of(Words<kTekkenRules>{}); }},
    {kYoutu, true, [] { return stage_of(Words<kYoutuRules>{}); }},
    {kYoutuScripts, false, [] { return stage_of(youtu_scripts()); }},
    {kDeepSeek3, false, [] { return stage_of(DeepSeek3<false>{}); }},
    {kUpToThreeNumbers, false, [] { return stage_of(numbers<3>()); }},
    {kHanAndKana, false, [] { return stage_of(set_runs(kHanAndKana)); }},
    {kOneNewline, false, [] { return stage_of(OneNewline{}); }},
    {kDeepSeekLetters, false, [] { return stage_of(spaced_set_runs(kDeepSeekLetters)); }},
    {kDeepSeekSigns, false, [] { return stage_of(spaced_set_runs(kDeepSeekSigns)); }},
    {kTrailingSpace, false, [] { return stage_of(TrailingSpace{}); }},
    {kDeepSeekCjk, false, [] { return stage_of(set_runs(kDeepSeekCjk)); }},
    {kAfmoeScripts, false, [] { return stage_of(set_runs(kAfmoeScripts)); }},
    {kSpaceAndLetters, false, [] { return stage_of(spaced_class_runs(kLetterSet)); }},
    {kSpaceAndPunctuation, false, [] { return stage_of(spaced_class_runs(kPunctuationSet)); }},
    {kThreeDigits, false, [] { return stage_of(three_digits()); }},
    {kDefaultPunctuation, false, [] { return stage_of(punctuation_runs(kDefaultSymbols)); }},
    {kBloom, false, [] { return stage_of(bloom()); }},
    {kTinyAyaDigits, false, [] { return stage_of(DigitGroups<Grouping::words>{}); }},
    {kAfmoeDigits, false, [] { return stage_of(DigitGroups<Grouping::numbers>{}); }},
    {kSuperBpeDigits, false, [] { return stage_of(DigitGroups<Grouping::places>{}); }},
    {kNewlines, true, [] { return stage_of(Runs<CodeSet>{CodeSet("\n")}); }},
    {kNotSpace, false,
     [] { return stage_of(Runs<CodeSet>{CodeSet("", char_class::space, true)}); }},
};

const Known* find_known(std::string_view pattern) {
  const auto known = std::find_if(std::begin(kKnown), std::end(kKnown),
                                  [&](const Known& k) { return k.pattern == pattern; });
  return known == std::end(kKnown) ? nullptr : known;
}

// Other spellings of the same expression. \s*[\r\n] ends where \s*[\r\n]+ does, at the last newline
// of the white space; possessive marks change nothing, as what follows cannot match what they took.
struct Spelling {
  std::string_view other, canonical;
};
constexpr Spelling kSpellings[] = {
    {R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", kGpt2},
    {R"('(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s)", kGpt2},
    {R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)",
     kLlama3},
    {R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)",
     kQwen2},
    {R"([^\n]+|\n+)", kNewlines},
};

// Control characters as escapes, the known spelling of an expression.
std::string canonical_pattern(std::string_view pattern) {
  std::string out;
  for (const char c : pattern) {
    constexpr std::string_view kControls = "\n\r\t", kLetters = "nrt";
    if (const auto i = kControls.find(c); i != std::string_view::npos) {
      out += '\\';
      out += kLetters[i];
    } else {
      out += c;
    }
  }
  for (const auto& [other, canonical] : kSpellings)
    if (out == other) return std::string(canonical);
  return out;
}

using Stages = std::vector<PreStage>;

PreStage split(std::string_view pattern) { return {.pattern = std::string(pattern)}; }

// A table in which of ASCII's symbols these are punctuation, the others are not.
Reader punctuation_reader(std::string_view symbols) {
  return Reader(std::make_shared<CharClasses>([=](char32_t value, std::uint16_t bits) {
    const bool listed = value < 0x80 && symbols.find(static_cast<char>(value)) != symbols.npos;
    return listed ? char_class::punctuation : bits;
  }));
}
// A table in which the characters of a class are `custom` alone.
Reader custom_reader(std::string_view pattern) {
  const CodeSet set(class_of(pattern));
  return Reader(std::make_shared<CharClasses>([&](char32_t value, std::uint16_t bits) {
    return set.has({value, 0, 0}) ? char_class::custom : bits;
  }));
}

// A table for DeepSeekLists: `first` and `second` say of a character whether it is in the set.
template <class First, class Second>
Reader lists_reader(First first, Second second) {
  using Lists = DeepSeekLists<true>;
  const CodeSet third(class_of(kDeepSeekCjk));
  return Reader(std::make_shared<CharClasses>([&](char32_t value, std::uint16_t bits) {
    const Classified c{value, 0, bits};
    const int lists = (first(c) ? Lists::kFirst : 0) | (second(c) ? Lists::kSecond : 0) |
                      (third.has(c) ? Lists::kThird : 0);
    return static_cast<std::uint16_t>(bits | lists);
  }));
}
Made deepseek_coder() {
  return stage_of(DeepSeekLists<false>{
      lists_reader([](const Classified& c) { return kLetterSet.has(c); },
                   [](const Classified& c) { return kPunctuationSet.has(c); })});
}
Made deepseek_llm() {
  const CodeSet letters(class_of(kDeepSeekLetters)), signs(class_of(kDeepSeekSigns));
  return stage_of(
      DeepSeekLists<true>{lists_reader([&](const Classified& c) { return letters.has(c); },
                                       [&](const Classified& c) { return signs.has(c); })});
}

struct Sequence {
  Stages stages;
  Made (*make)();
};

std::vector<Sequence> sequences() {
  const PreStage gpt2{.kind = PreStage::Kind::gpt2};
  const PreStage digit{.kind = PreStage::Kind::digits, .individual = true};
  const PreStage digit_runs{.kind = PreStage::Kind::digits};
  const PreStage signs{.kind = PreStage::Kind::punctuation,
                       .behavior = PreStage::Behavior::contiguous};
  return {
      {{digit, gpt2}, [] { return stage_of(Gpt2Words<true>{}); }},
      {{signs, gpt2, digit_runs, split(kThreeDigits)},
       [] { return stage_of(PunctuationGpt2Digits<true>{punctuation_reader(kAsciiSymbols)}); }},
      {{split(kDefaultPunctuation), split(kGpt2), digit_runs, split(kThreeDigits)},
       [] { return stage_of(PunctuationGpt2Digits<false>{punctuation_reader(kDefaultSymbols)}); }},
      {{split(kUpToThreeNumbers), split(kHanAndKana), split(kDeepSeek3)},
       [] { return stage_of(DeepSeek3<true>{custom_reader(kHanAndKana)}); }},
      {{split(kOneNewline), split(kSpaceAndLetters), split(kSpaceAndPunctuation),
        split(kDeepSeekCjk), digit},
       deepseek_coder},
      {{split(kOneNewline), split(kDeepSeekLetters), split(kDeepSeekSigns), split(kTrailingSpace),
        split(kDeepSeekCjk), digit},
       deepseek_llm},
  };
}

PreStage canonical(const PreStage& stage) {
  PreStage out{.kind = stage.kind};
  switch (stage.kind) {
    case PreStage::Kind::gpt2:
      return out;
    case PreStage::Kind::digits:
      out.individual = stage.individual;
      return out;
    case PreStage::Kind::punctuation:
      out.behavior = stage.behavior;
      return out;
    case PreStage::Kind::split:
      break;
  }
  if (stage.literal) {
    out = stage;
    out.individual = false;
    return out;
  }
  out.pattern = canonical_pattern(stage.pattern);
  out.behavior = stage.behavior;
  out.invert = stage.invert;
  const Known* known = find_known(out.pattern);
  // Of an expression that matches everywhere, the matches are kept and nothing is removed.
  if (stage.invert && stage.behavior == PreStage::Behavior::removed && known != nullptr &&
      known->covers) {
    out.behavior = PreStage::Behavior::isolated;
    out.invert = false;
  }
  // To isolate takes both kinds of segments alike.
  if (out.behavior == PreStage::Behavior::isolated) out.invert = false;
  if (out.behavior != PreStage::Behavior::isolated) return out;
  if (out.pattern == R"(\p{N})") return {.kind = PreStage::Kind::digits, .individual = true};
  if (out.pattern == R"(\p{N}+)") return {.kind = PreStage::Kind::digits};
  return out;
}

}  // namespace

Stages canonical(const Stages& stages) {
  Stages out;
  for (const PreStage& stage : stages) out.push_back(canonical(stage));
  return out;
}

std::unique_ptr<const Stage> known_stage(const PreStage& stage) {
  switch (stage.kind) {
    case PreStage::Kind::gpt2:
      return stage_of(Gpt2{});
    case PreStage::Kind::digits:
      return stage.individual ? stage_of(numbers<1>()) : stage_of(numbers<0>());
    case PreStage::Kind::punctuation:
      if (stage.behavior == PreStage::Behavior::contiguous)
        return stage_of(punctuation_runs(kAsciiSymbols));
      if (stage.behavior == PreStage::Behavior::isolated)
        return stage_of(
            Runs<CodeSet, Before::nothing, 1, 1>{CodeSet(kAsciiSymbols, char_class::punctuation)});
      return nullptr;
    case PreStage::Kind::split:
      break;
  }
  if (stage.literal || stage.behavior != PreStage::Behavior::isolated) return nullptr;
  const Known* known = find_known(stage.pattern);
  return known == nullptr ? nullptr : known->make();
}

std::unique_ptr<const Stage> known_sequence(const Stages& stages) {
  static const std::vector<Sequence> known = sequences();
  for (const Sequence& sequence : known)
    if (sequence.stages == stages) return sequence.make();
  return nullptr;
}

}  // namespace bantam::words::pre
