// How fast texts are cut into pieces, beside PCRE2 (with its JIT) on the same expression, in
// alternation. Usage: tokenize_split [FILE [NAME...]]; without a file, English-like and Chinese
// text is made up. Times are processor time of the thread.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "words/pre_tokenizer.h"
#include "words/regex.h"
#include "words/unicode.h"

using namespace bantam;

namespace {

constexpr std::size_t kBytes = std::size_t{4} << 20;
constexpr int kRounds = 7;

double seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Words of 1 to 10 letters (4 to 5 as the mean of English), names, numbers, marks, lines.
std::string english() {
  const Random random(1, 1);
  std::string text;
  for (std::uint64_t i = 0; text.size() < kBytes; i += 16) {
    const std::uint64_t letters = 1 + random.below(i, 5) + random.below(i + 1, 6);
    for (std::uint64_t l = 0; l < letters; ++l)
      text += static_cast<char>('a' + random.below(i + 2 + l, 26));
    const std::uint64_t after = random.below(i + 13, 24);
    text += after == 0   ? ". "
            : after == 1 ? ",\n"
            : after == 2 ? " 1,984 "
            : after == 3 ? "'s "
                         : " ";
  }
  return text;
}

// Sentences of 4 to 19 ideographs.
std::string chinese() {
  const Random random(2, 2);
  std::string text;
  for (std::uint64_t i = 0; text.size() < kBytes; i += 32) {
    const std::uint64_t letters = 4 + random.below(i, 16);
    for (std::uint64_t l = 0; l < letters; ++l)
      append_utf8(text, static_cast<char32_t>(0x4E00 + random.below(i + 1 + l, 3000)));
    append_utf8(text, random.below(i + 31, 3) == 0 ? U'\u3002' : U'\uFF0C');
  }
  return text;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void compare(const std::string& text, std::string_view name) {
  const auto pre = pre_tokenizer_by_name(name);
  const auto& stages = pre->stages();
  constexpr std::string_view kGpt2 =
      R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
  const bool single = stages.size() == 1;
  const Regex regex(!single                                  ? "x"
                    : stages[0].kind == PreStage::Kind::gpt2 ? kGpt2
                                                             : stages[0].pattern);
  std::vector<double> ours, theirs;
  std::size_t pieces = 0, matches = 0;
  for (int round = 0; round < kRounds; ++round) {
    pieces = matches = 0;
    const double start = seconds();
    pre->split(text, [&](std::span<const std::string_view> batch) { pieces += batch.size(); });
    const double middle = seconds();
    if (single) regex.find_all(text, [&](Regex::Match) { ++matches; });
    ours.push_back(static_cast<double>(text.size()) / (middle - start) / 1e6);
    theirs.push_back(static_cast<double>(text.size()) / (seconds() - middle) / 1e6);
  }
  fmt::print("  {:<16}{:>6.0f} MB/s (best {:.0f}), {:.1f} bytes a piece", name, median(ours),
             *std::max_element(ours.begin(), ours.end()),
             static_cast<double>(text.size()) / static_cast<double>(pieces));
  if (single)
    fmt::print("; PCRE2 {:.0f} MB/s, {:.1f}x", median(theirs), median(ours) / median(theirs));
  fmt::print("\n");
}

void run(const char* title, std::string text, const std::vector<std::string_view>& names) {
  fmt::print("{}: {:.1f} MB\n", title, static_cast<double>(text.size()) / 1e6);
  for (const std::string_view name : names) compare(text, name);
}

}  // namespace

int main(int argc, char** argv) try {
  std::vector<std::string_view> names(argv + std::min(argc, 2), argv + argc);
  if (names.empty())
    names = {"gpt-2",  "llama-bpe",   "qwen2",        "qwen35",         "gpt-4o", "tekken",
             "smollm", "deepseek-v3", "deepseek-llm", "deepseek-coder", "falcon", "bloom"};
  if (argc > 1) {
    run(argv[1], read_file(argv[1]), names);
  } else {
    run("English-like", english(), names);
    run("Chinese", chinese(), names);
  }
  return 0;
} catch (const Error& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 1;
}
