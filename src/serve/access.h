// Who may ask: pages of other sites may not (they come by a browser on this machine), and where
// there is a key, only who knows it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/hash.h"
#include "serve/http.h"

namespace bantam::serve {

// The keys that are accepted. Only their sums are kept.
class Keys {
 public:
  // One key a line; throws Error when there is none, or one has a character that no header can
  // carry.
  static Keys read(const Path& file);
  Keys() = default;
  explicit Keys(const std::vector<std::string>& keys);

  bool empty() const { return sums_.empty(); }
  // `authorization`: the header's value, "Bearer KEY". Takes as long whichever key is wrong and
  // wherever it differs.
  bool allow(std::string_view authorization) const;

 private:
  std::vector<Sha256::Digest> sums_;
};

// Whether a Host header names this server: by a name of this machine's own side (localhost,
// 127.0.0.1, [::1]) or by `bound`, what it listens on; a port may follow. A page of another site
// that has its name resolve to this machine (DNS rebinding) sends that name. Where the server
// listens on every address, any address does, for a name is what such a page needs.
bool host_allowed(std::string_view host, std::string_view bound);

// Throws Refusal (415) for a body that is no JSON by its header: a page of another site can send
// other types without asking first.
void require_json(const Request& request);

}  // namespace bantam::serve
