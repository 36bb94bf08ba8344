#include "base/json.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>
#include <vector>

#include "base/error.h"

namespace bantam::base {

namespace {

// Python's json module writes three words that JSON does not know. Each is put down as a number of
// the same length that nobody writes, so that places in the text stay what they are.
struct PythonNumber {
  std::string_view word, number;
  double value;
};
constexpr PythonNumber kPythonNumbers[] = {
    {"NaN", "0E0", std::numeric_limits<double>::quiet_NaN()},
    {"-Infinity", "-0E000000", -std::numeric_limits<double>::infinity()},
    {"Infinity", "0E000000", std::numeric_limits<double>::infinity()},
};

// nullopt: there are none in the text.
std::optional<std::string> without_python_numbers(std::string_view text) {
  std::optional<std::string> out;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (in_string && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      in_string = !in_string;
    } else if (!in_string && (text[i] == 'N' || text[i] == 'I' || text[i] == '-')) {
      for (const PythonNumber& n : kPythonNumbers) {
        if (!text.substr(i).starts_with(n.word)) continue;
        if (!out) out.emplace(text);
        out->replace(i, n.word.size(), n.number);
        i += n.word.size() - 1;
        break;
      }
    }
  }
  return out;
}

// Passes the parser's events on, keeping count of depth and values.
class Budget : public nlohmann::json_sax<Json> {
 public:
  Budget(JsonHandler& handler, const JsonLimits& limits, const std::string& file)
      : handler_(handler), limits_(limits), file_(file) {}

  bool null() override { return count(), handler_.null(), true; }
  bool boolean(bool value) override { return count(), handler_.boolean(value), true; }
  bool number_integer(number_integer_t value) override {
    return count(), handler_.integer(value), true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    count();
    if (value <= static_cast<std::uint64_t>(INT64_MAX))
      handler_.integer(static_cast<std::int64_t>(value));
    else
      too_wide(std::to_string(value), static_cast<double>(value));
    return true;
  }
  // The text had words in the place of numbers.
  void expect_python_numbers() { python_ = true; }
  bool number_float(number_float_t value, const string_t& text) override {
    for (const PythonNumber& n : kPythonNumbers)
      if (python_ && text == n.number) return count(), handler_.real(n.value), true;
    if (text.find_first_of(".eE") == string_t::npos && std::isfinite(value)) {
      count();
      return too_wide(text, value), true;
    }
    if (!std::isfinite(value)) throw Error("a number is too large for a double").in(file_);
    return count(), handler_.real(value), true;
  }
  bool string(string_t& value) override { return count(), handler_.string(value), true; }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return enter(), handler_.begin_object(), true; }
  bool key(string_t& name) override { return handler_.key(name), true; }
  bool end_object() override { return --depth_, handler_.end_object(), true; }
  bool start_array(std::size_t) override { return enter(), handler_.begin_array(), true; }
  bool end_array() override { return --depth_, handler_.end_array(), true; }
  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception& error) override {
    // It counts the characters that it has taken, the offending one included.
    const std::size_t at = position > 0 ? position - 1 : 0;
    if (dynamic_cast<const Json::out_of_range*>(&error) != nullptr)
      throw Error("the number " + printable(token, 60) + " is too large for a double").in(file_).at(at);
    // The library's sentence after its own "[json.exception...] parse error at line ..:" prefix.
    std::string reason = error.what();
    for (const std::string_view before : {"] ", ": "})
      if (const auto end = reason.find(before); end != std::string::npos) reason.erase(0, end + 2);
    throw Error("is not valid JSON: " + printable(reason, 200)).in(file_).at(at);
  }

 private:
  void too_wide(const std::string& integer, double value) {
    if (limits_.exact_integers)
      throw Error("the integer " + printable(integer, 40) + " does not fit 64 bits with a sign")
          .in(file_);
    handler_.real(value);
  }
  void count() {
    if (++values_ > limits_.values)
      throw Error("the JSON holds more than " + std::to_string(limits_.values) + " values")
          .in(file_);
  }
  void enter() {
    count();
    if (++depth_ > limits_.depth)
      throw Error("the JSON is nested more than " + std::to_string(limits_.depth) + " deep")
          .in(file_);
  }

  JsonHandler& handler_;
  const JsonLimits& limits_;
  const std::string& file_;
  std::uint64_t values_ = 0;
  int depth_ = 0;
  bool python_ = false;
};

// Builds a tree, refusing a key that stands twice in one object.
class Builder : public JsonHandler {
 public:
  explicit Builder(const std::string& file) : file_(file) {}
  Json take() { return std::move(root_); }

  void begin_object() override {
    open_.push_back(add(Json::object()));
    keys_.emplace_back();
  }
  void key(std::string& name) override {
    if (!keys_.back().insert(name).second)
      throw Error("the key stands twice in one object").in(file_).field(name);
    key_ = std::move(name);
  }
  void end_object() override {
    open_.pop_back();
    keys_.pop_back();
  }
  void begin_array() override {
    open_.push_back(add(Json::array()));
    keys_.emplace_back();
  }
  void end_array() override { end_object(); }
  void string(std::string& value) override { add(std::move(value)); }
  void integer(std::int64_t value) override { add(value); }
  void real(double value) override { add(value); }
  void boolean(bool value) override { add(value); }
  void null() override { add(nullptr); }

 private:
  Json* add(Json value) {
    if (open_.empty()) return &(root_ = std::move(value));
    Json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    // ordered_json looks a key up by walking the object; the set above has shown that it is new.
    auto& object = parent.get_ref<Json::object_t&>();
    object.std::vector<std::pair<const std::string, Json>>::emplace_back(std::move(key_),
                                                                         std::move(value));
    key_.clear();
    return &object.back().second;
  }

  const std::string& file_;
  Json root_;
  std::vector<Json*> open_;  // a child is complete before its parent's vector can move it
  std::vector<std::unordered_set<std::string>> keys_;
  std::string key_;
};

}  // namespace

void read_json(std::string_view text, const std::string& file, JsonHandler& handler,
               const JsonLimits& limits) {
  if (text.size() > limits.bytes)
    throw Error("is " + std::to_string(text.size()) + " bytes of JSON; at most " +
                std::to_string(limits.bytes) + " are read")
        .in(file);
  Budget budget(handler, limits, file);
  const auto replaced = limits.python_numbers ? without_python_numbers(text) : std::nullopt;
  if (replaced) {
    budget.expect_python_numbers();
    text = *replaced;
  }
  Json::sax_parse(text.begin(), text.end(), &budget);
}

Json parse_json(std::string_view text, const std::string& file, const JsonLimits& limits) {
  Builder builder(file);
  read_json(text, file, builder, limits);
  return builder.take();
}

std::string to_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string as_read(const Json& value) {
  if (all_finite(value) || !value.is_number()) return to_text(value);
  return std::isnan(value.get<double>()) ? "NaN" : value.get<double>() < 0 ? "-Infinity" : "Infinity";
}

bool all_finite(const Json& value) {
  if (value.is_structured()) return std::ranges::all_of(value, all_finite);
  return !value.is_number_float() || std::isfinite(value.get<double>());
}

}  // namespace bantam::base
