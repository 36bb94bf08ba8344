// Keywords of a JSON schema, each with values that fit and values that do not.
#include "judge/schema.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace bantam::judge {
namespace {

struct SchemaCase {
  const char *schema, *fits, *not_so;  // lists of values
};

const SchemaCase kSchemaCases[] = {
    {R"({})", R"([null, 1, "a", [], {}])", "[]"},
    {R"(true)", "[1]", "[]"},
    {R"(false)", "[]", "[1, null]"},
    {R"({"type":"integer"})", "[1, -3, 1.0]", R"([1.5, "1", true, null])"},
    {R"({"type":"number"})", "[1, 1.5]", R"(["1", true])"},
    {R"({"type":"boolean"})", "[true, false]", "[0, null]"},
    {R"({"type":"null"})", "[null]", "[0, false]"},
    {R"({"type":["string","null"]})", R"(["a", null])", "[1]"},
    {R"({"type":"array"})", "[[], [1]]", "[{}]"},
    {R"({"enum":[1,"a",[2]]})", R"([1, 1.0, "a", [2]])", R"([2, "b", [], true])"},
    {R"({"const":{"a":1}})", R"([{"a":1}])", R"([{"a":2}, {}, 1])"},
    {R"({"required":["a","b"]})", R"([{"a":1,"b":null,"c":2}, 5])", R"([{"a":1}, {}])"},
    {R"({"properties":{"a":{"type":"string"}}})", R"([{}, {"a":"x"}, {"b":1}])", R"([{"a":1}])"},
    {R"({"properties":{"a":{}},"additionalProperties":false})", R"([{}, {"a":1}])", R"([{"b":1}])"},
    {R"({"additionalProperties":{"type":"number"}})", R"([{"x":1}])", R"([{"x":"1"}])"},
    {R"({"items":{"type":"integer","minimum":2}})", "[[], [2, 3]]", R"([[1], [2, "3"]])"},
    {R"({"minItems":1,"maxItems":2})", "[[1], [1, 2]]", "[[], [1, 2, 3]]"},
    {R"({"minimum":0,"maximum":9})", R"([0, 9, 4.5, "x"])", "[-1, 9.01]"},
    {R"({"exclusiveMinimum":0,"exclusiveMaximum":1})", "[0.5]", "[0, 1]"},
    {R"({"minLength":2,"maxLength":3})", R"(["ab", "äöü", 1])", R"(["a", "abcd"])"},
    {R"({"pattern":"^a+b"})", R"(["aab", "abc", 1])", R"(["b", "xab"])"},
    {R"({"title":"t","description":"d","$schema":"s","default":1,"examples":[]})", "[1]", "[]"},
    {R"({"type":"object","properties":{"list":{"type":"array","items":{"properties":{"n":{"type":"integer"}},"required":["n"]}}}})",
     R"([{"list":[{"n":1},{"n":2}]}])", R"([{"list":[{"n":1},{"n":"2"}]}, {"list":[{}]}])"}};

TEST(Schema, EachKeywordIsChecked) {
  for (const SchemaCase& c : kSchemaCases) {
    const Schema schema(Json::parse(c.schema));
    for (const Json& value : Json::parse(c.fits)) EXPECT_EQ(schema.problem(value), std::nullopt) << c.schema << " " << value;
    for (const Json& value : Json::parse(c.not_so)) EXPECT_NE(schema.problem(value), std::nullopt) << c.schema << " " << value;
  }
}

TEST(Schema, SaysWhereWhatIsWrong) {
  const Schema schema(Json::parse(kSchemaCases[std::size(kSchemaCases) - 1].schema));
  EXPECT_EQ(schema.problem(Json::parse(R"({"list":[{"n":1},{"n":"2"}]})")), "#/list/1/n: integer was expected");
  EXPECT_EQ(schema.problem(Json::parse(R"({"list":[{}]})")), "#/list/0: n is missing");
}

TEST(Schema, WhatItDoesNotKnowIsRefusedByName) {
  const std::pair<const char*, const char*> bad[] = {
      {R"({"format":"date"})", "#/format"},
      {R"({"properties":{"a":{"oneOf":[]}}})", "#/properties/a/oneOf"},
      {R"({"items":[{}]})", "#/items"},
      {R"({"type":"int"})", "\"int\""},
      {R"({"type":[]})", "#/type"},
      {R"({"required":"a"})", "#/required"},
      {R"({"minimum":"1"})", "#/minimum"},
      {R"({"minItems":-1})", "#/minItems"},
      {R"({"maxLength":1.5})", "#/maxLength"},
      {R"({"enum":1})", "#/enum"},
      {R"({"properties":[]})", "#/properties"},
      {R"({"pattern":"("})", "("},
      {R"([])", "#"}};
  for (const auto& [schema, name] : bad) try {
      Schema read(Json::parse(schema));
      ADD_FAILURE() << schema;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
    }
}

}  // namespace
}  // namespace bantam::judge
