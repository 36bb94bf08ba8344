#include "serve/service.h"

#include <algorithm>

#include "base/error.h"

namespace bantam::serve {

namespace {

// Of "lora": the one that is on; kNoAdapter where all are off.
std::int32_t chosen(const std::vector<AskedAdapter>& asked, std::size_t count) {
  std::int32_t on = Session::kNoAdapter;
  for (const AskedAdapter& one : asked) {
    if (one.id >= static_cast<std::int64_t>(count))
      throw Refusal(400,
                    count == 0 ? "no adapter is served; serve --adapter NAME=FOLDER brings some"
                               : "the adapters that are served have the numbers 0 to " +
                                     std::to_string(count - 1),
                    one.field + ".id", "invalid_value");
    if (one.scale == 0) continue;
    if (one.scale != 1)
      throw Refusal(400, "0 or 1 was expected: an adapter is served as it was trained, or not at all",
                    one.field + ".scale", "invalid_value");
    if (on != Session::kNoAdapter && on != one.id)
      throw Refusal(400, "one adapter at a time is served; leave the others out", "lora",
                    "unsupported_parameter");
    on = static_cast<std::int32_t>(one.id);
  }
  return on;
}

}  // namespace

std::int32_t Service::adapter_of(const Generation& asked) const {
  const auto named = std::ranges::find(adapters, asked.model, &ServedAdapter::name);
  const std::int32_t by_name = named == adapters.end()
                                   ? Session::kNoAdapter
                                   : static_cast<std::int32_t>(named - adapters.begin());
  if (asked.adapters.empty()) {
    // A misspelt adapter would be answered by the model without it. Where none are served any name
    // will do: programs send the one that they were made for.
    if (named == adapters.end() && !adapters.empty() && !asked.model.empty() && asked.model != model)
      throw no_model(asked.model);
    return by_name;
  }
  const std::int32_t by_number = chosen(asked.adapters, adapters.size());
  if (by_name != Session::kNoAdapter && by_name != by_number)
    throw Refusal(400, "model asks for the adapter " + named->name + ", this for another; leave one out",
                  "lora", "invalid_value");
  return by_number;
}

Refusal Service::no_model(const std::string& name) const {
  std::string names = model;
  for (const ServedAdapter& adapter : adapters) names += ", " + adapter.name;
  return Refusal(404,
                 "there is no model " + printable(name, 100) + "; " + names +
                     (adapters.empty() ? " is served" : " are served"),
                 "model", "model_not_found");
}

const std::string& Service::name_of(std::int32_t adapter) const {
  return adapter < 0 ? model : adapters[static_cast<std::size_t>(adapter)].name;
}

const std::optional<ChatTemplate>& Service::template_of(std::int32_t adapter) const {
  if (adapter < 0) return chat_template;
  const std::optional<ChatTemplate>& own = adapters[static_cast<std::size_t>(adapter)].chat_template;
  return own ? own : chat_template;
}

}  // namespace bantam::serve
