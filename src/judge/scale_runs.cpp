#include "judge/scale_runs.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/nearest.h"
#include "judge/records.h"

namespace bantam::judge {

namespace {

Error missing_column(const Json& record, const char* name) {
  std::vector<std::string> known;
  for (const auto& [key, unused] : record.items()) known.push_back(key);
  const std::string near = nearest(name, known);
  return Error("there is no such column; each run needs parameters, tokens and loss" +
               (near.empty() ? "" : "; is \"" + printable(near, 60) + "\" meant for it?"))
      .field(name);
}

// The value, or NaN for what is no number.
double number_of_cell(const Json& cell) {
  if (cell.is_number()) return cell.get<double>();
  const std::string text = cell.is_string() ? cell.get<std::string>() : "";
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failed == std::errc() && end == text.data() + text.size() ? value : std::nan("");
}

double amount(const Json& record, const char* name, const RecordPlace& place, const std::string& file) {
  const auto cell = record.find(name);
  if (cell == record.end()) throw missing_column(record, name).in(file).line(place.names_line);
  const double value = number_of_cell(*cell);
  if (std::isfinite(value) && value > 0) return value;
  throw Error("a number above 0 was expected, not " + printable(cell->is_string() ? "\"" + cell->get<std::string>() + "\"" : as_read(*cell), 40))
      .in(file)
      .line(place.line)
      .field(name);
}

}  // namespace

std::vector<ScalePoint> read_runs(const std::string& file) {
  std::vector<ScalePoint> out;
  read_records(read_unpacked(file), file, {}, [&](Json&& run, const RecordPlace& place) {
    out.push_back({amount(run, "parameters", place, file), amount(run, "tokens", place, file), amount(run, "loss", place, file)});
  });
  return out;
}

}  // namespace bantam::judge
