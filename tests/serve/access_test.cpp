// Host headers and key files.
#include "serve/access.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/tiny_model.h"

namespace bantam {
namespace {

TEST(Access, AHostHeaderMustNameThisServer) {
  struct {
    const char* host;
    const char* bound;
    bool allowed;
  } const cases[] = {
      {"localhost", "127.0.0.1", true},
      {"LocalHost:8080", "127.0.0.1", true},
      {"127.0.0.1", "127.0.0.1", true},
      {"127.0.0.1:1", "127.0.0.1", true},
      {"[::1]", "127.0.0.1", true},
      {"[::1]:8080", "127.0.0.1", true},
      {"", "127.0.0.1", false},
      {":8080", "127.0.0.1", false},
      {"localhost:", "127.0.0.1", false},
      {"localhost:80a", "127.0.0.1", false},
      {"localhost:808080", "127.0.0.1", false},
      {"localhost.", "127.0.0.1", false},
      {"evil.localhost", "127.0.0.1", false},
      {"localhost.evil.com", "127.0.0.1", false},
      {"127.0.0.1.evil.com", "127.0.0.1", false},
      {"evil.com:8080", "127.0.0.1", false},
      {"192.168.0.7", "127.0.0.1", false},
      {"[::1", "127.0.0.1", false},
      {"user@localhost", "127.0.0.1", false},
      {"localhost, evil.com", "127.0.0.1", false},
      // What it was told to listen on.
      {"192.168.0.7:8080", "192.168.0.7", true},
      {"192.168.0.8:8080", "192.168.0.7", false},
      {"server.lan", "server.lan", true},
      {"other.lan", "server.lan", false},
      {"[fe80::1]:8080", "fe80::1", true},
      // On every address: any address, no name.
      {"192.168.0.7:8080", "0.0.0.0", true},
      {"[fe80::1]", "::", true},
      {"localhost:8080", "0.0.0.0", true},
      {"evil.com", "0.0.0.0", false},
  };
  for (const auto& c : cases)
    EXPECT_EQ(serve::host_allowed(c.host, c.bound), c.allowed) << c.host << " at " << c.bound;
}

TEST(Access, AKeyFileHasAKeyALine) {
  const test::ScratchFolder folder;
  write_file(folder / "keys", "one\r\n\ntwo  \n");
  const serve::Keys keys = serve::Keys::read(folder / "keys");
  EXPECT_TRUE(keys.allow("Bearer one"));
  EXPECT_TRUE(keys.allow("BEARER two"));
  for (const char* wrong :
       {"", "Bearer", "Bearer ", "Bearer two  ", "Bearer three", "one", "Bearer one\n"})
    EXPECT_FALSE(keys.allow(wrong)) << wrong;
}

TEST(Access, AKeyFileWithoutAKeyIsRefused) {
  const test::ScratchFolder folder;
  for (const char* text : {"", "\n\n", "  \n", "two words\n", "caf\xc3\xa9\n", "tab\there\n"}) {
    write_file(folder / "keys", text);
    EXPECT_THROW(serve::Keys::read(folder / "keys"), Error) << text;
  }
  write_file(folder / "keys", std::string(100'000, 'a'));
  EXPECT_THROW(serve::Keys::read(folder / "keys"), Error);
  EXPECT_THROW(serve::Keys::read(folder / "none"), Error);
}

}  // namespace
}  // namespace bantam
