// Documents from a person's files: plain text, Markdown and JSON lines, in an order that does not
// depend on the file system.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/file.h"

namespace bantam {

struct Message {
  std::string role, content;
};

// Either running text or a conversation.
struct Document {
  std::string text;
  std::vector<Message> messages;
};

enum class BadText : std::uint8_t { replace, skip };  // what is not UTF-8: U+FFFD, or no document

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
  std::int64_t skipped_files = 0;  // of kinds that are not read
  std::string first_bad;           // "FILE at offset N", the first place that was not UTF-8
};

// Reads every .txt, .md and .jsonl file under `path` (or that one file), in the order of their
// paths, and calls `take` with each document that is not empty. A line of JSON holds {"text": ...},
// {"messages": [{"role","content"}, ...]} or {"prompt","answer"}. Links are not followed out of the
// folder and loops are not entered; what is not a regular file is passed over. Throws Error with
// file and line: no permission, a broken line, a wrong field, UTF-16; a folder without any text.
ReadReport read_documents(const Path& path, const ReadOptions& options,
                          const std::function<void(Document&&)>& take);

}  // namespace bantam
