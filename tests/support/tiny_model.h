// A model of a few thousand random weights, a Llama unless said otherwise, with a byte-level
// tokenizer, written to a file: what tests open when they need a model. The same bytes on every
// machine. A test that includes this uses the rooms base, files, text and models.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.h"
#include "base/random.h"
#include "files/gguf_writer.h"
#include "models/model.h"
#include "models/writer.h"
#include "tokenizer/tokenizer.h"

namespace bantam::test {

struct TinyModel {
  std::int64_t layers = 2, width = 64, heads = 4, kv_heads = 2, feed_forward = 96, context = 128;
  bool tied = false;
  Type type = Type::f32;  // of the matrices
  std::uint64_t seed = 1;
  std::string chat_template;  // empty: none
  // Makes another family of it (tiny_families.h).
  void (*change)(Config&) = nullptr;
};

// 256 tokens that are bytes, "th", "the", " the", then <s> (put in front of a text) and </s>.
inline std::shared_ptr<const Tokenizer> tiny_tokenizer(const std::string& chat_template = "") {
  TrainedTokenizer t;
  for (int byte = 0; byte < 256; ++byte)
    t.tokens.push_back(std::string(1, static_cast<char>(byte)));
  t.merges = {{'t', 'h'}, {256, 'e'}, {' ', 257}};
  t.tokens.insert(t.tokens.end(), {"th", "the", " the", "<s>", "</s>"});
  t.special = {259, 260};
  t.pre_tokenizer = "gpt-2";
  t.chat_template = chat_template;
  t.bos = 259;
  t.eos = 260;
  t.add_bos = true;
  return make_tokenizer(std::move(t));
}

inline Config tiny_config(const TinyModel& tiny) {
  Config c;
  c.family = "llama";
  c.name = "tiny";
  c.layers = tiny.layers;
  c.width = tiny.width;
  c.heads = tiny.heads;
  c.kv_heads = tiny.kv_heads;
  c.head_dim = tiny.width / tiny.heads;
  c.feed_forward = tiny.feed_forward;
  c.vocabulary = 261;
  c.context = tiny.context;
  c.eps = 1e-5;
  c.tied = tiny.tied;
  if (tiny.change) tiny.change(c);
  return c;
}

// Numbers of 7 bits times a power of two: every type but the blocks holds them exactly, so that
// files of several types are the same model.
inline WeightRows tiny_rows(const TinyModel& tiny) {
  return [tiny](const WeightSpec& w) {
    Tensor t = Tensor::zeros(w.shape);
    std::uint64_t stream = 0;
    for (const char c : w.gguf_part.whole.rank() ? w.hf + w.own_name() : w.hf)
      stream = mix64(stream ^ static_cast<unsigned char>(c));
    const Random random(tiny.seed, stream);
    const bool gain = w.role == Role::gain;
    // About 1 / sqrt(K) for a matrix, 1 for the embedding; 36 is the deviation of the sum below.
    float unit = 1.0f / 64;
    if (w.role == Role::linear || w.role == Role::head)
      for (std::int64_t k = w.shape.back(); k >= 4; k /= 4) unit /= 2;
    const std::int64_t count = w.shape.count();
    for (std::int64_t i = 0; i < count; ++i) {
      std::int64_t sum = -126;
      for (std::uint64_t j = 0; j < 4; ++j)
        sum += static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(i) * 4 + j, 64));
      t.f32()[i] =
          gain ? 1.0f + static_cast<float>(sum / 4) / 64 : static_cast<float>(sum) * unit * 2;
    }
    return t;
  };
}

inline WeightType tiny_type(const TinyModel& tiny, bool gguf) {
  return [tiny, gguf](const WeightSpec& w) {
    return gguf ? gguf_weight_type(w, tiny.type) : tiny.type;
  };
}

inline void write_tiny_gguf(const Path& path, const TinyModel& tiny = {}) {
  const Config config = tiny_config(tiny);
  const Family& family = family_by_gguf(config.family, path.string());
  const std::unique_ptr<Model> model = family.make(config);
  GgufWriter writer(path);
  write_tokenizer(*tiny_tokenizer(tiny.chat_template), writer);
  write_gguf(*model, family, writer, tiny_rows(tiny), tiny_type(tiny, true));
}

// `tiny.type` is one that safetensors have.
inline void write_tiny_folder(const Path& path, const TinyModel& tiny = {}) {
  const Config config = tiny_config(tiny);
  const Family& family = family_by_gguf(config.family, path.string());
  const std::unique_ptr<Model> model = family.make(config);
  const auto tokenizer = tiny_tokenizer(tiny.chat_template);
  AtomicFolder folder(path, false);
  write_file(folder.path() / "tokenizer.json", tokenizer_json(*tokenizer));
  write_file(folder.path() / "tokenizer_config.json", tokenizer_config_json(*tokenizer));
  write_folder(*model, family, folder.path(), tiny_rows(tiny), tiny_type(tiny, false),
               {{"bos_token_id", 259}, {"eos_token_id", 260}});
  folder.commit();
}

// A folder that goes with the test.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "bantam-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for a test");
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const Path& path() const { return path_; }
  Path operator/(const std::string& name) const { return path_ / name; }

 private:
  Path path_;
};

}  // namespace bantam::test
