// clock_corpus: writes exercises to fine-tune on, and questions whose sums are in none of them.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <set>
#include <string>

#include "base/error.h"
#include "clock/clock.h"

namespace bantam::recipe {
namespace {

constexpr const char* kHelp =
    "Usage: clock_corpus TRAIN.jsonl COUNT TEST.jsonl QUESTIONS\n"
    "\n"
    "Writes COUNT exercises about the time of day as {\"messages\":[..]}, one a line, and QUESTIONS other\n"
    "ones, about sums that no exercise has, as {\"question\",\"answer\"}. The same bytes every time.\n";

constexpr std::uint64_t kSeed = 1, kMost = 100'000;

// `count` exercises whose questions differ.
void write(const std::string& file, Side side, std::uint64_t count) {
  std::ofstream out(file, std::ios::binary);
  std::set<std::string> asked;
  for (std::uint64_t i = 0; asked.size() < count; ++i) {
    const ClockExercise e = clock_exercise(side, kSeed, i);
    if (!asked.insert(e.question).second) continue;
    out << (side == Side::training ? training_line(e) : evaluation_line(e)) << '\n';
  }
  out.close();
  if (!out)
    throw Error("the file could not be written; is there space, and a folder for it?").in(file);
}

std::uint64_t number(const std::string& text) {
  char* end = nullptr;
  const std::uint64_t value = std::strtoull(text.c_str(), &end, 10);
  if (text.empty() || text.front() == '-' || *end != '\0' || value < 1 || value > kMost)
    throw Error("a whole number from 1 to " + std::to_string(kMost) + " was expected, not '" +
                    printable(text, 40) + "'",
                Error::Kind::usage);
  return value;
}

int run_main(int argc, char** argv) {
  try {
    if (argc != 5) {
      std::cerr << kHelp;
      return 2;
    }
    write(argv[1], Side::training, number(argv[2]));
    write(argv[3], Side::evaluation, number(argv[4]));
    return 0;
  } catch (const Error& error) {
    std::cerr << "clock_corpus: " << error.what() << '\n';
    return static_cast<int>(error.kind());
  }
}

}  // namespace
}  // namespace bantam::recipe

int main(int argc, char** argv) { return bantam::recipe::run_main(argc, argv); }
