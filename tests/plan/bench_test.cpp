// The arithmetic of a bench: samples, limits, meters. Nothing here depends on speed.
#include "plan/bench.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>

#include "base/error.h"
#include "kernels/exec.h"
#include "plan/energy.h"
#include "plan/resident.h"
#include "support/tiny_model.h"

namespace bantam {
namespace {

using test::ScratchFolder;

TEST(Samples, TellTheMiddleAndTheEnds) {
  Samples s;
  EXPECT_EQ(s.median(), 0);
  EXPECT_EQ(s.spread(), 0);
  for (const double v : {5.0, 1.0, 3.0}) s.add(v);
  EXPECT_EQ(s.median(), 3);
  EXPECT_EQ(s.least(), 1);
  EXPECT_EQ(s.most(), 5);
  EXPECT_DOUBLE_EQ(s.spread(), 2.0 / 3);  // from 2 to 4
  s.add(4);
  EXPECT_EQ(s.median(), 3.5);
}

TEST(Bench, LimitsAreTheBestProbesDividedByTheWork) {
  BenchReport report;
  report.work = {1000, 200, 5000};
  report.read.add(4e6);
  report.read.add(6e6);
  report.peak.add(1e9);
  report.rows.resize(2);
  report.rows[1].depth = 10;
  report.rows[1].batch = 4;
  BenchOptions options;
  options.prompt = 100;
  options.answer = 21;
  CacheShape cache;
  cache.layers = {{1, 8, 0}};
  cache.type = Type::f32;
  set_limits(report, cache, options);
  const double position = 2 * 8 * 4;
  EXPECT_EQ(report.rows[0].bytes_per_token, 5000 + 11 * position);
  EXPECT_DOUBLE_EQ(report.rows[0].decode_limit, 6e6 / (5000 + 11 * position));
  EXPECT_EQ(report.rows[1].bytes_per_token, 1250 + 21 * position);
  EXPECT_DOUBLE_EQ(report.rows[0].prefill_limit, 1e9 * 100 / (2 * (1000.0 * 100 + 200)));
  report.rows[0].decode.add(report.rows[0].decode_limit / 2);
  EXPECT_DOUBLE_EQ(report.rows[0].decode_fraction(), 0.5);
  EXPECT_EQ(report.rows[0].prefill_fraction(), 0);
}

TEST(Bench, RunsEveryRowAsOftenAsItWasAsked) {
  const ScratchFolder folder;
  const Path path = folder / "model.gguf";
  test::write_tiny_gguf(path);
  BenchOptions options;
  options.session.threads = 1;
  options.prompt = 12;
  options.answer = 5;
  options.repeats = 3;
  options.depths = {0, 20};
  options.batches = {1, 3};
  std::int64_t steps = 0;
  const BenchReport report = run_bench(path, options, [&](std::int64_t done) {
    EXPECT_EQ(done, steps);
    ++steps;
    return true;
  });
  EXPECT_EQ(steps, bench_steps(options));
  ASSERT_EQ(report.rows.size(), 4u);
  for (const BenchRow& row : report.rows) {
    EXPECT_EQ(row.prefill.count(), 3u);
    EXPECT_EQ(row.decode.count(), 3u);
    EXPECT_GT(row.prefill.least(), 0);
    EXPECT_GT(row.decode_limit, 0);
  }
  EXPECT_EQ(report.rows[3].depth, 20);
  EXPECT_EQ(report.rows[3].batch, 3);
  EXPECT_EQ(report.read.count(), 4u);  // before, between and after the runs
  EXPECT_GT(report.peak_bytes, 0u);
  EXPECT_GE(report.first_token_ms.least(), report.load_ms.least());
}

TEST(Bench, RefusesWhatDoesNotFit) {
  const ScratchFolder folder;
  const Path path = folder / "model.gguf";
  test::write_tiny_gguf(path);  // with a context of 128
  BenchOptions options;
  options.prompt = 120;
  options.depths = {9};
  EXPECT_THROW(run_bench(path, options), Error);
  options.depths = {};
  EXPECT_THROW(run_bench(path, options), Error);
  options.depths = {0};
  options.prompt = 0;
  EXPECT_THROW(run_bench(path, options), Error);
}

TEST(Energy, IsReadOfPackagesAndWraps) {
  const ScratchFolder folder;
  const auto put = [&](const std::string& name, const char* file, const char* text) {
    std::filesystem::create_directories(folder / name);
    write_file(folder / name / file, text);
  };
  put("intel-rapl:0", "energy_uj", "1000000\n");
  put("intel-rapl:0", "max_energy_range_uj", "5000000\n");
  put("intel-rapl:1", "energy_uj", "4000000\n");
  put("intel-rapl:1", "max_energy_range_uj", "5000000\n");
  put("intel-rapl:0:0", "energy_uj", "77\n");  // a part of the first
  put("intel-rapl:0:0", "max_energy_range_uj", "5000000\n");
  EnergyMeter meter(folder.path());
  ASSERT_TRUE(meter.works());
  meter.start();
  put("intel-rapl:0", "energy_uj", "3500000\n");
  put("intel-rapl:1", "energy_uj", "500000\n");  // over the end of its range
  EXPECT_DOUBLE_EQ(*meter.joules(), 2.5 + 1.5);

  EnergyMeter none(folder / "nowhere");
  EXPECT_FALSE(none.works());
  EXPECT_FALSE(none.joules());
}

TEST(Resident, IsWhatTheSystemWrites) {
  const ScratchFolder folder;
  write_file(folder / "status", "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n");
  const Resident r = resident_memory(folder / "status");
  EXPECT_EQ(r.peak, 2048u << 10);
  EXPECT_EQ(r.now, 1024u << 10);
  EXPECT_GE(resident_memory().peak, resident_memory().now);
}

TEST(Resident, APeakCanBeForgotten) {
  constexpr std::size_t kBytes = 96u << 20;
  {
    const Bytes much = allocate_bytes(kBytes);
    std::memset(much.get(), 1, kBytes);
  }
  const std::uint64_t before = resident_memory().peak;
  if (access("/proc/self/clear_refs", W_OK) != 0) GTEST_SKIP() << "the system does not count anew";
  forget_peak();
  EXPECT_LE(resident_memory().peak + kBytes / 2, before);
}

}  // namespace
}  // namespace bantam
