// JSON under a budget: what is wrong or too much is refused with its place.
#include "base/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace bantam {
namespace {

struct Refusal {
  const char* name;
  std::string text;
  JsonLimits limits;
  const char* message = nullptr;  // null: the parser's own, with an offset
};

TEST(Json, WhatIsWrongIsRefusedWithItsPlace) {
  const JsonLimits usual;
  const Refusal refusals[] = {
      {"empty", "", usual},
      {"cut", R"({"a": [1, 2)", usual},
      {"two values", "1 2", usual},
      {"a key twice", R"({"a": 1, "b": 2, "a": 3})", usual, "a: the key stands twice"},
      {"beyond a double", R"({"a": 1e400})", usual},
      {"not a number", "[NaN]", usual},
      {"an escape cut", R"(["\u12"])", usual},
      {"a lone surrogate", R"(["\ud800"])", usual},
      {"not UTF-8", "[\"\xff\"]", usual},
      {"a control character", "[\"a\nb\"]", usual},
      {"too deep", std::string(65, '[') + std::string(65, ']'), usual, "more than 64 deep"},
      {"far too deep", std::string(1'000'000, '['), usual, "more than 64 deep"},
      {"too many values", "[1,2,3]", {.values = 3}, "more than 3 values"},
      {"too many bytes", "[100]", {.bytes = 4}, "4"},
      {"trailing comma", "[1,]", usual},
      {"a comment", "[1] // one", usual},
  };
  for (const Refusal& r : refusals) {
    try {
      (void)parse_json(r.text, "some.json", r.limits);
      ADD_FAILURE() << r.name << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.file(), "some.json") << r.name;
      if (r.message == nullptr)
        EXPECT_TRUE(error.offset().has_value()) << r.name << ": " << error.what();
      else
        EXPECT_NE(std::string(error.what()).find(r.message), std::string::npos)
            << r.name << ": " << error.what();
    }
  }
}

TEST(Json, ANumberThatIsTooLargeIsNamedWithItsPlace) {
  const std::pair<const char*, std::string> cases[] = {
      {R"({"a": 1e999, "b": 2})", "1e999"}, {"[1,-1e400]", "-1e400"}, {"1e309", "1e309"}};
  for (const auto& [text, number] : cases) {
    try {
      (void)parse_json(text, "f");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.message(), "the number " + number + " is too large for a double");
      EXPECT_EQ(error.offset(), std::string(text).find(number) + number.size() - 1) << text;  // its end
    }
  }
}

TEST(Json, AtTheLimitsIsTaken) {
  EXPECT_NO_THROW((void)parse_json(std::string(64, '[') + std::string(64, ']'), "f"));
  EXPECT_NO_THROW((void)parse_json("[1,2,3]", "f", {.bytes = 7, .values = 4}));
  EXPECT_EQ(parse_json("[-9223372036854775808, 18446744073709551615]", "f")[0], INT64_MIN);
}

TEST(Json, KeepsTheOrderOfKeys) {
  EXPECT_EQ(to_text(parse_json(R"({"z": 1, "a": {"c": 2, "b": 3}})", "f")),
            R"({"z":1,"a":{"c":2,"b":3}})");
}

TEST(Json, WritesWhatIsNotUtf8AsReplacements) {
  EXPECT_EQ(to_text(Json("a\xff"
                         "b")),
            "\"a\xef\xbf\xbd"
            "b\"");
}

}  // namespace
}  // namespace bantam
