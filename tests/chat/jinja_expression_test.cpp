// Expressions of templates print what Jinja2 3.1.2 prints, from which the expected texts come.
#include "jinja_support.h"

namespace bantam {
namespace {

using test::expect_renders;

TEST(JinjaExpression, Precedence) {
  expect_renders({
      {"{{ 2 + 3 * 4 }}", "14"},
      {"{{ -2 ** 2 }}", "4"},
      {"{{ 2 ** 3 ** 2 }}", "64"},
      {"{{ (2 + 3) * 4 }}", "20"},
      {"{{ 7 // 2 ~ 7 % 3 }}", "31"},
      {"{{ -7 // 2 }}", "-4"},
      {"{{ -7 % 3 }}", "2"},
      {"{{ 7.5 // 2 }}", "3.0"},
      {"{{ -7.5 % 2 }}", "0.5"},
      {"{{ 10 - 2 - 3 }}", "5"},
      {"{{ not true or true }}", "True"},
      {"{{ 1 < 2 < 3 }}", "True"},
      {"{{ 3 > 2 > 2 }}", "False"},
      {"{{ 1 in [1] == true }}", "False"},
      {"{{ 'a' 'b' ~ 'c' }}", "abc"},
      {"{{ 1 + 1 if false else 2 + 2 }}", "4"},
      {"{{ 'x' if no }}", ""},
      {"{{ 8 / 2 }}", "4.0"},
      {"{{ 7 / 2 }}", "3.5"},
      {"{{ 1 == 1.0 and true == 1 }}", "True"},
      {"{{ none or 'o' }}", "o"},
      {"{{ 0 and 1 }}", "0"},
      {"{{ '' or [] or 'z' }}", "z"},
  });
}

TEST(JinjaExpression, NumbersPrintAsPythonPrintsThem) {
  expect_renders({
      {"{{ 1e-5 }}", "1e-05"},
      {"{{ 1e16 }}", "1e+16"},
      {"{{ 1e15 }}", "1000000000000000.0"},
      {"{{ 123456789.125 }}", "123456789.125"},
      {"{{ 0.1 + 0.2 }}", "0.30000000000000004"},
      {"{{ 10.0 }}", "10.0"},
      {"{{ 1e22 }}", "1e+22"},
      {"{{ -0.0 }}", "-0.0"},
      {"{{ 2.5e-7 }}", "2.5e-07"},
      {"{{ 3 * 1.0 }}", "3.0"},
      {"{{ 1_000 }}", "1000"},
      {"{{ 0x1f }}", "31"},
      {"{{ 0b101 }}", "5"},
      {"{{ 0o17 }}", "15"},
      {"{{ true + 1 }}", "2"},
      {"{{ 1e300 * 1e10 }}", "inf"},
      {"{{ 2 ** -1 }}", "0.5"},
      {"{{ 2 ** 62 }}", "4611686018427387904"},
  });
}

TEST(JinjaExpression, Strings) {
  expect_renders({
      {"{{ 'a\\tb\\\\n' }}", "a\tb\\n"},
      {"{{ \"it's\" }}", "it's"},
      {"{{ '\\u00e9\\x41\\101' }}", "éAA"},
      {"{{ word * 3 }}", "abcabcabc"},
      {"{{ '-' * 0 }}", ""},
      {"{{ cjk[1] }}", "本"},
      {"{{ cjk[::-1] }}", "é本日"},
      {"{{ cjk|length }}", "3"},
      {"{{ s[-5:] }}", "World"},
      {"{{ s[1:8:2] }}", "el o"},
      {"{{ word[5] }}", ""},
      {"{{ '%s|%5d|%-5s|%05.2f|%x' % ('a', 42, 'b', 3.14159, 255) }}", "a|   42|b    |03.14|ff"},
      {"{{ '%(a)s' % {'a': 1} }}", "1"},
      {"{{ '%%'|format }}", "%"},
      {"{{ '{} {1} {a:>5}'|string }}", "{} {1} {a:>5}"},
      {"{{ '{} {}'.format(1, 'b') }}", "1 b"},
      {"{{ '{0[a]} {x:>6.2f} {y!r:^7}'.format(d, x=3.14159, y='q') }}", "1   3.14   'q'  "},
      {"{{ '{:,} {:08.3f} {:+d} {:#x} {:%}'.format(1234567, 3.14159, 5, 255, 0.25) }}",
       "1,234,567 0003.142 +5 0xff 25.000000%"},
      {"{{ 'a' < 'b' }}", "True"},
      {"{{ 'Z' < 'a' }}", "True"},
  });
}

TEST(JinjaExpression, ReprOfContainers) {
  expect_renders({
      {"{{ [1, 'a', none, true, 2.0] }}", "[1, 'a', None, True, 2.0]"},
      {"{{ (1,) }}", "(1,)"},
      {"{{ () }}", "()"},
      {"{{ {'a': [1, {'b': 'it\\'s'}]} }}", "{'a': [1, {'b': \"it's\"}]}"},
      {"{{ ['\"', \"'\", '\\n\\\\', 'é', '\\x00\\u200b'] }}",
       "['\"', \"'\", '\\n\\\\', 'é', '\\x00\\u200b']"},
      {"{{ {1: 2, 'x': (3, 4)} }}", "{1: 2, 'x': (3, 4)}"},
      {"{{ range(3) }}", "range(0, 3)"},
      {"{{ range(1, 10, 2) }}", "range(1, 10, 2)"},
      {"{{ d.keys() }}", "dict_keys(['b', 'a', 'items'])"},
      {"{{ d.items() }}", "dict_items([('b', 2), ('a', 1), ('items', [1])])"},
      {"{{ [nope] }}", "[Undefined]"},
      {"{{ namespace(a=1) }}", "<Namespace {'a': 1}>"},
      {"{{ dict(a=1, b='x') }}", "{'a': 1, 'b': 'x'}"},
      {"{{ [1e-7, 1e16] }}", "[1e-07, 1e+16]"},
  });
}

TEST(JinjaExpression, AttributesItemsAndWhatIsMissing) {
  expect_renders({
      {"{{ d.b }}", "2"},
      {"{{ d['b'] }}", "2"},
      {"{{ d.items()|list }}", "[('b', 2), ('a', 1), ('items', [1])]"},
      {"{{ d['items'] }}", "[1]"},
      {"{{ d.nope }}", ""},
      {"{{ d.nope is defined }}", "False"},
      {"{{ items[0] }}", "3"},
      {"{{ items[-1] }}", "2"},
      {"{{ items[9] }}", ""},
      {"{{ items[9] is undefined }}", "True"},
      {"{{ (1, 2).0 }}", "1"},
      {"{{ no.x is undefined }}", "True"},
      {"{{ d.get('zz') }}", "None"},
      {"{{ d.get('zz', 5) }}", "5"},
      {"{{ word.__class__ }}", ""},
      {"{{ ''['__class__'] is defined }}", "False"},
      {"{{ items.append is defined }}", "False"},
      {"{{ d._x is defined }}", "False"},
      {"{{ items[1:] }}", "[1, 2]"},
      {"{{ items[::-1] }}", "[2, 1, 3]"},
      {"{{ items[5:] }}", "[]"},
      {"{{ nope }}", ""},
      {"{{ nope|length }}", "0"},
      {"{{ nope == nope2 }}", "True"},
      {"{{ 'x' in nope }}", "False"},
      {"{{ nope is sequence }}", "True"},
      {"{{ yes is number }}", "True"},
      {"{{ d is mapping }}", "True"},
      {"{{ word is iterable }}", "True"},
  });
}

TEST(JinjaExpression, MembershipAndEquality) {
  expect_renders({
      {"{{ 'ell' in s }}", "True"},
      {"{{ 'b' in d }}", "True"},
      {"{{ 2 in d }}", "False"},
      {"{{ 2 in items }}", "True"},
      {"{{ 2 not in items }}", "False"},
      {"{{ [1, 2] == (1, 2) }}", "False"},
      {"{{ [1, [2]] == [1, [2.0]] }}", "True"},
      {"{{ {'a': 1, 'b': 2} == {'b': 2, 'a': 1} }}", "True"},
      {"{{ none == false }}", "False"},
      {"{{ 1 != '1' }}", "True"},
      {"{{ [1, 2] < [1, 3] }}", "True"},
      {"{{ (1,) < (1, 0) }}", "True"},
  });
}

}  // namespace
}  // namespace bantam
