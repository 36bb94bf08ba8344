#include "infer/sampler_options.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "base/error.h"

namespace bantam::infer {

namespace {

using S = SamplingOptions;

constexpr double kMuch = 1e6, kMost = 2147483647, kSliver = 1e-9;

// Ranges are those in which the number means something; a negative count is all of them.
constexpr std::array kSamplerOptions{
    SamplerOption{"repeat-penalty", &S::repeat_penalty, 1e-3, 1000, "R",
                  "make tokens that stood lately less likely: 1.1 a little, 1 not", "penalties",
                  false, "repetition_penalty"},
    SamplerOption{"frequency-penalty", &S::frequency_penalty, -1000, 1000, "F",
                  "take F off a token's logit for each time that it stood", "penalties"},
    SamplerOption{"presence-penalty", &S::presence_penalty, -1000, 1000, "P", "take P off once",
                  "penalties"},
    SamplerOption{"penalty-last", &S::penalty_last, -1, kMost, "N",
                  "lately: among the last N tokens; -1: all", "penalties", false, "repeat_last_n"},
    SamplerOption{"dry-multiplier", &S::dry_multiplier, 0, kMuch, "M",
                  "DRY: penalty for going on with what stood already: 0.8 is usual, 0 off", "dry"},
    SamplerOption{"dry-base", &S::dry_base, 1, kMuch, "B", "DRY: times B for each token more",
                  "dry"},
    SamplerOption{"dry-allowed", &S::dry_allowed, 1, kMost, "N",
                  "DRY: shorter repetitions cost nothing", "dry", false, "dry_allowed_length"},
    SamplerOption{"dry-last", &S::dry_last, -1, kMost, "N", "DRY: looks so far back; -1: all",
                  "dry", false, "dry_penalty_last_n"},
    SamplerOption{"top-n-sigma", &S::top_n_sigma, 0, kMuch, "N",
                  "leave out logits more than N standard deviations under the largest; 0: off",
                  "top-n-sigma"},
    SamplerOption{"top-k", &S::top_k, -1, kMost, "K",
                  "choose among the K likeliest tokens; 0 and -1: all", "top-k", true},
    SamplerOption{"typical", &S::typical_p, kSliver, 1, "P",
                  "choose among the tokens of typical surprise that reach P; 1: all", "typical",
                  false, "typical_p"},
    SamplerOption{"top-p", &S::top_p, kSliver, 1, "P",
                  "choose among the likeliest tokens that reach this probability; 1: all", "top-p",
                  true, "", 0, 1},
    SamplerOption{"min-p", &S::min_p, 0, 1, "P",
                  "leave out tokens under this share of the likeliest one; 0: none", "min-p", true},
    SamplerOption{"xtc-probability", &S::xtc_probability, 0, 1, "P",
                  "XTC: how often to leave out the top choices; 0: never", "xtc"},
    SamplerOption{"xtc-threshold", &S::xtc_threshold, 0, 1, "P",
                  "XTC: top choices have at least this probability", "xtc"},
    SamplerOption{"temp,temperature", &S::temperature, 0, 1000, "T",
                  "temperature: 0 takes the likeliest token always, more is livelier",
                  "temperature", true},
    SamplerOption{"mirostat", &S::mirostat, 0, 1, "",
                  "mirostat 2 in place of top-n-sigma, top-k, typical, top-p, min-p and XTC",
                  "mirostat", false, "", 0, 2},
    SamplerOption{"mirostat-tau", &S::mirostat_tau, 0, 1000, "T",
                  "mirostat: the surprise aimed at, in bits", "mirostat"},
    SamplerOption{"mirostat-eta", &S::mirostat_eta, 0, 1, "E", "mirostat: how fast it is reached",
                  "mirostat"},
};

bool same_name(std::string_view a, std::string_view b) {
  const auto plain = [](char c) { return c == '_' ? '-' : c; };
  return std::ranges::equal(a, b, {}, plain, plain);
}

}  // namespace

std::string_view SamplerOption::main_name() const {
  const std::size_t comma = name.rfind(',');
  return comma == std::string_view::npos ? name : name.substr(comma + 1);
}

std::span<const SamplerOption> sampler_options() { return kSamplerOptions; }

const SamplerOption* find_sampler_option(std::string_view name) {
  for (const SamplerOption& option : kSamplerOptions) {
    if (!option.field.empty() && same_name(option.field, name)) return &option;
    for (std::size_t from = 0; from <= option.name.size();) {
      const std::size_t comma = std::min(option.name.find(',', from), option.name.size());
      if (same_name(option.name.substr(from, comma - from), name)) return &option;
      from = comma + 1;
    }
  }
  return nullptr;
}

double value_of(const SamplerOption& option, const SamplingOptions& from) {
  return std::visit([&](auto member) { return static_cast<double>(from.*member); }, option.to);
}

double default_of(const SamplerOption& option) { return value_of(option, SamplingOptions()); }

void set_value(const SamplerOption& option, SamplingOptions& to, double value) {
  if (!(value >= option.least && value <= option.most))
    throw Error("a number from " + value_text(option.least) + " to " + value_text(option.most) +
                " was expected")
        .field(std::string(option.main_name()));
  if (!option.to.index()) {
    to.*std::get<0>(option.to) = value;
    return;
  }
  if (value != std::floor(value))
    throw Error("a whole number was expected").field(std::string(option.main_name()));
  if (option.is_whole())
    to.*std::get<1>(option.to) = static_cast<std::int64_t>(value);
  else
    to.*std::get<2>(option.to) = value != 0;
}

std::string value_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text,
                std::floor(value) == value && std::fabs(value) < 1e15 ? "%.0f" : "%g", value);
  return text;
}

}  // namespace bantam::infer
