#include "cli/conversion_parts.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/counting.h"
#include "base/error.h"
#include "blocks/format.h"
#include "cli/output.h"
#include "files/apart.h"
#include "files/gguf_parts.h"
#include "files/gguf_rewrite.h"
#include "infer/session.h"
#include "tokenizer/same_ids.h"
#include "tokenizer/tokenizer_spec.h"

namespace bantam::cli {

void Target::declare(Options& options) {
  options.bytes("--split", "SIZE", split, 1000,
                "write GGUF in parts of at most this size, 500M or 1.5G: NAME-00001-of-00003.gguf");
  options.flag("--lossy-tokenizer", lossy_tokenizer,
               "leave out, with a warning, what the other form cannot say of the tokenizer");
  options.flag("--force", force, "replace what is there");
  options.flag("--json", json, "print what was written as a JSON object");
}

namespace {

// Parts are named by the whole: of the name of one they would be NAME-00001-of-00003-00001-of-00002.gguf.
void refuse_part_name(const Path& target) {
  Path name = files::gguf_part_prefix(target);
  if (auto part = files::gguf_part_name(name += ".gguf"))
    throw Error(printable(target.filename().string(), 200) + " is the name of one part; name the whole, by which the parts are named: " +
                    printable((part->prefix += ".gguf").string(), 200),
                Error::Kind::usage)
        .field("--split");
}

// One GGUF file, and the very one at `target`.
bool is_whole(const TensorSource& source, const Path& target) {
  std::error_code ignored;
  const auto in_one = [&](const TensorInfo& t) { return t.file == source.path(); };
  return std::ranges::all_of(source.tensors(), in_one) &&
         std::filesystem::equivalent(source.path(), target, ignored);
}

}  // namespace

void Target::check(const TensorSource& source) const {
  require_place(to);
  const Path target(to);
  std::error_code ignored;
  if (split && !to_gguf())
    throw Error("only GGUF files are written in parts; give a name that ends in .gguf",
                Error::Kind::usage)
        .field("--split");
  if (split) refuse_part_name(target);
  if (!(onto_itself && force && !split && is_whole(source, target)))
    files::require_apart(target, source, split.has_value());
  if (split) {
    if (!force) files::require_no_parts(files::gguf_part_prefix(target));
    return;
  }
  if (!std::filesystem::exists(std::filesystem::symlink_status(target, ignored))) return;
  if (!force) throw Error("exists; remove it, choose another name, or say --force").in(to);
  files::require_replaceable(target);
}

std::string rounded_already(const ModelFile& file, const std::function<bool(Type)>& lossless) {
  std::string already;
  for (const Type t : quantised_types(file))
    if (!lossless(t)) already += (already.empty() ? "" : ", ") + upper_name(format(t));
  return already;
}

Error second_rounding(const std::string& already, const std::string& instead) {
  return Error("its weights are quantised already (" + already +
               "); rounding them again loses more than rounding the original once: start from the "
               "F16 or BF16 model, or say " + instead);
}

bool writable(const Format& format) { return format.weights && format.encode != nullptr; }

namespace {

// Names that types have elsewhere: of NumPy and PyTorch, of other converters.
void refuse_other_name(const std::string& option, const std::string& name) {
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"fp16", "f16"},    {"float16", "f16"}, {"half", "f16"},      {"fp32", "f32"},
      {"float32", "f32"}, {"float", "f32"},   {"bfloat16", "bf16"}};
  std::string lower = name;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (const auto& [other, ours] : kNames)
    if (lower == other)
      throw Error("\"" + printable(name, 40) + "\" is called " + std::string(ours) + " here: say " + option + " " + std::string(ours),
                  Error::Kind::usage)
          .field(option);
}

}  // namespace

std::vector<std::string> names_of_storing() {
  std::vector<std::string> names;
  for (const Mix& mix : mixes()) names.emplace_back(mix.name);
  for (const Format& f : formats())
    if (writable(f) && find_mix(f.name) == nullptr) names.emplace_back(f.name);
  return names;
}

