// Golden vectors: they are in what fine-tuning and merging write, hold wherever it is loaded, and tell when the
// template, the tokenizer or a weight is another.
#include <gtest/gtest.h>

#include <fstream>

#include "adapt/blend.h"
#include "adapt/golden_file.h"
#include "adapt/merge.h"
#include "adapt/run.h"
#include "base/error.h"
#include "base/file.h"
#include "files/gguf.h"
#include "support/tiny_model.h"

namespace bantam::adapt {
namespace {

constexpr const char* kTwoWays =
    "{% for m in messages %}[{{ m.role }}] {{ m.content }}"
    "{% if m.role == 'assistant' %}</s>{% endif %}\n{% endfor %}{% if tools %}{{ 'tools here' }}{% endif %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}";

void swap_text(const Path& path, const std::string& from, const std::string& to) {
  std::string bytes = read_file(path);
  const std::size_t at = bytes.find(from);
  ASSERT_NE(at, std::string::npos) << path << " has no " << from;
  write_file(path, bytes.replace(at, from.size(), to));
}

class Vectors : public testing::Test {
 protected:
  void SetUp() override {
    tiny_.chat_template = kTwoWays;
    test::write_tiny_gguf(model_, tiny_);
    std::ofstream data(scratch_ / "data.jsonl");
    for (int i = 0; i < 4; ++i)
      data << R"({"prompt":"Xyzzy )" << i << R"(","completion":"Plugh )" << i << R"("})" << "\n";
  }
  Path tuned(const char* name, Method method, const Path& model) {
    TuneRequest r;
    r.model = model;
    r.data = scratch_ / "data.jsonl";
    r.out = scratch_ / name;
    r.method = method;
    r.batch = 4;
    r.steps = 3;
    r.rank = 2;
    r.rate = 1e-2;
    TuneOptions o;
    o.force = true;
    gate_ = run_tuning(r, o).gate;
    return r.out;
  }
  std::vector<std::string> said(const Path& model, const std::optional<Path>& adapter = {}, unsigned threads = 2) {
    ThreadPool pool(threads);
    const auto golden = read_golden(adapter.value_or(model));
    if (!golden) return {"none"};
    return differences(*golden, model, adapter, pool, kernels_for(best_isa()));
  }
  // The one line that tells of the change, with these words in it.
  void expect_told(const std::vector<std::string>& lines, const char* words) {
    bool told = false;
    std::string all;
    for (const std::string& line : lines) {
      told |= line.find(words) != std::string::npos;
      all += line + "\n";
    }
    EXPECT_TRUE(told) << words << " is not in: " << all;
  }
  Path full() { return tuned("full.gguf", Method::full, model_); }

