// `bantam info` of an adapter: what it is, and what is done with it.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/counting.h"
#include "base/error.h"
#include "cli/info_parts.h"
#include "cli/output.h"

namespace bantam::cli {

namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

Json json_of(const adapt::AdapterHead& head, bool tensors) {
  Json j = {{"form", head.gguf ? "GGUF" : "PEFT folder"},
            {"adapter", true},
            {"method", head.method},
            {"rank", head.rank},
            {"alpha", head.alpha},
            {"targets", head.targets},
            {"whole", head.whole},
            {"base", head.base},
            {"architecture", head.architecture},
            {"parameters", head.numbers},
            {"bytes", head.bytes},
            {"chat_template", head.own_template},
            {"golden_prompts", head.golden}};
  for (const TensorInfo& t : head.tensors)
    if (tensors) j["tensors"].push_back({{"name", t.name}, {"type", t.type_name}, {"shape", t.shape.text()}, {"offset", t.offset}});
  return j;
}

// A word of a command line that a shell takes as it stands.
std::string as_word(const std::string& text) {
  return text.find_first_of(" \t'\"\\$&;()<>|*?#") == std::string::npos ? text : "'" + text + "'";
}

}  // namespace

void show_adapter(const adapt::AdapterHead& head, const std::string& path, bool tensors, bool json) {
  if (json) return print(to_text(json_of(head, tensors)) + "\n");
  print(printable(path, 4096) + "\n");
  info_line("is", std::string("an adapter, ") + (head.gguf ? "as GGUF" : "a folder in PEFT's form") +
                      ": what fine-tuning adds to a model; not a model itself");
  info_line("size", number_of(head.bytes, "byte"));
  info_line("method", head.method + fmt::format(", rank {}, alpha {}", head.rank, head.alpha));
  info_line("made for", head.base.empty() ? "it does not say which model" : head.base);
  if (!head.architecture.empty()) info_line("architecture", head.architecture);
  info_line("parameters", std::to_string(head.numbers));
  info_line("changes", head.targets.empty() ? "no linear layer" : listed(head.targets));
  if (!head.whole.empty()) info_line("brings whole", listed(head.whole));
  info_line("chat template", head.own_template      ? "its own, which is used with it"
                             : head.template_known ? "the model's own, as it was when this was trained"
                                                    : "the model's own");
  info_line("golden vectors", head.golden == 0 ? "none" : number_of(head.golden, "prompt"));
  const std::string model = head.base.empty() ? "MODEL" : as_word(head.base), adapter = as_word(head.place.string());
  info_line("use", "bantam chat " + model + " --adapter " + adapter);
  info_line("merge", "bantam merge " + model + " --adapter " + adapter + " --out NAME.gguf");
  info_line("verify", "bantam info " + model + " --verify --adapter " + adapter);
  for (const TensorInfo& t : head.tensors)
    if (tensors) print("  " + printable(t.name) + " " + t.type_name + " " + t.shape.text() + "\n");
}

}  // namespace bantam::cli
