// Softmax attention with grouped heads, over the batch itself or over a cache.
#include <algorithm>

#include "base/error.h"
#include "ops/ops.h"

namespace bantam::ops {

namespace {

void check(const Tensor& q, const AttentionShape& s, const AttentionRows& rows) {
  if (s.kv_heads <= 0 || s.heads % s.kv_heads != 0 || q.columns() != s.heads * s.head_dim)
    throw Error("attention: " + std::to_string(s.heads) + " heads of " +
                std::to_string(s.head_dim) + " over " + std::to_string(s.kv_heads) +
                " do not fit " + std::to_string(q.columns()) + " columns");
  if (static_cast<std::int64_t>(rows.count.size()) != q.rows())
    throw Error("attention: a range of keys for each row was expected");
}

std::int64_t most_keys(const AttentionRows& rows) {
  return rows.count.empty() ? 0 : *std::max_element(rows.count.begin(), rows.count.end());
}

// The work of a row in parts (AttentionPart), every row after the other.
class InParts {
 public:
  // Whether that pays: (row, stored head) pairs do not divide evenly among the threads, and there
  // is enough to do for three regions in place of one.
  static bool pay(const Context& ctx, const AttentionArgs& args, const AttentionRows& rows) {
    const std::int64_t pairs = args.q.rows() * args.kv_heads, threads = ctx.exec.pool.size();
    return threads > 1 && args.lse == nullptr && pairs < 4 * threads && pairs % threads != 0 &&
           most_keys(rows) * args.heads * args.head_dim >= std::int64_t{1} << 19;
  }

  InParts(Context& ctx, const AttentionArgs& args, const AttentionRows& rows)
      : ctx_(ctx),
        args_(args),
        stride_((most_keys(rows) + 15) / 16 * 16),
        scores_(ctx.make({args.heads, stride_}, Type::f32)),
        scales_(ctx.make({args.heads}, Type::f32)) {}

  void row(std::int64_t row) {
    using Stage = AttentionPart::Stage;
    const std::int64_t keys = std::max<std::int64_t>(args_.key_count[row], 0), kv = args_.kv_heads;
    const std::int64_t ranges = (keys + kKeys - 1) / kKeys;
    each(kv * ranges, [&](std::int64_t i) {
      const std::int64_t begin = i % ranges * kKeys;
      return part(Stage::score, row, i / ranges, begin, std::min(begin + kKeys, keys));
    });
    each(args_.heads, [&](std::int64_t i) { return part(Stage::weigh, row, i, 0, keys); });
    const Mix mix = parts_of_mix();
    each(mix.tasks(), [&](std::int64_t i) {
      const Mix::Place p = mix.place(i);
      const std::int64_t columns = p.part < 0 ? args_.head_dim : mix.columns;
      const std::int64_t begin = std::max<std::int64_t>(p.part, 0) * columns;
      return part(Stage::mix, row, p.head, begin, begin + columns);
    });
  }

 private:
  static constexpr std::int64_t kKeys = 512;  // of a task: some ten microseconds

  // Values are summed over all keys in order, so what threads share of a head is its columns. Memory comes
  // two lines at a time: a thread that takes one of two has the other one come for nothing. So each thread has
  // whole heads, and only those that are left over are cut.
  struct Mix {
    std::int64_t threads, whole, cut;  // heads: `whole` divides by the threads
    std::int64_t columns, parts;       // of each of a head that is cut

    struct Place {
      std::int64_t head, part;  // part -1: the whole head
    };
    std::int64_t tasks() const { return whole + cut * parts; }
    // Every thread begins with as many tasks that follow each other (base/thread_pool.h): whole heads, then parts.
    Place place(std::int64_t task) const {
      const std::int64_t each = tasks() / threads, first = whole / threads;
      if (tasks() % threads != 0)
        return task < whole ? Place{task, -1} : piece(task - whole);
      const std::int64_t thread = task / each, at = task % each;
      if (at < first) return {thread * first + at, -1};
      return piece(thread * (each - first) + at - first);
    }
    Place piece(std::int64_t i) const { return {whole + i / parts, i % parts}; }
  };
  Mix parts_of_mix() const {
    const auto threads = static_cast<std::int64_t>(ctx_.exec.pool.size());
    Mix mix{threads, args_.kv_heads / threads * threads, args_.kv_heads % threads, args_.head_dim, 1};
    const auto halve = [&](std::int64_t narrowest, std::int64_t wanted) {
      while (mix.columns % (2 * narrowest) == 0 && mix.cut * mix.parts < wanted) {
        mix.columns /= 2;
        mix.parts *= 2;
      }
    };
    halve(64, 4 * threads);
    halve(32, threads);  // of one line each, where threads would have nothing to do
    return mix;
  }
  AttentionPart part(AttentionPart::Stage stage, std::int64_t row, std::int64_t head,
                     std::int64_t begin, std::int64_t end) const {
    return {stage, row, head, begin, end, scores_.f32(), stride_, scales_.f32()};
  }
  template <class MakePart>
  void each(std::int64_t tasks, const MakePart& make) {
    const std::int64_t floats = attention_scratch(0, 0, args_.head_dim);
    ctx_.exec.pool.parallel_for(tasks, [&](std::int64_t task, unsigned worker) {
      ctx_.kernels().attention_part(
          args_, make(task),
          ctx_.exec.scratch[worker].get<float>(static_cast<std::size_t>(floats)));
    });
  }

