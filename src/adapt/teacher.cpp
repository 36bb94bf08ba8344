#include "adapt/teacher.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/error.h"
#include "base/hash.h"
#include "infer/session.h"
#include "models/loader.h"
#include "tokenizer/same_ids.h"

namespace bantam::adapt {

namespace {

template <class T>
void put(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Tells apart what a file of shares was made for: the teacher's file and what it was asked.
std::string purpose(const ModelFile& teacher, const Path& path, std::span<const LabelledExample> examples,
                    const TeacherSettings& settings) {
  Sha256 sum;
  std::string said = teacher_mark(teacher, path);
  put(said, settings.share);
  put(said, settings.likeliest);
  sum.add(std::as_bytes(std::span(said)));
  for (const LabelledExample& e : examples) {
    sum.add(std::as_bytes(std::span(e.first.ids)));
    sum.add(std::as_bytes(std::span(e.first.mask)));
  }
  return sum.hex();
}

// The file: its purpose, then for each label the number of tokens, ids and shares.
void keep(const Path& path, const std::string& made_for, std::span<const LabelledExample> examples) {
  std::string out = made_for;
  for (const LabelledExample& e : examples)
    for (const SoftLabel& s : e.first.soft) {
      put(out, static_cast<std::uint32_t>(s.ids.size()));
      for (const std::int32_t id : s.ids) put(out, id);
      for (const float share : s.shares) put(out, share);
    }
  write_file(path, out);
}

bool take_kept(const Path& path, const std::string& made_for, std::vector<LabelledExample>& examples, std::int64_t vocabulary) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return false;
  const std::string bytes = read_file(path);
  if (!bytes.starts_with(made_for)) return false;
  std::string_view rest = std::string_view(bytes).substr(made_for.size());
  const auto take = [&](void* to, std::size_t size) {
    if (rest.size() < size) return false;
    std::memcpy(to, rest.data(), size);
    rest.remove_prefix(size);
    return true;
  };
  for (LabelledExample& e : examples) {
    e.first.soft.clear();
    for (std::int64_t label = 0; label < e.first.labels(); ++label) {
      std::uint32_t count = 0;
      if (!take(&count, sizeof count) || count > rest.size() / 8) return false;
      SoftLabel s{std::vector<std::int32_t>(count), std::vector<float>(count)};
      if (!take(s.ids.data(), count * sizeof(std::int32_t)) || !take(s.shares.data(), count * sizeof(float))) return false;
      for (const std::int32_t id : s.ids)
        if (id < 0 || id >= vocabulary) return false;
      e.first.soft.push_back(std::move(s));
    }
  }
  return rest.empty();
}

void refuse_other(const Path& path, const std::string& made_for) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored) || read_file(path).starts_with(made_for)) return;
  throw Error("holds what a teacher says at each label, of other records, another teacher or other settings than these: say "
              "what was said then to go on with it, --force (without --resume) to have it asked anew, or another --out")
      .in(path.string());
}

}  // namespace

bool ask_teacher(const Path& teacher, const Tokenizer& student, std::vector<LabelledExample>& examples,
                 const TeacherSettings& settings, const Path& kept, bool anew, unsigned threads,
                 const std::function<bool(std::int64_t done)>& go_on) {
  const auto file = std::make_shared<const ModelFile>(teacher);
  const auto tokenizer = tokenizer_of(*file);
  if (tokenizer->size() != student.size())
    throw Error("has " + std::to_string(tokenizer->size()) + " tokens, the model that learns " + std::to_string(student.size()) +
                "; a teacher of the same tokenizer was expected")
        .in(teacher.string());
  if (const auto text = text_with_other_ids(*tokenizer, student))
    throw Error("its tokenizer gives \"" + printable(*text, 40) + "\" other ids than that of the model that learns; a teacher of "
                "the same tokenizer was expected")
        .in(teacher.string());
  const std::string made_for = purpose(*file, teacher, examples, settings);
  if (take_kept(kept, made_for, examples, student.size())) return true;
  if (!anew) refuse_other(kept, made_for);
  std::size_t longest = 1;
  for (const LabelledExample& e : examples) longest = std::max(longest, e.first.ids.size());
  SessionOptions options;
  options.threads = threads;
  options.positions = static_cast<std::int64_t>(longest);
  options.cache = Type::f32;
  Session session(file, options);
  std::int64_t done = 0;
  for (LabelledExample& e : examples) {
    if (!go_on(done++)) return false;
    const auto& mask = e.first.mask;
    e.first.soft.clear();
    session.trim(0, 0);
    const Session::Part part{0, e.first.ids, Session::Want::all};
    session.evaluate({&part, 1}, [&](std::size_t, std::size_t index, std::span<const float> logits) {
      if (index + 1 >= mask.size() || mask[index + 1] == 0) return;
      e.first.soft.push_back(soft_label(logits.first(std::min(logits.size(), static_cast<std::size_t>(student.size()))),
                                        e.first.ids[index + 1], settings));
    });
  }
  keep(kept, made_for, examples);
  return true;
}

}  // namespace bantam::adapt
