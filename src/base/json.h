// JSON read under a budget: hostile input may be deep, long or wrong, and must cost no more than
// its size justifies. nlohmann/json does the parsing; the bounds and the messages are ours.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/rooms.h"

namespace bantam::base {

using Json = nlohmann::ordered_json;  // keeps the order of keys: vocabularies and headers need it

struct JsonLimits {
  std::uint64_t bytes = std::uint64_t{16} << 20;  // of text
  int depth = 64;                                 // of nested arrays and objects
  std::uint64_t values = 1'000'000;  // scalars, arrays and objects together; a value costs 40 bytes
  // An integer beyond 64 bits with a sign is an error; without this it becomes the nearest double.
  bool exact_integers = false;
  // Python's NaN, Infinity and -Infinity, which JSON does not have, are numbers too.
  bool python_numbers = false;
};

// Parses one value (a document tree: for small files such as configurations). Throws Error with
// `file` and the byte offset when it is not JSON, not UTF-8, over a limit, or has a key twice in
// one object; numbers that do not fit a double (1e400) are an error too.
Json parse_json(std::string_view text, const std::string& file, const JsonLimits& limits = {});

// The same without a tree, for large files (a vocabulary): calls the handler as the text is read.
class JsonHandler {
 public:
  virtual ~JsonHandler() = default;
  virtual void begin_object() = 0;
  virtual void key(std::string& name) = 0;
  virtual void end_object() = 0;
  virtual void begin_array() = 0;
  virtual void end_array() = 0;
  virtual void string(std::string& value) = 0;
  virtual void integer(std::int64_t value) = 0;  // also unsigned ones that fit
  virtual void real(double value) = 0;           // and unsigned ones that do not
  virtual void boolean(bool value) = 0;
  virtual void null() = 0;
};
void read_json(std::string_view text, const std::string& file, JsonHandler& handler,
               const JsonLimits& limits);

// Compact JSON on one line. Text that is not UTF-8 is written with U+FFFD in place of each bad
// byte.
std::string to_text(const Json& value);

// The value as its file has it, for messages: Python's numbers too, which to_text calls null.
std::string as_read(const Json& value);
// Whether every number in it is finite. JSON cannot say the others.
bool all_finite(const Json& value);

}  // namespace bantam::base
