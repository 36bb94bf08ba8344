// Fine-tuning's promises on a tiny model: the same bytes however a batch is divided, after any kill
// and on any number of threads; adapters that go through files and into weights unchanged.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "adapt/attach.h"
#include "adapt/gate.h"
#include "adapt/merge.h"
#include "adapt/run.h"
#include "adapt/widen.h"
#include "base/error.h"
#include "files/gguf.h"
#include "support/tiny_families.h"

namespace bantam::adapt {
namespace {

constexpr const char* kTemplate =
    "{% for m in messages %}[{{ m.role }}] {{ m.content }}"
    "{% if m.role == 'assistant' %}</s>{% endif %}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}";

std::string bytes_of_file(const Path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Tuned : public testing::Test {
 protected:
  void SetUp() override {
    test::TinyModel tiny;
    tiny.chat_template = kTemplate;
    test::write_tiny_gguf(scratch_ / "model.gguf", tiny);
    std::ofstream data(scratch_ / "data.jsonl");
    for (int i = 0; i < 13; ++i)  // answers of many lengths
      data << R"({"prompt":"q)" << i << R"(","completion":")" << std::string(static_cast<std::size_t>(1 + i * 3 % 11), 'a')
           << R"("})" << "\n";
    std::ofstream pairs(scratch_ / "pairs.jsonl");
    for (int i = 0; i < 5; ++i)
      pairs << R"({"prompt":"q)" << i << R"(","chosen":"good)" << std::string(static_cast<std::size_t>(i), 'x')
            << R"(","rejected":"bad"})" << "\n";
  }
  TuneRequest request(const char* out) const {
    TuneRequest r;
    r.model = scratch_ / "model.gguf";
    r.data = scratch_ / "data.jsonl";
    r.out = scratch_ / out;
    r.batch = 8;
    r.epochs = 3;
    r.rank = 4;
    r.rate = 1e-2;
    return r;
  }
  std::string adapter_bytes(const char* out) const {
    return bytes_of_file(scratch_ / out / "adapter_model.safetensors");
  }
  test::ScratchFolder scratch_;
};

TEST_F(Tuned, AnyDivisionOfABatchAndAnyThreadsGiveTheSameBytes) {
  for (const Method method : {Method::lora, Method::dora})
    for (const Arithmetic arithmetic : {Arithmetic::f32, Arithmetic::bf16}) {
      std::string first;
      for (const auto& [micro, threads] : {std::pair{8, 1u}, {1, 2u}, {3, 3u}}) {
        TuneRequest r = request("a");
        r.method = method;
        r.arithmetic = arithmetic;
        r.micro_batch = micro;
        TuneOptions o;
        o.threads = threads;
        o.force = true;
        const TuneResult result = run_tuning(r, o);
        EXPECT_EQ(result.steps, 6);  // 13 records: 8 and the 5 that are left, three times
        EXPECT_LT(result.losses.back(), result.losses.front());
        const std::string bytes = adapter_bytes("a");
        if (first.empty()) first = bytes;
        EXPECT_TRUE(bytes == first) << micro << " at a time";
      }
    }
}

TEST_F(Tuned, PreferencesTooInAnyDivision) {
  for (const Objective objective : {Objective::dpo, Objective::orpo}) {
    std::string first;
    for (const std::int64_t micro : {0, 1}) {
      TuneRequest r = request("p");
      r.data = scratch_ / "pairs.jsonl";
      r.objective = objective;
      r.arithmetic = Arithmetic::f32;
      r.micro_batch = micro;
      TuneOptions o;
      o.force = true;
      run_tuning(r, o);
      const std::string bytes = adapter_bytes("p");
      if (first.empty()) first = bytes;
      EXPECT_TRUE(bytes == first);
    }
  }
}

