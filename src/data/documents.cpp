#include "data/documents.h"

#include <algorithm>
#include <string_view>

#include "base/counting.h"
#include "base/error.h"
#include "data/records.h"
#include "data/text_encoding.h"

namespace bantam::data {

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

class Reader {
 public:
  Reader(const ReadOptions& options, const std::function<void(Document&&)>& take)
      : options_(options), take_(take) {}

  void file(const Path& path) {
    file_ = path.string();
    std::string text = read_file(path, std::uint64_t{1} << 40);
    const bool empty = text.empty();
    now_ = {};
    ++report_.files;
    report_.bytes += static_cast<std::int64_t>(text.size());
    try {
      const TextEncoding encoding = to_utf8(text, &now_.utf16);
      if (encoding == TextEncoding::utf16_little || encoding == TextEncoding::utf16_big)
        report_.utf16.push_back(file_);
      if (encoding == TextEncoding::utf8_with_mark) now_.start = 3;
    } catch (Error& error) {
      throw error.in(file_);
    }
    if (kind_of_text(path) == ".jsonl")
      lines(text);
    else
      running(text);
    tell(empty);
  }

  void found(TextFiles&& files) {
    report_.skipped = std::move(files.skipped);
    report_.outside = std::move(files.outside);
    for (const Path& path : files.files) file(path);
  }

  ReadReport report() const { return report_; }

 private:
  // What a person would miss of this file: all of it, or some bytes.
  void tell(bool empty) {
    if (now_.documents > 0 && now_.wordless > 0 && kind_of_text(file_) == ".jsonl")
      report_.wordless.push_back({file_, number_of(now_.wordless, "record")});
    const bool records = kind_of_text(file_) == ".jsonl";
    if (now_.bad_bytes > 0) {
      std::string why = number_of(now_.bad_bytes, "byte") +
                        ", the first at offset " + std::to_string(now_.first_bad);
      if (options_.bad_text == BadText::skip)
        why += "; " + std::to_string(now_.left_out) +
               (now_.left_out == 1 ? " document is left out" : " documents are left out");
      if (now_.documents == 0 && records && now_.wordless > 0) why += "; " + number_of(now_.wordless, "record") + " without a word";
      report_.bad.push_back({file_, std::move(why)});
    } else if (now_.documents == 0) {
      report_.skipped.push_back({file_, empty     ? "empty"
                                        : records ? "no record with text"
                                                  : "nothing but white space"});
    }
  }

  // Where a byte of the text that is no UTF-8 stands in the file, and how many bytes it was there: those of a
  // UTF-16 file are the places that were told, one after the other.
  Utf16Damage next_damage(std::uint64_t offset) {
    if (now_.utf16_met < now_.utf16.size()) return now_.utf16[now_.utf16_met++];
    return {now_.start + offset, 1};
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
      const Utf16Damage damage = next_damage(offset + i);
      if (report_.first_bad.empty()) report_.first_bad = file_ + " at offset " + std::to_string(damage.offset);
      if (now_.bad_bytes == 0) now_.first_bad = damage.offset;
      now_.bad_bytes += static_cast<std::int64_t>(damage.bytes);
      report_.bad_bytes += static_cast<std::int64_t>(damage.bytes);
      bad = true;
      out.append(text, kept, i - kept);
      out += "\xef\xbf\xbd";
      kept = ++i;
    }
    if (!bad) return true;
    if (options_.bad_text == BadText::skip) {
      ++report_.skipped_documents;
      ++now_.left_out;
      return false;
    }
    out.append(text, kept);
    text = std::move(out);
    return true;
  }

  void give(Document&& document) {
    const auto blank = [](const std::string& text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; };
    if (blank(document.text) &&
        std::ranges::all_of(document.messages, [&](const Message& m) { return blank(m.content); })) {
      ++now_.wordless;
      return;
    }
    ++report_.documents;
    ++now_.documents;
    take_(std::move(document));
  }

  // Cuts at a blank line in the second half of a piece, else at a line's end, else between
  // characters.
  void running(std::string_view text) {
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
          give(read_document_line(line));
        } catch (Error& error) {
          throw error.in(file_).line(number);
        }
      }
      offset += step;
    }
  }

  const ReadOptions& options_;
  const std::function<void(Document&&)>& take_;
  ReadReport report_;
  std::string file_;
  struct OfFile {
    std::int64_t documents = 0, bad_bytes = 0, left_out = 0, wordless = 0;
    std::uint64_t start = 0;  // of the text: behind a byte order mark
    std::uint64_t first_bad = 0;
    std::vector<Utf16Damage> utf16;
    std::size_t utf16_met = 0;  // of them
  };
  OfFile now_;
};

// Why nothing came of a file or folder: what was read comes first, then what was not, and why.
[[noreturn]] void refuse_without_text(const Path& path, bool folder, const ReadReport& report, BadText bad_text) {
  std::vector<TextFiles::Note> all;
  for (const TextFiles::Note& n : report.bad)
    all.push_back({n.path, (std::ranges::find(report.utf16, n.path) != report.utf16.end() ? "not UTF-16: " : "not UTF-8: ") + n.why});
  for (const bool text : {true, false})
    for (const TextFiles::Note& n : report.skipped)
      if (kind_of_text(n.path).empty() != text) all.push_back(n);
  constexpr std::size_t kShown = 5;
  std::string why;
  for (std::size_t i = 0; i < all.size() && i < kShown; ++i)
    why += (why.empty() ? ": " : "; ") + (folder ? printable(all[i].path, 400) + ": " : "") + printable(all[i].why, 400);
  if (all.size() > kShown) why += "; and " + std::to_string(all.size() - kShown) + " more";
  if (all.empty()) why = ": it is empty";
  const bool left_out = bad_text == BadText::skip && !report.bad.empty();
  throw Error("no text was found in it" + why + (left_out ? "; with data.bad_text = \"replace\" such places are marked and the rest is read" : "") +
              (folder ? "; .txt, .md or .jsonl files with text in them were expected" : ""))
      .in(path.string());
}

}  // namespace

ReadReport read_documents(const Path& path, const ReadOptions& options,
                          const std::function<void(Document&&)>& take) {
  Reader reader(options, take);
  std::error_code problem;
  const fs::file_status status = fs::status(path, problem);
  if (!fs::exists(status)) throw Error("there is no such file or folder").in(path.string());
  const bool folder = fs::is_directory(status);
  if (!folder) {
    if (kind_of_text(path).empty())
      throw Error("a folder, or a .txt, .md or .jsonl file, was expected").in(path.string());
    reader.file(path);
  } else {
    reader.found(find_text_files(path));
  }
  ReadReport report = reader.report();
  if (report.documents == 0) refuse_without_text(path, folder, report, options.bad_text);
  return report;
}

}  // namespace bantam::data
