// Statements, scopes and white space come out as in Jinja2 3.1.2, from which the expected texts
// come.
#include "jinja_support.h"

namespace bantam {
namespace {

using test::expect_renders;

TEST(JinjaStatement, WhiteSpace) {
  expect_renders({
      {"a\n  {% if true %}\n  b\n  {% endif %}\nc\n", "a\n  b\nc"},
      {"a\n  {%- if true -%}\n  b\n  {%- endif -%}\nc", "abc"},
      {"a {%+ if true +%}\n b{% endif %}", "a \n b"},
      {"  {{ 1 }}\n  {{- 2 -}}  \n 3\n", "  123"},
      {"x\n\n", "x\n"},
      {"  {# c #}\n  y {#- d -#}  z", "  yz"},
      {"{% raw %}{{ x }} {% if %}{% endraw %}", "{{ x }} {% if %}"},
      {"  {%- raw -%}  a  {%- endraw -%}  b", "ab"},
      {"  {% raw %}\n a\n  {% endraw %}\nb", "\n a\nb"},
      {"a\r\nb\rc\n", "a\nb\nc"},
      {"{{ '}}' }}{{ {'a': {}}['a'] }}", "}}{}"},
      {"{% if true %}\n\n{% endif %}\n\n", "\n"},
      {"x {%- set a = 1 %}\ty", "x\ty"},
  });
}

TEST(JinjaStatement, ALoopSVariables) {
  expect_renders({
      {"{% for i in items %}{{ loop.index }}/{{ loop.index0 }}/{{ loop.revindex }}/{{ "
       "loop.revindex0 }}/{{ loop.first }}/{{ loop.last }}/{{ loop.length }} {% endfor %}",
       "1/0/3/2/True/False/3 2/1/2/1/False/False/3 3/2/1/0/False/True/3 "},
      {"{% for i in items %}{{ loop.previtem|default('-') }}<{{ i }}>{{ loop.nextitem|default('-') "
       "}} {% endfor %}",
       "-<3>1 3<1>2 1<2>- "},
      {"{% for i in range(5) %}{{ loop.cycle('a', 'b') }}{% endfor %}", "ababa"},
      {"{% for i in [1, 1, 2] %}{{ loop.changed(i) }} {% endfor %}", "True False True "},
      {"{% for i in items if i > 1 %}{{ i }}:{{ loop.index }}/{{ loop.length }}{{ loop.last }} {% "
       "endfor %}",
       "3:1/2False 2:2/2True "},
      {"{% for k, v in d.items() %}{{ k }}={{ v }} {% else %}none{% endfor %}",
       "b=2 a=1 items=[1] "},
      {"{% for i in [] %}x{% else %}empty{% endfor %}", "empty"},
      {"{% for i in items %}{% for j in 'ab' %}{{ loop.index }}{% endfor %}{{ loop.index }} {% "
       "endfor %}",
       "121 122 123 "},
      {"{% for i in [1, [2, [3]]] recursive %}{{ i if i is number else '(' ~ loop(i) ~ ')' }}{{ "
       "loop.depth }}{% endfor %}",
       "11(22(33)2)1"},
      {"{% for i in range(6) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 4 %}{% break "
       "%}{% endif %}{{ i }}{% endfor %}",
       "023"},
      {"{% for i in [1] %}{% break %}{% else %}else{% endfor %}", "else"},
      {"{% for c in 'héy' %}{{ c }}.{% endfor %}", "h.é.y."},
      {"{% for i in items|reverse %}{{ i }}{{ loop.last }}{% endfor %}", "2False1False3True"},
      {"{% for i in items recursive %}{{ loop.depth0 }}{% endfor %}", "000"},
      {"{% set ns = namespace(stop=false) %}{% for i in items if not ns.stop %}{{ i }}{% if i == 1 "
       "%}{% set ns.stop = true %}{% endif %}{% endfor %}",
       "31"},
  });
}

TEST(JinjaStatement, WhatASetCanBeSeenFrom) {
  expect_renders({
      {"{% set x = 1 %}{% for i in items %}{% set x = x + i %}{{ x }} {% endfor %}{{ x }}",
       "4 2 3 1"},
      {"{% set ns = namespace(x=1) %}{% for i in items %}{% set ns.x = ns.x + i %}{% endfor %}{{ "
       "ns.x }}",
       "7"},
      {"{% if true %}{% set x = 5 %}{% endif %}{{ x }}", "5"},
      {"{% for i in items %}{{ x is defined }}{% set x = i %}{% endfor %}{{ x is defined }}",
       "FalseFalseFalseFalse"},
      {"{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}{% set x = 2 %}{{ m() }}",
       "12"},
      {"{% set n = n + 1 %}{{ n }}", "8"},
      {"{% macro m() %}{% set n = 1 %}{{ n }}{% endmacro %}{{ m() }}{{ n }}", "17"},
      {"{% set a, b = 1, [2, 3] %}{{ b }}{{ a }}", "[2, 3]1"},
      {"{% set x %}a{{ n }}{% endset %}{{ x }}", "a7"},
      {"{% set x | upper | replace('A', 'b') %}a{{ n }}c{% endset %}{{ x }}", "b7C"},
      {"{% with x = 1, y = 2 %}{{ x }}{{ y }}{% endwith %}{{ x is defined }}", "12False"},
      {"{% with n = 1 %}{% set n = 2 %}{{ n }}{% endwith %}{{ n }}", "27"},
      {"{% for n in items %}{{ n }}{% endfor %}{{ n }}", "3127"},
      {"{% for i in [1, 2] %}{% if i == 1 %}{% set q = 'set' %}{% endif %}{{ q|default('no') }} {% "
       "endfor %}",
       "set no "},
      {"{% filter upper %}a{% set n = 1 %}{{ n }}{% endfilter %}{{ n }}", "A17"},
      {"{% generation %}{% set n = 1 %}{{ n }}{% endgeneration %}{{ n }}", "17"},
      {"{% block a %}{{ n }}{% endblock %}{% set n = 8 %}{% block b %}{{ n }}{% endblock %}", "78"},
  });
}

TEST(JinjaStatement, Macros) {
  expect_renders({
      {"{% macro m(a, b=2, c='x') %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }} {{ m(1, c=3) }} "
       "{{ m() }}",
       "12x 123 2x"},
      {"{% macro m(a, b=a) %}{{ b }}{% endmacro %}{{ m(4) }}", "4"},
      {"{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}",
       "(1, 2){'x': 3}"},
      {"{% macro m(x) %}<{{ caller(x) }}>{% endmacro %}{% call(y) m(5) %}{{ y + n }}{% endcall %}",
       "<12>"},
      {"{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}{% call m() %}{% endcall %}",
       "FalseTrue"},
      {"{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}",
       "3210"},
      {"{% macro m(a) %}{% endmacro %}{{ m.name }}{{ m.arguments }}", "m('a',)"},
      {"{{ m is defined }}{% macro m() %}{% endmacro %}{{ m is callable }}", "FalseTrue"},
      {"{% macro m(a) %}{{ a }}{% endmacro %}{{ m(*[1]) }}{{ m(**{'a': 2}) }}", "12"},
      {"{% macro outer() %}{% macro inner() %}i{% endmacro %}{{ inner() }}{% endmacro %}{{ outer() "
       "}}",
       "i"},
      {"{%- macro m(x) -%}\n  {{ x }}\n{%- endmacro -%}\n[{{ m('a') }}]", "[a]"},
      {"{% set f = joiner('|') %}{% for i in items %}{{ f() }}{{ i }}{% endfor %}", "3|1|2"},
      {"{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.next() }}",
       "abaa"},
  });
}

TEST(JinjaStatement, TheRest) {
  expect_renders({
      {"{{ strftime_now('%d %b %Y') }} {{ strftime_now('%Y-%m-%dT%H:%M:%S %A %j %-d %p %I') }}",
       "14 Mar 2025 2025-03-14T09:26:53 Friday 073 14 AM 09"},
      {"{% print 1, 'a' %}", "1a"},
      {"{{ messages[0].role }}{{ add_generation_prompt }}{{ bos_token }}{{ eos_token }}{{ tools is "
       "none }}{{ documents is none }}",
       "userTrue<s></s>TrueTrue"},
      {"{% if 'nosuch' is filter %}{{ 1|nosuch }}{% else %}no{% endif %}", "no"},
      {"{{ 5 is divisibleby 5 }}{{ 3 is odd }}{{ 'A' is upper }}{{ 1 is not none }}{{ 2 is in [1, "
       "2] }}{{ 'a' is string and 1 is integer }}",
       "TrueTrueTrueTrueTrueTrue"},
      {"{% for x in (1, 2) %}{{ x }}{% endfor %}{% for a, b in [(1, 2)] %}{{ a + b }}{% endfor %}",
       "123"},
      {"{{- [{'a': 1}, {'a': 2}]|map(attribute='a')|list -}}", "[1, 2]"},
      {"{{ 'a' if false }}|{{ ('a' if false) is undefined }}", "|True"},
      {"{% if nope and nope.x %}x{% elif nope is not defined %}undefined{% endif %}", "undefined"},
  });
}

}  // namespace
}  // namespace bantam