TEST_F(Tuned, AStoppedRunGoesOnToTheSameBytes) {
  TuneRequest r = request("whole");
  r.arithmetic = Arithmetic::f32;
  r.validation = 0.2;
  TuneOptions o;
  const TuneResult whole = run_tuning(r, o);
  r.out = scratch_ / "cut";
  int asked = 0;
  o.stop = [&] { return ++asked == 4; };
  EXPECT_FALSE(run_tuning(r, o).finished);
  EXPECT_FALSE(std::filesystem::exists(r.out));
  o.stop = [] { return false; };
  EXPECT_THROW(run_tuning(r, o), Error);  // an unfinished run is here
  o.resume = true;
  // What it belongs to: the same scale, and the same weights.
  const auto refusal = [&](const TuneRequest& other) -> std::string {
    try {
      run_tuning(other, o);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  TuneRequest other = r;
  other.alpha = 3;
  EXPECT_NE(refusal(other).find("alpha: "), std::string::npos) << refusal(other);
  other = r;
  other.model = scratch_ / "other.gguf";
  std::string bytes = read_file(r.model);
  const ModelFile file(r.model);
  bytes[static_cast<std::size_t>(file.tensors().tensors().back().offset) + 1] ^= 1;
  write_file(other.model, bytes);
  EXPECT_NE(refusal(other).find("model: "), std::string::npos) << refusal(other);
  const TuneResult rest = run_tuning(r, o);
  EXPECT_TRUE(rest.finished);
  EXPECT_EQ(rest.losses, whole.losses);
  EXPECT_TRUE(adapter_bytes("whole") == adapter_bytes("cut"));
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "cut.run"));
}

// What the start model says is asked once: where it is stopped, it goes on; a resumed run reads it.
TEST_F(Tuned, TheReferenceOfPreferencesIsKept) {
  TuneRequest r = request("whole");
  r.data = scratch_ / "pairs.jsonl";
  r.objective = Objective::dpo;
  r.arithmetic = Arithmetic::f32;
  r.batch = 2;  // three steps an epoch, and the same reference for each of the three epochs
  r.order = ExampleOrder::given;
  TuneOptions o;
  const TuneResult whole = run_tuning(r, o);
  r.out = scratch_ / "cut";
  const Path kept = scratch_ / "cut.run" / "reference";
  const auto stopped_at = [&](int question) {
    int asked = 0;
    o.stop = [&asked, question] { return ++asked == question; };
    const bool finished = run_tuning(r, o).finished;
    o.resume = true;
    return !finished;
  };
  const auto steps_kept = [&] { return Json::parse(bytes_of_file(kept)).at("steps").size(); };
  EXPECT_TRUE(stopped_at(2));  // one of three is known
  EXPECT_EQ(steps_kept(), 1u);
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "cut.run" / "checkpoint"));
  EXPECT_TRUE(stopped_at(4));  // the two others, and a step
  EXPECT_EQ(steps_kept(), 9u);
  EXPECT_TRUE(std::filesystem::exists(scratch_ / "cut.run" / "checkpoint"));
  EXPECT_TRUE(stopped_at(2));  // nothing is asked again: a step
  // A damaged file is made anew.
  write_file(kept, bytes_of_file(kept).substr(0, 200));
  o.stop = [] { return false; };
  const TuneResult rest = run_tuning(r, o);
  EXPECT_TRUE(rest.finished);
  EXPECT_EQ(rest.losses, whole.losses);
  EXPECT_TRUE(adapter_bytes("whole") == adapter_bytes("cut"));
}

