#include "api/models.h"

#include "infer/answer.h"
#include "infer/session.h"
#include "support/tiny_model.h"

namespace api_test {

namespace {

// In the words of the rooms.
struct Opened {
  std::shared_ptr<const bantam::ModelFile> file;
  bantam::Session session;
  explicit Opened(const std::string& path)
      : file(std::make_shared<const bantam::ModelFile>(bantam::Path(path))), session(file) {}
};

}  // namespace

const std::string& folder() {
  static const bantam::test::ScratchFolder scratch;
  static const std::string path = [] {
    bantam::test::TinyModel tiny;
    bantam::test::write_tiny_gguf(scratch / "plain.gguf", tiny);
    tiny.type = bantam::Type::q8_0;
    tiny.chat_template =
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'tool' %}"
        "{{ raise_exception('no tools here') }}{% endif %}[{{ m.role }}] {{ m.content }}\n"
        "{% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}";
    bantam::test::write_tiny_gguf(scratch / "chat.gguf", tiny);
    tiny.type = bantam::Type::f16;
    bantam::test::write_tiny_folder(scratch / "folder", tiny);
    return scratch.path().string();
  }();
  return path;
}

std::string text_after(const std::string& file, const std::vector<std::int32_t>& prompt, int tokens,
                       std::int64_t seed) {
  Opened opened(file);
  bantam::AnswerOptions options;
  options.most_tokens = tokens;
  options.continues = prompt;
  if (seed < 0)
    options.sampling.temperature = 0;
  else
    options.sampling.seed = static_cast<std::uint64_t>(seed);
  bantam::Answer answer(bantam::tokenizer_of(*opened.file), options);
  bantam::generate(opened.session, 0, prompt, answer);
  return answer.text();
}

std::vector<float> all_logits(const std::string& file, const std::vector<std::int32_t>& tokens) {
  Opened opened(file);
  std::vector<float> all;
  const bantam::Session::Part part{0, tokens, bantam::Session::Want::all};
  opened.session.evaluate({&part, 1}, [&](std::size_t, std::size_t, std::span<const float> row) {
    all.insert(all.end(), row.begin(), row.end());
  });
  return all;
}

}  // namespace api_test
