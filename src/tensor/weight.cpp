#include "tensor/weight.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "blocks/format.h"
#include "tensor/context.h"
#include "tensor/held_form.h"

namespace bantam::tensor {

// What is made of the rows. A form is valid while its generation is that of the rows.
struct Weight::Forms {
  template <class T>
  struct Form {
    T value;
    std::uint64_t generation = 0;
  };
  std::mutex mutex;  // two runs may want the same form at the same time
  std::uint64_t generation = 1;
  Form<PackedBlocks> blocks;
  Form<PackedB> panels[2];  // for x w^T, for dy w
  std::shared_ptr<std::byte> panels_memory;  // where prepare() put those for x w^T
  Form<Tensor> wide;        // float32 rows
  Form<Tensor> across;      // float32, a row for each input
  MemoryBlocks memory;

  const Tensor& turned(const Tensor& rows) {
    const std::lock_guard lock(mutex);
    if (across.generation == generation) return across.value;
    const std::int64_t n = rows.dim(0), k = rows.dim(1), stride = rows.view().stride;
    if (!across.value) across.value = Tensor::zeros({k, n});
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < k; ++j) across.value.f32()[j * n + i] = rows.f32()[i * stride + j];
    across.generation = generation;
    return across.value;
  }
};

namespace {

bool in_blocks(Type type) { return format(type).block > 1; }
// Whether activations are rounded to whole numbers.
bool in_integers(Arithmetic a) { return a == Arithmetic::int8 || a == Arithmetic::faithful; }

Planes planes_of(Arithmetic a) { return a == Arithmetic::int8 ? Planes::one : Planes::two; }

// Weights of so few inputs that add to what is there (the wide half of an adapter) go on from it as
// chains: a fold of 16 lanes would cost more than the product.
constexpr std::int64_t kNarrow = 32;

PackSource by_rows(const Tensor& t) { return {t.view().data, t.type(), t.view().stride, true}; }

}  // namespace

Weight::Weight(Tensor rows) : rows_(std::move(rows)), forms_(std::make_shared<Forms>()) {}

const Tensor& Weight::rows() const {
  if (!rows_) throw Error("this weight was packed for its products; its rows are not kept");
  return rows_;
}

void Weight::changed() const {
  if (!forms_) return;
  const std::lock_guard lock(forms_->mutex);
  ++forms_->generation;
}

// The numbers of the weight, from whatever form stands for them; `rounded`: to bf16 will do.
RowReader Weight::reader(const Kernels& kernels, bool rounded) const {
  if (rows_) return reader_of(rows_.view());
  if (forms_->blocks.value) return forms_->blocks.value.reader(kernels);
  if (forms_->wide.value) return reader_of(forms_->wide.value.view());
  if (rounded) return forms_->panels[0].value.reader();
  throw Error("this weight was rounded to bf16 when it was packed; its own numbers are gone");
}

const PackedBlocks& Weight::blocks(const Exec& exec) const {
  const std::lock_guard lock(forms_->mutex);
  auto& form = forms_->blocks;
  if (form.generation != forms_->generation) {
    form.value = PackedBlocks(exec, rows().view(), forms_->memory);
    form.generation = forms_->generation;
  }
  return form.value;
}

const PackedB& Weight::panels(const Exec& exec, bool transposed) const {
  const std::lock_guard lock(forms_->mutex);
  auto& form = forms_->panels[transposed ? 1 : 0];
  if (form.generation == forms_->generation) return form.value;
  const std::int64_t k = dim(transposed ? 0 : 1), n = dim(transposed ? 1 : 0);
  if (exec.kernels.empty) {  // planning: only the shape is looked at
    form.value = PackedB(k, n, nullptr);
    return form.value;
  }
  if (!form.value) form.value = PackedB(k, n);
  if (rows_)
    form.value.pack(exec, rows_.view(), !transposed);
  else
    form.value.pack(exec, reader(exec.kernels, true), !transposed);
  form.generation = forms_->generation;
  return form.value;
}

