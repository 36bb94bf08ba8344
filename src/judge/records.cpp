#include "judge/records.h"

#include <algorithm>

#include "base/error.h"
#include "base/hash.h"
#include "data/csv.h"
#include "data/text_encoding.h"
#include "words/unicode.h"

namespace bantam::judge {

namespace {

constexpr JsonLimits kRecordLimits{
    .bytes = std::uint64_t{1} << 30, .depth = 64, .values = 40'000'000, .python_numbers = true};

using TakeRecord = std::function<void(Json&&, const RecordPlace&)>;

void take_object(Json&& value, const std::string& name, std::uint64_t line, const TakeRecord& take) {
  if (!value.is_object())
    throw Error("a JSON object was expected for each record").in(name).line(line);
  take(std::move(value), {line, line});
}

void take_lines(std::string_view text, const std::string& name, const TakeRecord& take) {
  std::uint64_t line = 0;
  while (!text.empty()) {
    ++line;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view one = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (one.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    Json value;
    try {
      value = parse_json(one, name, kRecordLimits);
    } catch (Error& error) {
      throw Error(error.message()).in(name).field(error.field()).line(line);
    }
    take_object(std::move(value), name, line, take);
  }
}

// A list of objects, an object of objects (TTQA: "0", "1", ...), or one of them under source.at.
void take_whole(std::string_view text, const std::string& name, const Source& source, const TakeRecord& take) {
  Json whole = parse_json(text, name, kRecordLimits);
  if (!source.at.empty()) {
    const auto found = whole.is_object() ? whole.find(source.at) : whole.end();
    if (found == whole.end())
      throw Error("a member \"" + source.at + "\" with the list of records was expected").in(name);
    Json inner = std::move(*found);
    whole = std::move(inner);
  }
  if (!whole.is_array() && !whole.is_object())
    throw Error("a list of records was expected").in(name);
  for (auto& value : whole) take_object(std::move(value), name, 1, take);
}

void take_table(std::string_view text, const std::string& name, const Source& source, const TakeRecord& take) {
  CsvTable table(text, name, source.columns);
  while (table.next()) take(table.record(), {table.line(), table.head_line()});
}

void take_plain_lines(std::string_view text, const TakeRecord& take) {
  for (std::uint64_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view one = text.substr(0, end);
    if (one.ends_with('\r')) one.remove_suffix(1);
    take({{"line", one}}, {line, line});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

bool kept(const Source& source, const Json& record, const std::string& name) {
  if (source.number.empty()) return true;
  const auto at = record.find(source.number);
  if (at == record.end() || !at->is_number_integer())
    throw Error("a whole number was expected in every record").in(name).field(source.number);
  const auto value = at->get<std::int64_t>();
  return value >= source.from && value <= source.to;
}

// Debian 12 has no library that reads them, and one of our own for a format of such breadth would be read
// by nobody else.
constexpr std::string_view kFromParquet =
    "Parquet is not read; make lines of JSON of it: "
    "python3 -c \"import pandas, sys; pandas.read_parquet(sys.argv[1]).to_json(sys.argv[2], orient='records', lines=True, force_ascii=False)\" "
    "FILE.parquet FILE.jsonl (packages pandas and pyarrow), or in duckdb: COPY (FROM 'FILE.parquet') TO 'FILE.jsonl'";

// A .parquet file in the folder or one below it: what the Hugging Face hub hands out in place of a set's own
// files.
std::string parquet_under(const Path& root) {
  std::error_code ignored;
  std::size_t looked = 0;
  for (auto at = std::filesystem::recursive_directory_iterator(root, std::filesystem::directory_options::skip_permission_denied, ignored);
       !ignored && at != std::filesystem::recursive_directory_iterator() && looked < 10'000; at.increment(ignored), ++looked) {
    if (at.depth() > 3) at.disable_recursion_pending();
    if (at->path().extension() == ".parquet") return at->path().lexically_relative(root).string();
  }
  return "";
}

std::string_view without_gz(std::string_view name) {
  if (name.ends_with(".gz")) name.remove_suffix(3);
  return name;
}

}  // namespace

void read_records(std::string text, const std::string& name, const Source& source, const TakeRecord& take) {
  if (name.ends_with(".parquet") || text.starts_with("PAR1")) throw Error(std::string(kFromParquet)).in(name);
  try {
    to_utf8(text);
  } catch (Error& error) {
    throw error.in(name);
  }
  if (const std::size_t good = valid_utf8_prefix(text); good != text.size())
    throw Error("text in UTF-8 was expected").in(name).at(good);
  const std::string_view kind = without_gz(name);
  if (kind.ends_with(".jsonl"))
    take_lines(text, name, take);
  else if (kind.ends_with(".json"))
    take_whole(text, name, source, take);
  else if (kind.ends_with(".csv"))
    take_table(text, name, source, take);
  else if (kind.ends_with(".lst"))
    take_plain_lines(text, take);
  else if (kind.ends_with(".txt") || kind.ends_with(".raw"))
    take({{"text", text}}, {1, 1});
  else
    throw Error("a file that ends in .jsonl, .json, .csv, .lst, .txt or .raw was expected").in(name);
}

std::vector<Json> parse_records(std::string text, const std::string& name, const Source& source) {
  std::vector<Json> out;
  read_records(std::move(text), name, source, [&](Json&& record, const RecordPlace&) { out.push_back(std::move(record)); });
  return out;
}

std::vector<std::string> DataFolder::matches(const Source& source) const {
  std::error_code ignored;
  const auto there = [&](const std::string& relative) -> std::string {
    for (const std::string& name : {relative, relative + ".gz"})
      if (std::filesystem::is_regular_file(root_ / name, ignored)) return name;
    return "";
  };
  const std::size_t star = source.path.find('*');
  if (star == std::string::npos) {
    const std::string one = there(source.path);
    return one.empty() ? std::vector<std::string>{} : std::vector{one};
  }
  const std::size_t slash = source.path.rfind('/', star);
  const std::string folder = slash == std::string::npos ? "" : source.path.substr(0, slash + 1);
  const std::string before = source.path.substr(folder.size(), star - folder.size());
  const std::string after = source.path.substr(star + 1);
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(root_ / folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const std::string_view plain = without_gz(name);
    if (plain.size() > before.size() + after.size() && plain.starts_with(before) &&
        plain.ends_with(after))
      out.push_back(folder + name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

bool DataFolder::has(const std::vector<Source>& sources) const {
  return std::any_of(sources.begin(), sources.end(),
                     [&](const Source& s) { return !matches(s).empty(); });
}

std::string DataFolder::bytes_of(const std::string& relative) {
  std::string text = read_unpacked(root_ / relative);
  const bool known = std::any_of(files_.begin(), files_.end(),
                                 [&](const DataFile& f) { return f.path == relative; });
  if (!known) {
    Sha256 sum;
    sum.add(std::as_bytes(std::span(text)));
    files_.push_back({relative, sum.hex(), text.size()});
  }
  return text;
}

void DataFolder::read_one(const Source& source, const std::string& relative,
                          std::vector<Json>& out) {
  const std::string name = (root_ / relative).string();
  std::vector<Json> records = parse_records(bytes_of(relative), name, source);
  if (const std::size_t star = source.path.find('*'); star != std::string::npos) {
    const std::string_view plain = without_gz(relative);
    const std::string took(
        plain.substr(star, plain.size() - (source.path.size() - 1)));
    for (Json& record : records)
      if (!record.contains(source.star)) record[source.star] = took;
  }
  if (!source.beside.empty()) {
    Source other;
    other.path = source.beside;
    const std::vector<std::string> found = matches(other);
    if (found.empty())
      throw Error("is missing; it belongs beside " + relative)
          .in((root_ / source.beside).string());
    const std::vector<Json> lines =
        parse_records(bytes_of(found[0]), (root_ / found[0]).string(), other);
    if (lines.size() != records.size())
      throw Error("a line for each of the " + std::to_string(records.size()) + " records of " +
                  relative + " was expected, not " + std::to_string(lines.size()))
          .in((root_ / found[0]).string());
    for (std::size_t i = 0; i < records.size(); ++i) records[i][source.as] = lines[i]["line"];
  }
  for (Json& record : records)
    if (kept(source, record, name)) out.push_back(std::move(record));
}

std::vector<Json> DataFolder::read(const std::vector<Source>& sources, const std::string& where) {
  std::string tried;
  for (const Source& source : sources) {
    const std::vector<std::string> names = matches(source);
    if (names.empty()) {
      tried += (tried.empty() ? "" : ", ") + source.path;
      continue;
    }
    std::vector<Json> out;
    for (const std::string& name : names) read_one(source, name, out);
    if (out.empty()) throw Error("has no records").in((root_ / names[0]).string());
    return out;
  }
  const std::string parquet = parquet_under(root_);
  throw Error("the file " + tried + " was expected there" + (where.empty() ? "" : "; " + where) +
              (parquet.empty() ? "" : ". There is " + printable(parquet, 120) + ": " + std::string(kFromParquet)))
      .in(root_.string());
}

}  // namespace bantam::judge
