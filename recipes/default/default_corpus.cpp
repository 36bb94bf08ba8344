// default_corpus: writes the default recipe's training dialogues and its unseen questions, and
// prints what answering from memory would score.
#include <charconv>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <string>

#include "base/error.h"
#include "corpus.h"
#include "nearest.h"

namespace bantam::recipe {
namespace {

constexpr const char* kHelp =
    R"(Usage: default_corpus [--seed S] [--count N] [--questions M] [--train FILE] [--eval FILE] [--nearest]

Writes the corpus of Bantam's default model: short worked sums in English and Traditional Chinese.

  --seed S       another corpus (1)
  --count N      training dialogues (100000)
  --questions M  evaluation questions, with numbers that no training dialogue has (1000)
  --train FILE   write the training dialogues: {"messages":[..]}, one a line
  --eval FILE    write the questions: {"kind","language","question","answer","full"}, one a line
  --nearest      print the share of questions that the most similar training question's answer gets
)";

struct Options {
  std::uint64_t seed = 1, count = 100'000, questions = 1'000;
  std::string train, eval;
  bool nearest = false, help = false;
};

std::uint64_t parse_number(const std::string& name, const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > 10'000'000) {
    throw Error(name + " takes a whole number up to 10000000, not '" + printable(text) + "'",
                Error::Kind::usage);
  }
  return value;
}

Options parse(int argc, char** argv) {
  Options options;
  const std::map<std::string, std::uint64_t*> numbers{
      {"--seed", &options.seed}, {"--count", &options.count}, {"--questions", &options.questions}};
  const std::map<std::string, std::string*> files{{"--train", &options.train},
                                                  {"--eval", &options.eval}};
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--help") {
      options.help = true;
    } else if (name == "--nearest") {
      options.nearest = true;
    } else if (!numbers.contains(name) && !files.contains(name)) {
      throw Error("there is no option '" + printable(name) + "'; see --help", Error::Kind::usage);
    } else if (i + 1 == argc) {
      throw Error(name + " needs a value; see --help", Error::Kind::usage);
    } else if (const auto number = numbers.find(name); number != numbers.end()) {
      *number->second = parse_number(name, argv[++i]);
    } else {
      *files.at(name) = argv[++i];
    }
  }
  return options;
}

void write_lines(const std::string& file, std::uint64_t count, const auto& line) {
  std::ofstream out(file, std::ios::binary);
  for (std::uint64_t i = 0; i < count; ++i) out << line(i) << '\n';
  out.close();
  if (!out)
    throw Error("the file could not be written; is there space, and a folder for it?").in(file);
}

void run(const Options& options) {
  if (!options.train.empty()) {
    write_lines(options.train, options.count, [&](std::uint64_t i) {
      return training_line(dialogue(Side::training, options.seed, i));
    });
  }
  const auto questions = evaluation_questions(options.seed, options.questions);
  if (!options.eval.empty()) {
    write_lines(options.eval, questions.size(),
                [&](std::uint64_t i) { return evaluation_line(questions[i]); });
  }
  if (options.nearest) {
    std::vector<Dialogue> training;
    for (std::uint64_t i = 0; i < options.count; ++i) {
      training.push_back(dialogue(Side::training, options.seed, i));
    }
    std::printf("wordings: %d English, %d Chinese; possible questions: %llu\n",
                template_count(Language::english), template_count(Language::chinese),
                static_cast<unsigned long long>(possible_questions()));
    std::printf("nearest_match: %.3f\n", nearest_match(training, questions));
  }
}

int run_main(int argc, char** argv) {
  try {
    const Options options = parse(argc, argv);
    if (options.help) {
      std::cout << kHelp;
    } else {
      run(options);
    }
    return 0;
  } catch (const Error& error) {
    std::cerr << "default_corpus: " << error.what() << '\n';
    return static_cast<int>(error.kind());
  } catch (const std::exception& error) {
    std::cerr << "default_corpus: " << error.what() << '\n';
    return 1;
  }
}

}  // namespace
}  // namespace bantam::recipe

int main(int argc, char** argv) { return bantam::recipe::run_main(argc, argv); }