const Tensor& Weight::wide(const Exec& exec) const {
  const std::lock_guard lock(forms_->mutex);
  auto& form = forms_->wide;
  if (form.generation == forms_->generation) return form.value;
  const RowReader numbers = reader(exec.kernels, false);
  if (!form.value) form.value = Tensor::zeros(shape());
  numbers.read(0, dim(0), 0, dim(1), form.value.f32());
  form.generation = forms_->generation;
  return form.value;
}

void Weight::multiply(Context& ctx, const Tensor& x, const float* bias, Into y) const {
  if (ctx.arithmetic == Arithmetic::bf16) {
    gemm_bf16(ctx.exec, x.rows(), by_rows(x), panels(ctx.exec, false), bias, y);
  } else if (type() == Type::f32 && dim(1) <= kNarrow && y.add && !bias) {
    if (ctx.kernels().empty) return;
    const ChainFactor factor{x.f32(), x.view().stride, 1};
    gemm_chain(ctx.exec, x.rows(), dim(1), factor, forms_->turned(rows()).view(), y);
  } else if (!in_blocks(type())) {
    gemm_dot(ctx.exec, x.view(), rows().view(), bias, y);
  } else if (in_integers(ctx.arithmetic)) {
    gemm_blocks(ctx.exec, x.view(), blocks(ctx.exec), planes_of(ctx.arithmetic), bias, y);
  } else {
    gemm_dot(ctx.exec, x.view(), wide(ctx.exec).view(), bias, y);
  }
}

void Weight::multiply_each(Context& ctx, const Tensor& x, std::span<const Product> products) {
  const bool as_one = in_integers(ctx.arithmetic) &&
                      std::all_of(products.begin(), products.end(),
                                  [](const Product& p) { return in_blocks(p.w.type()); });
  if (!as_one) {
    for (const Product& p : products) p.w.multiply(ctx, x, p.bias, p.y);
    return;
  }
  std::vector<BlockProduct> parts;
  parts.reserve(products.size());
  for (const Product& p : products) parts.push_back({p.w.blocks(ctx.exec), p.bias, p.y});
  gemm_blocks(ctx.exec, x.view(), parts, planes_of(ctx.arithmetic));
}

void Weight::multiply_transposed(Context& ctx, const Tensor& dy, Into dx) const {
  if (ctx.arithmetic == Arithmetic::bf16) {
    gemm_bf16(ctx.exec, dy.rows(), by_rows(dy), panels(ctx.exec, true), nullptr, dx);
    return;
  }
  const ChainFactor factor{dy.f32(), dy.view().stride, 1};
  if (rows_ && type() == Type::f32)
    return gemm_chain(ctx.exec, dy.rows(), dy.columns(), factor, rows_.view(), dx);
  if (forms_->wide.generation == forms_->generation)
    return gemm_chain(ctx.exec, dy.rows(), dy.columns(), factor, forms_->wide.value.view(), dx);
  gemm_chain(ctx.exec, dy.rows(), dy.columns(), factor, reader(ctx.exec.kernels, false), dx);
}

void Weight::prepare(const Exec& exec, Arithmetic arithmetic, MemoryBlocks& memory,
                     const PartPacked& done) {
  const HeldForm held = held_form(type(), arithmetic);
  const auto take = [&] {
    return memory.take(static_cast<std::size_t>(held_bytes(shape(), type(), arithmetic)));
  };
  Forms& forms = *forms_;
  switch (held) {
    case HeldForm::rows:
      return;
    case HeldForm::strips:
      forms.blocks.value = PackedBlocks(exec, rows().view(), memory, done);
      forms.blocks.generation = forms.generation;
      break;
    case HeldForm::panels:
      forms.panels_memory = take();
      forms.panels[0].value = PackedB(dim(1), dim(0), forms.panels_memory.get());
      forms.panels[0].value.pack(exec, rows().view(), true, done);
      forms.panels[0].generation = forms.generation;
      break;
    case HeldForm::wide: {
      std::shared_ptr<std::byte> bytes = take();
      const View view(bytes.get(), Type::f32, shape());
      forms.wide.value = Tensor(view, std::move(bytes));
      wide(exec);
      break;
    }
  }
  rows_ = Tensor(View(nullptr, type(), shape()), nullptr).with_slot(rows_.slot());
}

}  // namespace bantam::tensor
