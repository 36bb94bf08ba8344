#include "data/conversation.h"

#include <algorithm>

#include "base/counting.h"
#include "base/error.h"
#include "data/conversation_forms.h"
#include "data/csv.h"
#include "data/text_encoding.h"
#include "words/unicode.h"

namespace bantam::data {

namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;

using ReadRecord = std::function<ChatRecord(const Json&)>;

// A record of the data, or why it is none.
class Collector {
 public:
  Collector(std::string file, const ReadRecord& read) : file_(std::move(file)), read_(read) {}

  template <class Make>
  void add(std::int64_t line, Make make) {
    try {
      ChatRecord record = read_(make());
      record.line = line;
      data_.records.push_back(std::move(record));
    } catch (const Error& error) {
      data_.broken.push_back(
          {line, (error.field().empty() ? "" : error.field() + ": ") + error.message()});
    }
  }

  ChatData take() {
    if (data_.records.empty()) {
      if (data_.broken.empty()) throw Error("there is no record").in(file_);
      throw Error("no record can be used: " + data_.broken.front().reason)
          .in(file_)
          .line(static_cast<std::uint64_t>(data_.broken.front().line));
    }
    return std::move(data_);
  }

 private:
  std::string file_;
  const ReadRecord& read_;
  ChatData data_;
};

// JSON's reader asks for it by itself.
void require_utf8(std::string_view text) {
  if (!is_valid_utf8(text)) throw Error("is not UTF-8: convert the file first (iconv -f latin1 -t utf-8, or what it is in)");
}

Json parse_line(std::string_view line, const std::string& file) {
  JsonLimits limits;
  limits.bytes = line.size();
  limits.values = line.size() / 2 + 16;
  limits.exact_integers = true;
  limits.python_numbers = true;  // pandas and json.dumps write them into columns that nothing here reads
  return parse_json(line, file, limits);
}

ChatData read_lines(std::string_view text, const std::string& file, const ReadRecord& read) {
  Collector collector(file, read);
  for (std::int64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    collector.add(number, [&] { return parse_line(line, file); });
  }
  return collector.take();
}

ChatData read_array(std::string_view text, const std::string& file, const ReadRecord& read) {
  const Json json = parse_line(text, file);
  if (!json.is_array()) throw Error("an array of records was expected").in(file);
  Collector collector(file, read);
  std::int64_t number = 0;
  for (const Json& item : json) collector.add(++number, [&] { return item; });
  return collector.take();
}

ChatData read_table(std::string_view text, const std::string& file, const ReadRecord& read) {
  Collector collector(file, read);
  CsvTable table(text, file);
  while (table.next()) {
    collector.add(static_cast<std::int64_t>(table.line()), [&] {
      Json record = table.record();
      for (const auto& [name, cell] : record.items())
        if (cell.is_string()) require_utf8(cell.get_ref<const std::string&>());
      return record;
    });
  }
  return collector.take();
}

// A book is many documents: cut at blank lines, where one has grown to some thousand bytes.
ChatData read_prose(std::string_view text, const std::string& file, const ReadRecord& read) {
  constexpr std::size_t kEnough = 4096;
  Collector collector(file, read);
  std::int64_t line = 1;
  while (!text.empty()) {
    std::size_t end = text.size() > kEnough ? text.find("\n\n", kEnough) : text.size();
    end = end == std::string_view::npos ? text.size() : std::min(end + 2, text.size());
    const std::string_view piece = text.substr(0, end);
    if (piece.find_first_not_of(" \t\r\n") != std::string_view::npos)
      collector.add(line, [&] {
        require_utf8(piece);
        return Json{{"text", std::string(piece)}};
      });
    line += std::ranges::count(piece, '\n');
    text.remove_prefix(end);
  }
  return collector.take();
}

struct Kind {
  std::string_view extension;
  ChatData (*read)(std::string_view text, const std::string& file, const ReadRecord& read);
};
constexpr Kind kKinds[] = {{".jsonl", read_lines}, {".ndjson", read_lines}, {".json", read_array},
                           {".csv", read_table},   {".txt", read_prose},    {".md", read_prose}};

}  // namespace

ChatData read_chat_data(const Path& path, const ReadRecord& read) {
  const std::string name = path.string(), extension = path.extension().string();
  const auto kind = std::ranges::find(kKinds, extension, &Kind::extension);
  constexpr std::string_view kPacked[] = {".gz", ".zst", ".xz", ".bz2", ".zip"};
  if (std::ranges::find(kPacked, extension) != std::end(kPacked)) throw Error("is packed: unpack it first").in(name);
  if (kind == std::end(kKinds))
    throw Error("a file of records was expected: .jsonl, .json, .csv, .txt or .md").in(name);
  std::string text = read_file(path, kMostBytes);
  std::vector<Utf16Damage> damage;  // such a place is no UTF-8 either: its record is broken like others
  try {
    to_utf8(text, &damage);
  } catch (Error& error) {
    throw error.in(name);
  }
  return kind->read(text, name, read);
}

ChatRecord read_record(const Json& json) {
  if (!json.is_object()) throw Error("an object was expected");
  for (const RecordReader& reader : record_readers())
    if (reader.fits(json)) {
      ChatRecord record;
      record.form = reader.form;
      reader.read(json, record);
      return record;
    }
  std::string keys;
  for (const auto& [key, value] : json.items())
    if (keys.size() < 200) keys += (keys.empty() ? "" : ", ") + printable(key, 60);
  throw Error(
      "none of the known forms: messages; conversations; instruction and output; prompt and "
      "completion; question and answer; prompt, chosen and rejected; text; ids and mask. It has: " +
      (keys.empty() ? "nothing" : keys));
}

std::string_view form_name(RecordForm form) {
  for (const RecordReader& reader : record_readers())
    if (reader.form == form) return reader.name;
  return "";
}

}  // namespace bantam::data
