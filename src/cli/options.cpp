#include "cli/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/error.h"
#include "cli/sizes.h"

namespace bantam::cli {

namespace {

std::string number_text(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return std::string(text, end);
}

// The whole of `text` as a number of T; nullopt when it is none.
template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

bool same_word(std::string_view a, std::string_view b) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

std::vector<std::int32_t> parse_ids(const std::string& text, const std::string& names) {
  std::vector<std::int32_t> ids;
  for (std::size_t at = 0; !text.empty() && at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, end - at);
    const auto id = parse_number<std::int32_t>(part);
    if (!id || *id < 0) throw unfit(names, "token ids such as 1,2,3", part.empty() ? text : part);
    ids.push_back(*id);
    at = end + 1;
  }
  return ids;
}

Error unfit(const std::string& names, const std::string& expected, const std::string& got) {
  return Error(expected + " was expected, not \"" + printable(got, 40) + "\"", Error::Kind::usage)
      .field(long_name(names));
}

std::vector<std::string> split_names(std::string_view names) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < names.size();) {
    const std::size_t end = std::min(names.find(',', at), names.size());
    all.emplace_back(names.substr(at, end - at));
    at = end + 1;
  }
  return all;
}

std::string long_name(std::string_view names) {
  return std::string(names.substr(names.rfind(',') + 1));
}

Option& Options::add(Option option) {
  table_.push_back(std::move(option));
  return table_.back();
}

Option& Options::positional(std::string name, std::string& to, std::string help) {
  Option& option = add(
      {name, name, std::move(help), true, false, [&to](const std::string& text) { to = text; }});
  return option;
}

Option& Options::flag(std::string names, bool& to, std::string help) {
  return add({std::move(names), "", std::move(help), false, false,
              [&to](const std::string&) { to = true; }});
}

Option& Options::text(std::string names, std::string value, std::optional<std::string>& to,
                      std::string help) {
  return add({std::move(names), std::move(value), std::move(help), false, false,
              [&to](const std::string& text) { to = text; }});
}

Option& Options::text(std::string names, std::string value, std::vector<std::string>& to,
                      std::string help) {
  return add({std::move(names), std::move(value), std::move(help), false, true,
              [&to](const std::string& text) { to.push_back(text); }});
}

Option& Options::whole(std::string names, std::string value, std::optional<std::int64_t>& to,
                       std::int64_t least, std::int64_t most, std::string help) {
  return add({names, std::move(value), std::move(help), false, false,
              [&to, least, most, names](const std::string& text) {
                const auto got = parse_number<std::int64_t>(text);
                if (!got || *got < least || *got > most)
                  throw unfit(names,
                              "a whole number from " + std::to_string(least) + " to " +
                                  std::to_string(most),
                              text);
                to = *got;
              }});
}

Option& Options::wholes(std::string names, std::string value, std::vector<std::int64_t>& to,
                        std::int64_t least, std::int64_t most, std::string help) {
  return add({names, std::move(value), std::move(help), false, false,
              [&to, least, most, names](const std::string& text) {
                std::vector<std::int64_t> numbers;
                for (std::size_t at = 0; at <= text.size();) {
                  const std::size_t end = std::min(text.find(',', at), text.size());
                  const auto got = parse_number<std::int64_t>(text.substr(at, end - at));
                  if (!got || *got < least || *got > most)
                    throw unfit(names,
                                "one or more whole numbers from " + std::to_string(least) + " to " +
                                    std::to_string(most) + " with commas between them",
                                text);
                  numbers.push_back(*got);
                  at = end + 1;
                }
                to = std::move(numbers);
              }});
}

Option& Options::number(std::string names, std::string value, double& to, double least, double most,
                        std::string help) {
  return add({names, std::move(value), std::move(help), false, false,
              [&to, least, most, names](const std::string& text) {
                const auto got = parse_number<double>(text);
                if (!got || !(*got >= least && *got <= most))
                  throw unfit(names,
                              "a number from " + number_text(least) + " to " + number_text(most),
                              text);
                to = *got;
              }});
}

Option& Options::bytes(std::string names, std::string value, std::optional<std::int64_t>& to,
                       std::int64_t least, std::string help) {
  return add({names, std::move(value), std::move(help), false, false,
              [&to, least, names](const std::string& text) {
                to = parse_bytes(text, long_name(names), least);
              }});
}

Option& Options::ids(std::string names, std::optional<std::vector<std::int32_t>>& to,
                     std::string help) {
  return add({names, "IDS", std::move(help), false, false,
              [&to, names](const std::string& text) { to = parse_ids(text, names); }});
}

// Q8_0 and q8_0 are one word.
std::size_t Options::pick(const std::string& names, const std::string& text,
                          std::span<const std::string_view> words, std::size_t unsaid) {
  std::string known;
  const std::size_t said = words.size() - unsaid;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (same_word(text, words[i])) return i;
    if (i >= said) continue;
    known += (i == 0 ? "" : i + 1 == said ? " or " : ", ") + std::string(words[i]);
  }
  throw unfit(names, known, text);
}

}  // namespace bantam::cli
