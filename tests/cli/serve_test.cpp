// `bantam serve` as a program: its address, its keys, its end.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "cli/shell.h"
#include "support/http_client.h"

namespace bantam {
namespace {

using test::HttpClient;

// The program, listening on a port that the system chose.
class Served {
 public:
  Served(const Path& folder, const std::string& options) {
    const std::string line = "cd " + test::quoted(folder.string()) + " && exec " +
                             test::quoted(BANTAM_PROGRAM) + " serve " + options +
                             " --port 0 2>&1 </dev/null";
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    child_ = fork();
    if (child_ == 0) {
      dup2(ends[1], 1);
      execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
      _exit(99);
    }
    close(ends[1]);
    output_ = fdopen(ends[0], "r");
    while (port_ == 0 && read_line())
      std::sscanf(std::strrchr(said_.c_str(), ':') ? std::strrchr(said_.c_str(), ':') : "",
                  ":%d/v1", &port_);
  }
  ~Served() {
    if (child_ > 0) kill(child_, SIGKILL);
    if (child_ > 0) waitpid(child_, nullptr, 0);
    std::fclose(output_);
  }
  int port() const { return port_; }
  void signal(int number) const { kill(child_, number); }
  // The exit status, or 128 + the signal that ended it.
  int status() {
    while (read_line()) {
    }
    int status = 0;
    waitpid(child_, &status, 0);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  const std::string& said() const { return said_; }

 private:
  bool read_line() {
    char line[1000];
    if (std::fgets(line, sizeof line, output_) == nullptr) return false;
    said_ += line;
    return true;
  }
  pid_t child_ = -1;
  FILE* output_ = nullptr;
  int port_ = 0;
  std::string said_;
};

Json endless(bool stream) {
  return {{"prompt", "the secret words"},
          {"max_tokens", 100'000},
          {"stream", stream},
          {"logit_bias", {{"260", -100}}}};
}

class Serve : public ::testing::Test {
 protected:
  Serve() {
    test::TinyModel tiny;
    tiny.context = 4096;
    test::write_tiny_gguf(folder_ / "tiny.gguf", tiny);
  }
  test::ScratchFolder folder_;
};

TEST_F(Serve, ASignalLetsAStreamEndAndIsNoFailure) {
  for (const int number : {SIGTERM, SIGINT}) {
    Served served(folder_.path(), "tiny.gguf");
    ASSERT_NE(served.port(), 0) << served.said();
    HttpClient client(served.port());
    client.post("/v1/completions", endless(true));
    EXPECT_EQ(client.head().status, 200);
    std::string stream = client.chunk();
    served.signal(number);
    for (std::string part; !(part = client.chunk()).empty();) stream += part;
    EXPECT_TRUE(stream.ends_with("data: [DONE]\n\n"));
    EXPECT_EQ(served.status(), 0);
    // One line for the request, nothing of its text.
    EXPECT_NE(served.said().find("POST /v1/completions: 200"), std::string::npos) << served.said();
    EXPECT_EQ(served.said().find("secret"), std::string::npos);
  }
}

TEST_F(Serve, ASecondSignalEndsAtOnce) {
  test::TinyModel tiny;
  tiny.context = 1'000'000;
  test::write_tiny_gguf(folder_ / "long.gguf", tiny);
  Served served(folder_.path(), "long.gguf --slots 1");
  HttpClient client(served.port()), other(served.port());
  client.post("/v1/completions", endless(true));
  EXPECT_EQ(client.head().status, 200);
  served.signal(SIGTERM);
  EXPECT_TRUE(other.ended());  // the first one has been heard
  served.signal(SIGTERM);
  EXPECT_EQ(served.status(), 128 + SIGTERM);
}

TEST_F(Serve, AKeyIsNeededWhereOneIsGiven) {
  write_file(folder_ / "key", "open-sesame\n");
  Served served(folder_.path(), "tiny.gguf --host 0.0.0.0 --api-key-file key");
  ASSERT_NE(served.port(), 0) << served.said();
  for (const auto& [headers, status] :
       {std::pair("", 401), std::pair("Authorization: Bearer open-sesame\r\n", 200)}) {
    HttpClient client(served.port());
    client.get("/v1/models", headers);
    EXPECT_EQ(client.reply().status, status);
  }
}

}  // namespace
}  // namespace bantam
