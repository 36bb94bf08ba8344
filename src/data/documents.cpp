#include "data/documents.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace bantam {

namespace {

namespace fs = std::filesystem;

// Length of the well-formed UTF-8 sequence at the start of `s` (The Unicode Standard, table 3-7),
// or 0.
std::size_t well_formed(std::string_view s) {
  const auto at = [&](std::size_t i) {
    return i < s.size() ? static_cast<unsigned char>(s[i]) : 0u;
  };
  const auto tail = [&](std::size_t i) { return at(i) >> 6 == 2; };
  const unsigned a = at(0), b = at(1);
  if (a < 0x80) return 1;
  if (a >= 0xc2 && a <= 0xdf && tail(1)) return 2;
  if (a >= 0xe0 && a <= 0xef && tail(1) && tail(2) && (a != 0xe0 || b >= 0xa0) &&
      (a != 0xed || b < 0xa0))
    return 3;
  if (a >= 0xf0 && a <= 0xf4 && tail(1) && tail(2) && tail(3) && (a != 0xf0 || b >= 0x90) &&
      (a != 0xf4 || b < 0x90))
    return 4;
  return 0;
}

// The extension in lower case, "" where the file is not text that is read.
std::string kind_of_text(const Path& path) {
  std::string kind = path.extension().string();
  for (char& c : kind)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return kind == ".txt" || kind == ".md" || kind == ".jsonl" ? kind : "";
}

class Reader {
 public:
  Reader(const ReadOptions& options, const std::function<void(Document&&)>& take)
      : options_(options), take_(take) {}

  void file(const Path& path) {
    const std::string kind = kind_of_text(path);
    if (kind.empty()) {
      ++report_.skipped_files;
      return;
    }
    file_ = path.string();
    const std::string text = read_file(path, std::uint64_t{1} << 40);
    refuse_utf16(text);
    ++report_.files;
    report_.bytes += static_cast<std::int64_t>(text.size());
    if (kind == ".jsonl")
      lines(text);
    else
      running(text);
  }

  ReadReport report() const { return report_; }

 private:
  void refuse_utf16(std::string_view text) const {
    if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
      throw Error("is UTF-16; convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)")
          .in(file_)
          .at(0);
  }

  // Makes `text` valid; false: the document is to be left out.
  bool repair(std::string& text, std::uint64_t offset) {
    std::string out;
    bool bad = false;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t length = well_formed(std::string_view(text).substr(i, 4));
      if (length > 0) {
        i += length;
        continue;
      }
      if (report_.first_bad.empty())
        report_.first_bad = file_ + " at offset " + std::to_string(offset + i);
      ++report_.bad_bytes;
      bad = true;
      out.append(text, kept, i - kept);
      out += "\xef\xbf\xbd";
      kept = ++i;
    }
    if (!bad) return true;
    if (options_.bad_text == BadText::skip) {
      ++report_.skipped_documents;
      return false;
    }
    out.append(text, kept);
    text = std::move(out);
    return true;
  }

  void give(Document&& document) {
    if (document.text.find_first_not_of(" \t\r\n") == std::string::npos &&
        document.messages.empty())
      return;
    ++report_.documents;
    take_(std::move(document));
  }

