// Templates that want content as a list of parts, or as a text, get it so.
#include "chat/content_form.h"

#include <gtest/gtest.h>

#include "jinja_support.h"

namespace bantam {
namespace {

constexpr const char* kParts =
    "{% for m in messages %}[{{ m['role'] }}]{% for part in m['content'] %}"
    "{% if part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}";
constexpr const char* kText =
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}";
constexpr const char* kBoth =
    "{% for m in messages %}[{{ m.role }}]{% if m.content is string %}{{ m.content }}{% else %}"
    "{% for part in m.content %}<{{ part.text }}>{% endfor %}{% endif %}{% endfor %}";
// Parts of the user alone, as some templates for images have it.
constexpr const char* kPartsOfUser =
    "{% for m in messages %}[{{ m.role }}]{% if m.role == 'user' %}"
    "{% for part in m.content %}{{ part.text }}{% endfor %}{% else %}{{ m.content }}{% endif %}"
    "{% endfor %}";
constexpr const char* kNoSystem =
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "{% for part in m.content %}{{ part.text }};{% endfor %}{% endfor %}";

std::string prompt(const char* source, const char* messages) {
  ChatInput input = test::chat_input();
  input.messages = Json::parse(messages);
  return ChatTemplate(source, "t").render(input);
}

constexpr const char* kTexts =
    R"([{"role":"system","content":"S"},{"role":"user","content":"U"},)"
    R"({"role":"assistant","content":"A"},{"role":"tool","content":"T"}])";
constexpr const char* kLists =
    R"([{"role":"system","content":[{"type":"text","text":"S"}]},)"
    R"({"role":"user","content":[{"type":"text","text":"U"},{"type":"text","text":"V"}]}])";

TEST(ContentForms, ATextBecomesThePartsThatATemplateWants) {
  EXPECT_EQ(prompt(kParts, kTexts), "[system]S[user]U[assistant]A[tool]T");
  EXPECT_EQ(prompt(kPartsOfUser, kTexts), "[system]S[user]U[assistant]A[tool]T");
  EXPECT_EQ(prompt(kNoSystem, R"([{"role":"user","content":"U"}])"), "U;");
}

TEST(ContentForms, PartsBecomeTheTextThatATemplateWants) {
  EXPECT_EQ(prompt(kText, kLists), "[system]S[user]U\nV");
  EXPECT_EQ(prompt(kParts, kLists), "[system]S[user]UV");
  EXPECT_EQ(prompt(kPartsOfUser, kLists), "[system]S[user]UV");
}

TEST(ContentForms, WhatATemplateTakesStaysAsItIs) {
  EXPECT_EQ(prompt(kText, kTexts), "[system]S[user]U[assistant]A[tool]T");
  EXPECT_EQ(prompt(kBoth, kTexts), "[system]S[user]U[assistant]A[tool]T");
  EXPECT_EQ(prompt(kBoth, kLists), "[system]<S>[user]<U><V>");
  // An image is not text: it is the template's own business.
  const char* image = R"([{"role":"user","content":[{"type":"image"},{"type":"text","text":"U"}]}])";
  EXPECT_EQ(prompt("{{ messages[0].content|length }}{{ messages[0].content is string }}", image),
            "2False");
  EXPECT_EQ(prompt(kText, R"([{"role":"user","content":null},{"role":"user"}])"),
            "[user]None[user]");
}

TEST(ContentForms, TheRawContentCanBeHad) {
  ChatInput input = test::chat_input();
  EXPECT_EQ(ChatTemplate(kParts, "t").render_as_given(input), "[user]");
  EXPECT_EQ(ChatTemplate(kParts, "t").render(input), "[user]hi");
}

// A template that never ends must not make looking at it endless.
TEST(ContentForms, ATemplateWithoutEndIsLookedAtWithinBounds) {
  ChatInput input = test::chat_input();
  EXPECT_THROW(ChatTemplate("{% for i in range(100000) %}{% for j in range(100000) %}{{ i }}"
                            "{% endfor %}{% endfor %}",
                            "t")
                   .render(input, {.steps = 100'000}),
               Error);
}

}  // namespace
}  // namespace bantam
