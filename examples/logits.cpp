// How likely a model finds a text, token by token: logits MODEL TEXT
#include <algorithm>
#include <bantam/bantam.hpp>
#include <cmath>
#include <cstdio>

namespace {

// The natural logarithm of the probability of `token` by a row of logits.
double log_probability(const float* row, std::size_t width, bantam::Token token) {
  const double largest = *std::max_element(row, row + width);
  double sum = 0;
  for (std::size_t i = 0; i < width; ++i) sum += std::exp(row[i] - largest);
  return row[token] - largest - std::log(sum);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s MODEL TEXT\n", argv[0]);
    return 2;
  }
  bantam::OpenOptions options;
  options.cache = BANTAM_CACHE_F32;  // nothing is rounded
  bantam::Model model(argv[1], options);
  const auto width = static_cast<std::size_t>(model.description().vocabulary);
  const std::vector<bantam::Token> tokens = model.encode(argv[2]);
  const std::vector<float> logits = model.logits(tokens, tokens.size());
  double total = 0;
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    const double p = log_probability(logits.data() + (i - 1) * width, width, tokens[i]);
    total += p;
    std::printf("%8.3f  %s\n", p, model.decode({tokens[i]}, BANTAM_SHOW_SPECIAL).c_str());
  }
  std::printf("%8.3f  in all\n", total);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
  return 1;
}
