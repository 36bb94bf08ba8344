#include "cli/speculating.h"

#include <algorithm>

#include "infer/draft.h"

namespace bantam::cli {

void SpeculationFlags::declare(Options& options) {
  options.text("--draft", "FILE", draft,
               "a smaller model of the same tokenizer that guesses tokens ahead, as long as that is "
               "faster; the answer is the same");
  options.whole("--draft-tokens", "N", tokens, 1, DraftLength::kMost,
                "guess so many at a time, whether it pays or not (default: as many as are measured "
                "to pay, or none)");
  options.flag("--no-speculation", off,
               "do not guess tokens ahead from the text; the answer is the same");
}

DraftFile SpeculationFlags::open(const Tokenizer& tokenizer, const SessionOptions& model) const {
  if (off && draft) throw Error("--draft or --no-speculation, not both", Error::Kind::usage);
  if (tokens && !draft) throw Error("--draft-tokens goes with --draft", Error::Kind::usage);
  if (!draft) return {};
  DraftFile opened;
  opened.file = std::make_shared<const ModelFile>(Path(*draft));
  require_same_tokens(tokenizer, *tokenizer_of(*opened.file), *draft);
  opened.options.threads = model.threads;
  opened.options.context = model.context;
  opened.options.positions = model.positions;
  opened.options.slots =
      std::min(model.slots, static_cast<std::int64_t>(infer::kMostDrafting));
  opened.length = static_cast<std::size_t>(tokens.value_or(0));
  return opened;
}

std::optional<RunShape> DraftFile::shape() const {
  if (!file) return std::nullopt;
  return run_shape(*file, options);
}

std::unique_ptr<DraftModel> DraftFile::load(const Session& session) const {
  if (!file) return nullptr;
  SessionOptions with_room = options;
  with_room.positions = session.room();
  return std::make_unique<DraftModel>(file, session.runtime(), with_room, length);
}

}  // namespace bantam::cli
