// Hostile templates end with an error that names the line, soon and in little memory; what a
// template may not touch is kept from it.
#include <sys/resource.h>

#include <optional>

#include "jinja_support.h"
#include "support/effort.h"

namespace bantam {
namespace {

using test::chat_input;
using test::expect_renders;
using test::template_error;

std::string times(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

struct Hostile {
  const char* name;
  std::string source;
  const char* message;  // a part of it
};

TEST(JinjaBounds, HostileTemplatesEndSoonWithAnError) {
  const std::string doubling_text = "{% set ns = namespace(s='ab') %}{% for i in range(60) %}";
  const std::string doubling =
      "{% set ns = namespace(a=(1,), b=(1,)) %}{% for i in range(100) %}"
      "{% set ns.a = (ns.a, ns.a) %}{% set ns.b = (ns.b, ns.b) %}{% endfor %}";
  const std::string big =
      "{% set s = 'a' * 1000000 %}{% set e = 'é' * 1000000 %}"
      "{% for i in range(100000) %}";
  const Hostile rows[] = {
      {"a long range", "{% for i in range(10**12) %}x{% endfor %}", "range() has more than"},
      {"nested loops", times("{% for i in range(100000) %}", 5) + times("{% endfor %}", 5),
       "too many steps"},
      {"output", "{% for i in range(100000) %}{{ 'a' * 1000 }}{% endfor %}", "writes more than"},
      {"repeated text", "{{ 'a' * 10**9 }}", "memory"},
      {"repeated twice", "{{ ('a' * 10**6) * 10**6 }}", "memory"},
      {"repeated list", "{{ [1] * 10**9 }}", "memory"},
      {"join", "{{ range(100000)|join('x' * 10000) }}", "memory"},
      {"replace", "{{ ('a' * 100000)|replace('a', 'b' * 100000) }}", "memory"},
      {"doubled text", doubling_text + "{% set ns.s = ns.s ~ ns.s %}{% endfor %}", "memory"},
      {"doubled list", doubling_text + "{% set ns.s = ns.s|list + ns.s|list %}{% endfor %}",
       "memory"},
      {"equality of shared parts", doubling + "{{ ns.a == ns.b }}", "too many steps"},
      {"order of shared parts", doubling + "{{ ns.a < ns.b }}", "too many steps"},
      {"keys of shared parts", doubling + "{{ {ns.a: 1}[ns.b] }}", "too many steps"},
      {"JSON of shared parts", doubling + "{{ ns.a|tojson }}", "too many steps"},
      {"text of shared parts", doubling + "{{ ns.a }}", "memory"},
      {"wide padding", "{{ 'x'|center(10**12) }}", "memory"},
      {"wide number", "{{ '%1000000000d' % 3 }}", "memory"},
      {"wide field", "{{ '{:1000000000}'.format('x') }}", "memory"},
      {"long fraction", "{{ '%.1000000000f' % 3.5 }}", "precision"},
      {"wide indent of JSON", "{{ [1]|tojson(indent=10**9) }}", "memory"},
      {"many slices", "{{ range(100000)|slice(10**12)|list }}", "memory"},
      {"macro without end", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "call each other"},
      {"loop without end", "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
       "call each other"},
      {"macros that double",
       "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(90) }}",
       "too many steps"},
      {"lists in lists",
       "{% set ns = namespace(s=[]) %}{% for i in range(1000) %}{% set ns.s = [ns.s] %}{% endfor "
       "%}",
       "nested more than 200 deep"},
      {"namespaces in namespaces",
       "{% set ns = namespace(s=1) %}{% for i in range(100000) %}{% set ns.s = namespace(s=[ns.s]) "
       "%}{% endfor %}",
       "memory"},
      {"loops in loops' lists",
       "{% set ns = namespace(p=0) %}{% for i in range(1000) %}{% for a in [ns.p] %}{% set ns.p = "
       "loop %}{% endfor %}{% endfor %}",
       "nested more than 200 deep"},
      {"search that nearly matches", big + "{{ (s[:500000] ~ 'b') in s }}{% endfor %}",
       "too many steps"},
      {"characters far behind", big + "{{ e[999999] }}{% endfor %}", "too many steps"},
      {"stripping", big + "{{ (' ' * 1000000).strip() }}{% endfor %}", "too many steps"},
      {"case", big + "{{ (e|upper)[:1] }}{% endfor %}", "too many steps"},
      {"big integers", "{{ 10**100 }}", "64 bits"},
      {"brackets", "{{ " + times("(", 50000) + "1" + times(")", 50000) + " }}", "nested too deep"},
      {"lists", "{{ " + times("[", 60000) + times("]", 60000) + " }}", "nested too deep"},
      {"signs", "{{ " + times("-", 100000) + "1 }}", "nested too deep"},
      {"nots", "{{ " + times("not ", 30000) + "1 }}", "nested too deep"},
      {"sums", "{{ 1" + times("+1", 50000) + " }}", "too long"},
      {"dots", "{{ a" + times(".b", 50000) + " }}", "too long"},
      {"conditions", "{{ " + times("1 if 0 else ", 10000) + "1 }}", "nested too deep"},
      {"tags", times("{% if 1 %}", 10000), "nested too deep"},
      {"a long template", times("a", 200000), "bytes; at most"},
  };
  for (const Hostile& row : rows) {
    SCOPED_TRACE(row.name);
    std::optional<Error> found;
    const double work = test::effort([&] { found = template_error(row.source); });
    const Error& error = *found;
    EXPECT_NE(error.message().find(row.message), std::string::npos) << error.what();
    EXPECT_EQ(error.file(), "test.jinja");
    EXPECT_LT(work, 300);
  }
}

TEST(JinjaBounds, HostileTemplatesTakeLittleMemory) {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const long before = use.ru_maxrss;
  for (const char* source :
       {"{% for i in range(1000) %}{{ ('a ' * 1000000).split()|length }}{% endfor %}",
        "{% for i in range(100000) %}{{ 'a' * 1000 }}{% endfor %}",
        "{% macro f(n) %}{{ 'a' * 1000000 }}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ "
        "f(90) }}",
        "{{ range(100000)|map('string')|map('center', 300)|list|length }}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% "
        "endfor %}"})
    template_error(source);
  template_error("{{ [" + times("a,", 60000) + "] }}{{ 1 + 'a' }}");
  getrusage(RUSAGE_SELF, &use);
  EXPECT_LT(use.ru_maxrss - before, 64L << 10);  // KiB
}

TEST(JinjaBounds, ErrorsNameTheLine) {
  const struct {
    std::string source;
    std::uint64_t line;
    const char* message;
  } rows[] = {
      {"\n\n{{ 'abc", 3, "string is not closed"},
      {"a\n{# b", 2, "comment is not closed"},
      {"{% raw %}\n", 1, "raw block is not closed"},
      {"\n{% for m in messages %}\n{{ m }}\n", 3, "'for' of line 2"},
      {"\n{% if 1 %}{% endfor %}", 2, "unknown tag 'endfor'"},
      {"{% unknown %}", 1, "unknown tag 'unknown'"},
      {"\n{% include 'x' %}", 2, "not supported"},
      {"a\nb {{ x | nosuch }}", 2, "no filter named 'nosuch'"},
      {"\n{{ 1 is nosuch }}", 2, "no test named 'nosuch'"},
      {"{% if 1 %}\n{{ 1|nosuch }}{% endif %}", 2, "no filter named 'nosuch'"},
      {"\n\n{{ nosuch(1) }}", 3, "'nosuch' is undefined"},
      {"\n{{ [1|map('nosuch')|list] if 0 }}{{ [1]|map('nosuch')|list }}", 2, "no filter named"},
      {"\n{{ 1 +\n }}", 3, "an expression was expected"},
      {"{{ 1 }", 1, "unexpected '}'"},
      {"{{ (1] }}", 1, "expected ')'"},
      {"{{ 1 ! 2 }}", 1, "unexpected character '!'"},
      {"\n{% break %}", 2, "outside a loop"},
      {"{% set 1 = 2 %}", 1, "a variable was expected"},
      {"{% macro m(a=1, b) %}{% endmacro %}", 1, "needs a default"},
      {"{{ f(a=1, 2) }}", 1, "wrong order"},
      {"\n{{ 'a' + 1 }}", 2, "cannot join 'str' and 'int'"},
      {"\n{{ no + 'x' }}", 2, "'NoneType'"},
      {"\n\n{{ nope.x }}", 3, "'nope' is undefined"},
      {"{{ d.nope.x }}", 1, "'dict object' has no attribute 'nope'"},
      {"\n{{ 1 / 0 }}", 2, "division by zero"},
      {"\n{% for x in 5 %}{% endfor %}", 2, "'int' object is not iterable"},
      {"{% for a, b in [(1, 2, 3)] %}{% endfor %}", 1, "too many values"},
      {"\n{{ 1 < 'a' }}", 2, "'<' not supported"},
      {"{{ 1 in 'abc' }}", 1, "requires a string"},
      {"{{ {[1]: 2} }}", 1, "unhashable"},
      {"{{ nope|tojson }}", 1, "no JSON form"},
      {"\n\n{{ raise_exception('Only user and assistant') }}", 3, "Only user and assistant"},
      {"\n{% macro m() %}\n{{ 1 / 0 }}\n{% endmacro %}\n{{ m() }}", 3, "division by zero"},
      {"{% macro m() %}{% endmacro %}\n{{ m(1) }}", 2, "takes not more than 0"},
      {"{{ 'x'|trim(1, 2) }}", 1, "at most 1"},
      {"{{ 'x'|trim(chr='x') }}", 1, "no argument named 'chr'"},
      {"{{ 'x'|replace('a') }}", 1, "needs the argument 'new'"},
      {"{{ [1]|random }}", 1, "refused"},
      {"{% set d.x = 1 %}", 1, "namespace only"},
      {"ok\n\xff", 2, "not UTF-8"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.source);
    const Error error = template_error(row.source);
    EXPECT_NE(error.message().find(row.message), std::string::npos) << error.what();
    EXPECT_EQ(error.line(), row.line) << error.what();
    EXPECT_EQ(error.file(), "test.jinja");
  }
}

TEST(JinjaBounds, ControlCharactersOfATemplateReachNoTerminal) {
  const Error error = template_error("{{ raise_exception('a\\x1b[31mb') }}");
  EXPECT_NE(error.message().find("a\\x1b[31mb"), std::string::npos) << error.what();
}

TEST(JinjaBounds, TheSandboxHolds) {
  expect_renders({
      {"{{ ''.__class__ }}{{ ''['__class__'] }}{{ d.__class__ is defined }}", "False"},
      {"{{ items.append is defined }}{{ d.update is defined }}", "FalseFalse"},
      {"{{ nope.__class__ }}", ""},
      {"{{ range.__self__ is defined }}", "False"},
  });
  for (const char* source :
       {"{{ ''.__class__.__mro__ }}", "{{ items.append(1) }}", "{{ items.pop() }}",
        "{{ d.update({}) }}", "{{ d.pop('a') }}", "{{ '{0.__class__.__mro__}'.format('') }}",
        "{{ d['setdefault']('x', 1) }}"})
    EXPECT_NE(template_error(source).message().find("unsafe"), std::string::npos) << source;
}

TEST(JinjaBounds, TheLimitsAreTheCallers) {
  TemplateLimits limits;
  limits.steps = 100;
  EXPECT_NE(
      template_error("{% for i in range(5000) %}{% endfor %}", limits).message().find("steps"),
      std::string::npos);
  limits = {};
  limits.output = 10;  // beside the input's
  EXPECT_NE(template_error("{{ 'x' * 1000 }}", limits).message().find("writes"), std::string::npos);
  limits = {};
  limits.calls = 3;
  EXPECT_NE(template_error("{% macro f(n) %}{{ f(n - 1) if n }}{% endmacro %}{{ f(5) }}", limits)
                .message()
                .find("call each other"),
            std::string::npos);
}

TEST(JinjaBounds, ValuesThatHoldThemselvesAreFreed) {
  // A leak is the address sanitizer's to see; here they must print and end.
  expect_renders({
      {"{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns }}",
       "<Namespace {'a': [<Namespace {...}>]}>"},
      {"{% set ns = namespace() %}{% macro m() %}{{ ns.x }}{% endmacro %}{% set ns.m = m %}{% set "
       "ns.x = 1 %}{{ ns.m() }}",
       "1"},
      {"{% set ns = namespace() %}{% for i in [1] %}{{ loop.changed(loop) }}{% set ns.l = loop "
       "%}{% endfor %}{{ ns.l.index }}",
       "True1"},
      {"{% set ns = namespace() %}{% for x in [1, 2] %}{% macro m() %}{{ x }}{% endmacro %}{% set "
       "ns.m = m %}{% endfor %}{{ ns.m() }}",
       ""},
      {"{% macro o(x) %}{% macro i() %}{{ x }}{% endmacro %}{% set ns.f = i %}{% endmacro %}{% set "
       "ns = namespace() %}{{ o(3) }}{{ ns.f() }}",
       "3"},
  });
}

}  // namespace
}  // namespace bantam
