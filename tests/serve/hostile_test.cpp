// Ten thousand requests that are wrong in every way: the server goes on, and keeps no memory.
#include <gtest/gtest.h>

#include <fstream>

#include "serve/garbage.h"
#include "serve/test_server.h"

namespace bantam {
namespace {

// Kilobytes of this program that are in memory.
std::int64_t resident() {
  std::ifstream file("/proc/self/statm");
  std::int64_t size = 0, pages = 0;
  file >> size >> pages;
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kOrdinary = false;  // a sanitizer keeps what was freed
#else
constexpr bool kOrdinary = true;
#endif

TEST(Hostile, TenThousandBadRequestsLeaveItServingAndNoLarger) {
  test::TestSetup setup;
  setup.limits.head_time = setup.limits.body_time = std::chrono::seconds(5);
  test::TestServer server(setup);
  const auto bother = [&](std::uint64_t from, std::uint64_t to) {
    std::array<int, 600> seen{};
    for (std::uint64_t i = from; i < to; ++i) {
      test::HttpClient client(server.port());
      ASSERT_TRUE(client.connected()) << i;
      client.send_bytes(test::garbage(i));
      client.half_close();        // what is cut must not be waited for
      if (i % 16 == 0) continue;  // some do not even listen
      const int status = client.reply().status;
      ++seen[static_cast<std::size_t>(status)];
      EXPECT_TRUE(status < 500) << i;
    }
    for (const std::size_t status : {400u, 403u, 404u, 405u, 413u, 415u, 431u})
      EXPECT_GT(seen[status], 0) << status;
  };
  bother(0, 2000);
  const std::int64_t before = resident();
  bother(2000, 10'000);
  if (kOrdinary) {
    EXPECT_LT(resident() - before, 8 * 1024) << "kB more than " << before;
  }
  EXPECT_EQ(server.post("/v1/completions", {{"prompt", "the"}, {"max_tokens", 2}}).status, 200);
}

}  // namespace
}  // namespace bantam
