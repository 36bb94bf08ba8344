// What a token costs, by hand.
#include "plan/work.h"

#include <gtest/gtest.h>

#include "support/tiny_model.h"

namespace bantam {
namespace {

using test::ScratchFolder, test::TinyModel, test::write_tiny_gguf;

// TinyModel: 2 layers of width 64, 4 heads of 16, 2 for keys and values, feed forward 96.
constexpr std::int64_t kLayer = 64 * 64 + 2 * 32 * 64 + 64 * 64 + 3 * 64 * 96;
constexpr std::int64_t kHead = 261 * 64;
constexpr std::int64_t kGains = (2 * 2 + 1) * 64;

TEST(Work, CountsWhatIsMultipliedAndRead) {
  const ScratchFolder folder;
  struct Case {
    Type type;
    bool tied;
    Arithmetic arithmetic;
    double bytes_each;  // of a linear weight
    std::int64_t head_rows;  // as they lie in memory: strips of 16, panels of 32
  };
  for (const Case& c :
       {Case{Type::f32, false, Arithmetic::f32, 4, 261},
        Case{Type::f16, true, Arithmetic::f32, 2, 261},
        Case{Type::f16, false, Arithmetic::bf16, 2, 288},
        Case{Type::q8_0, false, Arithmetic::int8, 34.0 / 32, 272}}) {
    TinyModel tiny;
    tiny.type = c.type;
    tiny.tied = c.tied;
    const Path path = folder / "model.gguf";
    write_tiny_gguf(path, tiny);
    const TokenWork work = token_work(ModelFile(path), c.arithmetic);
    EXPECT_EQ(work.body, 2 * kLayer);
    EXPECT_EQ(work.head, kHead);
    EXPECT_EQ(static_cast<double>(work.weight_bytes),
              c.bytes_each * static_cast<double>(2 * kLayer + c.head_rows * 64) + 4 * kGains);
    EXPECT_EQ(work.prompt_operations(10), 2.0 * (10 * 2 * kLayer + kHead));
  }
}

TEST(Work, CountsTheKeysThatAWindowSees) {
  CacheShape shape;
  shape.layers = {{2, 16, 0}, {2, 16, 8}};
  shape.context = 128;
  shape.type = Type::f16;
  const std::int64_t row = 2 * 2 * 16 * 2;  // keys and values, heads, width, bytes
  EXPECT_EQ(cache_bytes_read(shape, 0), 2 * row);
  EXPECT_EQ(cache_bytes_read(shape, 7), 16 * row);
  EXPECT_EQ(cache_bytes_read(shape, 99), 108 * row);
}

}  // namespace
}  // namespace bantam
