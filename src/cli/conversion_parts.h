// What `bantam convert` and `bantam quantize` share: the place that is written to, the keys that go
// with the weights, and what is said at the end.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/options.h"
#include "files/model_path.h"
#include "shrink/convert.h"

namespace bantam::cli {

struct Target {
  std::string from, to;
  std::string first;  // once it is written: the file by which it is opened
  std::optional<std::int64_t> split;  // bytes of a part
  bool force = false, json = false, lossy_tokenizer = false;
  bool onto_itself = false;  // with `force` a whole GGUF file may be replaced by what it becomes

  bool to_gguf() const { return files::is_gguf_name(Path(to)); }
  void declare(Options& options);
  // Throws Error when the place cannot be written to, or holds what should not be replaced; of
  // `source`, the model that is read, nothing is.
  void check(const TensorSource& source) const;
};

// What the file's weights are rounded to already, but for types from which nothing is lost: "Q8_0, Q4_K".
std::string rounded_already(const ModelFile& file, const std::function<bool(Type)>& lossless);
// Rounding what is rounded `already` (not empty): `instead` is what to say to go on all the same.
Error second_rounding(const std::string& already, const std::string& instead);

// A type of matrices by its name, in any case. `wanted`: which are offered.
Option& type_option(Options& options, std::string names, std::optional<Type>& to,
                    bool (*wanted)(const Format&), std::string help);
bool writable(const Format& format);

// The names of how a model can be stored: of mixes, and of types that are none.
std::vector<std::string> names_of_storing();
// The types that such a name, in any case, stands for. `pure`: of a mix its main type alone. Throws
// Error (usage).
TypePlan types_by_name(const std::string& name, bool pure, bool importance);

// Writes the GGUF file, with the keys of the file it is made from. `more` may set others. Returns the
// target with the name of what was written, which is another one in parts.
Target write_gguf_of(const Target& target, const ModelFile& file, Conversion& conversion,
                   const std::function<void(GgufWriter&)>& more = {});
// Throws Error where the tokenizer as it was written into a `form` cuts a text into other ids than the
// one that it was made from; with --lossy-tokenizer it is a warning.
void require_same_ids(const Tokenizer& from, const Tokenizer& to, const std::string& form,
                      const Target& target);
// Prints what was written; `more`: further members of the JSON object.
void report_written(const Target& target, const Conversion& conversion, const Json& more);

}  // namespace bantam::cli