TypePlan types_by_name(const std::string& name, bool pure, bool importance) {
  const Mix* mix = find_mix(name);
  if (mix != nullptr && !pure) return TypePlan::mixed(*mix, importance);
  const Format* single = find_format(name);
  if (single != nullptr && writable(*single)) return TypePlan::uniform(single->type);
  if (mix != nullptr) return TypePlan::uniform(mix->type);
  std::string known;
  for (const std::string& one : names_of_storing()) known += (known.empty() ? "" : ", ") + one;
  refuse_other_name("--type", name);
  throw unfit("--type", "one of " + known, name);
}

Option& type_option(Options& options, std::string names, std::optional<Type>& to,
                    bool (*wanted)(const Format&), std::string help) {
  std::vector<std::string> words;
  std::string known;
  for (const Format& f : formats())
    if (wanted(f)) words.emplace_back(f.name);
  for (std::size_t i = 0; i < words.size(); ++i)
    known += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  const auto take = [&to, wanted, known, names](const std::string& text) {
    const Format* f = find_format(text);
    if (f == nullptr || !wanted(*f)) {
      refuse_other_name(names, text);
      if (const Mix* mix = find_mix(text))
        throw Error("\"" + std::string(mix->name) + "\" is a mix of types, which bantam quantize writes: bantam quantize SRC NAME.gguf --type " +
                        std::string(mix->name),
                    Error::Kind::usage)
            .field(names);
      throw unfit(names, known, text);
    }
    to = f->type;
  };
  return options.add({names, "TYPE", std::move(help), false, false, take, words});
}

namespace {

// The tokenizer of a folder, or null when it has none.
std::shared_ptr<const Tokenizer> folder_tokenizer(const HfFolder& folder) {
  if (folder.tokenizer_path() || folder.file("tokenizer.model"))
    return open_tokenizer(folder.path());
  return nullptr;
}

// The tokenizer as a reader finds it in the file that is being written, out of one without weights.
std::shared_ptr<const Tokenizer> as_written(const Target& target, const Tokenizer& tokenizer,
                                            std::int64_t vocabulary, const std::string& name) {
  const AtomicFolder scratch(Path(target.to + ".tokenizer"), true);  // under a name that nobody has; never committed
  const Path file = scratch.path() / "tokenizer.gguf";
  GgufWriter writer(file);
  writer.set("general.name", name);
  std::vector<std::string> lost;
  write_tokenizer(tokenizer, writer, vocabulary, &lost);
  writer.close();
  return open_tokenizer(GgufFile(file));
}

void carry_tokenizer(const Target& target, const ModelFile& file, GgufWriter& writer) {
  const auto tokenizer = folder_tokenizer(*file.folder());
  if (!tokenizer) return note("the folder has no tokenizer; the new file holds weights alone");
  std::vector<std::string> lost;
  try {
    write_tokenizer(*tokenizer, writer, file.config().vocabulary,
                    target.lossy_tokenizer ? &lost : nullptr);
  } catch (const Error& error) {
    if (target.lossy_tokenizer) throw;
    throw Error(error.message() + " (--lossy-tokenizer leaves out what can be left out)")
        .in(error.file().empty() ? target.from : error.file())
        .field(error.field());
  }
  if (lost.empty())
    require_same_ids(*tokenizer,
                     *as_written(target, *tokenizer, file.config().vocabulary,
                                 writer.text("general.name")),
                     "GGUF", target);
  const std::vector<NormalizeStep>& steps = tokenizer->spec().normalizer;
  if (std::ranges::find(steps, NormalizeStep::Kind::nfc, &NormalizeStep::kind) != steps.end())
    note("the tokenizer brings text to NFC, and so does Bantam; llama.cpp does not: of other text its "
         "ids are others");
  if (tokenizer->size() > file.config().vocabulary)
    note("no row in the embedding: the last " + number_of(tokenizer->size() - file.config().vocabulary, "token") +
         " of the tokenizer, left out");
  constexpr std::size_t kShown = 5;
  for (std::size_t i = 0; i < lost.size() && i < kShown; ++i)
    note("the new file does not say " + lost[i] + "; the ids of some texts are others");
  if (lost.size() > kShown) note("... and " + std::to_string(lost.size() - kShown) + " more");
}

}  // namespace

