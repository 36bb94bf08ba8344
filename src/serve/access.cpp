#include "serve/access.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <sstream>

#include "base/error.h"

namespace bantam::serve {

namespace {

Sha256::Digest sum_of(std::string_view text) {
  Sha256 sum;
  sum.add(std::as_bytes(std::span(text)));
  return sum.digest();
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

// Without ":PORT"; empty when what follows the colon is no port.
std::string_view without_port(std::string_view host) {
  const std::size_t from = host.starts_with('[') ? host.find(']') : 0;
  if (from == std::string_view::npos) return "";
  const std::size_t colon = host.find(':', from);
  if (colon == std::string_view::npos) return host;
  const std::string_view port = host.substr(colon + 1);
  if (port.empty() || port.size() > 5 ||
      port.find_first_not_of("0123456789") != std::string_view::npos)
    return "";
  return host.substr(0, colon);
}

// "[::1]" or "::1" -> "::1"
std::string without_brackets(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return std::string(host);
}

bool is_address(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

}  // namespace

Keys::Keys(const std::vector<std::string>& keys) {
  for (const std::string& key : keys) sums_.push_back(sum_of(key));
}

Keys Keys::read(const Path& file) {
  std::istringstream text(read_file(file, std::uint64_t{1} << 16));
  std::vector<std::string> keys;
  std::uint64_t number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty()) continue;
    if (std::ranges::any_of(line, [](char c) { return c <= 0x20 || c >= 0x7f; }))
      throw Error("a key of printable ASCII without spaces was expected")
          .in(file.string())
          .line(number);
    keys.push_back(line);
  }
  if (keys.empty())
    throw Error("a key was expected; `openssl rand -hex 32` makes one").in(file.string());
  return Keys(keys);
}

bool Keys::allow(std::string_view authorization) const {
  constexpr std::string_view kBearer = "Bearer ";  // its case does not count (RFC 9110, 11.1)
  if (!same_ignoring_case(authorization.substr(0, kBearer.size()), kBearer)) return false;
  const Sha256::Digest given = sum_of(authorization.substr(kBearer.size()));
  int matches = 0;
  for (const Sha256::Digest& sum : sums_)
    matches += CRYPTO_memcmp(sum.data(), given.data(), given.size()) == 0 ? 1 : 0;
  return matches > 0;
}

bool host_allowed(std::string_view host, std::string_view bound) {
  const std::string name = without_brackets(without_port(host));
  const std::string own = without_brackets(bound);
  if (name.empty()) return false;
  if (own == "0.0.0.0" || own == "::") {
    if (is_address(name)) return true;
  }
  for (const std::string_view known : {std::string_view("localhost"), std::string_view("127.0.0.1"),
                                       std::string_view("::1"), std::string_view(own)})
    if (same_ignoring_case(name, known)) return true;
  return false;
}

void require_json(const Request& request) {
  std::string_view type = request.content_type;
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  if (!same_ignoring_case(type, "application/json"))
    throw Refusal(415, "a body of Content-Type application/json was expected");
  if (!request.content_encoding.empty() && request.content_encoding != "identity")
    throw Refusal(415, "a body without Content-Encoding was expected");
}

}  // namespace bantam::serve
