// Encoding speed on one thread beside the Rust tokenizers of Hugging Face and tiktoken (npm
// packages, read by tokenize_peers.mjs where they are installed), in alternation over the same
// pieces of 4 KiB; then one text of 1, 10 and 100 MB. Times are processor time of the thread (the
// peers': of their process). Usage: tokenize TOKENIZER.json TEXT [PEERS]
// PEERS: a folder in which `npm install @anush008/tokenizers tiktoken` was run.
#include <fmt/format.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "tokenizer/tokenizer.h"

using namespace bantam;

namespace {

constexpr std::size_t kPiece = 4096, kBytes = std::size_t{8} << 20;
constexpr int kRounds = 5;

double seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::string repeated(const std::string& text, std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += text;
  out.resize(bytes);
  while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80) out.pop_back();
  if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0xC0) out.pop_back();
  return out;
}

// Pieces of kPiece bytes, cut before a character's first byte.
std::vector<std::string_view> pieces_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    std::size_t end = std::min(kPiece, text.size());
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

// tokenize_peers.mjs, asked for one round of one peer at a time: seconds and ids, or nothing.
class Peers {
 public:
  Peers(const char* folder, const std::string& tokenizer, const std::string& text) {
    int to[2], from[2];
    if (pipe(to) != 0 || pipe(from) != 0) return;
    child_ = fork();
    if (child_ == 0) {
      dup2(to[0], 0);
      dup2(from[1], 1);
      for (const int d : {to[0], to[1], from[0], from[1]}) close(d);
      execlp("node", "node", BANTAM_SOURCE "/bench/tokenize_peers.mjs", folder, tokenizer.c_str(),
             text.c_str(), nullptr);
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    out_ = fdopen(to[1], "w");
    in_ = fdopen(from[0], "r");
  }
  ~Peers() {
    std::fclose(out_);
    std::fclose(in_);
    waitpid(child_, nullptr, 0);
  }
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  bool round(const char* name, double& time, std::size_t& ids) {
    std::fprintf(out_, "%s\n", name);
    std::fflush(out_);
    char line[128];
    return std::fgets(line, sizeof line, in_) && std::sscanf(line, "%lf %zu", &time, &ids) == 2;
  }

 private:
  pid_t child_ = -1;
  std::FILE *out_ = nullptr, *in_ = nullptr;
};

struct Timed {
  const char* name;
  std::vector<double> rates;
  std::size_t ids = 0;
};

void compare(const Tokenizer& tokenizer, const std::string& tokenizer_path, const std::string& text,
             const char* folder) {
  const Path file = std::filesystem::temp_directory_path() /
                    ("bantam-tokenize-" + std::to_string(getpid()) + ".txt");
  write_file(file, text);
  const std::vector<std::string_view> pieces = pieces_of(text);
  const double megabytes = static_cast<double>(text.size()) / 1e6;
  Timed ours{"bantam", {}}, peers[] = {{"tokenizers", {}}, {"tiktoken", {}}};
  {
    Peers process(folder, tokenizer_path, file.string());
    for (int round = 0; round < kRounds; ++round) {
      std::vector<std::int32_t> ids;
      ours.ids = 0;
      const double start = seconds();
      for (const std::string_view piece : pieces) {
        ids.clear();
        tokenizer.encode(piece, {false, false}, ids);
        ours.ids += ids.size();
      }
      ours.rates.push_back(megabytes / (seconds() - start));
      for (Timed& peer : peers)
        if (double time = 0; process.round(peer.name, time, peer.ids))
          peer.rates.push_back(megabytes / time);
    }
  }
  std::filesystem::remove(file);
  const auto show = [&](const Timed& t) {
    if (t.rates.empty()) return fmt::print("  {:<12} is not there\n", t.name);
    fmt::print("  {:<12}{:>7.1f} MB/s (best {:.1f}), {} ids", t.name, median(t.rates),
               *std::max_element(t.rates.begin(), t.rates.end()), t.ids);
    if (&t != &ours)
      fmt::print("; bantam is {:.1f} times as fast", median(ours.rates) / median(t.rates));
    fmt::print("\n");
  };
  show(ours);
  for (const Timed& peer : peers) show(peer);
}

void lengths(const Tokenizer& tokenizer, const std::string& text) {
  for (const std::size_t megabytes : {1u, 10u, 100u}) {
    const std::string whole = repeated(text, megabytes * 1'000'000);
    std::vector<std::int32_t> ids;
    const double start = seconds();
    tokenizer.encode(whole, {false, false}, ids);
    const double time = seconds() - start;
    fmt::print("  {:>3} MB in one text: {:.3f} s, {:.1f} MB/s\n", megabytes, time,
               static_cast<double>(whole.size()) / 1e6 / time);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) {
    fmt::print(stderr, "usage: tokenize TOKENIZER.json TEXT [PEERS]\n");
    return 2;
  }
  const auto tokenizer = open_tokenizer(argv[1]);
  const std::string text = read_file(argv[2]);
  fmt::print("{}\n", argv[2]);
  compare(*tokenizer, argv[1], repeated(text, kBytes), argc > 3 ? argv[3] : ".");
  lengths(*tokenizer, text);
  return 0;
} catch (const Error& error) {
  fmt::print(stderr, "tokenize: {}\n", error.what());
  return 1;
}
