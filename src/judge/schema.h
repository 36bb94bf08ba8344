// Whether a JSON value is what a JSON schema describes (json-schema.org, draft 2020-12, the vocabulary of
// validation as far as it is here): type, enum, const, properties, required, additionalProperties, items,
// minItems, maxItems, minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength, maxLength and
// pattern. What only describes (title, description, default, examples, $schema, $id, $comment) is let be.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/rooms.h"

namespace bantam::judge {

class Schema {
 public:
  // Throws Error whose message names the keyword and where it stands: one that is not known here (it is
  // refused, as an answer could not be held to it), or whose value is none for it.
  explicit Schema(const Json& schema);
  ~Schema();
  Schema(Schema&&) noexcept;
  Schema& operator=(Schema&&) noexcept;

  // What is wrong first, "#/items/2/price: number was expected"; nothing: the value fits. Throws Error
  // when a pattern takes too many steps.
  std::optional<std::string> problem(const Json& value) const;

 private:
  struct Node;
  static std::unique_ptr<Node> read(const Json& schema, const std::string& path);
  std::unique_ptr<Node> root_;
};

}  // namespace bantam::judge