// Of a long run that is many megabytes.
TEST_F(Tuned, AReferenceOfManySequencesIsReadAgain) {
  StepScores scores(60'000, std::vector<SequenceScore>(4));
  for (std::size_t i = 0; i < scores.size(); ++i)
    for (SequenceScore& s : scores[i]) s = {-1.0 / static_cast<double>(i + 3), -2.5, 7, 9, {}};
  keep_reference(scratch_ / "many", "owner", scores);
  const StepScores again = kept_reference(scratch_ / "many", "owner");
  ASSERT_EQ(again.size(), scores.size());
  EXPECT_EQ(again[59'999][3].answer, scores[59'999][3].answer);
  EXPECT_EQ(again[0][0].answer_tokens, 7);
  EXPECT_EQ(again[0][0].prompt, -2.5);
  EXPECT_TRUE(kept_reference(scratch_ / "many", "another").empty());
}

TEST_F(Tuned, FullFineTuningGivesAModelThatStandsByItself) {
  for (const char* out : {"full.gguf", "full"}) {
    TuneRequest r = request(out);
    r.method = Method::full;
    r.rate = 1e-3;
    r.arithmetic = Arithmetic::f32;
    const TuneResult result = run_tuning(r, {});
    EXPECT_LT(result.losses.back(), result.losses.front());
    EXPECT_NE(result.gate.find("bytes of every logit"), std::string::npos) << result.gate;
    EXPECT_EQ(ModelFile(r.out).config().layers, 2);
  }
}

struct Loaded {
  explicit Loaded(const Path& path, const Path& adapter = {}, Arithmetic arithmetic = Arithmetic::f32)
      : file(std::make_shared<const ModelFile>(path)),
        scratch(pool.size() + 1),
        exec{pool, kernels, scratch},
        model(load_model(file, arithmetic, exec)) {
    if (!adapter.empty()) attach(*model, read_adapter(adapter, *model), file, exec);
  }
  std::vector<float> logits(Arithmetic arithmetic = Arithmetic::f32) {
    const std::vector<std::int32_t> ids{259, 'a', 'b', 257, ' ', 'q'};
    return logits_of(*model, ids, arithmetic, pool, kernels);
  }
  std::shared_ptr<const ModelFile> file;
  ThreadPool pool{2};
  Kernels kernels = kernels_for(best_isa());
  std::vector<Scratch> scratch;
  Exec exec;
  std::unique_ptr<Model> model;
};

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    worst = std::max(worst, std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return worst;
}

TEST_F(Tuned, AnAdapterIsTheSameFromBothFormsAndMerged) {
  for (const Method method : {Method::lora, Method::rslora, Method::dora}) {
    TuneRequest r = request("ad");
    r.method = method;
    TuneOptions o;
    o.force = true;
    run_tuning(r, o);
    const std::vector<float> base = Loaded(r.model).logits(), with = Loaded(r.model, r.out).logits();
    EXPECT_GT(distance(base, with), 1e-2);
    ThreadPool pool(2);
    merge(r.model, r.out, scratch_ / "merged.gguf", std::nullopt, true, pool, kernels_for(best_isa()));
    EXPECT_LE(distance(Loaded(scratch_ / "merged.gguf").logits(), with), 1e-4);
    if (method == Method::dora) {
      r.out = scratch_ / "magnitudes.gguf";
      EXPECT_THROW(run_tuning(r, o), Error);  // GGUF has no place for magnitudes
      EXPECT_FALSE(std::filesystem::exists(r.out));
      continue;
    }
    Loaded there(r.model);
    const Adapter adapter = read_adapter(scratch_ / "ad", *there.model);
    write_adapter(adapter, *there.model, scratch_ / "ad.gguf", true);
    EXPECT_EQ(Loaded(r.model, scratch_ / "ad.gguf").logits(), with);
  }
}

// Where answers end is not in the weights: other programs read it in config.json and generation_config.json.
TEST_F(Tuned, AMergedFolderEndsAnswersWhereItsBaseDoes) {
  TrainedTokenizer t;
  for (int byte = 0; byte < 256; ++byte) t.tokens.push_back(std::string(1, static_cast<char>(byte)));
  t.merges = {{'t', 'h'}, {256, 'e'}, {' ', 257}};
  t.tokens.insert(t.tokens.end(), {"th", "the", " the", "<|im_end|>", "</s>"});
  t.special = {259, 260};
  t.pre_tokenizer = "gpt-2";
  t.chat_template = kTemplate;  // whose turns end otherwise than a text
  t.chat_template.replace(t.chat_template.find("</s>"), 4, "<|im_end|>");
  t.eos = 260;
  const test::TinyModel tiny;
  const Config config = test::tiny_config(tiny);
  const Family& family = family_by_gguf(config.family, "two");
  {
    GgufWriter writer(scratch_ / "two.gguf");
    write_tokenizer(*make_tokenizer(t), writer);
    write_gguf(*family.make(config), family, writer, test::tiny_rows(tiny), test::tiny_type(tiny, true));
  }
  const std::vector<std::int32_t> ends{259, 260};
  const auto read_ends = [](const Path& model) {
    const auto tokenizer = open_tokenizer(model);
    const auto ids = tokenizer->end_ids();
    return std::vector<std::int32_t>(ids.begin(), ids.end());
  };
  const auto json = [&](const char* folder, const char* name) { return Json::parse(bytes_of_file(scratch_ / folder / name)); };
  ASSERT_EQ(read_ends(scratch_ / "two.gguf"), ends);
  TuneRequest r = request("ad");
  r.model = scratch_ / "two.gguf";
  run_tuning(r, {});
  ThreadPool pool(2);
  const auto merged = [&](const char* base, const char* out) {
    merge(scratch_ / base, r.out, scratch_ / out, std::nullopt, true, pool, kernels_for(best_isa()));
  };
  merged("two.gguf", "merged");
  EXPECT_EQ(json("merged", "config.json")["eos_token_id"], 260);
  EXPECT_EQ(json("merged", "generation_config.json")["eos_token_id"], Json(ends));
  EXPECT_EQ(read_ends(scratch_ / "merged"), ends);
  // Of a folder what its makers say stays as it is.
  write_file(scratch_ / "merged" / "generation_config.json", R"({"eos_token_id": [260, 258], "top_k": 7})");
  merged("merged", "again");
  EXPECT_EQ(json("again", "config.json")["eos_token_id"], 260);
  EXPECT_EQ(bytes_of_file(scratch_ / "again" / "generation_config.json"),
            bytes_of_file(scratch_ / "merged" / "generation_config.json"));
  EXPECT_EQ(read_ends(scratch_ / "again"), read_ends(scratch_ / "merged"));
  EXPECT_EQ(std::ranges::count(read_ends(scratch_ / "again"), 258), 1);
  merged("again", "back.gguf");
  EXPECT_EQ(GgufFile(scratch_ / "back.gguf").metadata().need_uint("tokenizer.ggml.eos_token_id"), 260u);
}

TEST_F(Tuned, AFreshAdapterChangesNothing) {
  Loaded model(scratch_ / "model.gguf");
  const std::vector<float> before = model.logits();
  NewAdapter fresh;
  fresh.weights = adapted_weights(*model.model, {});
  fresh.rank = 4;
  const Adapter adapter = make_adapter(*model.model, model.file, fresh, model.exec);
  attach(*model.model, adapter, model.file, model.exec);
  EXPECT_EQ(model.logits(), before);
  detach(*model.model);
  EXPECT_EQ(model.logits(), before);
}

TEST_F(Tuned, WidenedMatricesGiveTheSameBytes) {
  test::TinyModel tiny;
  tiny.type = Type::f16;
  test::write_tiny_gguf(scratch_ / "f16.gguf", tiny);
  Loaded model(scratch_ / "f16.gguf");
  const std::vector<float> before = model.logits();
  EXPECT_EQ(widen_matrices(*model.model, 0, model.exec), 0);  // nothing has room
  EXPECT_GT(widen_matrices(*model.model, 1 << 30, model.exec), 0);
  for (const WeightSpec& w : model.model->weights())
    if (w.matrix) {
      EXPECT_EQ(w.matrix->type(), Type::f32) << w.gguf;
    }
  EXPECT_EQ(model.logits(), before);
}

TEST_F(Tuned, BlocksAreTrainedThroughAsTheyAreDecoded) {
  test::TinyModel tiny;
  tiny.chat_template = kTemplate;
  tiny.type = Type::q8_0;
  test::write_tiny_gguf(scratch_ / "blocks.gguf", tiny);
  TuneRequest r = request("blocks");
  r.model = scratch_ / "blocks.gguf";
  r.order = ExampleOrder::given;
  const TuneResult q = run_tuning(r, {});
  EXPECT_EQ(q.method, Method::qlora);
  r.out = scratch_ / "decoded";
  r.method = Method::lora;
  r.arithmetic = Arithmetic::f32;
  const TuneResult f = run_tuning(r, {});
  ASSERT_EQ(q.losses.size(), f.losses.size());
  for (std::size_t i = 0; i < q.losses.size(); ++i) EXPECT_NEAR(q.losses[i], f.losses[i], 2e-3);
  r.out = scratch_ / "rounded";  // which of int8 does not hold
  r.method.reset();
  r.arithmetic = Arithmetic::int8;
  const TuneResult i8 = run_tuning(r, {});
  double worst = 0;
  for (std::size_t i = 0; i < q.losses.size(); ++i) worst = std::max(worst, std::fabs(i8.losses[i] - f.losses[i]));
  EXPECT_GT(worst, 2e-3);
}

// Behind the last learned position there is something else in memory.
TEST_F(Tuned, RecordsBehindTheLearnedPositionsAreRefused) {
  test::TinyModel tiny;
  tiny.chat_template = kTemplate;
  tiny.change = [](Config& c) {
    const auto gpt2 = std::ranges::find(test::kTinyFamilies, std::string_view("gpt2"), [](const auto& f) { return std::string_view(f.name); });
    gpt2->change(c);
    c.context = 32;
  };
  test::write_tiny_gguf(scratch_ / "learned.gguf", tiny);
  TuneRequest r = request("learned");
  r.model = scratch_ / "learned.gguf";
  r.data = scratch_ / "long.jsonl";
  const auto write = [&](std::size_t tokens) {
    std::string ids = "259", mask = "0";
    for (std::size_t i = 1; i < tokens; ++i) {
      ids += ",65";
      mask += i == 1 ? ",0" : ",1";
    }
    write_file(r.data, "{\"ids\":[" + ids + "],\"mask\":[" + mask + "]}\n");
  };
  for (const Method method : {Method::lora, Method::full}) {
    r.method = method;
    TuneOptions o;
    o.force = true;
    write(33);
    try {
      run_tuning(r, o);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("--max-tokens 32 cuts it"), std::string::npos) << error.what();
    }
    write(32);
    EXPECT_TRUE(run_tuning(r, o).finished);
    TuneRequest measured = r;  // of records that are only measured, where they are read
    measured.evaluate = scratch_ / "measured.jsonl";
    write(40);
    std::filesystem::rename(r.data, *measured.evaluate);
    write(32);
    EXPECT_THROW(run_tuning(measured, o), Error);
  }
}

