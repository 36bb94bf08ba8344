// Filters of templates give what Jinja2 3.1.2 gives, from which the expected texts come.
#include "jinja_support.h"

namespace bantam {
namespace {

using test::expect_renders;

TEST(JinjaFilter, Text) {
  expect_renders({
      {"{{ ' a b '|trim ~ '|' }}", "a b|"},
      {"{{ 'xxaxx'|trim('x') }}", "a"},
      {"{{ s|upper }}", "HELLO WORLD"},
      {"{{ 'ß é'|upper }}", "SS É"},
      {"{{ 'ΑΣ'|lower }}", "ας"},
      {"{{ 'foo bar-baz (qux) it\\'s'|title }}", "Foo Bar-Baz (Qux) It's"},
      {"{{ 'éa BC'|capitalize }}", "Éa bc"},
      {"{{ 'aXbXc'|replace('X', '--') }}", "a--b--c"},
      {"{{ 'aXbXc'|replace('X', '-', 1) }}", "a-bXc"},
      {"{{ 'ab'|replace('', '.') }}", ".a.b."},
      {"{{ 'a\\nb\\n\\nc'|indent }}", "a\n    b\n\n    c"},
      {"{{ 'a\\nb\\n\\nc'|indent(2, true, true) }}", "  a\n  b\n  \n  c"},
      {"{{ 'a\\nb'|indent('> ') }}", "a\n> b"},
      {"{{ 'ab'|center(7) ~ '|' }}", "   ab  |"},
      {"{{ 'one two three four'|truncate(9) }}", "one..."},
      {"{{ 'one two three four'|truncate(9, true) }}", "one tw..."},
      {"{{ 'abcdefgh'|truncate(5, false, '..', 0) }}", "abc.."},
      {"{{ 'foo bar'|truncate(5) }}", "foo bar"},
      {"{{ 'a b  c_d'|wordcount }}", "3"},
      {"{{ 'a b/c?&é'|urlencode }}", "a%20b/c%3F%26%C3%A9"},
      {"{{ {'a b': 'c/d', 'e': 1}|urlencode }}", "a+b=c%2Fd&e=1"},
      {"{{ '<a href=\"x\">\\'&'|e }}", "&lt;a href=&#34;x&#34;&gt;&#39;&amp;"},
      {"{{ '<'|safe ~ '<' }}", "<<"},
      {"{{ ('<'|e) + '<' }}", "&lt;&lt;"},
      {"{{ '<b>x</b> &amp; y'|striptags }}", "x & y"},
      {"{{ {'a': 1, 'b': none, 'c': '<'}|xmlattr }}", " a=\"1\" c=\"&lt;\""},
      {"{{ '%s-%s'|format(1, 2) }}", "1-2"},
      {"{{ 1000|filesizeformat }}", "1.0 kB"},
      {"{{ 123456|filesizeformat }}", "123.5 kB"},
      {"{{ 1048576|filesizeformat(true) }}", "1.0 MiB"},
      {"{{ 12|string + 'x' }}", "12x"},
  });
}

TEST(JinjaFilter, Json) {
  expect_renders({
      {"{{ d|tojson }}", "{\"b\": 2, \"a\": 1, \"items\": [1]}"},
      {"{{ rows|tojson(indent=2) }}",
       "[\n  {\n    \"k\": 1,\n    \"v\": \"b\"\n  },\n  {\n    \"k\": 2,\n    \"v\": \"a\"\n  "
       "},\n  {\n    \"k\": 1,\n    \"v\": \"c\"\n  }\n]"},
      {"{{ cjk|tojson }}", "\"日本é\""},
      {"{{ cjk|tojson(ensure_ascii=true) }}", "\"\\u65e5\\u672c\\u00e9\""},
      {"{{ '🎉'|tojson(ensure_ascii=true) }}", "\"\\ud83c\\udf89\""},
      {"{{ 'a\"\\\\\\n\\t\\x01</>'|tojson }}", "\"a\\\"\\\\\\n\\t\\u0001</>\""},
      {"{{ [1e-7, 10.0, 1e22, none, true]|tojson }}", "[1e-07, 10.0, 1e+22, null, true]"},
      {"{{ {'b': 1, 'a': 2}|tojson(sort_keys=true) }}", "{\"a\": 2, \"b\": 1}"},
      {"{{ {'b': [1, 2]}|tojson(separators=(',', ':')) }}", "{\"b\":[1,2]}"},
      {"{{ {1: 2, none: 3, true: 4}|tojson }}", "{\"1\": 4, \"null\": 3}"},
      {"{{ []|tojson(indent=4) }}", "[]"},
      {"{{ [[], {}]|tojson(indent=1) }}", "[\n [],\n {}\n]"},
      {"{{ (1, 2)|tojson }}", "[1, 2]"},
      {"{{ {'a': [1]}|tojson(indent='--') }}", "{\n--\"a\": [\n----1\n--]\n}"},
  });
}

TEST(JinjaFilter, Numbers) {
  expect_renders({
      {"{{ '42'|int }}", "42"},
      {"{{ ' -7 '|int }}", "-7"},
      {"{{ '3.9'|int }}", "3"},
      {"{{ 'x'|int }}", "0"},
      {"{{ 'x'|int(5) }}", "5"},
      {"{{ 'nan'|int(7) }}", "7"},
      {"{{ 'ff'|int(0, 16) }}", "255"},
      {"{{ '0x1F'|int(0, 16) }}", "31"},
      {"{{ '1_0'|int }}", "10"},
      {"{{ 3.99|int }}", "3"},
      {"{{ none|int }}", "0"},
      {"{{ '1e3'|float }}", "1000.0"},
      {"{{ 'inf'|float }}", "inf"},
      {"{{ 'x'|float(1.5) }}", "1.5"},
      {"{{ 2.5|round }}", "2.0"},
      {"{{ 3.5|round }}", "4.0"},
      {"{{ 2.675|round(2) }}", "2.67"},
      {"{{ 1234|round(-2) }}", "1200"},
      {"{{ 2.1|round(0, 'ceil') }}", "3.0"},
      {"{{ 2.19|round(1, 'floor') }}", "2.1"},
      {"{{ 42|round }}", "42"},
      {"{{ -5|abs }}", "5"},
      {"{{ -5.5|abs }}", "5.5"},
      {"{{ items|sum }}", "6"},
      {"{{ rows|sum(attribute='k') }}", "4"},
      {"{{ []|sum }}", "0"},
      {"{{ items|min }}", "1"},
      {"{{ items|max }}", "3"},
      {"{{ names|min }}", "a"},
      {"{{ names|max(case_sensitive=true) }}", "b"},
      {"{{ []|max }}", ""},
      {"{{ rows|max(attribute='v') }}", "{'k': 1, 'v': 'c'}"},
  });
}

TEST(JinjaFilter, Sequences) {
  expect_renders({
      {"{{ items|sort }}", "[1, 2, 3]"},
      {"{{ names|sort }}", "['a', 'b', 'C']"},
      {"{{ names|sort(case_sensitive=true) }}", "['C', 'a', 'b']"},
      {"{{ items|sort(reverse=true) }}", "[3, 2, 1]"},
      {"{{ rows|sort(attribute='v')|map(attribute='v')|join }}", "abc"},
      {"{{ rows|sort(attribute='k,v')|map(attribute='v')|join }}", "bca"},
      {"{{ rows|groupby('k') }}",
       "[(1, [{'k': 1, 'v': 'b'}, {'k': 1, 'v': 'c'}]), (2, [{'k': 2, 'v': 'a'}])]"},
      {"{{ rows|groupby('k')|map(attribute='grouper')|list }}", "[1, 2]"},
      {"{{ d|dictsort }}", "[('a', 1), ('b', 2), ('items', [1])]"},
      {"{{ {'b': 1, 'A': 2}|dictsort }}", "[('A', 2), ('b', 1)]"},
      {"{{ {'b': 1, 'A': 2}|dictsort(true) }}", "[('A', 2), ('b', 1)]"},
      {"{{ {'b': 1, 'a': 2}|dictsort(by='value', reverse=true) }}", "[('a', 2), ('b', 1)]"},
      {"{{ ['a', 'A', 'b']|unique|list }}", "['a', 'b']"},
      {"{{ ['a', 'A', 'b']|unique(true)|list }}", "['a', 'A', 'b']"},
      {"{{ rows|unique(attribute='k')|map(attribute='v')|list }}", "['b', 'a']"},
      {"{{ [1,2,3,4,5]|batch(2)|list }}", "[[1, 2], [3, 4], [5]]"},
      {"{{ [1,2,3]|batch(2, 0)|list }}", "[[1, 2], [3, 0]]"},
      {"{{ [1,2,3,4,5]|slice(3)|list }}", "[[1, 2], [3, 4], [5]]"},
      {"{{ [1,2,3,4]|slice(3, 'x')|list }}", "[[1, 2], [3, 'x'], [4, 'x']]"},
      {"{{ items|first }}", "3"},
      {"{{ items|last }}", "2"},
      {"{{ []|first is undefined }}", "True"},
      {"{{ 'abc'|last }}", "c"},
      {"{{ items|reverse|list }}", "[2, 1, 3]"},
      {"{{ 'abc'|reverse }}", "cba"},
      {"{{ 'abc'|list }}", "['a', 'b', 'c']"},
      {"{{ d|list }}", "['b', 'a', 'items']"},
      {"{{ d|items|list }}", "[('b', 2), ('a', 1), ('items', [1])]"},
      {"{{ items|join(', ') }}", "3, 1, 2"},
      {"{{ rows|join('+', attribute='v') }}", "b+a+c"},
      {"{{ [1, none, 'a']|join('-') }}", "1-None-a"},
      {"{{ items|map('string')|join }}", "312"},
      {"{{ names|map('upper')|list }}", "['B', 'A', 'C']"},
      {"{{ rows|map(attribute='zz', default='q')|list }}", "['q', 'q', 'q']"},
      {"{{ ['1', '2']|map('int')|sum }}", "3"},
      {"{{ [0, 1, '', 'a']|select|list }}", "[1, 'a']"},
      {"{{ [0, 1, none]|reject('none')|list }}", "[0, 1]"},
      {"{{ [1,2,3]|select('odd')|list }}", "[1, 3]"},
      {"{{ [1,2,3]|select('>', 1)|list }}", "[2, 3]"},
      {"{{ rows|selectattr('k', 'equalto', 1)|map(attribute='v')|list }}", "['b', 'c']"},
      {"{{ rows|rejectattr('v', 'in', ['a', 'b'])|map(attribute='v')|list }}", "['c']"},
      {"{{ rows|selectattr('zz')|list }}", "[]"},
      {"{{ nope|default('q') }}", "q"},
      {"{{ ''|default('q') }}", ""},
      {"{{ ''|default('q', true) }}", "q"},
      {"{{ none|d('q') }}", "None"},
      {"{{ 'abc'|length }}", "3"},
      {"{{ d|count }}", "3"},
  });
}

}  // namespace
}  // namespace bantam
