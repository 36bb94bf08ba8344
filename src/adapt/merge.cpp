#include "adapt/merge.h"

#include <cmath>
#include <map>
#include <set>

#include "adapt/attach.h"
#include "adapt/float_rows.h"
#include "adapt/model_writer.h"
#include "base/error.h"
#include "blocks/format.h"
#include "files/apart.h"
#include "infer/session.h"
#include "models/stored.h"

namespace bantam::adapt {

namespace {

struct Sums {
  std::int64_t weights = 0, numbers = 0;
  double change = 0, rounding = 0;
};

// Throws Error when the adapter makes another head than embedding of a model that has one for both.
void require_tied(const Adapter& adapter) {
  const auto head = adapter.whole.find("output.weight"), table = adapter.whole.find("token_embd.weight");
  const auto none = adapter.whole.end();
  if (head == none && table == none) return;
  if (head != none && table != none && squares_between(head->second, table->second) == 0) return;
  throw Error("the model's head is its embedding, and the adapter makes two of them: it cannot be merged; "
              "use it with --adapter")
      .in(adapter.file)
      .field(head == none ? "embed_tokens" : "lm_head");
}

}  // namespace

MergeReport merge(const Path& model_path, const Path& adapter_path, const Path& out,
                  std::optional<Type> wanted, bool replace, ThreadPool& pool,
                  const Kernels& kernels, const std::function<void()>& check) {
  const auto file = std::make_shared<const ModelFile>(model_path);
  files::require_apart(out, file->tensors());
  files::require_apart(out, adapter_path, "the adapter");
  std::vector<Scratch> scratch(pool.size() + 1);
  const Exec exec{pool, kernels, scratch};
  const std::unique_ptr<Model> model = file->family().make(file->config());
  const Adapter adapter = read_adapter(adapter_path, *model);
  if (!adapter.template_sum.empty()) check_template(adapter, tokenizer_of(*file)->chat_template());
  if (file->config().tied) require_tied(adapter);
  const WeightType type = merged_types(file, out, wanted);
  std::map<std::string, Sums> sums;
  std::set<std::string> counted;
  const WeightRows rows = [&](const WeightSpec& w) -> Tensor {
    check();
    const std::string name = w.own_name();
    if (const auto whole = adapter.whole.find(whole_name(w)); whole != adapter.whole.end()) return whole->second;
    const Tensor stored = stored_rows(file, w);
    const auto update = adapter.updates.find(name);
    if (update == adapter.updates.end()) return stored;
    const Tensor sum = merged_rows(exec, stored, update->second);
    if (counted.insert(name).second) {
      Sums& s = sums[std::string(format(type(w)).name)];
      ++s.weights;
      s.numbers += sum.shape().count();
      s.change += squares_between(sum, as_floats(stored));
      s.rounding += squares_between(sum, as_floats(converted(sum, type(w))));
    }
    return sum;
  };
  write_model(*file, *model, rows, type, out, replace, adapter.chat_template);
  MergeReport report;
  for (const auto& [name, s] : sums)
    report.lines.push_back({name, s.weights, std::sqrt(s.change / static_cast<double>(s.numbers)),
                            std::sqrt(s.rounding / static_cast<double>(s.numbers))});
  return report;
}

}  // namespace bantam::adapt
