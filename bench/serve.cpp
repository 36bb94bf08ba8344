// Serving: total tokens a second and peak memory of a fresh `bantam serve` with 1, 4 and 16 clients
// that each ask for a text of their own, as multiples of what one client has who asks the same texts
// one after the other; and beside llama.cpp's server in the same run where scripts/build_peers has
// built it. Once with a token a pass for everybody (--no-speculation): what sharing a pass wins; and
// once as it is by default, with guesses ahead, of which a lone client gains most.
// Usage: serve MODEL.gguf [threads] [tokens]
// [arguments of serve ...]. The program `bantam` is the one beside this one.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
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

int free_port() {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(descriptor);
  if (!bound) throw Error("no port is free");
  return ntohs(address.sin_port);
}

// How a server is started, but for its port.
struct Server {
  std::string name, program;
  std::vector<std::string> arguments;
};

// One that has just been started and says that it is ready.
class FreshServer {
 public:
  explicit FreshServer(const Server& server) : port_(free_port()) {
    std::vector<std::string> arguments = server.arguments;
    arguments.insert(arguments.end(), {"--port", std::to_string(port_)});
    std::vector<char*> words{const_cast<char*>(server.program.c_str())};
    for (std::string& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    child_ = fork();
    if (child_ == 0) {
      const int nowhere = open("/dev/null", O_RDWR);
      dup2(nowhere, STDOUT_FILENO);
      dup2(nowhere, STDERR_FILENO);
      execv(server.program.c_str(), words.data());
      _exit(127);
    }
    const double end = now() + 60;
    while (!ready()) {
      if (now() > end || waitpid(child_, nullptr, WNOHANG) == child_)
        throw Error("it did not start").in(server.program);
      usleep(20'000);
    }
  }
  FreshServer(const FreshServer&) = delete;
  FreshServer& operator=(const FreshServer&) = delete;
  ~FreshServer() {
    kill(child_, SIGINT);
    waitpid(child_, nullptr, 0);
  }

  int port() const { return port_; }
  // The most memory that it has had, in bytes: in all, and without the file's own pages, which the
  // system can take back.
  double peak() const { return status("VmHWM:"); }
  double own() const { return status("RssAnon:"); }

 private:
  bool ready() const {
    test::HttpClient http(port_);
    if (!http.connected()) return false;
    http.get("/health");
    return http.reply().status == 200;
  }
  double status(std::string_view key) const {
    std::ifstream file("/proc/" + std::to_string(child_) + "/status");
    for (std::string word; file >> word;)
      if (word == key) {
        double kilobytes = 0;
        file >> kilobytes;
        return kilobytes * 1024;
      }
    return 0;
  }

  pid_t child_ = -1;
  int port_ = 0;
};

// The tokens that end an answer early, each made impossible.
Json without_ends(int port) {
  Json biases = Json::object();
  for (const char* end : {"</s>", "<|endoftext|>", "<|im_end|>", "<end_of_turn>", "<eos>"}) {
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
  double tokens_per_s = 0, peak = 0, own = 0;
};
// The texts of clients [0, texts), asked by so many clients at once: each asks the next one when it
// has its answer.
Figures measure(const Server& kind, int clients, int texts, std::int64_t tokens) {
  const FreshServer server(kind);
  std::vector<std::thread> threads;
  std::vector<std::int64_t> counts(static_cast<std::size_t>(texts));
  const Json biases = without_ends(server.port());
  const double start = now();
  for (int c = 0; c < clients; ++c)
    threads.emplace_back([&, c] {
      try {
        for (int text = c; text < texts; text += clients)
          counts[static_cast<std::size_t>(text)] = ask(server.port(), text, tokens, biases);
      } catch (const std::exception& error) {
        fmt::print(stderr, "serve: {}: {}\n", kind.name, error.what());
      }
    });
  for (std::thread& thread : threads) thread.join();
  const double seconds = now() - start;
  double total = 0;
  for (const std::int64_t count : counts) {
    total += static_cast<double>(count);
    if (count != tokens)
      fmt::print(stderr, "serve: {}: an answer of {} tokens, not {}\n", kind.name, count, tokens);
  }
  return {total / seconds, server.peak(), server.own()};
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// Where scripts/build_peers has put llama.cpp's programs; empty: nowhere.
std::string peers() {
  FILE* pipe = popen(BANTAM_SOURCE "/scripts/build_peers --where 2>/dev/null", "r");
  std::string where;
  char part[4096];
  while (pipe != nullptr && std::fgets(part, sizeof part, pipe) != nullptr) where += part;
  if (pipe == nullptr || pclose(pipe) != 0) return "";
  where.resize(where.find_last_not_of('\n') + 1);
  return where;
}

}  // namespace

void run(const std::string& program, const std::string& model, int threads, std::int64_t tokens,
         std::span<char*> more) {
  const std::string count =
      std::to_string(threads > 0 ? threads : static_cast<int>(std::thread::hardware_concurrency()));
  std::vector<Server> servers{{"bantam, a token a pass", program, {"serve", model, "-t", count}}};
  servers[0].arguments.insert(servers[0].arguments.end(), more.begin(), more.end());
  servers.push_back(servers[0]);
  servers[0].arguments.push_back("--no-speculation");
  servers[1].name = "bantam, with guesses";
  // Room for sixteen answers, no more: its memory is all of it at once.
  if (const std::string where = peers(); !where.empty())
    servers.push_back({"llama.cpp",
                       where + "/llama-server",
                       {"-m", model, "-t", count, "-np", "16", "-c",
                        std::to_string(16 * (tokens + 64)), "--no-webui"}});
  constexpr int kRounds = 3;
  for (const int clients : {1, 4, 16}) {
    // In alternation, since neighbours come and go: medians, of the multiples too.
    std::vector<std::vector<double>> totals(servers.size()), multiples = totals, to_llama = totals;
    std::vector<Figures> last(servers.size());
    for (int round = 0; round < kRounds; ++round)
      for (std::size_t i = 0; i < servers.size(); ++i) {
        const double one = clients == 1 ? 0 : measure(servers[i], 1, clients, tokens).tokens_per_s;
        last[i] = measure(servers[i], clients, clients, tokens);
        totals[i].push_back(last[i].tokens_per_s);
        multiples[i].push_back(clients == 1 ? 1 : last[i].tokens_per_s / one);
        if (i == 2)
          for (std::size_t ours = 0; ours < i; ++ours)
            to_llama[ours].push_back(totals[ours].back() / last[i].tokens_per_s);
      }
    for (std::size_t i = 0; i < servers.size(); ++i) {
      fmt::print("{:2} clients, {:22}: {:7.1f} tokens/s, best {:.1f}", clients, servers[i].name,
                 median(totals[i]), std::ranges::max(totals[i]));
      if (clients > 1)
        fmt::print("; {:.2f} x one who asks the same texts, {:.2f} to {:.2f}", median(multiples[i]),
                   std::ranges::min(multiples[i]), std::ranges::max(multiples[i]));
      if (!to_llama[i].empty()) fmt::print("; {:.2f} x llama.cpp's", median(to_llama[i]));
      fmt::print("; peak memory {:.0f} MB, {:.0f} of it its own\n", last[i].peak / 1e6,
                 last[i].own / 1e6);
      std::fflush(stdout);
    }
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
