// GET /health: the server is there, and how much of it is taken.
#include <nlohmann/json.hpp>

#include "serve/routes.h"

namespace bantam::serve {

void handle_health(Service& service, Exchange& exchange) {
  exchange.respond({200, to_text({{"status", "ok"},
                                  {"slots", service.engine.slots()},
                                  {"busy", service.engine.busy()},
                                  {"waiting", service.engine.waiting()}})});
}

}  // namespace bantam::serve
