// Documents from a person's files: plain text, Markdown and JSON lines, in an order that does not
// depend on the file system.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/file.h"
#include "data/text_files.h"

namespace bantam::data {

struct Message {
  std::string role, content;  // the role: system, user, assistant or tool
  bool counts = true;  // false: training counts nothing of it (counts_in_training)
  std::vector<std::string> parts = {};  // where it came in several: `content` is all of them as one text
};

// Either running text or a conversation.
struct Document {
  std::string text;
  std::vector<Message> messages;
};

enum class BadText : std::uint8_t { replace, skip };  // what is no text: U+FFFD, or no document

struct ReadOptions {
  BadText bad_text = BadText::replace;
  // Running text is cut into documents of about this many bytes, at the end of a paragraph where
  // one is near: one file may be a whole book, and the validation split goes by document.
  std::int64_t document_bytes = 32768;
};

// What was met on the way, for the report.
struct ReadReport {
  std::int64_t files = 0, documents = 0, bytes = 0;
  std::int64_t bad_bytes = 0;  // replaced
  std::int64_t skipped_documents = 0;
  std::string first_bad;  // "FILE at offset N", the first place that was not UTF-8, or in UTF-16 no character
  std::vector<TextFiles::Note> bad;               // files with such places, and what became of that
  std::vector<TextFiles::Note> skipped, outside;  // see there; of `skipped` also files without text
  std::vector<TextFiles::Note> wordless;          // .jsonl files with records in which there is no word, and how many
  std::vector<std::string> utf16;                 // files that were
};

// Reads every .txt, .md and .jsonl file under `path` (or that one file), in the order of their
// paths, and calls `take` with each document that is not empty. records.h says what a line of JSON
// may hold, text_files.h which files are found, text_encoding.h how they may be encoded. Throws
// Error with file and line: no permission, a broken line, a wrong field; a folder without any text.
ReadReport read_documents(const Path& path, const ReadOptions& options,
                          const std::function<void(Document&&)>& take);

}  // namespace bantam::data