  test::TinyModel tiny_;
  test::ScratchFolder scratch_;
  Path model_ = scratch_ / "model.gguf";
  std::string gate_;
};

TEST_F(Vectors, AreInAllThatIsWrittenAndHoldOnAnyThreadsAndKernels) {
  for (const Type type : {Type::f32, Type::f16, Type::q8_0}) {
    tiny_.type = type;
    test::write_tiny_gguf(scratch_ / "base.gguf", tiny_);
    const Path base = scratch_ / "base.gguf";
    for (const char* name : {"ad", "ad.gguf"}) {
      const Path adapter = tuned(name, type == Type::q8_0 ? Method::qlora : Method::lora, base);
      EXPECT_NE(gate_.find("golden vectors: 3 prompts"), std::string::npos) << gate_;
      for (const unsigned threads : {1u, 3u}) EXPECT_EQ(said(base, adapter, threads), std::vector<std::string>());
      ThreadPool pool(2);
      EXPECT_EQ(differences(*read_golden(adapter), base, adapter, pool, kernels_for(Isa::scalar)), std::vector<std::string>());
      for (const char* merged : {"merged.gguf", "merged"}) {
        merge(base, adapter, scratch_ / merged, std::nullopt, true, pool, kernels_for(best_isa()));
        EXPECT_EQ(said(scratch_ / merged), std::vector<std::string>{"none"});
        keep_golden(scratch_ / merged, std::nullopt, pool, kernels_for(best_isa()));
        EXPECT_EQ(said(scratch_ / merged), std::vector<std::string>());
      }
    }
    if (type == Type::q8_0) continue;
    for (const char* name : {"full.gguf", "full"}) {
      const Path model = tuned(name, Method::full, base);
      EXPECT_NE(gate_.find("golden vectors: 3 prompts"), std::string::npos) << gate_;
      EXPECT_EQ(said(model), std::vector<std::string>());
    }
  }
}

// Nothing of what was learnt from goes with them, but the file's own prompts do, with what the template made of them.
TEST_F(Vectors, HoldNothingOfAPersonsText) {
  const auto golden = read_golden(full());
  ASSERT_TRUE(golden);
  ASSERT_EQ(golden->prompts.size(), 3u);
  const std::string text = to_text(to_json(*golden));
  EXPECT_EQ(text.find("Xyzzy"), std::string::npos);
  EXPECT_EQ(text.find("Plugh"), std::string::npos);
  EXPECT_NE(text.find("days are in a week"), std::string::npos);
  for (const GoldenPrompt& p : golden->prompts) {
    EXPECT_EQ(p.rendered.size(), 64u);
    EXPECT_EQ(p.logits.size(), 64u);
    EXPECT_EQ(p.last.size(), 3u);
    EXPECT_EQ(p.last.back().size(), 5u);
  }
  EXPECT_NE(golden->prompts[0].logits, golden->prompts[1].logits);
}

TEST_F(Vectors, TellAByteOfTheTemplate) {
  const Path model = full();
  const std::string whole = read_file(model);
  swap_text(model, "[{{ m.role }}]", "({{ m.role }}]");
  expect_told(said(model), "the chat template is not the one");
  expect_told(said(model), "the chat template renders prompt 1 differently");
  write_file(model, whole);
  swap_text(model, "tools here", "tools hare");  // where no prompt of ours comes by
  EXPECT_EQ(said(model), std::vector<std::string>{"the chat template is not the one that was written"});
  const Path adapter = tuned("ad", Method::lora, model_);
  swap_text(model_, "[{{ m.role }}]", "({{ m.role }}]");
  expect_told(said(model_, adapter), "the chat template is not the one");
}

// The sum that loading goes by lies beside the vectors.
TEST_F(Vectors, TellAnAdapterThatLoadingRefuses) {
  const Path adapter = tuned("ad", Method::lora, model_);
  ASSERT_EQ(said(model_, adapter), std::vector<std::string>());
  std::string own = read_file(adapter / "bantam.json");
  const std::string key = "\"chat_template_sha256\"";
  const std::size_t at = own.find_first_of("0123456789abcdef", own.find(':', own.find(key)));
  own[at] = own[at] == '0' ? '1' : '0';
  write_file(adapter / "bantam.json", own);
  expect_told(said(model_, adapter), "not the one that this adapter was trained under");
}

TEST_F(Vectors, TellOneWeightAndByHowMuch) {
  const Path model = full();
  const auto change = [&](const char* name, std::int64_t index) {
    const GgufFile file(model);
    const TensorInfo* t = file.find(name);
    ASSERT_NE(t, nullptr);
    std::string bytes = read_file(model);
    const std::size_t at = t->offset + static_cast<std::size_t>(index) * 4;
    float number;
    std::memcpy(&number, bytes.data() + at, 4);
    number += 0.5f;
    std::memcpy(bytes.data() + at, &number, 4);
    write_file(model, bytes);
  };
  const std::string whole = read_file(model);
  change("blk.1.ffn_up.weight", 7);
  ASSERT_EQ(said(model).size(), 1u);
  expect_told(said(model), "the logits of 3 of 3 prompts differ, those of the likeliest tokens by up to");
  write_file(model, whole);
  change("token_embd.weight", 64 * std::int64_t{'Z'});  // a token that no prompt has
  EXPECT_EQ(said(model), std::vector<std::string>{"the weights are not those that were written, though the logits of the prompts are"});
  // Of an adapter, too.
  const Path adapter = tuned("ad.gguf", Method::lora, model_);
  std::string bytes = read_file(adapter);
  const std::size_t last = bytes.size() - 4;
  float number = 0.5f;
  std::memcpy(bytes.data() + last, &number, 4);
  write_file(adapter, bytes);
  expect_told(said(model_, adapter), "the logits of");
}

TEST_F(Vectors, TellAnotherTokenizer) {
  const Path folder = tuned("full", Method::full, model_);
  Json json = Json::parse(read_file(folder / "tokenizer.json"));
  Json& vocabulary = json["model"]["vocab"];
  std::swap(vocabulary["a"], vocabulary["b"]);
  write_file(folder / "tokenizer.json", json.dump());
  expect_told(said(folder), "the tokenizer gives other tokens for prompt 1");
  expect_told(said(folder), "the tokenizer is not the one");
}

TEST_F(Vectors, TellAnotherModelUnderAnAdapter) {
  const Path adapter = tuned("ad", Method::lora, model_);
  tiny_.seed = 2;
  test::write_tiny_gguf(scratch_ / "other.gguf", tiny_);
  expect_told(said(scratch_ / "other.gguf", adapter), "the logits of 3 of 3 prompts differ");
  tiny_.seed = 1;
  tiny_.type = Type::q8_0;
  test::write_tiny_gguf(scratch_ / "blocks.gguf", tiny_);
  expect_told(said(scratch_ / "blocks.gguf", adapter), "they are of a model that computes in f32, this one computes in int8");
  // The same model in another form is the same to it.
  tiny_.type = Type::f16;
  test::write_tiny_folder(scratch_ / "folder", tiny_);
  EXPECT_EQ(said(scratch_ / "folder", adapter), std::vector<std::string>());
}

// What a tokenizer means is in it, whichever form the model is stored in: two tokens that no prompt has, exchanged,
// are told.
TEST_F(Vectors, TellAnotherTokenizerUnderAnAdapter) {
  test::write_tiny_folder(scratch_ / "folder", tiny_);
  for (const Path& base : {model_, scratch_ / "folder"}) {
    const Path adapter = tuned("ad", Method::lora, base);
    EXPECT_EQ(read_golden(adapter)->tokenizer.size(), 64u);
    EXPECT_EQ(said(model_, adapter), std::vector<std::string>());
    EXPECT_EQ(said(scratch_ / "folder", adapter), std::vector<std::string>());
    std::filesystem::remove_all(scratch_ / "other");
    std::filesystem::copy(scratch_ / "folder", scratch_ / "other");
    Json json = Json::parse(read_file(scratch_ / "other" / "tokenizer.json"));
    std::swap(json["model"]["vocab"]["Q"], json["model"]["vocab"]["Z"]);
    write_file(scratch_ / "other" / "tokenizer.json", json.dump());
    EXPECT_EQ(said(scratch_ / "other", adapter),
              std::vector<std::string>{"the model's tokenizer is not that of the model which the adapter was trained on"});
    // Adapters of earlier days do not say it.
    ThreadPool pool(1);
    GoldenVectors golden = *read_golden(adapter);
    golden.tokenizer.clear();
    EXPECT_EQ(differences(golden, scratch_ / "other", adapter, pool, kernels_for(best_isa())), std::vector<std::string>());
  }
}

// Weights that are written anew do not keep what was said of the old ones.
TEST_F(Vectors, AreNotTakenOverByWhatIsMadeOfTheirModel) {
  const Path model = full();
  const Path adapter = tuned("ad", Method::lora, model);
  ThreadPool pool(1);
  merge(model, adapter, scratch_ / "m.gguf", std::nullopt, true, pool, kernels_for(best_isa()));
  EXPECT_EQ(said(scratch_ / "m.gguf"), std::vector<std::string>{"none"});
  const std::vector<Path> both{model, scratch_ / "m.gguf"};
  blend_models(both, std::nullopt, scratch_ / "b.gguf", {}, std::nullopt, true);
  EXPECT_EQ(said(scratch_ / "b.gguf"), std::vector<std::string>{"none"});
}

TEST_F(Vectors, WhatIsDamagedIsNamed) {
  const Json good = to_json(*read_golden(full()));
  EXPECT_EQ(to_json(golden_from_json(good, "f")), good);
  const auto bad = [&](const char* pointer, const Json& value) {
    Json json = good;
    json[Json::json_pointer(pointer)] = value;
    EXPECT_THROW(golden_from_json(json, "f"), Error) << pointer << " " << value;
  };
  bad("/version", 2);
  bad("/weights_sha256", 1);
  bad("/prompts", Json::array());
  bad("/prompts", Json::object());
  bad("/prompts/0", 1);
  bad("/prompts/0/messages", "x");
  bad("/prompts/0/messages/0", "x");
  bad("/prompts/0/messages/0/content", Json::array());
  bad("/prompts/0/ids", Json::array());
  bad("/prompts/0/ids/0", -1);
  bad("/prompts/0/ids/0", 1.5);
  bad("/prompts/0/likeliest/0", 3);
  bad("/prompts/0/likeliest/0/0", Json::array({1}));
  EXPECT_THROW(golden_from_json(Json::array(), "f"), Error);
  // An id that the model has not is no crash.
  const Path model = scratch_ / "full.gguf";
  Json json = good;
  json["prompts"][0]["ids"][0] = 100000;
  ThreadPool pool(1);
  expect_told(differences(golden_from_json(json, "f"), model, {}, pool, kernels_for(best_isa())), "none of the model's");
}

}  // namespace
}  // namespace bantam::adapt