  // Cuts at a blank line in the second half of a piece, else at a line's end, else between
  // characters.
  void running(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    const auto wanted = static_cast<std::size_t>(options_.document_bytes);
    std::uint64_t offset = 0;
    while (!text.empty()) {
      std::size_t end = std::min(wanted, text.size());
      if (end < text.size()) {
        const std::string_view piece = text.substr(0, end);
        std::size_t cut = piece.rfind("\n\n");
        if (cut == std::string_view::npos || cut < end / 2) cut = piece.rfind('\n');
        if (cut != std::string_view::npos && cut >= end / 2) {
          end = text[cut + 1] == '\n' ? cut + 2 : cut + 1;
        } else {
          while (end > 1 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
        }
      }
      Document document{std::string(text.substr(0, end)), {}};
      if (repair(document.text, offset)) give(std::move(document));
      text.remove_prefix(end);
      offset += end;
    }
  }

  void lines(std::string_view text) {
    std::uint64_t number = 0, offset = 0;
    while (!text.empty()) {
      ++number;
      const std::size_t length = std::min(text.find('\n'), text.size());
      std::string line(text.substr(0, length));
      const std::size_t step = std::min(length + 1, text.size());
      text.remove_prefix(step);
      if (line.find_first_not_of(" \t\r") != std::string::npos && repair(line, offset)) {
        try {
          give(from_json(line));
        } catch (Error& error) {
          throw error.in(file_).line(number);
        }
      }
      offset += step;
    }
  }

  static std::string text_field(const Json& object, const char* name) {
    const auto at = object.find(name);
    if (at == object.end()) throw Error("is missing").field(name);
    if (!at->is_string())
      throw Error("a string was expected, not " + printable(to_text(*at), 40)).field(name);
    return at->get<std::string>();
  }

  // Another role would be trained on under a mark that is text to the tokenizer.
  static std::string role_of(const Json& message) {
    const std::string role = text_field(message, "role");
    if (role != "system" && role != "user" && role != "assistant")
      throw Error("system, user or assistant was expected, not \"" + printable(role, 40) + "\"")
          .field("role");
    return role;
  }

  static Document from_json(const std::string& line) {
    const Json json = parse_json(line, "", {.bytes = line.size(), .depth = 16, .values = 100'000});
    if (!json.is_object()) throw Error("an object was expected on each line");
    Document document;
    if (json.contains("messages")) {
      const Json& messages = json.at("messages");
      if (!messages.is_array() || messages.empty())
        throw Error("a list of {\"role\",\"content\"} was expected").field("messages");
      for (const Json& m : messages) {
        if (!m.is_object())
          throw Error("an object {\"role\",\"content\"} was expected").field("messages");
        document.messages.push_back({role_of(m), text_field(m, "content")});
      }
    } else if (json.contains("prompt")) {
      document.messages.push_back({"user", text_field(json, "prompt")});
      document.messages.push_back({"assistant", text_field(json, "answer")});
    } else if (json.contains("text")) {
      document.text = text_field(json, "text");
    } else {
      throw Error("one of \"text\", \"messages\" or \"prompt\" and \"answer\" was expected")
          .field("text");
    }
    return document;
  }

  const ReadOptions& options_;
  const std::function<void(Document&&)>& take_;
  ReadReport report_;
  std::string file_;
};

}  // namespace

ReadReport read_documents(const Path& path, const ReadOptions& options,
                          const std::function<void(Document&&)>& take) {
  Reader reader(options, take);
  std::error_code problem;
  const fs::file_status status = fs::status(path, problem);
  if (!fs::exists(status)) throw Error("there is no such file or folder").in(path.string());
  if (!fs::is_directory(status)) {
    if (kind_of_text(path).empty())
      throw Error("a folder, or a .txt, .md or .jsonl file, was expected").in(path.string());
    reader.file(path);
  } else {
    std::vector<Path> files;
    fs::recursive_directory_iterator it(path, problem), end;
    if (problem) throw Error("cannot list it: " + problem.message()).in(path.string());
    for (; it != end; it.increment(problem)) {
      if (problem) throw Error("cannot list it: " + problem.message()).in(path.string());
      const bool hidden = it->path().filename().string().starts_with(".");
      if (hidden && it->is_directory(problem)) it.disable_recursion_pending();
      if (!hidden && fs::is_regular_file(it->symlink_status(problem))) files.push_back(it->path());
    }
    std::sort(files.begin(), files.end());
    for (const Path& file : files) reader.file(file);
  }
  const ReadReport report = reader.report();
  if (report.documents == 0)
    throw Error(
        "no text was found: a folder with .txt, .md or .jsonl files that are not empty was "
        "expected")
        .in(path.string());
  return report;
}

}  // namespace bantam
