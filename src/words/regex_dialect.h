// Translates an expression from the dialect of tokenizer.json (Oniguruma, Ruby's syntax, Unicode)
// to PCRE2's. They differ in: \s (PCRE2 adds U+180E), \w and \b, \h, \v, \p{Script}, classes nested
// and intersected, {n,m}+ and {n}? (not possessive, not lazy in Ruby), {,m}. Sources: Oniguruma
// doc/RE, doc/SYNTAX.md (ONIG_SYNTAX_RUBY); pcre2pattern(3).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"

namespace bantam::words {

struct PcrePattern {
  std::string text;  // for PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, newline LF
  // From each of these places in `text` (rising), the place in the original.
  std::vector<std::pair<std::size_t, std::size_t>> places;
};

// Throws Error with the offset when the expression is broken, or when a construct is not known to
// mean the same: it is never passed on in the hope that it does.
PcrePattern to_pcre2(std::string_view pattern);

}  // namespace bantam::words
