// A byte-level BPE that was just trained, as a tokenizer.
#include "base/error.h"
#include "words/byte_alphabet.h"
#include "tokenizer/end_tokens.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_spec.h"

namespace bantam::tokenizer {

std::shared_ptr<const Tokenizer> make_tokenizer(TrainedTokenizer trained) {
  TokenizerSpec spec;
  spec.types.assign(trained.tokens.size(), TokenType::normal);
  for (const std::int32_t id : trained.special) {
    if (id < 0 || static_cast<std::size_t>(id) >= trained.tokens.size())
      throw Error("the special token " + std::to_string(id) + " is outside the vocabulary");
    spec.types[static_cast<std::size_t>(id)] = TokenType::control;
  }
  for (std::size_t i = 0; i < trained.tokens.size(); ++i) {
    const auto id = static_cast<std::int32_t>(i);
    const bool special = spec.types[i] == TokenType::control;
    const std::string& token = trained.tokens[i];
    spec.vocabulary.add(id, special ? token : ByteAlphabet::get().encode(token));
    if (!special) continue;
    if (!is_valid_utf8(token))
      throw Error("the special token " + std::to_string(id) + " is not UTF-8");
    AddedToken added;
    added.id = id;
    added.content = token;
    added.special = true;
    spec.added.push_back(std::move(added));
  }
  spec.merges = std::move(trained.merges);
  spec.pre_name = trained.pre_tokenizer;
  const auto splitter = pre_tokenizer_by_name(spec.pre_name);
  for (const PreStage& stage : splitter->stages()) {
    PreTokenStep step{PreTokenStep::Kind::stage};
    step.stage = stage;
    spec.pre_tokenizer.push_back(std::move(step));
  }
  spec.pre_tokenizer.push_back({PreTokenStep::Kind::byte_level});
  spec.decoder = {{DecodeStep::Kind::byte_level}};
  spec.ignore_merges = pre_tokenizer_traits(spec.pre_name).ignore_merges;
  spec.marks_unknown = false;
  spec.bos = trained.bos;
  spec.eos = trained.eos;
  spec.pad = trained.pad;
  spec.unk = trained.unk;
  if (trained.add_bos) {
    if (!trained.bos) throw Error("a text is to begin with BOS, but no token is that");
    spec.prefix = {*trained.bos};
  }
  spec.chat_template = std::move(trained.chat_template);
  add_known_ends(spec, false);
  return std::make_shared<const Tokenizer>(std::move(spec));
}

}  // namespace bantam::tokenizer
