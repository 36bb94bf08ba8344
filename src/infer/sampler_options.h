// The options of the sampler as a table: the check, the command line, the server's fields, the C
// interface, help and completions read it. An option is a row here, its member of SamplingOptions,
// and what its stage makes of it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/rooms.h"
#include "infer/sampler.h"

namespace bantam::infer {

struct SamplerOption {
  using Member = std::variant<double SamplingOptions::*, std::int64_t SamplingOptions::*,
                              bool SamplingOptions::*>;

  std::string_view name;  // "top-p"; with other names of the same before it: "temp,temperature"
  Member to;
  double least, most;
  std::string_view value;  // what stands for a value in help: "P"; of a switch empty
  std::string_view help;   // without the default
  std::string_view phase;  // the stage that reads it
  bool common = false;     // help has it in front, for everybody
  // What requests call it beside its own name with _ for -: llama.cpp's server
  // (tools/server/server-task.cpp) has a word of its own for some.
  std::string_view field = "";
  // Where a request may say more than the command line; of a switch the numbers that mean off and on. What
  // OpenAI narrows besides (temperature to 2) is not narrowed: llama.cpp's and vLLM's clients send more.
  double field_least = least, field_most = most;

  bool is_switch() const { return to.index() == 2; }
  bool is_whole() const { return to.index() == 1; }
  // "top-p": the last of the names.
  std::string_view main_name() const;
};

// In the order of the stages.
std::span<const SamplerOption> sampler_options();

// The row of this name (any of its names, - and _ alike), or null.
const SamplerOption* find_sampler_option(std::string_view name);

// A switch is 0 or 1.
double value_of(const SamplerOption& option, const SamplingOptions& from);
double default_of(const SamplerOption& option);
// Throws Error that names the option when the number is out of its range.
void set_value(const SamplerOption& option, SamplingOptions& to, double value);

// "0.95", "64": as help and messages write it.
std::string value_text(double value);

}  // namespace bantam::infer
