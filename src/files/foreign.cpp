#include "files/foreign.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace bantam::files {

namespace {

struct Mark {
  std::size_t at;
  std::string_view bytes;
  std::string_view hint;
};

constexpr std::string_view kPickle =
    "; it looks like a PyTorch file (a Python pickle, which can run code when opened): ask for the "
    "model as safetensors or GGUF";
constexpr std::string_view kPage = "; it looks like a web page: download the file itself";
constexpr std::string_view kOld =
    "; it is in a format older than GGUF: convert it with the tools of its time";

constexpr std::string_view kDocument = "; it looks like an office document or a book: save it as text";
constexpr std::string_view kText =
    "; it looks like text: call it .txt, .md or .jsonl, and bantam train --text (or ./run) raises a model from it";

constexpr std::array kMarks{
    Mark{0, "GGUF", "; it is a GGUF file"},
    Mark{0, "FUGG", "; it looks like a GGUF file with its bytes swapped"},
    Mark{8, "{\"", "; it looks like a safetensors file"},
    Mark{0, "%PDF-", kDocument},
    Mark{30, "[Content_Types].xml", kDocument},
    Mark{30, "mimetype", kDocument},
    Mark{0, "PK\x03\x04", kPickle},
    Mark{0, "\x80\x02", kPickle},
    Mark{0, "\x80\x04", kPickle},
    Mark{0, "version https://git-lfs",
         "; it is a Git LFS pointer: fetch the file with `git lfs pull`"},
    Mark{0, "<!DOCTYPE", kPage},
    Mark{0, "<!doctype", kPage},
    Mark{0, "<html", kPage},
    Mark{0, "tjgg", kOld},
    Mark{0, "fmgg", kOld},
    Mark{0, "lmgg", kOld},
};

}  // namespace

std::string foreign_hint(std::span<const std::byte> head) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  const auto mark = std::ranges::find_if(kMarks, [&](const Mark& m) {
    return text.size() >= m.at && text.substr(m.at).starts_with(m.bytes);
  });
  if (mark != kMarks.end()) return std::string(mark->hint);
  return std::string(looks_like_text(head) ? kText : std::string_view());
}

bool looks_like_text(std::span<const std::byte> head) {
  constexpr std::size_t kEnough = 4096;
  const std::string_view text(reinterpret_cast<const char*>(head.data()), std::min(head.size(), kEnough));
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) return true;
  const auto control = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && (c < '\t' || c > '\r')) || c == 0x7f; };
  return !text.empty() && std::ranges::none_of(text, control);
}

}  // namespace bantam::files
