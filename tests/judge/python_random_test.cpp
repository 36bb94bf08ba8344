// Python's random numbers, as CPython 3.11 gives them.
#include "judge/python_random.h"

#include <gtest/gtest.h>

namespace bantam::judge {
namespace {

TEST(PythonRandom, GivesItsWords) {
  PythonRandom random(1234);
  for (const std::uint32_t expected : {4150886329u, 3342196574u, 1892932127u, 501869158u,
                                       32175636u, 389311301u, 3912611952u, 4048155970u})
    EXPECT_EQ(random.word(), expected);
}

TEST(PythonRandom, DrawsItsSamples) {
  using Sample = std::vector<std::size_t>;
  PythonRandom many(1234);  // by a set
  EXPECT_EQ(many.sample(7473, 5), (Sample{6374, 3610, 957, 61, 742}));
  EXPECT_EQ(many.sample(7473, 5), (Sample{7462, 6610, 4769, 286, 5501}));
  PythonRandom few(0);
  EXPECT_EQ(few.sample(100, 5), (Sample{49, 97, 53, 5, 33}));
  PythonRandom six(1234);
  EXPECT_EQ(six.sample(16113, 6), (Sample{15834, 12749, 7220, 1914, 122, 1485}));
}

// python3 -c "import random; r = random.Random(7); print(r.random(), r.random(), r.sample(range(10), 4))"
TEST(PythonRandom, GivesItsReals) {
  PythonRandom random(7);
  EXPECT_EQ(random.real(), 0.32383276483316237);
  EXPECT_EQ(random.real(), 0.15084917392450192);
  EXPECT_EQ(random.sample(10, 4), (std::vector<std::size_t>{0, 1, 8, 2}));
}

}  // namespace
}  // namespace bantam::judge
