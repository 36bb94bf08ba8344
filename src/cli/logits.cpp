// `bantam logits`: what the model thinks of every next token, for scripts.
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "cli/interrupt.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "files/apart.h"

namespace bantam::cli {

namespace {

static_assert(std::endian::native == std::endian::little, "logits are written little-endian");

struct LogitsVerb {
  ModelOptions model;
  std::optional<std::vector<std::int32_t>> tokens;
  std::optional<std::string> out;

  void run() const;
};

void LogitsVerb::run() const {
  if (tokens->empty())
    throw Error("token ids such as 1,2,3 were expected", Error::Kind::usage).field("--tokens");
  const auto file = std::make_shared<const ModelFile>(Path(model.path));
  const auto length = static_cast<std::int64_t>(tokens->size());
  SessionOptions options = model.session();
  if (options.context == 0) options.context = length;
  options.positions = length;
  // A reference should not lose what the cache would round; bf16 runs are bf16 throughout.
  if (!options.cache && options.arithmetic != Arithmetic::bf16) options.cache = Type::f32;
  Session session(file, options);
  session.require_known(*tokens);
  session.require_room(length);
  require_place(*out);
  std::error_code ignored;
  const Path there = std::filesystem::weakly_canonical(*out, ignored);
  for (const TensorInfo& t : file->tensors().tensors())
    if (std::filesystem::equivalent(t.file, there, ignored))
      throw Error("is the model itself; write the logits to another file").in(*out);
  if (model.adapter) files::require_apart(Path(*out), Path(*model.adapter), "the adapter");
  AtomicFile to{Path(*out)};
  const Session::Part part{0, *tokens, Session::Want::all};
  session.evaluate(
      {&part, 1},
      [&](std::size_t, std::size_t, std::span<const float> logits) {
        to.write(std::as_bytes(logits));
      },
      [] { return !interrupted(); });
  check_interrupt();
  to.commit();
}

std::function<void()> declare_logits(Options& options) {
  auto command = std::make_shared<LogitsVerb>();
  command->model.cache_unsaid = ModelOptions::kExactCache;
  command->model.declare(options);
  options.ids("--tokens", command->tokens, "the tokens, 1,2,3, taken as they are").required = true;
  options
      .text("--out", "FILE", command->out,
            "where to write: a row of numbers for each token, one for each word of the vocabulary "
            "(float32, little-endian)")
      .required = true;
  return [command] { command->run(); };
}

}  // namespace

const Verb kLogits{
    "logits", "write a model's logits for a row of tokens",
    "Runs the tokens through the model and writes, for each of them, the score of every\n"
    "token that could follow. For checks and scripts; the context is as long as the row\n"
    "unless --ctx says otherwise, and the cache is f32 (bf16 with --arithmetic bf16)\n"
    "unless --cache does.",
    "bantam logits model.gguf --tokens 1,403,407 --out logits.f32", declare_logits};

}  // namespace bantam::cli
