// Expressions compiled by PCRE2 (with its JIT where there is one) and matched under limits.
#include "words/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <new>

#include "base/error.h"
#include "words/regex_dialect.h"
#include "words/unicode.h"

namespace bantam::words {
namespace {

// A match that tries more than this is taken for one without end; sound patterns need some steps a
// character of the match. Memory in KiB.
constexpr std::uint32_t kMatchLimit = 50'000'000;
constexpr std::uint32_t kHeapLimit = 256 * 1024;
constexpr std::size_t kStackLimit = std::size_t{256} << 20;  // bytes, of the JIT; taken as needed

struct Free {
  void operator()(pcre2_code* p) const { pcre2_code_free(p); }
  void operator()(pcre2_match_context* p) const { pcre2_match_context_free(p); }
  void operator()(pcre2_compile_context* p) const { pcre2_compile_context_free(p); }
  void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }
  void operator()(pcre2_jit_stack* p) const { pcre2_jit_stack_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

template <class T>
Owned<T> owned(T* p) {
  if (p == nullptr) throw std::bad_alloc();
  return Owned<T>(p);
}

std::string message_of(int code) {
  char buffer[256] = "";
  pcre2_get_error_message(code, reinterpret_cast<PCRE2_UCHAR*>(buffer), sizeof buffer);
  return buffer;
}

// Throws Error with the place in the pattern as it was given.
Owned<pcre2_code> compile(const PcrePattern& pattern) {
  const auto context = owned(pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  pcre2_set_bsr(context.get(), PCRE2_BSR_UNICODE);
  constexpr std::uint32_t kOptions =
      PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NO_UTF_CHECK | PCRE2_NEVER_BACKSLASH_C;
  int code = 0;
  PCRE2_SIZE offset = 0;
  Owned<pcre2_code> compiled(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.text.data()),
                                           pattern.text.size(), kOptions, &code, &offset,
                                           context.get()));
  if (compiled == nullptr) {
    std::size_t where = 0;
    for (const auto& [out, in] : pattern.places)
      if (out < offset) where = in;
    throw Error(message_of(code)).field("regular expression").at(where);
  }
  return compiled;
}

}  // namespace

struct Regex::Program {
  Owned<pcre2_code> code;
  Owned<pcre2_match_context> limits;
};

namespace {

// What one search of a text needs for itself.
class Search {
 public:
  Search(const pcre2_code* code, pcre2_match_context* limits)
      : code_(code), context_(limits), data_(owned(pcre2_match_data_create(1, nullptr))) {}

  // The result of pcre2_match from byte `from`; the bounds are those of the match.
  int run(std::string_view text, std::size_t from) {
    int result = run_once(text, from);
    if (result == PCRE2_ERROR_JIT_STACKLIMIT && stack_ == nullptr) {
      // The JIT begins with 32 KiB of the thread's stack; a match that needs more gets its own.
      stack_ = owned(pcre2_jit_stack_create(1 << 16, kStackLimit, nullptr));
      own_context_ = owned(pcre2_match_context_copy(context_));
      context_ = own_context_.get();
      pcre2_jit_stack_assign(context_, nullptr, stack_.get());
      result = run_once(text, from);
    }
    return result;
  }
  std::size_t begin() const { return pcre2_get_ovector_pointer(data_.get())[0]; }
  std::size_t end() const { return pcre2_get_ovector_pointer(data_.get())[1]; }

 private:
  int run_once(std::string_view text, std::size_t from) {
    return pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                       PCRE2_NO_UTF_CHECK, data_.get(), context_);
  }

  const pcre2_code* code_;
  pcre2_match_context* context_;
  Owned<pcre2_match_data> data_;
  Owned<pcre2_jit_stack> stack_;
  Owned<pcre2_match_context> own_context_;
};

}  // namespace

Regex::Regex(std::string_view pattern) : pattern_(pattern), program_(std::make_unique<Program>()) {
  try {
    program_->code = compile(to_pcre2(pattern));
  } catch (const Error& error) {
    Error shown("in the pattern " + printable(pattern, 200) + ": " + error.message());
    shown.field(error.field());
    if (error.offset()) shown.at(*error.offset());
    throw shown;
  }
  pcre2_jit_compile(program_->code.get(), PCRE2_JIT_COMPLETE);  // failing, it is interpreted
  program_->limits = owned(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(program_->limits.get(), kMatchLimit);
  pcre2_set_depth_limit(program_->limits.get(), kMatchLimit);
  pcre2_set_heap_limit(program_->limits.get(), kHeapLimit);
}

Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

void Regex::find_all(std::string_view text, const std::function<void(Match)>& take) const {
  Search search(program_->code.get(), program_->limits.get());
  std::size_t from = 0, last_end = std::string_view::npos;
  while (from <= text.size()) {
    const int result = search.run(text, from);
    if (result == PCRE2_ERROR_NOMATCH) return;
    if (result < 0)
      throw Error("matching " + printable(pattern_, 200) + " from byte " + std::to_string(from) +
                  " of the text was given up: " + message_of(result))
          .field("regular expression");
    const Match match{search.begin(), search.end()};
    if (match.begin == match.end && match.end == last_end) {
      if (match.end == text.size()) return;
      from = match.end + decode_rune(text, match.end).size;
      continue;
    }
    from = last_end = match.end;
    take(match);
  }
}

}  // namespace bantam::words
