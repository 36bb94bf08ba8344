// The C++ interface, which is the C interface with values.
#include <gtest/gtest.h>

#include "api/models.h"
#include "bantam/bantam.hpp"

namespace {

std::string path_of(const char* name) { return api_test::folder() + "/" + name; }

TEST(CppApi, OpensEncodesAndWrites) {
  bantam::Model model(path_of("plain.gguf"));
  const std::vector<bantam::Token> prompt = model.encode("the other");
  EXPECT_EQ(model.decode(prompt), "the other");
  bantam::GenerateOptions options;
  options.temperature = 0;
  options.max_tokens = 15;
  std::string heard;
  const bantam::Answer answer = model.generate(prompt, options, [&](std::string_view text) {
    heard += text;
    return true;
  });
  EXPECT_EQ(answer.text, api_test::text_after(path_of("plain.gguf"), prompt, 15, -1));
  EXPECT_EQ(answer.text, heard);
  EXPECT_EQ(answer.tokens.size(), 15u);
  EXPECT_EQ(answer.stop, BANTAM_STOP_LENGTH);
  // Without anything but a prompt.
  EXPECT_GT(model.generate(prompt).tokens.size(), 0u);

  options.stop_texts = {answer.text.substr(6, 3)};
  EXPECT_EQ(model.generate(prompt, options).stop, BANTAM_STOP_TEXT);
  options.stop_texts.clear();
  options.max_tokens = 0;
  EXPECT_EQ(model.generate(prompt, options).text, "");
}

TEST(CppApi, BuffersGrowWithWhatComes) {
  bantam::Model model(path_of("chat.gguf"));
  const std::string text(5000, 'x');
  EXPECT_EQ(model.decode(model.encode(text)), text);
  EXPECT_EQ(model.render_chat({{"user", text}}), "<s>[user] " + text + "\n[assistant] ");
  EXPECT_EQ(model.encode_chat({{"user", "a"}}).front(), model.description().begin_token);
}

TEST(CppApi, Logits) {
  bantam::Model model(path_of("plain.gguf"));
  const std::vector<bantam::Token> tokens = model.encode("the others");
  const std::vector<float> all = api_test::all_logits(path_of("plain.gguf"), tokens);
  EXPECT_EQ(model.logits(tokens, tokens.size()), all);
  EXPECT_EQ(model.logits(tokens), std::vector<float>(all.end() - 261, all.end()));
}

TEST(CppApi, FailuresAreExceptions) {
  try {
    bantam::Model model(path_of("none.gguf"));
    FAIL();
  } catch (const bantam::Error& error) {
    EXPECT_EQ(error.status(), BANTAM_FAILED);
    EXPECT_NE(std::string(error.what()).find("none.gguf"), std::string::npos);
  }
  bantam::Model model(path_of("plain.gguf"));
  EXPECT_THROW(model.decode({261}), bantam::Error);
  EXPECT_THROW(model.generate({}), bantam::Error);
  EXPECT_THROW(model.logits({}), bantam::Error);
  EXPECT_THROW(model.render_chat({}), bantam::Error);
}

TEST(CppApi, WhatTheListenerThrowsComesOutAndTheModelGoesOn) {
  bantam::Model model(path_of("plain.gguf"));
  const std::vector<bantam::Token> prompt = model.encode("the other");
  struct Mine {};
  int calls = 0;
  EXPECT_THROW(model.generate(prompt, {},
                              [&](std::string_view) -> bool {
                                ++calls;
                                throw Mine();
                              }),
               Mine);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(model.generate(prompt, {}, [](std::string_view) { return false; }).stop,
            BANTAM_STOP_CALLER);
}

TEST(CppApi, ModelsMove) {
  bantam::Model one(path_of("plain.gguf"));
  bantam::Model two = std::move(one);
  EXPECT_EQ(two.decode({'a'}), "a");
}

}  // namespace
