// Long texts of our own making, by length: a number hidden among sentences, and a fact among facts of
// its kind. After the pass-key task of Mohtashami & Jaggi 2023 (arXiv 2305.16300), in other words.
#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "judge/prepare.h"
#include "judge/python_random.h"

namespace bantam::judge {

namespace {

constexpr std::array<int, 6> kLengths{128, 512, 1024, 2048, 4096, 8192};  // in words, about
constexpr std::array<int, 5> kDepths{0, 25, 50, 75, 100};                 // where it is hidden, in %

constexpr std::array<const char*, 20> kSentences{
    "The mill by the river has not turned since the autumn.",
    "A cart with apples stood under the old lime tree.",
    "Nobody had oiled the gate, and it sang when the wind blew.",
    "The baker counted his loaves before the sun was up.",
    "Two boys carried a ladder along the canal.",
    "In the harbour the boats lay close to one another.",
    "She folded the letter and put it under the lamp.",
    "The clock on the tower was slow, as it had always been.",
    "Rain fell on the tin roof of the workshop.",
    "A dog slept in front of the bookseller's door.",
    "The train to the coast was late by a quarter of an hour.",
    "He drew a map of the garden with a blunt pencil.",
    "The children had built a dam of stones and moss.",
    "Someone played the same tune on a piano all evening.",
    "The smith hung a new sign over his door.",
    "Snow lay on the hills until the end of March.",
    "The ferry took six people and a basket of hens.",
    "They mended the net and talked about the weather.",
    "A candle burned in the window of the last house.",
    "The path behind the church leads to the quarry."};

constexpr std::array<const char*, 16> kTowns{"Aldern", "Brook",  "Cassel", "Dunmore", "Elster", "Farrow",
                                             "Grange", "Hollin", "Ivry",   "Jarrow",  "Kelso",  "Lorne",
                                             "Marl",   "Norden", "Ostrow", "Perrin"};
constexpr std::array<const char*, 12> kTrades{"baker",  "smith",  "weaver", "potter", "tailor", "miller",
                                              "cooper", "mason",  "dyer",   "glazier", "joiner", "printer"};
constexpr std::array<const char*, 12> kThings{"a grey goose",  "a red bicycle", "an old violin", "a blue kite",
                                              "a brass clock", "a white cat",   "a map of Spain", "a box of nails",
                                              "a green lamp",  "a broken oar",  "a jar of honey", "a silver bell"};

std::size_t words_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), ' ')) + 1;
}

std::string length_name(int words) {
  char text[32];
  std::snprintf(text, sizeof text, "%05d words", words);
  return text;
}

// `hidden` among sentences that `next` gives, at a share of so many words.
template <class Next>
std::string hide(const std::string& hidden, int words, int depth, const Next& next) {
  std::vector<std::string> sentences;
  std::size_t count = words_in(hidden);
  while (count < static_cast<std::size_t>(words)) {
    sentences.push_back(next());
    count += words_in(sentences.back());
  }
  const std::size_t at = sentences.size() * static_cast<std::size_t>(depth) / 100;
  sentences.insert(sentences.begin() + static_cast<std::ptrdiff_t>(at), hidden);
  std::string out;
  for (const std::string& s : sentences) out += (out.empty() ? "" : " ") + s;
  return out;
}

template <class Entry, std::size_t N>
std::string one_of(PythonRandom& random, const std::array<Entry, N>& list) {
  return list[random.below(static_cast<std::uint32_t>(N))];
}

}  // namespace

Records prepare_passkey(Records, const std::string&) {
  Records out;
  PythonRandom random(1234);
  for (const int words : kLengths)
    for (const int depth : kDepths)
      for (int again = 0; again < 2; ++again) {
        const std::string key = std::to_string(10000 + random.below(90000));
        out.push_back({{"text", hide("The pass key is " + key + ".", words, depth,
                                     [&] { return one_of(random, kSentences); })},
                       {"key", key}, {"depth", depth}, {"length", length_name(words)}});
      }
  return out;
}

// Every trade of every town has a thing; one of them is asked for, with three things of others.
Records prepare_facts(Records, const std::string&) {
  Records out;
  PythonRandom random(1234);
  for (const int words : kLengths)
    for (const int depth : kDepths)
      for (int again = 0; again < 4; ++again) {
        const std::string who = "the " + one_of(random, kTrades) + " of " + one_of(random, kTowns);
        const std::vector<std::size_t> things = random.sample(kThings.size(), 4);
        const std::size_t gold = random.below(4);
        Json choices = Json::array();
        for (const std::size_t thing : things) choices.push_back(kThings[thing]);
        const auto other = [&] {
          for (;;) {
            const std::string name = "the " + one_of(random, kTrades) + " of " + one_of(random, kTowns);
            if (name != who) return "T" + name.substr(1) + " has " + one_of(random, kThings) + ".";
          }
        };
        const std::string fact = "T" + who.substr(1) + " has " + std::string(kThings[things[gold]]) + ".";
        out.push_back({{"text", hide(fact, words, depth, other)}, {"who", who}, {"choices", std::move(choices)},
                       {"gold", gold}, {"depth", depth}, {"length", length_name(words)}});
      }
  return out;
}

}  // namespace bantam::judge
