// Methods of values give what Python gives through Jinja2 3.1.2, from which the expected texts
// come.
#include "jinja_support.h"

namespace bantam {
namespace {

using test::expect_renders;

TEST(JinjaMethod, OfStrings) {
  expect_renders({
      {"{{ ' a '.strip() ~ '|' }}", "a|"},
      {"{{ 'xxaxx'.lstrip('x') }}", "axx"},
      {"{{ 'abcab'.rstrip('ab') }}", "abc"},
      {"{{ 'a b  c'.split() }}", "['a', 'b', 'c']"},
      {"{{ 'a,b,,c'.split(',') }}", "['a', 'b', '', 'c']"},
      {"{{ 'a,b,c'.split(',', 1) }}", "['a', 'b,c']"},
      {"{{ 'a,b,c'.rsplit(',', 1) }}", "['a,b', 'c']"},
      {"{{ ' a b c '.split(none, 1) }}", "['a', 'b c ']"},
      {"{{ ' a b c '.rsplit(none, 1) }}", "[' a b', 'c']"},
      {"{{ 'a\\nb\\r\\nc\\n'.splitlines() }}", "['a', 'b', 'c']"},
      {"{{ 'a\\nb'.splitlines(true) }}", "['a\\n', 'b']"},
      {"{{ 'abc'.startswith('ab') }}", "True"},
      {"{{ 'abc'.startswith(('x', 'a')) }}", "True"},
      {"{{ 'abc'.endswith('bc') }}", "True"},
      {"{{ 'abc'.startswith('b', 1) }}", "True"},
      {"{{ 'aXbX'.replace('X', '-') }}", "a-b-"},
      {"{{ 'aXbX'.replace('X', '-', 1) }}", "a-bX"},
      {"{{ 'abcb'.find('b') }}", "1"},
      {"{{ 'abcb'.rfind('b') }}", "3"},
      {"{{ 'abc'.find('z') }}", "-1"},
      {"{{ '日本é'.find('é') }}", "2"},
      {"{{ 'abcb'.count('b') }}", "2"},
      {"{{ 'abc'.count('') }}", "4"},
      {"{{ 'abc'.index('c') }}", "2"},
      {"{{ '-'.join(['a', 'b']) }}", "a-b"},
      {"{{ 'ab'.upper() }}", "AB"},
      {"{{ 'AB'.lower() }}", "ab"},
      {"{{ 'they\\'re bill\\'s'.title() }}", "They'Re Bill'S"},
      {"{{ 'aBC dE'.capitalize() }}", "Abc de"},
      {"{{ 'aBß'.swapcase() }}", "AbSS"},
      {"{{ 'ß'.casefold() }}", "ss"},
      {"{{ '7'.zfill(3) }}", "007"},
      {"{{ '-7'.zfill(4) }}", "-007"},
      {"{{ 'a'.ljust(3, '.') }}", "a.."},
      {"{{ 'a'.rjust(3, '.') }}", "..a"},
      {"{{ 'a'.center(4, '*') }}", "*a**"},
      {"{{ 'a=b=c'.partition('=') }}", "('a', '=', 'b=c')"},
      {"{{ 'a=b=c'.rpartition('=') }}", "('a=b', '=', 'c')"},
      {"{{ 'abc'.partition('x') }}", "('abc', '', '')"},
      {"{{ 'prefix'.removeprefix('pre') }}", "fix"},
      {"{{ 'suffix'.removesuffix('fix') }}", "suf"},
      {"{{ 'a\\tb'.expandtabs(4) }}", "a   b"},
      {"{{ '12'.isdigit() }}", "True"},
      {"{{ '²'.isdigit() ~ '²'.isdecimal() }}", "TrueFalse"},
      {"{{ '日本'.isalpha() }}", "True"},
      {"{{ ' \\n'.isspace() }}", "True"},
      {"{{ 'A1'.isupper() }}", "True"},
      {"{{ 'a1'.islower() }}", "True"},
      {"{{ 'Ab Cd'.istitle() }}", "True"},
      {"{{ 'a_1'.isidentifier() }}", "True"},
      {"{{ 'é'.isascii() }}", "False"},
  });
}

TEST(JinjaMethod, OfOthers) {
  expect_renders({
      {"{{ d.keys()|list }}", "['b', 'a', 'items']"},
      {"{{ d.values()|list }}", "[2, 1, [1]]"},
      {"{{ d.items()|first }}", "('b', 2)"},
      {"{{ d.copy() == d }}", "True"},
      {"{{ items.index(1) }}", "1"},
      {"{{ items.count(3) }}", "1"},
      {"{{ (1, 2, 1).count(1) }}", "2"},
      {"{{ 2.0.is_integer() }}", "True"},
      {"{{ 7|int }}", "7"},
      {"{{ range(4).index(2) }}", "2"},
  });
}

}  // namespace
}  // namespace bantam
