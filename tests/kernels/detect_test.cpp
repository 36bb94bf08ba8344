// Which instruction sets are used.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"
#include "kernels/detect.h"

namespace bantam {
namespace {

// Sets BANTAM_ISA for a scope.
class IsaVariable {
 public:
  explicit IsaVariable(const char* value) {
    if (const char* old = std::getenv("BANTAM_ISA")) before_ = old;
    setenv("BANTAM_ISA", value, 1);
  }
  ~IsaVariable() {
    if (before_.empty())
      unsetenv("BANTAM_ISA");
    else
      setenv("BANTAM_ISA", before_.c_str(), 1);
  }
  IsaVariable(const IsaVariable&) = delete;
  IsaVariable& operator=(const IsaVariable&) = delete;

 private:
  std::string before_;
};

constexpr Isa kAll[] = {Isa::scalar, Isa::avx2, Isa::avx512, Isa::amx, Isa::neon};

TEST(Isa, TheVariableNamesTheRowToUse) {
  for (const Isa isa : kAll) {
    const IsaVariable set(isa_name(isa));
    if (isa_available(isa))
      EXPECT_EQ(best_isa(), isa);
    else
      EXPECT_THROW(best_isa(), Error) << isa_name(isa);
  }
}

TEST(Isa, AnUnknownNameIsRefused) {
  const IsaVariable set("avx1024");
  EXPECT_THROW(best_isa(), Error);
}

TEST(Isa, WithoutTheVariableTheBestIsAvailable) {
  const IsaVariable set("");
  EXPECT_TRUE(isa_available(best_isa()));
  EXPECT_TRUE(isa_available(Isa::scalar));
}

TEST(Isa, EmptyKernelsDoNothing) {
  const Kernels k = empty_kernels();
  k.dot_f32({});
  k.panel_block({});
  k.strip({});
  k.tiles_begin();
  k.tiles_end();
  EXPECT_TRUE(k.empty);
}

}  // namespace
}  // namespace bantam