  Context& ctx_;
  const AttentionArgs& args_;
  std::int64_t stride_;
  Tensor scores_, scales_;
};

void forward(Context& ctx, const AttentionArgs& args, const AttentionRows& rows) {
  if (InParts::pay(ctx, args, rows)) {
    InParts parts(ctx, args, rows);
    for (std::int64_t row = 0; row < args.q.rows(); ++row) parts.row(row);
    return;
  }
  const std::int64_t pairs = args.q.rows() * args.kv_heads;
  const std::int64_t floats = attention_scratch(most_keys(rows), args.q.rows(), args.head_dim);
  // One row's work grows with its keys; single-token decoding over a short context stays on one
  // thread.
  const std::int64_t work = most_keys(rows) * args.head_dim * (args.heads / args.kv_heads);
  const auto run = [&](std::int64_t begin, std::int64_t end, unsigned worker) {
    ctx.kernels().attention(args, begin, end,
                            ctx.exec.scratch[worker].get<float>(static_cast<std::size_t>(floats)));
  };
  if (pairs * work < 65536)
    run(0, pairs, 0);
  else
    ctx.exec.pool.parallel_ranges(pairs, args.q.rows() > 1 ? args.kv_heads : 1, run);
}

void backward(Context& c, const AttentionBackArgs& args, const AttentionRows& rows) {
  std::int64_t longest = 0;
  for (std::size_t i = 0; i + 1 < rows.documents.size(); ++i)
    longest = std::max<std::int64_t>(longest, rows.documents[i + 1] - rows.documents[i]);
  const std::int64_t tasks = (static_cast<std::int64_t>(rows.documents.size()) - 1) * args.kv_heads;
  const std::int64_t floats = attention_scratch(longest, longest, args.head_dim);
  c.exec.pool.parallel_for(tasks, [&](std::int64_t task, unsigned worker) {
    c.kernels().attention_back(args, task,
                               c.exec.scratch[worker].get<float>(static_cast<std::size_t>(floats)));
  });
}

}  // namespace

Tensor attention(Context& ctx, const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionShape& s, std::shared_ptr<const AttentionRows> rows) {
  check(q, s, *rows);
  require_shape("attention: keys", k, {q.rows(), s.kv_heads * s.head_dim});
  require_shape("attention: values", v, k.shape());
  Tensor y = ctx.make(q.shape());
  const Tensor lse = ctx.records({q, k, v}) ? ctx.make({q.rows(), s.heads}, Type::f32) : Tensor();
  const KeyValues kv{k.view().data, v.view().data, k.type(), k.view().stride, s.head_dim};
  forward(ctx,
          {q.view(), kv, rows->first.data(), rows->count.data(), s.heads, s.kv_heads, s.head_dim,
           s.scale, s.cap, y.view(), lse ? lse.f32() : nullptr},
          *rows);
  if (ctx.tape)
    ctx.tape->record(
        y, {q, k, v}, [q, k, v, y, lse, s, rows](Context& c, const Tensor& dy, Grads& d) {
          const std::int64_t window = rows->window > 0 ? rows->window : q.rows();
          backward(
              c,
              {q.view(), k.view(), v.view(), y.view(), dy.view(), lse.f32(), rows->documents.data(),
               s.heads, s.kv_heads, s.head_dim, window, s.scale, s.cap, d[q], d[k], d[v]},
              *rows);
        });
  return y;
}

Tensor attention(Context& ctx, const Tensor& q, const KeyValues& cache, const AttentionShape& s,
                 const AttentionRows& rows) {
  check(q, s, rows);
  if (ctx.records({q})) throw Error("attention: no gradient goes back through a cache");
  Tensor y = ctx.make(q.shape());
  forward(ctx,
          {q.view(), cache, rows.first.data(), rows.count.data(), s.heads, s.kv_heads, s.head_dim,
           s.scale, s.cap, y.view(), nullptr},
          rows);
  return y;
}

}  // namespace bantam::ops
