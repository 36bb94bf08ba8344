#include "judge/several.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "judge/python_text.h"

namespace bantam::judge {

namespace {

constexpr double kCheckSeconds = 60;

// "$1,000.50" as 1000.5; what is no number stays.
std::string plain_number(std::string text) {
  std::string digits = text;
  std::erase_if(digits, [](char c) { return c == ',' || c == '$'; });
  while (digits.ends_with('.')) digits.pop_back();
  char* end = nullptr;
  const double value = std::strtod(digits.c_str(), &end);
  if (digits.empty() || end != digits.c_str() + digits.size() || !std::isfinite(value)) return text;
  char plain[40];
  std::snprintf(plain, sizeof plain, "%.15g", value);
  return plain;
}

class Memory {
 public:
  explicit Memory(std::string_view bytes) : fd_(memfd_create("bantam", MFD_CLOEXEC)) {
    bool whole = fd_ >= 0;
    while (whole && !bytes.empty()) {
      const ssize_t put = ::write(fd_, bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      whole = put > 0;
      if (whole) bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    if (!whole) throw Error("no memory for an answer");
    ::lseek(fd_, 0, SEEK_SET);
  }
  ~Memory() { ::close(fd_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  int fd() const { return fd_; }
  std::string text() const {
    std::string out(1 << 12, '\0');
    const ssize_t got = ::pread(fd_, out.data(), out.size(), 0);
    out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return out;
  }

 private:
  int fd_;
};

// The exit status of `sh -c command`.
int shell(const std::string& command, const Memory& in, const Memory& out) {
  const pid_t child = ::fork();
  if (child < 0) throw Error(std::string("no process for the checker: ") + std::strerror(errno));
  if (child == 0) {
    ::setpgid(0, 0);
    ::dup2(in.fd(), 0);
    ::dup2(out.fd(), 1);
    ::execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(kCheckSeconds);
  int status = 0;
  for (pid_t done = 0; done != child;) {
    done = ::waitpid(child, &status, WNOHANG);
    if (done == child || (done < 0 && errno != EINTR)) break;
    if (std::chrono::steady_clock::now() > end) {
      ::kill(-child, SIGKILL);
      while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
      }
      throw Error("ran for more than a minute").in(command);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

}  // namespace

std::string final_answer(std::string_view text, const std::string& pattern) {
  const std::string picked = filtered({"answer", pattern, -1}, text);
  return picked == "[invalid]" ? "" : plain_number(picked);
}

Votes count_votes(std::span<const std::string> finals) {
  const bool any = std::any_of(finals.begin(), finals.end(), [](const std::string& f) { return !f.empty(); });
  Votes out;
  for (const std::string& f : finals) {
    if (any && f.empty()) continue;
    const auto at = std::find_if(out.counts.begin(), out.counts.end(), [&](const auto& c) { return c.first == f; });
    if (at == out.counts.end())
      out.counts.emplace_back(f, 1);
    else
      ++at->second;
  }
  std::stable_sort(out.counts.begin(), out.counts.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  if (!out.counts.empty())
    out.winner = static_cast<std::size_t>(std::find(finals.begin(), finals.end(), out.counts.front().first) - finals.begin());
  return out;
}

double checked(const std::string& command, std::string_view text) {
  const Memory in(text), out("");
  const int status = shell(command, in, out);
  if (status == 127) throw Error("the checker could not be run").in(command);
  if (status != 0) return -std::numeric_limits<double>::infinity();
  const std::string said(strip(out.text()));
  if (said.empty()) return 1;
  char* end = nullptr;
  const double value = std::strtod(said.c_str(), &end);
  if (end != said.c_str() + said.size() || std::isnan(value))
    throw Error("the checker was to print a number, not \"" + printable(said, 60) + "\"").in(command);
  return value;
}

std::size_t best_of(const std::string& command, std::span<const std::string> texts) {
  std::size_t best = 0;
  double most = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const double value = checked(command, texts[i]);
    if (value > most) {
      most = value;
      best = i;
    }
  }
  return best;
}

namespace {

// What an answer says to a metric: what the metric's filter picked, "" for nothing.
std::string said_to(const Scored& scored, const std::string& metric, const std::string& output) {
  const auto at = scored.more.is_object() ? scored.more.find("filtered") : scored.more.end();
  if (!scored.more.is_object() || at == scored.more.end()) return std::string(strip(output));
  std::string picked;
  if (at->is_string())
    picked = at->get<std::string>();
  else if (const std::size_t comma = metric.find(','); comma != std::string::npos)
    picked = at->value(metric.substr(comma + 1), "");
  return picked == "[invalid]" ? "" : plain_number(picked);
}

}  // namespace

Scored score_several(const TaskSpec& task, const Item& item, const Response& response, const Several& several) {
  std::vector<Scored> all;
  Response one = response;
  for (const std::string& output : response.outputs) {
    one.output = output;
    all.push_back(score(task, item, one));
  }
  if (!several.check.empty()) {
    const std::size_t best = best_of(several.check, response.outputs);
    Scored out = all[best];
    if (!out.more.is_object()) out.more = Json::object();
    for (const auto& [metric, value] : out.values) out.more["taken"][metric] = best;
    return out;
  }
  Scored out = all.front();
  Json votes = Json::object(), taken = Json::object();
  for (std::size_t m = 0; m < out.values.size(); ++m) {
    const std::string& metric = out.values[m].first;
    std::vector<std::string> finals;
    for (std::size_t k = 0; k < all.size(); ++k) finals.push_back(said_to(all[k], metric, response.outputs[k]));
    const Votes counted = count_votes(finals);
    out.values[m].second = all[counted.winner].values[m].second;
    taken[metric] = counted.winner;
    if (m == 0) {  // what else is said of the item is the first metric's
      out.correct = all[counted.winner].correct;
      out.more = all[counted.winner].more;
    }
    Json& of_metric = votes[metric] = Json::object();
    for (const auto& [answer, count] : counted.counts) of_metric[answer] = count;
  }
  if (!out.more.is_object()) out.more = Json::object();
  out.more["votes"] = std::move(votes);
  out.more["taken"] = std::move(taken);
  return out;
}

}  // namespace bantam::judge
