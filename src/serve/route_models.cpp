// GET /v1/models: the one that is served.
#include <nlohmann/json.hpp>

#include "serve/routes.h"

namespace bantam::serve {

void handle_models(Service& service, Exchange& exchange) {
  Json model = {{"id", service.model},
                {"object", "model"},
                {"created", service.created},
                {"owned_by", "bantam"}};
  exchange.respond({200, to_text({{"object", "list"}, {"data", Json::array({std::move(model)})}})});
}

}  // namespace bantam::serve
