#include "judge/personal.h"

#include <algorithm>

#include "judge/python_text.h"

namespace bantam::judge {

namespace {

// Luhn's check digit (ISO/IEC 7812-1, annex B).
bool luhn(const std::string& digits) {
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    int d = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1) d = d * 2 > 9 ? d * 2 - 9 : d * 2;
    sum += d;
  }
  return sum % 10 == 0;
}

// ISO 13616: the country and check digits at the end, letters as 10 to 35, the remainder by 97 is 1.
bool account_holds(const std::string& text) {
  int rest = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[(i + 4) % text.size()];
    const int value = c >= 'A' ? c - 'A' + 10 : c - '0';
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest == 1;
}

// A letter for the place, nine digits; weights 1 9 8 7 6 5 4 3 2 1 1.
bool identity_holds(const std::string& text) {
  static constexpr std::string_view kLetters = "ABCDEFGHJKLMNPQRSTUVXYWZIO";
  const std::size_t place = kLetters.find(text[0]);
  if (place == std::string_view::npos) return false;
  const int number = static_cast<int>(place) + 10;
  int sum = number / 10 + number % 10 * 9;
  for (int i = 1; i <= 8; ++i) sum += (text[static_cast<std::size_t>(i)] - '0') * (9 - i);
  return (sum + text[9] - '0') % 10 == 0;
}

std::string only(const std::string& text, bool (*keep)(char)) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out), keep);
  return out;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_sign(char c) { return is_digit(c) || (c >= 'A' && c <= 'Z'); }

struct Rule {
  std::string_view kind, pattern;
  bool (*holds)(const std::string& match);
};

// The surer ones first: what one has taken is not asked of the next.
constexpr Rule kRules[] = {
    {"e-mail", R"((?<![\w.+-])[A-Za-z0-9][\w.+-]*@[A-Za-z0-9](?:[\w-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,})",
     [](const std::string&) { return true; }},
    {"account", R"((?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9]))",
     [](const std::string& m) { return account_holds(only(m, is_sign)); }},
    {"identity number", R"((?<![A-Za-z0-9])[A-Z][1289][0-9]{8}(?![A-Za-z0-9]))",
     [](const std::string& m) { return identity_holds(m); }},
    {"card", R"((?<![0-9-])[3-6][0-9]{3}(?:[ -]?[0-9]{4}){2}[ -]?[0-9]{1,7}(?![0-9-]))",
     [](const std::string& m) {
       const std::string digits = only(m, is_digit);
       return digits.size() >= 13 && digits.size() <= 19 && luhn(digits);
     }},
    {"telephone", R"((?<![\w+])(?:\+[1-9][0-9]{0,2}[ -]?(?:\([0-9]{1,4}\)[ -]?)?[0-9]{1,4}(?:[ -]?[0-9]{2,4}){2,3}|09[0-9]{2}-?[0-9]{3}-?[0-9]{3}|\(?0[2-8]\)?[ -][0-9]{3,4}[ -][0-9]{4})(?![0-9]))",
     [](const std::string& m) {
       const std::size_t digits = only(m, is_digit).size();
       return digits >= 9 && digits <= 15;
     }},
};

}  // namespace

std::vector<Personal> personal_data(std::string_view text) {
  std::vector<Personal> out;
  for (const Rule& rule : kRules) {
    std::size_t from = 0;
    for (const Pattern::Groups& groups : Pattern(rule.pattern).find_all(text)) {
      const std::string& match = *groups[0];
      const std::size_t at = text.find(match, from);
      if (at == std::string_view::npos) break;
      from = at + match.size();
      const bool taken = std::any_of(out.begin(), out.end(), [&](const Personal& p) { return at < p.at + p.size && p.at < from; });
      if (!taken && rule.holds(match)) out.push_back({rule.kind, at, match.size()});
    }
  }
  std::sort(out.begin(), out.end(), [](const Personal& a, const Personal& b) { return a.at < b.at; });
  return out;
}

}  // namespace bantam::judge