// In the file's blocks a step of training would be rounded away.
TEST_F(Tuned, FullFineTuningOfBlocksIsWrittenInFloat) {
  test::TinyModel tiny;
  tiny.chat_template = kTemplate;
  tiny.type = Type::q8_0;
  test::write_tiny_gguf(scratch_ / "blocks.gguf", tiny);
  TuneRequest r = request("full.gguf");
  r.model = scratch_ / "blocks.gguf";
  r.method = Method::full;
  r.rate = 1e-4;
  r.steps = 2;
  r.epochs.reset();
  std::string said;
  TuneOptions o;
  o.say = [&](const std::string& line) { said += line; };
  EXPECT_NE(run_tuning(r, o).gate.find("bytes of every logit"), std::string::npos);
  EXPECT_NE(said.find("written in F32"), std::string::npos) << said;
  const ModelFile file(r.out);
  for (const TensorInfo& t : file.tensors().tensors()) EXPECT_EQ(t.format->type, Type::f32) << t.name;
}

TEST_F(Tuned, AnotherTemplateOrNoStopTokenIsRefused) {
  TuneRequest r = request("x");
  std::ofstream(scratch_ / "other.jinja") << "{% for m in messages %}({{ m.role }}) {{ m.content }}\n{% endfor %}";
  r.chat_template = (scratch_ / "other.jinja").string();
  try {
    run_tuning(r, {});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("learn to stop"), std::string::npos) << error.what();
  }
  EXPECT_FALSE(std::filesystem::exists(r.out));
  // One byte of the template, between training and loading.
  GatePrompt prompt;
  prompt.messages = Json::parse(R"([{"role":"user","content":"q"},{"role":"assistant","content":"a"}])");
  const auto tokenizer = test::tiny_tokenizer(kTemplate);
  const ChatTemplate chat(kTemplate, "t");
  ChatInput input;
  input.messages = prompt.messages;
  const MaskedPrompt masked = mask_answers(chat, *tokenizer, input);
  prompt.text = masked.text;
  prompt.ids = masked.ids;
  check_prompts({&prompt, 1}, *tokenizer, &chat, {}, "m");
  std::string changed = kTemplate;
  changed[changed.find('[')] = '(';
  const ChatTemplate other(changed, "t");
  try {
    check_prompts({&prompt, 1}, *tokenizer, &other, {}, "m");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("renders a conversation differently"), std::string::npos);
  }
}

