#include "adapt/blend.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "adapt/float_rows.h"
#include "base/error.h"
#include "base/random.h"
#include "files/apart.h"
#include "infer/session.h"
#include "models/stored.h"
#include "tokenizer/same_ids.h"

namespace bantam::adapt {

namespace {

using Numbers = std::span<const float>;

double weight_of(const BlendOptions& options, std::size_t model, std::size_t models) {
  if (!options.weights.empty()) return options.weights[model];
  return options.how == Blend::linear || options.how == Blend::slerp ? 1.0 / static_cast<double>(models) : 1.0;
}

double dot(Numbers a, Numbers b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

std::vector<float> mean(std::span<const Numbers> models, const BlendOptions& options) {
  double total = 0;
  for (std::size_t m = 0; m < models.size(); ++m) total += weight_of(options, m, models.size());
  if (total == 0) throw Error("the weights add up to 0");
  std::vector<float> out(models.front().size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    double sum = 0;
    for (std::size_t m = 0; m < models.size(); ++m)
      sum += weight_of(options, m, models.size()) * static_cast<double>(models[m][i]);
    out[i] = static_cast<float>(sum / total);
  }
  return out;
}

// sin((1-t) a) / sin a * x + sin(t a) / sin a * y, a the angle between the two. Nearly parallel ones (and
// those without length) have no circle to speak of: the straight line then, which it tends to.
std::vector<float> on_the_circle(Numbers x, Numbers y, double t) {
  const double cosine = dot(x, y) / std::sqrt(dot(x, x) * dot(y, y));
  double first = 1 - t, second = t;
  if (std::isfinite(cosine) && std::fabs(cosine) < 0.9995) {
    const double angle = std::acos(cosine);
    first = std::sin((1 - t) * angle) / std::sin(angle);
    second = std::sin(t * angle) / std::sin(angle);
  }
  std::vector<float> out(x.size());
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<float>(first * static_cast<double>(x[i]) + second * static_cast<double>(y[i]));
  return out;
}

// The `density` largest changes stay, at least one; equal ones at the border all do.
void trim(std::vector<double>& change, double density) {
  std::vector<double> sizes(change.size());
  std::ranges::transform(change, sizes.begin(), [](double c) { return std::fabs(c); });
  const auto kept = std::max<std::size_t>(1, static_cast<std::size_t>(std::llround(density * static_cast<double>(sizes.size()))));
  if (kept >= sizes.size()) return;
  const auto border = sizes.begin() + static_cast<std::ptrdiff_t>(kept - 1);
  std::ranges::nth_element(sizes, border, std::greater<>());
  for (double& c : change)
    if (std::fabs(c) < *border) c = 0;
}

void draw(std::vector<double>& change, const BlendOptions& options, std::uint64_t lot, std::size_t model) {
  const Random random(options.seed, (lot << 16) + model);
  for (std::size_t i = 0; i < change.size(); ++i)
    change[i] = random.uniform(i) < options.density ? change[i] / options.density : 0;
}

std::vector<float> changed(Numbers base, std::span<const Numbers> models, const BlendOptions& options,
                           std::uint64_t lot, Against* against) {
  std::vector<std::vector<double>> changes(models.size(), std::vector<double>(base.size()));
  for (std::size_t m = 0; m < models.size(); ++m) {
    for (std::size_t i = 0; i < base.size(); ++i)
      changes[m][i] = static_cast<double>(models[m][i]) - static_cast<double>(base[i]);
    if (options.how == Blend::ties) trim(changes[m], options.density);
    if (options.how == Blend::dare) draw(changes[m], options, lot, m);
  }
  std::vector<float> out(base.size());
  for (std::size_t i = 0; i < base.size(); ++i) {
    double sum = 0, share = 0;
    for (std::size_t m = 0; m < models.size(); ++m)
      sum += weight_of(options, m, models.size()) * changes[m][i];
    if (options.how == Blend::ties) {
      const double sign = sum < 0 ? -1 : 1;
      sum = 0;
      for (std::size_t m = 0; m < models.size(); ++m) {
        const double w = weight_of(options, m, models.size());
        if (changes[m][i] == 0) continue;
        const bool with = changes[m][i] * sign > 0;
        if (against) ++against->of, against->dropped += with ? 0 : 1;
        if (with) sum += w * changes[m][i], share += w;
      }
      sum = share == 0 ? 0 : sum / share;
    }
    out[i] = static_cast<float>(static_cast<double>(base[i]) + options.scale * sum);
  }
  return out;
}

struct Opened {
  std::shared_ptr<const ModelFile> file;
  std::map<std::string, WeightSpec> weights;  // by name
};

// The weights are lists of names and shapes; a model of the same family and other numbers would be mixed
// up without a word.
void require_same(const Opened& first, const Opened& other, const std::string& path) {
  const Config &a = first.file->config(), &b = other.file->config();
  const auto fail = [&](const std::string& what) { throw Error(what + ": models of one shape can be put together").in(path); };
  if (a.family != b.family) fail("is a " + b.family + ", the first model a " + a.family);
  if (a.layers != b.layers) fail("has " + std::to_string(b.layers) + " layers, the first model " + std::to_string(a.layers));
  if (a.heads != b.heads || a.kv_heads != b.kv_heads || a.rope_base != b.rope_base)
    fail("has other heads or another rotary base than the first model");
  for (const auto& [name, w] : first.weights) {
    const auto at = other.weights.find(name);
    if (at == other.weights.end()) fail("has no weight " + name);
    if (at->second.shape != w.shape) fail("the weight " + name + " has another shape than in the first model");
  }
  if (first.weights.size() != other.weights.size()) fail("has weights that the first model has not");
  const auto mine = tokenizer_of(*first.file), theirs = tokenizer_of(*other.file);
  if (mine && theirs)
    if (const auto text = text_with_other_ids(*mine, *theirs))
      fail("its tokenizer gives \"" + printable(*text, 40) + "\" other ids than the first model's");
}

}  // namespace

std::vector<float> blended(Numbers base, std::span<const Numbers> models, const BlendOptions& options,
                           std::uint64_t lot, Against* against) {
  if (models.size() < 2 && base.empty()) throw Error("two models or more can be put together");
  if (!options.weights.empty() && options.weights.size() != models.size())
    throw Error("a weight for each of the " + std::to_string(models.size()) + " models was expected");
  if (options.how == Blend::linear) return mean(models, options);
  if (options.how == Blend::slerp) {
    if (models.size() != 2) throw Error("slerp lies between two models");
    return on_the_circle(models[0], models[1], weight_of(options, 1, 2));
  }
  if (base.empty() && !models.front().empty()) throw Error("the model that they were made from was expected");
  return changed(base, models, options, lot, against);
}

BlendReport blend_models(std::span<const Path> paths, const std::optional<Path>& base, const Path& out,
                         const BlendOptions& options, std::optional<Type> wanted, bool replace,
                         const std::function<void()>& check) {
  std::vector<Opened> opened;
  const auto open = [&](const Path& path) {
    Opened one{std::make_shared<const ModelFile>(path), {}};
    files::require_apart(out, one.file->tensors());
    const std::unique_ptr<Model> model = one.file->family().make(one.file->config());
    for (const WeightSpec& w : model->weights()) one.weights.emplace(w.own_name(), w);
    if (!opened.empty()) require_same(opened.front(), one, path.string());
    opened.push_back(std::move(one));
  };
  std::vector<std::string> names;
  for (const Path& path : paths) open(path), names.push_back(path.string());
  if (base) open(*base), names.push_back(base->string());
  const std::shared_ptr<const ModelFile>& file = opened.front().file;
  const std::unique_ptr<Model> model = file->family().make(file->config());
  const WeightType type = merged_types(file, out, wanted);

  struct Sums {
    double squares = 0, product = 0, size = 0;
  };
  std::vector<Sums> sums(opened.size());
  BlendReport report;
  Against against;
  double rounding = 0, result_size = 0;
  std::set<std::string> counted;
  const WeightRows rows = [&](const WeightSpec& w) -> Tensor {
    check();
    const std::string name = w.own_name();
    std::vector<Tensor> floats;
    std::vector<Numbers> numbers;
    for (const Opened& one : opened) {
      floats.push_back(as_floats(stored_rows(one.file, one.weights.at(name))));
      numbers.emplace_back(floats.back().f32(), static_cast<std::size_t>(floats.back().shape().count()));
    }
    const bool once = counted.insert(name).second;
    const Numbers from = base ? numbers.back() : Numbers();
    const auto& known = opened.front().weights;
    const auto place = static_cast<std::uint64_t>(std::distance(known.begin(), known.find(name)));
    const std::vector<float> made = blended(from, std::span(numbers).first(paths.size()), options, place, once ? &against : nullptr);
    Tensor result = Tensor::zeros(floats.front().shape());
    std::ranges::copy(made, result.f32());
    if (!once) return result;
    report.numbers += static_cast<std::int64_t>(made.size());
    result_size += dot(made, made);
    rounding += squares_between(result, as_floats(converted(result, type(w))));
    for (std::size_t m = 0; m < opened.size(); ++m) {
      sums[m].squares += squares_between(result, floats[m]);
      sums[m].product += dot(made, numbers[m]);
      sums[m].size += dot(numbers[m], numbers[m]);
    }
    return result;
  };
  write_model(*file, *model, rows, type, out, replace);
  const auto count = static_cast<double>(report.numbers);
  for (std::size_t m = 0; m < opened.size(); ++m)
    report.lines.push_back({names[m], std::sqrt(sums[m].squares / count), sums[m].product / std::sqrt(sums[m].size * result_size)});
  report.against = against.of == 0 ? 0 : static_cast<double>(against.dropped) / static_cast<double>(against.of);
  report.rounding = std::sqrt(rounding / count);
  return report;
}

}  // namespace bantam::adapt
