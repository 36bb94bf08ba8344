// The functions that every template can call.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "chat/jinja_arguments.h"
#include "chat/jinja_text.h"

namespace bantam::chat::jinja {

namespace {

// The sandbox of Jinja2 has the same bound (MAX_RANGE).
constexpr std::int64_t kMaxRange = 100'000;

Value range(Interpreter& with, const Value&, Arguments& arguments) {
  auto out = std::make_shared<Range>();
  out->charge(&with.meter, sizeof(Range));
  out->stop = whole(arguments, 0, 0);
  if (arguments.has(1)) {
    out->start = out->stop;
    out->stop = whole(arguments, 1, 0);
  }
  out->step = whole(arguments, 2, 1);
  if (out->step == 0) throw Error("the step of range() is zero");
  // In 128 bits: the ends may lie anywhere.
  __extension__ using Wide = __int128;
  const Wide distance = static_cast<Wide>(out->stop) - out->start;
  const Wide step = out->step;
  const Wide count = distance == 0 || (distance > 0) != (step > 0)
                         ? Wide{0}
                         : (distance - (step > 0 ? 1 : -1)) / step + 1;
  if (count > kMaxRange)
    throw Error("range() has more than " + std::to_string(kMaxRange) + " numbers");
  out->count = static_cast<std::int64_t>(count);
  return Value(Type::range, std::move(out));
}

// The entries of an optional mapping or list of pairs, then the named arguments.
std::vector<std::pair<Value, Value>> entries_of(Interpreter& with, Arguments& arguments) {
  std::vector<std::pair<Value, Value>> entries;
  if (arguments.positional.size() > 1) throw Error("one mapping was expected");
  for (const Value& given : arguments.positional) {
    if (given.is(Type::dict)) {
      entries = given.dict().entries;
      continue;
    }
    for (const Value& pair : with.to_values(given)) {
      Values parts = with.to_values(pair);
      if (parts.size() != 2) throw Error("pairs of a key and a value were expected");
      entries.emplace_back(std::move(parts[0]), std::move(parts[1]));
    }
  }
  for (auto& [name, value] : arguments.named)
    entries.emplace_back(with.string(name), std::move(value));
  return entries;
}

Value dict(Interpreter& with, const Value&, Arguments& arguments) {
  return with.dict(entries_of(with, arguments));
}

Value name_space(Interpreter& with, const Value&, Arguments& arguments) {
  auto entries = entries_of(with, arguments);
  Value out = with.make_namespace();
  Namespace& object = out.as<Namespace>();
  object.charge(&with.meter, entries.size() * 4 * sizeof(Value));
  for (auto& [key, value] : entries) {
    require_hashable(with.meter, key);
    object.attributes.set(std::move(key), std::move(value));
  }
  return out;
}

Value cycler(Interpreter& with, const Value&, Arguments& arguments) {
  if (arguments.positional.empty()) throw Error("cycler() needs at least one item");
  auto out = std::make_shared<Cycler>();
  out->charge(&with.meter, sizeof(Cycler) + arguments.positional.size() * sizeof(Value));
  for (const Value& item : arguments.positional)
    out->nesting = std::max(out->nesting, item.nesting() + 1);
  if (out->nesting > kMaxNesting) throw Error("values are nested too deep");
  out->items = std::move(arguments.positional);
  return Value(Type::cycler, std::move(out));
}

Value joiner(Interpreter& with, const Value&, Arguments& arguments) {
  auto out = std::make_shared<Joiner>();
  out->charge(&with.meter, sizeof(Joiner));
  out->separator = arguments.has(0) ? arguments[0] : with.string(", ");
  out->nesting = out->separator.nesting() + 1;
  if (out->nesting > kMaxNesting) throw Error("values are nested too deep");
  return Value(Type::joiner, std::move(out));
}

Value raise(Interpreter& with, const Value&, Arguments& arguments) {
  throw Error(printable(to_text(with, arguments[0]), 2000));
}

std::tm broken_down(const LocalTime& time) {
  using std::chrono::sys_days;
  const std::chrono::year_month_day date{std::chrono::year{time.year},
                                         std::chrono::month{static_cast<unsigned>(time.month)},
                                         std::chrono::day{static_cast<unsigned>(time.day)}};
  const sys_days day = date;
  std::tm out{};
  out.tm_year = time.year - 1900;
  out.tm_mon = time.month - 1;
  out.tm_mday = time.day;
  out.tm_hour = time.hour;
  out.tm_min = time.minute;
  out.tm_sec = time.second;
  out.tm_wday = static_cast<int>(std::chrono::weekday{day}.c_encoding());
  out.tm_yday = static_cast<int>((day - sys_days{date.year() / 1 / 1}).count());
  out.tm_isdst = -1;
  return out;
}

// datetime.now().strftime(format): without a time zone, and here without fractions of a second.
Value format_time(Interpreter& with, const Value&, Arguments& arguments) {
  const std::string& format = text(arguments[0]);
  const std::tm time = broken_down(with.now());
  Sink out(with.meter);
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out.append(format[i]);
      continue;
    }
    // A flag, as in %-d, belongs to the conversion.
    std::size_t end = i + 1;
    if (end + 1 < format.size() &&
        std::string_view("-_0^#EO").find(format[end]) != std::string_view::npos)
      ++end;
    const char conversion = format[end];
    if (conversion == 'f') {
      out.append("000000");
    } else if (conversion == '%') {
      out.append('%');
    } else if (conversion != 'z' && conversion != 'Z') {
      char buffer[128];
      const std::size_t size =
          std::strftime(buffer, sizeof buffer, format.substr(i, end + 1 - i).c_str(), &time);
      out.append(std::string_view(buffer, size));
    }
    i = end;
  }
  return with.string(out.take());
}

Value no_lipsum(Interpreter&, const Value&, Arguments&) {
  throw Error("lipsum() is refused: a prompt must not change by chance");
}

constexpr Builtin kFunctions[] = {
    {"range", range, "start stop step", 1},
    {"dict", dict, "*"},
    {"namespace", name_space, "*"},
    {"cycler", cycler, "*"},
    {"joiner", joiner, "sep"},
    {"raise_exception", raise, "message", 1},
    {"strftime_now", format_time, "format", 1},
    {"lipsum", no_lipsum, "*"},
};

}  // namespace

const Builtin* find_function(std::string_view name) { return find_in(kFunctions, name); }

}  // namespace bantam::chat::jinja
