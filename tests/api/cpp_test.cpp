// The C++ interface, which is the C interface with values.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <tuple>

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

TEST(CppApi, EverySettingOfTheSamplerIsHadByItsName) {
  bantam::Model model(path_of("plain.gguf"));
  const std::vector<bantam::Token> prompt = model.encode("the other");
  bantam::GenerateOptions greedy, named;
  greedy.temperature = 0;
  greedy.max_tokens = named.max_tokens = 10;
  named.temperature = 1.5;
  named.more = {{"temperature", 0}, {"dry-multiplier", 0}, {"typical", 1}, {"mirostat", 0}};
  EXPECT_EQ(model.generate(prompt, named).tokens, model.generate(prompt, greedy).tokens);
  named.more = {{"presence_penalty", 500}, {"temp", 0}, {"penalty-last", -1}};
  std::vector<bantam::Token> other = model.generate(prompt, named).tokens;
  std::sort(other.begin(), other.end());
  EXPECT_EQ(std::adjacent_find(other.begin(), other.end()), other.end());  // none comes twice
  for (const auto& [name, value, says] :
       {std::tuple("top-pp", 0.5, "top-p"), std::tuple("top-p", 5.0, "top-p"),
        std::tuple("top-k", 1.5, "whole")}) {
    named.more = {{name, value}};
    try {
      model.generate(prompt, named);
      ADD_FAILURE() << name;
    } catch (const bantam::Error& error) {
      EXPECT_EQ(error.status(), BANTAM_MISUSE);
      EXPECT_NE(std::string(error.what()).find(says), std::string::npos) << error.what();
    }
  }
}

TEST(CppApi, ModelsCanShareTheirThreads) {
  const auto answer = [](bantam::Model& model) {
    bantam::GenerateOptions options;
    options.max_tokens = 30;
    options.seed = 4;
    return model.generate(model.encode("the other"), options).tokens;
  };
  bantam::OpenOptions options;
  options.threads = 2;
  auto first = std::make_unique<bantam::Model>(path_of("plain.gguf"), options);
  options.share = first->c_model();
  bantam::Model second(path_of("chat.gguf"), options);
  const auto expected = answer(*first), other = answer(second);
  std::vector<bantam::Token> beside;
  std::thread thread([&] { beside = answer(*first); });
  EXPECT_EQ(answer(second), other);
  thread.join();
  EXPECT_EQ(beside, expected);
  first.reset();
  EXPECT_EQ(answer(second), other);
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
