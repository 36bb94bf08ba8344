#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "explain/report.h"

namespace bantam::explain {

namespace {

// Six steps of a colour each way in the 256-colour palette: for numbers below 0 and above.
constexpr int kBelow[] = {0, 52, 88, 124, 160, 196}, kAbove[] = {0, 22, 28, 34, 40, 46};
constexpr char kMarks[] = " .:*#@";  // of the same steps, without colour

int step_of(double value, double largest) {
  if (!(largest > 0)) return 0;
  return std::min(5, static_cast<int>(std::lround(5 * std::fabs(value) / largest)));
}

class Shades {
 public:
  explicit Shades(bool colour) : colour_(colour) {}

  // `text` on the shade of `value` among numbers up to `largest`.
  std::string on(const std::string& text, double value, double largest) const {
    const int step = step_of(value, largest);
    if (!colour_ || step == 0) return text;
    const int shade = (value < 0 ? kBelow : kAbove)[step];
    return fmt::format("\x1b[48;5;{}m\x1b[38;5;15m{}\x1b[0m", shade, text);
  }
  // One place for each of many numbers: a shade, or a mark.
  std::string map(const std::vector<double>& values, double largest) const {
    std::string out;
    for (const double value : values)
      out += colour_ ? on(" ", value, largest) : std::string(1, kMarks[step_of(value, largest)]);
    return out;
  }

 private:
  bool colour_;
};

std::string number(double value) { return fmt::format("{:+9.3f}", value); }

double largest_of(const std::vector<double>& values) {
  double largest = 0;
  for (const double v : values) largest = std::max(largest, std::fabs(v));
  return largest;
}

constexpr std::size_t kWhole = std::string::npos;

// A token between quotes: what would move the cursor is escaped. In `width` places, which it is cut
// or filled to; or whole.
std::string in_quotes(const std::string& text, std::size_t width = kWhole) {
  std::string out = "\"";
  std::size_t places = 2;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    std::string shown(1, c);
    if (c == '\n')
      shown = "\\n";
    else if (byte < 32 || byte == 127)
      shown = fmt::format("\\x{:02x}", byte);
    const bool continues = (byte & 0xc0) == 0x80;  // of a character that is begun
    if (!continues && places + shown.size() > width) break;
    places += continues ? 0 : shown.size();
    out += shown;
  }
  out += '"';
  return width == kWhole || places >= width ? out : out + std::string(width - places, ' ');
}

constexpr std::size_t kWord = 14;

std::string lens_table(const std::vector<LensRow>& lens, const Question& question, const Word& word,
                       const Shades& shades) {
  std::string out = fmt::format("What the model would answer after each layer, and where {}{} stands\n",
                                in_quotes(word(question.answer.front())),
                                question.answer.size() > 1 ? ", the answer's first token," : "");
  for (const LensRow& row : lens) {
    out += row.layers == 0 ? "  embedding" : fmt::format("  layer {:>3}", row.layers);
    out += std::string(row.layers == 0 ? 0 : 2, ' ');
    for (const TokenProbability& p : row.top) {
      const double share = std::exp(p.log_probability);
      out += "  " +
             shades.on(fmt::format("{} {:5.3f}", in_quotes(word(p.id), kWord), share), share, 1);
    }
    out += fmt::format("  | {:6.4f} rank {}\n", std::exp(row.answer), row.rank);
  }
  return out;
}

std::string attribution_table(const Attribution& found, const Question& question, const Word& word,
                              const Shades& shades) {
  const double most = largest_of(found.gradient_times_input);
  const double most_left_out = largest_of(found.left_out);
  std::string out = fmt::format("What each token did for ln p\n  {:{}} {:>9} {:>9}\n", "",
                                kWord + 4, "gradient", "left out");
  for (std::size_t t = 0; t < question.prompt.size(); ++t) {
    const double slope = found.gradient_times_input[t], change = found.left_out[t];
    out += fmt::format("  {} {} {}\n", in_quotes(word(question.prompt[t]), kWord + 4),
                       shades.on(number(slope), slope, most),
                       shades.on(number(change), change, most_left_out));
  }
  return out;
}

std::string ablation_table(const Ablation& found, const Shades& shades) {
  const double most = largest_of(found.layers);
  double most_of_heads = 0;
  for (const std::vector<double>& heads : found.heads)
    most_of_heads = std::max(most_of_heads, largest_of(heads));
  std::string out =
      fmt::format("How ln p changes without a part\n  {:9} {:>9} {:>9} {:>9}  {}\n", "", "layer",
                  "attention", "feed-fwd", fmt::format("heads (darkest {:.3f})", most_of_heads));
  for (std::size_t l = 0; l < found.layers.size(); ++l) {
    out += fmt::format("  layer {:>3}", l + 1);
    for (const std::vector<double>* part : {&found.layers, &found.attention, &found.feed_forward})
      out += " " + shades.on(number((*part)[l]), (*part)[l], most);
    const auto& heads = found.heads[l];
    const auto strongest = std::ranges::max_element(
        heads, [](double a, double b) { return std::fabs(a) < std::fabs(b); });
    out += fmt::format("  [{}] {} {:+.3f}\n", shades.map(heads, most_of_heads),
                       strongest - heads.begin() + 1, *strongest);
  }
  return out;
}

}  // namespace

std::string to_table(const Report& report, const Word& word, bool colour) {
  const Shades shades(colour);
  std::string answer;
  for (const std::int32_t id : report.question.answer) answer += word(id);
  std::string out = fmt::format("Answer {}: probability {:.4f} (ln p {:.3f})\n", in_quotes(answer),
                                std::exp(report.answer), report.answer);
  if (report.lens) out += "\n" + lens_table(*report.lens, report.question, word, shades);
  if (report.attribution)
    out += "\n" + attribution_table(*report.attribution, report.question, word, shades);
  if (report.ablation) out += "\n" + ablation_table(*report.ablation, shades);
  return out;
}

}  // namespace bantam::explain
