// Serving: total tokens a second and peak memory of a fresh `bantam serve` with 1, 4 and 16 clients
// that each ask for a text of their own, as multiples of one client's. Usage: serve MODEL.gguf
// [threads] [tokens] [arguments of serve ...]. The program `bantam` is the one beside this one.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "base/error.h"
#include "support/http_client.h"

namespace bantam {

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// A server that has just been started, on a port of its own choice.
class FreshServer {
 public:
  FreshServer(const std::string& program, std::vector<std::string> arguments) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw Error("no pipe");
    child_ = fork();
    if (child_ == 0) {
      dup2(ends[1], STDERR_FILENO);
      std::vector<char*> words{const_cast<char*>(program.c_str())};
      for (std::string& argument : arguments) words.push_back(argument.data());
      words.push_back(nullptr);
      execv(program.c_str(), words.data());
      _exit(127);
    }
    close(ends[1]);
    errors_ = ends[0];
    std::string said;
    char letter;
    while (read(errors_, &letter, 1) == 1) {
      said += letter;
      if (letter != '\n') continue;
      const std::size_t at = said.find("listening on http://127.0.0.1:");
      if (at == std::string::npos) continue;
      port_ = std::atoi(said.c_str() + at + 30);
      break;
    }
    if (port_ == 0) throw Error("the server did not start: " + said);
    // What it says of each request must go somewhere.
    drain_ = std::thread([this] {
      char part[4096];
      while (read(errors_, part, sizeof part) > 0) {
      }
    });
  }
  ~FreshServer() {
    kill(child_, SIGINT);
    waitpid(child_, nullptr, 0);
    drain_.join();
    close(errors_);
  }

  int port() const { return port_; }
  // The most memory that it has had, in bytes.
  double peak() const {
    std::ifstream status("/proc/" + std::to_string(child_) + "/status");
    for (std::string word; status >> word;)
      if (word == "VmHWM:") {
        double kilobytes = 0;
        status >> kilobytes;
        return kilobytes * 1024;
      }
    return 0;
  }

 private:
  pid_t child_ = -1;
  int errors_ = -1, port_ = 0;
  std::thread drain_;
};

// The tokens that end an answer early, each made impossible.
Json without_ends(int port) {
  test::HttpClient info(port);
  info.get("/tokenizer_info");
  Json biases = Json::object();
  for (const std::string& end : {info.reply().json().value("eos_token", std::string()),
                                 std::string("<|endoftext|>"), std::string("<|im_end|>")}) {
    test::HttpClient http(port);
    http.post("/tokenize", {{"content", end}});
    const Json ids = http.reply().json()["tokens"];
    if (ids.size() == 1) biases[std::to_string(ids[0].get<int>())] = -100;
  }
  return biases;
}

// One answer; its tokens.
std::int64_t ask(int port, int client, std::int64_t tokens, const Json& biases) {
  test::HttpClient http(port);
  http.post("/v1/completions",
            {{"prompt", "Client " + std::to_string(client) + " would like to hear a story of " +
                            std::to_string(100 + client) + " words about the sea."},
             {"max_tokens", tokens},
             {"seed", client},
             {"logit_bias", biases}});
  const test::Reply reply = http.reply();
  if (reply.status != 200) throw Error("the server answered: " + reply.body);
  return reply.json()["usage"]["completion_tokens"].get<std::int64_t>();
}

struct Figures {
  double tokens_per_s, peak;
};
Figures measure(const std::string& program, const std::vector<std::string>& arguments, int clients,
                std::int64_t tokens) {
  const FreshServer server(program, arguments);
  std::vector<std::thread> threads;
  std::vector<std::int64_t> counts(static_cast<std::size_t>(clients));
  const Json biases = without_ends(server.port());
  const double start = now();
  for (int c = 0; c < clients; ++c)
    threads.emplace_back([&, c] {
      try {
        counts[static_cast<std::size_t>(c)] = ask(server.port(), c, tokens, biases);
      } catch (const std::exception& error) {
        fmt::print(stderr, "serve: {}\n", error.what());
      }
    });
  for (std::thread& thread : threads) thread.join();
  const double seconds = now() - start;
  double total = 0;
  for (const std::int64_t count : counts) total += static_cast<double>(count);
  return {total / seconds, server.peak()};
}

}  // namespace

void run(const std::string& program, const std::string& model, int threads, std::int64_t tokens,
         std::span<char*> more) {
  std::vector<std::string> arguments{"serve", model, "--port", "0"};
  if (threads > 0) arguments.insert(arguments.end(), {"-t", std::to_string(threads)});
  arguments.insert(arguments.end(), more.begin(), more.end());
  double one = 0;
  for (const int clients : {1, 4, 16}) {
    const Figures f = measure(program, arguments, clients, tokens);
    if (clients == 1) one = f.tokens_per_s;
    fmt::print("{:2} clients: {:7.1f} tokens/s ({:.2f} x one), peak memory {:.0f} MB\n", clients,
               f.tokens_per_s, f.tokens_per_s / one, f.peak / 1e6);
  }
}

}  // namespace bantam

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "serve: serve MODEL.gguf [threads] [tokens] [arguments of serve ...]\n");
    return 2;
  }
  try {
    const auto self = std::filesystem::canonical("/proc/self/exe");
    bantam::run((self.parent_path() / "bantam").string(), argv[1],
                argc > 2 ? std::atoi(argv[2]) : 0, argc > 3 ? std::atoll(argv[3]) : 128,
                std::span(argv, static_cast<std::size_t>(argc))
                    .subspan(argc > 4 ? 4 : static_cast<std::size_t>(argc)));
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "serve: {}\n", error.what());
    return 1;
  }
}
