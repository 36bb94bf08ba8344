// Any bytes as a connection: requests come out of it or a Refusal says why not, and of each the
// headers and the body are read as the server reads them.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.h"
#include "serve/access.h"
#include "serve/http_reader.h"
#include "serve/requests.h"

namespace {

using namespace bantam::serve;

// The bytes come in pieces whose length the input's first byte says.
class Bytes : public ByteSource {
 public:
  Bytes(std::string_view text, std::size_t piece) : text_(text), piece_(piece) {}
  void enter(Phase) override {}
  void say_continue() override {}
  std::size_t read(char* to, std::size_t most) override {
    const std::size_t count = std::min({most, piece_, text_.size()});
    text_.copy(to, count);
    text_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view text_;
  std::size_t piece_;
};

// A Refusal is an answer, and must be one that HTTP can carry; any other exception is a fault.
template <class Ask>
void answered(Ask ask) {
  try {
    ask();
  } catch (const Refusal& refusal) {
    if (refusal.status() < 400 || refusal.status() > 499) std::abort();
    const std::string text = response_text(response_to(refusal), true);
    const std::size_t head = text.find("\r\n\r\n");
    if (bantam::parse_json(text.substr(head + 4), "error").at("error").size() != 4) std::abort();
  }
}

void use(const Request& request, const Limits& limits) {
  if (request.body.size() > limits.body || request.path.front() != '/') std::abort();
  answered([&] { require_json(request); });
  host_allowed(request.host, "127.0.0.1");
  static const Keys keys({"key"});
  keys.allow(request.authorization);
  answered([&] { parse_chat(request.body, limits); });
  answered([&] { parse_completion(request.body, limits); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Limits limits;
  limits.head = 512;
  limits.body = 4096;
  limits.values = 500;
  Bytes bytes({reinterpret_cast<const char*>(data) + 1, size - 1}, data[0] + std::size_t{1});
  HttpReader reader(bytes, limits);
  answered([&] {
    for (auto request = reader.head(); request && reader.read_body(*request);
         request = reader.head())
      use(*request, limits);
  });
  return 0;
}