// What --set says stands in what is learnt, and the gate renders with it.
TEST_F(Tuned, VariablesReachTheTemplate) {
  std::string form = kTemplate;
  form.insert(0, "{% if loud %}!{% endif %}");
  std::ofstream(scratch_ / "loud.jinja") << form;
  TuneRequest r = request("loud");
  r.chat_template = (scratch_ / "loud.jinja").string();
  const auto beginning = [&] {
    const PreparedData data = prepare_data(r, r.data);
    return data.tokenizer->decode(data.examples.front().first.ids, false).substr(0, 1);
  };
  EXPECT_NE(beginning(), "!");
  r.variables = Json{{"loud", true}};
  EXPECT_EQ(beginning(), "!");
  EXPECT_FALSE(run_tuning(r, {}).gate.empty());
}

TEST_F(Tuned, AdaptersThatDoNotFitAreRefused) {
  TuneRequest r = request("ok");
  run_tuning(r, {});
  test::TinyModel wide;
  wide.width = 96;
  wide.heads = 6;
  test::write_tiny_gguf(scratch_ / "wide.gguf", wide);
  EXPECT_THROW(Loaded(scratch_ / "wide.gguf", scratch_ / "ok"), Error);
  std::string config = bytes_of_file(scratch_ / "ok" / "adapter_config.json");
  config.replace(config.find("LORA"), 4, "IA3X");
  std::ofstream(scratch_ / "ok" / "adapter_config.json") << config;
  EXPECT_THROW(Loaded(scratch_ / "model.gguf", scratch_ / "ok"), Error);
}

}  // namespace
}  // namespace bantam::adapt