void require_same_ids(const Tokenizer& from, const Tokenizer& to, const std::string& form,
                      const Target& target) {
  const auto text = text_with_other_ids(from, to);
  if (!text) return;
  const std::string fault = form + " cannot express how this tokenizer cuts \"" +
                            printable(*text, 60) + "\"; the ids of some texts would be others";
  if (!target.lossy_tokenizer)
    throw Error(fault + " (--lossy-tokenizer leaves out what can be left out)")
        .in(target.from)
        .field("tokenizer");
  note(fault);
}

Target write_gguf_of(const Target& target, const ModelFile& file, Conversion& conversion,
                   const std::function<void(GgufWriter&)>& more) {
  GgufWriter writer{Path(target.to)};
  if (target.split) writer.split(static_cast<std::uint64_t>(*target.split), target.force);
  if (file.gguf()) {
    for (const Metadata::Entry& entry : file.gguf()->metadata().entries())
      if (!files::is_of_weights(entry.key)) writer.copy(entry);
  } else {
    writer.set("general.architecture", file.config().family);
    Path folder(target.from);
    if (!folder.has_filename()) folder = folder.parent_path();
    writer.set("general.name", folder.filename().string());
    carry_tokenizer(target, file, writer);
  }
  if (more) more(writer);
  conversion.write_gguf(writer);
  Target written = target;
  const std::vector<Path> files = writer.files();
  written.to = written.first = files.front().string();
  if (files.size() > 1) written.to += " to " + files.back().filename().string();
  return written;
}

void report_written(const Target& target, const Conversion& conversion, const Json& more) {
  Json types = Json::object(), instead = Json::object();
  std::string line;
  std::int64_t bytes = 0;
  for (const Conversion::Weights& w : conversion.written()) {
    types[w.type] = {{"tensors", w.tensors}, {"bytes", w.bytes}};
    line += (line.empty() ? "" : ", ") + std::to_string(w.tensors) + " " + w.type;
    bytes += w.bytes;
  }
  // By what was wanted and what was given: how many, and the first.
  std::map<std::pair<Type, Type>, std::vector<std::string>> swaps;
  for (const Fallback& f : conversion.plan().fallbacks()) {
    swaps[{f.wanted, f.given}].push_back(f.tensor);
    instead[f.tensor] = upper_name(format(f.given));
  }
  for (const auto& [swap, names] : swaps)
    note(std::to_string(names.size()) + (names.size() == 1 ? " tensor" : " tensors") + " became " +
         upper_name(format(swap.second)) + " in place of " + upper_name(format(swap.first)) +
         ", whose blocks of " + std::to_string(format(swap.first).block) +
         " do not divide their width: " + names.front() + (names.size() > 1 ? ", ..." : ""));
  if (const auto left = conversion.left_out(); !left.empty())
    note(std::to_string(left.size()) + (left.size() == 1 ? " tensor" : " tensors") +
         " of the model's other parts, which see or hear, left out: what is written reads and writes text; " + printable(left.front(), 200) +
         (left.size() > 1 ? ", ..." : ""));
  if (target.json) {
    Json j = {{"out", target.to}, {"bytes", bytes}, {"types", types}, {"instead", instead}};
    for (const auto& [key, value] : more.items()) j[key] = value;
    print(to_text(j) + "\n");
  } else {
    print("wrote " + target.to + ": tensors " + line + ", " + std::to_string(bytes) +
          " bytes of weights\n");
  }
}

}  // namespace bantam::cli
