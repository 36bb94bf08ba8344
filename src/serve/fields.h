// The fields of a JSON object, each of the type that is wanted, or a Refusal (400) that names it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace bantam::serve {

// null, false, "", [] and {}.
bool says_nothing(const Json& value);

class Fields {
 public:
  // `path` names the object in messages ("messages[0]"; empty: the body itself). Throws Refusal
  // when it is no object. The object must outlive this.
  explicit Fields(const Json& object, std::string path = "");

  const Json& object() const { return *object_; }
  // Null: not there. A null counts as not there, since clients send it for what was not said.
  const Json* find(std::string_view name) const;
  std::string path(std::string_view name) const;

  std::optional<bool> flag(std::string_view name) const;
  std::optional<double> number(std::string_view name, double least, double most) const;
  std::optional<std::int64_t> whole(std::string_view name, std::int64_t least,
                                    std::int64_t most) const;
  std::optional<std::string> text(std::string_view name) const;
  const std::string& need_text(std::string_view name) const;
  const Json& need(std::string_view name) const;

  // Throws for a field that is none of `names`: where it is one of `others`, which are known and not
  // served, only if it says something (not null, false, "", [] or {}).
  void allow(std::initializer_list<std::string_view> names,
             std::initializer_list<std::string_view> others = {}) const;

 private:
  const Json* object_;
  std::string path_;
};

}  // namespace bantam::serve
